"""What a stage wants a reader to know: a code and its numbers. The sentence is made in interpretation."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from kinscope.core.records import Record

AS_WRITTEN = "as-written"
"""Code of a note that is text already: of records that were written by hand or by an earlier version."""

Value = int | float | str | tuple[int | float | str, ...] | None


class Note(Record):
    """One thing to know; :func:`kinscope.interpretation.words.say` puts it into words."""

    code: str
    """What it is about, e.g. ``proline-without-amide``; every code has a sentence."""
    values: dict[str, Value] = Field(default_factory=dict)
    """The numbers and names that the sentence needs, with the unit in every name that has one."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        return {"code": AS_WRITTEN, "values": {"text": data}} if isinstance(data, str) else data

    @model_serializer(mode="wrap")
    def _as_it_was(self, handler: SerializerFunctionWrapHandler) -> Any:
        return self.values["text"] if self.code == AS_WRITTEN else handler(self)


def note(code: str, **values: Value) -> Note:
    """A note from its code and its values."""
    return Note(code=code, values=values)

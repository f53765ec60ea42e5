"""From a note, or a difference, to its sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record
from kinscope.interpretation.words import docking, models, statistics
from kinscope.results.measured import Difference
from kinscope.results.notes import Note, Value

FUNCTIONS: Mapping[str, Callable[..., str]] = {
    **models.SENTENCES,
    **docking.SENTENCES,
    **statistics.SENTENCES,
}
"""Of the values of notes that take more than a sentence with places for them."""


class Sentence(Record):
    """A sentence with places for the values of a note, and how those are written that are lists."""

    sentence: str
    separator: str = ", "
    form: str = ""
    """Of every item, as in a format string."""
    row: str = ""
    """One item of every list together; the joined rows are ``rows`` in the sentence."""

    def filled(self, values: Mapping[str, Value]) -> str:
        """The sentence with a note's values."""
        lists = {name: value for name, value in values.items() if isinstance(value, tuple)}
        joined = {
            name: self.separator.join(format(item, self.form) for item in items)
            for name, items in lists.items()
        }
        if self.row:
            rows = (dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True))
            joined["rows"] = self.separator.join(self.row.format(**row) for row in rows)
        return self.sentence.format(**{**values, **joined})


@cache
def sentences() -> Mapping[str, Sentence]:
    """Every sentence of ``sentences.yaml``, by code."""
    told = read_yaml(Path(__file__).parent / "sentences.yaml")
    return {
        code: Sentence.model_validate({"sentence": text} if isinstance(text, str) else text)
        for code, text in told.items()
    }


def say(note: Note) -> str:
    """The sentence of a note; its text or its code where this version knows no sentence."""
    if (function := FUNCTIONS.get(note.code)) is not None:
        return function(**note.values)
    sentence = sentences().get(note.code)
    return str(note.values.get("text", note.code)) if sentence is None else sentence.filled(note.values)


def say_all(notes: Iterable[Note]) -> tuple[str, ...]:
    """The sentences of notes in their order, each once."""
    return tuple(dict.fromkeys(say(note) for note in notes))


def statement(item: Difference, where: str = "the mutant") -> str:
    """A difference in words: the effect with its interval, or ``not resolved by ...``.

    ``item`` is mutant minus native, or one state minus another; ``where`` is whose values are higher or
    lower.
    """
    had = item.sampling or f"{item.native_replicas} native and {item.mutant_replicas} mutant replicas"
    if item.limit is not None:
        return f"not resolved: {say(item.limit)}"
    if item.value is None:
        return f"not resolved: no value on one side ({had})"
    if item.low is None or item.high is None or item.outcome == "too-few-replicas":
        return f"not resolved by {had}: {_signed(item.value, item.unit)}, too few replicas for an interval"
    if item.outcome == "copies":
        return f"not resolved by {had}: the replicas do not differ from one another"
    shown = (
        f"{_signed(item.value, item.unit)} ({100 * item.confidence:g} % interval "
        f"{_signed(item.low, '')} to {_signed(item.high, item.unit)})"
    )
    if item.decided:
        return f"{outcome_words(item, where)}: {shown}, {had}"
    corrected = " once corrected for all comparisons" if item.outcome == "unresolved-corrected" else ""
    return f"not resolved by {had}{corrected}: {shown}"


def outcome_words(item: Difference, where: str = "the mutant") -> str:
    """``higher in the mutant``, ``no change of 0.05 Å or more`` or ``not resolved``, without the numbers."""
    if item.resolved:
        return f"{item.outcome} in {where}"
    if item.outcome == "no-change":
        return f"no change of {item.smallest_meaningful:g} {item.unit} or more"
    if item.outcome == "below-smallest":
        return f"below the smallest change that counts ({item.smallest_meaningful:g} {item.unit})"
    return "not resolved"


def _signed(value: float, unit: str) -> str:
    digits = 2 if value == 0 else max(0, min(4, 2 - math.floor(math.log10(abs(value)))))
    digits = min(digits, 3) if abs(value) >= 1e-3 else digits
    text = f"{value:+.{digits}f}"
    return f"{text} {unit}".rstrip()

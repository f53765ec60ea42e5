"""From a note, or a difference, to its sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from kinscope.interpretation.words import docking, models, statistics
from kinscope.results.measured import Difference
from kinscope.results.notes import AS_WRITTEN, Note

SENTENCES: Mapping[str, str | Callable[..., str]] = {
    **models.SENTENCES,
    **docking.SENTENCES,
    **statistics.SENTENCES,
}
"""A format string, or a function of the note's values, by code."""


def say(note: Note) -> str:
    """The sentence of a note; its text or its code where this version knows no sentence."""
    sentence = SENTENCES.get(note.code)
    if sentence is None:
        return str(note.values.get("text", note.code))
    return sentence.format(**note.values) if isinstance(sentence, str) else sentence(**note.values)


def say_all(notes: Iterable[Note]) -> tuple[str, ...]:
    """The sentences of notes in their order, each once."""
    return tuple(dict.fromkeys(say(note) for note in notes))


def written(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes as their sentences, for tables that people open; read back they are notes again."""
    return tuple(Note(code=AS_WRITTEN, values={"text": say(note)}) for note in notes)


def statement(item: Difference, where: str = "the mutant") -> str:
    """A difference in words: the effect with its interval, or ``not resolved by ...``.

    ``where``: whose values are higher or lower.
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

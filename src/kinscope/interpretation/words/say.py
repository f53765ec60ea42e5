"""From a note to its sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kinscope.interpretation.words import docking, models, statistics
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

"""Every code that a stage hands over has a sentence, and every sentence a stage that hands its code over."""

from __future__ import annotations

import ast
from pathlib import Path

import kinscope
from kinscope.interpretation.words.say import SENTENCES, say
from kinscope.results.notes import Note, note

SOURCE = Path(kinscope.__file__).parent


def codes_handed_over() -> set[str]:
    """First arguments of ``note(...)`` in the whole source."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "note":
                assert isinstance(node.args[0], ast.Constant), f"{path}: a code is written where it is used"
                found.add(node.args[0].value)
    return found


def test_codes_and_sentences_are_the_same_set() -> None:
    assert codes_handed_over() == set(SENTENCES)


def test_a_note_written_as_text_is_said_as_it_is() -> None:
    assert say(Note.model_validate("Left as it was.")) == "Left as it was."


def test_a_note_survives_json() -> None:
    told = note("some-code", residue=404, shift_angstrom=0.25, names=("Glu286", "Asp381"))
    assert Note.model_validate_json(told.model_dump_json()) == told

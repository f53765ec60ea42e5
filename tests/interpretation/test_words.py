"""Every code that a stage hands over has a sentence, and every sentence a stage that hands its code over."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kinscope
from kinscope.interpretation.words.say import FUNCTIONS, say, sentences
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
    assert codes_handed_over() == FUNCTIONS.keys() | sentences().keys()
    assert not FUNCTIONS.keys() & sentences().keys()


def test_a_note_written_as_text_is_said_as_it_is() -> None:
    told = Note.model_validate("Left as it was.")
    assert say(told) == "Left as it was."
    assert told.model_dump_json() == '"Left as it was."'


def test_a_note_survives_json() -> None:
    told = note("some-code", residue=404, shift_angstrom=0.25, names=("Glu286", "Asp381"))
    assert Note.model_validate_json(told.model_dump_json()) == told


def test_a_call_and_a_pose_are_put_into_words_with_their_numbers() -> None:
    numbers = {"value_kcal_per_mol": 5.0, "low_kcal_per_mol": 4.0, "high_kcal_per_mol": 6.0}
    assert say(note("rigid-docking-disagrees", word="lost", **numbers)) == (
        "rigid docking alone says lost (+5.0 [+4.0, +6.0] kcal/mol)"
    )
    assert say(note("pose-far-from-crystal", away_angstrom=1.2)).endswith("too far for a call")
    close = note(
        "too-near-protein", pairs=4, ligand_atoms=("C5", "N1", "O2"), distances_angstrom=(2.35, 2.4, 2.0),
        protein_atoms=("Phe382 CD1", "Phe382 CE1", "Thr315 OG1"),
    )  # fmt: skip
    for told in (close, Note.model_validate_json(close.model_dump_json())):
        assert say(told) == (
            "too near the protein: C5 to Phe382 CD1 2.35 A, N1 to Phe382 CE1 2.40 A, O2 to Thr315 OG1 2.00 A "
            "and 1 more"
        )


def test_what_no_sentence_is_known_of_is_said_as_it_stands() -> None:
    assert say(Note(code="from-a-later-version")) == "from-a-later-version"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            note(
                "joints", bonds=("228/229", "240/241"), before_angstrom=(1.3, 1.4),
                before_degrees=(170.2, -9.0), after_angstrom=(1.331, 1.329), after_degrees=(179.0, 178.0),
            ),
            "Peptide bonds where parts meet, before and after relaxation: 228/229 1.30 -> 1.33 angstrom, "
            "omega 170 -> 179 degrees; 240/241 1.40 -> 1.33 angstrom, omega -9 -> 178 degrees.",
        ),
        (
            note(
                "left-strained", twisted=("270/271",), twists_degrees=(33.2,), unvisited=(5,), overlapping=(),
                overlaps_angstrom=(),
            ),
            "Left strained after relaxation: the peptide bond 270/271 is 33 degrees from planar; phi and psi "
            "of residue 5 are not seen in crystals. The native's conformation does not suit this "
            "substitution; the kinase would move further than this model lets it.",
        ),
        (
            note(
                "from-crystal", first=229, last=500, entry="2HYY:A", resolution_angstrom=2.4, modified=(),
                alternates=(315, 401),
            ),
            "Residues 229-500 from 2HYY:A (2.40 angstrom); of alternate conformations the most occupied, "
            "then A: 315, 401.",
        ),
        (
            note("grafted-with", beside=(274,), other_conformation=1),
            "of another conformation; with 274 of it, for the file's do not join",
        ),
        (note("net-charge", native_e=2, mutant_e=2), "Net charge +2 e (native +2 e)."),
    ],
)  # fmt: skip
def test_a_sentence_is_the_same_before_and_after_a_file(told: Note, said: str) -> None:
    assert say(told) == said
    assert say(Note.model_validate_json(told.model_dump_json())) == said


def test_glycine_and_alanine_have_no_rotamer_to_be_rare() -> None:
    chosen = {"residue": 276, "rotamer": "", "amino_acid": "Gly", "radius_angstrom": 6.0}
    assert "%" not in say(note("rotamer-chosen", share_percent=None, **chosen))
    assert "(12 % on such a backbone;" in say(note("rotamer-chosen", share_percent=12.4, **chosen))

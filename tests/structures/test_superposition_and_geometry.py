"""Conformations by distance, superposition, stereochemistry: known answers."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinscope.structures.completion.heavy_atoms import cap_ends, missing_atoms
from kinscope.structures.conformation.classify import classify_entries, classify_state
from kinscope.structures.conformation.parts import classify_dfg
from kinscope.structures.reference.recipes import load_recipes, recipe_of
from kinscope.structures.stereochemistry import (
    backbone_table,
    dihedrals,
    heavy_atom_overlaps,
    inverted_centres,
    omega,
)
from kinscope.structures.superposition import kabsch
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target

PACK = load_target("abl1")


@pytest.mark.parametrize(
    ("d1", "d2", "expected"),
    [
        (6.6, 14.0, "in"),
        (13.6, 10.9, "out"),
        (10.0, 8.0, "inter"),
        (11.5, 10.1, "out"),
        (14.0, 15.0, "unassigned"),
        (float("nan"), 10.0, "unassigned"),
    ],
)
def test_dfg_classes_at_values_of_known_crystals(d1, d2, expected):
    assert classify_dfg(d1, d2) == expected


@given(st.floats(0, 40), st.floats(0, 40))
def test_every_pair_of_distances_has_one_class(d1, d2):
    assert str(classify_dfg(d1, d2)) in {"in", "out", "inter", "unassigned"}


def peptide():
    """Alanine peptide of three residues with ideal geometry, built by capping."""
    import biotite.structure as struc

    atoms = struc.AtomArray(5)
    atoms.chain_id[:], atoms.res_name[:], atoms.res_id[:] = "A", "ALA", 100
    atoms.atom_name[:] = ["N", "CA", "C", "O", "CB"]
    atoms.element[:] = ["N", "C", "C", "O", "C"]
    atoms.coord = np.array(
        [[1.458, 0, 0], [0, 0, 0], [-0.551, 1.42, 0], [-0.15, 2.3, -0.75], [-0.53, -0.77, -1.21]],
        dtype=np.float32,
    )
    return atoms


def test_caps_continue_the_chain_with_trans_peptides():
    capped = cap_ends(peptide())
    assert list(dict.fromkeys(capped.res_name)) == ["ACE", "ALA", "NME"]

    def at(number, name):
        return capped.coord[(capped.res_id == number) & (capped.atom_name == name)].astype(float)

    assert np.linalg.norm(at(99, "C") - at(100, "N")) == pytest.approx(1.335, abs=1e-3)
    assert np.linalg.norm(at(100, "C") - at(101, "N")) == pytest.approx(1.335, abs=1e-3)
    for names in (
        (at(99, "CH3"), at(99, "C"), at(100, "N"), at(100, "CA")),
        (at(100, "CA"), at(100, "C"), at(101, "N"), at(101, "C")),
    ):
        assert abs(dihedrals(*names)[0]) == pytest.approx(180.0, abs=1.0)


def test_a_d_amino_acid_is_inverted():
    atoms = peptide()
    assert inverted_centres(atoms) != inverted_centres(mirrored(atoms))
    assert {inverted_centres(atoms), inverted_centres(mirrored(atoms))} == {(), (100,)}


def mirrored(atoms):
    copy = atoms.copy()
    copy.coord = atoms.coord * np.array([1, 1, -1], dtype=np.float32)
    return copy


def test_dihedral_of_a_right_handed_quarter_turn_is_positive():
    points = np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]])
    rows = [point[None, :] for point in points]
    assert dihedrals(*rows)[0] == pytest.approx(90.0)


def test_two_atoms_on_each_other_overlap():
    first, second = peptide(), peptide()
    second.res_id[:] = 150
    second.coord += np.float32(0.2)
    assert heavy_atom_overlaps(first + second)
    second.coord += np.float32(20.0)
    assert not heavy_atom_overlaps(first + second)


@given(
    st.lists(st.floats(-3, 3), min_size=4, max_size=4).filter(lambda q: sum(x * x for x in q) > 0.1),
    st.lists(st.floats(-50, 50), min_size=3, max_size=3),
)
def test_superposition_undoes_any_rigid_motion(quaternion, shift):
    w, x, y, z = np.array(quaternion) / np.linalg.norm(quaternion)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    points = np.random.default_rng(1).normal(size=(12, 3)) * 8
    moved = points @ rotation.T + np.array(shift)
    transform = kabsch(moved, points)
    assert transform.rmsd_angstrom < 1e-6
    assert np.linalg.det(np.array(transform.rotation)) == pytest.approx(1.0)
    assert np.allclose(transform.apply(moved), points, atol=1e-6)


def test_missing_atoms_are_named():
    atoms = peptide()
    assert missing_atoms(atoms[atoms.atom_name != "CB"]) == {100: ("CB",)}
    assert missing_atoms(atoms) == {}


def test_omega_needs_two_residues():
    assert len(omega(backbone_table(peptide()))) == 0


def test_a_structure_without_the_landmarks_is_unassigned():
    shape = classify_state(peptide(), PACK.landmarks)
    assert (shape.dfg, shape.helix_c, shape.activation_loop) == ("unassigned",) * 3


def test_without_landmarks_nothing_is_classified_and_that_is_said():
    shape = classify_state(peptide(), None)
    assert (shape.dfg, shape.helix_c, shape.activation_loop) == ("unassigned",) * 3
    assert [note.code for note in shape.notes] == ["not-classified"]


def test_every_state_has_a_recipe_over_its_range():
    recipes = load_recipes(PACK)
    assert set(recipes) >= {state.id for state in PACK.states}
    for state in PACK.states:
        recipe = recipe_of(PACK, state.id)
        parts = [recipe.base, *recipe.placements]
        assert min(part.first_residue for part in parts) == state.first_residue
        assert max(part.last_residue for part in parts) == state.last_residue


MEASURED = {
    # entry, chain: DFG class, D1, D2, helix C (measured on the files with another program)
    ("2GQG", "A"): ("in", 6.6, 14.0, "in"),
    ("1OPJ", "A"): ("out", 13.8, 10.8, "in"),
    ("2FO0", "A"): ("out", 13.4, 11.8, "in"),
    ("3CS9", "D"): ("out", 13.8, 11.8, "in"),
    ("4XEY", "B"): ("inter", 10.0, 8.0, "in"),
    ("2G1T", "A"): ("in", 5.5, 13.4, "out"),
    ("3UE4", "A"): ("out", 11.5, 10.1, "in"),
    ("2G2H", "A"): ("inter", 10.3, 7.8, "in"),
}


@pytest.mark.skipif(not os.environ.get("KINSCOPE_PDB_MIRROR"), reason="needs a mirror of wwPDB entries")
def test_crystals_are_classified_as_measured():
    source = PdbSource()
    codes = tuple(sorted({code.lower() for code, _ in MEASURED}))
    assert set(codes) <= set(source.codes())
    items = classify_entries(source, PACK, codes)
    found = {(item.entry, item.chain): item.geometry for item in items}
    for key, (dfg, d1, d2, helix) in MEASURED.items():
        shape = found[key]
        assert (shape.dfg, shape.helix_c) == (dfg, helix), key
        assert shape.dfg_d1_angstrom == pytest.approx(d1, abs=0.06)
        assert shape.dfg_d2_angstrom == pytest.approx(d2, abs=0.06)
    assert "borderline" in {note.code for note in found["3UE4", "A"].notes}

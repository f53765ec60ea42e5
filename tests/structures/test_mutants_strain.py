"""A proline where phi is above zero is steered to a proline's own phi, and that is said to be a guess."""

from __future__ import annotations

import numpy as np
import pytest

from kinscope.interpretation.words.say import say
from kinscope.structures.mutants.build import build_mutant
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.mutants.strain import PROLINE_PHI, strain_amount, strain_left, turned_peptides
from kinscope.structures.reference.build import reference_model
from kinscope.structures.side_chains.sites import backbone_angles, residues_of
from kinscope.structures.stereochemistry import inverted_centres
from kinscope.targets import load_target


@pytest.fixture(scope="module")
def native():
    return reference_model(load_target("abl1"), "kinase-dfg-out")


@pytest.fixture(scope="module")
def s265p(native):
    return build_mutant(*native, [(265, "P")], MutationSettings(candidates=1), 1)[0]


def test_a_proline_at_positive_phi_reaches_a_prolines_phi(native, s265p):
    assert backbone_angles(residues_of(native[0]), 265)[0] > 40.0
    assert PROLINE_PHI[0] <= backbone_angles(residues_of(s265p.atoms), 265)[0] <= PROLINE_PHI[1]


def test_nothing_is_left_strained_or_turned_over(native, s265p):
    assert strain_left(native[0], s265p.atoms, [265]) is None
    assert strain_amount(native[0], s265p.atoms, [265]) == 0.0
    assert turned_peptides(native[0], s265p.atoms) == []
    assert inverted_centres(s265p.atoms) == inverted_centres(native[0])


def test_the_record_says_what_was_done_and_how_far_the_chain_went(s265p):
    told = next(told for told in s265p.record.method if told.code == "relaxed-again")
    assert told.values["steered"] == (265,)
    assert "Pro265" in say(told)


def test_what_is_far_stays(native, s265p):
    before, after = residues_of(native[0]), residues_of(s265p.atoms)
    centre = before[265].at("CA")
    far = [n for n, r in before.items() if np.linalg.norm(r.coord - centre, axis=1).min() > 20.0]
    assert len(far) > 50
    assert all(np.array_equal(before[n].coord, after[n].coord) for n in far)


def test_a_twisted_peptide_counts_by_its_degrees(native):
    atoms = native[0].copy()
    assert strain_amount(native[0], atoms, [300]) == 0.0
    row = np.flatnonzero((atoms.res_id == 300) & (atoms.atom_name == "CA"))[0]
    atoms.coord[row] += np.array([0.0, 0.0, 2.5], dtype=np.float32)
    assert strain_amount(native[0], atoms, [300]) > 0.0

"""Caps and cysteines: ABL1's cytosolic kinase domain has no disulphide, and a model's ends are capped."""

from __future__ import annotations

import numpy as np

from kinscope.structures.checks import check_model
from kinscope.structures.protein_ends import nearest_sulphurs_angstrom, sulphur_pairs, uncapped_ends
from kinscope.structures.reference import reference_model
from kinscope.targets import load_target

PACK = load_target("abl1")
ATOMS, RECORD = reference_model(PACK, "kinase-dfg-out")


def verdict(atoms, name):
    return {item.name: item for item in check_model(atoms, RECORD, pack=PACK).items}[name]


def test_no_cysteines_of_the_kinase_domain_are_joined():
    assert sulphur_pairs(ATOMS) == ()
    assert nearest_sulphurs_angstrom(ATOMS) > 4.0
    assert verdict(ATOMS, "disulphides").passed


def test_two_thiols_pushed_onto_each_other_fail_the_check():
    near = ATOMS.copy()
    rows = np.flatnonzero((near.res_name == "CYS") & (near.atom_name == "SG"))
    near.coord[rows[1]] = near.coord[rows[0]] + np.array([2.05, 0.0, 0.0], dtype=np.float32)
    (one, other, apart, thiol) = sulphur_pairs(near)[0]
    assert (one, other) == (int(near.res_id[rows[0]]), int(near.res_id[rows[1]]))
    assert abs(apart - 2.05) < 1e-3
    assert thiol
    assert not verdict(near, "disulphides").passed


def test_a_bonded_pair_without_thiol_hydrogens_is_a_disulphide():
    near = ATOMS[~((ATOMS.res_name == "CYS") & (ATOMS.atom_name == "HG"))]
    rows = np.flatnonzero((near.res_name == "CYS") & (near.atom_name == "SG"))
    near.coord[rows[1]] = near.coord[rows[0]] + np.array([2.05, 0.0, 0.0], dtype=np.float32)
    assert verdict(near, "disulphides").passed


def test_an_end_without_its_cap_is_named():
    assert uncapped_ends(ATOMS) == ()
    assert uncapped_ends(ATOMS[ATOMS.res_name != "NME"]) == ("C-terminus",)
    assert not verdict(ATOMS[ATOMS.res_name != "ACE"], "ends without a cap").passed

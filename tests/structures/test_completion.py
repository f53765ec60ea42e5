"""Turning amides, choosing tautomers, protonation and minimisation on small, known cases."""

from __future__ import annotations

import numpy as np
import pytest

from factories.net_charge import net_charge
from kinscope.core.errors import BadInputError, ComputationError
from kinscope.structures.completion.heavy_atoms import cap_ends, complete_heavy_atoms, missing_atoms, pdb_text
from kinscope.structures.completion.hydrogen_bonds import flip_side_chains, histidine_tautomer
from kinscope.structures.completion.hydrogens import add_hydrogens, choose_protonation
from kinscope.structures.forcefield.minimisation import Stage, minimise
from kinscope.structures.reference.build import reference_model
from kinscope.structures.reference.recipes import load_recipes
from kinscope.targets import load_target

PACK = load_target("abl1")


@pytest.fixture(scope="module")
def kinase():
    return reference_model(PACK, "kinase-dfg-out")[0]


@pytest.fixture(scope="module")
def heavy(kinase):
    return kinase[(kinase.element != "H") & ~np.isin(kinase.res_name, ("ACE", "NME"))]


def test_a_wrongly_turned_amide_is_turned_back(heavy):
    """Asn322 and the like with two clean hydrogen bonds: swapping N and O must be undone."""
    settled, _ = flip_side_chains(heavy)
    undone = 0
    for number in np.unique(settled.res_id[settled.res_name == "ASN"]):
        swapped = settled.copy()
        oxygen = np.flatnonzero((settled.res_id == number) & (settled.atom_name == "OD1"))[0]
        nitrogen = np.flatnonzero((settled.res_id == number) & (settled.atom_name == "ND2"))[0]
        swapped.coord[[oxygen, nitrogen]] = swapped.coord[[nitrogen, oxygen]]
        back, turned = flip_side_chains(swapped)
        if f"Asn{number}" in turned:
            undone += 1
            assert np.allclose(back.coord[[oxygen, nitrogen]], settled.coord[[oxygen, nitrogen]])
    assert undone >= 2


def test_turning_twice_changes_nothing(heavy):
    once, _ = flip_side_chains(heavy)
    twice, turned = flip_side_chains(once)
    assert turned == ()
    assert np.array_equal(once.coord, twice.coord)


def test_missing_side_chain_atoms_are_built_and_named(heavy):
    part = heavy[(heavy.res_id >= 300) & (heavy.res_id <= 312)]
    cut = part[~((part.res_id == 307) & np.isin(part.atom_name, ("NE", "CZ", "NH1", "NH2")))]
    whole, built = complete_heavy_atoms(cut)
    assert built == {307: ("NE", "CZ", "NH1", "NH2")}
    assert missing_atoms(whole) == {}
    kept = whole[whole.res_id != 307]
    assert np.allclose(kept.coord, part[part.res_id != 307].coord)


def test_histidines_take_one_of_two_tautomers(heavy):
    for number in np.unique(heavy.res_id[heavy.res_name == "HIS"]):
        assert histidine_tautomer(heavy, int(number)) in ("HID", "HIE")


def test_low_ph_protonates_and_high_ph_does_not(heavy):
    acid = choose_protonation(heavy, ph=1.0)
    base = choose_protonation(heavy, ph=10.0)
    assert sum(v in ("ASH", "GLH", "HIP") for v in acid.variants.values()) > 30
    assert not any(v in ("ASH", "GLH", "HIP") for v in base.variants.values())


def test_protonation_shows_in_the_hydrogens_and_the_charge(heavy):
    part = heavy[(heavy.res_id >= 374) & (heavy.res_id <= 384)]
    charged = add_hydrogens(cap_ends(part), {375: "HIE"})
    neutral = add_hydrogens(cap_ends(part), {375: "HIE", 381: "ASH"})
    doubly = add_hydrogens(cap_ends(part), {375: "HIP"})
    assert net_charge(neutral) == net_charge(charged) + 1
    assert net_charge(doubly) == net_charge(charged) + 1
    assert set(neutral.res_name) <= set(charged.res_name)


def test_hydrogens_come_out_the_same_every_time(heavy):
    import random

    part = cap_ends(heavy[(heavy.res_id >= 374) & (heavy.res_id <= 384)])
    random.seed(7)
    first = add_hydrogens(part, {375: "HIE"})
    expected = random.Random(7).random()
    assert random.random() == expected
    # Modeller's own minimisation sums forces over threads in any order.
    assert np.allclose(first.coord, add_hydrogens(part, {375: "HIE"}).coord, atol=0.01)


def test_minimisation_lowers_the_gradient_and_keeps_restrained_atoms(heavy):
    part = add_hydrogens(cap_ends(heavy[(heavy.res_id >= 374) & (heavy.res_id <= 384)]), {375: "HIE"})
    firm = Stage(
        label="firm",
        backbone_kcal_per_mol_angstrom2=200.0,
        side_chain_kcal_per_mol_angstrom2=200.0,
        cutoff_nm=None,
        tolerance_kcal_per_mol_angstrom=0.05,
    )
    free = firm.model_copy(
        update={"backbone_kcal_per_mol_angstrom2": 0.0, "side_chain_kcal_per_mol_angstrom2": 0.0}
    )
    held, (first,) = minimise(part, (firm,))
    loose, (second,) = minimise(part, (free,))
    assert first.heavy_rmsd_angstrom < 0.1 < second.heavy_rmsd_angstrom
    assert second.energy_kcal_per_mol < first.energy_kcal_per_mol
    assert first.rms_gradient_kcal_per_mol_angstrom < 0.1
    assert second.rms_gradient_kcal_per_mol_angstrom < 1.0
    assert list(held.atom_name) == list(loose.atom_name) == list(part.atom_name)


def test_a_residue_openmm_does_not_know_is_said(heavy):
    part = heavy[(heavy.res_id >= 374) & (heavy.res_id <= 384)].copy()
    part = part[~((part.res_id == 380) & (part.atom_name == "CA"))]
    with pytest.raises(ComputationError, match="could not add hydrogens"):
        add_hydrogens(cap_ends(part), {375: "HIE"})


def test_pdb_text_keeps_its_columns(heavy):
    for line in pdb_text(heavy[:50]).splitlines():
        if line.startswith("ATOM"):
            assert len(line) == 78
            assert float(line[30:38]) == pytest.approx(float(line[30:38]))
            assert int(line[22:26]) >= 229


def test_broken_recipes_are_an_error_in_words(tmp_path):
    (tmp_path / "recipes.yaml").write_text("recipes:\n  - state: x\n")
    with pytest.raises(BadInputError, match="recipes"):
        load_recipes(PACK.model_copy(update={"directory": tmp_path}))


def test_a_hydrogen_among_its_carbons_neighbours_is_put_on_the_free_side(kinase):
    """HB of Thr315 mirrored through CB: minimised so, the residue would become its epimer."""
    from kinscope.structures.completion.hydrogens import methines_righted
    from kinscope.structures.io import to_openmm

    topology, _ = to_openmm(kinase)
    bonds = [(one.index, other.index) for one, other in topology.bonds()]
    assert np.array_equal(methines_righted(kinase, bonds).coord, kinase.coord)
    row = np.flatnonzero((kinase.res_id == 315) & (kinase.atom_name == "HB"))[0]
    carbon = kinase.coord[(kinase.res_id == 315) & (kinase.atom_name == "CB")][0]
    wrong = kinase.copy()
    wrong.coord[row] = 2 * carbon - kinase.coord[row]
    assert np.linalg.norm(methines_righted(wrong, bonds).coord[row] - kinase.coord[row]) < 0.2

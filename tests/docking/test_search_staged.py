"""Shapes that turning bonds cannot reach, relaxation of every atom in a field, and a search made of both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories.docking import PACK
from kinscope.docking.fields.arrays import GridArrays
from kinscope.docking.fields.minimiser import Mobility, Torsion
from kinscope.docking.fields.mmff import mmff_properties
from kinscope.docking.search.ligand_shapes import NOTHING, LigandRelaxation, rigid_shapes
from kinscope.docking.search.staged import (
    FROZEN_BOND_KCAL_PER_MOL,
    POLAR_SHARE,
    POLAR_WEIGHT,
    electrostatics,
    frozen_bonds,
    shared_ranks,
)
from kinscope.docking.vina.ligand import prepare_ligand
from kinscope.ligands.library import embed, load_ligand, parse_smiles
from kinscope.structures.stereochemistry import dihedrals


def molecule(smiles: str):  # type: ignore[no-untyped-def]
    return embed(parse_smiles(smiles, where="test"), where="test", conformers=1)


def rotatable(ligand) -> set[frozenset[int]]:  # type: ignore[no-untyped-def]
    return {frozenset((int(a), int(b))) for a, b, _ in prepare_ligand(ligand).torsions}


def heavy_of(ligand) -> np.ndarray:  # type: ignore[no-untyped-def, type-arg]
    return np.array([a.GetIdx() for a in ligand.GetAtoms() if a.GetAtomicNum() > 1], dtype=np.intp)


def test_methylcyclohexane_is_an_equatorial_chair_first() -> None:
    """The axial chair is 1.7 kcal/mol up (Winstein & Holness 1955), twist boats 5 and more."""
    ligand = molecule("CC1CCCCC1")
    shapes = rigid_shapes(ligand, set(), 1)
    about = [abs(float(dihedrals(*shape[[0, 1, 2, 3]]))) for shape in shapes]
    assert about[0] > 150.0
    relaxation = LigandRelaxation(ligand, heavy_of(ligand))
    energies = [relaxation.energy(shape) for shape in shapes]
    assert energies == sorted(energies)
    axial = next(energy for energy, angle in zip(energies, about, strict=True) if 40.0 < angle < 80.0)
    assert axial - energies[0] == pytest.approx(1.6, abs=0.6)


def test_an_amide_that_is_not_turned_stays_trans() -> None:
    nilotinib = load_ligand(PACK.drug("nilotinib"))
    assert len(rigid_shapes(nilotinib, rotatable(nilotinib), 1)) == 1


def test_the_same_seed_gives_the_same_shapes() -> None:
    ligand = load_ligand(PACK.drug("imatinib"))
    one, two = (rigid_shapes(ligand, rotatable(ligand), 4) for _ in range(2))
    assert np.array_equal(one, two)
    assert len(one) > 1


def test_without_a_field_a_pose_relaxes_to_no_strain() -> None:
    ligand = molecule("CCOc1ccccc1")
    start = np.asarray(ligand.GetConformer().GetPositions())
    relaxation = LigandRelaxation(ligand, heavy_of(ligand))
    bent = start + np.random.default_rng(1).normal(0.0, 0.05, start.shape)
    done = relaxation.relax(np.stack([start, bent]), NOTHING)
    assert done.strain_kcal_per_mol == pytest.approx([0.0, 0.0], abs=0.05)
    assert relaxation.energy(done.coordinates[1]) < relaxation.energy(bent)


def test_a_field_pulls_heavy_atoms_and_strain_pays_for_it() -> None:
    ligand = molecule("CCCC")
    start = np.asarray(ligand.GetConformer().GetPositions())
    heavy = heavy_of(ligand)
    relaxation = LigandRelaxation(ligand, heavy)
    # An empty grid whose walls leave butane no room: 1.5 angstrom each way about its middle.
    empty = GridArrays(
        np.zeros((1, 8), dtype=np.float32), np.zeros(len(heavy), dtype=np.int64),
        start[heavy].mean(axis=0) - 0.75, np.ones(3, dtype=np.int64), 1.5,
    )  # fmt: skip
    done = relaxation.relax(start[None], NOTHING._replace(grid=empty), relaxation.energy(start))
    assert np.ptp(done.coordinates[0][heavy], axis=0).max() < np.ptp(start[heavy], axis=0).max()
    assert done.strain_kcal_per_mol[0] > 1.0


def test_what_mmff_does_not_know_is_said_and_still_has_shapes() -> None:
    boronic = molecule("OB(O)c1ccccc1")
    assert mmff_properties(boronic) is None
    assert not LigandRelaxation(boronic, heavy_of(boronic)).possible
    assert rigid_shapes(boronic, rotatable(boronic), 1).shape[1:] == (boronic.GetNumAtoms(), 3)


@given(st.floats(-1e4, 1e4), st.floats(-30.0, 30.0))
def test_electrostatics_never_outvote_contact(polar: float, contact: float) -> None:
    term = float(electrostatics(np.array([polar]), np.array([contact]))[0])
    assert abs(term) <= max(POLAR_SHARE * abs(contact), 1e-8)
    assert abs(term) <= abs(POLAR_WEIGHT * polar) + 1e-12
    more = float(electrostatics(np.array([polar + 1.0]), np.array([contact]))[0])
    assert more >= term


def test_small_electrostatics_count_in_proportion() -> None:
    assert electrostatics(np.array([5.0]), np.array([-12.0])) == pytest.approx([1.0], abs=0.02)


def test_a_bond_is_frozen_where_both_its_ends_are_held() -> None:
    """Of a chain of six atoms with three bonds: buried whole, its last two in the solvent, folded back."""
    chain = Mobility(tuple(Torsion(at, at + 1, np.arange(at + 2, 6)) for at in (2, 1, 0)))
    whole, hanging, folded = np.ones(6), np.array([1.0, 1, 1, 1, 0, 0]), np.array([1.0, 1, 1, 0, 0, 0.8])
    paid = frozen_bonds(np.stack([whole, hanging, folded]), chain) / FROZEN_BOND_KCAL_PER_MOL
    assert paid == pytest.approx([3.0, 2.0, 2.6])
    assert frozen_bonds(whole[None], Mobility(())) == pytest.approx([0.0])


def test_of_poses_that_rank_alike_the_middle_of_the_widest_place_is_first() -> None:
    """Five poses half an angstrom apart, and one alone that ranks a little better, or far better."""
    row = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 9.0])
    poses = np.zeros((6, 4, 3))
    poses[:, :, 0] = row[:, None]
    ranks = np.array([-10.0, -10.0, -10.0, -10.0, -10.0, -10.2])
    assert int(shared_ranks(poses, ranks).argmin()) == 2
    ranks[5] = -12.0
    assert int(shared_ranks(poses, ranks).argmin()) == 5
    assert shared_ranks(poses[5:], ranks[5:]) == pytest.approx(ranks[5:])

"""The global search: maps that are Vina's function, a torsional energy, a search that finds."""

from __future__ import annotations

import numpy as np
import pytest

from factories.docking import PACK, model, pose
from kinscope.docking.engine import Box
from kinscope.docking.fields.minimiser import Mobility
from kinscope.docking.fields.torsions import SATURATION_KCAL_PER_MOL, TorsionFunction, torsion_series
from kinscope.docking.fields.vina import (
    EXPOSED_AND_BURIED_ATOMS,
    AtomKind,
    GridFunction,
    VinaFunction,
    compute_maps,
    pair_energy,
)
from kinscope.docking.search.global_search import SearchEffort, search_box
from kinscope.docking.vina.engine import VinaEngine, VinaSystem
from kinscope.ligands.library import embed, parse_smiles

CARBON = AtomKind("C", True, False, False)
NITROGEN = AtomKind("N", False, True, False)
OXYGEN = AtomKind("O", False, False, True)
NO_PAIRS = np.empty((0, 2), dtype=np.intp)


def bound(drug: str, edge: float) -> tuple[VinaSystem, np.ndarray]:  # type: ignore[type-arg]
    molecule = pose(drug)[0]
    points = np.asarray(molecule.GetConformer().GetPositions())
    return VinaEngine().bind(model(PACK.drug(drug).state), molecule, Box.cube(points, edge)), points


def test_a_map_holds_vinas_function_at_its_points() -> None:
    receptor = np.array([[0.0, 0.0, 0.0], [2.0, 3.0, -1.0]])
    kinds = [OXYGEN, CARBON]
    box = Box((0.0, 0.0, 6.0), (6.0, 6.0, 6.0))
    grid = GridFunction(compute_maps(receptor, kinds, [NITROGEN], box), [NITROGEN], NO_PAIRS)
    exact = VinaFunction(receptor, kinds, [NITROGEN], NO_PAIRS)
    # The box's middle is a grid point: nothing is interpolated there, and the tables are the only error.
    poses = np.array([[[0.0, 0.0, 6.0]], [[0.375, -0.75, 5.25]]])
    assert grid(poses)[0] == pytest.approx(exact(poses)[0], abs=2e-4)


def test_between_its_points_a_map_is_linear_and_its_gradient_is_its_own() -> None:
    system, points = bound("imatinib", 22.0)
    grid = system._grid
    heavy = points[system._heavy][None]
    random = np.random.default_rng(3)
    way = random.normal(size=heavy.shape)
    step = 1e-4
    slope = (grid(heavy + step * way)[0] - grid(heavy - step * way)[0]) / (2 * step)
    # Single precision: the energy is known to 1e-5.
    assert slope == pytest.approx((grid(heavy)[1] * way).sum(axis=(1, 2)), abs=0.5)
    assert grid(heavy)[0] == pytest.approx(system.function(heavy)[0], abs=1.5)


def test_the_wall_pulls_an_atom_back() -> None:
    box = Box((0.0, 0.0, 0.0), (6.0, 6.0, 6.0))
    grid = GridFunction(compute_maps(np.zeros((1, 3)), [CARBON], [CARBON], box), [CARBON], NO_PAIRS)
    energy, gradient = grid(np.array([[[5.0, 0.0, 0.0]]]))
    assert energy[0] > 30.0
    assert gradient[0, 0, 0] > 30.0


def test_the_torsional_gradient_is_that_of_its_energy() -> None:
    molecule = pose("nilotinib")[0]
    system = VinaEngine().bind(model("kinase-dfg-out"), molecule, Box.cube(
        np.asarray(molecule.GetConformer().GetPositions()), 22.0))  # fmt: skip
    function = system._torsion_function(1.0)
    heavy = np.asarray(molecule.GetConformer().GetPositions())[system._heavy][None]
    random = np.random.default_rng(5)
    poses = heavy + random.normal(0.0, 0.3, (4, *heavy.shape[1:]))
    way = random.normal(size=poses.shape)
    numeric = (function(poses + 1e-5 * way)[0] - function(poses - 1e-5 * way)[0]) / 2e-5
    assert numeric == pytest.approx((function(poses)[1] * way).sum(axis=(1, 2)), rel=1e-4, abs=1e-4)


def test_butane_is_trans_and_pays_for_eclipsing_but_never_more_than_one_bond_can() -> None:
    from rdkit.Chem import rdMolTransforms

    butane = embed(parse_smiles("CCCC", where="test"), where="test", conformers=1)
    heavy = np.arange(4)
    function = TorsionFunction(torsion_series(butane, heavy, [(1, 2)]))
    energies = {}
    for angle in (180.0, 120.0, 60.0, 0.0):
        rdMolTransforms.SetDihedralDeg(butane.GetConformer(), 0, 1, 2, 3, angle)
        energies[angle] = float(function(np.asarray(butane.GetConformer().GetPositions())[None, :4])[0][0])
    assert energies[180.0] == pytest.approx(0.0, abs=1e-6)
    assert energies[180.0] < energies[60.0] + 1e-6 < energies[120.0]
    assert max(energies.values()) <= SATURATION_KCAL_PER_MOL


def test_a_search_finds_the_one_well_of_an_atom_whatever_the_seed() -> None:
    # Forty atoms in one place make a well deep enough for the search's steps.
    at = np.repeat([[3.0, -2.0, 1.0]], 40, axis=0)
    score = VinaFunction(at, [CARBON] * 40, [CARBON] * 2, NO_PAIRS).score
    shape = np.array([[[-0.7, 0.0, 0.0], [0.7, 0.0, 0.0]]])
    distances = np.linspace(3.0, 5.0, 2001)
    curve = pair_energy(CARBON, CARBON, distances)
    for seed in (1, 2, 3):
        found = search_box(
            score, Mobility(()), shape, Box((0.0, 0.0, 0.0), (20.0, 20.0, 20.0)),
            SearchEffort(8, 5, 2), seed,
        )  # fmt: skip
        assert found.energies[0] == pytest.approx(80 * curve.min(), abs=0.1)
        apart = np.linalg.norm(found.poses[0] - at[0], axis=1)
        assert apart == pytest.approx([distances[curve.argmin()]] * 2, abs=0.1)


def test_an_atom_outside_the_cells_of_a_receptor_feels_what_it_would_inside() -> None:
    """Beyond the cells every atom is asked; nothing is within reach there."""
    exact = VinaFunction(np.zeros((1, 3)), [CARBON], [CARBON], NO_PAIRS)
    energies, gradients = exact(np.array([[[30.0, 0.0, 0.0]], [[4.0, 0.0, 0.0]], [[-7.9, 0.0, 0.0]]]))
    assert energies[0] == 0.0
    assert not gradients[0].any()
    expected = pair_energy(CARBON, CARBON, np.array([4.0, 7.9]))
    assert energies[1:] == pytest.approx(expected, abs=1e-5)


def test_an_exposed_atom_counts_for_nothing_and_a_buried_one_fully() -> None:
    few, many = EXPOSED_AND_BURIED_ATOMS
    for around, share in ((int(few), 0.0), (int(many), 1.0), (round((few + many) / 2), 0.5), (200, 1.0)):
        exact = VinaFunction(np.zeros((around, 3)), [CARBON] * around, [CARBON], NO_PAIRS)
        pose_at_contact = np.array([[[4.0, 0.0, 0.0]]])
        whole = exact.intermolecular(pose_at_contact)[0]
        assert exact.buried(pose_at_contact)[0] == pytest.approx(share * whole, abs=0.02 * abs(whole[0]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("drug", "state"),
    [
        ("imatinib", "kinase-dfg-out"),
        ("nilotinib", "kinase-dfg-out"),
        ("asciminib", "closed-dfg-out"),
        ("asciminib", "closed-dfg-out-folded"),
    ],
)
def test_a_blind_search_meets_the_known_pose(drug: str, state: str) -> None:
    from kinscope.docking.known.reference import reference_pose
    from kinscope.docking.poses.rmsd import SymmetricRmsd
    from kinscope.ligands.library import load_ligand

    molecule = reference_pose(PACK, PACK.drug(drug), state=state)[0]
    points = np.asarray(molecule.GetConformer().GetPositions())
    ligand = load_ligand(PACK.drug(drug))
    system = VinaEngine().bind(model(state), ligand, Box.cube(points, 22.0))
    best = system.search(seed=1, exhaustiveness=8, n_poses=5, torsion_weight=1.0)[0]
    match = molecule.GetSubstructMatch(ligand)
    assert SymmetricRmsd(ligand)(best.coordinates, points[list(match)]) < 2.0

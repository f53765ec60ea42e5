"""Electrostatics in the rank of poses: OpenMM's energies, Coulomb's law, and what burial costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.docking import PACK, model, pose
from kinscope.docking.fields.polar import PolarAtoms, PolarReceptor, desolvation, ligand_atoms, receptor_atoms
from kinscope.ligands.library import load_ligand

OFFSET = 0.09


def atoms(charges: list[float], radius: float = 1.5) -> PolarAtoms:
    radii = np.full(len(charges), radius)
    return PolarAtoms(np.array(charges), radii, 0.8 * (radii - OFFSET))


def scattered(seed: int, count: int, edge: float) -> np.ndarray:  # type: ignore[type-arg]
    """Points at least an angstrom and a half apart."""
    random = np.random.default_rng(seed)
    points = [random.uniform(0, edge, 3)]
    while len(points) < count:
        point = random.uniform(0, edge, 3)
        if np.linalg.norm(np.array(points) - point, axis=1).min() > 1.5:
            points.append(point)
    return np.array(points)


def openmm_energy(points: np.ndarray, parts: list[PolarAtoms]) -> float:  # type: ignore[type-arg]
    """Coulomb and OBC II of OpenMM's own forces, kcal/mol."""
    import openmm
    from openmm import unit

    system, coulomb, born = openmm.System(), openmm.NonbondedForce(), openmm.GBSAOBCForce()
    born.setSurfaceAreaEnergy(0.0)
    born.setSolventDielectric(78.5)
    for part in parts:
        for charge, radius, scaled in zip(part.charges, part.radii, part.scaled, strict=True):
            system.addParticle(1.0)
            coulomb.addParticle(charge, 0.1, 0.0)
            born.addParticle(charge, radius / 10, scaled / (radius - OFFSET))
    system.addForce(coulomb)
    system.addForce(born)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(points / 10 * unit.nanometer)
    energy = context.getState(getEnergy=True).getPotentialEnergy()
    return float(energy.value_in_unit(unit.kilocalorie_per_mole))


def exact_energies(receptor: PolarReceptor, ligand: PolarAtoms, poses: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """What the receptor's own atoms lose to each other summed over their pairs, not to first order."""
    found = []
    for place in poses:
        energy, around = receptor.bound(ligand, place)
        lost = desolvation(receptor.points, receptor.atoms.charges, receptor.born, around)
        found.append(energy + lost)
    return np.array(found)


def test_energy_of_binding_is_openmms() -> None:
    random = np.random.default_rng(3)
    points = scattered(1, 90, 14.0)
    charges = random.normal(0, 0.4, 90)
    middle = np.argsort(np.linalg.norm(points - 7.0, axis=1))
    ligand_rows, receptor_rows = middle[:15], middle[15:]
    ligand, rest = atoms(list(charges[ligand_rows])), atoms(list(charges[receptor_rows]), radius=1.7)
    ours = exact_energies(PolarReceptor(points[receptor_rows], rest), ligand, points[ligand_rows][None])[0]
    both = openmm_energy(np.concatenate([points[receptor_rows], points[ligand_rows]]), [rest, ligand])
    apart = openmm_energy(points[receptor_rows], [rest]) + openmm_energy(points[ligand_rows], [ligand])
    assert ours == pytest.approx(both - apart, abs=0.05)


def test_two_ions_far_apart_feel_coulombs_law_in_water() -> None:
    pair = PolarReceptor(np.zeros((1, 3)), atoms([1.0]))
    energy = pair.energies(atoms([-1.0]), np.array([[[40.0, 0.0, 0.0]]]))[0]
    assert energy == pytest.approx(-332.06371 / (78.5 * 40.0), abs=2e-3)


def test_a_charge_that_is_buried_without_a_partner_pays_for_the_water_it_loses() -> None:
    shell = scattered(5, 150, 14.0)
    shell = shell[np.linalg.norm(shell - 7.0, axis=1) > 3.0]
    cage = PolarReceptor(shell, atoms([0.0] * len(shell), radius=1.7))
    inside, outside = cage.energies(atoms([-0.5]), np.array([[[7.0, 7.0, 7.0]], [[60.0, 7.0, 7.0]]]))
    assert inside > 1.0
    assert outside == pytest.approx(0.0, abs=1e-2)


def test_a_dipole_turned_over_loses_its_partner() -> None:
    amide = PolarReceptor(np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), atoms([-0.4, 0.4], radius=1.3))
    carbonyl = np.array([[2.9, 0.0, 0.0], [4.1, 0.0, 0.0]])
    bound, turned = amide.energies(atoms([-0.5, 0.5]), np.array([carbonyl, carbonyl[::-1]]))
    assert bound < 0.0 < turned


@given(st.integers(0, 1000), st.floats(-30, 30), st.integers(0, 2))
@settings(max_examples=20, deadline=None)
def test_where_the_complex_stands_changes_nothing(seed: int, shift: float, axis: int) -> None:
    points = scattered(seed, 30, 10.0)
    charges = list(np.random.default_rng(seed).normal(0, 0.3, 30))
    turned = np.roll(points, 1, axis=1) + shift * np.eye(3)[axis]
    energies = [
        PolarReceptor(place[8:], atoms(charges[8:])).energies(atoms(charges[:8]), place[:8][None])[0]
        for place in (points, turned)
    ]
    assert energies[0] == pytest.approx(energies[1], abs=1e-6)


def test_charges_of_a_model_are_those_of_the_force_field() -> None:
    from openmm import NonbondedForce

    from kinscope.structures.forcefield.system import create_system
    from kinscope.structures.io import to_openmm

    native = model("kinase-dfg-in")
    system = create_system(to_openmm(native)[0], implicit_solvent=True)
    force = next(force for force in system.getForces() if isinstance(force, NonbondedForce))
    expected = [force.getParticleParameters(row)[0]._value for row in range(len(native))]
    ours = receptor_atoms(native)
    assert ours.charges == pytest.approx(np.array(expected), abs=1e-5)
    born = next(force for force in system.getForces() if "GBSA" in type(force).__name__)
    assert ours.radii == pytest.approx(
        np.array([10 * born.getParticleParameters(row)[1]._value for row in range(len(native))]), abs=1e-6
    )


def test_a_cysteine_of_a_disulphide_is_neutral() -> None:
    import biotite.structure as struc

    names = ("N", "H", "CA", "HA", "CB", "HB2", "HB3", "SG", "C", "O")
    half = struc.AtomArray(len(names))
    half.coord = np.arange(3 * len(names), dtype=np.float32).reshape(-1, 3)
    half.atom_name, half.element = np.array(names), np.array([name[0] for name in names])
    half.res_name, half.res_id = np.full(len(names), "CYS"), np.full(len(names), 1)
    charges = receptor_atoms(half).charges
    assert charges.any()
    assert charges.sum() == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(("drug", "charge"), [("imatinib", 1), ("nilotinib", 0), ("myristate", -1)])
def test_charges_of_a_ligand_sum_to_its_formal_charge(drug: str, charge: int) -> None:
    found = ligand_atoms(load_ligand(PACK.drug(drug)))
    assert found is not None
    assert found.charges.sum() == pytest.approx(charge, abs=1e-6)


def test_the_receptors_loss_to_first_order_ranks_as_the_exact_one() -> None:
    """Poses of imatinib thrown about its place in the native DFG-out model."""
    drug, native = PACK.drug("imatinib"), model("kinase-dfg-out")
    ligand = ligand_atoms(load_ligand(drug))
    assert ligand is not None
    around = PolarReceptor(native.coord, receptor_atoms(native))
    place = np.asarray(pose("imatinib")[0].GetConformer().GetPositions())
    random = np.random.default_rng(2)
    thrown = np.array([place + random.normal(0, 0.5, 3) for _ in range(12)])
    exact, fast = exact_energies(around, ligand, thrown), around.energies(ligand, thrown)
    assert np.corrcoef(exact, fast)[0, 1] > 0.98
    assert np.std(fast - exact) < 0.2 * np.std(exact)

"""Second derivatives against OpenMM, block modes against whole Hessians, fluctuations against paper."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import kinscope.dynamics.modes.profile as normal_modes
from kinscope.analysis.fluctuation import profile_array
from kinscope.core.errors import ComputationError, StructureError
from kinscope.dynamics.modes.blocks import (
    BOLTZMANN_KCAL_PER_MOL_K,
    PairBlocks,
    block_basis,
    fluctuations,
    project,
)
from kinscope.dynamics.modes.hessian import pair_hessian, system_hessian
from kinscope.dynamics.modes.profile import (
    NormalModeSettings,
    block_numbers,
    contact_network,
    minimise,
    mode_system,
    normal_mode_profile,
)

QUICK = NormalModeSettings(replicas=2, minimisation_steps=200)


@pytest.fixture(scope="module")
def peptide():
    """Ala-Lys-Gly-Glu-Trp-Pro-Ser, hydrogens and all, as a model."""
    from openmm import Platform, app, unit
    from rdkit import Chem
    from rdkit.Chem import AllChem

    from kinscope.structures.io import from_openmm

    molecule = Chem.AddHs(Chem.MolFromSequence("AKGEWPS"))
    AllChem.EmbedMolecule(molecule, randomSeed=7)
    AllChem.MMFFOptimizeMolecule(molecule)
    molecule = Chem.RemoveHs(molecule)
    topology = app.Topology()
    chain, residues = topology.addChain("A"), {}
    for atom in molecule.GetAtoms():
        info = atom.GetPDBResidueInfo()
        number = info.GetResidueNumber()
        if number not in residues:
            residues[number] = topology.addResidue(info.GetResidueName(), chain, id=str(number + 400))
        element = app.Element.getBySymbol(atom.GetSymbol())
        topology.addAtom(info.GetName().strip(), element, residues[number])
    topology.createStandardBonds()
    modeller = app.Modeller(topology, molecule.GetConformer().GetPositions() * unit.angstrom)
    modeller.addHydrogens(
        app.ForceField("amber14/protein.ff14SB.xml"), platform=Platform.getPlatformByName("Reference")
    )
    return from_openmm(modeller.topology, modeller.positions)


@pytest.fixture(scope="module")
def minimum(peptide):
    """The system of the peptide and a tight minimum of it."""
    # The cutoff lies inside the peptide, so that switching and reaction field are exercised.
    settings = NormalModeSettings(cutoff_angstrom=8.0, switch_angstrom=6.0, dielectric=4.0)
    system = mode_system(peptide, settings)
    coord = minimise(
        system, np.asarray(peptide.coord, dtype=float), steps=20_000, force_kcal_per_mol_angstrom=1e-4
    )
    return system, coord


def _forces_of(system):
    """What gives the forces (3 n_atoms,), kcal/mol/angstrom, at coordinates."""
    import openmm
    from openmm import unit

    context = openmm.Context(
        system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference")
    )

    def forces(flat):
        context.setPositions(flat.reshape(-1, 3) / 10.0)
        found = context.getState(getForces=True).getForces(asNumpy=True)
        return found.value_in_unit(unit.kilocalorie_per_mole / unit.angstrom).ravel()

    return forces


def _numerical_hessian(system, coord, step=1e-4):
    forces = _forces_of(system)
    rows = []
    for column in range(coord.size):
        shift = np.zeros(coord.size)
        shift[column] = step
        rows.append(-(forces(coord.ravel() + shift) - forces(coord.ravel() - shift)) / (2 * step))
    hessian = np.asarray(rows)
    return 0.5 * (hessian + hessian.T)


def _cartesian_basis(basis):
    """P as a dense matrix (3 n_atoms, n_dof)."""
    atoms = len(basis.block_of_atom)
    dense = np.zeros((atoms, 3, basis.blocks, 6))
    dense[np.arange(atoms), :, basis.block_of_atom, :] = basis.columns
    return dense.reshape(3 * atoms, -1)[:, basis.kept]


def lowest_modes(stiffness, basis, masses, count):
    """Frequencies (cm^-1, imaginary ones negative) and shapes (count, n_atoms, 3) of the lowest modes.

    With true masses (dalton), the six rigid modes included.
    """
    from scipy.linalg import eigh

    n = basis.blocks
    weighted = basis.columns * masses[:, None, None]
    local = np.zeros((n, 6, 6))
    np.add.at(local, basis.block_of_atom, np.swapaxes(basis.columns, 1, 2) @ weighted)
    inertia = np.zeros((n, 6, n, 6))
    inertia[np.arange(n), :, np.arange(n), :] = local
    inertia = inertia.reshape(6 * n, 6 * n)[np.ix_(basis.kept, basis.kept)]
    values, vectors = eigh(stiffness, inertia, subset_by_index=[0, count - 1])
    # sqrt(kcal/mol/A^2/Da) = 1e13 * sqrt(0.04184) rad/s * ... in wavenumbers: 108.5913
    frequencies = np.sign(values) * np.sqrt(np.abs(values)) * 108.5913
    flat = np.zeros((count, n, 6))
    flat.reshape(count, -1)[:, basis.kept] = vectors.T
    modes = np.einsum("aik,cak->cai", basis.columns, flat[:, basis.block_of_atom])
    return frequencies, modes


def test_block_hessian_equals_the_projected_derivatives_of_openmm_forces(peptide, minimum):
    system, coord = minimum
    whole = _numerical_hessian(system, coord)
    for kind in ("residue", "backbone and side chain"):
        basis = block_basis(coord, block_numbers(peptide, kind))
        dense = _cartesian_basis(basis)
        expected = dense.T @ whole @ dense
        found = project(system_hessian(system, coord), basis)
        assert found == pytest.approx(expected, abs=2e-4 * np.abs(expected).max() + 1e-3)


def test_a_minimum_has_six_modes_of_no_frequency_and_no_unstable_one(peptide, minimum):
    system, coord = minimum
    assert np.sqrt(np.mean(_forces_of(system)(coord) ** 2)) < 0.01
    masses = np.array([system.getParticleMass(i)._value for i in range(system.getNumParticles())])
    basis = block_basis(coord, block_numbers(peptide, "residue"))
    stiffness = project(system_hessian(system, coord), basis)
    frequencies, modes = lowest_modes(stiffness, basis, masses, 9)
    assert np.abs(frequencies[:6]).max() < 1.0
    assert frequencies[6] > 3.0
    weighted = modes * np.sqrt(masses)[:, None]
    assert np.einsum("iak,jak->ij", weighted, weighted) == pytest.approx(np.eye(9), abs=1e-6)


def test_blocks_of_single_atoms_leave_the_hessian_as_it_is():
    random = np.random.default_rng(1)
    coord = random.normal(size=(6, 3))
    first, second = np.triu_indices(6, 1)
    part = pair_hessian(coord, first, second, np.zeros(15), np.ones(15))
    basis = block_basis(coord, np.arange(6))
    dense = _cartesian_basis(basis)
    assert dense @ dense.T == pytest.approx(np.eye(18))
    values = np.linalg.eigvalsh(project([part], basis))
    assert np.abs(values[:6]).max() < 1e-10
    assert values[6] > 1e-3


def test_two_atoms_vibrate_at_the_frequency_of_hydrogen_chloride():
    coord = np.array([[0.0, 0, 0], [1.27, 0, 0]])
    spring = 516.0 / 0.694770  # N/m (Huber & Herzberg 1979) in kcal/mol/angstrom^2
    part = pair_hessian(coord, np.array([0]), np.array([1]), np.zeros(1), np.array([spring]))
    basis = block_basis(coord, np.arange(2))
    frequencies, _ = lowest_modes(project([part], basis), basis, np.array([1.00783, 34.96885]), 6)
    assert frequencies[-1] == pytest.approx(2990.0, rel=2e-3)


def test_fluctuations_of_a_spring_network_are_those_of_the_pseudo_inverse():
    random = np.random.default_rng(2)
    coord = random.normal(scale=4.0, size=(12, 3))
    first, second = np.triu_indices(12, 1)
    part = pair_hessian(coord, first, second, np.zeros(66), random.uniform(0.5, 2.0, 66))
    basis = block_basis(coord, np.arange(12))
    dense = _cartesian_basis(basis)
    hessian = dense @ project([part], basis) @ dense.T
    variance = np.diag(np.linalg.pinv(hessian, rcond=1e-10)).reshape(12, 3).sum(axis=1)
    expected = np.sqrt(BOLTZMANN_KCAL_PER_MOL_K * 300.0 * variance)
    assert fluctuations(project([part], basis), basis, coord, np.arange(12)) == pytest.approx(expected)


def test_equipartition_of_atoms_on_springs():
    coord = np.random.default_rng(3).normal(scale=5.0, size=(20, 3))
    tether = PairBlocks(np.arange(20), np.arange(20), np.broadcast_to(2.0 * np.eye(3), (20, 3, 3)))
    basis = block_basis(coord, np.arange(20))
    found = fluctuations(project([tether], basis), basis, coord, np.arange(20), temperature_k=300.0)
    expected = BOLTZMANN_KCAL_PER_MOL_K * 300.0 / 2.0 * (3 * 20 - 6)
    assert (found**2).sum() == pytest.approx(expected)


def test_rigid_blocks_can_only_stiffen(peptide, minimum):
    system, coord = minimum
    alpha = np.flatnonzero(peptide.atom_name == "CA")
    parts = list(system_hessian(system, coord))
    total = []
    for blocks in (block_numbers(peptide, "residue"), block_numbers(peptide, "backbone and side chain")):
        basis = block_basis(coord, blocks)
        total.append((fluctuations(project(parts, basis), basis, coord, alpha) ** 2).sum())
    assert total[0] < total[1]


def test_fluctuations_do_not_depend_on_frame_or_order_of_atoms(peptide):
    coord = np.asarray(peptide.coord, dtype=float)
    heavy = np.flatnonzero(peptide.element != "H")
    alpha = np.flatnonzero(peptide.atom_name == "CA")
    blocks = block_numbers(peptide, "residue")

    def found(x, order):
        places = np.argsort(order)
        basis = block_basis(x[order], blocks[order])
        stiffness = project([contact_network(x[order], places[heavy])], basis)
        return fluctuations(stiffness, basis, x[order], places[alpha])

    straight = np.arange(len(coord))
    turned = coord @ Rotation.random(random_state=4).as_matrix() + 25.0
    shuffled = np.random.default_rng(5).permutation(len(coord))
    expected = found(coord, straight)
    assert found(turned, straight) == pytest.approx(expected, rel=1e-6)
    assert found(coord, shuffled) == pytest.approx(expected, rel=1e-6)


def test_a_saddle_is_no_minimum():
    coord = np.random.default_rng(6).normal(size=(5, 3))
    everyone = np.arange(5)
    down = PairBlocks(everyone, everyone, np.broadcast_to(np.diag([1.0, 1.0, -1.0]), (5, 3, 3)))
    basis = block_basis(coord, everyone)
    with pytest.raises(ComputationError, match="minimum"):
        fluctuations(project([down], basis), basis, coord, everyone)


@pytest.mark.parametrize("energy", ["force field", "contact network"])
def test_a_profile_is_reproducible_and_its_replicas_differ_a_little(peptide, energy):
    settings = QUICK.model_copy(update={"energy": energy})
    told = []
    first = normal_mode_profile(peptide, "in", "native", settings, 11, lambda *news: told.append(news))
    again = normal_mode_profile(peptide, "in", "native", settings, 11)
    rows = profile_array(first)
    assert first.residues == tuple(range(401, 408))
    assert first.rmsf_angstrom == again.rmsf_angstrom
    assert np.isfinite(rows).all()
    assert (rows > 0).all()
    assert not np.array_equal(rows[0], rows[1])
    assert told[-1][0] == 1.0


def test_a_killed_profile_goes_on_where_it_was(peptide, tmp_path, monkeypatch):
    whole = normal_mode_profile(peptide, "in", "native", QUICK, 11, checkpoint=tmp_path)
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 2
    real, calls = normal_modes.replica_rmsf, []
    monkeypatch.setattr(normal_modes, "replica_rmsf", lambda *given: (calls.append(1), real(*given))[1])
    kept[0].write_text("[1.0, 2.")  # a torn file is computed again
    assert normal_mode_profile(peptide, "in", "native", QUICK, 11, checkpoint=tmp_path) == whole
    assert len(calls) == 1
    # Another tether is another computation, whatever lies in the directory.
    other = QUICK.model_copy(update={"tether_kcal_per_mol_angstrom2": 0.5, "replicas": 1})
    normal_mode_profile(peptide, "in", "native", other, 11, checkpoint=tmp_path)
    assert len(calls) == 2


def test_alternatives_take_turns_and_must_be_of_one_protein(peptide):
    shifted = peptide.copy()
    shifted.coord = shifted.coord + 1.0
    assert len(normal_mode_profile([peptide, shifted], "in", "K404E", QUICK, 1).rmsf_angstrom) == 2
    with pytest.raises(StructureError, match="same residues"):
        normal_mode_profile([peptide, peptide[peptide.res_id > 402]], "in", "K404E", QUICK, 1)


def test_an_incomplete_model_is_refused_in_words(peptide):
    with pytest.raises(StructureError, match="does not know a residue"):
        normal_mode_profile(peptide[peptide.element != "H"], "in", "native", QUICK, 1)


def test_a_force_without_known_derivatives_is_refused():
    import openmm

    system = openmm.System()
    system.addForce(openmm.CustomExternalForce("x^4"))
    with pytest.raises(ComputationError, match="CustomExternalForce"):
        list(system_hessian(system, np.zeros((0, 3))))

"""Bound systems: the ligand in the solute, the box neutral, no water in the way, its atoms in every frame."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from factories.peptide import SOLVATION, peptide
from factories.trajectory import read_protein_frames
from kinscope.core.errors import LigandError, StructureError
from kinscope.docking.records import DockingRun
from kinscope.dynamics import box as boxes
from kinscope.dynamics.files.system import load_record, load_system, solvent_of
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.dynamics.systems.bound import (
    FIRST_LIGAND_RESIDUE,
    LIGAND_CHAIN,
    ligand_mask,
    place,
    solute_topology,
    with_ligands,
)
from kinscope.dynamics.systems.bound_relax import STRAINED_KCAL_PER_MOL, preferred_complex, relax_complex
from kinscope.dynamics.systems.equilibration import equilibrate_solvent
from kinscope.dynamics.systems.solvent import solvate_mutant, solvate_native
from kinscope.ligands.library import load_ligand
from kinscope.ligands.parameters.shipped import load_parameters
from kinscope.targets import load_target
from kinscope.workflow.stages.dynamics import bound_starts
from kinscope.workflow.stages.files import RUNS, read_records, write_records

PACK = load_target("abl1")
PROTOCOL = ProtocolSettings(checkpoint_interval_steps=30, frame_interval_steps=10)
NEAR_ANGSTROM = 5.0


def pose_of(name, shift=(0.0, 0.0, 0.0)):
    from rdkit import Chem
    from rdkit.Geometry import Point3D

    molecule = Chem.Mol(load_ligand(PACK.drug(name)))
    points = np.asarray(molecule.GetConformer().GetPositions()) + np.asarray(shift)
    for index, (x, y, z) in enumerate(points.tolist()):
        molecule.GetConformer().SetAtomPosition(index, Point3D(x, y, z))
    return molecule


def beside(model, name, gap=NEAR_ANGSTROM):
    """A ligand laid along x beside a small model, its nearest atom so far away."""
    points = np.asarray(pose_of(name).GetConformer().GetPositions())
    shift = np.array([model.coord[:, 0].max() - points[:, 0].min() + gap, 0.0, 0.0])
    pose = pose_of(name, shift)
    return place(load_parameters(PACK.drug(name)), pose, "laid beside by a test")


@pytest.fixture(scope="module")
def bound(tmp_path_factory):
    directory = tmp_path_factory.mktemp("bound")
    model = peptide("GLU")
    solvate_native(model, SOLVATION, 1, directory, ligands=[beside(model, "myristate")])
    return directory


def charges(system):
    force = next(f for f in system.getForces() if type(f).__name__ == "NonbondedForce")
    return np.array([force.getParticleParameters(i)[0]._value for i in range(force.getNumParticles())])


def test_a_charged_ligand_is_counted_and_neutralised(bound):
    record = load_record(bound)
    system, _, _, _ = load_system(bound)
    own = charges(system)
    (ligand,) = record.ligands
    assert (ligand.name, ligand.residue_name, ligand.net_charge_e) == ("myristate", "MYR", -1)
    assert record.solute_charge_e == -2  # glutamate and myristate
    assert own.sum() == pytest.approx(0, abs=1e-6)
    span = slice(ligand.first_atom, ligand.first_atom + ligand.atoms)
    assert own[span].sum() == pytest.approx(-1, abs=1e-6)
    assert span.stop == record.solute_atoms


def test_ligand_atoms_follow_the_protein_and_keep_their_place(bound):
    from kinscope.dynamics.records import PROTEIN_FILE
    from kinscope.structures.io import read_model

    atoms = read_model(bound / PROTEIN_FILE)
    mask = ligand_mask(atoms)
    model = peptide("GLU")
    expected = beside(model, "myristate")
    assert (~mask).sum() == len(model)
    assert mask[len(model) :].all()
    assert atoms.hetero[mask].all()
    assert set(atoms.chain_id[mask]) == {LIGAND_CHAIN}
    assert set(atoms.res_id[mask]) == {FIRST_LIGAND_RESIDUE}
    assert tuple(atoms.atom_name[mask]) == expected.forcefield.atom_names
    assert np.abs(atoms.coord[mask] - expected.positions_angstrom).max() < 1e-3


def test_no_water_is_left_in_the_ligands_way(bound):
    positions = load_system(bound)[1]
    record = load_record(bound)
    mask = np.arange(record.solute_atoms) >= record.ligands[0].first_atom
    oxygens = solvent_of(bound).waters[:, 0]
    near = boxes.nearest(oxygens, positions[: record.solute_atoms][mask], load_system(bound)[2])
    assert near.min() > 0.12  # hydrogens of the ligand; heavy atoms are further


def test_every_frame_holds_the_ligand_whole_and_restraints_hold_it_at_first(bound, tmp_path):
    record = run_replica(
        bound, tmp_path, tmp_path, ReplicaTask(PROTOCOL, replica=0, seed=3, production_steps=60)
    )
    assert record.status == "finished"
    atoms, frames, _ = read_protein_frames(tmp_path)
    mask = ligand_mask(atoms)
    assert frames.shape == (6, record.solute_atoms, 3)
    molecule = load_parameters(PACK.drug("myristate")).molecule()
    own = frames[:, mask]
    for bond in molecule.GetBonds():
        gaps = np.linalg.norm(own[:, bond.GetBeginAtomIdx()] - own[:, bond.GetEndAtomIdx()], axis=1)
        assert (gaps > 0.8).all()
        assert (gaps < 1.9).all()
    heavy = mask & (atoms.element != "H")
    assert np.abs(frames[0][heavy] - atoms.coord[heavy]).max() < 2.0


def test_restraints_of_the_protocol_hold_the_ligands_heavy_atoms(bound):
    from kinscope.dynamics.platforms import on_processor
    from kinscope.dynamics.records import PROTEIN_FILE
    from kinscope.dynamics.segments import Engine
    from kinscope.structures.io import read_model

    system, positions, _, record = load_system(bound)
    atoms = read_model(bound / PROTEIN_FILE)
    Engine(system, positions, np.asarray(atoms.element != "H"), PROTOCOL, on_processor())
    force = next(f for f in system.getForces() if type(f).__name__ == "CustomExternalForce")
    held = {force.getParticleParameters(i)[0] for i in range(force.getNumParticles())}
    first = record.ligands[0].first_atom
    heavy = {i for i in range(first, record.solute_atoms) if atoms.element[i] != "H"}
    assert len(heavy) == 16  # myristate
    assert heavy <= held


def test_a_mutant_takes_over_the_bound_natives_water_whatever_its_charge(bound, tmp_path):
    mutant = peptide("LYS")
    ligand = beside(peptide("GLU"), "myristate")
    record = solvate_mutant(mutant, bound, SOLVATION, 2, tmp_path, variant="E2K", ligands=[ligand])
    before = load_record(bound)
    assert record.solute_charge_e == 0
    assert record.waters_exchanged == 2
    assert record.ligands[0].forcefield_sha256 == before.ligands[0].forcefield_sha256
    assert charges(load_system(tmp_path)[0]).sum() == pytest.approx(0, abs=1e-6)
    assert np.allclose(load_system(tmp_path)[2], load_system(bound)[2])


def test_a_barostat_moves_protein_and_ligand_as_one_body(tmp_path):
    model = peptide("ALA")
    solvate_native(model, SOLVATION, 4, tmp_path, ligands=[beside(model, "myristate")])
    before = load_system(tmp_path)[1]
    record = equilibrate_solvent(tmp_path, 60, 4)
    after, box = load_system(tmp_path)[1:3]
    assert np.abs(after[: record.solute_atoms] - before[: record.solute_atoms]).max() < 1e-6
    assert record.ligands[0].name == "myristate"
    assert record.equilibration.density[0].volume_cubic_nm != pytest.approx(np.linalg.det(box), abs=1e-6)


def test_an_apo_system_names_no_ligand(tmp_path):
    record = solvate_native(peptide("ALA"), SOLVATION, 1, tmp_path)
    assert record.ligands == ()


def test_atoms_of_a_pose_may_come_in_any_order():
    from rdkit import Chem

    forcefield = load_parameters(PACK.drug("dasatinib"))
    pose = pose_of("dasatinib")
    straight = place(forcefield, pose, "")
    shuffled = np.random.default_rng(1).permutation(pose.GetNumAtoms()).tolist()
    again = place(forcefield, Chem.RenumberAtoms(pose, shuffled), "")
    bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in forcefield.molecule().GetBonds()]
    for placed in (straight, again):
        lengths = [
            np.linalg.norm(placed.positions_angstrom[i] - placed.positions_angstrom[j]) for i, j in bonds
        ]
        assert max(lengths) < 1.9
    heavy = [a.GetIdx() for a in forcefield.molecule().GetAtoms() if a.GetAtomicNum() > 1]
    fixed = np.linalg.norm(straight.positions_angstrom[heavy] - again.positions_angstrom[heavy], axis=1)
    assert (fixed < 1e-6).sum() > len(heavy) / 2  # symmetric atoms may change places


def test_a_pose_of_another_form_is_refused():
    from kinscope.ligands.library import embed, parse_smiles

    neutral = embed(parse_smiles(PACK.drug("myristate").smiles, where="test"), where="test", conformers=1)
    with pytest.raises(LigandError, match="not of the molecule"):
        place(load_parameters(PACK.drug("myristate")), neutral, "")


def test_ligands_in_one_another_are_refused():
    model = peptide("ALA")
    ligand = beside(model, "myristate")
    with pytest.raises(StructureError, match="in one another"):
        with_ligands(model, [ligand, ligand])
    once = with_ligands(model, [ligand])
    with pytest.raises(StructureError, match="already"):
        with_ligands(once, [ligand])
    with pytest.raises(StructureError, match="does not hold its ligands"):
        solute_topology(once)


def test_a_tight_ligand_is_settled_and_the_rest_stays(tmp_path):
    model = peptide("LYS")
    tight = beside(model, "myristate", gap=1.6)
    relaxed = relax_complex(model, [tight], SOLVATION)
    assert relaxed.interaction_kcal_per_mol < 1
    backbone = np.isin(model.atom_name, ["N", "CA", "C", "O"])
    assert np.abs(relaxed.protein.coord - model.coord)[backbone].max() < 1e-4
    assert 0 < float(relaxed.ligands[0].pose.partition("settled by ")[2].split()[0]) < 1.5


def test_the_preferred_pose_is_taken_unless_it_is_strained():
    model = peptide("LYS")
    near, nearer = (beside(model, "myristate", gap=gap) for gap in (2.6, 2.3))
    middle = near.positions_angstrom.mean(axis=0) - model.coord.mean(axis=0)
    inside = replace(near, positions_angstrom=near.positions_angstrom - middle)  # each through the other
    settled = {id(one): relax_complex(model, [one], SOLVATION) for one in (near, nearer, inside)}

    def same(found, pose):
        return np.allclose(
            found.ligands[0].positions_angstrom, settled[id(pose)].ligands[0].positions_angstrom
        )

    assert same(preferred_complex(model, [near, nearer], SOLVATION), near)
    assert same(preferred_complex(model, [nearer, near], SOLVATION), nearer)
    gain = settled[id(inside)].potential_kcal_per_mol - settled[id(near)].potential_kcal_per_mol
    assert gain > STRAINED_KCAL_PER_MOL
    assert same(preferred_complex(model, [inside, near], SOLVATION), near)


class Docked:
    """A stage's context that holds a docking and nothing else."""

    def __init__(self, directory):
        self.directory, self.inputs = directory, {}

    def input(self, role, name=""):
        assert role == "docking"
        return self.directory / name


def test_dynamics_starts_from_the_known_pose_where_docking_keeps_it(tmp_path):
    stored = (PACK.directory / "artefacts" / "docking").iterdir()
    home = next(path for path in stored if read_records(path / RUNS, DockingRun)[0].drug == "imatinib")
    (run,) = read_records(home / RUNS, DockingRun)
    shutil.copy(home / "poses_0.sdf", tmp_path)

    def starts(away):
        pose = run.poses[0].model_copy(update={"rmsd_to_reference_angstrom": away})
        write_records(tmp_path / RUNS, [run.model_copy(update={"poses": (pose,)})])
        return [words for _, words in bound_starts(Docked(tmp_path), PACK, PACK.drug("imatinib"))]

    kept, after = starts(0.4)
    assert kept.startswith("reference pose (2HYY:A:STI); docking keeps it within 0.40 angstrom")
    assert after.startswith("docked pose 1 of 1")
    (moved,) = starts(1.4)
    assert moved.startswith("docked pose 1 of 1")
    assert starts(7.0) == ["reference pose (2HYY:A:STI): no docked pose lies within the known binding mode"]


def test_phosphotyrosine_gets_its_own_parameters_and_only_where_it_is():
    from kinscope.dynamics.systems.assemble import force_field_files
    from kinscope.structures.forcefield.system import PHOSPHOTYROSINE_XML

    plain = solute_topology(peptide("TYR"))
    assert str(PHOSPHOTYROSINE_XML) not in force_field_files(plain, SOLVATION)
    model = peptide("TYR")
    model.res_name[model.res_name == "TYR"] = "PTR"
    names = {residue.name for residue in solute_topology(model).residues()}
    assert "PTR" in names
    assert str(PHOSPHOTYROSINE_XML) in force_field_files(solute_topology(model), SOLVATION)

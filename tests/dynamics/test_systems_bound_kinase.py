"""The kinase itself with what binds it: drugs in their pockets, myristate, phosphotyrosine; built and run."""

from __future__ import annotations

import numpy as np
import pytest

from factories.trajectory import read_protein_frames
from kinscope.docking.known.reference import reference_pose
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.dynamics.systems.bound import ligand_mask, place
from kinscope.dynamics.systems.bound_relax import relax_complex
from kinscope.dynamics.systems.solvent import solvate_native
from kinscope.ligands.parameters.shipped import load_parameters
from kinscope.structures.reference.build import reference_model
from kinscope.targets import load_target

pytestmark = pytest.mark.slow

PACK = load_target("abl1")
PROTOCOL = ProtocolSettings(checkpoint_interval_steps=100, frame_interval_steps=10)
SOLVATION = SolvationSettings(equilibration_ps=0.0)


def settled(name):
    drug = PACK.drug(name)
    model = reference_model(PACK, drug.state)[0]
    pose = reference_pose(PACK, drug)[0]
    return model, relax_complex(model, [place(load_parameters(drug), pose, "reference pose")], SOLVATION)


def settled_by(relaxed):
    """How far the ligand moved, angstrom, as its pose says."""
    return float(relaxed.ligands[0].pose.partition("settled by ")[2].split()[0])


@pytest.mark.parametrize(
    "name", ["imatinib", "nilotinib", "dasatinib", "bosutinib", "ponatinib", "asciminib"]
)
def test_a_reference_pose_settles_without_leaving_its_place(name):
    model, relaxed = settled(name)
    assert settled_by(relaxed) < 0.6
    heavy = model.element != "H"
    moved = ((relaxed.protein.coord - model.coord) ** 2).sum(axis=1)[heavy]
    assert np.sqrt(moved[moved > 0].mean()) < 0.4  # of the side chains that were free to move
    assert relaxed.interaction_kcal_per_mol < -30  # a drug in its pocket


@pytest.mark.parametrize("name", ["imatinib", "myristate"])
def test_a_bound_kinase_runs_and_keeps_its_ligand(name, tmp_path):
    drug = PACK.drug(name)
    _, relaxed = settled(name)
    system = tmp_path / "system"
    record = solvate_native(
        relaxed.protein, SOLVATION, 1, system, pack=PACK, state=drug.state, ligands=relaxed.ligands
    )
    assert record.ligands[0].name == name
    if name == "imatinib":
        assert "shipped" in record.origin
    ran = run_replica(
        system, tmp_path, tmp_path, ReplicaTask(PROTOCOL, replica=0, seed=1, production_steps=50)
    )
    assert ran.status == "finished", ran.note
    assert ran.attempt == 0
    assert 200 < ran.temperature_mean_k < 350
    atoms, frames, _ = read_protein_frames(tmp_path)
    heavy = ligand_mask(atoms) & (atoms.element != "H")
    moved = np.linalg.norm(frames[-1][heavy] - atoms.coord[heavy], axis=1)
    assert moved.mean() < 1.5


def test_phosphotyrosine_in_the_active_loop_runs(tmp_path):
    """Y393 phosphorylated: phosaa14SB beside ff14SB, in the water of the same state without it."""
    model = reference_model(PACK, "kinase-dfg-in-ptr393")[0]
    assert "PTR" in model.res_name
    system = tmp_path / "system"
    record = solvate_native(model, SOLVATION, 1, system, pack=PACK, state="kinase-dfg-in-ptr393")
    assert "shipped" in record.origin
    plain = reference_model(PACK, "kinase-dfg-in")[0]
    from kinscope.dynamics.systems.assemble import solute_charge

    assert record.solute_charge_e == solute_charge(plain, SOLVATION) - 2
    ran = run_replica(
        system, tmp_path, tmp_path, ReplicaTask(PROTOCOL, replica=0, seed=1, production_steps=50)
    )
    assert ran.status == "finished", ran.note
    assert ran.attempt == 0
    atoms, frames, _ = read_protein_frames(tmp_path)
    phosphorus = frames[:, (atoms.res_name == "PTR") & (atoms.element == "P")]
    oxygens = frames[:, (atoms.res_name == "PTR") & np.isin(atoms.atom_name, ["O1P", "O2P", "O3P"])]
    gaps = np.linalg.norm(oxygens - phosphorus, axis=2)
    assert gaps.shape[1] == 3
    assert 1.3 < gaps.min() <= gaps.max() < 1.7

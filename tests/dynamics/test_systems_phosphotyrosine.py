"""Substitutions on the model with phosphorylated Tyr393: of that residue, and beside it; built and run."""

from __future__ import annotations

import numpy as np
import pytest

from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.dynamics.systems.solvent import solvate_mutant, solvate_native
from kinscope.structures.mutants.build import build_mutant
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.reference.build import reference_model
from kinscope.targets import load_target

pytestmark = pytest.mark.slow

STATE = "kinase-dfg-in-ptr393"
SETTINGS = MutationSettings(
    alternatives=1, clash_iterations=40, final_iterations=40, backrub_degrees=(), neighbour_backrub_degrees=()
)
SOLVATION = SolvationSettings(equilibration_ps=0.0)
PROTOCOL = ProtocolSettings(checkpoint_interval_steps=100, frame_interval_steps=10)


@pytest.mark.parametrize(
    ("position", "residue", "charge"),
    [(393, "F", 2), (394, "A", 0)],  # the phosphate goes with its two charges; a neighbour of it changes
)
def test_a_substitution_on_the_phosphorylated_loop_is_built_and_runs(position, residue, charge, tmp_path):
    pack = load_target("abl1")
    native, record = reference_model(pack, STATE)
    mutant = build_mutant(native, record, [(position, residue)], SETTINGS, seed=1)[0].atoms
    names = {int(number): str(name) for number, name in zip(mutant.res_id, mutant.res_name, strict=True)}
    assert names[position] == {"F": "PHE", "A": "ALA"}[residue]
    assert ("PTR" in names.values()) == (position != 393)
    assert np.isfinite(mutant.coord).all()
    before = solvate_native(native, SOLVATION, 1, tmp_path / "native", pack=pack, state=STATE)
    after = solvate_mutant(mutant, tmp_path / "native", SOLVATION, 1, tmp_path / "mutant")
    assert after.solute_charge_e - before.solute_charge_e == charge
    for system in (before, after):
        assert system.solute_charge_e + system.positive_ions - system.negative_ions == 0
    ran = run_replica(
        tmp_path / "mutant",
        tmp_path / "r",
        tmp_path / "r",
        ReplicaTask(PROTOCOL, replica=0, seed=1, production_steps=30),
    )
    assert ran.status == "finished", ran.note
    assert ran.attempt == 0

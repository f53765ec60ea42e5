"""Profiles beside one another: panels read with their traps, finished dynamics found and measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from factories.small_systems import capped_residue, residue_in_vacuum
from factories.synthetic_trajectories import SyntheticSettings, synthetic_system, trajectories
from kinscope.analysis.fluctuation import profile_array
from kinscope.core.errors import BadInputError
from kinscope.dynamics.files.trajectory import Frame, append_at, encode_frames
from kinscope.dynamics.records import REPLICA_RECORD_FILE, TOPOLOGY_FILE, TRAJECTORY_FILE, ReplicaRecord
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.structures.io import write_model
from kinscope.validation.rmsf import dynamics_profiles, panels

HEAD = (
    "system,resid,resname,rmsf_CA_A_mean,rmsf_CA_A_sd_over_reps,n_replicates,matches_P00519,method,citation\n"
)


def panel(folder: Path, rows: list[str]) -> Path:
    (folder / "md_rmsf_reference_panel.csv").write_text(HEAD + "\n".join(rows) + "\n")
    return folder


def test_tags_and_ends_of_a_panel_are_left_out(tmp_path):
    rows = [f"wild type,{n},XXX,{n / 100},0.1,3,{n >= 230},MD,somebody" for n in range(225, 300)]
    found = panels(panel(tmp_path, rows))
    assert list(found) == ["wild type"]
    assert min(found["wild type"]) == 234
    assert max(found["wild type"]) == 295
    assert found["wild type"][250] == 2.5


def test_other_tables_beside_it_do_no_harm(tmp_path):
    rows = [f"wild type,{n},XXX,1.0,0.1,3,True,MD,somebody" for n in range(240, 300)]
    (tmp_path / "md_rmsf_reference_regions.csv").write_text("system,region\na,b\n")
    assert len(panels(panel(tmp_path, rows))["wild type"]) == 52


@pytest.mark.parametrize("row", ["wild type,x,XXX,1.0,0,3,True,MD,s", "wild type,250,XXX,soft,0,3,True,MD,s"])
def test_a_row_without_numbers_is_told_with_its_line(tmp_path, row):
    with pytest.raises(BadInputError) as caught:
        panels(panel(tmp_path, ["wild type,249,XXX,1.0,0,3,True,MD,s", row]))
    assert "line 3" in caught.value.where


def test_a_folder_without_a_panel_is_told(tmp_path):
    with pytest.raises(BadInputError, match="No table"):
        panels(tmp_path)


def test_finished_dynamics_below_a_folder_are_found_and_measured(tmp_path):
    """Known motion written as a finished replica comes back as its RMSF; failed ones are left out."""
    system = synthetic_system(SyntheticSettings(residues=60, frames=150, memory_ns=0.01))
    residue_in_vacuum(tmp_path / "system")
    settings = ProtocolSettings(equilibration_fraction=0.0)
    run_replica(
        tmp_path / "system",
        tmp_path / "r",
        tmp_path / "r",
        ReplicaTask(settings, replica=0, seed=1, production_steps=24),
    )
    record = ReplicaRecord.model_validate_json((tmp_path / "r" / REPLICA_RECORD_FILE).read_text())
    alpha = capped_residue()
    alpha = alpha[(alpha.atom_name == "CA") & (alpha.element == "C")]
    atoms = sum([alpha.copy() for _ in range(59)], start=alpha.copy())
    atoms.res_id[:] = system.numbers + 240
    for number, frames in enumerate(trajectories(system, 4)):
        folder = tmp_path / "run" / "artefacts" / str(number)
        folder.mkdir(parents=True)
        box = np.eye(3) * 9.0
        data = encode_frames([Frame(i, 0.1 * i, one / 10, box) for i, one in enumerate(frames)], folder)
        append_at(folder / TRAJECTORY_FILE, 0, data)
        write_model(folder / TOPOLOGY_FILE, atoms)
        changed = record.model_copy(
            update={
                "replica": number,
                "solute_atoms": 60,
                "frames": len(frames),
                "length_ns": 20.0,
                "status": "failed" if number == 2 else "finished",
            }
        )
        (folder / REPLICA_RECORD_FILE).write_text(changed.model_dump_json())
        about = {"parameters": {"state": "kinase-dfg-in", "variant": "native"}}
        (folder / "artefact.json").write_text(json.dumps(about))
    # A replica that was made longer counts once, at its full length.
    shorter = tmp_path / "run" / "artefacts" / "shorter"
    shutil.copytree(tmp_path / "run" / "artefacts" / "0", shorter)
    held = ReplicaRecord.model_validate_json((shorter / REPLICA_RECORD_FILE).read_text())
    held = held.model_copy(update={"length_ns": 10.0})
    (shorter / REPLICA_RECORD_FILE).write_text(held.model_dump_json())
    found = dynamics_profiles(tmp_path / "run")
    assert list(found) == ["dynamics, kinase-dfg-in, native, 2 x 20 ns"]
    profile = next(iter(found.values()))
    assert profile.residues == tuple(range(241, 301))
    rmsf = profile_array(profile).mean(axis=0)
    assert np.corrcoef(rmsf, system.true_rmsf_angstrom)[0, 1] > 0.95

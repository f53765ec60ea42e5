"""A study of replicas under random SIGKILLs, of workers and driver, ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from factories.small_systems import capped_residue, residue_in_vacuum
from factories.trajectory import read_protein_frames
from kinscope.core.files import sha256_of_file
from kinscope.dynamics.files.system import load_record, write_state
from kinscope.dynamics.gromacs.program import find_gromacs
from kinscope.dynamics.records import (
    ENERGIES_FILE,
    REPLICA_RECORD_FILE,
    STATE_FILE,
    SYSTEM_RECORD_FILE,
    TRAJECTORY_FILE,
    ReplicaRecord,
)
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.dynamics.systems.solvent import solvate_native
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import ArtefactRecord, Store, list_files
from kinscope.workflow.planning.catalogue import STAGES

HERE = Path(__file__).resolve()
AROUND = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
}
SIDES = ("native", "mutant")
REPLICAS = 2
VACUUM, LONG, WATER, GROMACS = "vacuum", "long", "water", "gromacs"
"""What is run: a residue alone, for a moment or for long (``long-STEPS``), in water, or there on GROMACS."""
TIMING = {"wall_seconds", "resumes"}
"""What may differ between a run that was killed and one that was not."""


def protocol(kind: str) -> ProtocolSettings:
    checkpoints, frames = {VACUUM: (100, 20), LONG: (5000, 1000)}.get(kind.partition("-")[0], (30, 10))
    return ProtocolSettings(
        checkpoint_interval_steps=checkpoints, frame_interval_steps=frames, equilibration_fraction=0.3
    )


def production(kind: str) -> int:
    return int(kind.partition("-")[2] or {VACUUM: 2000}.get(kind, 240))


def replica_steps(systems: dict[str, Step], kind: str) -> list[Step]:
    settings = protocol(kind)
    return [
        Step(
            STAGES["replica"],
            f"dynamics {number + 1}, {side}",
            {
                "replica": number,
                "protocol": settings.model_dump(mode="json"),
                "production_steps": production(kind),
                "seed": 7,
                **({"engine": "gromacs"} if kind == GROMACS else {}),
            },
            {"system": systems[side]},
        )
        for side in SIDES
        for number in range(REPLICAS)
    ]


def system_steps() -> dict[str, Step]:
    return {side: Step(STAGES["solvated"], side, {"side": side}) for side in SIDES}


def drive(run: Path, kind: str) -> int:
    """What a driver process does: bring every replica about; 0 if none is left."""
    from kinscope.workflow.engine.driver import Driver
    from kinscope.workflow.engine.processes import Processes

    outcome = Driver(run, None, Processes(2)).run(replica_steps(system_steps(), kind))
    return 0 if not outcome.failed and not outcome.skipped else 3


def begin(run: Path, systems: dict[str, Path]) -> None:
    """A run directory in which the systems are there already."""
    store = Store(run / "artefacts")
    for side, step in system_steps().items():
        copy = run / side
        shutil.copytree(systems[side], copy)
        record = ArtefactRecord(
            key=step.key,
            step=step.name,
            label=step.label,
            parameters=dict(step.parameters),
            inputs={},
            seed=None,
            wall_seconds=0.0,
            platform="CPU",
            kinscope_version="test",
            files=list_files(copy),
        )
        store.put(step, copy, record)


def workers_of(driver: int) -> list[int]:
    """Process ids of the driver's children."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, NotADirectoryError):
            continue
        if entry.name.isdigit() and int(words[1]) == driver and words[0] != "Z":
            found.append(int(entry.name))
    return found


def under_way(run: Path) -> set[str]:
    """What the replicas in progress have told so far."""
    told = set()
    for path in run.glob("work/*/progress.json"):
        try:
            told.add(path.parent.name + path.read_text())
        except OSError:
            continue
    return told


def kill_once(run: Path, driver: subprocess.Popen, dice: random.Random) -> bool:
    """Wait until some replica moves on, then a random while, then kill somebody; False if all ended first."""
    before = under_way(run)
    hasty = dice.random() < 0.2  # some kills hit processes that are just starting
    while not hasty and under_way(run) <= before:
        if driver.poll() is not None:
            return False
        time.sleep(0.01)
    time.sleep(dice.random() * 0.5)
    victims = workers_of(driver.pid)
    victim = dice.choice(victims) if victims and dice.random() < 0.6 else driver.pid
    if driver.poll() is not None:
        return False
    os.kill(victim, signal.SIGKILL)
    if victim == driver.pid:
        driver.wait()
    return True


def run_under_fire(run: Path, kind: str, kills: int, dice: random.Random) -> int:
    """Drive a study to its end while killing; the number of kills that hit."""
    hits = 0
    while True:
        driver = subprocess.Popen(
            [sys.executable, str(HERE), str(run), kind],
            env=AROUND,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while hits < kills and kill_once(run, driver, dice):
            hits += 1
            if driver.poll() is not None:
                break
        if driver.wait() == 0:
            return hits


@pytest.fixture(scope="module")
def vacuum(tmp_path_factory) -> tuple[dict[str, Path], dict[tuple[str, int], Path]]:
    root = tmp_path_factory.mktemp("vacuum")
    for side, residue in zip(SIDES, ("ALA", "SER"), strict=True):
        residue_in_vacuum(root / side, residue)
    return references(root, VACUUM)


def references(root: Path, kind: str) -> tuple[dict[str, Path], dict[tuple[str, int], Path]]:
    """Systems, and the replicas as they run when nobody is killed."""
    systems = {side: root / side for side in SIDES}
    if kind != VACUUM:
        # In a process of its own: OpenMM reads the number of threads of its PME once per process.
        begin(root / "whole", systems)
        subprocess.run([sys.executable, str(HERE), str(root / "whole"), kind], check=True, env=AROUND)
        store = Store(root / "whole" / "artefacts")
        steps = replica_steps(system_steps(), kind)
        keys = [(side, number) for side in SIDES for number in range(REPLICAS)]
        return systems, {key: store.path(step) for key, step in zip(keys, steps, strict=True)}
    whole = {}
    for side in SIDES:
        for number in range(REPLICAS):
            folder = whole[side, number] = root / f"{side}-{number}"
            run_replica(
                systems[side],
                folder,
                folder,
                ReplicaTask(protocol(kind), replica=number, seed=7, production_steps=production(kind)),
            )
    return systems, whole


def compare(run: Path, whole: dict[tuple[str, int], Path], kind: str) -> int:
    """Every byte and every record that may not differ; the number of resumes."""
    store = Store(run / "artefacts")
    resumes = 0
    for (side, number), expected in whole.items():
        step = next(
            item
            for item in replica_steps(system_steps(), kind)
            if item.label == f"dynamics {number + 1}, {side}"
        )
        found = store.path(step)
        assert store.find(step) is not None
        for name in (TRAJECTORY_FILE, ENERGIES_FILE):
            assert (found / name).read_bytes() == (expected / name).read_bytes(), (side, number, name)
        records = [
            ReplicaRecord.model_validate_json((folder / REPLICA_RECORD_FILE).read_text())
            for folder in (found, expected)
        ]
        assert records[0].model_dump(exclude=TIMING) == records[1].model_dump(exclude=TIMING)
        _, frames, times = read_protein_frames(found)
        interval = records[0].frame_interval_ps
        assert np.allclose(times, interval * np.arange(1, len(frames) + 1), rtol=1e-5)  # no gap, none doubled
        assert len({frame.tobytes() for frame in frames}) == len(frames)
        steps = [line.split(",")[:2] for line in (found / ENERGIES_FILE).read_text().splitlines()[1:]]
        assert len({tuple(row) for row in steps}) == len(steps)
        resumes += records[0].resumes
    assert not list((run / "work").glob("*"))
    return resumes


def test_a_study_under_random_kills_ends_in_the_same_result(vacuum, tmp_path):
    """Six kills that hit: in one study, or in as many as a machine needs whose studies end sooner."""
    systems, whole = vacuum
    dice = random.Random(1)
    hits = resumes = studies = 0
    while hits < 6 or resumes < 1:
        run = tmp_path / str(studies)
        begin(run, systems)
        hits += run_under_fire(run, VACUUM, 8, dice)
        resumes += compare(run, whole, VACUUM)
        studies += 1
        assert studies < 20, (hits, resumes)


def test_a_system_that_blows_up_does_not_stop_the_others(vacuum, tmp_path):
    """Its replicas are tried by the rule, then recorded as failed; the other replicas are untouched."""
    systems, whole = vacuum
    broken = tmp_path / "broken"
    shutil.copytree(systems["native"], broken)
    with np.load(broken / STATE_FILE) as data:
        positions, box = data["positions_nm"].copy(), data["box_nm"]
    positions[3] = np.nan
    write_state(broken / STATE_FILE, positions, box)
    record = load_record(broken).model_copy(update={"state_sha256": sha256_of_file(broken / STATE_FILE)})
    (broken / SYSTEM_RECORD_FILE).write_text(record.model_dump_json())
    run = tmp_path / "run"
    begin(run, {"native": broken, "mutant": systems["mutant"]})
    assert drive(run, VACUUM) == 0
    store = Store(run / "artefacts")
    for step in replica_steps(system_steps(), VACUUM):
        found = ReplicaRecord.model_validate_json((store.path(step) / REPLICA_RECORD_FILE).read_text())
        number, _, side = step.label.removeprefix("dynamics ").partition(", ")
        if side == "native":
            assert (found.status, found.frames) == ("failed", 0)
            assert found.note.count("blew up") == protocol(VACUUM).retries + 1
        else:
            expected = whole[side, int(number) - 1]
            assert found.status == "finished"
            assert (store.path(step) / TRAJECTORY_FILE).read_bytes() == (
                expected / TRAJECTORY_FILE
            ).read_bytes()


@pytest.mark.slow
def test_fifty_kills_of_short_studies_lose_nothing(tmp_path):
    """In water, where neighbour lists have to be met again bit by bit, and in a vacuum, until fifty hit.

    GROMACS, if it is here, takes twenty more.
    """
    dice = random.Random(2)
    hits = resumes = studies = 0
    for kind in (WATER, VACUUM, *([GROMACS] if find_gromacs() is not None else [])):
        root = tmp_path / kind
        for side, residue in zip(SIDES, ("LYS", "ALA"), strict=True):
            if kind != VACUUM:
                settings = SolvationSettings(padding_nm=0.8, settle_steps=150, equilibration_ps=0.0)
                solvate_native(capped_residue(residue), settings, 1, root / side)
            else:
                residue_in_vacuum(root / side, residue)
        systems, whole = references(root, kind)
        wanted = {WATER: 25, VACUUM: 50 - hits, GROMACS: 20}[kind]
        here = 0
        while here < wanted:
            run = tmp_path / f"run-{studies}"
            begin(run, systems)
            here += run_under_fire(run, kind, wanted - here, dice)
            resumes += compare(run, whole, kind)
            studies += 1
        hits += here
    print(f"\n{hits} kills over {studies} studies of {len(SIDES) * REPLICAS} replicas, {resumes} resumes")
    assert hits >= 50
    assert resumes >= 10


def test_a_study_of_nobody_killed_is_the_reference(vacuum, tmp_path):
    """The comparison above can fail: another seed gives other bytes, the same gives the same."""
    systems, whole = vacuum
    folder = tmp_path / "other"
    run_replica(
        systems["native"],
        folder,
        folder,
        ReplicaTask(protocol(VACUUM), replica=0, seed=8, production_steps=production(VACUUM)),
    )
    mine, theirs = folder / TRAJECTORY_FILE, whole["native", 0] / TRAJECTORY_FILE
    assert mine.read_bytes() != theirs.read_bytes()
    assert json.loads((whole["native", 0] / REPLICA_RECORD_FILE).read_text())["resumes"] == 0


if __name__ == "__main__":
    sys.exit(drive(Path(sys.argv[1]), sys.argv[2]))

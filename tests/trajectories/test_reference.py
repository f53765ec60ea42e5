"""Dynamics computed earlier: exported from a run, shipped as tables, shown in the report."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from factories.report import empty_study
from kinscope.analysis.trajectory_compare import lengths_differ
from kinscope.core.errors import BadInputError, ComputationError
from kinscope.core.files import sha256_of_file
from kinscope.dynamics.files.trajectory import Frame, append_at, encode_frames
from kinscope.dynamics.platforms import on_processor
from kinscope.dynamics.protocol import plan_steps
from kinscope.dynamics.records import (
    REPLICA_RECORD_FILE,
    TOPOLOGY_FILE,
    TRAJECTORY_FILE,
    ReplicaRecord,
)
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.interpretation.assessment import _of_motion
from kinscope.report import ReportFiles
from kinscope.report.page import report_html
from kinscope.report.readings import computed_earlier, reference_verdict
from kinscope.report.tables import reference_tables
from kinscope.structures.io import write_model
from kinscope.structures.reference.build import reference_model
from kinscope.targets import load_target
from kinscope.trajectories.reference import (
    ReferenceDynamics,
    read_reference,
    reference_dynamics,
    write_reference,
)
from kinscope.trajectories.system import System, measure_system
from kinscope.variants import parse_variant
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import ArtefactRecord, Store, list_files
from kinscope.workflow.reference_export import export_reference
from kinscope.workflow.rundir import new_study, open_or_create
from kinscope.workflow.settings import load_preset, with_changes
from kinscope.workflow.study import plan_of

STATE = "kinase-dfg-in"
WIDE = 404
"""The residue that moves more in the variant."""


def put_replica(store: Store, step: Step, work: Path, *, wide: bool) -> None:
    """The model with noise of 0.5 angstrom; about one residue the chain sways by three, unbroken."""
    atoms, _ = reference_model(load_target("abl1"), STATE)
    number = step.parameters["replica"]
    random = np.random.default_rng([number, wide])
    sway = 3.0 * wide * np.clip(1 - np.abs(atoms.res_id - WIDE) / 12, 0, None)[:, None]
    residues = np.unique(atoms.res_id, return_inverse=True)[1]
    work.mkdir()
    frames = []
    for index in range(12):
        noise = 0.5 * random.normal(size=(residues.max() + 1, 3))[residues]
        shift = (noise + sway * random.normal(size=3)) / np.sqrt(3)
        frames.append(Frame(index, 1500.0 * (index + 1), (atoms.coord + shift) / 10, np.eye(3) * 8.0))
    append_at(work / TRAJECTORY_FILE, 0, encode_frames(frames, work))
    write_model(work / TOPOLOGY_FILE, atoms)
    settings = ProtocolSettings()
    record = ReplicaRecord(
        replica=number,
        seed=1,
        status="finished",
        platform=on_processor("CPU", "a test"),
        openmm="8",
        settings=settings,
        plan=plan_steps(settings, 4_500_000),
        system_sha256="0" * 64,
        state_sha256="0" * 64,
        atoms=40_000,
        solute_atoms=len(atoms),
        attempt=0,
        time_step_fs=4.0,
        length_ns=18.0,
        frames=len(frames),
        frame_interval_ps=1500.0,
        temperature_mean_k=300.0,
        temperature_standard_deviation_k=2.0,
        potential_mean_kcal_per_mol=-1.0,
        segments=1,
        resumes=0,
        wall_seconds=7200.0,
        trajectory_sha256=sha256_of_file(work / TRAJECTORY_FILE),
    )
    (work / REPLICA_RECORD_FILE).write_text(record.model_dump_json())
    made = ArtefactRecord(
        key=step.key,
        step=step.name,
        label=step.label,
        parameters=dict(step.parameters),
        inputs={},
        seed=1,
        wall_seconds=0.0,
        platform="CPU",
        kinscope_version="test",
        files=list_files(work),
    )
    store.put(step, work, made)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReferenceDynamics, Path, Path]:
    """The reference of a run of made-up trajectories; one mutant replica is not there."""
    root = tmp_path_factory.mktemp("reference")
    os.environ["KINSCOPE_CACHE"] = str(root / "cache")
    variant = parse_variant("K404E", load_target("abl1"))
    settings = with_changes(
        load_preset("paper"), states=(STATE,), dynamics={"states": (STATE,), "ligands": (), "replicas": 2}
    )
    run = root / "run"
    open_or_create(run, new_study(variant, settings, created="2026-01-01"))
    _, steps, store = plan_of(run)
    replicas = [step for step in steps if step.name == "replica"]
    assert len(replicas) == 4
    for index, step in enumerate(replicas):
        if index < 3:
            wide = step.parameters["variant"] != "native"
            put_replica(store, step, root / f"work{index}", wide=wide)
    reference, path = export_reference(run, root / "out", created="2026-02-03", tables=root / "tables")
    return reference, path, root


def test_sides_that_drew_the_same_noise_are_told(exported):
    reference, _, _ = exported

    def verdict(native, mutant):
        seeds = {True: iter(native), False: iter(mutant)}
        drawn = [
            one.model_copy(update={"seed": next(seeds[one.variant == "native"])})
            for one in reference.replicas
        ]
        return reference_verdict(reference.model_copy(update={"replicas": tuple(drawn)}))

    assert "noise" not in verdict(native=(1, 2), mutant=(3, 4))
    assert "too wide, if anything" in verdict(native=(1, 2), mutant=(2, 1))


def test_replicas_that_are_not_as_long_are_not_compared(exported, tmp_path):
    """What lasts longer fluctuates more: no difference is made of that, and the report says why."""
    _, _, root = exported
    sides = {"native": [], "mutant": []}
    for number, folder in enumerate(sorted((root / "run" / "artefacts" / "replica").iterdir())):
        made = json.loads((folder / "artefact.json").read_text())["parameters"]["variant"]
        sides["native" if made == "native" else "mutant"].append(tmp_path / str(number))
        shutil.copytree(folder, tmp_path / str(number))
    system = System(STATE, tuple(sides["native"]), tuple(sides["mutant"]))
    equal = measure_system(system, load_target("abl1"), "K404E", (404,))
    assert equal.comparison is not None
    path = sides["mutant"][0] / REPLICA_RECORD_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"length_ns": 9.0}))
    unequal = measure_system(system, load_target("abl1"), "K404E", (404,))
    assert unequal.comparison is None
    assert unequal.profiles is None
    assert {row.status for row in unequal.summaries} == {"finished"}

    def limits(measured):
        return _of_motion(
            empty_study().measurements.model_copy(update={"simulations": tuple(measured.summaries)})
        )

    assert any("is not compared: its replicas are 9 ns to 18 ns long" in text for text in limits(unequal))
    assert not any("not compared" in text for text in limits(equal))


def test_lengths_alike_to_a_percent_are_one():
    assert not lengths_differ([])
    assert not lengths_differ([None, None])
    assert not lengths_differ([20.0, 19.9, None])
    assert lengths_differ([20.0, 19.0])


def test_the_record_says_what_was_computed_where_and_for_how_long(exported):
    reference, path, root = exported
    assert reference.variant == "K404E"
    assert len(reference.replicas) == 3  # what is not finished is left out, not waited for
    assert reference.total_ns == pytest.approx(54.0)
    words = computed_earlier(reference)
    assert "3 trajectories of 18 ns, 54 ns in all, 6.0 hours of CPU time" in words
    assert "2026-02-03" in words
    assert reference.protocol.time_step_fs == 4.0
    assert reference.solvation.ionic_strength_molar == 0.15
    assert {"openmm", "kinscope", "python"} <= reference.versions.keys()
    assert path.stat().st_size < 200_000
    assert not list((root / "out").glob("*.xtc"))
    rows = (root / "tables" / "residues.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 * len(reference.profiles[0].residues)


def test_known_motion_comes_back_in_the_tables(exported):
    reference, _, _ = exported
    native, mutant = reference.profiles
    index = native.residues.index(WIDE)
    assert np.mean([row[index] for row in native.rmsf_angstrom]) == pytest.approx(0.5, rel=0.3)
    assert np.mean([row[index] for row in mutant.rmsf_angstrom]) == pytest.approx(3.0, rel=0.4)
    assert reference.systems[0].state == STATE
    by_region = {row.region: row.difference_angstrom.value for row in reference.regions}
    widest = max(by_region, key=lambda name: by_region[name] or 0.0)
    holding = next(row.residues for row in reference.regions if row.region == widest)
    assert any(abs(residue - WIDE) <= 3 for residue in holding)


def test_a_round_trip_keeps_everything_and_damage_is_noticed(exported, tmp_path: Path):
    reference, path, _ = exported
    assert read_reference(path) == reference
    assert write_reference(reference, tmp_path).read_bytes() == path.read_bytes()
    body = gzip.decompress(path.read_bytes())
    changed = tmp_path / path.name
    changed.write_bytes(gzip.compress(body.replace(b"18.0", b"1800", 1)))
    for content in (changed.read_bytes(), b"", path.read_bytes()[:500]):
        changed.write_bytes(content)
        with pytest.raises(ComputationError, match="cannot be read"):
            read_reference(changed)


def test_references_are_found_by_variant_and_the_longest_first(exported, tmp_path: Path):
    reference, _, _ = exported
    pack = load_target("abl1")
    shipped = reference_dynamics(pack)
    short = reference.model_copy(update={"replicas": reference.replicas[:1]})
    other = reference.model_copy(update={"target": "SRC"})
    for one in (short, reference, other):
        write_reference(one, tmp_path)
    found = reference_dynamics(pack, reference.hgvs_p, (tmp_path,))
    assert found[: 2 + len(shipped)].count(reference) == 1
    assert [one.total_ns for one in found] == sorted((one.total_ns for one in found), reverse=True)
    assert reference_dynamics(pack, "NP_005148.2:p.(Met244Val)", (tmp_path,)) == tuple(
        one for one in shipped if "Met244Val" in one.hgvs_p
    )
    assert other not in reference_dynamics(pack, None, (tmp_path,))


def test_cells_of_the_tables_are_no_formulas(exported):
    reference, _, _ = exported
    bad = reference.replicas[0].model_copy(update={"note": "=cmd()"})
    text = reference_tables(reference.model_copy(update={"replicas": (bad,)}))["replicas.csv"]
    assert "'=cmd()" in text


def test_the_report_shows_it_apart_and_escapes_it(exported):
    reference, _, _ = exported
    hostile = reference.model_copy(update={"machine": "<script>alert(1)</script>"})
    result, files = empty_study(), ReportFiles()
    without = report_html(result, files)
    assert "Dynamics computed earlier" not in without
    page = report_html(result, files.model_copy(update={"reference": (hostile,)}))
    assert "Dynamics computed earlier" in page
    assert "3 trajectories of 18 ns" in page
    assert "<script>alert(1)" not in page
    assert reference.replicas[0].trajectory_sha256[:12] in page


def test_a_run_without_finished_dynamics_is_refused(tmp_path: Path):
    variant = parse_variant("K404E", load_target("abl1"))
    open_or_create(tmp_path / "run", new_study(variant, load_preset("paper"), created="2026-01-01"))
    with pytest.raises(BadInputError, match="no system with finished replicas"):
        export_reference(tmp_path / "run", tmp_path / "out", created="2026-01-01")
    assert not (tmp_path / "out").exists()


def test_what_ships_is_whole():
    for target in ("abl1", "src"):
        for reference in reference_dynamics(load_target(target)):
            assert reference.replicas
            assert json.loads(reference.model_dump_json())

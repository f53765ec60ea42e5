"""What decides the identity of a replica, and what does not: devices, packing, extensions."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from factories.presets import whole_quick
from kinscope.core.errors import ComputationError, RunDirectoryError, SettingsError
from kinscope.dynamics.machine.devices import _named_devices
from kinscope.targets import load_target
from kinscope.variants import parse_variant
from kinscope.workflow import machine, study
from kinscope.workflow.engine.driver import Outcome
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.engine.store import ArtefactRecord, list_files
from kinscope.workflow.planning.catalogue import REPLICA_STAGES
from kinscope.workflow.planning.docking import docking_steps
from kinscope.workflow.planning.dynamics import replica_steps
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Pace, Study
from kinscope.workflow.rundir import new_study, note_pace, noted_pace, open_existing, open_or_create
from kinscope.workflow.settings import StudySettings, with_changes
from kinscope.workflow.trajectory_run import analyse_run, finished_replicas

PACK = load_target("abl1")
VARIANT = parse_variant("K404E", PACK)


def settings(**dynamics: object) -> StudySettings:
    values = {"states": ("kinase-dfg-in",), "budget_minutes": None, "length_ns": 1.0, **dynamics}
    return with_changes(whole_quick(), states=("kinase-dfg-in",), dynamics=values)


def replicas(given: StudySettings, **options: object) -> dict[tuple[str, str, int], Step]:
    return replica_steps(Study(PACK, VARIANT, given, **options))  # type: ignore[arg-type]


def test_how_many_share_a_gpu_is_outside_every_key(tmp_path: Path):
    packed, alone = settings(replicas_per_gpu=4), settings()
    plans = [plan_study(Study(PACK, VARIANT, one)) for one in (packed, alone)]
    assert plans[0].report.key == plans[1].report.key
    open_or_create(tmp_path / "run", new_study(VARIANT, alone, created="2026-01-01"))
    held = open_or_create(tmp_path / "run", new_study(VARIANT, packed, created="2026-01-01"))
    assert held.settings.dynamics.replicas_per_gpu == 4
    with pytest.raises(RunDirectoryError, match="other settings"):
        open_or_create(tmp_path / "run", new_study(VARIANT, settings(length_ns=2.0), created="2026-01-01"))


@pytest.mark.parametrize("bad", [0, -1, 17, "some"])
def test_impossible_numbers_per_gpu_are_refused(bad: object):
    with pytest.raises(SettingsError, match="replicas_per_gpu"):
        settings(replicas_per_gpu=bad)


def test_a_study_begun_on_a_cpu_keeps_its_replicas_on_a_machine_with_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert noted_pace(tmp_path) is None
    for given, held in ((Pace(2.0, "cpu"), (2.0, "cpu")), (Pace(8.0, "gpu"), (2.0, "cpu"))):
        note_pace(tmp_path, given)
        assert noted_pace(tmp_path)[:2] == held
    (tmp_path / "workers.txt").unlink()
    note_pace(tmp_path, Pace(2.6, "gpu"))
    assert noted_pace(tmp_path)[:2] == (2.6, "gpu")
    directory = tmp_path / "run"
    held = open_or_create(directory, new_study(VARIANT, settings(), created="2026-01-01"))
    note_pace(directory, Pace(2.0))
    monkeypatch.setattr(study, "find_gpus", lambda: _named_devices("CPU,CPU"))
    monkeypatch.setattr(machine, "find_gpus", lambda prober=None: _named_devices("CPU,CPU"))
    here = study.Run(held, directory, cores=2)
    steps = replica_steps(here.study)
    assert {s.key for s in steps.values()} == {s.key for s in replicas(settings()).values()}
    assert {step.resource for step in steps.values()} == {"gpu"}  # yet they run on what is there


def test_the_pace_is_asked_once_and_only_where_replicas_are_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[int] = []
    monkeypatch.setattr(study, "runner_of", lambda dynamics: asked.append(1) or "cpu")
    held = new_study(VARIANT, settings(budget_minutes=6.0, length_ns=20.0))
    here = study.Run(held, tmp_path / "run", cores=3)
    monkeypatch.setattr(study.Driver, "run", lambda engine, steps: Outcome())
    for choose, times in ((docking_steps, 0), (replica_steps, 1), (replica_steps, 1)):
        with pytest.raises(ComputationError, match="could not be finished"):
            here.stage(choose)
        assert len(asked) == times
        assert (noted_pace(tmp_path / "run") or (None,))[:2] == ((3.0, "cpu") if times else (None,))


def test_a_longer_study_rests_on_the_shorter_one():
    short = replicas(settings())
    once = replicas(settings(extensions=({"length_ns": 5.0},)))
    twice = replicas(settings(extensions=({"length_ns": 5.0}, {"length_ns": 20.0, "gpu": True})))
    assert short.keys() == once.keys() == twice.keys()
    for name, step in twice.items():
        assert step.parameters["production_steps"] == 5_000_000
        assert step.inputs["before"].key == once[name].key
        assert once[name].inputs["before"].key == short[name].key
        assert step.inputs["system"].key == short[name].inputs["system"].key
        assert step.label.count("ns") == 1
    assert len({step.key for group in (short, once, twice) for step in group.values()}) == 3 * len(short)
    assert twice["native", "kinase-dfg-in", 0].shared


def test_only_the_longest_of_a_replica_is_analysed():
    steps = in_order(list(replicas(settings(extensions=({"length_ns": 5.0},))).values()))

    there = set()
    for step in steps:
        number = step.parameters.get("replica")
        if step.name in REPLICA_STAGES and (number == 0 or "before" not in step.inputs):
            there.add(step.key)
    held = SimpleNamespace(damaged=set(), find=lambda step: step if step.key in there else None)
    found = finished_replicas(steps, held)  # type: ignore[arg-type]
    assert len(found) == 6
    lengths = {step.parameters["replica"]: step.parameters["production_steps"] for step in found}
    assert lengths == {0: 1_250_000, 1: 250_000, 2: 250_000}


def test_a_damaged_replica_is_named_and_not_analysed(tmp_path: Path):
    steps = in_order(list(replicas(settings()).values()))
    broken = next(step for step in steps if step.name in REPLICA_STAGES)
    held = SimpleNamespace(
        damaged={broken.key}, find=lambda _: None, path=lambda step: tmp_path / step.folder
    )
    with pytest.raises(RunDirectoryError, match="not what was computed") as refused:
        finished_replicas(steps, held)  # type: ignore[arg-type]
    assert broken.folder in refused.value.where


def test_a_replica_given_by_its_folder_is_held_against_its_hashes(tmp_path: Path):
    (tmp_path / "replica.json").write_text("{}")
    record = ArtefactRecord(
        key="0", step="replica", label="dynamics", parameters={}, inputs={}, seed=1,
        wall_seconds=1.0, platform="CPU", kinscope_version="0", files=list_files(tmp_path),
    )  # fmt: skip
    (tmp_path / "artefact.json").write_text(record.model_dump_json())
    (tmp_path / "replica.json").write_text("[]")
    with pytest.raises(RunDirectoryError, match="not what was computed"):
        analyse_run(tmp_path, PACK, tmp_path / "out")


def test_extending_is_written_down_once_and_never_shortens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ran: list[float] = []
    monkeypatch.setattr(machine, "find_gpus", lambda prober=None: _named_devices("CPU"))
    monkeypatch.setattr(
        study.Run, "stage", lambda run, *_: ran.append(run.held.settings.dynamics.extensions[-1].length_ns)
    )
    run = tmp_path / "run"
    open_or_create(run, new_study(VARIANT, settings(), created="2026-01-01"))
    for bad in (0.5, 1.0):
        with pytest.raises(SettingsError, match="long already"):
            study.extend_study(run, bad)
    study.extend_study(run, 5.0)
    study.extend_study(run, 5.0)  # stopped in between: the same again
    study.extend_study(run, 20.0)
    with pytest.raises(SettingsError, match="long already"):
        study.extend_study(run, 10.0)
    held = open_existing(run).settings.dynamics.extensions
    assert [(one.length_ns, one.gpu) for one in held] == [(5.0, True), (20.0, True)]
    assert ran == [5.0, 5.0, 20.0]
    none = tmp_path / "none"
    open_or_create(
        none,
        new_study(VARIANT, with_changes(whole_quick(), dynamics={"budget_minutes": 0}), created="2026-01-01"),
    )
    with pytest.raises(SettingsError, match="no dynamics"):
        study.extend_study(none, 5.0)


def test_what_steps_replicas_is_part_of_what_they_are():
    """Two engines sample one ensemble, but no comparison mixes them unawares."""
    processor, other = replicas(settings()), replicas(settings(), pace=Pace(on="gromacs"))
    assert {step.resource for step in other.values()} == {"cpu"}
    assert not {step.key for step in processor.values()} & {step.key for step in other.values()}
    wishes = replicas(settings(engine="openmm"))
    assert {step.key for step in wishes.values()} == {step.key for step in processor.values()}


def test_the_faster_engine_is_taken_and_a_wish_is_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from kinscope.dynamics.gromacs import program as gromacs
    from kinscope.dynamics.platforms import on_processor
    from kinscope.dynamics.records import PlatformChoice, SpeedRecord

    found = PlatformChoice(
        name="GROMACS", properties={"Executable": "gmx", "Version": "1"}, deterministic=True, reason=""
    )

    class Bench:
        """Knows only how fast things are."""

        def __init__(self) -> None:
            self.rates = {"GROMACS": 8.0, "CPU": 2.0}
            self.asked = 0

        def installed(self) -> tuple[str, ...]:
            return ("CPU",)

        def speeds(self, choices, volume_cubic_nm, seconds):
            self.asked += 1
            return tuple(
                SpeedRecord(
                    platform=one, atoms=8000, time_step_fs=4.0, steps=10, seconds=1.0,
                    ns_per_day=self.rates[one.name], steps_per_second=10.0, setup_seconds=0.0,
                )
                for one in choices
            )  # fmt: skip

    monkeypatch.setenv("KINSCOPE_CACHE", str(tmp_path))
    monkeypatch.setattr(gromacs, "find_gromacs", lambda: found)
    monkeypatch.setattr(gromacs, "gromacs_platform", lambda: found)
    assert on_processor("CPU", "").deterministic
    bench = Bench()
    plain = settings().dynamics
    assert machine.runner_of(plain, bench) == "gromacs"
    assert machine.runner_of(plain, bench) == "gromacs"
    assert bench.asked == 2  # one question each, then remembered
    assert machine.runner_of(settings(engine="openmm").dynamics, bench) == "cpu"
    assert machine.runner_of(settings(protocol={"ensemble": "NPT"}).dynamics, bench) == "cpu"
    monkeypatch.setenv("KINSCOPE_PLATFORM", "CPU")
    assert machine.runner_of(plain, bench) == "cpu"
    monkeypatch.delenv("KINSCOPE_PLATFORM")
    monkeypatch.setenv("KINSCOPE_CACHE", str(tmp_path / "slow"))
    bench.rates["GROMACS"] = 2.1
    assert machine.runner_of(plain, bench) == "cpu"
    assert machine.runner_of(settings(engine="gromacs").dynamics, bench) == "gromacs"
    with pytest.raises(SettingsError, match="engine"):
        settings(engine="namd")

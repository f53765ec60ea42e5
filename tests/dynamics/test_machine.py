"""Which device runs what: every rule tried on machines that are not there."""

from __future__ import annotations

import itertools
import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories.small_systems import residue_in_vacuum
from kinscope.core.errors import SettingsError
from kinscope.dynamics.machine import devices as found_devices
from kinscope.dynamics.machine.devices import (
    DEVICES_VARIABLE,
    Device,
    Packing,
    choose_platform,
    devices_of,
    find_devices,
    least_used,
    measure_packing,
)
from kinscope.dynamics.machine.probe import Prober
from kinscope.dynamics.platforms import PLATFORM_VARIABLE
from kinscope.dynamics.records import REPLICA_RECORD_FILE, PlatformChoice, ReplicaRecord, SpeedRecord
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.results.notes import Note
from kinscope.workflow import machine
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.engine.driver import Driver
from kinscope.workflow.engine.processes import Processes
from kinscope.workflow.engine.step import Stage, Step
from kinscope.workflow.engine.store import ArtefactRecord, list_files
from kinscope.workflow.machine import find_gpus, missing_gpu_plugin, packing_of
from kinscope.workflow.planning.catalogue import STAGES

HERE = Path(__file__).stem
TOLD = Stage("told", f"{HERE}:tell_platform")


class FakeMachine:
    """Devices by platform and the ns/day of each platform for so many copies on one device."""

    def __init__(self, devices: dict[str, list[str | None]], speeds: dict[str, dict[int, float]]) -> None:
        self.devices, self.rates = devices, speeds
        self.lists = True
        self.asked: list[tuple[str, int]] = []

    def installed(self) -> tuple[str, ...]:
        return ("Reference", "CPU", *self.devices)

    def listed(self, name: str) -> tuple[dict[str, str], ...]:
        if not self.lists:
            return ()
        return tuple(
            {"DeviceIndex": str(i), "DeviceName": str(label)} for i, label in enumerate(self.devices[name])
        )

    def runs(self, choice: PlatformChoice) -> dict[str, str] | None:
        index = int(choice.properties.get("DeviceIndex", "0"))
        labels = self.devices[choice.name]
        assert choice.properties["Precision"] == "mixed"
        return {"DeviceName": labels[index] or ""} if index < len(labels) and labels[index] else None

    def speeds(self, choices: Sequence[PlatformChoice], volume: float, seconds: float):
        copies = len(choices)
        self.asked.append((choices[0].name, copies))
        rate = self.rates.get(choices[0].name, {}).get(copies)
        if rate is None:
            return ()
        one = SpeedRecord(
            platform=choices[0],
            atoms=round(100 * volume),
            time_step_fs=4.0,
            steps=10,
            seconds=seconds,
            ns_per_day=rate / copies,
            steps_per_second=1.0,
            setup_seconds=1.0,
        )
        return (one,) * copies


@pytest.fixture(autouse=True)
def _a_machine_without_masks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*os.environ]:
        if name.endswith("_VISIBLE_DEVICES") or name in (DEVICES_VARIABLE, PLATFORM_VARIABLE):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KINSCOPE_CACHE", str(tmp_path / "cache"))
    for place in Path(__file__).parents[:2]:
        monkeypatch.setenv("PYTHONPATH", str(place), prepend=os.pathsep)


def two_processors() -> tuple[Device, ...]:
    return found_devices._named_devices("CPU,CPU")


def test_every_device_that_runs_a_trial_counts_and_a_broken_one_does_not():
    machine = FakeMachine({"CUDA": ["H100", None, "H100"]}, {})
    assert [device.key for device in devices_of("CUDA", machine)] == ["CUDA:0", "CUDA:2"]
    machine.lists = False  # an older OpenMM cannot list: counted up to the first that is not there
    assert [device.key for device in devices_of("CUDA", machine)] == ["CUDA:0"]
    assert devices_of("HIP", machine) == ()


def test_an_opencl_device_that_is_a_processor_is_no_gpu():
    machine = FakeMachine({"OpenCL": ["pthread-skylake", "Intel(R) Xeon(R) CPU E5", "gfx90a"]}, {})
    assert [device.name for device in devices_of("OpenCL", machine)] == ["gfx90a"]


def test_the_first_platform_that_works_is_taken_with_all_its_devices(monkeypatch: pytest.MonkeyPatch):
    machine = FakeMachine({"OpenCL": ["A", "B"], "CUDA": ["A", "B"], "HIP": [None]}, {})
    devices = find_devices(machine)
    assert [(device.key, device.name) for device in devices] == [("CUDA:0", "A"), ("CUDA:1", "B")]
    assert all(device.platform.properties["Precision"] == "mixed" for device in devices)
    assert devices[1].platform.properties["DeviceIndex"] == "1"
    assert machine.asked == []  # nothing is timed for that
    machine.devices["CUDA"] = [None, None]  # a broken driver
    assert [device.key for device in find_devices(machine)] == ["OpenCL:0", "OpenCL:1"]
    monkeypatch.setenv(PLATFORM_VARIABLE, "HIP")
    assert find_devices(machine) == ()
    monkeypatch.setenv(PLATFORM_VARIABLE, "CPU")
    assert find_devices(machine) == ()


def test_a_processor_behind_opencl_leaves_the_cpu():
    assert find_devices(FakeMachine({"OpenCL": ["pthread"]}, {})) == ()


def test_named_devices(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(DEVICES_VARIABLE, "CUDA:1, OpenCL:0:2,CPU,CUDA:1")
    devices = find_devices(FakeMachine({}, {}))
    assert [device.key for device in devices] == ["CUDA:1", "OpenCL:0:2", "CPU:2"]
    assert devices[1].platform.properties == {
        "Precision": "mixed",
        "OpenCLPlatformIndex": "0",
        "DeviceIndex": "2",
    }
    for bad in ("CUDA", "CUDA:x", "Abacus:0", "CUDA:0:1"):
        monkeypatch.setenv(DEVICES_VARIABLE, bad)
        with pytest.raises(SettingsError, match="is no device"):
            find_devices(FakeMachine({}, {}))


def packed(rates: dict[int, float], most: int) -> Packing | None:
    device = found_devices._named_devices("CUDA:0")[0]
    return measure_packing(device, 400.0, 1.0, most=most, prober=FakeMachine({}, {"CUDA": rates}))


@pytest.mark.parametrize(
    ("rates", "most", "chosen"),
    [
        ({1: 100, 2: 150, 4: 180}, 8, 4),
        ({1: 100, 2: 150, 4: 160}, 8, 2),  # four are not worth it
        ({1: 100, 2: 105, 4: 300}, 8, 1),  # a large system: not looked further
        ({1: 100, 2: 150}, 8, 2),  # four do not fit into memory
        ({1: 100, 2: 150, 4: 180}, 3, 2),
        ({1: 100, 2: 150, 4: 180}, 1, 1),
    ],
)
def test_replicas_are_packed_while_it_pays(rates: dict[int, float], most: int, chosen: int):
    packing = packed(rates, most)
    assert packing.replicas_per_device == chosen
    assert packing.gain == pytest.approx(rates[chosen] / rates[1])
    assert packed({}, most) is None


@given(rates=st.tuples(*[st.floats(0.1, 1e4) for _ in range(3)]), most=st.integers(1, 9))
def test_packing_never_costs_throughput(rates: tuple[float, ...], most: int):
    packing = packed(dict(zip((1, 2, 4), rates, strict=True)), most)
    assert packing.gain >= 1.0
    assert packing.replicas_per_device <= most


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(1, 4))
def test_devices_fill_evenly_and_never_beyond_their_slots(ends: list[int], per_device: int):
    devices = found_devices._named_devices("CPU:0,CPU:1,CPU:2")
    running: list[str] = []
    for end in ends:
        device = least_used(devices, running, per_device)
        if device is None:
            assert len(running) == 3 * per_device
            running.pop(end % len(running))
            continue
        assert running.count(device.key) == min(running.count(one.key) for one in devices)
        running.append(device.key)
        assert running.count(device.key) <= per_device


def test_what_was_measured_is_remembered_until_the_machine_changes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(16)))
    fake = FakeMachine({"CUDA": ["A", "B"]}, {"CUDA": {1: 400.0, 2: 600.0, 4: 640.0}, "CPU": {1: 1.0}})
    devices = find_gpus(fake)
    assert len(devices) == 2
    packing = packing_of(devices, "auto", 380.0, replicas=12, prober=fake)
    assert packing.replicas_per_device == 2
    asked = len(fake.asked)
    assert packing_of(find_gpus(fake), "auto", 400.0, replicas=12, prober=fake) == packing
    assert len(fake.asked) == asked
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    packing_of(find_gpus(fake), "auto", 380.0, replicas=12, prober=fake)
    assert len(fake.asked) == asked + 3


def test_a_device_that_is_busy_for_once_is_looked_for_again():
    labels: list[str | None] = [None]
    fake = FakeMachine({"CUDA": labels}, {"CUDA": {1: 400.0}, "CPU": {1: 1.0}})
    assert find_gpus(fake) == ()
    labels[0] = "A"
    assert len(find_gpus(fake)) == 1
    labels[0] = None
    assert len(find_gpus(fake)) == 1  # remembered
    assert find_gpus(fake, anew=True) == ()
    assert find_gpus(fake) == ()  # kinscope doctor has the last word


def test_nothing_is_packed_while_a_device_is_idle_or_a_core_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(16)))
    fake = FakeMachine({"CUDA": ["A"] * 4}, {"CUDA": {1: 1.0, 2: 2.0, 4: 4.0}, "CPU": {1: 0.01}})
    devices = find_gpus(fake)
    assert len(devices) == 4
    fake.asked.clear()
    assert packing_of(devices, "auto", 380.0, replicas=4, prober=fake).replicas_per_device == 1
    assert packing_of(devices, 3, 380.0, replicas=4, prober=fake).replicas_per_device == 3
    assert packing_of((), "auto", 380.0, replicas=4, prober=fake).replicas_per_device == 1
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(4)))
    assert packing_of(devices, "auto", 380.0, replicas=40, prober=fake).replicas_per_device == 1
    assert fake.asked == []


def test_a_gpu_without_its_platform_is_pointed_out(tmp_path: Path):
    assert missing_gpu_plugin(tmp_path) == ""
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    (tmp_path / "proc/driver/nvidia/version").write_text("NVRM")
    assert "openmm[cuda12]" in missing_gpu_plugin(tmp_path)


def test_two_processors_stand_for_a_device_with_two_replicas():
    """The real prober: two processes are set up, begin together, and are measured."""
    packing = measure_packing(two_processors()[0], 20.0, 0.3, most=2)
    assert packing.reason.values["copies"] == (1, 2)
    assert all(rate > 0 for rate in packing.reason.values["ns_per_day"])
    assert math.isfinite(packing.gain)


def test_a_prober_meets_a_broken_device_without_harm():
    broken = PlatformChoice(name="Abacus", properties={}, deterministic=False, reason="a test")
    prober = Prober()
    assert prober.runs(broken) is None
    assert prober.speeds([broken], 20.0, 0.1) == ()
    assert prober.listed("Abacus") == ()


def test_a_worker_takes_the_platform_it_is_told(monkeypatch: pytest.MonkeyPatch):
    told = two_processors()[1].platform
    monkeypatch.setenv(PLATFORM_VARIABLE, told.model_dump_json())
    assert choose_platform() == told
    monkeypatch.setenv(PLATFORM_VARIABLE, "Reference")
    assert choose_platform().name == "Reference"
    for bad in ("{", '{"name": 1}', "Abacus"):
        monkeypatch.setenv(PLATFORM_VARIABLE, bad)
        with pytest.raises(SettingsError, match="platform"):
            choose_platform()


def tell_platform(context: StepContext) -> None:
    """Wait until as many are here as should run at once, then leave word of when it ran, and where."""
    began = time.time()
    meeting, number = context.parameters.get("meeting", ("", 0))
    if number:
        (Path(meeting) / str(context.parameters["i"])).touch()
    while number and len([*Path(meeting).iterdir()]) < number and time.time() < began + 60:
        time.sleep(0.05)
    told = json.loads(os.environ.get(PLATFORM_VARIABLE) or "null")
    content = {"began": began, "ended": time.time(), "platform": told and told["reason"]["code"]}
    (context.output / "told.json").write_text(json.dumps(content))


@pytest.mark.parametrize("per_device", [1, 2])
def test_the_engine_fills_the_slots_of_every_device(tmp_path: Path, per_device: int):
    devices = tuple(
        device.model_copy(
            update={"platform": device.platform.model_copy(update={"reason": Note(code=device.key)})}
        )
        for device in two_processors()
    )
    (tmp_path / "meeting").mkdir()
    meeting = [str(tmp_path / "meeting"), 2 * per_device]
    steps = [Step(TOLD, f"{i}", {"i": i, "meeting": meeting}, resource="gpu") for i in range(6)]
    plain = Step(TOLD, "plain", {"i": "cpu"})
    engine = Driver(tmp_path / "run", None, Processes(1, devices, per_device))
    outcome = engine.run([*steps, plain])
    assert not outcome.failed
    told = [json.loads((engine.store.path(step) / "told.json").read_text()) for step in steps]
    for key in ("CPU:0", "CPU:1"):
        ones = [one for one in told if one["platform"] == key]
        at_once = max(sum(a["began"] <= b["began"] < a["ended"] for a in ones) for b in ones)
        assert at_once == per_device
    without = json.loads((engine.store.path(plain) / "told.json").read_text())
    assert without["platform"] == "CPU:0"  # it holds no slot, but need not look for a device either


def test_without_devices_gpu_steps_take_cores(tmp_path: Path):
    steps = [Step(TOLD, f"step {i}", {"i": i}, resource="gpu") for i in range(3)]
    engine = Driver(tmp_path / "run", None, Processes(1))
    assert not engine.run(steps).failed
    told = [json.loads((engine.store.path(step) / "told.json").read_text()) for step in steps]
    told.sort(key=lambda one: one["began"])
    assert all(first["ended"] <= second["began"] for first, second in itertools.pairwise(told))


def test_replicas_on_two_devices_are_those_of_one(tmp_path: Path):
    """Real replicas in real workers on two devices: byte for byte what one core makes of them."""
    made = {}
    for name, options in {"one": {"cores": 1}, "two": {"cores": 1, "devices": two_processors()}}.items():
        engine = Driver(tmp_path / name, None, Processes(**options))
        system = Step(STAGES["solvated"], "vacuum")
        _put_system(engine, system)
        steps = _replicas(system)
        outcome = engine.run(steps)
        assert not outcome.failed, outcome.failed
        made[name] = [
            ReplicaRecord.model_validate_json((engine.store.path(step) / REPLICA_RECORD_FILE).read_bytes())
            for step in steps
        ]
    sums = {name: [record.trajectory_sha256 for record in records] for name, records in made.items()}
    assert sums["one"] == sums["two"]
    assert len(set(sums["one"])) == 2
    assert all(record.status == "finished" for record in made["two"])
    assert {record.platform.reason.code for record in made["two"]} == {"device-named"}


def _put_system(engine: Driver, step: Step) -> None:
    work = engine.directory / "made"
    residue_in_vacuum(work)
    record = ArtefactRecord(
        key=step.key,
        step=step.name,
        label=step.label,
        parameters={},
        inputs={},
        seed=1,
        wall_seconds=0.0,
        platform="CPU",
        kinscope_version="test",
        files=list_files(work),
    )
    engine.store.put(step, work, record)


def _replicas(system: Step) -> list[Step]:
    settings = ProtocolSettings(frame_interval_steps=20, equilibration_fraction=0.3)
    return [
        Step(
            STAGES["replica"],
            f"replica {number}",
            {
                "replica": number,
                "protocol": settings.model_dump(mode="json"),
                "production_steps": 200,
                "seed": 7,
            },
            {"system": system},
            resource="gpu",
        )
        for number in range(2)
    ]

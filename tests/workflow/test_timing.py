"""What `kinscope doctor` says of speed and time follows from the measurement."""

from __future__ import annotations

import json
import shutil

import pytest

from kinscope.cli.commands.installation import doctor
from kinscope.dynamics.records import PlatformChoice, SpeedRecord
from kinscope.dynamics.systems.shipped import expected_volume
from kinscope.targets import load_target
from kinscope.workflow.packs.native_results import SHIPPED_STORE, native_steps, shipped_store
from kinscope.workflow.timing import (
    Rate,
    choice_finding,
    measure,
    power_finding,
    preset_times,
    rate_of,
    speed_finding,
)


def speed(name: str, ns_per_day: float, *, used: float = 1.0) -> SpeedRecord:
    choice = PlatformChoice(name=name, properties={}, deterministic=name == "CPU", reason="a test")
    return SpeedRecord(
        platform=choice,
        atoms=37_000,
        time_step_fs=4.0,
        steps=10,
        seconds=1.0,
        ns_per_day=ns_per_day,
        steps_per_second=10.0,
        setup_seconds=1.0,
        processor_seconds=used,
    )


def by_preset(rate: Rate, cores: int):
    return {item.preset: item for item in preset_times(load_target("abl1"), rate, cores=cores)}


def on_cores(ns_per_day: float, cores: int) -> Rate:
    return rate_of(speed("CPU", ns_per_day), cores=cores)


def test_time_falls_with_speed_and_cores_and_a_budget_is_a_budget():
    one, fast, many = (by_preset(on_cores(*each), each[1]) for each in ((2, 2), (4, 2), (2, 8)))
    for name in ("standard", "paper"):
        assert one[name].dynamics_hours == pytest.approx(2 * fast[name].dynamics_hours)
        assert one[name].dynamics_hours == pytest.approx(4 * many[name].dynamics_hours)
        assert one[name].length_ns == many[name].length_ns
    assert one["quick"].replicas == one["quick"].dynamics_hours == 0
    assert "no dynamics" in one["quick"].words()


def test_the_choice_stands_beside_what_else_was_measured():
    rates = {item.platform.name: rate_of(item, cores=2) for item in (speed("OpenCL", 0.6), speed("CPU", 2.0))}
    own = choice_finding(rates, "CPU")
    assert own.value == "2 cores, 4 ns/day in all (OpenCL: 0.6)"
    assert own.fine
    slow = choice_finding(rates, "OpenCL")
    assert slow.value == "OpenCL, 0.6 ns/day in all (CPU: 4)"
    assert "KINSCOPE_PLATFORM=CPU" in slow.remedy
    assert "only platform" in choice_finding({"CPU": rates["CPU"]}, "CPU").value
    packed = rate_of(speed("OpenCL", 0.6), cores=2, on_gpus=8.0)
    assert choice_finding({"OpenCL": packed}, "OpenCL").value.startswith("OpenCL, 4.8 ns/day")


def test_the_speed_per_preset_is_that_measured():
    here = by_preset(on_cores(2.0, 2), 2)
    assert here["paper"].platform == "2 cores"
    assert here["standard"].ns_per_day == pytest.approx(2.0)  # kinase domains, as the water that was stepped
    assert here["paper"].ns_per_day < here["standard"].ns_per_day  # SH3-SH2-kinase models are larger
    for name in ("standard", "paper"):
        wanted = here[name].replicas * here[name].length_ns / (2 * here[name].ns_per_day) * 24
        assert here[name].dynamics_hours == pytest.approx(wanted, rel=0.05)  # and equilibration


def test_what_would_take_months_is_marked_and_says_what_to_do():
    slow, fast = (
        by_preset(rate_of(speed("CUDA", rate), cores=2), 2)["standard"].finding() for rate in (2.0, 900.0)
    )
    assert not slow.fine
    assert "GPU" in slow.remedy
    assert fast.fine
    assert not fast.remedy


def test_what_ships_with_the_pack_costs_nothing(tmp_path):
    pack = load_target("abl1")
    held = [step for step in native_steps(pack) if shipped_store(pack).find(step) is not None]
    bare = shutil.copytree(pack.directory, tmp_path / "bare", ignore=shutil.ignore_patterns(SHIPPED_STORE))
    with_them, without = (
        {item.preset: item.other_hours for item in preset_times(one, on_cores(2.0, 1), cores=1)}["quick"]
        for one in (pack, load_target(str(bare)))
    )
    assert 3600 * (without - with_them) == pytest.approx(sum(step.cost_seconds for step in held))


def test_a_busy_machine_is_told_and_not_taken_for_a_slow_one():
    busy = speed("CPU", 0.2, used=0.1)
    assert rate_of(busy, cores=1).ns_per_day == pytest.approx(2.0)
    assert "busy" in speed_finding(busy, rate_of(busy, cores=1)).value
    assert "busy" not in speed_finding(speed("CPU", 2.0), on_cores(2.0, 1)).value
    assert rate_of(speed("CUDA", 900.0, used=0.1), cores=1).ns_per_day == 900.0


def test_water_of_a_small_box_is_stepped():
    found = measure(60.0, 0.1)
    assert found[-1].platform.name
    assert found[0].atoms == pytest.approx(6000, rel=0.05)
    assert all(item.ns_per_day > 0 for item in found)
    assert expected_volume(load_target("abl1")) == pytest.approx(380, rel=0.1)


def test_doctor_without_measuring_answers_as_before(capsys):
    doctor(seconds=0.0, target="abl1", as_json=True)
    names = {item["name"] for item in json.loads(capsys.readouterr().out)}
    assert {"cores", "OpenMM platform"} <= names


def test_what_a_change_of_motion_takes_is_priced_before_anybody_runs_it():
    told = power_finding(on_cores(26.0, 2)).value
    assert told == "13 replicas of 100 ns a side for a change of 30 %, 50 days here for one state"

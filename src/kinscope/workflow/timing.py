"""How long a study of each preset takes on this machine, from a short measurement and the plan itself."""

from __future__ import annotations

import os
from collections.abc import Sequence

from kinscope.core.records import Record
from kinscope.dynamics.machine.devices import Device, Packing
from kinscope.dynamics.platforms import GROMACS
from kinscope.dynamics.records import SpeedRecord
from kinscope.dynamics.systems.shipped import expected_volume
from kinscope.interpretation.words.say import say
from kinscope.targets import TargetPack
from kinscope.variants import variant_from_changes
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.machine import Finding, find_gpus, packing_of
from kinscope.workflow.native_results import preset_for, shipped_store
from kinscope.workflow.planning.catalogue import REPLICA_STAGES
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Pace, Study
from kinscope.workflow.settings import PRESETS, Runner

_BUSY = 1.3
_LONGEST_HOURS = 14 * 24.0
"""Nobody waits longer for one study."""


class PresetTime(Record):
    """How long a study of one preset takes here, native and one mutant."""

    preset: str
    replicas: int
    """Of both sides and all systems together."""
    length_ns: float
    """Of each replica; bought by the budget where there is one."""
    ns_per_day: float
    """Of one replica, the preset's systems on average; ``at_once`` of them run side by side."""
    at_once: float
    budget_minutes: float | None
    dynamics_hours: float
    other_hours: float
    """Models, docking and the rest; what ships with the target pack costs nothing."""
    platform: str

    def words(self) -> str:
        """One line."""
        length = f"{self.length_ns:.3g} ns" if self.length_ns >= 0.1 else f"{1000 * self.length_ns:.2g} ps"
        what = f"{self.replicas} replicas of {length}"
        if not self.replicas:
            return f"no dynamics: {_time(self.other_hours)} in all"
        budget = f" (a budget of {self.budget_minutes:g} minutes)" if self.budget_minutes is not None else ""
        speed = f", {self.ns_per_day:.3g} ns/day each, {self.at_once:.3g} at once"
        return (
            f"{what}{budget} on {self.platform}{speed}: {_time(self.dynamics_hours)} of dynamics, "
            f"{_time(self.other_hours)} for the rest"
        )

    def finding(self) -> Finding:
        """The same beside what else was found out."""
        advice = (
            f"run it on a GPU, or take what a budget buys here: kinscope assess EXPR --preset {self.preset}"
        )
        remedy = "" if self.dynamics_hours <= _LONGEST_HOURS else f"{advice} --md-minutes 600"
        return Finding(name=f"time of {self.preset}", value=self.words(), remedy=remedy)


def time_findings(pack: TargetPack, seconds: float) -> list[Finding]:
    """Speed of every platform, stepped for so long, replicas at once on a GPU, and what each preset costs."""
    volume = expected_volume(pack)
    measured = measure(volume, seconds)
    found = speed_findings(measured)
    devices, at_once = find_gpus(), 1.0
    if devices:
        many = 4 * len(devices)
        packing = packing_of(devices, "auto", volume, replicas=many, anew=True, seconds=seconds)
        at_once = len(devices) * packing.gain
        found.append(packing_finding(devices, packing))
    cores = len(os.sched_getaffinity(0))
    chosen = choice_finding(measured, cores=cores, on_gpus=at_once)
    times = preset_times(pack, measured, cores=cores, on_gpus=at_once)
    return [*found, chosen, *(item.finding() for item in times)]


def measure(volume_cubic_nm: float, seconds: float) -> list[SpeedRecord]:
    """Speed of every platform that works, the fastest first: what one replica gets, one thread on a CPU."""
    from kinscope.dynamics.machine.probe import water_speed
    from kinscope.dynamics.machine.speed import working_platforms

    found = [water_speed(volume_cubic_nm, seconds, platform) for platform in working_platforms()]
    return sorted(found, key=lambda item: -item.ns_per_day)


def speed_findings(speeds: Sequence[SpeedRecord]) -> list[Finding]:
    """One finding per platform."""
    lines = []
    for item in speeds:
        per = "ns/day per core" if _on_cores(item) else "ns/day"
        line = f"{free_ns_per_day(item):.3g} {per} at {item.time_step_fs:g} fs, {item.atoms:,} atoms of water"
        if _is_busy(item):
            line += (
                f"; now {item.ns_per_day:.2g}, because the machine is busy (load {os.getloadavg()[0]:.0f})"
            )
        lines.append(Finding(name=f"dynamics on {item.platform.name}", value=line))
    return lines


def choice_finding(speeds: Sequence[SpeedRecord], *, cores: int, on_gpus: float = 1.0) -> Finding:
    """Where dynamics will run, and what was measured against it."""
    rates = _rates(speeds, cores, on_gpus)
    fastest, *others = sorted(speeds, key=lambda item: -rates[item.platform.name])
    name = fastest.platform.name
    where = _where(fastest, cores)
    against = ", ".join(f"{one.platform.name}: {rates[one.platform.name]:.3g}" for one in others)
    why = f"the fastest; {against}" if others else "the only platform that works"
    return Finding(name="dynamics will run on", value=f"{where}, {rates[name]:.3g} ns/day in all ({why})")


def _rates(speeds: Sequence[SpeedRecord], cores: int, on_gpus: float) -> dict[str, float]:
    """ns/day of all replicas that run at once, by platform."""
    return {item.platform.name: free_ns_per_day(item) * _at_once(item, cores, on_gpus) for item in speeds}


def _at_once(item: SpeedRecord, cores: int, on_gpus: float) -> float:
    return float(cores) if _on_cores(item) else on_gpus


def _where(item: SpeedRecord, cores: float) -> str:
    """In words, where replicas run."""
    if not _on_cores(item):
        return item.platform.name
    return _cores_in_words(cores) + (f" with {GROMACS}" if item.platform.name == GROMACS else "")


def _on_cores(item: SpeedRecord) -> bool:
    """Whether one replica takes one core."""
    return item.platform.name in ("CPU", GROMACS)


def _cores_in_words(cores: float) -> str:
    return f"{cores:g} core{'s' if cores != 1 else ''}"


def packing_finding(devices: Sequence[Device], packing: Packing) -> Finding:
    """How many replicas share each GPU, and the measurement behind it."""
    number, gain = packing.replicas_per_device, f"{packing.gain:.2f} times one alone"
    return Finding(
        name="replicas per GPU", value=f"{number} on each of {len(devices)}, {gain} ({say(packing.reason)})"
    )


def free_ns_per_day(item: SpeedRecord) -> float:
    """Speed by processor time where a busy machine's clock would tell less than it can."""
    if not _is_busy(item) or item.processor_seconds is None:
        return item.ns_per_day
    return item.ns_per_day * item.seconds / item.processor_seconds


def preset_times(
    pack: TargetPack, speeds: Sequence[SpeedRecord], *, cores: int, on_gpus: float = 1.0
) -> list[PresetTime]:
    """What each preset's plan costs on the fastest platform; times are of a machine that is free.

    A CPU runs one replica per core; GPUs do the work of ``on_gpus`` replicas at once. The size of the systems
    enters by the number of residues. The rest is the plan's own estimate shared among the cores.
    """
    rates = _rates(speeds, cores, on_gpus)
    fastest = max(speeds, key=lambda item: rates[item.platform.name])
    workers = _at_once(fastest, cores, on_gpus)
    return [_preset_time(pack, name, fastest, workers, cores) for name in PRESETS]


def _preset_time(pack: TargetPack, name: str, speed: SpeedRecord, workers: float, cores: int) -> PresetTime:
    settings = preset_for(pack, name)
    position = (pack.states[0].first_residue + pack.states[0].last_residue) // 2
    residue = "G" if pack.transcript.protein[position - 1] == "A" else "A"
    runners: dict[str, Runner] = {"CPU": "cpu", GROMACS: "gromacs"}
    on = runners.get(speed.platform.name, "gpu")
    study = Study(pack, variant_from_changes({position: residue}, pack), settings, pace=Pace(workers, on))
    steps = in_order([plan_study(study).report])
    replicas = [step for step in steps if step.name in REPLICA_STAGES]
    shipped = shipped_store(pack)
    todo = [step for step in steps if step.name not in REPLICA_STAGES and shipped.find(step) is None]
    rest = sum(step.cost_seconds for step in todo) / cores / 3600
    dynamics = settings.dynamics
    days_per_ns = 1.0 / free_ns_per_day(speed)
    sizes = [_size(pack, step) for step in replicas]
    if dynamics.budget_minutes is not None and replicas:
        share = 1 + dynamics.protocol.equilibration_fraction  # a short run equilibrates for so much of itself
        length = dynamics.budget_minutes / 1440 * workers / days_per_ns / sum(sizes) / share
        hours = dynamics.budget_minutes / 60
    else:
        length = dynamics.length_ns
        share = 1 + _equilibration_ns(settings.dynamics.protocol.model_dump(), length) / length
        hours = sum(sizes) * length * share * days_per_ns * 24 / workers
    return PresetTime(
        preset=name,
        replicas=len(replicas),
        length_ns=length,
        ns_per_day=len(sizes) / sum(sizes) / days_per_ns if sizes else 0.0,
        at_once=workers,
        budget_minutes=dynamics.budget_minutes,
        dynamics_hours=hours if replicas else 0.0,
        other_hours=rest,
        platform=_where(speed, workers),
    )


def _equilibration_ns(protocol: dict[str, float], length_ns: float) -> float:
    """Time before production, as production time that would cost the same (half of it has half the step)."""
    wanted = (2 * protocol["thermalise_ps"] + protocol["release_ps"]) * 1e-3
    return min(wanted, float(protocol["equilibration_fraction"]) * length_ns)


def _size(pack: TargetPack, step: Step) -> float:
    """Cost of a step of a replica's system, in those of the system whose speed was measured."""
    boxes = sorted((pack.directory / "solvent").glob("*/box.json"))
    first = pack.state(boxes[0].parent.name) if boxes else pack.states[0]
    try:
        state = pack.state(str(step.parameters["state"]))
    except (KeyError, ValueError):
        return 1.0
    return (state.last_residue - state.first_residue + 1) / (first.last_residue - first.first_residue + 1)


def _is_busy(item: SpeedRecord) -> bool:
    used = item.processor_seconds
    return _on_cores(item) and used is not None and item.seconds > _BUSY * used > 0


def _time(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    return f"{hours:.1f} h" if hours >= 1.5 else f"{max(1, round(60 * hours))} min"

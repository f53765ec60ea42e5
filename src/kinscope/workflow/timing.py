"""How long a study of each preset takes on this machine, from a short measurement and the plan itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kinscope.core.records import Record
from kinscope.dynamics.gromacs.program import find_gromacs
from kinscope.dynamics.machine.devices import Device, Packing, devices_of
from kinscope.dynamics.machine.probe import Prober
from kinscope.dynamics.platforms import GPU_PLATFORMS, GROMACS, PLATFORM_VARIABLE, on_processor
from kinscope.dynamics.records import SpeedRecord
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.dynamics.systems.shipped import expected_volume
from kinscope.interpretation.words.say import say
from kinscope.interpretation.words.statistics import power_of
from kinscope.targets import TargetPack
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.machine import Finding, find_gpus, packing_of, runner_of
from kinscope.workflow.packs.native_results import held_by, preset_for, shipped_store
from kinscope.workflow.planning.catalogue import REPLICA_STAGES
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Pace, Study
from kinscope.workflow.settings import PRESETS, DynamicsSettings, Runner

_BUSY = 1.3
_WORTH_SETTING = 1.2
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
    volume, cores, devices = expected_volume(pack), len(os.sched_getaffinity(0)), find_gpus()
    speeds = measure(volume, seconds)
    packing = packing_of(devices, "auto", volume, replicas=4 * len(devices), anew=True, seconds=seconds)
    on_gpus = max(1, len(devices)) * packing.gain
    rates = {item.platform.name: rate_of(item, cores=cores, on_gpus=on_gpus) for item in speeds}
    found = [speed_finding(item, rates[item.platform.name]) for item in speeds]
    if devices:
        found.append(packing_finding(devices, packing))
    names = {"gpu": devices[0].platform.name if devices else "", "gromacs": GROMACS}
    chosen = names.get(runner_of(DynamicsSettings()), "CPU")
    found += [choice_finding(rates, chosen), power_finding(rates[chosen])]
    return [*found, *(item.finding() for item in preset_times(pack, rates[chosen], cores=cores))]


def measure(volume_cubic_nm: float, seconds: float) -> list[SpeedRecord]:
    """Speed of every platform that works, the fastest first: what one replica gets, one thread on a CPU."""
    gpus = [device.platform for name in GPU_PLATFORMS for device in devices_of(name)[:1]]
    gromacs = find_gromacs()
    choices = [*gpus, *([gromacs] if gromacs is not None else []), on_processor()]
    found = [one for choice in choices for one in Prober().speeds([choice], volume_cubic_nm, seconds)]
    return sorted(found, key=lambda item: -item.ns_per_day)


@dataclass(frozen=True)
class Rate:
    """What a platform computes on this machine while it is free."""

    platform: str
    where: str
    """In words."""
    ns_per_day: float
    """Of one replica."""
    at_once: float
    """Replicas at that speed: one on each core; on GPUs as many as those that share them come to."""

    @property
    def in_all(self) -> float:
        """ns/day of all replicas together."""
        return self.ns_per_day * self.at_once


def rate_of(item: SpeedRecord, *, cores: int, on_gpus: float = 1.0) -> Rate:
    """What a measured platform computes on so many cores, or on GPUs that do ``on_gpus`` replicas' work.

    On a core it is reckoned by processor time, so that a busy machine is not taken for a slow one.
    """
    name = item.platform.name
    if name not in ("CPU", GROMACS):
        return Rate(name, name, item.ns_per_day, on_gpus)
    where = f"{cores} core{'s' * (cores != 1)}{f' with {GROMACS}' * (name == GROMACS)}"
    used = item.processor_seconds or item.seconds
    return Rate(name, where, item.ns_per_day * max(1.0, item.seconds / used), float(cores))


def speed_finding(item: SpeedRecord, rate: Rate) -> Finding:
    """How fast a platform is."""
    per = "ns/day per core" if rate.where != rate.platform else "ns/day"
    line = f"{rate.ns_per_day:.3g} {per} at {item.time_step_fs:g} fs, {item.atoms:,} atoms of water"
    if rate.ns_per_day > _BUSY * item.ns_per_day:
        line += f"; now {item.ns_per_day:.2g}, because the machine is busy (load {os.getloadavg()[0]:.0f})"
    return Finding(name=f"dynamics on {rate.platform}", value=line)


def choice_finding(rates: Mapping[str, Rate], chosen: str) -> Finding:
    """Where dynamics will run, what was measured against it, and what to do if another would be faster."""
    here = rates[chosen]
    others = sorted((rate for rate in rates.values() if rate is not here), key=lambda rate: -rate.in_all)
    against = "; ".join(f"{rate.platform}: {rate.in_all:.3g}" for rate in others)
    remedy = ""
    if others and others[0].in_all > _WORTH_SETTING * here.in_all:
        better = others[0].platform
        said = "--engine gromacs" if better == GROMACS else f"{PLATFORM_VARIABLE}={better}"
        remedy = f"{others[0].where} is faster here: {said} takes it"
    value = f"{here.where}, {here.in_all:.3g} ns/day in all ({against or 'the only platform that works'})"
    return Finding(name="dynamics will run on", value=value, remedy=remedy)


def packing_finding(devices: Sequence[Device], packing: Packing) -> Finding:
    """How many replicas share each GPU, and the measurement behind it."""
    number, gain = packing.replicas_per_device, f"{packing.gain:.2f} times one alone"
    return Finding(
        name="replicas per GPU", value=f"{number} on each of {len(devices)}, {gain} ({say(packing.reason)})"
    )


def preset_times(pack: TargetPack, rate: Rate, *, cores: int) -> list[PresetTime]:
    """What each preset's plan costs at a rate.

    The size of the systems enters by the number of residues. The rest is the plan's own estimate shared among
    the cores.
    """
    return [_preset_time(pack, name, rate, cores) for name in PRESETS]


def _preset_time(pack: TargetPack, name: str, rate: Rate, cores: int) -> PresetTime:
    settings = preset_for(pack, name)
    runners: dict[str, Runner] = {"CPU": "cpu", GROMACS: "gromacs"}
    on = runners.get(rate.platform, "gpu")
    study = Study(pack, held_by(pack, pack.states[:1]), settings, pace=Pace(rate.at_once, on))
    steps = in_order([plan_study(study).report])
    replicas = [step for step in steps if step.name in REPLICA_STAGES]
    shipped = shipped_store(pack)
    todo = [step for step in steps if step.name not in REPLICA_STAGES and shipped.find(step) is None]
    rest = sum(step.cost_seconds for step in todo) / cores / 3600
    dynamics = settings.dynamics
    sizes = [_size(pack, step) for step in replicas]
    if dynamics.budget_minutes is not None and replicas:
        share = 1 + dynamics.protocol.equilibration_fraction  # a short run equilibrates for so much of itself
        length = dynamics.budget_minutes / 1440 * rate.in_all / sum(sizes) / share
        hours = dynamics.budget_minutes / 60
    else:
        length = dynamics.length_ns
        share = 1 + _equilibration_ns(dynamics.protocol, length) / length
        hours = sum(sizes) * length * share * 24 / rate.in_all
    return PresetTime(
        preset=name,
        replicas=len(replicas),
        length_ns=length,
        ns_per_day=rate.ns_per_day * len(sizes) / sum(sizes) if sizes else 0.0,
        at_once=rate.at_once,
        budget_minutes=dynamics.budget_minutes,
        dynamics_hours=hours if replicas else 0.0,
        other_hours=rest,
        platform=rate.where,
    )


def _equilibration_ns(protocol: ProtocolSettings, length_ns: float) -> float:
    """Time before production, as production time that would cost the same (half of it has half the step)."""
    wanted = (2 * protocol.thermalise_ps + protocol.release_ps) * 1e-3
    return min(wanted, protocol.equilibration_fraction * length_ns)


def _size(pack: TargetPack, step: Step) -> float:
    """Cost of a step of a replica's system, in those of the system whose speed was measured."""
    boxes = sorted((pack.directory / "solvent").glob("*/box.json"))
    first = pack.state(boxes[0].parent.name) if boxes else pack.states[0]
    try:
        state = pack.state(str(step.parameters["state"]))
    except (KeyError, ValueError):
        return 1.0
    return (state.last_residue - state.first_residue + 1) / (first.last_residue - first.first_residue + 1)


def _time(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    return f"{hours:.1f} h" if hours >= 1.5 else f"{max(1, round(60 * hours))} min"


def power_finding(rate: Rate) -> Finding:
    """What it takes here to find a change of motion in one state, four times in five."""
    wanted = power_of(0, 0.0)
    value = f"{wanted.wanted}, {_time(24 * wanted.missing_ns / rate.in_all)} here for one state"
    return Finding(name="to resolve a change of RMSF", value=value)

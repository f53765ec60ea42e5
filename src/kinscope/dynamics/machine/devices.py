"""The GPUs of this machine: which there are, which platform is fastest on them, how many replicas each takes.

What asks the machine is a :class:`~kinscope.dynamics.machine.prober.Prober`, so that every rule here can be
tried without a GPU.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from kinscope.core.errors import SettingsError
from kinscope.core.records import Record
from kinscope.dynamics.machine.prober import Prober
from kinscope.dynamics.platforms import (
    GPU_PLATFORMS,
    PLATFORM_VARIABLE,
    installed_platforms,
    on_processor,
)
from kinscope.dynamics.records import PlatformChoice
from kinscope.results.notes import Note, note


def choose_platform(requested: str | None = None, *, threads: int = 1) -> PlatformChoice:
    """The platform that dynamics runs on here: the fastest of those that work, by measurement.

    A GPU platform counts only after a tiny simulation ran on it in a process of its own, because a broken
    driver ends the process that meets it. An OpenCL device that is a processor (PoCL) is passed over: the CPU
    platform is meant for those. Where a GPU platform works, all that work step a small box of water for a
    second each, the CPU counted with all its cores; where none does, nothing is measured.

    ``requested``: a platform's name, or None for what :data:`PLATFORM_VARIABLE` says, else the fastest.
    ``threads``: of the CPU platform; 1 where several replicas run at once.

    Raises SettingsError if the requested platform is not installed or fails its trial.
    """
    said = os.environ.get(PLATFORM_VARIABLE, "").strip() if requested is None else ""
    if said.startswith("{"):
        return _told(said)
    requested = requested or said or None
    present = installed_platforms()
    if requested is not None and requested not in present:
        raise SettingsError(
            f"OpenMM has no platform {requested[:40]!r} here.",
            where=f"platform ({PLATFORM_VARIABLE})" if said else "platform",
            remedy=f"Choose from: {', '.join(sorted(present))}.",
        )
    if requested in ("CPU", "Reference"):
        return on_processor(requested, threads, note("platform-asked-for"))
    if requested is not None:
        found = devices_of(requested)
        if found:
            return found[0].platform.model_copy(update={"reason": note("platform-asked-for")})
        raise SettingsError(
            f"The platform {requested} is installed but fails a trial simulation.",
            where="platform",
            remedy="Mend the driver, or leave the choice to kinscope.",
        )
    best = _fastest_here()
    return best if best.name in GPU_PLATFORMS else on_processor("CPU", threads, best.reason)


@lru_cache
def _fastest_here() -> PlatformChoice:
    return fastest_platform()


def _told(text: str) -> PlatformChoice:
    try:
        if len(text) > _MOST_VARIABLE_CHARACTERS:
            raise ValueError("longer than a platform's description is")
        return PlatformChoice.model_validate_json(text)
    except ValueError as error:
        raise SettingsError(
            f"The environment variable {PLATFORM_VARIABLE} describes no platform ({type(error).__name__}).",
            where=PLATFORM_VARIABLE,
            remedy="Unset it, or give a platform's name: CUDA, HIP, OpenCL or CPU.",
        ) from None


_MOST_VARIABLE_CHARACTERS = 2000
DEVICES_VARIABLE = "KINSCOPE_DEVICES"
"""Devices to use: ``CUDA:0,CUDA:2``, ``OpenCL:PLATFORM:DEVICE`` or, to try the scheduling, ``CPU,CPU``."""
TRIED_AT_ONCE = (1, 2, 4)
LEAST_GAIN = 1.1
"""More replicas at once must compute a tenth more together: each of them ends later and needs memory."""
_MASKS = {
    "CUDA": ("CUDA_VISIBLE_DEVICES",),
    "HIP": ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"),
    "OpenCL": (),
}
_MOST_DEVICES = 16
_COMPARED_VOLUME_CUBIC_NM = 80.0
"""8,000 atoms: a second each tells the platforms apart."""
_PROCESSOR_WORDS = ("pthread", "portable computing", "cpu")


class Device(Record):
    """One device of a platform."""

    platform: PlatformChoice
    """With the device's index among its properties."""
    name: str
    """As its maker calls it."""
    key: str
    """E.g. ``CUDA:0`` or ``OpenCL:0:1``; unique on this machine."""


class Together(Record):
    """Several replicas at once on one device."""

    copies: int
    atoms: int
    ns_per_day: float
    """Of all of them together."""


class Packing(Record):
    """How many replicas run at once on each device, and why."""

    replicas_per_device: int
    measured: tuple[Together, ...] = ()
    reason: Note

    @property
    def gain(self) -> float:
        """Throughput over that of one replica alone; 1 where nothing was measured."""
        found = {item.copies: item.ns_per_day for item in self.measured}
        alone = found.get(1, 0.0)
        return found[self.replicas_per_device] / alone if alone and self.replicas_per_device in found else 1.0


def devices_of(name: str, prober: Prober | None = None, *, first_only: bool = False) -> tuple[Device, ...]:
    """The devices of a GPU platform that ran a trial, in the platform's order.

    A mask that the user or a scheduler set (``CUDA_VISIBLE_DEVICES`` and the like) holds: the driver numbers
    what it shows from 0, and an empty mask means none.

    ``name``: CUDA, HIP or OpenCL. ``prober``: None asks this machine.
    """
    prober = prober or Prober()
    shown = visible_devices(name, os.environ)
    if name not in prober.installed() or shown == 0:
        return ()
    candidates = prober.listed(name)
    known = bool(candidates) or shown is not None
    if not candidates:
        # OpenCL needs its platform's index beside the device's, which only the list tells.
        number = 1 if name == "OpenCL" else shown or _MOST_DEVICES
        candidates = tuple({} if name == "OpenCL" else {"DeviceIndex": str(i)} for i in range(number))
    found: list[Device] = []
    for candidate in candidates[:_MOST_DEVICES]:
        if name == "OpenCL" and _is_processor(candidate.values()):
            continue
        choice = _choice(name, candidate)
        names = prober.runs(choice)
        if names is not None and not (name == "OpenCL" and _is_processor(names.values())):
            found.append(Device(platform=choice, name=_named(candidate | names), key=_key(choice)))
            if first_only:
                break
        elif not known:
            break  # counting up until one is not there
    return tuple(found)


def visible_devices(name: str, environment: Mapping[str, str]) -> int | None:
    """How many devices a mask leaves; None where there is no mask. What follows a bad entry is hidden."""
    counts = []
    for variable in _MASKS[name]:
        if variable in environment:
            entries = [entry.strip() for entry in environment[variable].split(",")]
            bad = next((i for i, entry in enumerate(entries) if not entry or entry.startswith("-")), None)
            counts.append(len(entries) if bad is None else bad)
    return min(counts, default=None)


def fastest_platform(prober: Prober | None = None, *, cores: int | None = None) -> PlatformChoice:
    """The platform on which this machine computes most: every one that works, measured one after the other.

    ``cores``: that run replicas of one thread each on the CPU; None takes those this process may use.
    """
    prober = prober or Prober()
    cores = cores or len(os.sched_getaffinity(0))
    first = [device for name in GPU_PLATFORMS for device in devices_of(name, prober, first_only=True)]
    if not first:
        return on_processor("CPU", 1, note("no-working-gpu"))
    rates: dict[str, tuple[float, PlatformChoice]] = {}
    for choice in [*(device.platform for device in first), on_processor("CPU", 1)]:
        measured = prober.speeds([choice], _COMPARED_VOLUME_CUBIC_NM, 1.0)
        if measured:
            rates[choice.name] = (measured[0].ns_per_day * (cores if choice.name == "CPU" else 1), choice)
    if not rates:
        return on_processor("CPU", 1, note("no-platform-measured"))
    names = sorted(rates, key=lambda name: -rates[name][0])
    reason = note(
        "fastest-measured", cores=cores, platforms=tuple(names),
        ns_per_day=tuple(rates[name][0] for name in names),
    )  # fmt: skip
    return rates[names[0]][1].model_copy(update={"reason": reason})


def find_devices(prober: Prober | None = None) -> tuple[Device, ...]:
    """The devices that replicas are shared among; none where the CPU is what there is.

    Raises SettingsError if :data:`DEVICES_VARIABLE` names one that is none.
    """
    named = os.environ.get(DEVICES_VARIABLE, "").strip()
    if named:
        return _named_devices(named)
    best = fastest_platform(prober)
    if best.name not in GPU_PLATFORMS:
        return ()
    found = []
    for device in devices_of(best.name, prober):
        reason = best.reason.model_copy(update={"values": {**best.reason.values, "device": device.name}})
        platform = device.platform.model_copy(update={"reason": reason})
        found.append(device.model_copy(update={"platform": platform}))
    return tuple(found)


def choose_packing(measure: Callable[[int], Together | None], most: int) -> Packing:
    """How many replicas a device takes: more while all together compute at least a tenth more for it.

    ``measure``: so many at once, or None where they do not run (no memory left). ``most``: never more than
    this: cores that are there to drive them, replicas that there are.
    """
    measured: list[Together] = []
    best: Together | None = None
    for copies in TRIED_AT_ONCE:
        if copies > max(1, most):
            break
        found = measure(copies)
        if found is None:
            break
        measured.append(found)
        if best is not None and found.ns_per_day < LEAST_GAIN * best.ns_per_day:
            break
        best = found
    if best is None:
        return Packing(replicas_per_device=1, reason=note("no-packing-ran"))
    reason = note(
        "packing-measured", atoms=best.atoms, copies=tuple(item.copies for item in measured),
        ns_per_day=tuple(item.ns_per_day for item in measured),
    )  # fmt: skip
    return Packing(replicas_per_device=best.copies, measured=tuple(measured), reason=reason)


def measure_packing(
    device: Device,
    volume_cubic_nm: float,
    seconds: float,
    *,
    most: int = TRIED_AT_ONCE[-1],
    prober: Prober | None = None,
) -> Packing:
    """Step boxes of water of a system's size on a device, one, two and four at once, and choose.

    ``volume_cubic_nm``: of the largest system that will run. ``seconds``: of stepping, each time.
    """
    asked = prober or Prober()

    def measure(copies: int) -> Together | None:
        found = asked.speeds([device.platform] * copies, volume_cubic_nm, seconds)
        if len(found) != copies:
            return None
        return Together(
            copies=copies, atoms=found[0].atoms, ns_per_day=math.fsum(item.ns_per_day for item in found)
        )

    return choose_packing(measure, most)


def least_used(devices: Sequence[Device], in_use: Iterable[str], per_device: int) -> Device | None:
    """The device with fewest steps on it, the first of equals; None if every slot is taken.

    ``in_use`` holds a device's key once for each step that runs on it.
    """
    counts = Counter(in_use)
    free = [device for device in devices if counts[device.key] < per_device]
    return min(free, key=lambda device: counts[device.key], default=None)


def _choice(name: str, properties: Mapping[str, str]) -> PlatformChoice:
    kept = {key: value for key, value in properties.items() if key in ("DeviceIndex", "OpenCLPlatformIndex")}
    properties = {"Precision": "mixed", **kept}
    return PlatformChoice(name=name, properties=properties, deterministic=False, reason=note("ran-a-trial"))


def _named_devices(text: str) -> tuple[Device, ...]:
    found = []
    for position, entry in enumerate(part.strip() for part in text.split(",") if part.strip()):
        name, *indices = entry.split(":")
        good = all(index.isdecimal() for index in indices) and len(indices) <= (2 if name == "OpenCL" else 1)
        if name == "CPU" and good:
            choice = on_processor("CPU", 1, note("device-named", variable=DEVICES_VARIABLE))
            number = indices[0] if indices else str(position)
            found.append(Device(platform=choice, name=f"processor {number}", key=f"CPU:{number}"))
            continue
        if name not in GPU_PLATFORMS or not good or not indices:
            raise SettingsError(
                f"{entry[:40]!r} is no device.",
                where=DEVICES_VARIABLE,
                remedy="Name them as CUDA:0, HIP:0 or OpenCL:PLATFORM:DEVICE, separated by commas; "
                "`kinscope doctor` lists those that work.",
            )
        keys = ("OpenCLPlatformIndex", "DeviceIndex") if len(indices) == 2 else ("DeviceIndex",)
        choice = _choice(name, dict(zip(keys, indices, strict=True)))
        reason = note("device-named", variable=DEVICES_VARIABLE)
        choice = choice.model_copy(update={"reason": reason})
        found.append(Device(platform=choice, name=entry, key=_key(choice)))
    return tuple({device.key: device for device in found}.values())


def _key(choice: PlatformChoice) -> str:
    parts = [choice.properties.get(part, "") for part in ("OpenCLPlatformIndex", "DeviceIndex")]
    return ":".join([choice.name, *(part for part in parts if part)])


def _is_processor(names: Iterable[str]) -> bool:
    text = " ".join(names).lower()
    return any(word in text for word in _PROCESSOR_WORDS)


def _named(properties: Mapping[str, str]) -> str:
    return properties.get("DeviceName") or "device"

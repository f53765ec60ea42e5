"""The devices of this machine: which platform and device runs what, and how many replicas a device takes.

What asks the machine is a :class:`~kinscope.dynamics.machine.probe.Prober`, so that every rule here can be
tried without a GPU.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from kinscope.core.errors import SettingsError
from kinscope.core.records import Record
from kinscope.dynamics.machine.probe import Prober
from kinscope.dynamics.platforms import GPU_PLATFORMS, PLATFORM_VARIABLE, installed_platforms, on_processor
from kinscope.dynamics.records import PlatformChoice
from kinscope.results.notes import Note, note

DEVICES_VARIABLE = "KINSCOPE_DEVICES"
"""Devices to use: ``CUDA:0,CUDA:2``, ``OpenCL:PLATFORM:DEVICE`` or, to try the scheduling, ``CPU,CPU``."""
TRIED_AT_ONCE = (1, 2, 4)
LEAST_GAIN = 1.1
"""More replicas at once must compute a tenth more together: each of them ends later and needs memory."""
_MOST_DEVICES = 16
_PROCESSOR_WORDS = ("pthread", "portable computing", "cpu")
_INDICES = ("OpenCLPlatformIndex", "DeviceIndex")


class Device(Record):
    """One device of a platform."""

    platform: PlatformChoice
    """With the device's index among its properties."""
    name: str
    """As its maker calls it."""
    key: str
    """E.g. ``CUDA:0`` or ``OpenCL:0:1``; unique on this machine."""


class Packing(Record):
    """How many replicas run at once on each device."""

    replicas_per_device: int = 1
    gain: float = 1.0
    """Throughput over that of one replica alone; 1 where nothing was measured."""
    reason: Note = note("one-at-once")


def choose_platform() -> PlatformChoice:
    """The platform that this process runs dynamics on: what :data:`PLATFORM_VARIABLE` says.

    Else the first of :func:`find_devices`, else the CPU on one thread.

    Raises SettingsError if the platform named is not installed or fails its trial.
    """
    requested = os.environ.get(PLATFORM_VARIABLE, "").strip()
    if requested.startswith("{"):
        return _told(requested)
    if not requested:
        return _found_here()
    present = installed_platforms()
    if requested not in present:
        raise SettingsError(
            f"OpenMM has no platform {requested[:40]!r} here.",
            where=f"platform ({PLATFORM_VARIABLE})",
            remedy=f"Choose from: {', '.join(sorted(present))}.",
        )
    asked_for = note("platform-asked-for")
    if requested not in GPU_PLATFORMS:
        return on_processor(requested, asked_for)
    found = devices_of(requested)
    if not found:
        raise SettingsError(
            f"The platform {requested} is installed but fails a trial simulation.",
            where="platform",
            remedy="Mend the driver, or leave the choice to kinscope.",
        )
    return found[0].platform.model_copy(update={"reason": asked_for})


@lru_cache
def _found_here() -> PlatformChoice:
    found = find_devices()
    return found[0].platform if found else on_processor("CPU", note("no-working-gpu"))


def _told(text: str) -> PlatformChoice:
    try:
        return PlatformChoice.model_validate_json(text)
    except ValueError as error:
        raise SettingsError(
            f"The environment variable {PLATFORM_VARIABLE} describes no platform ({type(error).__name__}).",
            where=PLATFORM_VARIABLE,
            remedy="Unset it, or give a platform's name: CUDA, HIP, OpenCL or CPU.",
        ) from None


def find_devices(prober: Prober | None = None) -> tuple[Device, ...]:
    """The devices that replicas are shared among: all of the first GPU platform that works; none on a CPU.

    :data:`DEVICES_VARIABLE` names them instead; :data:`PLATFORM_VARIABLE` names the only platform looked at.

    Raises SettingsError if :data:`DEVICES_VARIABLE` names one that is none.
    """
    named = os.environ.get(DEVICES_VARIABLE, "").strip()
    if named:
        return _named_devices(named)
    only = os.environ.get(PLATFORM_VARIABLE, "").strip()
    found = (devices_of(name, prober) for name in GPU_PLATFORMS if only in ("", name))
    return next((devices for devices in found if devices), ())


def devices_of(name: str, prober: Prober | None = None) -> tuple[Device, ...]:
    """The devices of a GPU platform that ran a trial, in the platform's order.

    A GPU platform counts only after a tiny simulation ran on it in a process of its own, because a broken
    driver ends the process that meets it. An OpenCL device that is a processor (PoCL) is passed over: the CPU
    platform is meant for those. A mask that the user or a scheduler set (``CUDA_VISIBLE_DEVICES`` and the
    like) holds: the driver shows what it lets through, numbered from 0.

    ``name``: CUDA, HIP or OpenCL. ``prober``: None asks this machine.
    """
    prober = prober or Prober()
    if name not in prober.installed():
        return ()
    listed = prober.listed(name)
    # OpenCL needs its platform's index beside the device's, which only the list tells.
    counted = [{}] if name == "OpenCL" else [{"DeviceIndex": str(i)} for i in range(_MOST_DEVICES)]
    found = []
    for candidate in listed[:_MOST_DEVICES] or counted:
        choice = _choice(name, candidate, note("ran-a-trial"))
        names = None if _is_processor(name, candidate) else prober.runs(choice)
        if names is not None and not _is_processor(name, names):
            called = (candidate | names).get("DeviceName") or "device"
            found.append(Device(platform=choice, name=called, key=_key(choice)))
        elif not listed:
            break  # counting up until one is not there
    return tuple(found)


def _is_processor(platform: str, properties: Mapping[str, str]) -> bool:
    text = " ".join(properties.values()).lower()
    return platform == "OpenCL" and any(word in text for word in _PROCESSOR_WORDS)


def _choice(name: str, properties: Mapping[str, str], reason: Note) -> PlatformChoice:
    properties = {"Precision": "mixed"} | {part: properties[part] for part in _INDICES if part in properties}
    return PlatformChoice(name=name, properties=properties, deterministic=False, reason=reason)


def _key(choice: PlatformChoice) -> str:
    held = (choice.properties[part] for part in _INDICES if part in choice.properties)
    return ":".join((choice.name, *held))


def _named_devices(text: str) -> tuple[Device, ...]:
    why = note("device-named", variable=DEVICES_VARIABLE)
    found: dict[str, Device] = {}
    for position, entry in enumerate(part.strip() for part in text.split(",") if part.strip()):
        name, *indices = entry.split(":")
        good = all(index.isdecimal() for index in indices) and len(indices) <= (2 if name == "OpenCL" else 1)
        if name == "CPU" and good:
            number = indices[0] if indices else str(position)
            device = Device(
                platform=on_processor("CPU", why), name=f"processor {number}", key=f"CPU:{number}"
            )
        elif name in GPU_PLATFORMS and good and indices:
            choice = _choice(name, dict(zip(_INDICES[-len(indices) :], indices, strict=True)), why)
            device = Device(platform=choice, name=entry, key=_key(choice))
        else:
            raise SettingsError(
                f"{entry[:40]!r} is no device.",
                where=DEVICES_VARIABLE,
                remedy="Name them as CUDA:0, HIP:0 or OpenCL:PLATFORM:DEVICE, separated by commas; "
                "`kinscope doctor` lists those that work.",
            )
        found[device.key] = device
    return tuple(found.values())


def measure_packing(
    device: Device,
    volume_cubic_nm: float,
    seconds: float,
    *,
    most: int = TRIED_AT_ONCE[-1],
    prober: Prober | None = None,
) -> Packing | None:
    """How many replicas a device takes: more while all together compute at least a tenth more for it.

    Boxes of water are stepped, one, two and four at once, until that is not worth it or does not run (no
    memory left). None if not even one runs.

    ``volume_cubic_nm``: of the largest system that will run. ``seconds``: of stepping, each time. ``most``:
    never more than this: cores that are there to drive them, replicas that there are.
    """
    prober = prober or Prober()
    rates: dict[int, float] = {}
    best, atoms = 0, 0
    for copies in (number for number in TRIED_AT_ONCE if number <= max(1, most)):
        found = prober.speeds([device.platform] * copies, volume_cubic_nm, seconds)
        if not found:
            break
        rates[copies], atoms = math.fsum(item.ns_per_day for item in found), found[0].atoms
        if best and rates[copies] < LEAST_GAIN * rates[best]:
            break
        best = copies
    if not best:
        return None
    copies_, pace = tuple(rates), tuple(rates.values())
    reason = note("packing-measured", atoms=atoms, copies=copies_, ns_per_day=pace)
    return Packing(replicas_per_device=best, gain=rates[best] / rates[1], reason=reason)


def least_used(devices: Sequence[Device], in_use: Iterable[str], per_device: int) -> Device | None:
    """The device with fewest steps on it, the first of equals; None if every slot is taken.

    ``in_use`` holds a device's key once for each step that runs on it.
    """
    counts = Counter(in_use)
    free = [device for device in devices if counts[device.key] < per_device]
    return min(free, key=lambda device: counts[device.key], default=None)

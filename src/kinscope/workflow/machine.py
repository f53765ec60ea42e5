"""What this machine can do for a study."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, computed_field

from kinscope import __version__
from kinscope.core.files import read_own, write_atomic
from kinscope.core.records import Record
from kinscope.dynamics.machine.devices import (
    DEVICES_VARIABLE,
    TRIED_AT_ONCE,
    Device,
    Packing,
    find_devices,
    measure_packing,
)
from kinscope.dynamics.machine.probe import Prober
from kinscope.dynamics.platforms import GPU_PLATFORMS, PLATFORM_VARIABLE, on_processor
from kinscope.dynamics.records import PlatformChoice
from kinscope.interpretation.words.say import say
from kinscope.results.notes import note
from kinscope.workflow.engine.store import default_cache
from kinscope.workflow.settings import DynamicsSettings, Runner

COMPUTING_LIBRARIES = (
    "openmm", "vina", "meeko", "rdkit", "biotite", "numpy", "scipy", "propka", "pdbfixer",
    "mutalyzer-hgvs-parser",
)  # fmt: skip
_GIB = 1024**3
_PACKING_SECONDS = 5.0
_COMPARED_VOLUME_CUBIC_NM = 80.0
_COMPARED_SECONDS = 2.0
_LEAST_GAIN_OF_GROMACS = 1.2
"""It starts anew for every stretch of a replica, which costs a short one some of what it gains."""


class Finding(Record):
    """One thing found out."""

    name: str
    value: str
    remedy: str = ""
    """What is to be done about it; empty: it is fine."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fine(self) -> bool:
        """Whether there is nothing to do."""
        return not self.remedy


def library_versions() -> dict[str, str]:
    """Version of kinscope, Python and every library that computes something."""
    versions = {"kinscope": __version__, "python": platform.python_version()}
    for name in COMPUTING_LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "missing"
    return versions


def find_gpus(prober: Prober | None = None, *, anew: bool = False) -> tuple[Device, ...]:
    """The devices that replicas are shared among here; looked for once, then remembered, unless ``anew``."""
    prober = prober or Prober()
    if os.environ.get(DEVICES_VARIABLE) or not set(GPU_PLATFORMS) & set(prober.installed()):
        return find_devices(prober)
    kept: tuple[Device, ...] = _remembered("devices", tuple[Device, ...], lambda: find_devices(prober), anew)
    return kept


def packing_of(
    devices: Sequence[Device],
    wanted: int | Literal["auto"],
    volume_cubic_nm: float,
    *,
    replicas: int,
    prober: Prober | None = None,
    anew: bool = False,
    seconds: float = _PACKING_SECONDS,
) -> Packing:
    """How many replicas run at once on each device: as the settings say, or as a trial here says.

    The devices are equal (:func:`find_gpus`), and the first is measured, so many seconds a trial, with a box
    of that volume: what packing gains depends on the device more than on the system. ``wanted`` is the
    setting ``dynamics.replicas_per_gpu``; ``replicas`` is how many are to be run at all: nothing is packed
    while a device is idle.
    """
    if not devices:
        return Packing()
    if wanted != "auto":
        return Packing(replicas_per_device=wanted)
    most = min(-(-replicas // len(devices)), len(os.sched_getaffinity(0)) // len(devices))
    allowed = max((number for number in TRIED_AT_ONCE if number <= most), default=1)
    if allowed == 1:
        return Packing()
    what = f"{devices[0].key} {devices[0].name}, at most {allowed}"

    def measured() -> Packing | None:
        return measure_packing(devices[0], volume_cubic_nm, seconds, most=allowed, prober=prober)

    return _remembered(what, Packing, measured, anew) or Packing(reason=note("no-packing-ran"))


def runner_of(dynamics: DynamicsSettings, prober: Prober | None = None) -> Runner:
    """What steps a study's replicas here, as its settings want it.

    ``auto`` is a GPU where one works. Without one it is GROMACS if the machine has it and a box of water runs
    on it a fifth faster than on OpenMM, one core each, measured once and remembered; at constant pressure it
    is always OpenMM, and so it is where the environment names a platform of OpenMM's.

    Raises SettingsError if GROMACS is asked for and cannot be had.
    """
    from kinscope.dynamics.gromacs.program import find_gromacs, gromacs_platform

    if dynamics.engine == "gromacs":
        gromacs_platform()
        return "gromacs"
    if find_gpus(prober):
        return "gpu"
    free = dynamics.engine == "auto" and dynamics.protocol.ensemble == "NVT"
    found = find_gromacs() if free and not os.environ.get(PLATFORM_VARIABLE) else None
    if found is None:
        return "cpu"
    what = f"{found.properties['Executable']} {found.properties['Version']} beside OpenMM"
    gain = _remembered(what, float, lambda: _gain_of_gromacs(found, prober or Prober()))
    return "gromacs" if gain > _LEAST_GAIN_OF_GROMACS else "cpu"


def _gain_of_gromacs(found: PlatformChoice, prober: Prober) -> float:
    """Speed of GROMACS over that of OpenMM's CPU platform, one core each; 0 if it did not run."""
    both = [
        prober.speeds([choice], _COMPARED_VOLUME_CUBIC_NM, _COMPARED_SECONDS)
        for choice in (found, on_processor())
    ]
    return both[0][0].ns_per_day / both[1][0].ns_per_day if all(both) else 0.0


def machine_words(devices: Sequence[Device]) -> str:
    """Processor, cores and GPUs of this machine, without its name."""
    model = platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    gpus = "".join(f", {device.name}" for device in devices)
    return f"{model} ({len(os.sched_getaffinity(0))} cores){gpus}"


def speed_conditions(on: Runner) -> str:
    """What a measured speed of dynamics holds for: processor, cores, GPUs, engine and its version."""
    from openmm import version

    from kinscope.dynamics.gromacs.program import find_gromacs

    found = find_gromacs() if on == "gromacs" else None
    engine = " ".join(found.properties.values()) if found is not None else f"OpenMM {version.version}"
    return ", ".join((machine_words(find_gpus()), engine, os.environ.get(PLATFORM_VARIABLE, "")))


def missing_gpu_plugin(root: Path = Path("/")) -> str:
    """What to install where there is a GPU that OpenMM's installed platforms cannot drive; else empty."""
    from kinscope.dynamics.platforms import installed_platforms

    present = installed_platforms()
    if (root / "proc/driver/nvidia/version").exists() and "CUDA" not in present:
        return 'an NVIDIA GPU is here without OpenMM\'s CUDA platform: pip install "openmm[cuda12]"'
    if (root / "dev/kfd").exists() and "HIP" not in present:
        return 'an AMD GPU is here without OpenMM\'s HIP platform: pip install "openmm[hip6]"'
    return ""


def _remembered(what: str, kind: Any, measure: Callable[[], Any], anew: bool = False) -> Any:
    """What was measured of this machine before, else measured now and kept beside the cache.

    A finding of nothing is not kept, so that nobody remembers that a device was busy for once; ``anew``
    forgets what was kept. All is forgotten with OpenMM, drivers or masks.

    ``kind``: the type that the measurement gives.
    """
    path, about = default_cache() / f"devices-{platform.node() or 'here'}.json", _about_devices()
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    kept: dict[str, Any] = {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        notes = json.loads(read_own(path))
        kept = dict(notes["measured"]) if notes["about"] == about else {}
        if what in kept and not anew:
            return adapter.validate_python(kept[what])
    known, found = kept.pop(what, None), measure()
    nothing = found is None or found == ()
    if not nothing:
        kept[what] = adapter.dump_python(found, mode="json")
    if not nothing or known is not None:
        with suppress(OSError):  # a cache that cannot be written costs a measurement, nothing else
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, json.dumps({"about": about, "measured": kept}, indent=1))
    return found


def _about_devices() -> str:
    """Digest of what devices and their speed depend on."""
    import openmm

    driver = Path("/proc/driver/nvidia/version")
    masks = sorted((name, value) for name, value in os.environ.items() if name.endswith("_VISIBLE_DEVICES"))
    parts = (
        openmm.version.version,
        driver.read_text() if driver.exists() else "",
        sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*")),
        masks,
        os.environ.get(PLATFORM_VARIABLE, ""),
        len(os.sched_getaffinity(0)),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def examine() -> list[Finding]:
    """Look at versions, cores, memory, disk, OpenMM platforms and the cache."""
    findings = [
        Finding(name=name, value=version, remedy="pip install kinscope again" * (version == "missing"))
        for name, version in library_versions().items()
    ]
    findings.append(Finding(name="cores", value=str(len(os.sched_getaffinity(0)))))
    findings.append(_memory())
    cache = default_cache()
    free = shutil.disk_usage(next(path for path in (cache, *cache.parents) if path.exists())).free
    remedy = "" if free > _GIB else "free some space or set KINSCOPE_CACHE"
    findings.append(
        Finding(name="free disk at cache", value=f"{free / _GIB:.1f} GiB at {cache}", remedy=remedy)
    )
    findings.extend(_platforms())
    return findings


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    remedy = "" if total > 4 * _GIB else "a study needs about 2 GiB per core used: give --cores 1"
    return Finding(name="memory", value=f"{total / _GIB:.1f} GiB", remedy=remedy)


def _platforms() -> list[Finding]:
    from kinscope.dynamics.machine.devices import choose_platform

    devices = find_gpus(anew=True)
    choice = devices[0].platform if devices else choose_platform()
    named = ", ".join(f"{device.key} ({device.name})" for device in devices)
    return [
        Finding(name="OpenMM platform", value=f"{choice.name} ({say(choice.reason)})"),
        Finding(
            name="GPUs used",
            value=f"{len(devices)}: {named}" if devices else "none: dynamics runs on the CPU, picoseconds",
            remedy=missing_gpu_plugin(),
        ),
        _gromacs(bool(devices)),
        Finding(name="python executable", value=sys.executable),
    ]


def _gromacs(gpus: bool) -> Finding:
    """Whether there is a GROMACS, which matters where there is no GPU."""
    from kinscope.dynamics.gromacs.program import find_gromacs

    found = find_gromacs()
    value = (
        "none" if gpus else "none; without a GPU it runs replicas several times as fast (apt install gromacs)"
    )
    if found is not None:
        value = f"{found.properties['Version']}, {say(found.reason)} ({found.properties['Executable']})"
    return Finding(name="GROMACS", value=value)

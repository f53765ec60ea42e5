"""What this machine can do for a study."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path

from kinscope import __version__
from kinscope.core.records import Record
from kinscope.workflow.store import default_cache

COMPUTING_LIBRARIES = (
    "openmm", "vina", "meeko", "rdkit", "prolif", "biotite", "numpy", "scipy", "propka", "pdbfixer",
    "mutalyzer-hgvs-parser",
)  # fmt: skip
_GIB = 1024**3


class Finding(Record):
    """One thing found out."""

    name: str
    value: str
    fine: bool = True
    remedy: str = ""


def library_versions() -> dict[str, str]:
    """Version of kinscope, Python and every library that computes something."""
    versions = {"kinscope": __version__, "python": platform.python_version()}
    for name in COMPUTING_LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "missing"
    return versions


def gpu_count() -> int:
    """How many GPUs dynamics uses here: one if OpenMM's best working platform is a GPU's, else none."""
    from kinscope.dynamics.platforms import choose_platform

    return 0 if choose_platform().name in ("CPU", "Reference") else 1


def examine() -> list[Finding]:
    """Look at versions, cores, memory, disk, OpenMM platforms and the cache."""
    findings = [
        Finding(
            name=name,
            value=version,
            fine=version != "missing",
            remedy="" if version != "missing" else "pip install kinscope again",
        )
        for name, version in library_versions().items()
    ]
    findings.append(Finding(name="cores", value=str(len(os.sched_getaffinity(0)))))
    findings.append(_memory())
    cache = default_cache()
    free = shutil.disk_usage(_existing(cache)).free
    findings.append(
        Finding(
            name="free disk at cache",
            value=f"{free / _GIB:.1f} GiB at {cache}",
            fine=free > _GIB,
            remedy="" if free > _GIB else "free some space or set KINSCOPE_CACHE",
        )
    )
    findings.extend(_platforms())
    return findings


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    enough = total > 4 * _GIB
    return Finding(
        name="memory",
        value=f"{total / _GIB:.1f} GiB",
        fine=enough,
        remedy="" if enough else "a study needs about 2 GiB per core used: give --cores 1",
    )


def _platforms() -> list[Finding]:
    from kinscope.dynamics.platforms import choose_platform

    choice = choose_platform()
    devices = gpu_count()
    return [
        Finding(name="OpenMM platform", value=f"{choice.name} ({choice.reason})"),
        Finding(
            name="GPUs used", value=str(devices) if devices else "none: dynamics runs on the CPU, picoseconds"
        ),
        Finding(name="python executable", value=sys.executable),
    ]


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path

"""Dynamics computed earlier, kept as tables with where they come from: what a long study leaves for others.

A reference is one gzipped JSON file, ``NAME-DIGEST.json.gz``, below a target pack
(``artefacts/reference-dynamics``) or in the machine's own folder; the digest in its name is of its content.
It holds the analysis of native and one variant, no trajectory.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path

from kinscope.core.errors import ComputationError
from kinscope.core.files import write_atomic
from kinscope.core.records import Record, VersionedRecord
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.results.measured import FluctuationProfile, RegionComparison
from kinscope.results.notes import Note
from kinscope.results.trajectories import (
    MeasureComparison,
    OccupancyComparison,
    StateMobility,
    SystemSampling,
)
from kinscope.targets.pack import TargetPack

FOLDER = "reference-dynamics"
_SUFFIX = ".json.gz"
_DIGEST_CHARACTERS = 16
_MOST_BYTES = 50_000_000
"""Of the JSON; a reference of thirty replicas is a twentieth of that."""


class ReferenceReplica(Record):
    """One trajectory behind a reference."""

    state: str
    variant: str
    ligand: str = ""
    replica: int
    seed: int
    length_ns: float
    frames: int
    frame_interval_ps: float
    time_step_fs: float
    platform: str
    """OpenMM platform and, where it was measured, why."""
    openmm: str
    atoms: int
    temperature_mean_k: float | None
    wall_seconds: float
    attempt: int
    """0 unless an earlier attempt blew up."""
    note: str = ""
    continued: tuple[str, ...] = ()
    """Of which shorter runs it is the continuation."""
    system_sha256: str
    trajectory_sha256: str


class ReferenceSystem(Record):
    """What one system showed, native and variant."""

    state: str
    ligand: str = ""
    sampling: str
    """How much was sampled, in words."""
    sentence: str
    """What the convergence allows to be said."""
    reason: Note
    measures: tuple[MeasureComparison, ...]
    contacts: tuple[OccupancyComparison, ...]
    sides: tuple[SystemSampling, ...] = ()


class ReferenceDynamics(VersionedRecord):
    """The analysis tables of a finished study's dynamics."""

    target: str
    """Gene."""
    pack_sha256: str
    variant: str
    """Short name; native is always beside it."""
    hgvs_p: str
    preset: str
    created: str
    """ISO date."""
    kinscope_version: str
    versions: dict[str, str]
    machine: str
    """Processor, cores and GPUs that it was computed on, as far as they are known."""
    solvation: SolvationSettings
    protocol: ProtocolSettings
    seed: int
    """Root seed of the study."""
    state_labels: dict[str, str]
    replicas: tuple[ReferenceReplica, ...]
    profiles: tuple[FluctuationProfile, ...]
    regions: tuple[RegionComparison, ...]
    systems: tuple[ReferenceSystem, ...]
    state_mobility: tuple[StateMobility, ...] = ()
    failed: tuple[str, ...] = ()
    """Replicas that were left out, and why."""

    @property
    def total_ns(self) -> float:
        """Sampled time of all replicas."""
        return float(sum(one.length_ns for one in self.replicas))

    @property
    def resolved(self) -> tuple[RegionComparison, ...]:
        """Regions whose fluctuation differs, as far as the sampling lets that be said."""
        return tuple(row for row in self.regions if row.difference_angstrom.resolved)

    @property
    def name(self) -> str:
        """Variant and systems, for file names."""
        systems = sorted({f"{one.state}-{one.ligand}" if one.ligand else one.state for one in self.systems})
        return "-".join([self.variant.replace("/", "_"), *systems])[:120]

    @property
    def shared_noise(self) -> bool:
        """Whether a native and a mutant replica drew the same noise, as they did before November 2026."""
        native, mutant = (
            {one.seed for one in self.replicas if (one.variant == "native") == side} for side in (True, False)
        )
        return bool(native & mutant)

    def label(self, state: str) -> str:
        """A state's name for people."""
        return self.state_labels.get(state, state)


def reference_dynamics(
    pack: TargetPack, variant: str | None = None, further: Sequence[Path] = ()
) -> tuple[ReferenceDynamics, ...]:
    """The references of a target, the longest first.

    ``variant``: only those of this variant, by its HGVS name at protein level. ``further``: other folders of
    references, e.g. this machine's own.

    Raises ComputationError if a file is damaged or of a later version.
    """
    folders = (pack.directory / "artefacts" / FOLDER, *further)
    found = [read_reference(path) for folder in folders for path in sorted(folder.glob(f"*{_SUFFIX}"))]
    kept = {one.model_dump_json(): one for one in found if one.target == pack.gene}
    chosen = [one for one in kept.values() if variant in (None, one.hgvs_p)]
    return tuple(sorted(chosen, key=lambda one: (-one.total_ns, one.variant)))


def read_reference(path: Path) -> ReferenceDynamics:
    """One reference, its digest checked.

    Raises ComputationError if it is damaged or of a later version.
    """
    try:
        with gzip.open(path, "rb") as handle:
            body = handle.read(_MOST_BYTES + 1)
        digest = hashlib.sha256(body).hexdigest()[:_DIGEST_CHARACTERS]
        if len(body) > _MOST_BYTES or not path.name.removesuffix(_SUFFIX).endswith(digest):
            raise ValueError("its content is not what its name says")
        return ReferenceDynamics.model_validate_json(body)
    except (OSError, EOFError, ValueError) as error:
        raise ComputationError(
            f"A reference of earlier dynamics cannot be read ({type(error).__name__}).",
            where=str(path),
            remedy="Remove the file, or install kinscope again if it came with it.",
        ) from error


def write_reference(reference: ReferenceDynamics, folder: Path) -> Path:
    """Write a reference into a folder under its name and digest; the file.

    Raises OSError as the system reports it.
    """
    body = (reference.model_dump_json(indent=1) + "\n").encode()
    digest = hashlib.sha256(body).hexdigest()[:_DIGEST_CHARACTERS]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{reference.name}-{digest}{_SUFFIX}"
    write_atomic(path, gzip.compress(body, mtime=0))
    return path

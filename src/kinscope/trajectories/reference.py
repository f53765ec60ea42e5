"""Dynamics computed earlier, kept as tables with where they come from: what a long study leaves for others.

A reference is one gzipped JSON file, ``NAME-DIGEST.json.gz``, below a target pack
(``artefacts/reference-dynamics``) or in the machine's own folder; the digest in its name is of its content.
It holds the analysis of native and one variant, no trajectory.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from kinscope.core.errors import ComputationError
from kinscope.core.files import write_atomic
from kinscope.core.records import Record, VersionedRecord
from kinscope.core.tables import csv_text
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.results.measured import FluctuationProfile, RegionComparison
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
    reason: str
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

    def in_words(self) -> str:
        """``computed earlier, so long, on such a machine``, in one sentence."""
        lengths = sorted(one.length_ns for one in self.replicas)
        span = length_words(lengths[0]) if lengths else "nothing"
        if lengths and lengths[-1] > 1.001 * lengths[0]:
            span = f"{span} to {length_words(lengths[-1])}"
        hours = sum(one.wall_seconds for one in self.replicas) / 3600
        spent = f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.1f} minutes"
        platforms = ", ".join(sorted({one.platform.partition(" ")[0] for one in self.replicas}))
        return (
            f"Computed earlier ({self.created}, kinscope {self.kinscope_version}): {len(self.replicas)} "
            f"trajectories of {span}, {length_words(self.total_ns)} in all, {spent} of {platforms} time on "
            f"{self.machine}."
        )

    @property
    def shared_noise(self) -> bool:
        """Whether a native and a mutant replica drew the same noise, as they did before November 2026."""
        native, mutant = (
            {one.seed for one in self.replicas if (one.variant == "native") == side} for side in (True, False)
        )
        return bool(native & mutant)

    def verdict(self) -> str:
        """What it shows, or that it resolves nothing."""
        regions = ", ".join(f"{row.region} ({self.label(row.state)})" for row in self.resolved)
        said = (
            f"Resolved differences of fluctuation: {regions}."
            if regions
            else f"No difference between native and {self.variant} is resolved by this much sampling."
        )
        if self.shared_noise:
            said += (
                " Native and mutant replicas of one number drew the same noise, so that the sides are not "
                "quite independent; the intervals, which take them for it, are too wide, if anything."
            )
        return said

    def label(self, state: str) -> str:
        """A state's name for people."""
        return self.state_labels.get(state, state)


def length_words(length_ns: float) -> str:
    """A length of simulation with the unit that suits it."""
    if length_ns >= 1000:
        return f"{length_ns / 1000:.3g} µs"
    return f"{length_ns:.3g} ns" if length_ns >= 0.1 else f"{1000 * length_ns:.2g} ps"


def reference_dynamics(
    pack: TargetPack, variant: str | None = None, further: Sequence[Path] = ()
) -> tuple[ReferenceDynamics, ...]:
    """The references of a target, the longest first.

    Parameters
    ----------
    pack
        Whose ``artefacts/reference-dynamics`` is read.
    variant
        Only those of this variant, by its HGVS name at protein level.
    further
        Other folders of references, e.g. this machine's own.

    Raises
    ------
    ComputationError
        If a file is damaged or of a later version.
    """
    folders = (pack.directory / "artefacts" / FOLDER, *further)
    found = [read_reference(path) for folder in folders for path in sorted(folder.glob(f"*{_SUFFIX}"))]
    kept = {one.model_dump_json(): one for one in found if one.target == pack.gene}
    chosen = [one for one in kept.values() if variant in (None, one.hgvs_p)]
    return tuple(sorted(chosen, key=lambda one: (-one.total_ns, one.variant)))


def read_reference(path: Path) -> ReferenceDynamics:
    """One reference, its digest checked.

    Raises
    ------
    ComputationError
        If it is damaged or of a later version.
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

    Raises
    ------
    OSError
        As the system reports it.
    """
    body = (reference.model_dump_json(indent=1) + "\n").encode()
    digest = hashlib.sha256(body).hexdigest()[:_DIGEST_CHARACTERS]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{reference.name}-{digest}{_SUFFIX}"
    write_atomic(path, gzip.compress(body, mtime=0))
    return path


def reference_tables(reference: ReferenceDynamics) -> dict[str, str]:
    """The same as CSV for people: fluctuation by residue and by region, quantities, replicas."""
    return {
        "residues.csv": _csv(
            ("state", "variant", "replica", "residue", "rmsf_angstrom"),
            (
                (profile.state, profile.variant, number + 1, residue, f"{value:.5g}")
                for profile in reference.profiles
                for number, row in enumerate(profile.rmsf_angstrom)
                for residue, value in zip(profile.residues, row, strict=True)
            ),
        ),
        "regions.csv": _csv(
            (
                "state",
                "region",
                "native_rmsf_angstrom",
                "variant_rmsf_angstrom",
                "difference_angstrom",
                "low_angstrom",
                "high_angstrom",
                "resolved",
                "in_words",
            ),
            (
                (
                    row.state,
                    row.region,
                    f"{row.native_rmsf_angstrom:.5g}",
                    f"{row.mutant_rmsf_angstrom:.5g}",
                    row.difference_angstrom.value,
                    row.difference_angstrom.low,
                    row.difference_angstrom.high,
                    row.difference_angstrom.resolved,
                    row.difference_angstrom.statement,
                )
                for row in reference.regions
            ),
        ),
        "measures.csv": _csv(
            ("state", "ligand", "quantity", "unit", "native_means", "variant_means", "in_words"),
            (
                (
                    system.state,
                    system.ligand,
                    row.label,
                    row.unit,
                    " ".join(f"{value:.5g}" for value in row.native_means),
                    " ".join(f"{value:.5g}" for value in row.mutant_means),
                    row.difference.statement,
                )
                for system in reference.systems
                for row in system.measures
            ),
        ),
        "replicas.csv": _csv(
            tuple(ReferenceReplica.model_fields),
            (tuple(one.model_dump(mode="json").values()) for one in reference.replicas),
        ),
    }


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return csv_text(header, ([_joined(value) for value in row] for row in rows))


def _joined(value: object) -> object:
    return "; ".join(str(item) for item in value) if isinstance(value, list | tuple) else value

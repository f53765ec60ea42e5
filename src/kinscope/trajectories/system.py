"""The replicas of a study, read once each, native and mutant of one system together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.analysis.trajectory_compare import (
    compare_contacts,
    compare_measures,
    lengths_differ,
    sampling_words,
)
from kinscope.core.errors import KinscopeError
from kinscope.dynamics.records import REPLICA_RECORD_FILE, ReplicaRecord
from kinscope.results.measured import FluctuationProfile, SimulationSummary
from kinscope.results.trajectories import BoundPose, TrajectoryComparison
from kinscope.targets.pack import TargetPack
from kinscope.trajectories.passes import GroupPass, PassSettings, Subject, TrajectoryPass, analyse_group
from kinscope.trajectories.sources import Source, replica_source
from kinscope.trajectories.summary import principal_motion, replica_analysis

Array = np.ndarray[Any, Any]
_STUDY = PassSettings(thinned_frames=500, pocket_frames=40)
_FEWEST_FRAMES = 2


@dataclass(frozen=True)
class System:
    """The replicas of a native and a mutant kinase in one state, apo or with one drug."""

    state: str
    native: tuple[Path, ...]
    mutant: tuple[Path, ...]
    ligand: str = ""
    bound: tuple[BoundPose, ...] = ()


@dataclass
class Measured:
    """What a system's trajectories gave."""

    summaries: list[SimulationSummary] = field(default_factory=list)
    comparison: TrajectoryComparison | None = None
    profiles: tuple[FluctuationProfile, FluctuationProfile] | None = None
    """Of native and mutant; None unless both sides have a trajectory that can be read."""
    frames: tuple[list[Array], list[Array]] = ((), ())  # type: ignore[assignment]
    """Thinned CA frames of native and mutant, one array (n, n_residues, 3) per replica, angstrom."""
    core: Array = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """Indices of the residues that were superposed."""


def subject_of(pack: TargetPack, positions: Sequence[int]) -> Subject:
    """What is looked at in a trajectory of this target."""
    pockets = {pocket.name: tuple(pocket.members()) for pocket in pack.drug_pockets}
    return Subject(pack.landmarks, tuple(positions), pockets)


def measure_system(system: System, pack: TargetPack, variant: str, positions: Sequence[int]) -> Measured:
    """Read every replica of a system once; one that failed or cannot be read is reported and left out."""
    found = Measured()
    records: dict[tuple[str, int], ReplicaRecord] = {}
    failed: dict[tuple[str, int], str] = {}
    sources: list[Source] = []
    for who, directories in (("native", system.native), (variant, system.mutant)):
        for directory in directories:
            record = ReplicaRecord.model_validate_json((directory / REPLICA_RECORD_FILE).read_bytes())
            about = who, record.replica
            records[about] = record
            try:
                if record.status == "failed" or record.frames < _FEWEST_FRAMES:
                    failed[about] = record.note or "too short for two frames"
                else:
                    sources.append(replica_source(directory, state=system.state, variant=who))
            except KinscopeError as error:
                failed[about] = error.what
    passes: dict[tuple[str, int], TrajectoryPass] = {}
    group = None
    try:
        group = analyse_group(sources, subject_of(pack, positions), _STUDY) if sources else None
    except KinscopeError as error:
        failed |= {_about(source): error.what for source in sources}
    if group is not None:
        failed |= {_about(source): why.what for source, why in group.failed}
        passes = {_about(one.source): one for one in group.passes}
        native, mutant = (
            [one for key, one in passes.items() if key[0] == who] for who in ("native", variant)
        )
        if native and mutant and not lengths_differ([one.source.length_ns for one in group.passes]):
            _compare(found, system, group, native, mutant)
    for about in sorted(records, key=lambda key: (key[0] != "native", key[1])):
        final = float(passes[about].deviation.result()[-1]) if about in passes else float("nan")
        found.summaries.append(_summary(records[about], system, about[0], failed.get(about), final))
    return found


def _about(source: Source) -> tuple[str, int]:
    return source.variant, source.replica


def _compare(
    found: Measured,
    system: System,
    group: GroupPass,
    native: list[TrajectoryPass],
    mutant: list[TrajectoryPass],
) -> None:
    found.core = native[0].fit.core
    found.frames = ([one.thinned.result() for one in native], [one.thinned.result() for one in mutant])
    found.profiles = (_profile(system, native), _profile(system, mutant))
    before, after = ([replica_analysis(one) for one in side] for side in (native, mutant))
    found.comparison = TrajectoryComparison(
        state=system.state,
        variant=after[0].variant,
        native=tuple(before),
        mutant=tuple(after),
        measures=tuple(compare_measures(before, after)),
        contacts=tuple(compare_contacts(before, after)),
        principal=principal_motion(group, system.state),
        sampling=sampling_words(before, after),
        ligand=system.ligand,
        bound=system.bound,
    )


def _profile(system: System, side: Sequence[TrajectoryPass]) -> FluctuationProfile:
    return FluctuationProfile(
        method="md",
        state=system.state,
        variant=side[0].source.variant,
        residues=tuple(int(number) for number in side[0].residues),
        rmsf_angstrom=tuple(tuple(one.fluctuation.result().tolist()) for one in side),
        length_ns=min(one.source.length_ns or 0.0 for one in side),
        superposition=f"CA; {side[0].fit.words}; about the mean of each trajectory",
    )


def _summary(
    record: ReplicaRecord, system: System, variant: str, failed: str | None, final_angstrom: float
) -> SimulationSummary:
    return SimulationSummary(
        state=system.state,
        variant=variant,
        replica=record.replica,
        seed=record.seed,
        platform=record.platform.label,
        atoms=record.atoms,
        length_ns=record.length_ns,
        timestep_fs=record.time_step_fs,
        temperature_mean_k=record.temperature_mean_k or float("nan"),
        backbone_rmsd_final_angstrom=final_angstrom,
        status="finished" if failed is None else "failed",
        note=record.note if failed is None else failed,
        ligand=system.ligand,
    )

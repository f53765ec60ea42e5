"""Everything measured in a study, mutant set against native."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from kinscope.analysis.fluctuation import fluctuation_profile
from kinscope.analysis.pockets import compare_pocket
from kinscope.analysis.regions import changed_residues, compare_regions
from kinscope.analysis.results import (
    ContactChange,
    DockingComparison,
    FluctuationProfile,
    ModelGeometry,
    PocketComparison,
    RegionComparison,
    SimulationSummary,
)
from kinscope.core.files import write_atomic
from kinscope.docking import compare_docking, reference_pose
from kinscope.docking.records import DockingRun
from kinscope.interpretation.model import Measurements
from kinscope.report.files import DifferenceTrack
from kinscope.structures.model import AtomArray, ModelRecord
from kinscope.targets import TargetPack, load_target
from kinscope.variants.model import Variant
from kinscope.workflow.context import StepContext
from kinscope.workflow.stages.files import (
    CONTACT_CHANGES,
    GEOMETRIES,
    MEASUREMENTS,
    PROFILE,
    RUNS,
    TRACKS,
    read_models,
    read_records,
    write_records,
)
from kinscope.workflow.stages.trajectories import read_replicas

_MINIMUM_REGION_RESIDUES = 3
_POCKETS = ("myristate_pocket", "atp_site")
Models = list[tuple[AtomArray, ModelRecord]]


def collect_measurements(context: StepContext) -> None:
    """Read what every step left, compare, and write one file of measurements."""
    pack = load_target(context.parameters["target"])
    variant = Variant.model_validate(context.parameters["variant"])
    study = _Inputs(context)
    native = {state: read_models(path) for state, path in study.by_state("native").items()}
    mutant = {state: read_models(path) for state, path in study.by_state("mutant").items()}
    context.progress(0.2, "docking")
    docking = _docking(study, pack, variant, native)
    context.progress(0.4, "fluctuation")
    modes = _normal_modes(study)
    simulations, dynamics = _dynamics(study, variant.short)
    profiles = [profile for pair in (*modes, *dynamics) for profile in pair]
    pairs = [(first, second) for first, second in (*modes, *dynamics)]
    context.progress(0.7, "pockets")
    pockets = _pockets(pack, native, mutant, {pair[0].state: pair for pair in modes})
    measurements = Measurements(
        models=tuple(record for models in (*native.values(), *mutant.values()) for _, record in models),
        geometries=tuple(
            geometry
            for role in ("native", "mutant")
            for path in study.by_state(role).values()
            for geometry in read_records(path / GEOMETRIES, ModelGeometry)
        ),
        contact_changes=tuple(
            change
            for path in study.by_state("contacts").values()
            for change in read_records(path / CONTACT_CHANGES, ContactChange)
        ),
        docking=tuple(docking),
        profiles=tuple(profiles),
        regions=tuple(row for pair in pairs for row in _regions(pack, *pair)),
        pockets=tuple(pockets),
        simulations=tuple(simulations),
    )
    write_atomic(context.output / MEASUREMENTS, measurements.model_dump_json())
    write_records(context.output / TRACKS, [_track(*pair) for pair in pairs])


@dataclass(frozen=True)
class _Inputs:
    """The step's inputs, found by what they are about. Roles read ``stage/...``; see the plan."""

    context: StepContext

    def by_state(self, stage: str) -> dict[str, Path]:
        """Directories of ``stage/<state>``."""
        parts = [(role.split("/"), path) for role, path in self.context.inputs.items()]
        return {words[1]: path for words, path in parts if words[0] == stage and len(words) == 2}

    def sides(self, stage: str) -> dict[str, dict[str, Path]]:
        """Directories of ``stage/<side>/<about>``, by what they are about and side; only where both sides are."""
        found: dict[str, dict[str, Path]] = {}
        for role, path in self.context.inputs.items():
            words = role.split("/")
            if words[0] == stage and len(words) == 3:
                found.setdefault(words[2], {})[words[1]] = path
        return {about: sides for about, sides in found.items() if {"native", "mutant"} <= sides.keys()}

    def replicas(self, side: str) -> dict[str, list[Path]]:
        """Directories of ``replica/<side>/<state>/<number>`` by state, in order."""
        found: dict[str, list[Path]] = {}
        for role, path in sorted(self.context.inputs.items()):
            words = role.split("/")
            if words[0] == "replica" and words[1] == side:
                found.setdefault(words[2], []).append(path)
        return found


def _docking(
    study: _Inputs, pack: TargetPack, variant: Variant, native: dict[str, Models]
) -> list[DockingComparison]:
    comparisons = []
    for name, sides in sorted(study.sides("docking").items()):
        drug = pack.drug(name)
        before = read_records(sides["native"] / RUNS, DockingRun)
        after = read_records(sides["mutant"] / RUNS, DockingRun)
        pose, record = reference_pose(pack, drug)
        receptor = native[drug.state][0][0]
        comparisons.append(
            compare_docking(
                drug, before[0], after, reference=pose, record=record, receptor=receptor, positions=variant.positions
            )
        )
    return comparisons


def _normal_modes(study: _Inputs) -> list[tuple[FluctuationProfile, FluctuationProfile]]:
    pairs = []
    for _, sides in sorted(study.sides("modes").items()):
        pairs.append((_profile(sides["native"]), _profile(sides["mutant"])))
    return pairs


def _profile(directory: Path) -> FluctuationProfile:
    return FluctuationProfile.model_validate_json((directory / PROFILE).read_bytes())


def _dynamics(
    study: _Inputs, variant: str
) -> tuple[list[SimulationSummary], list[tuple[FluctuationProfile, FluctuationProfile]]]:
    """Summaries of every replica, and the pairs of profiles; both sides superposed on one reference and core."""
    summaries: list[SimulationSummary] = []
    pairs = []
    native, mutant = study.replicas("native"), study.replicas("mutant")
    for state in sorted(native.keys() | mutant.keys()):
        before = read_replicas(native.get(state, []), state, "native")
        after = read_replicas(mutant.get(state, []), state, variant)
        summaries.extend([*before.summaries, *after.summaries])
        if before.frames and after.frames:
            shared = np.intersect1d(before.residues, after.residues)
            pairs.append(
                (
                    fluctuation_profile(
                        before.chosen(shared), shared, state=state, variant=before.variant, length_ns=before.length_ns
                    ),
                    fluctuation_profile(
                        after.chosen(shared), shared, state=state, variant=after.variant, length_ns=after.length_ns
                    ),
                )
            )
    return summaries, pairs


def _regions(
    pack: TargetPack, native: FluctuationProfile, mutant: FluctuationProfile
) -> list[RegionComparison]:
    held = set(native.residues)
    regions = {
        region.name: [number for number in region.members() if number in held]
        for region in pack.regions
        if len(region.members()) >= _MINIMUM_REGION_RESIDUES
    }
    return compare_regions(
        native, mutant, {name: kept for name, kept in regions.items() if len(kept) >= _MINIMUM_REGION_RESIDUES}
    )


def _track(native: FluctuationProfile, mutant: FluctuationProfile) -> DifferenceTrack:
    rows = changed_residues(native, mutant)
    method: Literal["md", "normal_modes"] = "md" if native.method == "md" else "normal_modes"
    kept = [(residue, item) for residue, item in rows if item.value is not None]
    bounded = all(item.low is not None and item.high is not None for _, item in kept)
    return DifferenceTrack(
        method=method,
        state=native.state,
        residues=tuple(residue for residue, _ in kept),
        difference_angstrom=tuple(float(item.value or 0.0) for _, item in kept),
        low_angstrom=tuple(float(item.low or 0.0) for _, item in kept) if bounded else (),
        high_angstrom=tuple(float(item.high or 0.0) for _, item in kept) if bounded else (),
        resolved=tuple(item.resolved for _, item in kept),
    )


def _pockets(
    pack: TargetPack,
    native: dict[str, Models],
    mutant: dict[str, Models],
    modes: dict[str, tuple[FluctuationProfile, FluctuationProfile]],
) -> list[PocketComparison]:
    rows = []
    for state in sorted(native.keys() & mutant.keys()):
        for name in _POCKETS:
            rows.append(
                compare_pocket(
                    name,
                    state,
                    pack.region(name).members(),
                    [atoms for atoms, _ in native[state]],
                    [atoms for atoms, _ in mutant[state]],
                    profiles=modes.get(state),
                )
            )
    return rows

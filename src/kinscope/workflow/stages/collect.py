"""Everything measured in a study, mutant set against native."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from kinscope.analysis.convergence import Convergence, convergence
from kinscope.analysis.fluctuation import fluctuation_profile
from kinscope.analysis.pockets import compare_pocket
from kinscope.analysis.regions import SMALLEST_MEANINGFUL_ANGSTROM, compare_regions, residue_differences
from kinscope.analysis.results import (
    ContactChange,
    Difference,
    DockingComparison,
    FluctuationProfile,
    ModelGeometry,
    PocketComparison,
    RegionComparison,
    SimulationSummary,
    StateFit,
)
from kinscope.analysis.superposition import rigid_core
from kinscope.core.files import write_atomic
from kinscope.docking.compare import compare_docking, distance_to_residues, pocket_rmsd
from kinscope.docking.records import DockingRun
from kinscope.docking.reference import reference_pose
from kinscope.docking.state_fit import state_fit
from kinscope.interpretation.model import Measurements
from kinscope.report.files import DifferenceTrack
from kinscope.structures.model import AtomArray, ModelRecord
from kinscope.targets import TargetPack
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
from kinscope.workflow.stages.trajectories import Replicas, read_replicas
from kinscope.workflow.user_state import study_pack

_MINIMUM_REGION_RESIDUES = 3
_LARGE_EFFECT_ANGSTROM = 0.3
"""What counts as a large effect on RMSF where sampling is limited: half of a kinase core's RMSF at 300 K."""
_SENTENCES = ("nothing on mobility", "only large effects", "supports a comparison")
Models = list[tuple[AtomArray, ModelRecord]]


def collect_measurements(context: StepContext) -> None:
    """Read what every step left, compare, and write one file of measurements."""
    pack = study_pack(context.parameters)
    variant = Variant.model_validate(context.parameters["variant"])
    study = _Inputs(context)
    native = {state: read_models(path) for state, path in study.by_state("native").items()}
    mutant = {state: read_models(path) for state, path in study.by_state("mutant").items()}
    context.progress(0.2, "docking")
    docking = _docking(study, pack, variant, native, mutant)
    context.progress(0.4, "fluctuation")
    modes = _normal_modes(study)
    simulations, dynamics = _dynamics(study, variant.short)
    pairs = [*modes, *dynamics]
    context.progress(0.7, "pockets")
    pockets = _pockets(
        pack, native, mutant, {pair.native.state: (pair.native, pair.mutant) for pair in modes}
    )
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
        profiles=tuple(profile for pair in pairs for profile in (pair.native, pair.mutant)),
        regions=tuple(row for pair in pairs for row in _regions(pack, pair)),
        pockets=tuple(pockets),
        simulations=tuple(simulations),
        state_fits=tuple(_state_fits(study, pack, native)),
    )
    write_atomic(context.output / MEASUREMENTS, measurements.model_dump_json())
    write_records(context.output / TRACKS, [_track(pair) for pair in pairs])


@dataclass(frozen=True)
class _Pair:
    """Native and mutant fluctuation of one state by one method, and what the sampling allows to be said."""

    native: FluctuationProfile
    mutant: FluctuationProfile
    convergence: Convergence | None = None
    """Of the less converged side; None for methods that do not sample."""

    @property
    def smallest_meaningful_angstrom(self) -> float:
        """Differences below this are not called a change."""
        limited = self.convergence is not None and self.convergence.sentence != _SENTENCES[-1]
        return _LARGE_EFFECT_ANGSTROM if limited else SMALLEST_MEANINGFUL_ANGSTROM

    def allowed(self, difference: Difference) -> Difference:
        """The difference, unresolved if the sampling allows no sentence on mobility whatever a test says."""
        if self.convergence is None or self.convergence.sentence != _SENTENCES[0]:
            return difference
        statement = f"not resolved: {self.convergence.reason}"
        return difference.model_copy(update={"resolved": False, "statement": statement})


@dataclass(frozen=True)
class _Inputs:
    """The step's inputs, found by what they are about. Roles read ``stage/...``; see the plan."""

    context: StepContext

    def by_state(self, stage: str) -> dict[str, Path]:
        """Directories of ``stage/<state>``."""
        parts = [(role.split("/"), path) for role, path in self.context.inputs.items()]
        return {words[1]: path for words, path in parts if words[0] == stage and len(words) == 2}

    def sides(self, stage: str) -> dict[str, dict[str, Path]]:
        """Directories of ``stage/<side>/<about>`` by subject and side, where both sides are."""
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
    study: _Inputs,
    pack: TargetPack,
    variant: Variant,
    native: dict[str, Models],
    mutant: dict[str, Models],
) -> list[DockingComparison]:
    comparisons = []
    for name, sides in sorted(study.sides("docking").items()):
        drug = pack.drug(name)
        before = read_records(sides["native"] / RUNS, DockingRun)
        after = read_records(sides["mutant"] / RUNS, DockingRun)
        pose, record = reference_pose(pack, drug, study.context.inputs.get(f"pose/{name}"))
        receptor = native[drug.state][0][0]
        distance = distance_to_residues(receptor, pose, variant.positions)
        moved = pocket_rmsd(receptor, [atoms for atoms, _ in mutant[drug.state]], pose)
        comparisons.append(
            compare_docking(
                drug,
                before[0],
                after,
                reference=record,
                distance_to_variant_angstrom=distance,
                pocket_rmsd_angstrom=moved,
            )
        )
    return comparisons


def _state_fits(study: _Inputs, pack: TargetPack, native: dict[str, Models]) -> Iterator[StateFit]:
    """Each docked drug's known pose in the study's other states."""
    for name in sorted(study.sides("docking")):
        drug = pack.drug(name)
        pose, _ = reference_pose(pack, drug, study.context.inputs.get(f"pose/{name}"))
        home = native[drug.state][0][0]
        for state in sorted(native.keys() - {drug.state}):
            found = state_fit(drug, pose, home, native[state][0][0], state)
            if found is not None:
                yield found


def _normal_modes(study: _Inputs) -> list[_Pair]:
    return [
        _Pair(_profile(sides["native"]), _profile(sides["mutant"]))
        for _, sides in sorted(study.sides("modes").items())
    ]


def _profile(directory: Path) -> FluctuationProfile:
    return FluctuationProfile.model_validate_json((directory / PROFILE).read_bytes())


def _dynamics(study: _Inputs, variant: str) -> tuple[list[SimulationSummary], list[_Pair]]:
    """Summaries of every replica, and the pairs of profiles, both sides fitted on one rigid core."""
    summaries: list[SimulationSummary] = []
    pairs = []
    native, mutant = study.replicas("native"), study.replicas("mutant")
    for state in sorted(native.keys() | mutant.keys()):
        before = read_replicas(native.get(state, []), state, "native")
        after = read_replicas(mutant.get(state, []), state, variant)
        summaries.extend([*before.summaries, *after.summaries])
        if before.frames and after.frames:
            pairs.append(_compared_dynamics(before, after, state))
    return summaries, pairs


def _compared_dynamics(before: Replicas, after: Replicas, state: str) -> _Pair:
    shared = np.intersect1d(before.residues, after.residues)
    sides = [(system, system.chosen(shared)) for system in (before, after)]
    core = rigid_core(np.concatenate([frames for _, replicas in sides for frames in replicas]))
    first, second = (
        fluctuation_profile(
            replicas, shared, state=state, variant=system.variant, length_ns=system.length_ns, core=core
        )
        for system, replicas in sides
    )
    judged = [convergence(replicas, length_ns=system.length_ns, core=core) for system, replicas in sides]
    return _Pair(first, second, min(judged, key=lambda item: _SENTENCES.index(item.sentence)))


def _regions(pack: TargetPack, pair: _Pair) -> list[RegionComparison]:
    held = set(pair.native.residues)
    regions = {
        region.name: kept
        for region in pack.regions
        if len(kept := [number for number in region.members() if number in held]) >= _MINIMUM_REGION_RESIDUES
    }
    rows = compare_regions(
        pair.native, pair.mutant, regions, smallest_meaningful_angstrom=pair.smallest_meaningful_angstrom
    )
    return [
        row.model_copy(update={"difference_angstrom": pair.allowed(row.difference_angstrom)}) for row in rows
    ]


def _track(pair: _Pair) -> DifferenceTrack:
    rows = [
        (residue, pair.allowed(item))
        for residue, item in residue_differences(
            pair.native, pair.mutant, smallest_meaningful_angstrom=pair.smallest_meaningful_angstrom
        )
    ]
    method: Literal["md", "normal_modes"] = "md" if pair.native.method == "md" else "normal_modes"
    kept = [(residue, item) for residue, item in rows if item.value is not None]
    bounded = all(item.low is not None and item.high is not None for _, item in kept)
    return DifferenceTrack(
        method=method,
        state=pair.native.state,
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
        for pocket in pack.drug_pockets:
            rows.append(
                compare_pocket(
                    pocket.name,
                    state,
                    pocket.members(),
                    [atoms for atoms, _ in native[state]],
                    [atoms for atoms, _ in mutant[state]],
                    profiles=modes.get(state),
                )
            )
    return rows

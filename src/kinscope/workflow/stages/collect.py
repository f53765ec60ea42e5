"""Everything measured in a study, mutant set against native."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinscope.analysis.pockets import compare_pocket
from kinscope.analysis.regions import compare_regions, residue_differences
from kinscope.analysis.sampling import (
    Sampling,
    allowed,
    compare_states_by_region,
    region_sampling,
    state_pairs,
    worse,
)
from kinscope.analysis.statistics import energy_shares
from kinscope.core.files import write_atomic
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.records import DockingRun
from kinscope.docking.table.differences import Weighed, compare_docking, distance_to_residues, pocket_rmsd
from kinscope.interpretation.model import Measurements
from kinscope.report.files import DifferenceTrack
from kinscope.results.docking import RelaxedComparison
from kinscope.results.measured import (
    ContactChange,
    DockingComparison,
    FluctuationProfile,
    ModelGeometry,
    PocketComparison,
    RegionComparison,
)
from kinscope.results.models import ModelRecord
from kinscope.results.trajectories import StateMobility
from kinscope.structures.model import AtomArray
from kinscope.targets import TargetPack
from kinscope.trajectories.system import Measured, System, measure_system
from kinscope.variants.model import Variant
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.planning.reach import reach_of
from kinscope.workflow.planning.user_state import study_pack
from kinscope.workflow.stages.bound import read_bound_poses
from kinscope.workflow.stages.files import (
    CONTACT_CHANGES,
    GEOMETRIES,
    MEASUREMENTS,
    RUNS,
    TRACKS,
    energies,
    read_models,
    read_records,
    write_records,
)
from kinscope.workflow.stages.relaxed import compared, known_pose

_MINIMUM_REGION_RESIDUES = 3
_FEWEST_SHARED = 50
"""Residues that two states must share to be compared."""
Models = list[tuple[AtomArray, ModelRecord]]


def collect_measurements(context: StepContext) -> None:
    """Read what every step left, compare, and write one file of measurements."""
    pack = study_pack(context.parameters)
    variant = Variant.model_validate(context.parameters["variant"])
    study = _Inputs(context)
    native = {state: read_models(path) for state, path in study.by_state("native").items()}
    built = {state: read_models(path) for state, path in study.by_state("built").items()}
    mutant = {state: read_models(path) for state, path in study.by_state("mutant").items()}
    context.progress(0.2, "docking")
    docking = _docking(study, pack, variant, built, mutant)
    context.progress(0.4, "fluctuation")
    systems, pairs = _dynamics(study, pack, variant)
    context.progress(0.7, "pockets")
    pockets = _pockets(pack, built, mutant)
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
        simulations=tuple(summary for system in systems for summary in system.summaries),
        relaxed=tuple(_relaxed(study, pack, variant, native)),
        reach=reach_of(pack, variant),
        trajectories=tuple(s.comparison for s in systems if s.comparison is not None),
        state_mobility=tuple(_state_mobility(pack, pairs)),
    )
    write_atomic(context.output / MEASUREMENTS, measurements.model_dump_json())
    write_records(context.output / TRACKS, [_track(pair) for pair in pairs])


@dataclass(frozen=True)
class _Pair:
    """Native and mutant fluctuation of one state."""

    native: FluctuationProfile
    mutant: FluctuationProfile
    measured: Measured
    """The trajectories behind them."""

    def sampling_of(self, regions: Mapping[str, Sequence[int]]) -> dict[str, Sampling]:
        """What the sampling allows to be said of each region, the worse side deciding."""
        native, mutant = self.sampling_by_side(regions)
        return {name: worse(native[name], mutant[name]) for name in native}

    def sampling_by_side(
        self, regions: Mapping[str, Sequence[int]]
    ) -> tuple[dict[str, Sampling], dict[str, Sampling]]:
        """The sampling of each region in native and in mutant."""
        native, mutant = (
            region_sampling(
                frames, profile.residues, regions, length_ns=profile.length_ns, core=self.measured.core
            )
            for frames, profile in zip(self.measured.frames, (self.native, self.mutant), strict=True)
        )
        return native, mutant


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

    def replicas(self, side: str, stage: str = "replica") -> dict[str, list[Path]]:
        """Directories of ``<stage>/<side>/<state or drug>/<number>`` by state or drug, in order."""
        found: dict[str, list[Path]] = {}
        for role, path in sorted(self.context.inputs.items()):
            words = role.split("/")
            if words[0] == stage and words[1] == side:
                found.setdefault(words[2], []).append(path)
        return found


def _docking(
    study: _Inputs, pack: TargetPack, variant: Variant, native: dict[str, Models], mutant: dict[str, Models]
) -> list[DockingComparison]:
    comparisons = []
    for name, sides in sorted(study.sides("docking").items()):
        drug = pack.drug(name)
        before = read_records(sides["native"] / RUNS, DockingRun)
        after = read_records(sides["mutant"] / RUNS, DockingRun)
        pose, record = reference_pose(pack, drug, study.context.inputs.get(f"pose/{name}"))
        models = native[drug.state], mutant[drug.state]
        receptor = models[0][0][0]
        comparisons.append(
            compare_docking(
                drug,
                *(Weighed(runs, energies(side)) for runs, side in zip((before, after), models, strict=True)),
                reference=record,
                distance_to_variant_angstrom=distance_to_residues(receptor, pose, variant.positions),
                pocket_rmsd_angstrom=pocket_rmsd(receptor, [atoms for atoms, _ in models[1]], pose),
            )
        )
    return comparisons


def _relaxed(
    study: _Inputs, pack: TargetPack, variant: Variant, native: dict[str, Models]
) -> Iterator[RelaxedComparison]:
    """Each drug and its surroundings relaxed together, in the states whose models hold it."""
    others = {state: read_models(path) for state, path in study.by_state("relaxed-model").items()}
    for about, sides in sorted(study.sides("relaxed").items()):
        name, _, state = about.partition("@")
        model = (native | others)[state][0][0]
        known = known_pose(pack, pack.drug(name), state, study.context.inputs.get(f"pose/{name}"))
        found = compared(pack.drug(name), state, variant, model, sides, known)
        if found is not None:
            yield found


def _dynamics(study: _Inputs, pack: TargetPack, variant: Variant) -> tuple[list[Measured], list[_Pair]]:
    """What every simulated system gave, and the pairs of profiles of the apo ones."""
    found, pairs = [], []
    for system in _systems(study, pack):
        measured = measure_system(system, pack, variant.short, variant.positions)
        found.append(measured)
        if measured.profiles is not None and not system.ligand:
            pairs.append(_Pair(*measured.profiles, measured))
    return found, pairs


def _systems(study: _Inputs, pack: TargetPack) -> Iterator[System]:
    """The simulated systems: each state apo, then each drug in its state."""
    for stage in ("replica", "bound"):
        native, mutant = study.replicas("native", stage), study.replicas("mutant", stage)
        for about in sorted(native.keys() | mutant.keys()):
            state, ligand = (about, "") if stage == "replica" else (pack.drug(about).state, about)
            bound = read_bound_poses(study.sides("system").get(about, {})) if ligand else ()
            sides = tuple(native.get(about, ())), tuple(mutant.get(about, ()))
            yield System(state, *sides, ligand, bound)


def _state_mobility(pack: TargetPack, pairs: Sequence[_Pair]) -> Iterator[StateMobility]:
    """DFG-out against DFG-in, as a whole and region by region, native and mutant each for itself."""
    by_state = {pair.native.state: pair for pair in pairs}
    held = [state.id for state in pack.states if state.id in by_state]
    dfg: dict[str, str] = {state.id: state.dfg for state in pack.states}
    sizes = {state: len(pair.native.residues) for state, pair in by_state.items()}
    for first, second in state_pairs(dfg, held, sizes):
        labels = (pack.state(first).label, pack.state(second).label)
        one, two = by_state[first], by_state[second]
        for sides in ((one.native, two.native), (one.mutant, two.mutant)):
            shared = sorted(set(sides[0].residues) & set(sides[1].residues))
            if len(shared) < _FEWEST_SHARED:
                continue
            for regions in ({"": shared}, _held_regions(pack, set(shared))):
                before, after = one.sampling_of(regions), two.sampling_of(regions)
                known = {name: (before[name], after[name]) for name in regions}
                yield from compare_states_by_region(*sides, regions, labels, known)


def _regions(pack: TargetPack, pair: _Pair) -> list[RegionComparison]:
    regions = _held_regions(pack, set(pair.native.residues))
    native, mutant = pair.sampling_by_side(regions)
    rows = []
    for row in compare_regions(pair.native, pair.mutant, regions):
        before, after = native[row.region], mutant[row.region]
        least = worse(before, after)
        told = {
            "difference_angstrom": allowed(row.difference_angstrom, least),
            "native_split_r": before.split_r,
            "mutant_split_r": after.split_r,
            "native_independent_frames": before.independent_frames,
            "mutant_independent_frames": after.independent_frames,
            "sampling_allows": least.sentence,
        }
        rows.append(row.model_copy(update=told))
    return rows


def _held_regions(pack: TargetPack, held: set[int]) -> dict[str, list[int]]:
    """The pack's regions as far as residues are held, without those of fewer than three."""
    return {
        region.name: kept
        for region in pack.regions
        if len(kept := [number for number in region.members() if number in held]) >= _MINIMUM_REGION_RESIDUES
    }


def _track(pair: _Pair) -> DifferenceTrack:
    judged = pair.sampling_of({str(number): (number,) for number in pair.native.residues})
    rows = [
        (residue, allowed(item, judged[str(residue)]))
        for residue, item in residue_differences(pair.native, pair.mutant)
    ]
    kept = [(residue, item) for residue, item in rows if item.value is not None]
    bounded = all(item.low is not None and item.high is not None for _, item in kept)
    return DifferenceTrack(
        state=pair.native.state,
        residues=tuple(residue for residue, _ in kept),
        difference_angstrom=tuple(float(item.value or 0.0) for _, item in kept),
        low_angstrom=tuple(float(item.low or 0.0) for _, item in kept) if bounded else (),
        high_angstrom=tuple(float(item.high or 0.0) for _, item in kept) if bounded else (),
        resolved=tuple(item.resolved for _, item in kept),
    )


def _pockets(
    pack: TargetPack, native: dict[str, Models], mutant: dict[str, Models]
) -> list[PocketComparison]:
    rows = []
    for state in sorted(native.keys() & mutant.keys()):
        sides = [
            ([atoms for atoms, _ in side[state]], energy_shares(energies(side[state])))
            for side in (native, mutant)
        ]
        for pocket in pack.drug_pockets:
            rows.append(compare_pocket(pocket.name, state, pocket.members(), sides[0], sides[1]))
    return rows

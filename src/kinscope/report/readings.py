"""Sampling and verdict of every figure in words, and tables of readings. Nothing here changes a number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kinscope.interpretation.model import Measurements, StudyResult
from kinscope.report.files import DifferenceTrack, ReportFiles
from kinscope.report.text import Names, in_words, number
from kinscope.results.measured import Difference, FluctuationProfile, RegionComparison
from kinscope.results.trajectories import StateMobility, TrajectoryComparison
from kinscope.trajectories.reference import ReferenceDynamics


@dataclass(frozen=True)
class PocketCell:
    """One residue in one state."""

    native: float
    mutant: float
    resolved: bool


@dataclass(frozen=True)
class PocketTable:
    """The residues that line one pocket, each in every state."""

    pocket: str
    columns: tuple[tuple[str, str], ...]
    """State, sampling in words."""
    rows: tuple[tuple[int, tuple[PocketCell | None, ...]], ...]


@dataclass(frozen=True)
class StateRegionRow:
    """One region in a DFG-out state against a DFG-in one, native and mutant."""

    region: str
    native: StateMobility | None
    mutant: StateMobility | None


@dataclass(frozen=True)
class StateRegionTable:
    """DFG-out against DFG-in, region by region."""

    first: str
    second: str
    sampling: str
    rows: tuple[StateRegionRow, ...]


def figure_words(result: StudyResult, files: ReportFiles) -> dict[str, str]:
    """What each figure of motion rests on and what may be read from it, by the figure's name."""
    measured, names = result.measurements, Names(files)
    words = {}
    if text := _of_regions(measured.regions):
        words["rmsf_md"] = text
        words["rmsf_difference_md"] = text + _residues_named(files.difference_tracks, names)
    apo = [system for system in measured.trajectories if not system.ligand]
    bound = [system for system in measured.trajectories if system.ligand]
    for name, systems in (
        ("trajectory_series", measured.trajectories),
        ("trajectory_measures", measured.trajectories),
        ("trajectory_principal", measured.trajectories),
        ("trajectory_sampling", measured.trajectories),
        ("trajectory_contacts", apo),
        ("trajectory_ligands", bound),
        ("trajectory_fingerprints", bound),
        ("trajectory_pockets", measured.trajectories),
    ):
        if systems:
            words[name] = _of_systems(name, systems, names)
    return words


def _of_regions(rows: Sequence[RegionComparison]) -> str:
    if not rows:
        return ""
    samples = dict.fromkeys(row.difference_angstrom.sampling for row in rows)
    return (
        f"Sampling: {'; '.join(text for text in samples if text) or 'not recorded'}. In words, over "
        f"{len(rows)} regions of {_states_counted(rows)}: "
        f"{counted(row.difference_angstrom for row in rows)}."
    )


def _states_counted(rows: Sequence[RegionComparison]) -> str:
    number = len({row.state for row in rows})
    return f"{number} state{'s' if number != 1 else ''}"


def counted(differences: Iterable[Difference]) -> str:
    """How many readings say what: ``no change of 0.05 Å or more in 70, not resolved in 2``."""
    found: dict[str, int] = {}
    for item in differences:
        found[in_words(item)] = found.get(in_words(item), 0) + 1
    total = sum(found.values())
    ordered = sorted(found.items(), key=lambda pair: (pair[0] != "resolved", -pair[1]))
    return ", ".join(f"{words} in {'all' if count == total else count}" for words, count in ordered)


def _residues_named(tracks: Sequence[DifferenceTrack], names: Names) -> str:
    parts = [
        f"{sum(track.resolved)} in {names.state(track.state)}" for track in tracks if any(track.resolved)
    ]
    if not any(track.resolved for track in tracks):
        return ""
    return f" Single residues that change after correction: {', '.join(parts) or 'none'}."


def _of_systems(name: str, systems: Sequence[TrajectoryComparison], names: Names) -> str:
    parts = []
    for system in systems:
        if name in ("trajectory_contacts", "trajectory_fingerprints"):
            of_residue = name == "trajectory_contacts"
            items = [row.difference for row in system.contacts if row.of.isdigit() == of_residue]
        elif name == "trajectory_pockets":
            items = [row.difference for row in system.measures if row.name.endswith("/volume_cubic_angstrom")]
        elif name == "trajectory_ligands":
            items = [row.difference for row in system.measures if "/ligand_" in row.name]
        elif name in ("trajectory_series", "trajectory_measures"):
            items = [row.difference for row in system.measures]
        else:
            items = []
        title = names.state(system.state) + names.bound(system.ligand)
        said = counted(items) if items else f"judged as a whole, {system.sentence}"
        parts.append(f"{title}, {system.sampling}: {said}")
    return f"Sampling and what it allows: {'; '.join(parts)}."


def too_short(measured: Measurements) -> str:
    """What is to be said before any curve of dynamics that supports no sentence at all; empty otherwise."""
    systems = measured.trajectories
    if not systems or any(system.sentence != "nothing on mobility" for system in systems):
        return ""
    lengths = list(dict.fromkeys(system.sampling for system in systems))
    return (
        f"These runs ({'; '.join(lengths)}) are too short for any sentence on mobility. Their curves show "
        "the first vibrations around the starting model; they are drawn so that nothing is hidden, not to be "
        "read as a comparison."
    )


def pocket_tables(result: StudyResult, files: ReportFiles) -> list[PocketTable]:
    """RMSF of the residues that line each compared pocket, native and mutant."""
    measured, names = result.measurements, Names(files)
    pockets = dict.fromkeys(pocket.pocket for pocket in measured.pockets)
    members = {region.name: region.members() for region in files.regions}
    tables = []
    for pocket in pockets:
        numbers = sorted(members.get(pocket, ()))
        columns, cells = [], []
        for state in sorted({p.state for p in measured.profiles}, key=names.state_order):
            found = _column(measured.profiles, files.difference_tracks, state, result.variant.short)
            if any(number in found for number in numbers):
                columns.append((state, _sampling(measured, state)))
                cells.append(found)
        rows = tuple((number, tuple(column.get(number) for column in cells)) for number in numbers)
        rows = tuple(row for row in rows if any(row[1]))
        if rows:
            tables.append(PocketTable(pocket, tuple(columns), rows))
    return tables


def _column(
    profiles: Sequence[FluctuationProfile],
    tracks: Sequence[DifferenceTrack],
    state: str,
    variant: str,
) -> dict[int, PocketCell]:
    sides = []
    for who in ("native", variant):
        profile = next((p for p in profiles if (p.state, p.variant) == (state, who)), None)
        if profile is None or not profile.rmsf_angstrom:
            return {}
        rows = profile.rmsf_angstrom
        means = [sum(row[column] for row in rows) / len(rows) for column in range(len(profile.residues))]
        sides.append(dict(zip(profile.residues, means, strict=True)))
    track = next((t for t in tracks if t.state == state), None)
    starred = (
        {number for number, star in zip(track.residues, track.resolved, strict=False) if star}
        if track is not None
        else set()
    )
    native, mutant = sides
    return {
        number: PocketCell(native[number], mutant[number], number in starred)
        for number in native
        if number in mutant
    }


def _sampling(measured: Measurements, state: str) -> str:
    rows = [row for row in measured.regions if row.state == state]
    return rows[0].difference_angstrom.sampling if rows else ""


def state_region_tables(measured: Measurements) -> list[StateRegionTable]:
    """DFG-out against DFG-in by region, a table per pair of states."""
    groups: dict[tuple[str, str], list[StateMobility]] = {}
    for row in measured.state_mobility:
        if row.region:
            groups.setdefault((row.first_state, row.second_state), []).append(row)
    tables = []
    for (first, second), own in groups.items():
        rows = tuple(
            StateRegionRow(
                region,
                next((r for r in own if r.region == region and r.variant == "native"), None),
                next((r for r in own if r.region == region and r.variant != "native"), None),
            )
            for region in dict.fromkeys(row.region for row in own)
        )
        tables.append(StateRegionTable(first, second, own[0].difference.sampling, rows))
    return tables


def effect(difference: Difference) -> str:
    """Hedges' g with its interval: ``+0.8 [−0.9, +2.4]``; a dash where there is none."""
    if difference.effect_size is None:
        return "–"
    text = number(difference.effect_size, 1, signed=True)
    low, high = difference.effect_size_low, difference.effect_size_high
    if low is None or high is None:
        return text
    return f"{text} [{number(low, 1, signed=True)}, {number(high, 1, signed=True)}]"


def computed_earlier(reference: ReferenceDynamics) -> str:
    """``computed earlier, so long, on such a machine``, in one sentence."""
    lengths = sorted(one.length_ns for one in reference.replicas)
    span = _length_words(lengths[0]) if lengths else "nothing"
    if lengths and lengths[-1] > 1.001 * lengths[0]:
        span = f"{span} to {_length_words(lengths[-1])}"
    hours = sum(one.wall_seconds for one in reference.replicas) / 3600
    spent = f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.1f} minutes"
    platforms = ", ".join(sorted({one.platform.partition(" ")[0] for one in reference.replicas}))
    return (
        f"Computed earlier ({reference.created}, kinscope {reference.kinscope_version}): "
        f"{len(reference.replicas)} trajectories of {span}, {_length_words(reference.total_ns)} in all, "
        f"{spent} of {platforms} time on {reference.machine}."
    )


def reference_verdict(reference: ReferenceDynamics) -> str:
    """What it shows, or that it resolves nothing."""
    regions = ", ".join(f"{row.region} ({reference.label(row.state)})" for row in reference.resolved)
    said = (
        f"Resolved differences of fluctuation: {regions}."
        if regions
        else f"No difference between native and {reference.variant} is resolved by this much sampling."
    )
    if reference.shared_noise:
        said += (
            " Native and mutant replicas of one number drew the same noise, so that the sides are not "
            "quite independent; the intervals, which take them for it, are too wide, if anything."
        )
    return said


def reference_words(reference: ReferenceDynamics) -> str:
    """What an earlier computation is, and what it shows."""
    return f"{computed_earlier(reference)} {reference_verdict(reference)}"


def _length_words(length_ns: float) -> str:
    """A length of simulation with the unit that suits it."""
    if length_ns >= 1000:
        return f"{length_ns / 1000:.3g} µs"
    return f"{length_ns:.3g} ns" if length_ns >= 0.1 else f"{1000 * length_ns:.2g} ps"

"""What the 3D view shows: models reduced to what it draws, poses, contacts with their end points."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kinscope.analysis.results import Contact, ContactChange
from kinscope.core.errors import KinscopeError
from kinscope.core.records import Record
from kinscope.core.residues import ranges
from kinscope.interpretation.model import StudyResult
from kinscope.report.coordinates import ReducedModel, read_reduced_model, read_reduced_pose
from kinscope.report.files import ModelFile, ReportFiles
from kinscope.report.plots.contacts import strength
from kinscope.report.style import CHANGE_COLOURS, ORIGIN_COLOURS, marked_segments, region_colours, short_label
from kinscope.report.text import Names

NEIGHBOUR_CUTOFF_ANGSTROM = 5.0
"""Residues drawn with side chains around the variant: any heavy atom this near, the usual contact shell."""
BUDGET_CHARACTERS = 3_600_000
"""Coordinates inlined at most, so that the page stays under 6 MB with the viewer and the figures."""


class SceneContact(Record):
    """A line between two atoms."""

    change: str
    label: str
    named: bool = True
    """Whether the label is drawn: van der Waals contacts are too many to name."""
    start: tuple[float, float, float]
    end: tuple[float, float, float]


class ScenePose(Record):
    """One pose of a drug, as a molfile block."""

    drug: str
    role: str
    molfile: str


class SceneState(Record):
    """One state with everything drawn in it."""

    id: str
    label: str
    native: str = ""
    mutant: str = ""
    alternatives: tuple[str, ...] = ()
    """Further low-energy mutant models, the variant's surroundings only."""
    origins: dict[str, list[tuple[int, int]]] = Field(default_factory=dict)
    """Residue ranges by origin, of the native model (substituted residues: of the mutant)."""
    neighbours: tuple[int, ...] = ()
    contacts: tuple[SceneContact, ...] = ()
    poses: tuple[ScenePose, ...] = ()


class SceneRegion(Record):
    """A region to colour or to zoom to."""

    name: str
    label: str
    kind: str
    colour: str
    ranges: list[tuple[int, int]]


class Scene(Record):
    """All of the 3D view."""

    variant: str
    positions: tuple[int, ...]
    variant_labels: tuple[str, ...]
    states: tuple[SceneState, ...]
    regions: tuple[SceneRegion, ...]
    drugs: tuple[tuple[str, str], ...]
    """Id and name of every drug with a pose."""
    origin_colours: dict[str, str] = ORIGIN_COLOURS
    change_colours: dict[str, str] = CHANGE_COLOURS
    notes: tuple[str, ...] = ()
    """What could not be shown, and why."""


def build_scene(result: StudyResult, files: ReportFiles) -> Scene:
    """Read models and poses and reduce them; what cannot be read is named in ``notes``."""
    names = Names(files)
    notes: list[str] = []
    ids = sorted({file.state for file in files.models if file.alternative == 0}, key=names.state_order)
    states = [_state(identifier, result, files, names, notes) for identifier in ids]
    states = _within_budget([state for state in states if state.native or state.mutant], notes)
    colours = region_colours(files.regions)
    marked = marked_segments(files.regions)
    drawn = [region for region in files.regions if region.kind != "segment" or region in marked]
    shown = {pose.drug for state in states for pose in state.poses}
    return Scene(
        variant=result.variant.short,
        positions=result.variant.positions,
        variant_labels=tuple(s.short for s in result.variant.substitutions),
        states=tuple(states),
        regions=tuple(
            SceneRegion(
                name=region.name,
                label=short_label(region),
                kind=region.kind,
                colour=colours[region.name],
                ranges=ranges(region.members()),
            )
            for region in drawn
        ),
        drugs=tuple((drug, names.drug(drug)) for drug in sorted(shown)),
        notes=tuple(notes),
    )


def _state(
    identifier: str, result: StudyResult, files: ReportFiles, names: Names, notes: list[str]
) -> SceneState:
    here = [file for file in files.models if file.state == identifier]
    native = _first(here, ("native",), notes)
    mutant_names = (result.variant.short, result.variant.slug)
    mutant = _first(here, mutant_names, notes)
    whole = [model for model in (native, mutant) if model is not None]
    positions = result.variant.positions
    near = sorted({r for model in whole for r in model.neighbours(positions, NEIGHBOUR_CUTOFF_ANGSTROM)})
    others = [f for f in here if f.variant in mutant_names and f.alternative > 0]
    alternatives = [m for m in (_read(f, notes) for f in sorted(others, key=_alternative)) if m is not None]
    poses = []
    for file in files.poses:
        if file.state == identifier:
            molfile = _pose(file.path, f"{file.drug}, {file.role} pose", notes)
            if molfile:
                poses.append(ScenePose(drug=file.drug, role=file.role, molfile=molfile))
    keep = set(near) | set(positions)
    return SceneState(
        id=identifier,
        label=names.state(identifier),
        native=native.pdb_text() if native else "",
        mutant=mutant.pdb_text() if mutant else "",
        alternatives=tuple(model.pdb_text(only=keep) for model in alternatives[:4]),
        origins=_origins(result, identifier),
        neighbours=tuple(r for r in near if r not in positions),
        contacts=tuple(
            line
            for change in _strongest(result.measurements.contact_changes)
            if change.state == identifier
            and (line := _contact_line(change, native if change.change == "lost" else mutant)) is not None
        ),
        poses=tuple(poses),
    )


def _alternative(file: ModelFile) -> int:
    return file.alternative


def _first(here: list[ModelFile], variants: tuple[str, ...], notes: list[str]) -> ReducedModel | None:
    for file in here:
        if file.variant in variants and file.alternative == 0:
            return _read(file, notes)
    return None


def _read(file: ModelFile, notes: list[str]) -> ReducedModel | None:
    try:
        return read_reduced_model(file.path)
    except KinscopeError as error:
        notes.append(f"The model of {file.variant} in {file.state} is not shown: {error.what}")
        return None


def _pose(path: Path, name: str, notes: list[str]) -> str:
    try:
        return read_reduced_pose(path)
    except KinscopeError as error:
        notes.append(f"{name} is not shown: {error.what}")
        return ""


def _origins(result: StudyResult, state: str) -> dict[str, list[tuple[int, int]]]:
    """Ranges by origin: the native model's, and the substituted residues of the mutant."""
    found: dict[str, list[int]] = {}
    records = [m for m in result.measurements.models if m.state == state and m.alternative == 0]
    chosen = [m for m in records if m.variant == "native"] or records
    for origin in chosen[0].origins if chosen else ():
        found.setdefault(origin.origin, []).append(origin.residue)
    if records:
        found["substituted"] = list(result.variant.positions)
    return {origin: ranges(residues) for origin, residues in found.items()}


def _strongest(changes: Sequence[ContactChange]) -> list[ContactChange]:
    """One contact per state, change and pair of residues, so that labels do not lie on each other."""
    best: dict[tuple[str, str, int, int], ContactChange] = {}
    for change in sorted(changes, key=lambda c: (strength(c.contact.kind), c.contact.distance_angstrom)):
        pair = (change.state, change.change, change.contact.residue, change.contact.partner)
        best.setdefault(pair, change)
    return list(best.values())


def _contact_line(change: ContactChange, model: ReducedModel | None) -> SceneContact | None:
    contact = change.contact
    if model is None:
        return None
    ends = _ends(contact, model)
    if ends is None:
        return None
    partner = f"{contact.partner_name.capitalize()}{contact.partner}"
    return SceneContact(
        change=change.change,
        label=f"{partner} {contact.kind} {contact.distance_angstrom:.1f} Å",
        named=contact.kind != "van der Waals",
        start=_rounded(ends[0]),
        end=_rounded(ends[1]),
    )


def _ends(contact: Contact, model: ReducedModel) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The named atoms (carriers of named hydrogens), else the closest pair of heavy atoms."""
    words = [part.strip() for part in contact.atoms.replace("–", "-").split(" - ")]
    if len(words) == 2:
        first = model.heavy_atom(contact.residue, words[0])
        second = model.heavy_atom(contact.partner, words[1])
        if first is not None and second is not None:
            return first, second
    return model.closest(contact.residue, contact.partner)


def _rounded(point: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 2) for value in point)
    return x, y, z


def _within_budget(states: Sequence[SceneState], notes: list[str]) -> list[SceneState]:
    """Drop whole states from the end, never the first, once the page would be too heavy."""
    kept: list[SceneState] = []
    used = 0
    for state in states:
        size = len(state.native) + len(state.mutant) + sum(map(len, state.alternatives))
        size += sum(len(pose.molfile) for pose in state.poses)
        if kept and used + size > BUDGET_CHARACTERS:
            notes.append(
                f"{state.label} is left out of the 3D view to keep the page small; open its model files."
            )
            continue
        kept.append(state)
        used += size
    return kept

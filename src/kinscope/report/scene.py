"""What the 3D view shows: models, frames and poses, contacts with their end points, saved views."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from biotite.structure import AtomArray
from numpy.typing import NDArray

from kinscope.core.errors import KinscopeError
from kinscope.core.records import Record
from kinscope.core.residues import ranges
from kinscope.interpretation.model import StudyResult
from kinscope.report.files import ModelFile, ReportFiles
from kinscope.report.plots.reduced import (
    carrier_of,
    closest,
    frame_text,
    neighbours,
    pdb_text,
    read_reduced_model,
    read_reduced_pose,
)
from kinscope.report.style import CHANGE_COLOURS, marked_segments, region_colours, short_label
from kinscope.report.text import Names, strength
from kinscope.results.measured import Contact, ContactChange
from kinscope.targets.pack import Region

T = TypeVar("T")

NEIGHBOUR_CUTOFF_ANGSTROM = 5.0
"""Residues drawn with side chains around the variant: any heavy atom this near, the usual contact shell."""


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


class SceneFrames(Record):
    """Frames of the dynamics of one side: its atoms once, then where they are."""

    which: str
    """``native`` or ``mutant``."""
    pdb: str
    centre: tuple[float, float, float]
    coordinates: str
    """(n_frames, n_atoms, 3) hundredths of an angstrom from the centre: 16-bit, little-endian, base64."""
    labels: tuple[str, ...]
    typical: tuple[int, ...]
    """The frames of the view of three conformations."""


class SceneState(Record):
    """One state with everything drawn in it."""

    id: str
    label: str
    native: str = ""
    mutant: str = ""
    neighbours: tuple[int, ...] = ()
    contacts: tuple[SceneContact, ...] = ()
    poses: tuple[ScenePose, ...] = ()
    frames: tuple[SceneFrames, ...] = ()


class SceneRegion(Record):
    """A region to colour or to zoom to."""

    name: str
    label: str
    kind: str
    colour: str
    ranges: list[tuple[int, int]]


_BINDING = ("site", "pocket")
"""How the names of pockets end that something binds."""


class SceneView(Record):
    """A saved view."""

    label: str
    state: str
    show: str
    """``native``, ``mutant`` or ``overlay``."""
    look: str
    """``variant``, ``all`` or the name of a pocket."""
    moving: bool = False
    """Whether three conformations of the dynamics are shown: of the state chosen, else of ``state``."""


class Scene(Record):
    """All of the 3D view."""

    variant: str
    positions: tuple[int, ...]
    variant_labels: tuple[str, ...]
    states: tuple[SceneState, ...]
    regions: tuple[SceneRegion, ...]
    drugs: tuple[tuple[str, str], ...]
    """Id and name of every drug with a pose."""
    views: tuple[SceneView, ...] = ()
    change_colours: dict[str, str] = CHANGE_COLOURS
    notes: tuple[str, ...] = ()
    """What could not be shown, and why."""


def build_scene(result: StudyResult, files: ReportFiles) -> Scene:
    """Read models and poses and reduce them; what cannot be read is named in ``notes``."""
    names = Names(files)
    notes: list[str] = []
    ids = sorted({file.state for file in files.models if file.alternative == 0}, key=names.state_order)
    states = [_state(identifier, result, files, names, notes) for identifier in ids]
    states = [state for state in states if state.native or state.mutant]
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
        views=tuple(_views(states, result.variant.short, drawn)),
        notes=tuple(notes),
    )


def _views(states: Sequence[SceneState], variant: str, regions: Sequence[Region]) -> Iterator[SceneView]:
    """The panels of a figure: the neighbourhood native and mutant, state by state; pockets; the whole."""
    for state in states:
        for show, who, held in (("native", "native", state.native), ("mutant", variant, state.mutant)):
            if held:
                yield SceneView(label=f"{state.label}, {who}", state=state.id, show=show, look="variant")
    for region in (one for one in regions if one.kind == "pocket" and one.name.endswith(_BINDING)):
        label = short_label(region)
        yield SceneView(label=label, state=states[-1].id if states else "", show="overlay", look=region.name)
    for show, who in (("native", "native"), ("mutant", variant)):
        ids = [state.id for state in states if any(one.which == show for one in state.frames)]
        if ids:
            label = f"three conformations, {who}"
            yield SceneView(label=label, state=ids[0], show=show, look="variant", moving=True)
    if states:
        yield SceneView(label="whole model", state=states[-1].id, show="mutant", look="all")


def _state(
    identifier: str, result: StudyResult, files: ReportFiles, names: Names, notes: list[str]
) -> SceneState:
    here = [file for file in files.models if file.state == identifier]
    native = _first(here, ("native",), notes)
    mutant_names = (result.variant.short, result.variant.slug)
    mutant = _first(here, mutant_names, notes)
    whole = [model for model in (native, mutant) if model is not None]
    positions = result.variant.positions
    near = sorted({r for model in whole for r in neighbours(model, positions, NEIGHBOUR_CUTOFF_ANGSTROM)})
    poses = []
    for file in files.poses:
        if file.state == identifier:
            molfile = _shown(read_reduced_pose, file.path, f"{file.drug}, {file.role} pose", notes)
            if molfile:
                poses.append(ScenePose(drug=file.drug, role=file.role, molfile=molfile))
    return SceneState(
        id=identifier,
        label=names.state(identifier),
        native=pdb_text(native) if native is not None else "",
        mutant=pdb_text(mutant) if mutant is not None else "",
        neighbours=tuple(r for r in near if r not in positions),
        contacts=tuple(
            line
            for change in _strongest(result.measurements.contact_changes)
            if change.state == identifier
            and (line := _contact_line(change, native if change.change == "lost" else mutant)) is not None
        ),
        poses=tuple(poses),
        frames=tuple(_frames(identifier, positions, files)),
    )


def _frames(identifier: str, positions: tuple[int, ...], files: ReportFiles) -> Iterator[SceneFrames]:
    """Frames of both sides, where the report may speak of their dynamics."""
    for moving in (one for one in files.moving if one.state == identifier):
        from kinscope.trajectories.snapshots import snapshots

        found = snapshots(moving.replicas, moving.model, positions)
        if found is None:
            continue
        drawn = found.drawn
        frames = found.coordinates[:, drawn]
        centre = _rounded(frames[0].mean(axis=0))
        steps = np.clip(np.rint((frames - centre) * 100.0), -32767, 32767).astype("<i2")
        yield SceneFrames(
            which="native" if moving.variant == "native" else "mutant",
            pdb=frame_text(found, 0, drawn),
            centre=centre,
            coordinates=base64.b64encode(steps.tobytes()).decode(),
            labels=found.labels,
            typical=found.typical,
        )


def _first(here: list[ModelFile], variants: tuple[str, ...], notes: list[str]) -> AtomArray | None:
    for file in here:
        if file.variant in variants and file.alternative == 0:
            return _shown(
                read_reduced_model, file.path, f"The model of {file.variant} in {file.state}", notes
            )
    return None


def _shown(read: Callable[[Path], T], path: Path, name: str, notes: list[str]) -> T | None:
    """What a file holds; where it cannot be read that is noted."""
    try:
        return read(path)
    except KinscopeError as error:
        notes.append(f"{name} is not shown: {error.what}")
        return None


def _strongest(changes: Sequence[ContactChange]) -> list[ContactChange]:
    """One contact per state, change and pair of residues, so that labels do not lie on each other."""
    best: dict[tuple[str, str, int, int], ContactChange] = {}
    for change in sorted(changes, key=lambda c: (strength(c.contact.kind), c.contact.distance_angstrom)):
        pair = (change.state, change.change, change.contact.residue, change.contact.partner)
        best.setdefault(pair, change)
    return list(best.values())


def _contact_line(change: ContactChange, model: AtomArray | None) -> SceneContact | None:
    contact = change.contact
    ends = None if model is None else _ends(contact, model)
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


def _ends(contact: Contact, model: AtomArray) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The named atoms (carriers of named hydrogens), else the closest pair of heavy atoms."""
    words = [part.strip() for part in contact.atoms.replace("–", "-").split(" - ")]
    if len(words) == 2:
        first = carrier_of(model, contact.residue, words[0])
        second = carrier_of(model, contact.partner, words[1])
        if first is not None and second is not None:
            return first, second
    return closest(model, contact.residue, contact.partner)


def _rounded(point: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 2) for value in point)
    return x, y, z

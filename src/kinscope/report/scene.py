"""What the 3D view shows: models reduced to what it draws, poses, contacts with their end points.

Coordinates reduced for the 3D view: no hydrogens, three decimals, one chain, short lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import KinscopeError, LigandError
from kinscope.core.records import Record
from kinscope.core.residues import ranges
from kinscope.interpretation.model import StudyResult
from kinscope.report.files import ModelFile, ReportFiles
from kinscope.report.style import CHANGE_COLOURS, marked_segments, region_colours, short_label
from kinscope.report.text import Names, strength
from kinscope.results.measured import Contact, ContactChange
from kinscope.structures.io import read_model
from kinscope.targets.pack import Region


@dataclass(frozen=True)
class ReducedModel:
    """The atoms of a model that the view draws.

    Attributes
    ----------
    residues
        Shape (n_atoms,), isoform-1a numbers.
    residue_names, atom_names, elements
        Shape (n_atoms,).
    coordinates
        Shape (n_atoms, 3), angstrom.
    """

    residues: NDArray[np.int64]
    residue_names: NDArray[np.str_]
    atom_names: NDArray[np.str_]
    elements: NDArray[np.str_]
    coordinates: NDArray[np.float64]

    def atom(self, residue: int, name: str) -> NDArray[np.float64] | None:
        """Position (3,) of a named atom, angstrom; None if there is none."""
        found = np.flatnonzero((self.residues == residue) & (self.atom_names == name))
        return self.coordinates[found[0]] if len(found) else None

    def heavy_atom(self, residue: int, name: str) -> NDArray[np.float64] | None:
        """Position (3,) of a named atom or, of a hydrogen, of what carries it; angstrom.

        Hydrogens bear their carrier's name without its element, and a digit: HG23 on CG2, HZ3 on NZ.
        """
        if not name.startswith("H"):
            return self.atom(residue, name)
        stem = name[1:]
        for length in range(len(stem), -1, -1):
            for element in ("N", "O", "S", "C"):
                if (found := self.atom(residue, element + stem[:length])) is not None:
                    return found
            if stem[:length].isalpha():
                break
        return None

    def closest(self, first: int, second: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """The closest pair of heavy atoms of two residues, positions (3,) each, angstrom."""
        one, two = (self.coordinates[self.residues == residue] for residue in (first, second))
        if not len(one) or not len(two):
            return None
        distances = np.linalg.norm(one[:, None] - two[None], axis=2)
        i, j = np.unravel_index(int(distances.argmin()), distances.shape)
        return one[i], two[j]

    def neighbours(self, positions: Collection[int], cutoff_angstrom: float) -> list[int]:
        """Residues with a heavy atom within the cutoff of any heavy atom of the given residues."""
        centre = self.coordinates[np.isin(self.residues, list(positions))]
        near = np.zeros(len(self.residues), dtype=bool)
        for point in centre:
            near |= np.linalg.norm(self.coordinates - point, axis=1) <= cutoff_angstrom
        return sorted({int(r) for r in self.residues[near]} - set(positions))

    def pdb_text(self) -> str:
        """PDB lines up to the coordinates, all in chain A."""
        lines = []
        for serial, (residue, name3, name, element, (x, y, z)) in enumerate(
            zip(
                self.residues,
                self.residue_names,
                self.atom_names,
                self.elements,
                self.coordinates,
                strict=True,
            ),
            start=1,
        ):
            field = str(name)[:4] if len(str(name)) > 3 or len(str(element)) > 1 else f" {name}"
            lines.append(
                f"ATOM  {serial % 100000:5d} {field:<4s} {str(name3)[:3]:>3s} A{int(residue):4d}    "
                f"{x:8.3f}{y:8.3f}{z:8.3f}"
            )
        return "\n".join([*lines, "END"]) if lines else ""


def read_reduced_model(path: Path) -> ReducedModel:
    """Read a model of kinscope and keep its heavy atoms.

    Raises StructureError if the file cannot be read.
    """
    atoms = read_model(path)
    elements = np.char.upper(np.asarray(atoms.element, dtype=np.str_))
    coordinates = np.asarray(atoms.coord, dtype=np.float64)
    residues = np.asarray(atoms.res_id, dtype=np.int64)
    keep = (elements != "H") & np.isfinite(coordinates).all(axis=1)
    return ReducedModel(
        residues=residues[keep],
        residue_names=np.asarray(atoms.res_name, dtype=np.str_)[keep],
        atom_names=np.asarray(atoms.atom_name, dtype=np.str_)[keep],
        elements=elements[keep],
        coordinates=coordinates[keep],
    )


def read_reduced_pose(path: Path) -> str:
    """The first molecule of an SDF file as a molfile block without hydrogens.

    Raises LigandError if the file is missing or holds no molecule with coordinates.
    """
    from rdkit import Chem, rdBase

    remedy = "Run the docking step again."
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise LigandError("The pose file cannot be read.", where=f"{path}: {error}", remedy=remedy) from error
    block = text.split("$$$$", 1)[0]
    with rdBase.BlockLogs():
        molecule = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
    if molecule is None or molecule.GetNumAtoms() == 0 or molecule.GetNumConformers() == 0:
        raise LigandError("The pose file holds no molecule.", where=str(path), remedy=remedy)
    bare = Chem.RemoveHs(molecule, sanitize=False)
    bare.SetProp("_Name", "")
    return str(Chem.MolToMolBlock(bare, kekulize=False, includeStereo=False))


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


class SceneState(Record):
    """One state with everything drawn in it."""

    id: str
    label: str
    native: str = ""
    mutant: str = ""
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
    near = sorted({r for model in whole for r in model.neighbours(positions, NEIGHBOUR_CUTOFF_ANGSTROM)})
    poses = []
    for file in files.poses:
        if file.state == identifier:
            molfile = _pose(file.path, f"{file.drug}, {file.role} pose", notes)
            if molfile:
                poses.append(ScenePose(drug=file.drug, role=file.role, molfile=molfile))
    return SceneState(
        id=identifier,
        label=names.state(identifier),
        native=native.pdb_text() if native else "",
        mutant=mutant.pdb_text() if mutant else "",
        neighbours=tuple(r for r in near if r not in positions),
        contacts=tuple(
            line
            for change in _strongest(result.measurements.contact_changes)
            if change.state == identifier
            and (line := _contact_line(change, native if change.change == "lost" else mutant)) is not None
        ),
        poses=tuple(poses),
    )


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

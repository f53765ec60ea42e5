"""The whole set of analyses of a trajectory in one pass, and of the trajectories of one state together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kinscope.analysis.pockets import PocketPlace, pocket_volume
from kinscope.analysis.superposition import kabsch
from kinscope.core.errors import BadInputError, KinscopeError, StructureError
from kinscope.core.progress import Progress, silent
from kinscope.core.records import Settings
from kinscope.results.notes import Note, note
from kinscope.targets.pack import KinaseLandmarks
from kinscope.trajectories.frames import SAMPLE, Accumulator, Chunk, Fit, find_core, stream
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.measures.interactions import Interactions
from kinscope.trajectories.measures.kinase_states import KinaseStates
from kinscope.trajectories.measures.ligands import CONTACT_ANGSTROM, LigandPose
from kinscope.trajectories.measures.motion import Deviation, Fluctuation, Gyration, Series, Thinned, Times
from kinscope.trajectories.measures.principal import Covariance, PrincipalMotions
from kinscope.trajectories.measures.secondary_structure import SecondaryStructure
from kinscope.trajectories.sources import Source

MEASURED = 100
"""Frames in which a volume is measured, at most: a volume takes milliseconds, a frame of the rest less."""
_MOST_LIGANDS = 8
"""Followed in one trajectory; a membrane's lipids are not ligands."""


class PassSettings(Settings):
    """How much a pass keeps. None of it grows with the trajectories."""

    sample_frames: int = Field(default=SAMPLE, ge=10, le=5000)
    """From which core and mean structure are found, over all trajectories together."""
    thinned_frames: int = Field(default=1000, ge=100, le=10_000)
    """CA atoms of so many evenly spaced frames are kept for sampling and projections."""
    pocket_frames: int = Field(default=MEASURED, ge=0, le=10_000)
    """In which pocket volumes are measured; 0 leaves them out."""
    principal_axes: int = Field(default=5, ge=1, le=50)


@dataclass(frozen=True)
class Subject:
    """What is looked at beside what every protein has."""

    landmarks: KinaseLandmarks | None = None
    positions: tuple[int, ...] = ()
    pockets: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Lining residues by the pocket's name."""


@dataclass
class TrajectoryPass:
    """The accumulators of one trajectory, after its pass."""

    source: Source
    fit: Fit
    residues: NDArray[np.intp]
    """Of the CA atoms of the fit."""
    times: Times
    deviation: Deviation
    fluctuation: Fluctuation
    structure: SecondaryStructure
    thinned: Thinned
    covariance: Covariance
    series: list[tuple[str, Series]]
    """All that is measured along it, and which ligand or pocket it is of."""
    states: KinaseStates | None = None
    ligands: dict[str, LigandPose] = field(default_factory=dict)
    contacts: dict[str, Interactions] = field(default_factory=dict)
    """Of each ligand; of the variant's residues under an empty name."""
    notes: list[Note] = field(default_factory=list)
    frames: int = 0

    def accumulators(self) -> list[Accumulator]:
        """All of them."""
        fixed: list[Accumulator] = [self.times, self.fluctuation, self.thinned, self.covariance]
        return [*fixed, *(part for _, part in self.series), *self.contacts.values()]


@dataclass(frozen=True)
class GroupPass:
    """Trajectories of one state, laid on one core of the residues that all share, each after its pass."""

    passes: tuple[TrajectoryPass, ...]
    failed: tuple[tuple[Source, KinscopeError], ...]
    """Trajectories that could not be read to their end, and why; nothing of them is in the rest."""
    motions: PrincipalMotions | None


def analyse_group(
    sources: Sequence[Source],
    subject: Subject,
    settings: PassSettings | None = None,
    progress: Progress = silent,
) -> GroupPass:
    """Read every trajectory once (and a sample of each before, for the core) and measure everything.

    ``sources``: one or more trajectories that are compared: the same protein, or variants of it.

    Raises StructureError if no trajectory can be read to its end; where only some cannot, the result names
    them; BadInputError if the trajectories share fewer than three residues, or hold fewer than two frames
    together.
    """
    settings = settings or PassSettings()
    residues = shared_residues(sources)
    readable, samples, failed = _samples(sources, residues, settings)
    if not readable:
        raise failed[0][1]
    places = [_alphas(source, residues) for source in readable]
    total = sum(source.frames for source in readable)
    found = find_core(samples, places[0], frames=total)
    pockets, notes = _pocket_places(readable[0], subject)
    passes: list[TrajectoryPass] = []
    done = 0
    for source, alphas in zip(readable, places, strict=True):
        progress(done / max(1, total), source.name)
        fit = Fit(alphas, found.core, found.reference, found.words)
        one = _prepare(source, fit, residues, subject, pockets, settings)
        one.notes.extend(notes)
        try:
            one.frames = stream(source.chunks(fit), one.accumulators())
        except (StructureError, BadInputError) as error:
            failed.append((source, error))
            continue
        passes.append(one)
        done += one.frames
    if not passes:
        raise failed[0][1]
    together = Covariance(settings.principal_axes)
    for one in passes:
        together.merge(one.covariance)
    return GroupPass(tuple(passes), tuple(failed), together.result())


def _samples(
    sources: Sequence[Source], residues: NDArray[np.intp], settings: PassSettings
) -> tuple[list[Source], list[NDArray[np.float64]], list[tuple[Source, KinscopeError]]]:
    share = max(2, settings.sample_frames // max(1, len(sources)))
    readable, samples = [], []
    failed: list[tuple[Source, KinscopeError]] = []
    for source in sources:
        try:
            columns = np.searchsorted(source.layout.backbone.residues, residues)
            samples.append(source.sample(share)[:, columns])
            readable.append(source)
        except (StructureError, BadInputError) as error:
            failed.append((source, error))
    return readable, samples, failed


def shared_residues(sources: Sequence[Source]) -> NDArray[np.intp]:
    """Residue numbers whose CA atom every source has, sorted.

    Raises BadInputError if there are fewer than three.
    """
    shared = reduce(np.intersect1d, (source.layout.backbone.residues for source in sources))
    if len(shared) < 3:
        raise BadInputError(
            f"The trajectories share {len(shared)} residues.",
            where=", ".join(source.name for source in sources),
            remedy="Compare trajectories of one protein, numbered alike.",
        )
    return np.unique(shared).astype(np.intp)


def _alphas(source: Source, residues: NDArray[np.intp]) -> NDArray[np.intp]:
    backbone = source.layout.backbone
    return np.asarray(backbone.ca[np.searchsorted(backbone.residues, residues)], dtype=np.intp)


def _pocket_places(source: Source, subject: Subject) -> tuple[dict[str, PocketPlace], list[Note]]:
    """Where each pocket is measured: in the first source's starting structure, for all of them."""
    places, notes, layout = {}, [], source.layout
    held = np.flatnonzero(layout.protein & layout.heavy)
    heavy = layout.res_id[held], layout.coord[held]
    alphas = layout.backbone.residues, layout.coord[layout.backbone.ca]
    for name, residues in subject.pockets.items() if source.numbered else ():
        try:
            places[name] = PocketPlace(name, residues, heavy, alphas)
        except BadInputError as error:
            notes.append(note("pocket-not-measured", pocket=name, why=error.what))
    return places, notes


def _prepare(
    source: Source,
    fit: Fit,
    residues: NDArray[np.intp],
    subject: Subject,
    pockets: Mapping[str, PocketPlace],
    settings: PassSettings,
) -> TrajectoryPass:
    layout = source.layout
    protein = np.flatnonzero(layout.protein)
    deviation, gyration = Deviation(layout.coord[fit.alphas]), Gyration(protein, layout.masses[protein])
    structure = SecondaryStructure(layout.backbone)
    one = TrajectoryPass(
        source,
        fit,
        residues,
        Times(),
        deviation,
        Fluctuation(),
        structure,
        Thinned(settings.thinned_frames),
        Covariance(settings.principal_axes),
        [("", deviation), ("", gyration), ("", structure)],
        notes=list(source.notes),
    )
    if subject.landmarks is None or not source.numbered:
        one.notes.append(note("no-landmarks"))
    else:
        one.states = KinaseStates(layout, subject.landmarks)
        one.series.append(("", one.states))
    _add_contacts(one, subject)
    _add_ligands(one)
    _add_pockets(one, pockets, settings)
    return one


def _add_contacts(one: TrajectoryPass, subject: Subject) -> None:
    layout = one.source.layout
    held = np.isin(layout.res_id, subject.positions) & layout.protein
    missing = [number for number in subject.positions if number not in layout.backbone.residues]
    if missing:
        one.notes.append(note("no-such-residue", residues=tuple(missing)))
    if held.any():
        one.contacts[""] = Interactions(
            layout, np.flatnonzero(held), np.flatnonzero(~held), one.source.frames
        )
        if not layout.bonds.has_hydrogens:
            one.notes.append(note("no-hydrogens"))


def _add_ligands(one: TrajectoryPass) -> None:
    layout = one.source.layout
    heavy = np.flatnonzero(layout.protein & layout.heavy)
    core = one.fit.core
    rotation, translation = kabsch(layout.coord[one.fit.alphas[core]], one.fit.reference[core])
    laid = layout.coord @ rotation + translation
    near = [pair for pair in layout.ligands if _touches(layout, pair[1], heavy)][:_MOST_LIGANDS]
    if left := len(layout.ligands) - len(near):
        present = len(layout.ligands)
        one.notes.append(note("ligands-not-followed", left=left, present=present, most=_MOST_LIGANDS))
    for number, (name, places) in enumerate(near):
        label = name if name not in one.ligands else f"{name} {number + 1}"
        own = places[layout.heavy[places]]
        one.ligands[label] = LigandPose(own, heavy, layout.res_id[heavy], laid)
        one.contacts[label] = Interactions(layout, places, np.flatnonzero(layout.protein), one.source.frames)
        one.series.append((label, one.ligands[label]))


def _touches(layout: Layout, places: NDArray[np.intp], protein: NDArray[np.intp]) -> bool:
    """Whether a molecule is in contact with the protein in the topology's structure."""
    from scipy.spatial import cKDTree

    own = places[layout.heavy[places]]
    gap, _ = cKDTree(layout.coord[protein]).query(layout.coord[own])
    return float(gap.min()) <= CONTACT_ANGSTROM


def _add_pockets(one: TrajectoryPass, pockets: Mapping[str, PocketPlace], settings: PassSettings) -> None:
    for name, place in pockets.items() if settings.pocket_frames else ():
        stride = max(1, -(-one.source.frames // settings.pocket_frames))
        try:
            one.series.append((name, PocketVolume(one.source.layout, place, stride)))
        except BadInputError as error:
            one.notes.append(note("pocket-not-measured", pocket=name, why=error.what))


class PocketVolume(Series):
    """Volume of a pocket in every so many frames, cubic angstrom: what a probe covers."""

    names = ("volume_cubic_angstrom",)

    def __init__(self, layout: Layout, where: PocketPlace, stride: int = 1) -> None:
        super().__init__()
        self._region = where.region
        self._fitted, self._target = where.laid_by(layout.backbone.residues, layout.backbone.ca)
        self._atoms = np.flatnonzero(layout.protein & layout.heavy)
        self._elements = layout.element[self._atoms].tolist()
        self._stride = max(1, stride)

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        rows = np.arange(-chunk.first % self._stride, len(chunk), self._stride)
        if not len(rows):
            return
        frames = chunk.coordinates[rows].astype(np.float64)
        rotation, translation = kabsch(frames[:, self._fitted], self._target)
        placed = frames[:, self._atoms] @ rotation + translation[:, None, :]
        self.add(np.array([pocket_volume(frame, self._elements, self._region) for frame in placed]))

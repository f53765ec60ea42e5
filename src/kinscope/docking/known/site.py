"""Where a ligand of which nothing is known is searched for: the box and the forms of a site.

Both come from the known drugs of the site, laid into the model by the residues around them. The box holds
every drug that meets no backbone there, since others belong to another conformation. A side chain on which
such a drug stands lies elsewhere in that drug's crystal, so it can turn: the model with it turned is another
form of the same site. Which form a ligand takes is decided by the order that the search ranks poses by.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kinscope.core.errors import KinscopeError
from kinscope.docking.engine import Box, Coordinates, Mol
from kinscope.docking.known.crystal import superpose_site
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.records import DockingRun, DockingSettings
from kinscope.docking.relaxed.starts import CROWDED_ANGSTROM, made_room, starts
from kinscope.docking.run import DockingTask, dock
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.build import reference_model
from kinscope.targets.pack import DrugDefinition, TargetPack

_PADDING_ANGSTROM = 4.0
_BACKBONE = ("N", "CA", "C", "O", "CB")


SiteForm = tuple[AtomArray, tuple[int, ...]]
"""A receptor, and the residues whose side chains were turned out of the way in it."""


@dataclass(frozen=True)
class Site:
    """Where a search goes: one box, the model as it is, and its other forms."""

    box: Box
    forms: tuple[SiteForm, ...]


def find_site(pack: TargetPack, site: str, receptor: AtomArray, edge_angstrom: float) -> Site | None:
    """The box and the forms of a site in a model (n_atoms), by the drugs of it that the pack knows.

    ``edge_angstrom``: no edge of the box is shorter. None if the model does not hold the site, or no drug of
    it has a known pose.
    """
    laid = list(_laid(pack, site, receptor))
    frame = receptor.coord[np.isin(receptor.atom_name, _BACKBONE)]
    fitting = [points for points in laid if _gap(frame, points) >= CROWDED_ANGSTROM]
    if not laid:
        return None
    forms: dict[tuple[int, ...], SiteForm] = {(): (receptor, ())}
    for points in fitting:
        form = made_room(receptor, points)
        forms.setdefault(form[1], form)
    box = Box.around(np.concatenate(fitting or laid), _PADDING_ANGSTROM, edge_angstrom)
    return Site(box, tuple(forms.values()))


def search_site(
    site: Site, ligand: tuple[DrugDefinition, Mol, Mol | None], state: str, settings: DockingSettings,
    seed: int, progress: Callable[[float], None] | None = None,
) -> tuple[DockingRun, list[Mol]]:  # fmt: skip
    """Search every form of a site for a ligand, blind: run and poses in the form whose first pose ranks best.

    ``ligand``: its definition, the molecule (all hydrogens, a conformer), and a pose that RMSDs are to if one
    is known; the search never sees it.

    Raises LigandError, ComputationError as :func:`~kinscope.docking.run.dock`.
    """
    definition, molecule, reference = ligand
    found = []
    for number, (atoms, residues) in enumerate(site.forms, start=1):
        run, poses = dock(
            DockingTask(
                atoms, definition, molecule, reference, state, "native", settings.blind(), seed,
                site=site.box,
            )
        )  # fmt: skip
        found.append((run.model_copy(update={"turned_residues": residues}), poses))
        if progress is not None:
            progress(number / len(site.forms))
    return min(found, key=lambda one: one[0].best.rank_by)


def turned(receptor: AtomArray, pose: Mol, residues: Sequence[int]) -> AtomArray:
    """A receptor (n_atoms), named side chains in the rotamer that overlaps a pose and all else least."""
    heavy = [atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)[heavy]
    for number in residues:
        name = str(receptor.res_name[receptor.res_id == number][0])
        receptor = starts(receptor, points, {number: name}, 1)[0].atoms
    return receptor


def _laid(pack: TargetPack, site: str, receptor: AtomArray) -> Iterator[Coordinates]:
    """Heavy atoms (n, 3) of each drug of a site in a model, by the residues around it."""
    for drug in pack.drugs:
        if drug.site == site:
            with contextlib.suppress(KinscopeError):
                pose, _ = reference_pose(pack, drug)
                home = reference_model(pack, drug.state)[0]
                points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
                transform, _, _ = superpose_site(home, receptor, points, drug.id)
                heavy = [atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
                yield transform.apply(points[heavy])


def _gap(atoms: Coordinates, points: Coordinates) -> float:
    """Shortest distance between two sets of points, angstrom."""
    return float(np.linalg.norm(atoms[:, None] - points[None], axis=2).min())

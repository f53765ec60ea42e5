"""Whether a drug's known binding mode fits a conformation that it was not seen in.

A drug is docked into the state whose crystal shows it. What it would meet in the other states is measured
here rather than assumed: its known pose is laid into the other state's model by the site's CA atoms, what it
runs into is counted, and a local minimisation says whether a mode of the kind exists there at all.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from kinscope.core.errors import StructureError
from kinscope.docking.engine import Box, Coordinates, Mol
from kinscope.docking.known.crystal import superpose_site
from kinscope.docking.poses.rmsd import SymmetricRmsd
from kinscope.docking.poses.validity import close_pairs
from kinscope.docking.run import with_coordinates
from kinscope.docking.vina.engine import VinaEngine
from kinscope.results.docking import HelixBend
from kinscope.results.measured import StateFit
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition, TargetPack

KEPT_ANGSTROM = 2.0
LOST_KCAL_PER_MOL = 3.0
"""A mode that scores so much worse than in the drug's own state is not the mode: three times what is called a
difference at all (docs/why/docking.md)."""
_PADDING_ANGSTROM = 5.0


def fit_in_state(
    drug: DrugDefinition, pose: Mol, home: AtomArray, other: AtomArray, other_state: str
) -> tuple[StateFit, Mol] | None:
    """How a drug's known pose fares in another state, and the pose there.

    ``pose``: its known pose in ``home``. ``home``, ``other``: native models (n_atoms) of the drug's own state
    and of the other.

    Returns the measurement and the pose after a local minimisation there, or None if the other model does not
    hold the site.
    """
    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    try:
        transform, _, site_rmsd = superpose_site(home, other, points, drug.id)
    except StructureError:
        return None
    laid = np.asarray(transform.apply(points), dtype=np.float64)
    carried = with_coordinates(pose, laid)
    clashes = close_pairs(other, carried, laid)
    engine = VinaEngine()
    own = engine.bind(home, pose, Box.around(points, _PADDING_ANGSTROM)).minimise(points[None])[0]
    system = engine.bind(other, carried, Box.around(laid, _PADDING_ANGSTROM))
    settled = system.minimise(laid[None])[0]
    moved = SymmetricRmsd(pose)(settled.coordinates, laid)
    lost = settled.score_kcal_per_mol - own.score_kcal_per_mol
    fits = moved <= KEPT_ANGSTROM and lost <= LOST_KCAL_PER_MOL
    measured = StateFit(
        drug=drug.id,
        own_state=drug.state,
        state=other_state,
        site_rmsd_angstrom=round(site_rmsd, 2),
        clashes=len(clashes),
        clashing_residues=tuple(name for name, _ in Counter(pair.residue for pair in clashes).most_common()),
        score_kcal_per_mol=round(settled.score_kcal_per_mol, 2),
        own_score_kcal_per_mol=round(own.score_kcal_per_mol, 2),
        moved_angstrom=round(moved, 2),
        fits=fits,
    )
    return measured, with_coordinates(pose, settled.coordinates)


REGION = "helix_i"
BROKEN_ANGSTROM = 6.5
_SHORTEST_PIECE = 5
"""Residues that an axis needs."""


def helix_bend(pack: TargetPack, model: AtomArray) -> HelixBend | None:
    """Whether helix I of a model (n_atoms) is straight, or bent over the myristate pocket.

    Without a ligand in the pocket it runs on straight in crystals, where it would meet the SH2 domain of the
    closed form; with myristate or asciminib it ends early and goes on at a right angle, as autoinhibition and
    STAMP inhibitors need it (Nagar et al., Cell 2003, 112, 859; Wylie et al., Nature 2017, 543, 733). A turn
    of an alpha helix brings CA i and i+3 to 5.0 to 5.5 angstrom; where they are further apart it is broken.
    None if the pack names no such region, or the model holds none of it.
    """
    region = next((item for item in pack.regions if item.name == REGION), None)
    if region is None:
        return None
    places = {
        int(number): np.asarray(point, dtype=np.float64)
        for number, name, point in zip(model.res_id, model.atom_name, model.coord, strict=True)
        if name == "CA" and int(number) in region
    }
    numbers = sorted(places)
    if not numbers:
        return None
    points = np.array([places[number] for number in numbers])
    if len(numbers) < 2 * _SHORTEST_PIECE:
        return HelixBend(first_residue=numbers[0], last_residue=numbers[-1], form="too short")
    gaps = np.linalg.norm(points[3:] - points[:-3], axis=1)
    broken = [number for number, gap in zip(numbers[:-3], gaps, strict=True) if gap > BROKEN_ANGSTROM]
    if broken:
        first = points[: numbers.index(broken[0]) + 1]
        second = points[numbers.index(broken[-1]) + 1 :]
    else:
        first, second = points[: len(points) // 2], points[len(points) // 2 :]
    long_enough = min(len(first), len(second)) >= _SHORTEST_PIECE
    return HelixBend(
        first_residue=numbers[0],
        last_residue=numbers[-1],
        form="bent" if broken else "straight",
        broken_at=tuple(broken),
        angle_degrees=round(_angle(first, second), 1) if long_enough else None,
    )


def _angle(first: Coordinates, second: Coordinates) -> float:
    return float(np.degrees(np.arccos(np.clip(_axis(first) @ _axis(second), -1.0, 1.0))))


def _axis(points: Coordinates) -> Coordinates:
    """Unit vector (3,) along a helix of CA atoms (n, 3): the mean of local axes.

    The second differences of neighbours point at the axis, so their cross product lies along it (Kahn, Comput
    Chem 1989, 13, 185).
    """
    inward = points[:-2] - 2.0 * points[1:-1] + points[2:]
    local = np.cross(inward[:-1], inward[1:])
    local /= np.linalg.norm(local, axis=1, keepdims=True)
    mean = local.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float64)

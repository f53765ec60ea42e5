"""What helix I does: straight, or bent over the myristate pocket.

In crystals without a ligand in the pocket the helix runs on straight, where it would meet the SH2 domain of
the closed form; with myristate or asciminib it ends early and goes on at a right angle, as autoinhibition and
STAMP inhibitors need it (Nagar et al., Cell 2003, 112, 859; Wylie et al., Nature 2017, 543, 733). Measured on
CA atoms alone: a turn of an alpha helix brings CA i and i+3 to 5.0 to 5.5 angstrom; where they are further
apart the helix is broken.
"""

from __future__ import annotations

import numpy as np

from kinscope.core.records import Record
from kinscope.docking.engine import Coordinates
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import TargetPack

REGION = "helix_i"
BROKEN_ANGSTROM = 6.5
_SHORTEST_PIECE = 5
"""Residues that an axis needs."""


class HelixBend(Record):
    """A helix of a model."""

    first_residue: int
    last_residue: int
    """Modelled part."""
    form: str
    """``bent``, ``straight`` or ``too short``."""
    broken_at: tuple[int, ...] = ()
    """Residues whose CA stands further than 6.5 angstrom from the CA three on."""
    angle_degrees: float | None = None
    """Between the axes before and after the break; of a straight helix, of its two halves."""

    @property
    def in_words(self) -> str:
        """E.g. ``bent by 84 degrees at 494-500``."""
        if self.form == "too short":
            return f"modelled only to {self.last_residue}"
        angle = "" if self.angle_degrees is None else f" by {self.angle_degrees:.0f} degrees"
        if self.form == "straight":
            return f"straight to {self.last_residue}"
        return f"bent{angle} at {self.broken_at[0]}-{self.broken_at[-1]}"


def helix_bend(pack: TargetPack, model: AtomArray) -> HelixBend | None:
    """Helix I of a model (n_atoms); None if the pack names no such region, or the model holds none of it."""
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

"""Side chains that stand far from every rotamer of the penultimate library.

The library (Lovell et al., Proteins 2000, 40, 389) lists centres, not densities, so this is no contour of
MolProbity's. A side chain is called an outlier where no rotamer has all of its chi angles within 45 degrees;
the last chi of a planar group (Asn, Asp, Gln, Glu, His, Phe, Trp, Tyr), which turns widely in its well, may
be twice as far. Proline's ring and side chains with missing atoms are left out. How often good crystals do
that, and the bound made of it: ``docs/models.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinscope.structures.model import AtomArray
from kinscope.structures.rotamers import CHI_ATOMS, chi_angles, chi_difference_degrees, rotamers_of

TOLERANCE_DEGREES = 45.0
PLANAR_FACTOR = 2.0
_PLANAR = frozenset({"ASN", "ASP", "GLN", "GLU", "HIS", "PHE", "TRP", "TYR"})


@dataclass(frozen=True)
class RotamerOutliers:
    """What was judged and what stood out."""

    judged: int
    """Side chains with every chi atom."""
    outliers: tuple[tuple[int, str, float], ...]
    """Residue number, name and distance (degrees) from the nearest rotamer, farthest first."""

    @property
    def share(self) -> float:
        """Outliers among those judged; 0 of none."""
        return len(self.outliers) / self.judged if self.judged else 0.0


def rotamer_outliers(atoms: AtomArray) -> RotamerOutliers:
    """Judge every complete side chain of a structure.

    Parameters
    ----------
    atoms
        A biotite AtomArray (n_atoms), one conformation; hydrogens are ignored.
    """
    judged, found = 0, []
    starts = np.flatnonzero(np.diff(atoms.res_id, prepend=atoms.res_id[:1] - 1))
    for first, last in zip(starts, [*starts[1:], len(atoms)], strict=True):
        name = str(atoms.res_name[first])
        if name == "PRO" or name not in CHI_ATOMS:
            continue
        names = tuple(str(atom) for atom in atoms.atom_name[first:last])
        chi = chi_angles(name, names, np.asarray(atoms.coord[first:last], dtype=np.float64))
        if len(chi) < len(CHI_ATOMS[name]):
            continue
        judged += 1
        distance = rotamer_distance(name, chi)
        if distance > TOLERANCE_DEGREES:
            found.append((int(atoms.res_id[first]), name.capitalize(), distance))
    return RotamerOutliers(judged, tuple(sorted(found, key=lambda item: -item[2])))


def rotamer_distance(name: str, chi: tuple[float, ...]) -> float:
    """Largest difference of a chi angle (degrees) from the nearest rotamer of a residue kind.

    The last chi of a planar group counts half.
    """
    distances = []
    for rotamer in rotamers_of(name):
        differences = list(chi_difference_degrees(name, chi, rotamer.chi_degrees))
        if name in _PLANAR:
            differences[-1] /= PLANAR_FACTOR
        distances.append(max(differences))
    return min(distances)

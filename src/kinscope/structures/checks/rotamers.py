"""Side chains that stand where side chains of good crystals hardly ever do.

A side chain is an outlier where no rotamer has all of its chi angles within 45 degrees, or where the nearest
rotamer has a share below 0.3 % on that backbone. Rotamers are those of Lovell et al. (Proteins 2000, 40,
389); their shares and mean angles on a backbone those of Shapovalov & Dunbrack (Structure 2011, 19, 844).
The last chi of a planar group (Asn, Asp, Gln, Glu, His, Phe, Trp, Tyr), which turns widely in its well, may
be twice as far. The share is the one at which MolProbity draws its outlier contour (Hintze et al., Proteins
2016, 84, 1177), but the libraries give rotamers, not densities, so the two counts are not the same.
Proline's ring and side chains with missing atoms are left out. What good crystals show, and the bound made of
it: ``docs/why/structures.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from kinscope.structures.model import AtomArray
from kinscope.structures.side_chains.rotamers import (
    CHI_ATOMS,
    chi_angles,
    chi_difference_degrees,
    rotamers_on,
)
from kinscope.structures.side_chains.sites import backbone_angles, residues_of

TOLERANCE_DEGREES = 45.0
LEAST_SHARE_PERCENT = 0.3
PLANAR_FACTOR = 2.0
_PLANAR = frozenset({"ASN", "ASP", "GLN", "GLU", "HIS", "PHE", "TRP", "TYR"})


@dataclass(frozen=True)
class RotamerFit:
    """The nearest rotamer of one side chain."""

    residue: int
    name: str
    """``Leu``."""
    distance_degrees: float
    """Largest difference of a chi angle; the last one of a planar group counts half."""
    share_percent: float
    """Of that rotamer on this backbone."""

    @property
    def outlier(self) -> bool:
        """Whether it is too far from every rotamer, or in one that its backbone hardly allows."""
        return self.distance_degrees > TOLERANCE_DEGREES or self.share_percent < LEAST_SHARE_PERCENT


@dataclass(frozen=True)
class RotamerOutliers:
    """What was judged and what stood out."""

    judged: int
    """Side chains with every chi atom."""
    outliers: tuple[RotamerFit, ...]
    """Farthest first."""

    @property
    def share(self) -> float:
        """Outliers among those judged; 0 of none."""
        return len(self.outliers) / self.judged if self.judged else 0.0


def rotamer_outliers(atoms: AtomArray) -> RotamerOutliers:
    """Judge every complete side chain of a structure."""
    residues = {n: one for n, one in residues_of(atoms).items() if one.name not in ("ACE", "NME")}
    judged, found = 0, []
    for number, residue in residues.items():
        name = residue.name
        chi = chi_angles(name, residue.atom_names, residue.coord)
        if name == "PRO" or not chi or len(chi) < len(CHI_ATOMS[name]):
            continue
        judged += 1
        distance, percent = nearest_rotamer(name, chi, *backbone_angles(residues, number))
        fit = RotamerFit(number, name.capitalize(), distance, percent)
        if fit.outlier:
            found.append(fit)
    return RotamerOutliers(judged, tuple(sorted(found, key=lambda fit: -fit.distance_degrees)))


def nearest_rotamer(
    name: str, chi: tuple[float, ...], phi: float | None = None, psi: float | None = None
) -> tuple[float, float]:
    """Distance (degrees) of chi angles from the nearest rotamer, and that rotamer's share (per cent).

    Every chi angle is given. The backbone-independent library answers if phi or psi is None.
    """
    fits = []
    for rotamer in rotamers_on(name, phi, psi):
        differences = list(chi_difference_degrees(name, chi, rotamer.chi_degrees))
        if name in _PLANAR:
            differences[-1] /= PLANAR_FACTOR
        fits.append((max(differences), rotamer.share_percent))
    return min(fits)

"""What turning a bond costs a ligand, as a function of heavy-atom coordinates.

Vina's function knows no torsional energy, so a search with it alone bends ligands into shapes that no
molecule takes: on co-crystals of ABL1 its best poses of dasatinib, bosutinib and others are strained by 15 to
50 kcal/mol where the crystal's are by less than 10. Here each rotatable bond gets the potential that ETKDG
gives it, which was fitted to what small-molecule crystals show (Riniker & Landrum, J Chem Inf Model 2015, 55,
2562; in RDKit). MMFF94's profiles were tried first and put too much on flat anilides (docs/why/docking.md).

Energies are kcal/mol (half of ETKDG's units), lengths angstrom, angles radian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Mol
from kinscope.docking.fields.arrays import (
    NO_GRID,
    NO_PAIRS,
    NO_RECEPTOR,
    ORDERS,
    Floats,
    ScoreArrays,
    TorsionArrays,
)
from kinscope.docking.fields.kernels import evaluated

KCAL_PER_MOL_PER_UNIT = 0.5
"""Of ETKDG's potentials. At one, bafetinib's and bosutinib's crystal poses paid 5 and 7.5 kcal/mol and were
never found; what a search finds is ranked by MMFF94's strain instead (docs/why/docking.md)."""
SATURATION_KCAL_PER_MOL = 1.5
"""No bond pays more: the potentials say what crystals of small molecules show and what they do not, not how
much the rare costs (a pattern that fits badly states twenty where MMFF94 finds two)."""


@dataclass(frozen=True)
class BondSeries:
    """The energy of turning about one bond: coefficients of the cosines of one, two, ... times the angle."""

    quartet: tuple[int, int, int, int]
    """Places among the heavy atoms."""
    cosine: tuple[float, ...]
    constant: float
    """So that the series' minimum is zero."""


class TorsionFunction:
    """Torsional energy of poses (n_poses, n_heavy, 3) above each bond's own minimum, and its gradient."""

    def __init__(self, series: tuple[BondSeries, ...], weight: float = 1.0) -> None:
        self.series = series
        self.arrays = TorsionArrays(
            np.array([item.quartet for item in series], dtype=np.int64).reshape(-1, 4),
            np.array([item.cosine for item in series], dtype=np.float64).reshape(-1, ORDERS),
            np.array([item.constant for item in series], dtype=np.float64),
            float(weight),
            SATURATION_KCAL_PER_MOL,
        )

    def __call__(self, poses: Floats) -> tuple[Floats, Floats]:
        """Energies (n_poses,) and gradients of the poses' shape, weight applied."""
        return evaluated(ScoreArrays(NO_GRID, NO_RECEPTOR, NO_PAIRS, self.arrays), poses)


def torsion_series(
    ligand: Mol, heavy: NDArray[np.intp], bonds: list[tuple[int, int]]
) -> tuple[BondSeries, ...]:
    """The series of rotatable bonds; a bond that ETKDG has no preference for costs nothing.

    ``heavy``: atoms of the ligand that poses hold, in order. ``bonds``: pairs of atoms of the ligand.
    """
    from rdkit.Chem import rdDistGeom

    place = {int(atom): row for row, atom in enumerate(heavy)}
    wanted = {frozenset(bond) for bond in bonds}
    found = []
    for known in rdDistGeom.GetExperimentalTorsions(ligand, rdDistGeom.ETKDGv3()):
        i, j, k, m = (int(atom) for atom in known["atomIndices"])
        if frozenset((j, k)) in wanted and {i, j, k, m} <= place.keys():
            heights = np.asarray(known["V"], dtype=np.float64)
            cosine = KCAL_PER_MOL_PER_UNIT * heights * np.asarray(known["signs"], dtype=np.float64)
            found.append(_series((place[i], place[j], place[k], place[m]), cosine))
    return tuple(found)


def _series(quartet: tuple[int, int, int, int], cosine: Floats) -> BondSeries:
    orders = np.arange(1, ORDERS + 1)[:, None]
    values = cosine @ np.cos(orders * np.linspace(0.0, np.pi, 361))
    return BondSeries(quartet, tuple(map(float, cosine)), -float(values.min()))

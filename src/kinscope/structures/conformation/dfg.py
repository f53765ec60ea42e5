"""The DFG motif: spatial class by two distances, cluster by seven dihedral angles.

Modi & Dunbrack, PNAS 2019, 116, 6818. Distances and their thresholds (11 and 14 angstrom) as Kincore applies
them; centres of the clusters as in Kincore's own program (Modi & Dunbrack, Nucleic Acids Res. 2022, 50, D654;
github.com/DunbrackLab/Kincore-standalone2, ``modules/dihedral_label.py``). A cluster is assigned only among
those of the spatial class and only below the published cut-off: 0.3 of the mean of 2 (1 - cos) over angles.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from kinscope.results.measured import DihedralCluster
from kinscope.results.notes import Note, note
from kinscope.structures.conformation.atoms import AtomTable
from kinscope.targets.pack import KinaseLandmarks

DFG_IN_D1 = 11.0
DFG_IN_D2 = 11.0
DFG_OUT_D2 = 14.0
BORDERLINE = 0.75
"""A distance this near a threshold is called borderline in the notes: coordinate error at 2.4 angstrom
resolution moves a side chain's tip by about half an angstrom."""

CLUSTER_CUTOFF = 0.3
DfgClass = Literal["in", "out", "inter", "unassigned"]

CENTRES: dict[DfgClass, dict[DihedralCluster, tuple[float, ...]]] = {
    "in": {
        "BLAminus": (-128.64, 178.67, 61.15, 81.21, -96.89, 20.53, 289.12),
        "BLAplus": (-119.24, 167.71, 58.94, 34.08, -89.42, -8.54, 55.63),
        "ABAminus": (-111.82, -7.64, -141.55, 148.01, -127.79, 23.32, 296.17),
        "BLBminus": (-134.79, 175.48, 60.44, 65.35, -79.44, 145.34, 287.56),
        "BLBplus": (-125.28, 172.53, 59.98, 32.92, -85.51, 145.28, 49.01),
        "BLBtrans": (-106.16, 157.24, 69.37, 21.33, -61.73, 134.56, 215.23),
    },
    "inter": {"BABtrans": (-80.20, 128.22, -117.47, 23.76, -85.16, 133.21, 181.42)},
    "out": {"BBAminus": (-138.56, -176.12, -144.35, 103.66, -82.59, -9.03, 290.59)},
}
"""Phi, psi of X, Asp and Phe, and chi1 of Phe, degrees."""


def classify_dfg(d1: float, d2: float) -> DfgClass:
    """Class of the DFG phenylalanine from its distances (angstrom) to helix C (D1) and to beta 3 (D2)."""
    if np.isnan(d1) or np.isnan(d2):
        return "unassigned"
    if d1 <= DFG_IN_D1:
        return "in" if d2 >= DFG_IN_D2 else "inter"
    return "out" if d2 <= DFG_OUT_D2 else "unassigned"


def measure_distances(table: AtomTable, landmarks: KinaseLandmarks) -> tuple[float, float]:
    """D1 and D2 in angstrom, NaN where atoms are missing."""
    tip = (landmarks.dfg_phenylalanine, "CZ")
    return (
        table.distance(tip, (landmarks.helix_c_plus_four, "CA")),
        table.distance(tip, (landmarks.beta3_lysine, "CA")),
    )


def measure_dihedrals(table: AtomTable, landmarks: KinaseLandmarks) -> tuple[float, ...]:
    """The seven angles in degrees (-180, 180], NaN where atoms are missing."""
    phenylalanine = landmarks.dfg_phenylalanine
    angles = []
    for number in (phenylalanine - 2, phenylalanine - 1, phenylalanine):
        nitrogen, alpha, carbon = (number, "N"), (number, "CA"), (number, "C")
        angles.append(table.dihedral(((number - 1, "C"), nitrogen, alpha, carbon)))
        angles.append(table.dihedral((nitrogen, alpha, carbon, (number + 1, "N"))))
    nitrogen, alpha = (phenylalanine, "N"), (phenylalanine, "CA")
    chi1 = table.dihedral((nitrogen, alpha, (phenylalanine, "CB"), (phenylalanine, "CG")))
    return (*angles, chi1)


def cluster_distance(angles: tuple[float, ...], centre: tuple[float, ...]) -> float:
    """Mean of 2 (1 - cos) of the differences of angles (degrees): 0 where alike, 4 where opposite."""
    difference = np.radians(np.subtract(angles, centre))
    return float(2.0 * np.mean(1.0 - np.cos(difference)))


def classify_dihedrals(spatial: DfgClass, angles: tuple[float, ...]) -> tuple[DihedralCluster, float]:
    """The nearest cluster of a spatial class and the distance to it.

    ``noise`` beyond the cut-off; ``unassigned`` and NaN where an angle or the class is missing.
    """
    if spatial == "unassigned" or not angles or np.isnan(angles).any():
        return "unassigned", float("nan")
    found = {name: cluster_distance(angles, centre) for name, centre in CENTRES[spatial].items()}
    nearest = min(found, key=lambda name: found[name])
    return (nearest if found[nearest] < CLUSTER_CUTOFF else "noise"), found[nearest]


def nearest_of_all(angles: tuple[float, ...]) -> tuple[DihedralCluster, float]:
    """The nearest cluster whatever the spatial class, and the distance to it; angles must be complete."""
    found = {
        name: cluster_distance(angles, centre) for part in CENTRES.values() for name, centre in part.items()
    }
    nearest = min(found, key=lambda name: found[name])
    return nearest, found[nearest]


def borderline(d1: float, d2: float) -> tuple[Note, ...]:
    """What is near a threshold; empty if nothing is."""
    near = []
    if abs(d1 - DFG_IN_D1) < BORDERLINE:
        near.append(f"D1 {d1:.1f} of {DFG_IN_D1:.0f}")
    if d1 <= DFG_IN_D1 + BORDERLINE and abs(d2 - DFG_IN_D2) < BORDERLINE:
        near.append(f"D2 {d2:.1f} of {DFG_IN_D2:.0f}")
    return (note("borderline", near=tuple(near)),) if near else ()

"""The DFG motif: spatial class by two distances, cluster by seven dihedral angles.

Modi & Dunbrack, PNAS 2019, 116, 6818. Distances and their thresholds (11 and 14 angstrom) as Kincore applies
them; centres of the clusters as in Kincore's own program (Modi & Dunbrack, Nucleic Acids Res. 2022, 50, D654;
github.com/DunbrackLab/Kincore-standalone2, ``modules/dihedral_label.py``). A cluster is assigned only among
those of the spatial class and only below the published cut-off: 0.3 of the mean of 2 (1 - cos) over angles.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from kinscope.results.measured import DihedralCluster
from kinscope.results.notes import Note, note
from kinscope.structures.conformation.atoms import AtomTable, Floats, Labels
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


def classify_dfg(d1: Floats | float, d2: Floats | float) -> Labels:
    """Class of the DFG phenylalanine from its distances (angstrom) to helix C (D1) and to beta 3 (D2)."""
    near = np.where(d2 >= DFG_IN_D2, "in", "inter")
    far = np.where(d2 <= DFG_OUT_D2, "out", "unassigned")
    label = np.where(d1 <= DFG_IN_D1, near, far)
    return np.where(np.isnan(d1) | np.isnan(d2), "unassigned", label)


def measure_distances(table: AtomTable, landmarks: KinaseLandmarks) -> tuple[Floats, Floats]:
    """D1 and D2 (n_frames,) in angstrom, NaN where atoms are missing."""
    tip = (landmarks.dfg_phenylalanine, "CZ")
    return (
        table.distance(tip, (landmarks.helix_c_plus_four, "CA")),
        table.distance(tip, (landmarks.beta3_lysine, "CA")),
    )


def measure_dihedrals(table: AtomTable, landmarks: KinaseLandmarks) -> Floats:
    """The seven angles (n_frames, 7) in degrees (-180, 180], NaN where atoms are missing."""
    phenylalanine = landmarks.dfg_phenylalanine
    angles = []
    for number in (phenylalanine - 2, phenylalanine - 1, phenylalanine):
        nitrogen, alpha, carbon = (number, "N"), (number, "CA"), (number, "C")
        angles.append(table.dihedral(((number - 1, "C"), nitrogen, alpha, carbon)))
        angles.append(table.dihedral((nitrogen, alpha, carbon, (number + 1, "N"))))
    nitrogen, alpha = (phenylalanine, "N"), (phenylalanine, "CA")
    angles.append(table.dihedral((nitrogen, alpha, (phenylalanine, "CB"), (phenylalanine, "CG"))))
    return np.stack(angles, axis=1)


def cluster_distances(angles: Floats, centres: Iterable[tuple[float, ...]]) -> Floats:
    """Mean of 2 (1 - cos) of the differences of angles (n, 7), degrees: 0 where alike, 4 where opposite.

    Shape (n, n_centres).
    """
    apart = np.radians(angles[:, None] - np.array(list(centres))[None])
    return np.asarray(2.0 * np.mean(1.0 - np.cos(apart), axis=2))


def classify_dihedrals(spatial: Labels, angles: Floats) -> tuple[Labels, Floats]:
    """The nearest cluster of each frame's spatial class and the distance to it, both (n_frames,).

    ``noise`` beyond the cut-off; ``unassigned`` and NaN where an angle or the class is missing.
    """
    found, nearest = np.full(len(angles), "unassigned", dtype="U10"), np.full(len(angles), np.nan)
    known = ~np.isnan(angles).any(axis=1)
    for name, centres in CENTRES.items():
        rows = np.flatnonzero(known & (spatial == name))
        if len(rows):
            distances = cluster_distances(angles[rows], centres.values())
            nearest[rows] = distances.min(axis=1)
            clusters = np.asarray(list(centres))[distances.argmin(axis=1)]
            found[rows] = np.where(nearest[rows] < CLUSTER_CUTOFF, clusters, "noise")
    return found, nearest


def nearest_of_all(angles: tuple[float, ...]) -> tuple[DihedralCluster, float]:
    """The nearest cluster whatever the spatial class, and the distance to it; angles must be complete."""
    centres = {name: centre for part in CENTRES.values() for name, centre in part.items()}
    distances = cluster_distances(np.array([angles]), centres.values())[0]
    return list(centres)[int(distances.argmin())], float(distances.min())


def borderline(d1: float, d2: float) -> tuple[Note, ...]:
    """What is near a threshold; empty if nothing is."""
    near = []
    if abs(d1 - DFG_IN_D1) < BORDERLINE:
        near.append(f"D1 {d1:.1f} of {DFG_IN_D1:.0f}")
    if d1 <= DFG_IN_D1 + BORDERLINE and abs(d2 - DFG_IN_D2) < BORDERLINE:
        near.append(f"D2 {d2:.1f} of {DFG_IN_D2:.0f}")
    return (note("borderline", near=tuple(near)),) if near else ()

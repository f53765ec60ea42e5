"""Measured parts of a kinase's conformation: DFG motif, helix C, activation loop, spine, P-loop, domains.

Definitions and where they come from
------------------------------------
- DFG: spatial class by two distances, cluster by seven dihedral angles (Modi & Dunbrack, PNAS 2019, 116,
  6818). Distances and their thresholds (11 and 14 angstrom) as Kincore applies them; centres of the clusters
  as in Kincore's own program (Nucleic Acids Res. 2022, 50, D654; github.com/DunbrackLab/Kincore-standalone2,
  ``modules/dihedral_label.py``). A cluster is assigned only among those of the spatial class and only below
  the published cut-off: 0.3 of the mean of 2 (1 - cos) over angles.
- Helix C: CB-CB of the beta-3 lysine and the helix-C glutamate (in at 10 angstrom) and the salt bridge
  (closed at 3.6), as Kincore (Modi & Dunbrack, Nucleic Acids Res. 2022, 50, D654). Its rotation about its own
  axis is measured without a reference structure: the angle, seen along the axis, from the glutamate's CA to
  the lysine's CA. The axis is Kahn's (Comput. Chem. 1989, 13, 185): the mean of the cross products of
  consecutive bisectors of the CA trace, from six residues before to five after the glutamate.
- Activation loop: Kincore's two criteria for a loop that lets a substrate bind (Faezov & Dunbrack 2023,
  doi 10.1101/2023.07.21.550125): a backbone hydrogen bond (3.6) of the sixth residue with the one before HRD,
  and the ninth residue before the end near the carbonyl of the HRD arginine. Folded, where a tyrosine stands
  in the catalytic site as a substrate would (Schindler et al., Science 2000, 289, 1938).
- Regulatory spine (Kornev et al., PNAS 2006, 103, 17783): shortest distances between neighbouring side
  chains; assembled where none exceeds 5.0 (Kincore, standalone version 2; a later README of theirs says 4.5).
- P-loop: no published numeric definition was found. Kinked and stretched are the words used of ABL1 with and
  without the loop folded down on the inhibitor; the bound lies in the gap of its crystals.

In autoinhibited ABL1 the SH2 domain lies on the C-lobe and SH3 holds the polyproline linker (Nagar et al.,
Cell 2003, 112, 859; Mol. Cell 2006, 21, 787); in the activated, extended form SH2 sits on the N-lobe (Nagar
et al. 2006; Filippakopoulos et al., Cell 2008, 134, 793; Lorenz et al., Biochem. J. 2015, 468, 283).
Positions are measured: which lobe SH2 touches and is nearer to, and the direction in which it lies.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import numpy as np

from kinscope.results.measured import DihedralCluster
from kinscope.results.notes import Note, note
from kinscope.structures.conformation.atoms import AtomTable, Floats, Labels, nearest_of
from kinscope.structures.stereochemistry import unit
from kinscope.targets.pack import KinaseLandmarks, RegulatoryDomains

HELIX_C_IN = 10.0
HYDROGEN_BOND = 3.6
FOLDED_LOOP = 10.5
"""CA of the loop's tyrosine to CG of the catalytic aspartate. In ABL1 crystals it is 8.3-8.6 where the
tyrosine's hydroxyl meets the aspartate and 13.4 or more elsewhere."""
SPINE = 5.0
P_LOOP_KINKED = 11.4
"""CA after the first glycine of GxGxxG to CA of the beta-3 lysine: 8.1-10.9 in stretched and 11.9-14.9 in
kinked loops of ABL1 crystals; the two groups differ alike in where the loop's tyrosine points."""

_HELIX_C_BEFORE, _HELIX_C_AFTER = 6, 5
_HELIX_E_FROM_HRD = (20, 8)
"""First and last residue before the catalytic aspartate whose CA atoms give helix E's axis."""
_AROUND_GLUTAMATE = 3
_NINTH_FROM_END = 8

Measures = dict[str, Floats]
"""By the names that :class:`~kinscope.results.measured.StateGeometry` gives them, each (n_frames,)."""


def within(distance: Floats, bound: float, near: str = "in", far: str = "out") -> Labels:
    """``near`` up to the bound, ``far`` beyond, ``unassigned`` if not measured."""
    return np.where(np.isnan(distance), "unassigned", np.where(distance <= bound, near, far))


def measure_helix_c(table: AtomTable, landmarks: KinaseLandmarks) -> Measures:
    """Distances (angstrom) and angles (degrees) of helix C, NaN where atoms are missing."""
    lysine, glutamate = landmarks.beta3_lysine, landmarks.helix_c_glutamate
    axis = _axis(table, glutamate - _HELIX_C_BEFORE, glutamate + _HELIX_C_AFTER)
    rotation, distance = _about_axis(table, axis, lysine, glutamate)
    first, last = (landmarks.hrd_aspartate - back for back in _HELIX_E_FROM_HRD)
    bridges = [table.distance((lysine, "NZ"), (glutamate, oxygen)) for oxygen in ("OE1", "OE2")]
    return {
        "helix_c_beta_distance_angstrom": table.distance((lysine, "CB"), (glutamate, "CB")),
        "salt_bridge_271_286_angstrom": nearest_of(bridges, HYDROGEN_BOND),
        "helix_c_rotation_degrees": rotation,
        "helix_c_distance_angstrom": distance,
        "helix_c_to_helix_e_degrees": _degrees(_dot(axis, _axis(table, first, last))),
    }


def measure_loop(table: AtomTable, landmarks: KinaseLandmarks) -> Measures:
    """Distances (angstrom) of the activation loop, NaN where atoms are missing."""
    sixth, before = landmarks.loop_sixth, landmarks.before_hrd
    starts = [table.distance((sixth, "N"), (before, "O")), table.distance((sixth, "O"), (before, "N"))]
    end = tyrosine = table.missing
    if landmarks.ape_glutamate is not None:
        ninth = landmarks.ape_glutamate - _NINTH_FROM_END
        end = table.distance((ninth, "CA"), (landmarks.hrd_arginine, "O"))
    if landmarks.loop_tyrosine is not None:
        tyrosine = table.distance((landmarks.loop_tyrosine, "CA"), (landmarks.hrd_aspartate, "CG"))
    return {
        "loop_n_terminal_angstrom": nearest_of(starts, HYDROGEN_BOND),
        "loop_c_terminal_angstrom": end,
        "loop_tyrosine_angstrom": tyrosine,
    }


def measure_spine(table: AtomTable, landmarks: KinaseLandmarks) -> Floats:
    """Gaps (n_gaps, n_frames) between neighbours of the regulatory spine, from HRD to beta 4, angstrom.

    NaN where an atom is missing that might have closed the gap; one gap of NaN without a spine.
    """
    if landmarks.spine_beta4 is None:
        return table.missing[None]
    members = (
        landmarks.hrd_histidine,
        landmarks.dfg_phenylalanine,
        landmarks.helix_c_plus_four,
        landmarks.spine_beta4,
    )
    whole = {number: table.whole(number) for number in members}
    gaps = [(table.side_chain_gap(one, two), whole[one] and whole[two]) for one, two in pairwise(members)]
    return np.stack([gap if known else np.where(gap <= SPINE, gap, np.nan) for gap, known in gaps])


def classify_spine(gaps: Floats) -> Labels:
    """Broken if any gap is too wide, assembled if all are known and none is; (n_frames,)."""
    known = np.where(np.isnan(gaps).any(axis=0), "unassigned", "assembled")
    return np.where((gaps > SPINE).any(axis=0), "broken", known)


def measure_p_loop(table: AtomTable, landmarks: KinaseLandmarks) -> Floats:
    """Distance (angstrom) of the tip of the P-loop from beta 3; NaN if missing."""
    if landmarks.p_loop_glycine is None:
        return table.missing
    return table.distance((landmarks.p_loop_glycine + 1, "CA"), (landmarks.beta3_lysine, "CA"))


def classify_p_loop(gap: Floats) -> Labels:
    """Kinked where the tip has left beta 3 and hangs over the site of ATP."""
    return np.where(np.isnan(gap), "unassigned", np.where(gap >= P_LOOP_KINKED, "kinked", "stretched"))


def classify_loop(found: Measures) -> Labels:
    """Folded by the tyrosine, else extended or not by the start of the loop."""
    shape = within(found["loop_n_terminal_angstrom"], HYDROGEN_BOND, "extended", "intermediate")
    return np.where(found["loop_tyrosine_angstrom"] <= FOLDED_LOOP, "folded", shape)


def _dot(one: Floats, two: Floats) -> Floats:
    return np.asarray((one * two).sum(axis=-1))


def _degrees(cosine: Floats) -> Floats:
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _axis(table: AtomTable, first: int, last: int) -> Floats:
    """Unit vectors (n_frames, 3) along a helix from its start to its end; NaN unless every CA is there."""
    points = np.stack([table.position((number, "CA")) for number in range(first, last + 1)], axis=1)
    steps = unit(np.diff(points, axis=1))
    bisectors = steps[:, 1:] - steps[:, :-1]
    axis = unit(unit(np.cross(bisectors[:, :-1], bisectors[:, 1:])).mean(axis=1))
    return np.where(_dot(axis, points[:, -1] - points[:, 0])[:, None] > 0, axis, -axis)


def _about_axis(table: AtomTable, axis: Floats, lysine: int, glutamate: int) -> tuple[Floats, Floats]:
    """Angle from the glutamate to the lysine about helix C's axis, and the lysine's distance from it."""
    around = table.alphas(glutamate - _AROUND_GLUTAMATE, glutamate + _AROUND_GLUTAMATE)
    if around.shape[1] < 2 * _AROUND_GLUTAMATE + 1:
        return table.missing, table.missing
    centre = around.mean(axis=1)
    arms = [table.position((number, "CA")) - centre for number in (glutamate, lysine)]
    own, other = (arm - _dot(arm, axis)[:, None] * axis for arm in arms)
    angle = np.degrees(np.arctan2(_dot(np.cross(own, other), axis), _dot(own, other)))
    return np.asarray(angle), np.asarray(np.linalg.norm(other, axis=1))


CONTACT = 4.5
"""Heavy atoms this near (angstrom) are in contact."""
_LEAST_SHARE = 0.8
"""A domain is modelled where this share of its CA atoms is there."""


def measure_domains(
    table: AtomTable, regulatory: RegulatoryDomains | None
) -> tuple[Measures, dict[str, Labels]]:
    """Arrangement of SH2 to the lobes and of SH3 to the linker: angstrom and degrees, and in words.

    NaN and ``not modelled`` where a domain is not modelled, and without regulatory domains.
    """
    names = ("sh2_to_n_lobe_angstrom", "sh2_to_c_lobe_angstrom", "sh2_angle_degrees", "sh3_linker_angstrom")
    found = dict.fromkeys(names, table.missing)
    absent = np.full(len(table.frames), "not modelled")
    words: dict[str, Labels] = {"sh2_position": absent, "sh3_linker": absent}
    if regulatory is None:
        return found, words
    linker = table.gap(table.heavy(regulatory.linker_prolines), table.heavy(regulatory.sh3_groove))
    if not np.isnan(linker).all():
        found["sh3_linker_angstrom"] = linker
        words["sh3_linker"] = np.where(linker <= CONTACT, "docked", "apart")
    stretches = (regulatory.sh2, regulatory.n_lobe, regulatory.c_lobe)
    alphas = [table.alphas(*stretch) for stretch in stretches]
    if any(
        points.shape[1] < _LEAST_SHARE * (last - first + 1)
        for points, (first, last) in zip(alphas, stretches, strict=True)
    ):
        return found, words
    sh2, n_lobe, c_lobe = (points.mean(axis=1) for points in alphas)
    axis, arm = n_lobe - c_lobe, sh2 - (n_lobe + c_lobe) / 2
    sizes = np.linalg.norm(axis, axis=1) * np.linalg.norm(arm, axis=1)
    to_n_lobe, to_c_lobe = (np.linalg.norm(sh2 - lobe, axis=1) for lobe in (n_lobe, c_lobe))
    found["sh2_to_n_lobe_angstrom"], found["sh2_to_c_lobe_angstrom"] = to_n_lobe, to_c_lobe
    found["sh2_angle_degrees"] = _degrees(_dot(axis, arm) / sizes)
    heavy = [table.heavy(range(first, last + 1)) for first, last in stretches]
    at_n_lobe, at_c_lobe = (table.gap(heavy[0], lobe, CONTACT) <= CONTACT for lobe in heavy[1:])
    nearer = np.where(to_n_lobe < to_c_lobe, "on the N-lobe", "on the C-lobe")
    touches = np.where(to_n_lobe < to_c_lobe, at_n_lobe, at_c_lobe)
    words["sh2_position"] = np.where(touches, nearer, "apart")
    return found, words


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

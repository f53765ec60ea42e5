"""Measured parts of a kinase's conformation: helix C, activation loop, regulatory spine, P-loop.

Definitions and where they come from
------------------------------------
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

How SH2 and SH3 stand to the kinase domain.

In autoinhibited ABL1 the SH2 domain lies on the C-lobe and SH3 holds the polyproline linker (Nagar et al.,
Cell 2003, 112, 859; Mol. Cell 2006, 21, 787); in the activated, extended form SH2 sits on the N-lobe (Nagar
et al. 2006; Filippakopoulos et al., Cell 2008, 134, 793; Lorenz et al., Biochem. J. 2015, 468, 283).
Positions are measured: which lobe SH2 touches and is nearer to, and the direction in which it lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from kinscope.structures.conformation.atoms import AtomTable, Floats, nearest_of, shortest_gap
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

Presence = Literal["in", "out", "unassigned"]


@dataclass(frozen=True)
class HelixC:
    """Where helix C stands; angstrom and degrees, NaN where atoms are missing."""

    beta_distance: float
    bridge: float
    rotation: float
    axis_distance: float
    to_helix_e: float

    @property
    def position(self) -> Presence:
        """In where the CB atoms of lysine and glutamate are near."""
        return within(self.beta_distance, HELIX_C_IN)

    @property
    def salt_bridge(self) -> Literal["closed", "open", "unassigned"]:
        """Whether lysine and glutamate touch."""
        state = within(self.bridge, HYDROGEN_BOND)
        return "unassigned" if state == "unassigned" else ("closed" if state == "in" else "open")


@dataclass(frozen=True)
class Loop:
    """Where the activation loop runs; angstrom, NaN where atoms are missing."""

    n_terminal_gap: float
    c_terminal_gap: float
    c_terminal_cutoff: float
    tyrosine_gap: float

    @property
    def n_terminal(self) -> Presence:
        """Whether the loop's start runs along the lobe as in active kinases."""
        return within(self.n_terminal_gap, HYDROGEN_BOND)

    @property
    def c_terminal(self) -> Presence:
        """Whether the loop's end forms the groove of the substrate."""
        return within(self.c_terminal_gap, self.c_terminal_cutoff)

    @property
    def shape(self) -> Literal["extended", "folded", "intermediate", "unassigned"]:
        """Folded by the tyrosine, else extended or not by the start of the loop."""
        if self.tyrosine_gap <= FOLDED_LOOP:
            return "folded"
        if np.isnan(self.n_terminal_gap):
            return "unassigned"
        return "extended" if self.n_terminal_gap <= HYDROGEN_BOND else "intermediate"


def within(distance: float, bound: float) -> Presence:
    """``in`` up to the bound, ``out`` beyond, ``unassigned`` if not measured."""
    if np.isnan(distance):
        return "unassigned"
    return "in" if distance <= bound else "out"


def measure_helix_c(table: AtomTable, landmarks: KinaseLandmarks) -> HelixC:
    """Distances and angles of helix C."""
    lysine, glutamate = landmarks.beta3_lysine, landmarks.helix_c_glutamate
    rotation, distance = _about_axis(table, lysine, glutamate)
    first, last = (landmarks.hrd_aspartate - back for back in _HELIX_E_FROM_HRD)
    axes = _helix_c_axis(table, glutamate), _axis(table, first, last)
    cosine = float(np.clip(axes[0] @ axes[1], -1.0, 1.0))
    return HelixC(
        beta_distance=table.distance((lysine, "CB"), (glutamate, "CB")),
        bridge=nearest_of(
            [table.distance((lysine, "NZ"), (glutamate, oxygen)) for oxygen in ("OE1", "OE2")], HYDROGEN_BOND
        ),
        rotation=rotation,
        axis_distance=distance,
        to_helix_e=float(np.degrees(np.arccos(cosine))),
    )


def measure_loop(table: AtomTable, landmarks: KinaseLandmarks) -> Loop:
    """Distances of the activation loop."""
    sixth, before = landmarks.loop_sixth, landmarks.before_hrd
    missing = float("nan")
    return Loop(
        n_terminal_gap=nearest_of(
            [table.distance((sixth, "N"), (before, "O")), table.distance((sixth, "O"), (before, "N"))],
            HYDROGEN_BOND,
        ),
        c_terminal_gap=missing
        if landmarks.ape_glutamate is None
        else table.distance((landmarks.ape_glutamate - _NINTH_FROM_END, "CA"), (landmarks.hrd_arginine, "O")),
        c_terminal_cutoff=landmarks.loop_c_terminal_cutoff_angstrom,
        tyrosine_gap=missing
        if landmarks.loop_tyrosine is None
        else table.distance((landmarks.loop_tyrosine, "CA"), (landmarks.hrd_aspartate, "CG")),
    )


def measure_spine(table: AtomTable, landmarks: KinaseLandmarks) -> tuple[float, ...]:
    """Gaps (angstrom) between the neighbours of the regulatory spine, from HRD to beta 4; NaN if missing."""
    if landmarks.spine_beta4 is None:
        return ()
    members = (
        landmarks.hrd_histidine,
        landmarks.dfg_phenylalanine,
        landmarks.helix_c_plus_four,
        landmarks.spine_beta4,
    )
    whole = {number: table.whole(number) for number in members}
    gaps = [(table.side_chain_gap(one, two), whole[one] and whole[two]) for one, two in pairwise(members)]
    # The atoms that a cut side chain lacks might have closed the gap.
    return tuple(gap if known or gap <= SPINE else float("nan") for gap, known in gaps)


def classify_spine(gaps: tuple[float, ...]) -> Literal["assembled", "broken", "unassigned"]:
    """Broken if any gap is too wide, assembled if all are known and none is."""
    if any(gap > SPINE for gap in gaps):
        return "broken"
    return "assembled" if gaps and not np.isnan(gaps).any() else "unassigned"


def measure_p_loop(table: AtomTable, landmarks: KinaseLandmarks) -> float:
    """Distance (angstrom) of the tip of the P-loop from beta 3; NaN if missing."""
    if landmarks.p_loop_glycine is None:
        return float("nan")
    return table.distance((landmarks.p_loop_glycine + 1, "CA"), (landmarks.beta3_lysine, "CA"))


def classify_p_loop(gap: float) -> Literal["kinked", "stretched", "unassigned"]:
    """Kinked where the tip has left beta 3 and hangs over the site of ATP."""
    if np.isnan(gap):
        return "unassigned"
    return "kinked" if gap >= P_LOOP_KINKED else "stretched"


def _helix_c_axis(table: AtomTable, glutamate: int) -> Floats:
    return _axis(table, glutamate - _HELIX_C_BEFORE, glutamate + _HELIX_C_AFTER)


def _axis(table: AtomTable, first: int, last: int) -> Floats:
    """Unit vector along a helix from its start to its end; NaN unless every CA is there."""
    points = np.array([table.position((number, "CA")) for number in range(first, last + 1)])
    if np.isnan(points).any():
        return np.full(3, np.nan)
    steps = np.diff(points, axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    bisectors = steps[1:] - steps[:-1]
    turns = np.cross(bisectors[:-1], bisectors[1:])
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    axis = turns.mean(axis=0)
    axis /= np.linalg.norm(axis)
    return np.asarray(axis if axis @ (points[-1] - points[0]) > 0 else -axis)


def _about_axis(table: AtomTable, lysine: int, glutamate: int) -> tuple[float, float]:
    """Angle from the glutamate to the lysine about helix C's axis, and the lysine's distance from it."""
    axis = _helix_c_axis(table, glutamate)
    around = table.alphas(glutamate - _AROUND_GLUTAMATE, glutamate + _AROUND_GLUTAMATE)
    if np.isnan(axis).any() or len(around) < 2 * _AROUND_GLUTAMATE + 1:
        return float("nan"), float("nan")
    centre = around.mean(axis=0)
    arms = [table.position((number, "CA")) - centre for number in (glutamate, lysine)]
    own, other = (arm - (arm @ axis) * axis for arm in arms)
    angle = np.degrees(np.arctan2(np.cross(own, other) @ axis, own @ other))
    return float(angle), float(np.linalg.norm(other))


CONTACT = 4.5
"""Heavy atoms this near (angstrom) are in contact."""
_LEAST_SHARE = 0.8
"""A domain is modelled where this share of its CA atoms is there."""


@dataclass(frozen=True)
class Domains:
    """Measured arrangement; angstrom and degrees, NaN where a domain is not modelled."""

    sh2: Literal["on the C-lobe", "on the N-lobe", "apart", "not modelled"] = "not modelled"
    sh2_to_n_lobe: float = float("nan")
    sh2_to_c_lobe: float = float("nan")
    sh2_angle: float = float("nan")
    sh3: Literal["docked", "apart", "not modelled"] = "not modelled"
    sh3_gap: float = float("nan")


def measure_domains(table: AtomTable, regulatory: RegulatoryDomains | None) -> Domains:
    """Arrangement of SH2 to the lobes and of SH3 to the linker.

    Without regulatory domains all is ``not modelled``.
    """
    if regulatory is None:
        return Domains()
    linker = shortest_gap(table.heavy(regulatory.linker_prolines), table.heavy(regulatory.sh3_groove))
    sh3: Literal["docked", "apart", "not modelled"] = "not modelled"
    if not np.isnan(linker):
        sh3 = "docked" if linker <= CONTACT else "apart"
    stretches = (regulatory.sh2, regulatory.n_lobe, regulatory.c_lobe)
    alphas = [table.alphas(*stretch) for stretch in stretches]
    if any(
        len(points) < _LEAST_SHARE * (last - first + 1)
        for points, (first, last) in zip(alphas, stretches, strict=True)
    ):
        return Domains(sh3=sh3, sh3_gap=linker)
    sh2, n_lobe, c_lobe = (points.mean(axis=0) for points in alphas)
    axis, arm = n_lobe - c_lobe, sh2 - (n_lobe + c_lobe) / 2
    cosine = axis @ arm / (np.linalg.norm(axis) * np.linalg.norm(arm))
    to_n_lobe, to_c_lobe = (float(np.linalg.norm(sh2 - lobe)) for lobe in (n_lobe, c_lobe))
    heavy = table.heavy(range(regulatory.sh2[0], regulatory.sh2[1] + 1))
    nearer = regulatory.n_lobe if to_n_lobe < to_c_lobe else regulatory.c_lobe
    touches = shortest_gap(heavy, table.heavy(range(nearer[0], nearer[1] + 1))) <= CONTACT
    place: Literal["on the C-lobe", "on the N-lobe", "apart"] = "apart"
    if touches:
        place = "on the N-lobe" if nearer == regulatory.n_lobe else "on the C-lobe"
    return Domains(
        sh2=place,
        sh2_to_n_lobe=to_n_lobe,
        sh2_to_c_lobe=to_c_lobe,
        sh2_angle=float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))),
        sh3=sh3,
        sh3_gap=linker,
    )

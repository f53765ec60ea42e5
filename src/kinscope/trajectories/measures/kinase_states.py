"""The conformation of a kinase in every frame of a chunk at once.

The definitions, thresholds and words are those of :mod:`kinscope.structures.conformation`, which reads one
structure; here the same distances and angles are measured over arrays of frames. A test holds both to the
same answer frame by frame.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis.pairs import pair_distances, reachable_pairs
from kinscope.structures.conformation import dfg, parts
from kinscope.structures.conformation.atoms import AtomTable
from kinscope.structures.stereochemistry import dihedrals
from kinscope.targets.pack import KinaseLandmarks
from kinscope.trajectories.frames import Chunk
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.measures.motion import Series

Floats = NDArray[np.float64]
Labels = NDArray[Any]
MEASURES = (
    "dfg_d1_angstrom",
    "dfg_d2_angstrom",
    "helix_c_beta_distance_angstrom",
    "salt_bridge_271_286_angstrom",
    "helix_c_rotation_degrees",
    "loop_n_terminal_angstrom",
    "loop_c_terminal_angstrom",
    "loop_tyrosine_angstrom",
    "spine_widest_angstrom",
    "p_loop_angstrom",
    "sh2_to_n_lobe_angstrom",
    "sh2_to_c_lobe_angstrom",
    "sh2_angle_degrees",
    "sh3_linker_angstrom",
)
"""Measured in every frame, NaN where atoms are missing."""
_BACKBONE = ("N", "CA", "C", "O", "OXT")
_LEAST_SHARE = 0.8
FARTHEST = 12.0
"""Gaps of side chains and domains beyond this are all the same here: wide."""


class KinaseStates(Series):
    """Measures and classes of every frame: means, shares, and changes of the DFG class."""

    names = MEASURES

    def __init__(self, layout: Layout, landmarks: KinaseLandmarks) -> None:
        super().__init__()
        self._marks = landmarks
        self._places = _Places(layout)
        self.counts: Counter[tuple[str, str]] = Counter()
        """Frames by aspect and class."""
        self.dfg_changes = 0
        """How often the DFG class differs from the frame before."""
        self._last = ""

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        self.take(*self.measure(chunk))

    def take(self, measures: dict[str, Floats], classes: dict[str, Labels]) -> None:
        """Take up what :meth:`measure` found in the next frames."""
        self.add(np.stack([measures[name] for name in MEASURES], axis=1))
        for aspect, labels in classes.items():
            names, counts = np.unique(labels, return_counts=True)
            for name, count in zip(names, counts, strict=True):
                self.counts[aspect, str(name)] += int(count)
        shown = classes["dfg"]
        self.dfg_changes += int((shown[1:] != shown[:-1]).sum()) + bool(self._last and shown[0] != self._last)
        self._last = str(shown[-1])

    def measure(self, chunk: Chunk) -> tuple[dict[str, Floats], dict[str, Labels]]:
        """Every measure and every class of the frames of a chunk, (n_frames,) each."""
        frames = _Frames(chunk, self._places)
        marks = self._marks
        table = cast(AtomTable, frames)  # what asks for distances and dihedrals alone takes frames as well
        found = {**_helix_c(frames, marks), **_loop(frames, marks)}
        d1_and_d2 = (np.asarray(distance) for distance in dfg.measure_distances(table, marks))
        found["dfg_d1_angstrom"], found["dfg_d2_angstrom"] = d1_and_d2
        found["p_loop_angstrom"] = np.broadcast_to(parts.measure_p_loop(table, marks), len(chunk))
        found["spine_widest_angstrom"] = _spine(frames, marks)
        regulatory, words = _regulatory(frames, marks)
        found.update(regulatory)
        angles = np.stack(dfg.measure_dihedrals(table, marks), axis=1)
        return found, {**_classes(found, angles, marks), **words}


class _Places:
    """Where the heavy protein atoms stand, by residue and name."""

    def __init__(self, layout: Layout) -> None:
        self.by_name: dict[tuple[int, str], int] = {}
        self.heavy: dict[int, list[int]] = {}
        self.side: dict[int, list[int]] = {}
        for place in np.flatnonzero(layout.heavy & layout.protein):
            residue, name = int(layout.res_id[place]), str(layout.atom_name[place])
            if (residue, name) in self.by_name:
                continue
            self.by_name[residue, name] = int(place)
            self.heavy.setdefault(residue, []).append(int(place))
            if name not in _BACKBONE:
                self.side.setdefault(residue, []).append(int(place))

    def of(self, residues: Iterable[int]) -> NDArray[np.intp]:
        """Heavy atoms of residues."""
        return np.asarray([p for number in residues for p in self.heavy.get(number, ())], dtype=np.intp)


class _Frames:
    """Distances and angles of named atoms in the frames of a chunk."""

    def __init__(self, chunk: Chunk, places: _Places) -> None:
        self.chunk, self.places = chunk, places

    def missing(self) -> Floats:
        """What is measured where atoms are missing."""
        return np.full(len(self.chunk), np.nan)

    def at(self, atom: tuple[int, str]) -> Floats:
        """Positions (n_frames, 3), NaN if there is no such atom."""
        place = self.places.by_name.get(atom)
        if place is None:
            return np.full((len(self.chunk), 3), np.nan)
        return np.asarray(self.chunk.coordinates[:, place], dtype=np.float64)

    def distance(self, first: tuple[int, str], second: tuple[int, str]) -> Floats:
        """Shape (n_frames,), angstrom."""
        return np.asarray(np.linalg.norm(self.at(first) - self.at(second), axis=1))

    def dihedral(self, atoms: tuple[tuple[int, str], ...]) -> Floats:
        """Of four atoms, shape (n_frames,), degrees."""
        first, second, third, fourth = (self.at(atom) for atom in atoms)
        return dihedrals(first, second, third, fourth)

    def alphas(self, first: int, last: int) -> Floats:
        """CA atoms that are there, (n_frames, n, 3)."""
        rows = [
            self.places.by_name[number, "CA"]
            for number in range(first, last + 1)
            if (number, "CA") in self.places.by_name
        ]
        return np.asarray(self.chunk.coordinates[:, rows], dtype=np.float64)

    def gap(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> Floats:
        """Shortest distance of two sets of atoms, (n_frames,); 12 stands for more, NaN if one is empty."""
        if not len(first) or not len(second):
            return self.missing()
        nearest = self._nearest(first, second, FARTHEST)
        return np.minimum(nearest, FARTHEST)

    def touching(self, first: NDArray[np.intp], second: NDArray[np.intp], cutoff: float) -> Labels:
        """Whether two sets of atoms come as near as a cutoff, (n_frames,)."""
        return self._nearest(first, second, cutoff) <= cutoff

    def _nearest(self, first: NDArray[np.intp], second: NDArray[np.intp], cutoff: float) -> Floats:
        """Shortest distance where it is within the cutoff, something greater elsewhere."""
        one, two = self.chunk.placed(first), self.chunk.placed(second)
        pairs = reachable_pairs(one, two, cutoff)
        if not len(pairs[0]):
            return np.full(len(self.chunk), np.inf)
        return np.asarray(pair_distances(one, two, pairs).min(axis=1), dtype=np.float64)


def _helix_c(frames: _Frames, marks: KinaseLandmarks) -> dict[str, Floats]:
    lysine, glutamate = marks.beta3_lysine, marks.helix_c_glutamate
    bridge = np.minimum(*(frames.distance((lysine, "NZ"), (glutamate, name)) for name in ("OE1", "OE2")))
    return {
        "helix_c_beta_distance_angstrom": frames.distance((lysine, "CB"), (glutamate, "CB")),
        "salt_bridge_271_286_angstrom": bridge,
        "helix_c_rotation_degrees": _rotation(frames, lysine, glutamate),
    }


def _rotation(frames: _Frames, lysine: int, glutamate: int) -> Floats:
    """Angle from the glutamate to the lysine about helix C's axis (see conformation_parts), degrees."""
    first, last = glutamate - parts._HELIX_C_BEFORE, glutamate + parts._HELIX_C_AFTER
    points = frames.alphas(first, last)
    around = frames.alphas(glutamate - parts._AROUND_GLUTAMATE, glutamate + parts._AROUND_GLUTAMATE)
    if points.shape[1] < last - first + 1:
        return frames.missing()
    steps = _unit(np.diff(points, axis=1))
    bisectors = steps[:, 1:] - steps[:, :-1]
    axis = _unit(_unit(np.cross(bisectors[:, :-1], bisectors[:, 1:])).mean(axis=1))
    along = np.einsum("fi,fi->f", axis, points[:, -1] - points[:, 0])
    axis = np.where(along[:, None] > 0, axis, -axis)
    centre = around.mean(axis=1)
    arms = [frames.at((number, "CA")) - centre for number in (glutamate, lysine)]
    own, other = (arm - np.einsum("fi,fi->f", arm, axis)[:, None] * axis for arm in arms)
    turn = np.einsum("fi,fi->f", np.cross(own, other), axis)
    return np.asarray(np.degrees(np.arctan2(turn, np.einsum("fi,fi->f", own, other))))


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _loop(frames: _Frames, marks: KinaseLandmarks) -> dict[str, Floats]:
    sixth, before = marks.loop_sixth, marks.before_hrd
    end = tyrosine = frames.missing()
    if marks.ape_glutamate is not None:
        ninth = marks.ape_glutamate - parts._NINTH_FROM_END
        end = frames.distance((ninth, "CA"), (marks.hrd_arginine, "O"))
    if marks.loop_tyrosine is not None:
        tyrosine = frames.distance((marks.loop_tyrosine, "CA"), (marks.hrd_aspartate, "CG"))
    return {
        "loop_n_terminal_angstrom": np.fmin(
            frames.distance((sixth, "N"), (before, "O")), frames.distance((sixth, "O"), (before, "N"))
        ),
        "loop_c_terminal_angstrom": end,
        "loop_tyrosine_angstrom": tyrosine,
    }


def _spine(frames: _Frames, marks: KinaseLandmarks) -> Floats:
    """The widest gap between neighbours of the regulatory spine; NaN if a side chain is missing."""
    if marks.spine_beta4 is None:
        return frames.missing()
    members = (marks.hrd_histidine, marks.dfg_phenylalanine, marks.helix_c_plus_four, marks.spine_beta4)
    sides = [np.asarray(frames.places.side.get(number, ()), dtype=np.intp) for number in members]
    gaps = [frames.gap(one, two) for one, two in pairwise(sides)]
    return np.asarray(np.max(np.stack(gaps), axis=0))


def _regulatory(frames: _Frames, marks: KinaseLandmarks) -> tuple[dict[str, Floats], dict[str, Labels]]:
    """SH2 against the lobes and SH3 against the linker."""
    none = frames.missing()
    found = dict.fromkeys(MEASURES[-4:], none)
    absent = np.full(len(frames.chunk), "not modelled")
    words: dict[str, Labels] = {"sh2_position": absent, "sh3_linker": absent}
    regulatory = marks.regulatory
    if regulatory is None:
        return found, words
    linker = frames.gap(frames.places.of(regulatory.linker_prolines), frames.places.of(regulatory.sh3_groove))
    if not np.isnan(linker).all():
        found["sh3_linker_angstrom"] = linker
        words["sh3_linker"] = np.where(linker <= parts.CONTACT, "docked", "apart")
    stretches = (regulatory.sh2, regulatory.n_lobe, regulatory.c_lobe)
    alphas = [frames.alphas(*stretch) for stretch in stretches]
    if any(
        points.shape[1] < _LEAST_SHARE * (last - first + 1)
        for points, (first, last) in zip(alphas, stretches, strict=True)
    ):
        return found, words
    sh2, n_lobe, c_lobe = (points.mean(axis=1) for points in alphas)
    axis, arm = _unit(n_lobe - c_lobe), _unit(sh2 - (n_lobe + c_lobe) / 2)
    to_n, to_c = (np.linalg.norm(sh2 - lobe, axis=1) for lobe in (n_lobe, c_lobe))
    found["sh2_to_n_lobe_angstrom"], found["sh2_to_c_lobe_angstrom"] = to_n, to_c
    cosine = np.clip(np.einsum("fi,fi->f", axis, arm), -1.0, 1.0)
    found["sh2_angle_degrees"] = np.degrees(np.arccos(cosine))
    heavy = [frames.places.of(range(first, last + 1)) for first, last in stretches]
    touch_n, touch_c = (frames.touching(heavy[0], lobe, parts.CONTACT) for lobe in heavy[1:])
    touches = np.where(to_n < to_c, touch_n, touch_c)
    nearer = np.where(to_n < to_c, "on the N-lobe", "on the C-lobe")
    words["sh2_position"] = np.where(touches, nearer, "apart")
    return found, words


def _classes(found: dict[str, Floats], angles: Floats, marks: KinaseLandmarks) -> dict[str, Labels]:
    """The classes of the kinase domain."""
    spatial = _spatial(found["dfg_d1_angstrom"], found["dfg_d2_angstrom"])
    cluster = _clusters(spatial, angles)
    bridge = _within(found["salt_bridge_271_286_angstrom"], parts.HYDROGEN_BOND, "closed", "open")
    start = _within(found["loop_n_terminal_angstrom"], parts.HYDROGEN_BOND, "in", "out")
    end = _within(found["loop_c_terminal_angstrom"], marks.loop_c_terminal_cutoff_angstrom, "in", "out")
    shape = _within(found["loop_n_terminal_angstrom"], parts.HYDROGEN_BOND, "extended", "intermediate")
    shape = np.where(found["loop_tyrosine_angstrom"] <= parts.FOLDED_LOOP, "folded", shape)
    tip = found["p_loop_angstrom"]
    stretched = np.where(tip >= parts.P_LOOP_KINKED, "kinked", "stretched")
    states = ((spatial, "in"), (cluster, "BLAminus"), (bridge, "closed"))
    return {
        "dfg": spatial,
        "dfg_cluster": cluster,
        "helix_c": _within(found["helix_c_beta_distance_angstrom"], parts.HELIX_C_IN, "in", "out"),
        "salt_bridge": bridge,
        "activation_loop": shape,
        "spine": _within(found["spine_widest_angstrom"], parts.SPINE, "assembled", "broken"),
        "p_loop": np.where(np.isnan(tip), "unassigned", stretched),
        "activity": _activity((*states, (start, "in"), (end, "in"))),
    }


def _spatial(d1: Floats, d2: Floats) -> Labels:
    """``conformation_dfg.classify_dfg`` over arrays."""
    near = np.where(d2 >= dfg.DFG_IN_D2, "in", "inter")
    far = np.where(d2 <= dfg.DFG_OUT_D2, "out", "unassigned")
    label = np.where(d1 <= dfg.DFG_IN_D1, near, far)
    return np.where(np.isnan(d1) | np.isnan(d2), "unassigned", label)


def _clusters(spatial: Labels, angles: Floats) -> Labels:
    """``conformation_dfg.classify_dihedrals`` over arrays: the nearest cluster of each frame's class."""
    found = np.full(len(spatial), "unassigned", dtype="U10")
    known = ~np.isnan(angles).any(axis=1)
    for name, centres in dfg.CENTRES.items():
        rows = np.flatnonzero(known & (spatial == name))
        if len(rows):
            apart = np.radians(angles[rows][:, None] - np.asarray(list(centres.values()))[None])
            distance = 2.0 * (1.0 - np.cos(apart)).mean(axis=2)
            nearest = np.asarray(list(centres))[distance.argmin(axis=1)]
            found[rows] = np.where(distance.min(axis=1) < dfg.CLUSTER_CUTOFF, nearest, "noise")
    return found


def _within(distance: Floats, bound: float, near: str, far: str) -> Labels:
    label = np.where(distance <= bound, near, far)
    return np.where(np.isnan(distance), "unassigned", label)


def _activity(states: Iterable[tuple[Labels, str]]) -> Labels:
    """Kincore's label: active where every criterion holds, inactive where one fails."""
    rows = [(labels == wanted, labels == "unassigned") for labels, wanted in states]
    holds = np.all([held for held, _ in rows], axis=0)
    fails = np.any([~held & ~unknown for held, unknown in rows], axis=0)
    return np.where(fails, "inactive", np.where(holds, "active", "unassigned"))

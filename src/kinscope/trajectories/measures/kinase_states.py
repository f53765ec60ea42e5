"""The conformation of a kinase in every frame of a chunk at once.

Definitions, thresholds and words are those of :mod:`kinscope.structures.conformation`; only what is far
apart is measured in a quicker way here. A test holds frames to the same answer as single structures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from kinscope.analysis.superposition import pair_distances, reachable_pairs
from kinscope.structures.conformation.atoms import AtomTable, Floats, Labels
from kinscope.structures.conformation.classify import measure_shapes
from kinscope.targets.pack import KinaseLandmarks
from kinscope.trajectories.frames import Chunk
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.measures.motion import Series

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
FARTHEST = 12.0
"""Gaps of side chains and domains beyond this are all the same here: wide."""
_OF_ACTIVITY = ("loop_n_terminal", "loop_c_terminal")
"""Classes that count in ``activity`` alone."""


class KinaseStates(Series):
    """Measures and classes of every frame: means, shares, and changes of the DFG class."""

    names = MEASURES

    def __init__(self, layout: Layout, landmarks: KinaseLandmarks) -> None:
        super().__init__()
        self._marks = landmarks
        self._table = _Frames(layout)
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
        self._table.look_at(chunk)
        shapes = measure_shapes(self._table, self._marks)
        found = shapes.numbers | {"spine_widest_angstrom": shapes.spine.max(axis=0)}
        for name in ("spine_widest_angstrom", "sh3_linker_angstrom"):
            found[name] = np.minimum(found[name], FARTHEST)
        words = {aspect: labels for aspect, labels in shapes.words.items() if aspect not in _OF_ACTIVITY}
        return {name: found[name] for name in MEASURES}, words


class _Frames(AtomTable):
    """Heavy protein atoms in the frames of a chunk."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, layout.heavy & layout.protein)

    def look_at(self, chunk: Chunk) -> None:
        """Measure in these frames from here on."""
        self._chunk, self.frames = chunk, chunk.coordinates

    def gap(self, first: Sequence[int], second: Sequence[int], farthest: float = FARTHEST) -> Floats:
        """As of a structure: exact within ``farthest``, something greater beyond."""
        if not first or not second:
            return self.missing
        one, two = (self._chunk.placed(np.asarray(side, dtype=np.intp)) for side in (first, second))
        pairs = reachable_pairs(one, two, farthest)
        if not len(pairs[0]):
            return np.full(len(self.frames), np.inf)
        return np.asarray(pair_distances(one, two, pairs).min(axis=1), dtype=np.float64)

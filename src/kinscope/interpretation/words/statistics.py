"""Sampling and comparisons in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kinscope.analysis.regions import time_words

KEPT_MEANS = (
    "no loss of the kind that T315I causes is seen; eight- to ninefold losses published for ABL1 (V299L with "
    "dasatinib, E255K and G250E with imatinib) read like this too"
)
"""What ``kept`` is worth, by controls named before they were run (docs/validation.md, Relaxed complexes): the
interval holds what repeats vary by, not what one crystal's conformation and the force field get wrong."""


def _sampled(words: str) -> Callable[..., str]:
    """A sentence on replicas of one length, which stand before it: ``3 x 20 ns: ...``."""

    def said(*, replicas: int, length_ns: float, **values: float) -> str:
        return f"{replicas} x {time_words(length_ns)}: {words.format(**values)}"

    return said


def _values_differ(split_r: float | None, sampling: str) -> str:
    ratio = "inf" if split_r is None else f"{split_r:.2f}"
    return f"parts of the trajectories do not show the same (split R {ratio}), {sampling}"


SENTENCES: Mapping[str, str | Callable[..., str]] = {
    "one-replica": _sampled("one replica has no spread"),
    "too-short": _sampled("shorter than the nanosecond in which loops begin to move"),
    "halves-without-motion": _sampled("too few frames, or halves without motion, to judge the sampling"),
    "parts-differ": _sampled("parts of the trajectories do not show the same motion (split R {split_r:.2f})"),
    "parts-differ-somewhat": _sampled("parts of the trajectories differ (split R {split_r:.2f})"),
    "parts-agree": _sampled("all parts of the trajectories show the same motion (split R {split_r:.2f})"),
    "too-few-values": "parts of the trajectories do not show the same (too few values to judge the "
    "sampling), {sampling}",
    "values-differ": _values_differ,
    "no-time": "the files tell no time, so the sampling cannot be judged ({sampling})",
    "too-short-for-side-chains": "{sampling}: shorter than the nanosecond in which side chains and loops "
    "begin to move",
    "no-landmarks": "conformational classes: not measured, the kinase's landmarks are not known here",
    "no-such-residue": lambda residues: f"no such residue in the topology: {', '.join(map(str, residues))}",
    "no-hydrogens": "hydrogen bonds: by distance alone (3.5 Å), the topology holds no hydrogens",
    "ligands-not-followed": "{left} of {present} other molecules are not followed: they do not touch the "
    "protein at the start, or are more than {most}",
    "pocket-not-measured": "{pocket}: no volume; {why}",
    "trajectory-cut": "{file} breaks off within frame {frames} (from 0); the {frames} whole frames are used",
    "other-count": "the header of {file} tells {told} frames, the file holds {frames}",
    "times-go-back": "{file}: {count} frames are not later than the one before, the first is frame {first} "
    "(from 0). Where overlapping runs were joined, the overlap counts twice; times are not used",
    "box-in-some-frames": "{file} tells the periodic box in {boxed} of {frames} frames",
    "box-in-some-files": lambda without: f"no periodic box, unlike the others: {', '.join(without)}",
    "native-topology": "the topology holds {residues}: these trajectories are of the native kinase",
    "other-topology": "the topology holds {residues}, neither native nor {variant}",
    "other-protein": "no chain of {gene} was found: residues bear the numbers of the file, and what needs "
    "{gene}'s landmarks is not measured",
}
"""A format string, or a function of the note's values, by code."""

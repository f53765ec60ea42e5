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


SENTENCES: Mapping[str, Callable[..., str]] = {
    "one-replica": _sampled("one replica has no spread"),
    "too-short": _sampled("shorter than the nanosecond in which loops begin to move"),
    "halves-without-motion": _sampled("too few frames, or halves without motion, to judge the sampling"),
    "parts-differ": _sampled("parts of the trajectories do not show the same motion (split R {split_r:.2f})"),
    "parts-differ-somewhat": _sampled("parts of the trajectories differ (split R {split_r:.2f})"),
    "parts-agree": _sampled("all parts of the trajectories show the same motion (split R {split_r:.2f})"),
    "values-differ": _values_differ,
}
"""Functions of a note's values, by code."""

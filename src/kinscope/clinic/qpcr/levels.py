"""The international scale, the class of molecular response, and how deep a sample can see.

The factor: Hughes T et al. Blood 2006;108:28-37 (doi:10.1182/blood-2006-01-0092). Depth, by the sum of
control-gene transcripts: Cross NCP et al. Leukemia 2015;29:999-1003 (doi:10.1038/leu.2015.29).
"""

from __future__ import annotations

import math

from kinscope.clinic.measurements import known_protein
from kinscope.clinic.qpcr.model import ScaleResult
from kinscope.core.records import Record


class DepthLevel(Record):
    """One level of response: minus log10 of the ratio, its upper end, and the control copies it takes."""

    name: str
    log: float
    at_most_percent: float
    control_copies: dict[str, float]


MR3 = DepthLevel(name="MMR", log=3.0, at_most_percent=0.1, control_copies={})
DEEP_LEVELS = (
    DepthLevel(name="MR4", log=4.0, at_most_percent=0.01, control_copies={"ABL1": 10_000, "GUSB": 24_000}),
    DepthLevel(
        name="MR4.5", log=4.5, at_most_percent=0.0032, control_copies={"ABL1": 32_000, "GUSB": 77_000}
    ),
    DepthLevel(name="MR5", log=5.0, at_most_percent=0.001, control_copies={"ABL1": 100_000, "GUSB": 240_000}),
)
"""Shallowest first. BCR is no part of the published table of copies, so no depth is derived from it."""


def depth_of(control_gene: str, control_copies: float) -> DepthLevel | None:
    """The deepest level that a sample with this sum of control transcripts can be scored at.

    None where it reaches none, or where the table has no numbers for the control gene.
    """

    def holds(level: DepthLevel) -> bool:
        return level.control_copies.get(control_gene, math.inf) <= control_copies

    return next(filter(holds, reversed(DEEP_LEVELS)), None)


def deepest_by_level(percent: float) -> DepthLevel | None:
    """The deepest level a percentage on the international scale lies at; None above 0.1 %."""
    return next((level for level in reversed((MR3, *DEEP_LEVELS)) if percent <= level.at_most_percent), None)


def deepest_by_log(log: float) -> DepthLevel | None:
    """The deepest level that minus log10 of a ratio reaches; None below a major response."""
    return next((level for level in reversed((MR3, *DEEP_LEVELS)) if log >= level.log), None)


def to_international_scale(
    percent: float | None,
    interval: tuple[float, float],
    transcript: str,
    control_gene: str,
    factor: float | None,
) -> ScaleResult:
    """Convert a percentage, or say why it cannot be converted.

    The factor's own uncertainty is not part of the interval.
    """
    refusal = _refusal(transcript, control_gene, factor)
    if refusal or factor is None:
        return ScaleResult(applies=False, reason=refusal)
    low, high = interval
    return ScaleResult(
        applies=True,
        percent=None if percent is None else percent * factor,
        low_percent=low * factor,
        high_percent=high * factor,
    )


def _refusal(transcript: str, control_gene: str, factor: float | None) -> str:
    fusion = known_protein(transcript)
    if fusion is None:
        said = f"{transcript!r} is not a known transcript" if transcript else "the transcript is not given"
        return f"{said}; the scale is for e13a2 and e14a2 (p210) only"
    if reason := off_scale(transcript):
        return reason
    if control_gene not in ("ABL1", "GUSB", "BCR"):
        return f"not defined with {control_gene} as control gene"
    return "no conversion factor of this laboratory is given" if factor is None else ""


def off_scale(transcript: str) -> str:
    """Why a known transcript has no international scale; empty for p210 and what is not known."""
    fusion = known_protein(transcript)
    if fusion is None or (fusion.protein == "p210" and (fusion.common or not fusion.name)):
        return ""
    return f"not defined for {fusion.protein}" + (f" ({fusion.name})" if fusion.name else "")


def molecular_class(
    percent: float | None, scale: ScaleResult, depth: DepthLevel | None, control_gene: str = "ABL1"
) -> str:
    """The class of response that this one sample shows, as reports word it.

    From the normalised copy number in per cent, None where no transcript was detected; the same on the
    international scale; and the deepest level that the control transcripts allow.
    """
    if percent is None and control_gene not in DEEP_LEVELS[0].control_copies:
        return f"undetectable; no published number of {control_gene} transcripts says to which depth"
    if percent is None:
        if depth is None:
            return "undetectable, but the sample does not reach a sensitivity of MR4"
        complete = " (a complete molecular response in Ph+ ALL)" if not scale.applies else ""
        return f"undetectable at a sensitivity of {depth.name}{complete}"
    if not scale.applies or scale.percent is None:
        return "detectable"
    reached = deepest_by_level(scale.percent)
    if reached is None:
        return "no major molecular response (above 0.1 % on the international scale)"
    if reached.name != "MMR" and (depth is None or depth.log < reached.log):
        allowed = depth.name if depth else "MMR"
        return f"{allowed}: the level is that of {reached.name}, the control transcripts allow no more"
    return reached.name

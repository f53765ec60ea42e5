"""How deep a sample can see: control-gene transcripts to molecular response levels.

Cross NCP et al. Leukemia 2015;29:999-1003 (doi:10.1038/leu.2015.29): the sum of control-gene
transcripts over the replicates sets the deepest level a sample can be scored at, whether BCR::ABL1 is
found or not; each single replicate should hold at least the number for MR4.
"""

from __future__ import annotations

from kinscope.core.records import Record


class DepthLevel(Record):
    """One level of molecular response and what a sample needs for it.

    Attributes
    ----------
    log
        Minus log10 of the ratio.
    at_most_percent
        Highest level on the international scale.
    control_copies
        Least sum of control-gene transcripts, by control gene.
    """

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
    reached = [
        level
        for level in DEEP_LEVELS
        if control_gene in level.control_copies and control_copies >= level.control_copies[control_gene]
    ]
    return reached[-1] if reached else None


def deepest_by_level(percent: float) -> DepthLevel | None:
    """The deepest level a percentage on the international scale lies at; None above 0.1 %."""
    reached = [level for level in (MR3, *DEEP_LEVELS) if percent <= level.at_most_percent]
    return reached[-1] if reached else None


def sensitivity_percent(control_copies: float) -> float:
    """The ratio that one transcript in this many control transcripts stands for, per cent."""
    return 100.0 / control_copies

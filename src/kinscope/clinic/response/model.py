"""What an assessment of response says: a call, the rule that decided it, and what it lacked."""

from __future__ import annotations

from typing import Literal

from kinscope.clinic.measurements import TimePoint
from kinscope.core.records import Record

Disease = Literal["ph-all", "cml"]
Axis = Literal["haematological", "flow MRD", "molecular", "cytogenetic", "milestone"]
Category = Literal[
    # haematological
    "CR",
    "CRh",
    "CRi",
    "MLFS",
    "CHR",
    "active disease",
    "refractory",
    "accelerated phase",
    "blast phase",
    "relapse",
    "extramedullary relapse",
    "loss of CHR",
    # measurable residual disease
    "MRD negative",
    "MRD positive",
    "MRD positive, not quantifiable",
    "MRD relapse",
    "MRD progression",
    # molecular
    "CMR",
    "molecular response",
    "no MMR",
    "MMR",
    "MR4",
    "MR4.5",
    "MR5",
    "molecular relapse",
    "loss of CMR",
    "loss of MMR",
    "loss of DMR",
    # cytogenetic
    "CCyR",
    "PCyR",
    "minor CyR",
    "minimal CyR",
    "no CyR",
    "loss of CCyR",
    "loss of PCyR",
    # milestones of CML
    "optimal",
    "between milestones",
    "warning",
    "failure",
    # nothing can be said
    "cannot be called",
]
Basis = Literal["measured", "reported", "measured and reported"]


class Criterion(Record):
    """One rule of a published definition.

    ``text`` says it in short in our words, ``line`` where the publication says it (table, row); ``standing``
    says how the wording was checked.
    """

    id: str
    criteria_set: str
    text: str
    citation: str
    identifier: str = ""
    line: str = ""
    standing: str = ""


class EvidenceUsed(Record):
    """One measurement that a call rests on, as a short statement such as ``blasts 89 % (marrow)``."""

    kind: str
    at: TimePoint
    statement: str


class ResponseCall(Record):
    """One statement on the response at one time.

    E.g. ``MRD negative`` at level ``not detected at a sensitivity of 0.01 %``, at the time of the latest
    measurement of its evidence. Missing is what would have been needed for more (``no platelet count``); the
    basis, whether numbers decided or the treating centre's statement stood in for some; notes, what a reader
    should know beside it, such as two methods that contradict each other.
    """

    category: Category
    axis: Axis
    level: str = ""
    at: TimePoint
    criterion: Criterion
    evidence: tuple[EvidenceUsed, ...] = ()
    missing: tuple[str, ...] = ()
    basis: Basis = "measured"
    notes: tuple[str, ...] = ()
    statement: str


class TestingDue(Record):
    """A moment at which a guideline asks for BCR::ABL1 kinase-domain mutation testing.

    ``done`` holds the screenings from ``days_before`` it to ``days_after`` it; it is empty where none was
    recorded.
    """

    at: TimePoint
    reason: str
    criterion: Criterion
    done: tuple[EvidenceUsed, ...] = ()
    days_before: int = 0
    days_after: int = 0

"""What published evidence on exactly this change says of one drug.

Items are ranked by how directly they speak: a trial cohort before a panel measurement, a panel before a
qualitative screen, and single patients or associations last. The highest rank that speaks decides; lower
ranks can only weaken confidence, turn a favourable verdict into an open question, or a partial loss into
resistance. So an added resistant item never improves a verdict (tested as a property).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kinscope.evidence.civic import REDUCED_UP_TO
from kinscope.evidence.matching import AGAINST, FOR, INDIRECT_KINDS, MEASURED_KINDS
from kinscope.evidence.model import EvidenceItem
from kinscope.interpretation import thresholds
from kinscope.interpretation.model import Reason

Confidence = Literal["high", "moderate", "low"]
PublishedVerdict = Literal[
    "resistance reported", "reduced sensitivity reported", "not resolved", "sensitivity reported"
]
Weight = Literal["strong", "moderate", "weak"]

_CLINICAL = ("clinical resistance", "clinical response", "statement")
_RANK_WEIGHT: dict[int, Weight] = {1: "strong", 2: "moderate", 3: "weak", 4: "weak"}
NOT_DECIDING = 5


@dataclass(frozen=True)
class PublishedOpinion:
    """The verdict of the published evidence on one drug, None where it does not decide."""

    verdict: PublishedVerdict | None
    confidence: Confidence
    weak_resistance: tuple[EvidenceItem, ...]
    """Single patients and associations that speak of resistance; they never decide."""
    deciding: tuple[EvidenceItem, ...]
    reasons_for: tuple[Reason, ...]
    reasons_against: tuple[Reason, ...]

    @property
    def has_reservation(self) -> bool:
        """Whether every clinical item that decides carries a caveat (a dose, another phase of disease)."""
        clinical = [item for item in self.deciding if rank(item) == 1]
        return bool(clinical) and all(item.caveat for item in clinical)


def rank(item: EvidenceItem) -> int:
    """1 (decides first) to 4 (never decides); 5 for a computation, a mechanism, or who inherits it."""
    if item.kind in INDIRECT_KINDS:
        return NOT_DECIDING
    if item.kind == "case report" or (item.strength == "weak" and item.kind not in MEASURED_KINDS):
        return 4
    if item.kind in MEASURED_KINDS:
        return 3 if item.strength == "weak" else 2
    if item.kind in _CLINICAL:
        return 1 if item.strength == "strong" else 2
    return 3


def published_opinion(items: Sequence[EvidenceItem]) -> PublishedOpinion:
    """Weigh the items on exactly this change (relation ``exact``) and one drug."""
    ranks: dict[int, list[EvidenceItem]] = {}
    for item in items:
        ranks.setdefault(rank(item), []).append(item)
    weak = tuple(item for item in ranks.get(4, []) if item.direction in AGAINST)
    verdict: PublishedVerdict | None = None
    confidence: Confidence = "low"
    deciding: list[EvidenceItem] = []
    for level in (1, 2, 3):
        deciding = [item for item in ranks.get(level, []) if item.direction != "unclear"]
        if deciding:
            verdict = _by_burden(deciding)
            confidence = _confidence(level, deciding, verdict, ranks)
            if verdict == "reduced sensitivity reported" and _is_resistant_below(ranks, level):
                verdict = "resistance reported"
            if verdict == "resistance reported" and level > 1 and _is_mild(items):
                verdict = "reduced sensitivity reported"
            if verdict == "sensitivity reported" and level > 1 and _is_doubted(ranks.get(4, [])):
                verdict, confidence = "not resolved", "low"
            break
    return PublishedOpinion(
        verdict=verdict,
        confidence=confidence,
        weak_resistance=weak,
        deciding=tuple(deciding),
        reasons_for=_reasons(items, FOR),
        reasons_against=_reasons(items, AGAINST),
    )


def burden(items: Sequence[EvidenceItem]) -> float:
    """Share of resistance among items that take a side; reduced sensitivity counts half."""
    resistant = sum(item.direction == "resistant" for item in items)
    reduced = sum(item.direction == "reduced sensitivity" for item in items)
    return (resistant + 0.5 * reduced) / len(items)


def _by_burden(items: Sequence[EvidenceItem]) -> PublishedVerdict:
    share = burden(items)
    if share >= thresholds.BURDEN_RESISTANT:
        return "resistance reported"
    return "sensitivity reported" if share <= thresholds.BURDEN_SENSITIVE else "reduced sensitivity reported"


_ASSUMED_FOLD = {"resistant": 10.0, "reduced sensitivity": 3.0, "no effect": 1.0, "sensitive": 0.3}
"""Of a measurement without a number."""


def averaged(items: Sequence[EvidenceItem]) -> list[EvidenceItem]:
    """The measurements whose mean is taken: cell IC50, or Kd where there is none; flagged ones come last."""
    own = [item for item in items if item.kind in MEASURED_KINDS and item.direction != "unclear"]
    sound = [item for item in own if item.strength != "weak"] or own
    return [item for item in sound if item.kind == "cell IC50 fold"] or sound


def _is_mild(items: Sequence[EvidenceItem]) -> bool:
    """Whether the change was measured and the measurements' geometric mean is at most fourfold."""
    sound = averaged([item for item in items if item.strength != "weak"])
    logs = [math.log(item.value or _ASSUMED_FOLD[item.direction]) for item in sound]
    return bool(logs) and sum(logs) / len(logs) <= math.log(REDUCED_UP_TO)


def _is_resistant_below(ranks: dict[int, list[EvidenceItem]], level: int) -> bool:
    """Two or more resistant items of lower rank that outweigh the rest there.

    Patients who respond less well, with laboratories that measure resistance, are reported resistance.
    """
    below = [
        item for low in range(level + 1, 4) for item in ranks.get(low, []) if item.direction != "unclear"
    ]
    resistant = sum(item.direction == "resistant" for item in below)
    return resistant >= 2 and burden(below) >= thresholds.BURDEN_RESISTANT


def _is_doubted(weak: Sequence[EvidenceItem]) -> bool:
    """Whether single patients and small groups speak of resistance, and no fewer than speak of response."""
    against = sum(item.direction == "resistant" for item in weak)
    return against >= max(thresholds.WEAK_REPORTS_TO_DOUBT, sum(item.direction in FOR for item in weak))


def _confidence(
    level: int,
    deciding: Sequence[EvidenceItem],
    verdict: PublishedVerdict,
    ranks: dict[int, list[EvidenceItem]],
) -> Confidence:
    """High only for clinical evidence that a second source of weight confirms and none contradicts."""
    favourable = verdict == "sensitivity reported"
    opposing = AGAINST if favourable else FOR
    weighty = [item for low in (1, 2) for item in ranks.get(low, []) if item.direction != "unclear"]
    contradicted = any(item.direction in opposing for item in weighty)
    if level == 1:
        return "moderate" if contradicted or len(weighty) < 2 else "high"
    if level == 2:
        share = burden(deciding)
        one_sided = share >= 0.75 or share <= 0.25
        return "moderate" if len(deciding) >= 2 and one_sided else "low"
    return "low"


def _reasons(items: Sequence[EvidenceItem], directions: Sequence[str]) -> tuple[Reason, ...]:
    """The weightiest items of one side as reasons, tiers kept apart."""
    chosen = sorted((item for item in items if item.direction in directions), key=lambda i: (rank(i), i.id))
    reasons: list[Reason] = []
    for tier in ("measured", "published"):
        of_tier = [item for item in chosen if item.tier == tier]
        reasons += [reason_of(item) for item in of_tier[: thresholds.REASONS_PER_TIER]]
    return tuple(reasons)


def reason_of(item: EvidenceItem, *, prefix: str = "") -> Reason:
    """An evidence item as a reason, with its caveat."""
    text = f"{prefix}{item.summary}"
    if item.caveat:
        text = f"{text} Caveat: {item.caveat}"
    return Reason(
        tier=item.tier,
        text=text,
        source=f"{item.citation}, {item.identifier}",
        weight=_RANK_WEIGHT.get(rank(item), "weak"),
    )

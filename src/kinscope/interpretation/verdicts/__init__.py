"""Verdicts: one a drug, with what they rest on, what stands against them, and how often such were right."""

from kinscope.interpretation.verdicts.judging import (
    NOTHING,
    Judgement,
    assessed_drugs,
    evidence_verdicts,
    judge,
)
from kinscope.interpretation.verdicts.standing import next_steps

__all__ = ["NOTHING", "Judgement", "assessed_drugs", "evidence_verdicts", "judge", "next_steps"]

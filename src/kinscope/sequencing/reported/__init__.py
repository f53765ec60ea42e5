"""Calls that others made: VCF and tables."""

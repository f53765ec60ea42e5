"""Quantitative PCR: a run read, accepted, quantified, put on a scale."""

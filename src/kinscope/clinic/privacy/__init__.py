"""Pseudonyms, and what is redacted before anything is written."""

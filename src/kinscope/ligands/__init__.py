"""Ligands: the drug library and its chemistry."""

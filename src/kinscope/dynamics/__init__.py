"""Dynamics: solvated systems and replicas."""

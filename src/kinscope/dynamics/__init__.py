"""Dynamics: solvated systems, replicas, normal modes of the force field."""

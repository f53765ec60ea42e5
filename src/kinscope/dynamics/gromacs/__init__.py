"""GROMACS as the second engine."""

"""Energies and gradients over arrays, compiled: Vina's function, MMFF94, electrostatics, the minimiser."""

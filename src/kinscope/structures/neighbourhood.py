"""The interactions of one residue with those around it, and what a substitution does to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.results import Contact, ContactChange
from kinscope.structures.model import AtomArray


def neighbourhood(atoms: AtomArray, residue: int) -> list[Contact]:
    """Every interaction of a residue with the rest of the model, strongest kinds first."""
    raise NotImplementedError


def compare_neighbourhoods(
    state: str, native_contacts: Sequence[Contact], mutants_contacts: Sequence[Sequence[Contact]]
) -> list[ContactChange]:
    """What the substitution keeps, loses and gains, over the mutant's alternative models."""
    raise NotImplementedError


def distance_to_residue(atoms: AtomArray, residue: int, points: np.ndarray) -> float:
    """Shortest distance, angstrom, of points (n, 3) to the residue's heavy atoms."""
    raise NotImplementedError

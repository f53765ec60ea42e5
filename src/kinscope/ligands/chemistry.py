"""Conformers by distance geometry: ETKDGv3 (Wang, Witek, Landrum & Riniker, JCIM 2020, 60, 2044)."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any


def embedding_parameters(seed: int) -> Any:
    """ETKDGv3's, with one thread: a seed gives the same conformers every time."""
    from rdkit.Chem import rdDistGeom

    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed
    parameters.numThreads = 1
    return parameters


def add_conformers(molecule: Any, count: int, seed: int, *, insist: bool = False) -> list[int]:
    """Give a molecule with all hydrogens up to so many conformers, in place of those it has; their ids.

    ``count`` are tried, from random distances of the seed. With ``insist``, where none is found, it tries
    again from random coordinates, which suits large rings and cages.
    """
    from rdkit.Chem import rdDistGeom

    parameters = embedding_parameters(seed)
    found = list(rdDistGeom.EmbedMultipleConfs(molecule, count, parameters))
    if not found and insist:
        parameters.useRandomCoords = True
        found = list(rdDistGeom.EmbedMultipleConfs(molecule, count, parameters))
    return found


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence RDKit's log, Meeko's prints and warnings within the block."""
    from rdkit import rdBase

    block = rdBase.BlockLogs()
    logger = logging.getLogger("meeko")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        del block

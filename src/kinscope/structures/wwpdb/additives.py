"""What crystals hold of the solution that they grew in: polyethylene glycols, buffers, detergents.

They stand wherever there is room, in pockets too, and are nobody's drug. Glycols are known by their shape, as
the Chemical Component Dictionary has a code for every length in which one was seen; the others by their codes
there. Kinds as in BioLiP's artefacts (Yang, Roy & Zhang, Nucleic Acids Res. 2013, 41, D1096).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# HEPES, MES, MOPS, PIPES, CAPS, CHES, bicine, Tris, Bis-Tris, Bis-Tris propane
_BUFFERS = "EPE MES MPO PIN CXS NHE BCN TRS BTB B3P"
# citrate, tartrate, succinate, malate, malonate
_ACIDS = "CIT FLC TLA TAR SRT SIN MLT MLI"
# methylpentanediol, hexanediol, Jeffamine, glycerol, ethylene glycol, DMSO, sucrose, trehalose
_SOLVENTS = "MPD MRD HEZ JEF GOL EDO DMS SUC TRE"
# octyl glucoside, dodecyl maltoside, LDAO, dodecyl sulphate, C8E4, CHAPS, monoolein
_DETERGENTS = "BOG LMT LDA SDS C8E CPS OLC"
# dithiothreitol, TCEP, mercaptoethanol, spermine, spermidine
_OTHERS = "DTT TCE BME SPM SPD"
_CODES = frozenset(f"{_BUFFERS} {_ACIDS} {_SOLVENTS} {_DETERGENTS} {_OTHERS}".split())
_BONDED_ANGSTROM = 1.9
"""Between carbons and oxygens: bonds are 1.2-1.6, the next neighbours 2.2 and more."""


def is_additive(code: str, elements: Sequence[str], coordinates: NDArray[np.float64]) -> bool:
    """Whether a molecule is of the crystal's solution.

    ``code``: in the Chemical Component Dictionary. ``elements``, ``coordinates``: of its heavy atoms,
    (n_atoms, 3) in angstrom.
    """
    return code.upper() in _CODES or _is_glycol([element.upper() for element in elements], coordinates)


def _is_glycol(elements: Sequence[str], coordinates: NDArray[np.float64]) -> bool:
    """An unbranched, open chain of carbons and oxygens: no two oxygens and no three carbons in a row."""
    if len(elements) < 4 or set(elements) != {"C", "O"}:
        return False
    gaps = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2)
    bonded = (gaps < _BONDED_ANGSTROM) & (gaps > 0.0)
    carbons = np.array([element == "C" for element in elements])
    alike = bonded & (carbons[:, None] == carbons[None])
    chain = bonded.sum() == 2 * (len(elements) - 1) and bonded.sum(axis=1).max() <= 2
    return bool(chain and not alike[~carbons].any() and alike[carbons].sum(axis=1).max() <= 1)

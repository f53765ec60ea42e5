"""Two definitions of an interaction held against the contacts that publications name for four co-crystals.

The lists stand first and were written before anything was scored. ``python benchmarks/published_contacts.py
MIRROR`` prints, for each drug in its prepared crystal and in the shipped model, what each finds, misses and
claims beyond.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

PUBLISHED = {
    # Nagar et al., Cancer Res. 2002, 62, 4236 (1IEP); Cowan-Jacob et al., Acta Cryst. D 2007, 63, 80 (2HYY):
    # pyridine N to Met318 N, anilino NH to Thr315 OG1, amide to Glu286 OE and Asp381 N, methylpiperazinium to the
    # carbonyls of Ile360 and His361; the aromatic cage of pyridine and pyrimidine; the lipophilic surroundings.
    "imatinib": {
        "hydrogen bond": {286, 315, 318, 360, 361, 381},
        "pi stacking": {253, 317, 382},
        "hydrophobic": {248, 253, 256, 269, 289, 290, 313, 317, 370, 382},
    },
    # Weisberg et al., Cancer Cell 2005, 7, 129 (later 3CS9): pyridine N to Met318 N, anilino NH to Thr315 OG1,
    # amide to Glu286 OE and Asp381 N; the rest as imatinib, with CF3-phenyl in the pocket opened by DFG-out.
    "nilotinib": {
        "hydrogen bond": {286, 315, 318, 381},
        "pi stacking": {253, 317, 382},
        "hydrophobic": {248, 253, 256, 269, 289, 290, 317, 370, 382},
    },
    # Tokarski et al., Cancer Res. 2006, 66, 5790 (2GQG): thiazole N to Met318 N, its NH to Met318 O, amide NH to
    # Thr315 OG1; chloro-methyl-phenyl between Met290, Val299, Ile313, Ala380 and the gatekeeper's methyl.
    "dasatinib": {
        "hydrogen bond": {315, 318},
        "pi stacking": set(),
        "hydrophobic": {248, 269, 290, 299, 313, 315, 370, 380},
    },
    # O'Hare et al., Cancer Cell 2009, 16, 401 (3IK3); Zhou et al., Chem. Biol. Drug Des. 2011, 77, 1 (3OXZ):
    # imidazopyridazine N to Met318 N, amide to Glu286 OE and Asp381 N, methylpiperazinium to the carbonyls of
    # Ile360 and His361; core between Tyr253, Leu370 and Phe382, methylphenyl behind the gatekeeper.
    "ponatinib": {
        "hydrogen bond": {286, 318, 360, 361, 381},
        "pi stacking": {253, 317, 382},
        "hydrophobic": {248, 253, 256, 269, 289, 290, 317, 370, 382},
    },
}  # fmt: skip
"""Residues by kind. Directed kinds (all but hydrophobic) that no publication names count as claims beyond."""
COMPLEXES = {
    "imatinib": ("2HYY", "A", "STI"), "nilotinib": ("3CS9", "A", "NIL"),
    "dasatinib": ("2GQG", "A", "1N1"), "ponatinib": ("3OXZ", "A", "0LI"),
}  # fmt: skip

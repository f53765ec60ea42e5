"""How SH2 and SH3 stand to the kinase domain.

In autoinhibited ABL1 the SH2 domain lies on the C-lobe and SH3 holds the polyproline linker (Nagar et al.,
Cell 2003, 112, 859; Mol. Cell 2006, 21, 787); in the activated, extended form SH2 sits on the N-lobe (Nagar
et al. 2006; Filippakopoulos et al., Cell 2008, 134, 793; Lorenz et al., Biochem. J. 2015, 468, 283).
Positions are measured: which lobe SH2 touches and is nearer to, and the direction in which it lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kinscope.structures.conformation_atoms import AtomTable, shortest_gap
from kinscope.targets.pack import RegulatoryDomains

CONTACT = 4.5
"""Heavy atoms this near (angstrom) are in contact."""
_LEAST_SHARE = 0.8
"""A domain is modelled where this share of its CA atoms is there."""


@dataclass(frozen=True)
class Domains:
    """Measured arrangement; angstrom and degrees, NaN where a domain is not modelled."""

    sh2: Literal["on the C-lobe", "on the N-lobe", "apart", "not modelled"] = "not modelled"
    sh2_to_n_lobe: float = float("nan")
    sh2_to_c_lobe: float = float("nan")
    sh2_angle: float = float("nan")
    sh3: Literal["docked", "apart", "not modelled"] = "not modelled"
    sh3_gap: float = float("nan")


def measure_domains(table: AtomTable, regulatory: RegulatoryDomains | None) -> Domains:
    """Arrangement of SH2 to the lobes and of SH3 to the linker.

    Parameters
    ----------
    table
        The structure.
    regulatory
        Where the domains are; None: the kinase has none, all is ``not modelled``.
    """
    if regulatory is None:
        return Domains()
    linker = shortest_gap(table.heavy(regulatory.linker_prolines), table.heavy(regulatory.sh3_groove))
    sh3: Literal["docked", "apart", "not modelled"] = "not modelled"
    if not np.isnan(linker):
        sh3 = "docked" if linker <= CONTACT else "apart"
    stretches = (regulatory.sh2, regulatory.n_lobe, regulatory.c_lobe)
    alphas = [table.alphas(*stretch) for stretch in stretches]
    if any(
        len(points) < _LEAST_SHARE * (last - first + 1)
        for points, (first, last) in zip(alphas, stretches, strict=True)
    ):
        return Domains(sh3=sh3, sh3_gap=linker)
    sh2, n_lobe, c_lobe = (points.mean(axis=0) for points in alphas)
    axis, arm = n_lobe - c_lobe, sh2 - (n_lobe + c_lobe) / 2
    cosine = axis @ arm / (np.linalg.norm(axis) * np.linalg.norm(arm))
    to_n_lobe, to_c_lobe = (float(np.linalg.norm(sh2 - lobe)) for lobe in (n_lobe, c_lobe))
    heavy = table.heavy(range(regulatory.sh2[0], regulatory.sh2[1] + 1))
    nearer = regulatory.n_lobe if to_n_lobe < to_c_lobe else regulatory.c_lobe
    touches = shortest_gap(heavy, table.heavy(range(nearer[0], nearer[1] + 1))) <= CONTACT
    place: Literal["on the C-lobe", "on the N-lobe", "apart"] = "apart"
    if touches:
        place = "on the N-lobe" if nearer == regulatory.n_lobe else "on the C-lobe"
    return Domains(
        sh2=place,
        sh2_to_n_lobe=to_n_lobe,
        sh2_to_c_lobe=to_c_lobe,
        sh2_angle=float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))),
        sh3=sh3,
        sh3_gap=linker,
    )

"""Backbones for a stretch that a crystal does not show: torsions sampled, the chain closed on its anchor.

Each sample starts from torsions drawn for its residues, grows from the near anchor with ideal bond lengths
and angles, and is closed by cyclic coordinate descent (Canutescu & Dunbrack, Protein Sci. 2003, 12, 963):
torsion by torsion, from the far end to the near one, the turn that brings the chain's end nearest to the
anchor, taken only where the residue stays plausible. All samples are closed together as arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.stereochemistry import dihedrals, place, turned, unit

Floats = NDArray[np.float64]

_N_CA, _CA_C, _C_N, _C_O, _CA_CB = 1.459, 1.525, 1.336, 1.229, 1.530
_CA_CA = 3.8
_TAU, _CA_C_N, _C_N_CA, _CA_C_O = 111.0, 117.2, 121.7, 120.1
"""Angstrom and degrees; Engh & Huber, International Tables for Crystallography F (2001), 18.3."""

_SWEEPS = 200
CLOSED_ANGSTROM = 0.2
"""RMSD of N, CA and C of the far anchor at which a chain counts as closed: relaxation mends the rest."""

_Basin = tuple[float, float, float, float, float]
_PPII: _Basin = (0.30, -68.0, 145.0, 14.0, 16.0)
_BETA: _Basin = (0.25, -118.0, 132.0, 20.0, 20.0)
_ALPHA: _Basin = (0.34, -65.0, -38.0, 13.0, 15.0)
_BRIDGE: _Basin = (0.06, -95.0, 0.0, 18.0, 18.0)
_LEFT: _Basin = (0.05, 57.0, 42.0, 9.0, 13.0)
"""Share, phi, psi and their spreads (degrees) of the favoured regions of the Ramachandran plot, rounded from
the contours of Lovell et al., Proteins 2003, 50, 437."""
_BASINS: dict[str, tuple[_Basin, ...]] = {
    "any": (_PPII, _BETA, _ALPHA, _BRIDGE, _LEFT),
    "left": (_PPII, _BETA, _ALPHA, _BRIDGE, (0.15, *_LEFT[1:])),
    "GLY": (
        _PPII, _ALPHA, (0.35, 80.0, 10.0, 18.0, 22.0), (0.20, 75.0, -165.0, 18.0, 20.0),
        (0.15, -100.0, 175.0, 25.0, 20.0),
    ),
    "PRO": ((0.6, -67.0, 148.0, 9.0, 14.0), (0.4, -62.0, -30.0, 8.0, 13.0)),
    "before PRO": ((0.5, *_PPII[1:]), (0.35, *_BETA[1:]), (0.15, -60.0, -45.0, 9.0, 9.0)),
}  # fmt: skip
_FLOOR = 1e-7


@dataclass(frozen=True)
class Backbones:
    """Closed backbones of one stretch."""

    coord: Floats
    """N, CA, C, O, CB of each residue: shape (n_samples, n_residues, 5, 3), angstrom. CB of glycine is there
    as a place holder."""
    log_likelihood: Floats
    """Of the torsions, by the basins, shape (n_samples,)."""


def sample_backbones(
    before: Floats,
    after: Floats,
    names: tuple[str, ...],
    after_name: str,
    *,
    samples: int = 2000,
    seed: int = 1,
) -> Backbones:
    """Sample closed backbones of a stretch.

    ``before`` holds N, CA, C and O (4, 3) of the residue before it, the near anchor, ``after`` N, CA and C
    (3, 3) of the far anchor, angstrom. ``names`` are residue names (``GLY``) of the stretch, ``after_name``
    that of the far anchor: a proline restrains the residue before. Of the chains started (``samples``) those
    that do not close within :data:`_SWEEPS` of cyclic coordinate descent are dropped: possibly none is left,
    where the anchors are further apart than the stretch can reach.
    """
    if float(np.linalg.norm(after[1] - before[1])) > _CA_CA * (len(names) + 1):
        return Backbones(np.empty((0, len(names), 5, 3)), np.empty(0))
    random = np.random.default_rng(seed)
    kinds = _kinds(names, after_name)
    torsions = _draw(kinds, samples, random)
    last_phi = np.full(samples, -75.0)
    for sweep in range(_SWEEPS):
        chain = _grow(before, torsions, last_phi)
        # The first sweeps close at any price; the later ones hold the residues in their basins.
        torsions, last_phi = _sweep(after, chain, torsions, last_phi, kinds, random, strict=sweep >= 10)
    chain = _grow(before, torsions, last_phi)
    gap = np.sqrt(((chain[:, -3:] - after) ** 2).sum(axis=2).mean(axis=1))
    densities = [_density(kind, *torsions[:, place].T) for place, kind in enumerate(kinds)]
    likelihood = np.log(np.stack(densities, axis=1))
    good = (gap < CLOSED_ANGSTROM) & (likelihood.min(axis=1) > np.log(_FLOOR))
    return Backbones(_with_oxygens(chain[good], after[0]), likelihood[good].sum(axis=1))


def _kinds(names: tuple[str, ...], after_name: str) -> tuple[str, ...]:
    kinds = []
    for name, following in zip(names, (*names[1:], after_name), strict=True):
        if name in ("GLY", "PRO"):
            kinds.append(name)
        elif following == "PRO":
            kinds.append("before PRO")
        else:
            kinds.append("left" if name in ("ASN", "ASP") else "any")
    return tuple(kinds)


def _draw(kinds: tuple[str, ...], samples: int, random: np.random.Generator) -> Floats:
    """Torsions (n_samples, n_residues, 2) from the basins, degrees."""
    torsions = np.empty((samples, len(kinds), 2))
    for column, kind in enumerate(kinds):
        basins = np.array(_BASINS[kind])
        chosen = basins[random.choice(len(basins), size=samples, p=basins[:, 0] / basins[:, 0].sum())]
        torsions[:, column] = random.normal(chosen[:, 1:3], chosen[:, 3:5])
    return torsions


def _density(kind: str, phi: Floats, psi: Floats) -> Floats:
    total = np.zeros_like(phi)
    for share, centre_phi, centre_psi, spread_phi, spread_psi in _BASINS[kind]:
        x, y = _wrapped(phi - centre_phi) / spread_phi, _wrapped(psi - centre_psi) / spread_psi
        total += share / (spread_phi * spread_psi) * np.exp(-(x**2 + y**2) / 2)
    return np.asarray(total + _FLOOR / 10)


def _grow(before: Floats, torsions: Floats, last_phi: Floats) -> Floats:
    """N, CA, C of every residue and of the far anchor: shape (n_samples, 3 (n_residues + 1), 3)."""
    samples, residues, _ = torsions.shape
    # psi of the near anchor stays what its own oxygen says.
    n, ca, c, oxygen = (np.broadcast_to(atom, (samples, 3)) for atom in before)
    psi = dihedrals(n, ca, c, oxygen) + 180.0
    chain = []
    straight = np.full(samples, 180.0)
    for index in range(residues + 1):
        phi = torsions[:, index, 0] if index < residues else last_phi
        next_n = place(n, ca, c, _C_N, _CA_C_N, psi)
        next_ca = place(ca, c, next_n, _N_CA, _C_N_CA, straight)
        next_c = place(c, next_n, next_ca, _CA_C, _TAU, phi)
        chain += [next_n, next_ca, next_c]
        n, ca, c = next_n, next_ca, next_c
        if index < residues:
            psi = torsions[:, index, 1]
    return np.stack(chain, axis=1)


def _sweep(
    after: Floats,
    chain: Floats,
    torsions: Floats,
    last_phi: Floats,
    kinds: tuple[str, ...],
    random: np.random.Generator,
    *,
    strict: bool,
) -> tuple[Floats, Floats]:
    """One pass from the far end to the near one: axes before a torsion do not move when it turns."""
    torsions, end = torsions.copy(), chain[:, -3:].copy()
    residues = torsions.shape[1]
    turn = _best_turn(chain[:, -3], chain[:, -2], end[:, 2:], after[2:])
    end[:, 2:] = turned(end[:, 2:], chain[:, -2], unit(chain[:, -2] - chain[:, -3]), turn)
    last_phi = _wrapped(last_phi + turn)
    for index in range(residues - 1, -1, -1):
        for which in (1, 0):
            first, second = chain[:, 3 * index + which], chain[:, 3 * index + which + 1]
            turn = _best_turn(first, second, end, after)
            turn = _allowed(kinds[index], torsions[:, index], which, turn, random, strict=strict)
            end = turned(end, second, unit(second - first), turn)
            torsions[:, index, which] = _wrapped(torsions[:, index, which] + turn)
    return torsions, last_phi


def _allowed(
    kind: str, torsion: Floats, which: int, turn: Floats, random: np.random.Generator, *, strict: bool
) -> Floats:
    """The turn, or none where the residue would become implausible (Metropolis on the density)."""
    if not strict and kind != "PRO":
        return turn
    after = torsion.copy()
    after[:, which] += turn
    now = _density(kind, torsion[:, 0], torsion[:, 1])
    then = _density(kind, after[:, 0], after[:, 1])
    return np.asarray(np.where(random.random(len(turn)) * now <= then, turn, 0.0))


def _best_turn(first: Floats, second: Floats, moving: Floats, target: Floats) -> Floats:
    """Degrees about first -> second that bring ``moving`` (n, m, 3) nearest to ``target`` (m, 3)."""
    axis = unit(second - first)[:, None]
    arm = moving - second[:, None]
    goal = target - second[:, None]
    arm = arm - (arm * axis).sum(axis=2, keepdims=True) * axis
    along = (goal * arm).sum(axis=(1, 2))
    across = (goal * np.cross(np.broadcast_to(axis, arm.shape), arm)).sum(axis=(1, 2))
    return np.asarray(np.degrees(np.arctan2(across, along)))


def _with_oxygens(chain: Floats, after_n: Floats) -> Floats:
    """N, CA, C, O, CB by residue, from N, CA, C of the residues and of the far anchor."""
    samples = len(chain)
    atoms = chain.reshape(samples, chain.shape[1] // 3, 3, 3).copy()
    atoms[:, -1, 0] = after_n
    result = np.empty((samples, atoms.shape[1] - 1, 5, 3))
    for index in range(atoms.shape[1] - 1):
        n, ca, c = (atoms[:, index, i] for i in range(3))
        psi = dihedrals(n, ca, c, atoms[:, index + 1, 0])
        oxygen = place(n, ca, c, _C_O, _CA_C_O, psi + 180.0)
        # An L residue: CB at -122.6 degrees from N about the bond C-CA.
        beta = place(n, c, ca, _CA_CB, 110.1, np.full(samples, 122.6))
        result[:, index] = np.stack([n, ca, c, oxygen, beta], axis=1)
    return result


def _wrapped(degrees: Floats) -> Floats:
    return np.asarray((degrees + 180.0) % 360.0 - 180.0)

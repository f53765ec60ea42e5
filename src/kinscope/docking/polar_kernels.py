"""Generalised Born energies of poses, compiled: see :mod:`kinscope.docking.polar` for what they are.

Integrals: Hawkins, Cramer & Truhlar, Chem Phys Lett 1995, 246, 122. Radii from them: OBC model II, Onufriev,
Bashford & Case, Proteins 2004, 55, 383. Energies are kcal/mol, lengths angstrom. Import where it is used.
"""

from __future__ import annotations

import math

import numpy as np

from kinscope.docking.kernels import compiled
from kinscope.docking.tables import Floats

COULOMB_KCAL_ANGSTROM = 332.06371
_POLARISATION = -COULOMB_KCAL_ANGSTROM * (1.0 - 1.0 / 78.5)
_OFFSET = 0.09
_ALPHA, _BETA, _GAMMA = 1.0, 0.8, 4.85
_ALONE = 40.0
"""Squared distance by the product of Born radii beyond which f is the distance, to a millionth."""
_FAR = 1.0 / 16.0
"""Square of the ratio of sphere and distance below which the integral's series is exact to a millionth."""
_CHANGED_ANGSTROM = 2e-3
"""A receptor atom whose Born radius a ligand changes by less keeps the radius that it has alone."""


@compiled
def _taken(distance: float, radius: float, other: float) -> float:
    """What an atom's sphere (scaled radius) takes from the integral of another (radius less the offset)."""
    if radius >= distance + other:
        return 0.0
    low = 1.0 / max(radius, abs(distance - other))
    up = 1.0 / (distance + other)
    term = low - up + 0.25 * distance * (up * up - low * low) + 0.5 * math.log(up / low) / distance
    term += 0.25 * other * other * (low * low - up * up) / distance
    if radius < other - distance:
        term += 2.0 * (1.0 / radius - low)
    return term


@compiled
def integrals(
    points: Floats, radii: Floats, others: Floats, scaled: Floats, same: bool, sums: Floats
) -> None:
    """Adds to ``sums`` (n) what others take from each atom's integral; ``same``: one set, itself."""
    for i in range(points.shape[0]):
        radius = radii[i] - _OFFSET
        for j in range(others.shape[0]):
            if same and i == j:
                continue
            x, y, z = points[i, 0] - others[j, 0], points[i, 1] - others[j, 1], points[i, 2] - others[j, 2]
            square, other = x * x + y * y + z * z, scaled[j]
            ratio = other * other / max(square, 1e-6)
            if ratio < _FAR and square > (radius + other) * (radius + other):
                series = 2.0 / 3.0 + ratio * (0.8 + ratio * 6.0 / 7.0)
                sums[i] += other * ratio * series / square
            else:
                sums[i] += _taken(max(math.sqrt(square), 1e-3), radius, other)


@compiled
def born_radii(radii: Floats, sums: Floats) -> Floats:
    """Born radii (n) from intrinsic radii and integrals."""
    born = np.empty(radii.shape[0])
    for i in range(radii.shape[0]):
        inner = radii[i] - _OFFSET
        psi = 0.5 * inner * sums[i]
        born[i] = 1.0 / (
            1.0 / inner - math.tanh(_ALPHA * psi - _BETA * psi * psi + _GAMMA * psi * psi * psi) / radii[i]
        )
    return born


@compiled
def _screened(square: float, product: float) -> float:
    """1/f of a pair, from its squared distance and the product of its Born radii."""
    if square > _ALONE * product:
        return 1.0 / math.sqrt(square)
    return 1.0 / math.sqrt(square + product * math.exp(-square / (4.0 * product)))


@compiled
def between_energy(
    points: Floats, charges: Floats, born: Floats, others: Floats, other_charges: Floats, other_born: Floats
) -> float:
    """Coulomb's energy and the polarisation energy between two sets of atoms."""
    energy = 0.0
    for i in range(points.shape[0]):
        for j in range(others.shape[0]):
            x, y, z = points[i, 0] - others[j, 0], points[i, 1] - others[j, 1], points[i, 2] - others[j, 2]
            square = max(x * x + y * y + z * z, 1e-6)
            pair = COULOMB_KCAL_ANGSTROM / math.sqrt(square)
            pair += _POLARISATION * _screened(square, born[i] * other_born[j])
            energy += charges[i] * other_charges[j] * pair
    return energy


@compiled
def slopes(points: Floats, charges: Floats, born: Floats, reach: float) -> Floats:
    """How a set's own polarisation energy changes with the inverse of each Born radius (n)."""
    found = np.zeros(points.shape[0])
    for i in range(points.shape[0]):
        found[i] += 0.5 * charges[i] * charges[i]
        for j in range(i):
            x, y, z = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
            square = x * x + y * y + z * z
            if square < reach * reach:
                product = born[i] * born[j]
                decay = math.exp(-square / (4.0 * product))
                screened = square + product * decay
                slope = 0.5 * decay * (1.0 + square / (4.0 * product)) / (screened * math.sqrt(screened))
                slope *= charges[i] * charges[j] * product
                found[i] += slope * born[i]
                found[j] += slope * born[j]
    return _POLARISATION * found


@compiled
def desolvation(points: Floats, charges: Floats, free: Floats, bound: Floats) -> float:
    """Change of a set's own polarisation energy where its Born radii change from free to bound."""
    energy = 0.0
    for i in range(points.shape[0]):
        if abs(bound[i] - free[i]) < _CHANGED_ANGSTROM:
            continue
        energy += 0.5 * charges[i] * charges[i] * (1.0 / bound[i] - 1.0 / free[i])
        for j in range(points.shape[0]):
            changed = abs(bound[j] - free[j]) >= _CHANGED_ANGSTROM
            if j == i or (changed and j > i):
                continue
            x, y, z = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
            square = x * x + y * y + z * z
            after = bound[j] if changed else free[j]
            energy += (
                charges[i] * charges[j]
                * (_screened(square, bound[i] * after) - _screened(square, free[i] * free[j]))
            )  # fmt: skip
    return _POLARISATION * energy

"""MMFF94 of one molecule as arrays, and its minimisation in a receptor's field, compiled.

RDKit types the molecule and looks the parameters up; what is done here is their sum (Halgren, J Comput Chem
1996, 17, 490, 520, 553, 587; equations as in its first paper), because a relaxation in a receptor's field
asks for it some ten thousand times with another force added, and crossing between RDKit and Python costs more
than the sum. `tests/docking/test_fields_mmff.py` holds energies and gradients to RDKit's own.

Energies are kcal/mol, lengths angstrom, angles degrees.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from kinscope.docking.engine import Mol
from kinscope.docking.fields.arrays import Floats, Integers, ScoreArrays
from kinscope.docking.fields.kernels import compiled, dihedral, score_one, vectorised
from kinscope.ligands.chemistry import quiet

DIELECTRIC = 80.0
"""Charges act as in water: in vacuum a charged drug folds on itself."""
COULOMB_KCAL_ANGSTROM_PER_MOL = 332.0716
SCALE_1_4 = 0.75
"""Of charges three bonds apart."""
_LINEAR_TYPES = frozenset({4, 53, 61})
"""MMFF94 types whose ideal angle is 180 degrees (linh in MMFFPROP.PAR): CSP, =N=, NR%+."""


class MmffArrays(NamedTuple):
    """Every term of a molecule: atoms (n_terms, 2 to 4) and parameters."""

    bonds: Integers
    bond: Floats
    """Force constant (mdyn/angstrom) and length."""
    angles: Integers
    angle: Floats
    """Force constant (mdyn angstrom/rad^2), angle, and 1 for a linear centre."""
    stretch_bend: Floats
    """What each angle shares with its bonds: two force constants (mdyn/rad), 0 for none, and two lengths."""
    planes: Integers
    """Atom, centre, atom, and the atom that leaves their plane."""
    plane: Floats
    torsions: Integers
    torsion: Floats
    pairs: Integers
    pair: Floats
    """Shape (3, n_pairs): inverse of R*, epsilon, and the product of charges over the dielectric constant."""


def mmff_properties(molecule: Mol) -> Any:
    """MMFF94 parameters of a molecule with charges as in water; None where it has none."""
    from rdkit.Chem import rdForceFieldHelpers

    with quiet():
        properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)
    if properties is not None:
        properties.SetMMFFDielectricConstant(DIELECTRIC)
    return properties


def mmff_arrays(molecule: Mol) -> MmffArrays | None:
    """The terms of a molecule with all hydrogens; None where MMFF94 has no parameters for it."""
    from rdkit import Chem

    molecule = Chem.Mol(molecule)  # MMFF94's own perception of aromaticity would stay in the one given
    properties = mmff_properties(molecule)
    if properties is None:
        return None
    bonds = {
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()): properties.GetMMFFBondStretchParams(
            molecule, bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        )[1:]
        for bond in molecule.GetBonds()
    }
    angles = _angle_terms(molecule, properties, bonds)
    planes = _plane_terms(molecule, properties)
    torsions = _torsion_terms(molecule, properties)
    pairs, pair = _columns(_pair_terms(molecule, properties), 2, 3)
    return MmffArrays(
        *_columns(list(bonds.items()), 2, 2),
        *_columns([(atoms, numbers[:3]) for atoms, numbers in angles], 3, 3),
        _columns([(atoms, numbers[3:]) for atoms, numbers in angles], 3, 4)[1],
        *_columns(planes, 4, 1),
        *_columns(torsions, 4, 3),
        pairs,
        np.ascontiguousarray(pair.T),
    )


_Term = tuple[tuple[int, ...], tuple[float, ...]]


def _columns(terms: list[_Term], atoms: int, parameters: int) -> tuple[Integers, Floats]:
    rows = np.array([term[0] for term in terms], dtype=np.int64).reshape(-1, atoms)
    return rows, np.array([term[1] for term in terms], dtype=np.float64).reshape(-1, parameters)


def _angle_terms(
    molecule: Mol, properties: Any, bonds: dict[tuple[int, int], tuple[float, float]]
) -> list[_Term]:
    """Three parameters of each angle and four of its coupling to the bonds."""
    lengths = {frozenset(ends): length for ends, (_, length) in bonds.items()}
    angles: list[_Term] = []
    for atom in molecule.GetAtoms():
        j = atom.GetIdx()
        linear = properties.GetMMFFAtomType(j) in _LINEAR_TYPES
        around = [neighbour.GetIdx() for neighbour in atom.GetNeighbors()]
        for place, i in enumerate(around):
            for k in around[place + 1 :]:
                found = properties.GetMMFFAngleBendParams(molecule, i, j, k)
                if found is None:
                    continue
                coupled = None if linear else properties.GetMMFFStretchBendParams(molecule, i, j, k)
                first, second = (0.0, 0.0) if coupled is None else coupled[1:]
                ends = lengths[frozenset((i, j))], lengths[frozenset((k, j))]
                angles.append(((i, j, k), (found[1], found[2], float(linear), first, second, *ends)))
    return angles


def _plane_terms(molecule: Mol, properties: Any) -> list[_Term]:
    terms: list[_Term] = []
    for atom in molecule.GetAtoms():
        if atom.GetDegree() != 3:
            continue
        j = atom.GetIdx()
        a, b, c = (neighbour.GetIdx() for neighbour in atom.GetNeighbors())
        constant = properties.GetMMFFOopBendParams(molecule, a, j, b, c)
        if constant is not None:
            terms += [((*quartet,), (constant,)) for quartet in ((a, j, b, c), (a, j, c, b), (b, j, c, a))]
    return terms


def _torsion_terms(molecule: Mol, properties: Any) -> list[_Term]:
    terms: list[_Term] = []
    for bond in molecule.GetBonds():
        second, third = bond.GetBeginAtom(), bond.GetEndAtom()
        j, k = second.GetIdx(), third.GetIdx()
        if {properties.GetMMFFAtomType(j), properties.GetMMFFAtomType(k)} & _LINEAR_TYPES:
            continue
        for first in second.GetNeighbors():
            for last in third.GetNeighbors():
                i, m = first.GetIdx(), last.GetIdx()
                if i in (k, m) or m == j:
                    continue
                found = properties.GetMMFFTorsionParams(molecule, i, j, k, m)
                if found is not None:
                    terms.append(((i, j, k, m), tuple(found[1:])))
    return terms


def _pair_terms(molecule: Mol, properties: Any) -> list[_Term]:
    from rdkit import Chem

    apart = Chem.GetDistanceMatrix(molecule)
    charges = [properties.GetMMFFPartialCharge(index) for index in range(molecule.GetNumAtoms())]
    terms: list[_Term] = []
    for i in range(molecule.GetNumAtoms()):
        for j in range(i + 1, molecule.GetNumAtoms()):
            if 2.5 < apart[i, j] < 1e6:
                _, _, radius, depth = properties.GetMMFFVdWParams(i, j)
                scale = SCALE_1_4 if apart[i, j] < 3.5 else 1.0
                product = scale * COULOMB_KCAL_ANGSTROM_PER_MOL * charges[i] * charges[j] / DIELECTRIC
                terms.append(((i, j), (1.0 / radius, depth, product)))
    return terms


_DEGREES = 180.0 / math.pi
_STRETCH = 143.9325
"""kcal/mol per mdyn angstrom."""
_BEND = 0.043844
"""The same per square degree."""
_STRETCH_BEND = 2.51210
_CUBIC_STRETCH, _CUBIC_BEND = -2.0, -0.006981317
_BUFFER, _BUFFER_7, _BUFFER_CHARGE = 0.07, 0.12, 0.05
_MEMORY = 8
"""Pairs of steps and changes that L-BFGS remembers."""
_ARMIJO, _SHORTER, _TRIES = 1e-4, 0.35, 12
_LONGEST_STEP_ANGSTROM = 0.3
_FAR_ANGSTROM = 8.0
"""Pairs of atoms farther apart hold each other by a few hundredths of a kcal/mol and move little."""
_FLAT = 1e-3
"""Largest force at which a minimum is reached, kcal/mol/angstrom."""


@vectorised
def _bend(x: Floats, i: int, j: int, k: int, ends: Floats) -> tuple[float, float, float]:
    """The angle i-j-k in radians and its bonds' lengths.

    Written: the angle's derivatives by the places of i and k, and the unit vectors from j to them (4, 3).
    """
    ax, ay, az = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
    bx, by, bz = x[k, 0] - x[j, 0], x[k, 1] - x[j, 1], x[k, 2] - x[j, 2]
    la, lb = math.sqrt(ax * ax + ay * ay + az * az), math.sqrt(bx * bx + by * by + bz * bz)
    ax, ay, az, bx, by, bz = ax / la, ay / la, az / la, bx / lb, by / lb, bz / lb
    cosine = min(1.0, max(-1.0, ax * bx + ay * by + az * bz))
    sine = max(math.sqrt(1.0 - cosine * cosine), 1e-8)
    on_i, on_k = 1.0 / (la * sine), 1.0 / (lb * sine)
    ends[0, 0], ends[0, 1], ends[0, 2] = (
        (cosine * ax - bx) * on_i, (cosine * ay - by) * on_i, (cosine * az - bz) * on_i,
    )  # fmt: skip
    ends[1, 0], ends[1, 1], ends[1, 2] = (
        (cosine * bx - ax) * on_k, (cosine * by - ay) * on_k, (cosine * bz - az) * on_k,
    )  # fmt: skip
    ends[2, 0], ends[2, 1], ends[2, 2] = ax, ay, az
    ends[3, 0], ends[3, 1], ends[3, 2] = bx, by, bz
    return math.acos(cosine), la, lb


@compiled
def _push(g: Floats, i: int, j: int, x: float, y: float, z: float) -> None:
    g[i, 0] += x
    g[i, 1] += y
    g[i, 2] += z
    g[j, 0] -= x
    g[j, 1] -= y
    g[j, 2] -= z


@vectorised
def _bonds(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    energy = 0.0
    cubic, quartic = _CUBIC_STRETCH, 7.0 / 12.0 * _CUBIC_STRETCH**2
    for row in range(mmff.bonds.shape[0]):
        i, j = mmff.bonds[row, 0], mmff.bonds[row, 1]
        dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
        length = math.sqrt(dx * dx + dy * dy + dz * dz)
        away = length - mmff.bond[row, 1]
        half = 0.5 * _STRETCH * mmff.bond[row, 0]
        energy += half * away**2 * (1.0 + cubic * away + quartic * away**2)
        slope = half * away * (2.0 + 3.0 * cubic * away + 4.0 * quartic * away**2) / length
        _push(g, i, j, slope * dx, slope * dy, slope * dz)
    return energy


@vectorised
def _angles(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    """Angles, and what they share with their bonds' lengths."""
    energy = 0.0
    ends = np.empty((4, 3))
    for row in range(mmff.angles.shape[0]):
        i, j, k = mmff.angles[row, 0], mmff.angles[row, 1], mmff.angles[row, 2]
        angle, length_i, length_k = _bend(x, i, j, k, ends)
        constant = mmff.angle[row, 0]
        if mmff.angle[row, 2] > 0.5:
            energy += _STRETCH * constant * (1.0 + math.cos(angle))
            slope, on_i, on_k = -_STRETCH * constant * math.sin(angle), 0.0, 0.0
        else:
            away = angle * _DEGREES - mmff.angle[row, 1]
            energy += 0.5 * _BEND * constant * away**2 * (1.0 + _CUBIC_BEND * away)
            slope = 0.5 * _BEND * constant * away * (2.0 + 3.0 * _CUBIC_BEND * away) * _DEGREES
            first, second = mmff.stretch_bend[row, 0], mmff.stretch_bend[row, 1]
            longer_i, longer_k = length_i - mmff.stretch_bend[row, 2], length_k - mmff.stretch_bend[row, 3]
            both = _STRETCH_BEND * (first * longer_i + second * longer_k)
            energy += both * away
            slope += both * _DEGREES
            on_i, on_k = _STRETCH_BEND * away * first, _STRETCH_BEND * away * second
        for axis in range(3):
            pull_i = slope * ends[0, axis] + on_i * ends[2, axis]
            pull_k = slope * ends[1, axis] + on_k * ends[3, axis]
            g[i, axis] += pull_i
            g[k, axis] += pull_k
            g[j, axis] -= pull_i + pull_k
    return energy


@vectorised
def _planes(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    """Wilson angles: how far an atom stands out of the plane of its centre and the two others."""
    energy = 0.0
    for row in range(mmff.planes.shape[0]):
        i, j = mmff.planes[row, 0], mmff.planes[row, 1]
        k, m = mmff.planes[row, 2], mmff.planes[row, 3]
        ax, ay, az = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
        bx, by, bz = x[k, 0] - x[j, 0], x[k, 1] - x[j, 1], x[k, 2] - x[j, 2]
        cx, cy, cz = x[m, 0] - x[j, 0], x[m, 1] - x[j, 1], x[m, 2] - x[j, 2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        square, far = max(nx * nx + ny * ny + nz * nz, 1e-12), cx * cx + cy * cy + cz * cz
        both = math.sqrt(square * far)
        sine = min(1.0, max(-1.0, (nx * cx + ny * cy + nz * cz) / both))
        angle = math.asin(sine) * _DEGREES
        energy += 0.5 * _BEND * mmff.plane[row, 0] * angle**2
        cosine = max(math.sqrt(1.0 - sine * sine), 1e-6)
        slope = _BEND * mmff.plane[row, 0] * angle * _DEGREES / cosine
        direct, inward, outward = slope / both, slope * sine / square, slope * sine / far
        # By the place of the first: (b x c) / both - sine (b x n) / n^2; the second likewise.
        _push(
            g, i, j,
            direct * (by * cz - bz * cy) - inward * (by * nz - bz * ny),
            direct * (bz * cx - bx * cz) - inward * (bz * nx - bx * nz),
            direct * (bx * cy - by * cx) - inward * (bx * ny - by * nx),
        )  # fmt: skip
        _push(
            g, k, j,
            direct * (cy * az - cz * ay) - inward * (ny * az - nz * ay),
            direct * (cz * ax - cx * az) - inward * (nz * ax - nx * az),
            direct * (cx * ay - cy * ax) - inward * (nx * ay - ny * ax),
        )  # fmt: skip
        _push(g, m, j, direct * nx - outward * cx, direct * ny - outward * cy, direct * nz - outward * cz)
    return energy


@vectorised
def _torsions(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    energy = 0.0
    derivative = np.empty((4, 3))
    for row in range(mmff.torsions.shape[0]):
        quartet = mmff.torsions[row]
        c, s = dihedral(x, quartet, derivative)
        v1, v2, v3 = mmff.torsion[row, 0], mmff.torsion[row, 1], mmff.torsion[row, 2]
        # Cosines and sines of twice and three times the angle.
        c2, s2 = c * c - s * s, 2.0 * s * c
        c3, s3 = c2 * c - s2 * s, s2 * c + c2 * s
        energy += 0.5 * (v1 * (1.0 + c) + v2 * (1.0 - c2) + v3 * (1.0 + c3))
        slope = -0.5 * v1 * s + v2 * s2 - 1.5 * v3 * s3
        for place in range(4):
            for axis in range(3):
                g[quartet[place], axis] += slope * derivative[place, axis]
    return energy


@vectorised
def _pair_terms_at(squares: Floats, pair: Floats, slopes: Floats) -> float:
    """Buffered 14-7 and buffered charges at squared distances (n_pairs,); writes slopes over distance.

    A loop over nothing but contiguous arrays: compilers do four pairs at a time.
    """
    energy = 0.0
    inverse, depths, products = pair[0], pair[1], pair[2]
    for row in range(squares.shape[0]):
        distance = math.sqrt(max(squares[row], 1e-6))
        depth, scale = depths[row], inverse[row]
        q = distance * scale
        q2 = q * q
        q6 = q2 * q2 * q2
        # One division serves four: they are what this loop costs.
        a, b, c = q + _BUFFER, q6 * q + _BUFFER_7, distance + _BUFFER_CHARGE
        whole = 1.0 / (a * b * c * distance)
        over_a, over_b = whole * b * c * distance, whole * a * c * distance
        over_c, over_distance = whole * a * b * distance, whole * a * b * c
        near = (1.0 + _BUFFER) * over_a
        near2 = near * near
        near7 = near2 * near2 * near2 * near
        far = (1.0 + _BUFFER_7) * over_b
        charge = products[row] * over_c
        energy += depth * near7 * (far - 2.0) + charge
        slope = -7.0 * depth * scale * near7 * ((far - 2.0) * over_a + far * q6 * over_b) - charge * over_c
        slopes[row] = slope * over_distance
    return energy


@compiled
def _pairs(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    count = mmff.pairs.shape[0]
    apart, squares, slopes = np.empty((count, 3)), np.empty(count), np.empty(count)
    for row in range(count):
        i, j = mmff.pairs[row, 0], mmff.pairs[row, 1]
        dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
        apart[row, 0], apart[row, 1], apart[row, 2] = dx, dy, dz
        squares[row] = dx * dx + dy * dy + dz * dz
    energy = _pair_terms_at(squares, mmff.pair, slopes)
    for row in range(count):
        slope = slopes[row]
        _push(
            g, mmff.pairs[row, 0], mmff.pairs[row, 1],
            slope * apart[row, 0], slope * apart[row, 1], slope * apart[row, 2],
        )  # fmt: skip
    return energy


@compiled
def mmff_energy(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    """MMFF94 of all atoms (n_atoms, 3); writes its gradient."""
    g[:, :] = 0.0
    energy = _bonds(mmff, x, g) + _angles(mmff, x, g)
    return energy + _planes(mmff, x, g) + _torsions(mmff, x, g) + _pairs(mmff, x, g)


@compiled
def _both(
    mmff: MmffArrays, weight: float, score: ScoreArrays, heavy: Integers, x: Floats, g: Floats,
    pose: Floats, pull: Floats,
) -> float:  # fmt: skip
    """Weighted MMFF94 of all atoms and a score of the heavy ones; writes the gradient."""
    energy = weight * mmff_energy(mmff, x, g)
    for atom in range(x.shape[0]):
        for axis in range(3):
            g[atom, axis] *= weight
    if heavy.shape[0] > 0:
        for place in range(heavy.shape[0]):
            for axis in range(3):
                pose[place, axis] = x[heavy[place], axis]
        energy += score_one(score, pose, pull)
        for place in range(heavy.shape[0]):
            for axis in range(3):
                g[heavy[place], axis] += pull[place, axis]
    return energy


@vectorised
def _lbfgs_step(
    g: Floats, steps: Floats, changes: Floats, rho: Floats, stored: int, newest: int, out: Floats
) -> None:
    """The two-loop recursion over flat arrays (Nocedal & Wright 2006, algorithm 7.4)."""
    size = g.shape[0]
    alpha = np.empty(_MEMORY)
    out[:] = -g
    for back in range(stored):
        row = (newest - back) % _MEMORY
        alpha[row] = 0.0
        for n in range(size):
            alpha[row] += steps[row, n] * out[n]
        alpha[row] *= rho[row]
        for n in range(size):
            out[n] -= alpha[row] * changes[row, n]
    scale = 1e-3
    if stored > 0:
        square = 0.0
        for n in range(size):
            square += changes[newest, n] ** 2
        scale = 1.0 / (rho[newest] * square)
    for n in range(size):
        out[n] *= scale
    for back in range(stored - 1, -1, -1):
        row = (newest - back) % _MEMORY
        beta = 0.0
        for n in range(size):
            beta += changes[row, n] * out[n]
        beta *= rho[row]
        for n in range(size):
            out[n] += (alpha[row] - beta) * steps[row, n]


@vectorised
def _shortened(step: Floats, g: Floats) -> float:
    """Keeps a step short, turns it down the gradient where it points up; returns its slope."""
    slope, longest = 0.0, 0.0
    for n in range(step.shape[0]):
        slope += step[n] * g[n]
    if slope >= 0.0:
        slope = 0.0
        for n in range(step.shape[0]):
            step[n] = -1e-3 * g[n]
            slope += step[n] * g[n]
    for n in range(step.shape[0]):
        longest = max(longest, abs(step[n]))
    if longest > _LONGEST_STEP_ANGSTROM:
        for n in range(step.shape[0]):
            step[n] *= _LONGEST_STEP_ANGSTROM / longest
        slope *= _LONGEST_STEP_ANGSTROM / longest
    return slope


@compiled
def _near(mmff: MmffArrays, x: Floats) -> MmffArrays:
    """The same without pairs of atoms (n_atoms, 3) that are far from each other: half of those of a drug."""
    kept = np.empty(mmff.pairs.shape[0], dtype=np.int64)
    count = 0
    for row in range(kept.shape[0]):
        i, j = mmff.pairs[row, 0], mmff.pairs[row, 1]
        dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
        kept[count] = row
        count += dx * dx + dy * dy + dz * dz < _FAR_ANGSTROM**2
    rows = kept[:count]
    pair = np.empty((3, count))
    for term in range(3):
        pair[term] = mmff.pair[term][rows]
    return MmffArrays(
        mmff.bonds, mmff.bond, mmff.angles, mmff.angle, mmff.stretch_bend, mmff.planes, mmff.plane,
        mmff.torsions, mmff.torsion, mmff.pairs[rows], pair,
    )  # fmt: skip


@compiled
def relax_one(
    whole: MmffArrays, weight: float, score: ScoreArrays, heavy: Integers, x: Floats, iterations: int
) -> float:
    """Move all atoms (n_atoms, 3), in place, towards the minimum of the sum, which is returned (L-BFGS).

    Pairs of atoms that begin far apart are left out of the sum.
    """
    size, mmff = x.size, _near(whole, x)
    g, trial, trial_g = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    pose, pull = np.empty((heavy.shape[0], 3)), np.empty((heavy.shape[0], 3))
    steps, changes, rho = np.zeros((_MEMORY, size)), np.zeros((_MEMORY, size)), np.zeros(_MEMORY)
    step = np.empty(size)
    stored, newest = 0, -1
    energy = _both(mmff, weight, score, heavy, x, g, pose, pull)
    for _ in range(iterations):
        if np.abs(g).max() < _FLAT:
            break
        _lbfgs_step(g.reshape(size), steps, changes, rho, stored, newest, step)
        slope = _shortened(step, g.reshape(size))
        length, found = 1.0, False
        for _try in range(_TRIES):
            for atom in range(x.shape[0]):
                for axis in range(3):
                    trial[atom, axis] = x[atom, axis] + length * step[3 * atom + axis]
            trial_energy = _both(mmff, weight, score, heavy, trial, trial_g, pose, pull)
            if trial_energy <= energy + _ARMIJO * length * slope:
                found = True
                break
            length *= _SHORTER
        if not found:
            if stored == 0:
                break
            stored, newest = 0, -1
            continue
        place = (newest + 1) % _MEMORY
        product = 0.0
        for atom in range(x.shape[0]):
            for axis in range(3):
                n = 3 * atom + axis
                steps[place, n] = trial[atom, axis] - x[atom, axis]
                changes[place, n] = trial_g[atom, axis] - g[atom, axis]
                product += steps[place, n] * changes[place, n]
        if product > 1e-10:
            rho[place] = 1.0 / product
            newest, stored = place, min(stored + 1, _MEMORY)
        x[:, :] = trial
        g[:, :] = trial_g
        energy = trial_energy
    return energy


@compiled
def relax_many(
    mmff: MmffArrays, weight: float, score: ScoreArrays, heavy: Integers, poses: Floats, iterations: int,
    strains: Floats,
) -> None:  # fmt: skip
    """Relax poses (n_poses, n_atoms, 3) in place and write their unweighted MMFF94 energies (n_poses,)."""
    g = np.empty_like(poses[0])
    for row in range(poses.shape[0]):
        relax_one(mmff, weight, score, heavy, poses[row], iterations)
        strains[row] = mmff_energy(mmff, poses[row], g)

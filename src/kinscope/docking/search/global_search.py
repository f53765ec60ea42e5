"""A global search: many Monte Carlo walkers at once, each step minimised, on the receptor's maps.

The moves are Vina's (Trott & Olson, J Comput Chem 2010, 31, 455: one random change of place, orientation or
one torsion, a local minimisation, the Metropolis rule at 1.2 kcal/mol); what differs is that all walkers move
together over arrays, that they begin from the best of many random placements, over several conformers (Vina
never changes a ring), and that walkers that fall behind are taken back to where others found something.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Box
from kinscope.docking.fields.arrays import Floats, ScoreArrays
from kinscope.docking.fields.minimiser import Mobility, minimise

_STEP_ANGSTROM = 2.0
_STEP_TOLERANCE_KCAL_PER_MOL = 0.02
_TEMPERATURE_KCAL_PER_MOL = 1.2
_POOL_WINDOW_KCAL_PER_MOL = 8.0
_SAME_POSE_ANGSTROM = 0.7
_POOL = 100
"""Minima that are kept."""


@dataclass(frozen=True)
class SearchEffort:
    """How long a search is."""

    walkers: int
    steps: int
    placements: int
    """Random placements per walker, of which the best begins."""
    iterations: int = 25
    """Of the minimisation after each step."""
    renew_every: int = 15
    """Steps after which walkers that fell behind begin anew."""


@dataclass(frozen=True)
class Found:
    """Minima, best first: heavy-atom coordinates (n, n_atoms, 3), energies (n,), and each one's conformer."""

    poses: Floats
    energies: Floats
    conformers: NDArray[np.intp]


def effort_for(degrees: int, exhaustiveness: int) -> SearchEffort:
    """How much search a ligand of so many degrees of freedom gets, scaled as Vina scales its own.

    Many walkers of few steps: of imatinib in 1OPJ 128 walkers found nothing near the crystal's pose with two
    of three seeds however long they went on, 384 with all (docs/why/docking.md).
    """
    steps = round((9 + 2.4 * degrees) * exhaustiveness / 8)
    return SearchEffort(walkers=512, steps=max(10, steps), placements=16)


def search_box(
    score: ScoreArrays, mobility: Mobility, conformers: Floats, box: Box, effort: SearchEffort, seed: int
) -> Found:
    """Search a box for minima of a function.

    ``conformers``: heavy atoms of the ligand, shape (n_conformers, n_atoms, 3); they differ in what torsions
    cannot change. ``seed``: same seed, same machine: same minima.
    """
    random = np.random.default_rng(seed)
    walkers, energies, which = _begin(score, mobility, conformers, box, effort, random)
    pool = _pooled(None, walkers, energies, which)
    for step in range(1, effort.steps + 1):
        trial = mobility.move(walkers, random_step(mobility, walkers, random))
        trial, trial_energies = minimise(
            score, mobility, trial, iterations=effort.iterations, tolerance=_STEP_TOLERANCE_KCAL_PER_MOL
        )
        rise = trial_energies - energies
        accepted = random.random(len(rise)) < np.exp(-np.clip(rise, 0.0, 50.0) / _TEMPERATURE_KCAL_PER_MOL)
        walkers[accepted], energies[accepted] = trial[accepted], trial_energies[accepted]
        pool = _pooled(pool, walkers[accepted], energies[accepted], which[accepted])
        if step % effort.renew_every == 0 and step < effort.steps:
            _renew(walkers, energies, which, pool, random)
    return pool


def _begin(
    score: ScoreArrays, mobility: Mobility, conformers: Floats, box: Box, effort: SearchEffort,
    random: np.random.Generator,
) -> tuple[Floats, Floats, NDArray[np.intp]]:  # fmt: skip
    """The best of many random placements, half minimised."""
    total = effort.walkers * effort.placements
    which = random.integers(len(conformers), size=total)
    poses = conformers[which]
    turns = random.normal(size=(total, 3))
    turns *= (random.uniform(0.0, np.pi, total) / np.linalg.norm(turns, axis=1))[:, None]
    step = np.zeros((total, mobility.degrees))
    step[:, 3:6] = turns
    step[:, 6:] = random.uniform(-np.pi, np.pi, (total, mobility.degrees - 6))
    poses = mobility.move(poses, step)
    half = np.maximum(np.array(box.size_angstrom) / 2 - 4.0, 1.0)
    places = np.array(box.center_angstrom) + random.uniform(-half, half, (total, 3))
    poses += (places - poses.mean(axis=1))[:, None]
    kept_poses, kept_energies, kept_which = [], [], []
    for rows in np.array_split(np.arange(total), max(1, total // 256)):
        moved, found = minimise(score, mobility, poses[rows], iterations=8, tolerance=0.5)
        kept_poses.append(moved)
        kept_energies.append(found)
        kept_which.append(which[rows])
    energies = np.concatenate(kept_energies)
    order = np.argsort(energies)[: effort.walkers]
    return np.concatenate(kept_poses)[order], energies[order], np.concatenate(kept_which)[order]


def random_step(mobility: Mobility, walkers: Floats, random: np.random.Generator) -> Floats:
    """One degree of freedom of each walker changed: place, orientation, or one torsion."""
    count = len(walkers)
    step = np.zeros((count, mobility.degrees))
    choice = random.integers(mobility.degrees - 4, size=count)
    directions = random.normal(size=(count, 3))
    directions *= (random.random(count) ** (1 / 3) / np.linalg.norm(directions, axis=1))[:, None]
    gyration = np.sqrt(walkers.var(axis=1).sum(axis=1))
    place, turn = choice == 0, choice == 1
    step[place, :3] = _STEP_ANGSTROM * directions[place]
    step[turn, 3:6] = (_STEP_ANGSTROM / gyration[turn])[:, None] * directions[turn]
    torsion = np.flatnonzero(choice > 1)
    step[torsion, choice[torsion] + 4] = random.uniform(-np.pi, np.pi, len(torsion))
    return step


def _renew(
    walkers: Floats, energies: Floats, which: NDArray[np.intp], found: Found, random: np.random.Generator
) -> None:
    """Walkers far behind the best go on from one of the best distinct minima, a third of them at most."""
    behind = np.flatnonzero(energies > found.energies[0] + _POOL_WINDOW_KCAL_PER_MOL / 2)
    behind = behind[np.argsort(-energies[behind])][: len(walkers) // 3]
    good = np.flatnonzero(found.energies <= found.energies[0] + _POOL_WINDOW_KCAL_PER_MOL / 2)
    source = random.choice(good, len(behind))
    walkers[behind], energies[behind] = found.poses[source], found.energies[source]
    which[behind] = found.conformers[source]


def _pooled(known: Found | None, poses: Floats, energies: Floats, conformers: NDArray[np.intp]) -> Found:
    """The best distinct minima met so far, best first; of those that are one pose the best stays."""
    if known is not None:
        poses = np.concatenate([known.poses, poses])
        energies = np.concatenate([known.energies, energies])
        conformers = np.concatenate([known.conformers, conformers])
    order = np.argsort(energies, kind="stable")
    order = order[energies[order] <= energies[order[0]] + _POOL_WINDOW_KCAL_PER_MOL]
    kept = _kept_rows(poses, order, _SAME_POSE_ANGSTROM, _POOL)
    return Found(poses[kept], energies[kept], conformers[kept])


def distinct_rows(poses: Floats, energies: Floats, most: int, apart_angstrom: float) -> NDArray[np.intp]:
    """The best poses (n, n_atoms, 3) that are so far from all better ones (RMSD, not symmetry-corrected)."""
    return _kept_rows(poses, np.argsort(energies, kind="stable"), apart_angstrom, most)


def _kept_rows(poses: Floats, order: NDArray[np.intp], apart: float, most: int) -> NDArray[np.intp]:
    from kinscope.docking.fields.kernels import kept_rows

    flat = np.ascontiguousarray(poses.reshape(len(poses), -1), dtype=np.float64)
    return kept_rows(flat, order, apart**2 * poses.shape[1], most)

"""Sampling around a known pose: kicked starts, each followed by a short Monte Carlo walk between minima."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError
from kinscope.docking.engine import BoundSystem, Box, Coordinates, ScoredPose
from kinscope.docking.geometry import rotation_about, turn_torsion
from kinscope.docking.records import DockingSettings

_WALK_SCALE = 0.5
"""Kicks within a walk are this much of a start's: small enough to stay in the binding mode."""
_SETTLING_SEED = 1


def kicked(
    coordinates: Coordinates,
    torsions: tuple[tuple[int, int, NDArray[np.intp]], ...],
    settings: DockingSettings,
    random: np.random.Generator,
    scale: float = 1.0,
) -> Coordinates:
    """A pose (n_atoms, 3) moved by random torsions, rotation about its centroid, and translation."""
    moved = coordinates
    for first, second, moving in torsions:
        angle = np.deg2rad(random.normal(0.0, settings.kick_torsion_degrees * scale))
        moved = turn_torsion(moved, first, second, moving, angle)
    center = coordinates.mean(axis=0)
    angle = np.deg2rad(random.normal(0.0, settings.kick_rotation_degrees * scale))
    turned = (moved - moved.mean(axis=0)) @ rotation_about(random.normal(size=3), angle)
    shift = random.normal(0.0, settings.kick_translation_angstrom * scale, size=3)
    return np.asarray(turned + center + shift, dtype=np.float64)


def short_walk(system: BoundSystem, start: ScoredPose, box: Box) -> list[ScoredPose]:
    """A minimum, and those that lie about it: small kicks, enough for a known pose to settle in a model."""
    settings = DockingSettings(starts=6, steps=6, kick_translation_angstrom=0.4, kick_rotation_degrees=8.0)
    with contextlib.suppress(ComputationError):  # all left the box: the start stands
        return [start, *sample_known_pose(system, start.coordinates, box, settings, seed=_SETTLING_SEED)]
    return [start]


def sample_known_pose(
    system: BoundSystem, reference: Coordinates, box: Box, settings: DockingSettings, seed: int
) -> list[ScoredPose]:
    """Minima found from one seed, best first.

    The first of ``settings.starts`` walkers starts from the reference pose (n_atoms, 3) itself (unless
    ``settings.start_at_reference`` is off), so that every search knows the mode it is asked about; the others
    from kicks of it. Each is minimised and then makes ``settings.steps`` moves: kick, minimise, keep by the
    Metropolis rule. Poses with an atom outside the box are dropped, as the receptor beyond it is not seen.

    Raises ComputationError if no walker stays in the box.
    """
    random = np.random.default_rng(seed)
    starts = [kicked(reference, system.torsions, settings, random) for _ in range(settings.starts)]
    if settings.start_at_reference:
        starts[0] = reference
    walkers = system.minimise(np.stack(starts))
    found = list(walkers)
    for _ in range(settings.steps):
        trials = [kicked(w.coordinates, system.torsions, settings, random, _WALK_SCALE) for w in walkers]
        proposed = system.minimise(np.stack(trials))
        found += proposed
        walkers = [
            _metropolis(old, new, settings, random) for old, new in zip(walkers, proposed, strict=True)
        ]
    inside = [pose for pose in found if box.holds(pose.coordinates)]
    if not inside:
        raise ComputationError(
            "Every pose left the neighbourhood of the known pose.",
            where="docking from known pose",
            remedy="Check the reference pose and the receptor, or dock in the global mode.",
        )
    return sorted(inside, key=lambda pose: pose.score_kcal_per_mol)


def _metropolis(
    old: ScoredPose, new: ScoredPose, settings: DockingSettings, random: np.random.Generator
) -> ScoredPose:
    """Between the energies that are minimised, before Vina's division by the torsions."""
    rise = _energy(new) - _energy(old)
    if rise <= 0 or random.random() < np.exp(-rise / settings.temperature_kcal_per_mol):
        return new
    return old


def _energy(pose: ScoredPose) -> float:
    return pose.intermolecular_kcal_per_mol + pose.intramolecular_kcal_per_mol


def distinct(
    poses: list[ScoredPose],
    distance: Callable[[Coordinates, Coordinates], float],
    separation: float,
    most: int,
) -> list[int]:
    """Places in ``poses`` (best first) of the best of each cluster, ``separation`` angstrom apart or more."""
    chosen: list[int] = []
    for place, pose in enumerate(poses):
        if all(distance(pose.coordinates, poses[other].coordinates) >= separation for other in chosen):
            chosen.append(place)
            if len(chosen) == most:
                break
    return chosen

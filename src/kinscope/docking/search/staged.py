"""A blind search in two rounds: turn bonds, relax every atom, hop between what came out.

Round one searches with rigid shapes (:mod:`kinscope.docking.search.ligand_shapes`); its best minima are
relaxed atom by atom in the receptor and take up bond angles and rings that suit the site. Round two hops from
these: a bond or the whole turned, every atom relaxed again, kept or not by the rank that decides in the end
(contact weighted by burial, and strain).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Box, Coordinates, Mol, ScoredPose
from kinscope.docking.fields.arrays import NO_PAIRS, Floats
from kinscope.docking.fields.minimiser import Mobility, minimise
from kinscope.docking.fields.torsions import TorsionFunction
from kinscope.docking.fields.vina import GridFunction, VinaFunction
from kinscope.docking.search.global_search import Found, distinct_rows, effort_for, random_step, search_box
from kinscope.docking.search.ligand_shapes import STRAIN_WEIGHT, LigandRelaxation, rigid_shapes

_RELAXED, _RELAXED_APART_ANGSTROM, _ROUGH_ITERATIONS = 100, 0.8, 60
"""Minima of a round that are relaxed, how far apart they are, and how long that takes at most."""
_HOPPERS, _HOPS, _HOP_ITERATIONS = 48, 64, 40
"""Walkers of round two, their steps at exhaustiveness 8, and how long a step is relaxed at most."""
_GATHERINGS = 4
"""Times that the walkers of round two begin from the best that were met."""
_HOP_TEMPERATURE_KCAL_PER_MOL = 1.2
"""Vina's own. At half of it bosutinib's first pose lay 3.6 angstrom or more from the crystal's with two of
five seeds (docs/why/docking.md)."""
_POLAR_BEGIN = 96
"""Poses whose electrostatics are computed when the walkers gather for the last time."""
_FINISHED, _FINISHED_APART_ANGSTROM = 30, 0.5
"""Poses that are relaxed again with the exact function, which has no kinks, and how far apart they are."""
POLAR_WEIGHT = 0.2
"""Of the electrostatic energy of binding in the rank (docs/why/docking.md)."""
POLAR_SHARE = 0.5
"""Of a pose's contact that its electrostatics in the rank come near to and never reach."""

FROZEN_BOND_KCAL_PER_MOL = 0.4
"""kT ln 2: of two places that a bond has free, one is left."""

_KT_KCAL_PER_MOL, _ABOUT_ANGSTROM = 0.6, 0.75
"""Of Boltzmann's weights, and how far they reach (RMSD, standard deviation)."""


@dataclass(frozen=True)
class _Met:
    """Relaxed poses that a search has met: all atoms, strain above one energy, and rank."""

    poses: Floats
    strain: Floats
    ranks: Floats

    def rows(self, chosen: NDArray[np.intp]) -> _Met:
        return _Met(self.poses[chosen], self.strain[chosen], self.ranks[chosen])

    def and_also(self, other: _Met) -> _Met:
        return _Met(
            np.concatenate([self.poses, other.poses]),
            np.concatenate([self.strain, other.strain]),
            np.concatenate([self.ranks, other.ranks]),
        )


def electrostatics(polar: Floats, contact: Floats) -> Floats:
    """What electrostatic energies of binding (n_poses,) add to ranks, beside contacts (n_poses,).

    In proportion while small. Coulomb's law in a rigid receptor has no bound, and would let one salt bridge
    at the surface outvote a pocket.
    """
    most = np.maximum(POLAR_SHARE * np.abs(contact), 1e-9)
    return np.asarray(most * np.tanh(POLAR_WEIGHT * polar / most))


def frozen_bonds(burial: Floats, mobility: Mobility) -> Floats:
    """What rotatable bonds lose that a pose holds at both ends (n_poses,).

    ``burial``: of each heavy atom, 0 to 1 (n_poses, n_atoms). A side of a bond is held as its most buried
    atom is; a chain that hangs in the solvent goes on turning, and one that folds back does not.
    """
    held = np.zeros(len(burial))
    for torsion in mobility.torsions:
        moving = np.zeros(burial.shape[1], dtype=bool)
        moving[torsion.moving] = True
        held += np.minimum(*(burial[:, side].max(axis=1, initial=0.0) for side in (moving, ~moving)))
    return FROZEN_BOND_KCAL_PER_MOL * held


def shared_ranks(poses: Floats, ranks: Floats) -> Floats:
    """Ranks (n_poses,) of poses (n_poses, n_atoms, 3) with what lies about each.

    Boltzmann's weights of all are summed about each pose, those farther away counting less: the pose of the
    widest place is first. Of poses that differ by less than the rank can tell, its middle errs least.
    """
    square = ((poses[:, None] - poses[None]) ** 2).sum(axis=3).mean(axis=2)
    weights = np.exp(-(ranks - ranks.min()) / _KT_KCAL_PER_MOL)
    about = (weights * np.exp(-square / (2.0 * _ABOUT_ANGSTROM**2))).sum(axis=1)
    return np.asarray(ranks.min() - _KT_KCAL_PER_MOL * np.log(about))


def _accepted(rise: Floats, random: np.random.Generator) -> NDArray[np.bool_]:
    """Metropolis's rule for rises in rank (n,)."""
    chance = np.exp(-np.clip(rise / _HOP_TEMPERATURE_KCAL_PER_MOL, 0.0, 50.0))
    return np.asarray(random.random(len(rise)) < chance)


@dataclass(frozen=True)
class SearchParts:
    """What a search works with."""

    ligand: Mol
    heavy: NDArray[np.intp]
    mobility: Mobility
    """Of the heavy atoms."""
    whole_mobility: Mobility
    """Of all atoms."""
    grid: GridFunction
    exact: VinaFunction
    torsions: TorsionFunction
    box: Box
    whole: Callable[[Coordinates, Coordinates], Coordinates]
    """All atoms of a pose, from its heavy atoms and the conformer it has its rings from."""
    polar: Callable[[Floats], Floats]
    """Electrostatic energies of binding of whole poses (:mod:`kinscope.docking.fields.polar`)."""


class Search:
    """One ligand in one box."""

    def __init__(self, parts: SearchParts) -> None:
        self.parts = parts
        self.relaxation = LigandRelaxation(parts.ligand, parts.heavy)
        self.score = parts.grid.with_torsions(parts.torsions.arrays)
        self.grid_field = parts.grid.score._replace(own=NO_PAIRS)
        self.exact_field = parts.exact.score._replace(own=NO_PAIRS)

    def run(
        self,
        *,
        seed: int,
        exhaustiveness: int,
        n_poses: int,
        score: Callable[[Coordinates], list[ScoredPose]],
    ) -> list[ScoredPose]:
        """Poses, best first; at least four times ``n_poses`` where so many were found."""
        parts = self.parts
        turned = {
            frozenset((int(parts.heavy[t.first]), int(parts.heavy[t.second])))
            for t in parts.mobility.torsions
        }
        conformers = rigid_shapes(parts.ligand, turned, seed)
        effort = effort_for(parts.mobility.degrees, exhaustiveness)
        found = search_box(self.score, parts.mobility, conformers[:, parts.heavy], parts.box, effort, seed)
        if not self.relaxation.possible:
            return self._without_force_field(found, conformers, n_poses, score)
        lowest = min(self.relaxation.energy(conformer) for conformer in conformers)
        first, strain, lowest = self._relaxed(self._apart(found), conformers, lowest)
        met = self._hop(_Met(first, strain, self._rank(first, strain)), lowest, exhaustiveness, seed)
        best = self._distinct(met, _FINISHED)
        done = self.relaxation.relax(met.poses[best], self.exact_field, lowest)
        ranks = self._rank(done.coordinates, done.strain_kcal_per_mol)
        ranks += self._electrostatics(done.coordinates)
        return self._scored(done.coordinates, shared_ranks(done.coordinates[:, parts.heavy], ranks), score)

    def _hop(self, met: _Met, lowest: float, exhaustiveness: int, seed: int) -> _Met:
        """Steps between relaxed poses: turn a bond or the whole, relax every atom, keep by Metropolis's rule.

        Walkers gather on the best distinct poses again each time a share of the steps is done; the last share
        is walked with electrostatics in the rank, and only what was ranked so comes back.
        """
        random = np.random.default_rng(seed + 1)
        steps = max(2, round(_HOPS * exhaustiveness / (8 * _GATHERINGS)))
        for _ in range(_GATHERINGS - 1):
            met = self._walk(met, steps, lowest, random, polar=False)
        met = met.rows(self._distinct(met, _POLAR_BEGIN))
        ranks = met.ranks + self._electrostatics(met.poses)
        return self._walk(replace(met, ranks=ranks), steps, lowest, random, polar=True)

    def _walk(
        self, met: _Met, steps: int, lowest: float, random: np.random.Generator, *, polar: bool
    ) -> _Met:
        """Some steps of every hopper; what was met before, and what was kept.

        With electrostatics a step is accepted in two stages, first without and then with them, which leaves
        the same distribution as one (Christen & Fox, J Comput Graph Stat 2005, 14, 795) and spares them for
        the many steps that overlap something.
        """
        chosen = self._distinct(met, _HOPPERS)
        walkers = met.rows(chosen[np.arange(_HOPPERS) % len(chosen)])
        places, at, plain = walkers.poses, walkers.ranks, self._rank(walkers.poses, walkers.strain)
        for _ in range(steps):
            step = random_step(self.parts.whole_mobility, places, random)
            moved = self.parts.whole_mobility.move(places, step)
            done = self.relaxation.relax(moved, self.grid_field, lowest, iterations=_HOP_ITERATIONS)
            paid = done.strain_kcal_per_mol + (done.lowest_kcal_per_mol - lowest)
            reached = self._rank(done.coordinates, paid)
            rows = np.flatnonzero(_accepted(reached - plain, random))
            full = reached[rows]
            if polar and len(rows):
                full = full + self._electrostatics(done.coordinates[rows])
                keep = _accepted((full - reached[rows]) - (at[rows] - plain[rows]), random)
                rows, full = rows[keep], full[keep]
            places[rows], at[rows], plain[rows] = done.coordinates[rows], full, reached[rows]
            met = met.and_also(_Met(done.coordinates[rows], paid[rows], full))
        return met

    def _scored(
        self, poses: Floats, ranks: Floats, score: Callable[[Coordinates], list[ScoredPose]]
    ) -> list[ScoredPose]:
        paid, _ = self.parts.torsions(poses[:, self.parts.heavy])
        scored = [
            replace(pose, torsional_kcal_per_mol=float(cost), ranking_kcal_per_mol=float(rank))
            for pose, cost, rank in zip(score(poses), paid, ranks, strict=True)
        ]
        return sorted(scored, key=lambda pose: pose.rank_by)

    def _rank(self, poses: Floats, strain: Floats) -> Floats:
        contact, burial = self.parts.exact.buried(poses[:, self.parts.heavy])
        return contact + STRAIN_WEIGHT * strain + frozen_bonds(burial, self.parts.mobility)

    def _electrostatics(self, poses: Floats) -> Floats:
        return electrostatics(self.parts.polar(poses), self.parts.exact.buried(poses[:, self.parts.heavy])[0])

    def _distinct(self, met: _Met, most: int) -> NDArray[np.intp]:
        """The best poses whose heavy atoms are so far apart (RMSD, not symmetry-corrected)."""
        poses = met.poses[:, self.parts.heavy]
        return distinct_rows(poses, met.ranks, most, _FINISHED_APART_ANGSTROM)

    def _apart(self, found: Found) -> Found:
        """Some minima, each different from all better ones."""
        rows = distinct_rows(found.poses, found.energies, _RELAXED, _RELAXED_APART_ANGSTROM)
        return Found(found.poses[rows], found.energies[rows], found.conformers[rows])

    def _relaxed(self, found: Found, conformers: Floats, lowest: float) -> tuple[Floats, Floats, float]:
        """All atoms of minima after relaxation, their strain, and the energy it counts from."""
        whole = np.stack(
            [
                self.parts.whole(pose, conformers[which])
                for pose, which in zip(found.poses, found.conformers, strict=True)
            ]
        )
        done = self.relaxation.relax(whole, self.grid_field, lowest, iterations=_ROUGH_ITERATIONS)
        return done.coordinates, done.strain_kcal_per_mol, done.lowest_kcal_per_mol

    def _without_force_field(
        self, found: Found, conformers: Floats, n_poses: int, score: Callable[[Coordinates], list[ScoredPose]]
    ) -> list[ScoredPose]:
        """Minima of the exact function, ranked with the torsional energy; for what MMFF94 does not know."""
        parts = self.parts
        moved, energies = minimise(
            parts.exact.score._replace(torsions=parts.torsions.arrays),
            parts.mobility,
            found.poses[: max(4 * n_poses, 40)],
        )
        poses = np.stack(
            [
                parts.whole(pose, conformers[which])
                for pose, which in zip(moved, found.conformers, strict=False)
            ]
        )
        return self._scored(poses, energies, score)

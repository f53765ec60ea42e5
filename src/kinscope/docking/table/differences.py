"""Native against mutant docking: a difference with its interval, contacts lost and gained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from kinscope.analysis.statistics import FloatArray, energy_shares, weighted_difference, weighted_spread
from kinscope.core.errors import BadInputError
from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.geometry import rows_by_name
from kinscope.docking.poses.interactions import changed_contacts
from kinscope.docking.records import DockingRun, ReferencePoseRecord
from kinscope.results.measured import Difference, DockingComparison, StateFit
from kinscope.results.notes import Note, note
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition

RECEPTOR_NOISE_KCAL_PER_MOL = 0.35
"""Standard deviation of one drug's score between crystal chains that differ in nothing but the crystal
(pooled; ``benchmarks/redock.py --chains``, docs/why/docking.md). Searches into one rigid receptor do not show
it, so it is added to every interval, once for each side."""
REPEAT_KCAL_PER_MOL = 0.1
"""Within which a search into one rigid receptor repeats (docs/why/docking.md): the least that is added for
each side of two pockets that were built, however near they lie."""
CRYSTAL_POCKET_RMSD_ANGSTROM = 0.63
"""Median heavy-atom RMSD of the imatinib pocket (8 angstrom) over 28 pairs of chains of 1IEP, 2HYY and 1OPJ:
the difference of receptors that the noise above belongs to (``benchmarks/redock.py --pockets``)."""
_POCKET_ANGSTROM = 8.0
SCORED_ANGSTROM = 8.0
"""Atoms further apart than this are nothing to each other in Vina's function (Trott & Olson 2010)."""
SMALLEST_MEANINGFUL_KCAL_PER_MOL = 1.0
"""No smaller difference of Vina scores between two rigid receptors is called resolved.

Vina's standard error against measured free energies is 2.85 kcal/mol (Trott & Olson 2010, on their test set).
Of that, two models of one kinase share most; what they do not share shows in the spread of one drug's score
over crystal chains of one kinase that differ in nothing but the crystal. ``benchmarks/redock.py --chains``
measures that spread; docs/why/docking.md gives the figures this number rests on.
"""


@dataclass(frozen=True)
class Weighed:
    """One side of a comparison: a run per close alternative model, lowest in energy first."""

    runs: Sequence[DockingRun]
    energies_kcal_per_mol: Sequence[float]
    """Of the models, above the lowest."""

    @cached_property
    def shares(self) -> FloatArray:
        """By which the models count."""
        return energy_shares(self.energies_kcal_per_mol)

    @property
    def scores(self) -> list[float]:
        """Of each model: the mean over its searches, kcal/mol."""
        return [float(np.mean(run.seed_scores_kcal_per_mol)) for run in self.runs]

    @property
    def score(self) -> float:
        """What is compared, kcal/mol."""
        return round(float(np.average(self.scores, weights=self.shares)), 3)

    @property
    def spread(self) -> float:
        """Over the models, kcal/mol."""
        return round(weighted_spread(self.scores, self.shares), 3)

    @property
    def search_error(self) -> float:
        """Standard error of the score for its searches' spread, kcal/mol."""
        of_runs = [run.spread_kcal_per_mol**2 / len(run.seed_scores_kcal_per_mol) for run in self.runs]
        return math.sqrt(float(self.shares**2 @ of_runs))


def compare_docking(
    drug: DrugDefinition,
    native: Weighed,
    mutant: Weighed,
    *,
    reference: ReferencePoseRecord,
    distance_to_variant_angstrom: float,
    pocket_rmsd_angstrom: float | None = None,
) -> DockingComparison:
    """One drug in one state, mutant against native: what each side's models score, by their shares.

    ``reference``: record of the reference pose both sides started from. ``pocket_rmsd_angstrom``: how far the
    mutant's pocket lies from the native's (:func:`pocket_rmsd`): the same atoms in the same places have no
    receptor noise between them. None: the noise of two crystals.

    Raises BadInputError if the runs are not of one drug, state and mode, or a side has none.
    """
    _check(drug, native.runs, mutant.runs)
    first, lead = native.runs[0], mutant.runs[0]
    before, after = first.best.interactions, lead.best.interactions
    lost, gained = changed_contacts(before, after)
    return DockingComparison(
        drug=drug.id, site=drug.site, state=first.state, mode=first.settings.mode,
        native_score_kcal_per_mol=native.score, native_spread_kcal_per_mol=native.spread,
        mutant_score_kcal_per_mol=mutant.score, mutant_spread_kcal_per_mol=mutant.spread,
        difference_kcal_per_mol=_score_difference(native, mutant, _receptor_noise(pocket_rmsd_angstrom)),
        native_rmsd_to_reference_angstrom=first.best.rmsd_to_reference_angstrom,
        mutant_rmsd_to_reference_angstrom=lead.best.rmsd_to_reference_angstrom,
        reference=reference.crystal, reference_to_crystal_rmsd_angstrom=reference.rmsd_to_crystal_angstrom,
        distance_to_variant_angstrom=distance_to_variant_angstrom,
        interactions_native=before, interactions_mutant=after,
        contacts_lost=lost, contacts_gained=gained,
        pose_valid=first.best.valid and lead.best.valid,
        notes=_notes([*native.runs, *mutant.runs], reference),
    )  # fmt: skip


def distance_to_residues(receptor: AtomArray, pose: Mol, residues: Sequence[int]) -> float:
    """Shortest heavy-atom distance in angstrom between a pose and any of the residues of a model."""
    wanted = np.isin(receptor.res_id, list(residues)) & (receptor.element != "H")
    if not wanted.any():
        raise BadInputError(
            "The model does not hold the substituted residue.",
            where=f"residues {', '.join(map(str, residues))}",
            remedy="Choose a state whose model covers it.",
        )
    heavy = [atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
    points = np.asarray(pose.GetConformer().GetPositions())[heavy]
    gaps = np.linalg.norm(receptor.coord[wanted][:, None] - points[None], axis=2)
    return round(float(gaps.min()), 2)


def pocket_rmsd(native: AtomArray, mutants: Sequence[AtomArray], pose: Mol) -> float:
    """Largest RMSD (angstrom) of a mutant model's pocket to the native's, in place.

    The pocket is the heavy atoms within 8 angstrom of the pose that both models have.
    """
    points = np.asarray(pose.GetConformer().GetPositions())
    near = np.linalg.norm(native.coord[:, None] - points[None], axis=2).min(axis=1) < _POCKET_ANGSTROM
    lining = native[near & (native.element != "H")]
    places = rows_by_name(lining)
    largest = 0.0
    for mutant in mutants:
        shared = [(row, places[key]) for key, row in rows_by_name(mutant).items() if key in places]
        rows, others = (list(column) for column in zip(*shared, strict=True))
        gaps = mutant.coord[rows] - lining.coord[others]
        largest = max(largest, float(np.sqrt((gaps**2).sum(axis=1).mean())))
    return largest


def alike_around(first: AtomArray, second: AtomArray, points: Coordinates, reach_angstrom: float) -> bool:
    """Whether two models have the same atoms in the same places within reach of points (n, 3), angstrom."""
    tree = cKDTree(points)
    inside = [
        atoms[np.isfinite(tree.query(atoms.coord, distance_upper_bound=reach_angstrom)[0])]
        for atoms in (first, second)
    ]
    rows = [rows_by_name(atoms) for atoms in inside]
    if rows[0].keys() != rows[1].keys():
        return False
    order = [rows[1][key] for key in rows[0]]
    return bool(
        np.array_equal(inside[0].coord, inside[1].coord[order])
        and np.array_equal(inside[0].res_name, inside[1].res_name[order])
    )


def _score_difference(native: Weighed, mutant: Weighed, noise: float) -> Difference:
    """Mutant less native, with what models, searches and the receptors' own noise (kcal/mol) leave open."""
    return weighted_difference(
        (native.scores, native.shares),
        (mutant.scores, mutant.shares),
        unit="kcal/mol",
        noise=math.hypot(noise, native.search_error, mutant.search_error),
        smallest_meaningful=SMALLEST_MEANINGFUL_KCAL_PER_MOL,
        sampling=" and ".join(
            f"{len(side.runs)} {of} model{'s' * (len(side.runs) > 1)} with "
            f"{len(side.runs[0].seed_scores_kcal_per_mol)} searches"
            for side, of in ((native, "native"), (mutant, "mutant"))
        ),
    )


def _receptor_noise(pocket_rmsd_angstrom: float | None) -> float:
    """Standard deviation of a score difference that two receptors' own coordinates make, kcal/mol."""
    if pocket_rmsd_angstrom == 0.0:
        return 0.0
    away = CRYSTAL_POCKET_RMSD_ANGSTROM if pocket_rmsd_angstrom is None else pocket_rmsd_angstrom
    share = min(1.0, away / CRYSTAL_POCKET_RMSD_ANGSTROM)
    return math.sqrt(2.0) * max(REPEAT_KCAL_PER_MOL, RECEPTOR_NOISE_KCAL_PER_MOL * share)


def _check(drug: DrugDefinition, *sides: Sequence[DockingRun]) -> None:
    wanted = (drug.id, sides[0][0].state, sides[0][0].settings.mode) if sides[0] else None
    strays = [run for side in sides for run in side if (run.drug, run.state, run.settings.mode) != wanted]
    if strays or not all(sides):
        found = ", ".join(f"{run.drug} in {run.state} ({run.settings.mode})" for run in strays)
        raise BadInputError(
            "Docking runs of different drugs, states or modes cannot be compared."
            if all(sides)
            else "There is no docking run of one side to compare.",
            where=found or drug.id,
            remedy="Dock the same drug with the same settings into both models.",
        )


def _notes(runs: Sequence[DockingRun], reference: ReferencePoseRecord) -> tuple[Note, ...]:
    said = [note("rigid-receptors", smallest_kcal_per_mol=SMALLEST_MEANINGFUL_KCAL_PER_MOL)]
    for run in runs:
        said += _of_run(
            run, f"{run.variant} (alternative {run.alternative})" if run.alternative else run.variant
        )
    return (*said, *reference.notes)


def _of_run(run: DockingRun, of: str) -> Iterator[Note]:
    """What deserves suspicion in a run: another pose than the known one, a score not confirmed."""
    best, elsewhere = run.score_kcal_per_mol, run.best_elsewhere_kcal_per_mol
    radius = run.settings.pose_radius_angstrom
    if not run.known_mode_kept:
        yield note("known-mode-lost", of=of, radius_angstrom=radius)
    elif elsewhere is not None and elsewhere < best:
        yield note(
            "another-pose-better", of=of, radius_angstrom=radius, score_kcal_per_mol=elsewhere,
            better_kcal_per_mol=round(best - elsewhere, 3),
        )  # fmt: skip
    for item in run.notes:
        if item.code == "program-differs":
            yield item.model_copy(update={"values": {"of": of, **item.values}})


def fits_apart(native: StateFit | None, mutant: StateFit | None) -> Note | None:
    """Where one side fits a state and the other does not: whether that is more than two receptors' noise."""
    if native is None or mutant is None or native.fits == mutant.fits:
        return None
    change = mutant.score_kcal_per_mol - native.score_kcal_per_mol
    noise = 1.96 * math.sqrt(2.0) * RECEPTOR_NOISE_KCAL_PER_MOL
    if abs(change) <= noise:
        return note("fits-apart-within-noise", change_kcal_per_mol=change, noise_kcal_per_mol=noise)
    return note("fits-apart-beyond-noise", change_kcal_per_mol=change, noise_kcal_per_mol=noise)

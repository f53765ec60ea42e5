"""The docking table: every drug in every state, native beside mutant, from what docking left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kinscope.analysis.calls import call
from kinscope.docking.engine import Mol
from kinscope.docking.known.reference import SEARCHED
from kinscope.docking.poses.strain import pose_strain
from kinscope.docking.records import DockingRun, ReferencePoseRecord
from kinscope.docking.table.differences import Weighed, compare_docking, distance_to_residues, pocket_rmsd
from kinscope.results.docking import DockedSide, DockingRow, FoundPose, RelaxedComparison
from kinscope.results.measured import DockingComparison, StateFit
from kinscope.results.notes import Note, note
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition


@dataclass(frozen=True)
class Docked:
    """One side's runs, one per alternative model."""

    models: list[AtomArray]
    weighed: Weighed
    best: Mol
    """Best pose in the first model."""


@dataclass(frozen=True)
class Subject:
    """What a row is about."""

    drug: DrugDefinition
    state: str
    state_label: str
    variant: str
    substitutions: dict[int, str]
    """Three-letter name of the new residue by number."""

    def named(self) -> dict[str, Any]:
        """What every row says of it."""
        drug = self.drug
        return {
            "drug": drug.id, "name": drug.name, "binding_type": drug.binding_type, "site": drug.site,
            "state": self.state, "state_label": self.state_label, "own_state": drug.state,
            "variant": self.variant,
        }  # fmt: skip


def docked_row(
    subject: Subject,
    native: Docked,
    mutant: Docked,
    known: Mol,
    reference: ReferencePoseRecord,
    *,
    relaxed: RelaxedComparison | None,
    no_relaxed: Note | None = None,
    reach_angstrom: float,
) -> DockingRow:
    """A row of a drug that was docked.

    ``reach_angstrom``: how far from the drug residues enter the relaxed complexes' energy.
    """
    began = time.process_time()
    comparison = _compared(subject, native, mutant, known, reference)
    distance = comparison.distance_to_variant_angstrom
    notes = [no_relaxed] if relaxed is None and no_relaxed else []
    notes.append(note("rmsd-to-known-pose", to_crystal_angstrom=reference.rmsd_to_crystal_angstrom))
    return DockingRow(
        **subject.named(), outcome="docked",
        native=_side(native, reference), mutant=_side(mutant, reference),
        difference_kcal_per_mol=comparison.difference_kcal_per_mol, relaxed=relaxed,
        contacts_lost=comparison.contacts_lost, contacts_gained=comparison.contacts_gained,
        distance_to_variant_angstrom=distance, reference=reference.crystal,
        reference_to_crystal_angstrom=reference.rmsd_to_crystal_angstrom,
        call=call(
            comparison.difference_kcal_per_mol, relaxed,
            mode_kept=mutant.weighed.runs[0].known_mode_kept, distance_angstrom=distance,
            reach_angstrom=reach_angstrom,
            known_to_crystal_angstrom=reference.rmsd_to_crystal_angstrom,
        ),
        cpu_seconds=round(time.process_time() - began + (relaxed.cpu_seconds if relaxed else 0.0), 1),
        notes=(*comparison.notes, *notes),
    )  # fmt: skip


def misfit_row(subject: Subject, native: StateFit, mutant: StateFit | None) -> DockingRow:
    """A row of a drug whose binding mode does not exist in the state."""
    return DockingRow(**subject.named(), outcome="does not fit", native_fit=native, mutant_fit=mutant)


def unmodelled_row(subject: Subject) -> DockingRow:
    """A row of a drug whose site the state's model does not hold."""
    why = note("site-not-modelled", site=subject.drug.site)
    return DockingRow(**subject.named(), outcome="not modelled", notes=(why,))


def with_search(row: DockingRow, run: DockingRun) -> DockingRow:
    """A row with the poses that a blind search found, and what was turned for them."""
    found = tuple(
        FoundPose(
            rank=pose.rank, score_kcal_per_mol=pose.score_kcal_per_mol, ranking_kcal_per_mol=pose.rank_by,
            rmsd_to_first_angstrom=pose.rmsd_to_reference_angstrom,
            core_rmsd_to_first_angstrom=pose.core_rmsd_angstrom,
            contacts=pose.interactions, problems=pose.problems,
        )
        for pose in run.poses
    )  # fmt: skip
    told = [note("side-chains-made-room", residues=run.turned_residues)] if run.turned_residues else []
    update = {"found": found, "turned_residues": run.turned_residues, "notes": (*row.notes, *told)}
    return row.model_copy(update=update)


def with_best_forms(rows: Sequence[DockingRow]) -> list[DockingRow]:
    """Rows of which those of a searched ligand say in which state it ranks best, and how far others are."""
    best: dict[str, DockingRow] = {}
    for row in sorted((row for row in rows if row.found), key=_ranked):
        best.setdefault(row.drug, row)
    return [_placed(row, best[row.drug]) if row.found else row for row in rows]


def _ranked(row: DockingRow) -> float:
    return row.found[0].ranking_kcal_per_mol


def _placed(row: DockingRow, best: DockingRow) -> DockingRow:
    behind = _ranked(row) - _ranked(best)
    told = (
        note("best-form-of-site", state=best.state)
        if row is best
        else note("ranks-behind-form", state=best.state, behind_kcal_per_mol=behind)
    )
    return row.model_copy(update={"notes": (*row.notes, told)})


def _compared(
    subject: Subject, native: Docked, mutant: Docked, known: Mol, reference: ReferencePoseRecord
) -> DockingComparison:
    """Vina's scores and contacts on either side, with how near the substitution and how alike the pockets."""
    model = native.models[0]
    return compare_docking(
        subject.drug.model_copy(update={"state": subject.state}),
        native.weighed,
        mutant.weighed,
        reference=reference,
        distance_to_variant_angstrom=distance_to_residues(model, known, list(subject.substitutions)),
        pocket_rmsd_angstrom=pocket_rmsd(model, mutant.models, known),
    )


def _side(docked: Docked, reference: ReferencePoseRecord) -> DockedSide:
    runs = docked.weighed.runs
    lead = runs[0]
    away = None if reference.crystal == SEARCHED else lead.best.rmsd_to_reference_angstrom
    return DockedSide(
        score_kcal_per_mol=docked.weighed.score,
        spread_kcal_per_mol=round(docked.weighed.spread, 2),
        searches=sum(len(run.seed_scores_kcal_per_mol) for run in runs),
        models=len(runs),
        rmsd_to_known_angstrom=away,
        strain_kcal_per_mol=pose_strain(docked.best),
        contacts=lead.best.interactions, valid=lead.best.valid, problems=lead.best.problems,
        known_mode_kept=lead.known_mode_kept,
        best_elsewhere_kcal_per_mol=lead.best_elsewhere_kcal_per_mol,
    )  # fmt: skip

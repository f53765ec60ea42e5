"""Mutant models: substitute, search rotamers with the neighbours, relax, rank.

The substituted side chains and every side chain around them are packed together over discrete rotamers, on
the native backbone and on backrubs of it (:mod:`kinscope.structures.mutants.candidates`); the best distinct
solutions are relaxed by stages with ff14SB and implicit solvent
(:mod:`kinscope.structures.forcefield.relaxation`) and ranked (docs/why/structures.md). Atoms beyond the shell
do not move at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError, VariantError
from kinscope.core.progress import Progress, silent
from kinscope.core.residues import ONE_TO_THREE, three_letter
from kinscope.core.seeds import derive_seed
from kinscope.results.models import ModelRecord
from kinscope.structures.forcefield.relaxation import Relaxed, Relaxer, choose_region
from kinscope.structures.model import AtomArray
from kinscope.structures.mutants.backbone_moves import backbone_kept
from kinscope.structures.mutants.candidates import Packed, SoftScore, pack_substitutions
from kinscope.structures.mutants.record import mutant_record
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.mutants.strain import Relief, relieve, strain_left
from kinscope.structures.side_chains.sites import (
    nearest_rotamer,
    residues_of,
    rotamer_cost_kcal_per_mol,
    rows_of,
)
from kinscope.structures.superposition import BACKBONE


@dataclass(frozen=True)
class MutantModel:
    """One relaxed alternative of a mutant."""

    atoms: AtomArray
    record: ModelRecord
    energy_kcal_per_mol: float
    """Score of the ranking (:func:`candidate_score`). Only differences between alternatives mean anything."""


def build_mutant(
    native: AtomArray,
    native_record: ModelRecord,
    substitutions: Sequence[tuple[int, str]],
    settings: MutationSettings,
    seed: int,
    report: Progress = silent,
) -> list[MutantModel]:
    """Build and relax the substitutions on a native model.

    Substitutions are residue numbers and one-letter codes of the new residues, in cis. A residue may be
    substituted by its own kind: the native of a comparison is built as the mutant is. Every candidate is
    relaxed from coordinates scattered by the seed; the same seed gives the same models on the same machine.
    They come sorted by energy, alternative 0 lowest.

    Raises StructureError if a residue is not in the model; VariantError if a letter is not one of the twenty,
    or a residue is substituted twice.
    """
    wanted = check_substitutions(native, substitutions)
    report(0.02, "searching rotamers")
    packings = pack_substitutions(native, wanted, settings, seed)
    report(0.2, "preparing the force field")
    candidates = _relaxed_candidates(native, packings, wanted, settings, seed, report)
    ranked = _ranked(native, wanted, candidates, settings)
    report(0.98, "relaxing what is strained")
    relieved = [_relieved(native, wanted, candidate, settings, seed) for candidate in ranked]
    report(1.0, "done")
    models = []
    for index, found in enumerate(relieved):
        packing = replace(found.packing, atoms=found.atoms)
        record = mutant_record(native, native_record, wanted, packing, settings, found.relief)
        above = float(found.score - relieved[0].score)
        place = {"alternative": index, "relative_energy_kcal_per_mol": above}
        models.append(MutantModel(found.atoms, record.model_copy(update=place), found.score))
    return models


def _relaxed_candidates(
    native: AtomArray,
    packings: Sequence[Packed],
    wanted: dict[int, str],
    settings: MutationSettings,
    seed: int,
    report: Progress,
) -> list[_Candidate]:
    relaxer = _relaxer(native, packings, list(wanted), settings)
    soft = SoftScore(packings[0].atoms, relaxer.region.shell, relaxer.region.included)
    candidates: list[_Candidate] = []
    for index, packing in enumerate(packings):
        report(0.25 + 0.75 * index / len(packings), f"relaxing candidate {index + 1} of {len(packings)}")
        coord = np.array(packing.atoms.coord, dtype=np.float32)
        draw = np.random.default_rng(derive_seed(seed, "coordinates", index))
        coord[relaxer.region.side_chains] += draw.normal(
            scale=settings.scatter_angstrom, size=coord[relaxer.region.side_chains].shape
        )
        relaxed = relaxer.relax(coord)
        atoms = packing.atoms.copy()
        atoms.coord = relaxed.coord
        score = candidate_score(relaxed, soft(relaxed.coord), atoms, wanted, settings.packing_weight)
        candidates.append(_Candidate(score, atoms, packing))
    return candidates


@dataclass(frozen=True)
class _Candidate:
    score: float
    atoms: AtomArray
    packing: Packed
    relief: Relief | None = None

    def rotamers(self, numbers: Sequence[int]) -> tuple[str, ...]:
        """Where the relaxed side chains stand, whatever they started from."""
        residues = residues_of(self.atoms)
        return tuple(nearest_rotamer(residues[number]) for number in numbers)


def candidate_score(
    relaxed: Relaxed, soft: float, atoms: AtomArray, wanted: dict[int, str], packing_weight: float
) -> float:
    """What ranks relaxed candidates, kcal/mol; only differences mean anything (docs/why/structures.md).

    ``soft`` is the packing energy on the relaxed coordinates, ``packing_weight`` its share, 0 to 1.
    """
    residues = residues_of(atoms)
    rarity = sum(rotamer_cost_kcal_per_mol(residues, number) for number in wanted)
    energy = (1.0 - packing_weight) * relaxed.energy_kcal_per_mol + packing_weight * (soft + rarity)
    return energy + relaxed.strain_kcal_per_mol


def check_substitutions(native: AtomArray, substitutions: Sequence[tuple[int, str]]) -> dict[int, str]:
    """Residue number to three-letter name of the new residue, checked against the model.

    Raises StructureError, VariantError as :func:`build_mutant` says.
    """
    if not substitutions:
        raise VariantError("There is no substitution to build.", remedy="Name at least one, such as K404E.")
    names = {int(number): str(name) for number, name in zip(native.res_id, native.res_name, strict=True)}
    modelled = [number for number, name in names.items() if name not in {"ACE", "NME"}]
    wanted: dict[int, str] = {}
    for number, letter in substitutions:
        if letter not in ONE_TO_THREE:
            raise VariantError(
                f"{letter!r} is not the one-letter code of an amino acid.",
                where=f"substitution at residue {number}",
                remedy=f"Use one of {' '.join(sorted(ONE_TO_THREE))}.",
            )
        if number not in modelled:
            raise StructureError(
                f"Residue {number} is not in this model, which spans {min(modelled)} to {max(modelled)}.",
                where=f"substitution {number}{letter}",
                remedy="Choose a state whose model holds the residue (kinscope models list).",
            )
        if number in wanted:
            raise VariantError(
                f"Residue {number} is substituted twice.",
                where=f"substitution {number}{letter}",
                remedy="Name one substitution per residue.",
            )
        wanted[number] = three_letter(letter)
    return wanted


def _relaxer(
    native: AtomArray, packings: Sequence[Packed], targets: Sequence[int], settings: MutationSettings
) -> Relaxer:
    mutant = packings[0].atoms
    region = choose_region(
        mutant,
        [np.asarray(packing.atoms.coord, dtype=np.float32) for packing in packings],
        targets,
        sorted({number for packing in packings for number in packing.repacked}),
        settings.shell_radius_angstrom,
        settings.surroundings_angstrom,
    )
    return Relaxer(mutant, region, _native_places(native, mutant, targets), settings)


def _native_places(native: AtomArray, mutant: AtomArray, targets: Sequence[int]) -> NDArray[np.float32]:
    """Coordinates (n_atoms, 3) of the mutant with all but new side chains where the native has them."""
    place = rows_of(native)
    coord = np.array(mutant.coord, dtype=np.float32)
    for row, (number, atom) in enumerate(zip(mutant.res_id, mutant.atom_name, strict=True)):
        if atom in BACKBONE or int(number) not in targets:
            coord[row] = native.coord[place[int(number), str(atom)]]
    return coord


def _ranked(
    native: AtomArray, wanted: dict[int, str], candidates: Sequence[_Candidate], settings: MutationSettings
) -> list[_Candidate]:
    """Sound candidates by score, each set of rotamers once, within the window."""
    sound = [c for c in candidates if all(backbone_kept(native, c.atoms, move) for move in c.packing.moves)]
    distinct: dict[tuple[str, ...], _Candidate] = {}
    for candidate in sorted(sound or candidates, key=lambda c: c.score):
        distinct.setdefault(candidate.rotamers(list(wanted)), candidate)
    ranked = list(distinct.values())
    limit = ranked[0].score + settings.alternative_window_kcal_per_mol
    return [c for c in ranked if c.score <= limit][: settings.alternatives]


def _relieved(
    native: AtomArray, wanted: dict[int, str], candidate: _Candidate, settings: MutationSettings, seed: int
) -> _Candidate:
    """A candidate relaxed again with more freedom, if it is strained and that helps.

    It keeps its score: one of a wider shell holds other atoms, and would not compare.
    """
    if strain_left(native, candidate.atoms, list(wanted)) is None:
        return candidate
    changed = settings.relief.model_dump()
    wider = settings.shell_radius_angstrom + changed.pop("extra_shell_angstrom")
    freer = settings.model_copy(update={**changed, "shell_radius_angstrom": wider})
    relaxer = _relaxer(native, [replace(candidate.packing, atoms=candidate.atoms)], list(wanted), freer)
    relief = relieve(native, candidate.atoms, relaxer, wanted, seed)
    return candidate if relief is None else replace(candidate, atoms=relief.atoms, relief=relief)

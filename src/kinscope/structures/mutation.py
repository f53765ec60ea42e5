"""Mutant models: substitute, search rotamers with the neighbours, relax, rank.

The substituted side chains and every side chain around them are packed together over discrete rotamers
(:mod:`kinscope.structures.packing`); the best distinct solutions are relaxed by stages with ff14SB and
implicit solvent (:mod:`kinscope.structures.relaxation`) and ranked on the mean of relaxed and packing energy
(docs/decisions/0031). Atoms beyond the shell do not move at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kinscope.core.errors import StructureError, VariantError
from kinscope.core.records import Settings
from kinscope.core.residues import ONE_TO_THREE, one_letter, three_letter
from kinscope.structures.model import AtomArray, ModelRecord
from kinscope.structures.mutant_record import mutant_record
from kinscope.structures.packing import Packing, PackingProblem
from kinscope.structures.packing_sites import (
    FRAME,
    Residue,
    add_surroundings,
    joined,
    merge_positions,
    native_side_chain,
    neighbours_to_repack,
    new_side_chain,
    prune,
    residue_spans,
    residues_of,
    substituted_residue,
)
from kinscope.structures.relaxation import RelaxationProtocol, Relaxer, choose_region

Progress = Callable[[float, str], None]
"""Called with the fraction done, 0 to 1, and what runs now."""


class MutationSettings(Settings):
    """How a substitution is packed and relaxed."""

    repack_radius_angstrom: float = Field(default=5.0, ge=0.0, le=15.0)
    """Side chains this near the old or any rotamer of the new side chain are repacked with it."""
    native_rotamer_bonus_kcal_per_mol: float = Field(default=3.0, ge=0.0, le=20.0)
    """By how much a neighbour's other rotamer must beat the native one: the reference is a crystal's."""
    candidates: int = Field(default=4, ge=1, le=20)
    """Distinct packings that are relaxed."""
    candidate_window_kcal_per_mol: float = Field(default=8.0, ge=0.0, le=100.0)
    """Packings further than this above the best are not relaxed."""
    packing_weight: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of the packing energy in the score that ranks; the rest is the relaxed force-field energy."""
    alternatives: int = Field(default=3, ge=1, le=10)
    """At most so many relaxed models are kept."""
    alternative_window_kcal_per_mol: float = Field(default=3.0, ge=0.0, le=50.0)
    """Relaxed models further than this above the lowest are dropped."""
    shell_radius_angstrom: float = Field(default=6.0, ge=3.0, le=15.0)
    """Residues with an atom this near a substituted residue may move; all others are fixed."""
    surroundings_angstrom: float = Field(default=9.0, ge=6.0, le=30.0)
    """Fixed atoms further than this from every movable atom are left out of the energy."""
    cutoff_nm: float = Field(default=1.2, ge=0.8, le=3.0)
    backbone_restraint_kcal_per_mol_angstrom2: float = Field(default=2.0, ge=0.0, le=1000.0)
    """On the shell's backbone heavy atoms, at their native places, in the last stage."""
    clash_iterations: int = Field(default=150, ge=10, le=5000)
    """Minimiser iterations in each stage without solvent."""
    final_iterations: int = Field(default=150, ge=10, le=5000)
    """Minimiser iterations of the last stage, in implicit solvent."""
    threads: int = Field(default=1, ge=1, le=256)


@dataclass(frozen=True)
class MutantModel:
    """One relaxed alternative of a mutant."""

    atoms: AtomArray
    record: ModelRecord
    energy_kcal_per_mol: float
    """Score of the ranking: weighted mean of the relaxed force-field energy of the movable part with its
    surroundings and of the packing energy. Only differences between alternatives mean anything."""


@dataclass(frozen=True)
class Packed:
    """One packing before relaxation."""

    atoms: AtomArray
    labels: tuple[str, ...]
    """Rotamer of each substituted residue."""
    repacked: dict[int, str]
    """Neighbours that left their native rotamer, and for which."""
    energy_kcal_per_mol: float


def build_mutant(
    native: AtomArray,
    native_record: ModelRecord,
    substitutions: Sequence[tuple[int, str]],
    settings: MutationSettings,
    seed: int,
    progress: Progress | None = None,
) -> list[MutantModel]:
    """Build and relax the substitutions on a native model.

    Parameters
    ----------
    native
        Model in the conventions of :mod:`kinscope.structures.model`.
    native_record
        Its record.
    substitutions
        Residue number and one-letter code of the new residue, in cis.
    settings
        Search and relaxation.
    seed
        Same seed, same machine: same models.
    progress
        Told how far the work is.

    Returns
    -------
    list of MutantModel
        Sorted by energy, alternative 0 lowest.

    Raises
    ------
    StructureError
        If a residue is not in the model.
    VariantError
        If a letter is not one of the twenty, a residue is substituted by itself, or twice.
    """
    report = progress or (lambda fraction, what: None)
    wanted = check_substitutions(native, substitutions)
    report(0.02, "searching rotamers")
    packings = pack_substitutions(native, wanted, settings, seed)
    report(0.2, "preparing the force field")
    mutants = [packing.atoms for packing in packings]
    relaxer = _relaxer(native, packings, list(wanted), settings)
    relaxed: list[tuple[float, AtomArray, Packed]] = []
    for index, packing in enumerate(packings):
        report(0.25 + 0.75 * index / len(packings), f"relaxing candidate {index + 1} of {len(packings)}")
        coord, energy = relaxer.relax(np.asarray(packing.atoms.coord, dtype=np.float32))
        atoms = mutants[index].copy()
        atoms.coord = coord
        share = settings.packing_weight
        score = (1.0 - share) * energy + share * packing.energy_kcal_per_mol
        relaxed.append((score, atoms, packing))
    relaxed.sort(key=lambda entry: entry[0])
    report(1.0, "done")
    return _ranked(native, native_record, wanted, relaxed, settings)


def check_substitutions(native: AtomArray, substitutions: Sequence[tuple[int, str]]) -> dict[int, str]:
    """Residue number to three-letter name of the new residue, checked against the model.

    Raises
    ------
    StructureError, VariantError
        As :func:`build_mutant` says.
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
        if one_letter(names[number]) == letter:
            raise VariantError(
                f"Residue {number} is {names[number].capitalize()} in the native model already.",
                where=f"substitution {number}{letter}",
                remedy="Name the residue that replaces it.",
            )
        if number in wanted:
            raise VariantError(
                f"Residue {number} is substituted twice.",
                where=f"substitution {number}{letter}",
                remedy="Name one substitution per residue.",
            )
        wanted[number] = three_letter(letter)
    return wanted


def pack_substitutions(
    native: AtomArray, wanted: dict[int, str], settings: MutationSettings, seed: int
) -> list[Packed]:
    """The best distinct packings of new side chains (by residue) with their neighbours, best first.

    A residue may be "substituted" by its own kind: its side chain is then forgotten and built anew, which is
    how the method is judged on crystals.
    """
    old = residues_of(native)
    problem, residues = _packing_problem(old, wanted, settings)
    best = problem.solve(seed=seed)
    tautomers = {i: problem.positions[i].atom_names[best.choice[i]] for i in range(len(wanted))}
    found = {_classes(problem, best, len(wanted)): best}
    for target in range(len(wanted)):
        position = problem.positions[target]
        for label in dict.fromkeys(position.labels):
            fixed = {
                i: [c for c, names in enumerate(problem.positions[i].atom_names) if names == tautomers[i]]
                for i in range(len(wanted))
            }
            fixed[target] = [c for c in fixed[target] if position.labels[c] == label]
            if fixed[target]:
                packing = problem.solve(fixed, seed=seed)
                found.setdefault(_classes(problem, packing, len(wanted)), packing)
    ranked = sorted(found.values(), key=lambda packing: packing.energy_kcal_per_mol)
    limit = ranked[0].energy_kcal_per_mol + settings.candidate_window_kcal_per_mol
    kept = [packing for packing in ranked if packing.energy_kcal_per_mol <= limit][: settings.candidates]
    return [_assembled(native, residues, problem, packing, len(wanted)) for packing in kept]


def _packing_problem(
    old: dict[int, Residue], wanted: dict[int, str], settings: MutationSettings
) -> tuple[PackingProblem, dict[int, Residue]]:
    """Positions (targets first) with complete energies, and the residues with the new ones in place."""
    residues = dict(old)
    targets = []
    for number, name in wanted.items():
        parts = []
        for tautomer in ("HIE", "HID") if name == "HIS" else ("",):
            residues[number] = substituted_residue(old[number], old.get(number - 1), name, tautomer)
            parts.append(new_side_chain(residues[number], tautomer))
        targets.append(merge_positions(parts))
    around = neighbours_to_repack(old, targets, wanted, settings.repack_radius_angstrom)
    positions = targets + [
        native_side_chain(old[number], settings.native_rotamer_bonus_kcal_per_mol) for number in around
    ]
    moving = {p.residue: frozenset(atom for names in p.atom_names for atom in names) for p in positions}
    complete = []
    for place, position in enumerate(positions):
        filled = add_surroundings(position, residues, moving)
        complete.append(prune(filled, 20.0, 90) if place < len(targets) else prune(filled, 10.0, 24))
    return PackingProblem(complete), residues


def _classes(problem: PackingProblem, packing: Packing, targets: int) -> tuple[str, ...]:
    return tuple(problem.positions[i].labels[packing.choice[i]] for i in range(targets))


def _assembled(
    native: AtomArray, residues: dict[int, Residue], problem: PackingProblem, packing: Packing, targets: int
) -> Packed:
    """A packing as a model; atoms of a new residue stand backbone first."""
    chosen = {p.residue: (p, c) for p, c in zip(problem.positions, packing.choice, strict=True)}
    new = {p.residue for p in problem.positions[:targets]}
    parts = []
    repacked = {}
    for number, start, stop in residue_spans(native):
        if number not in chosen:
            parts.append(native[start:stop])
            continue
        position, conformer = chosen[number]
        moved = dict(zip(position.atom_names[conformer], position.coord[conformer], strict=True))
        if number in new:
            parts.append(_new_residue(native[start:stop], residues[number], moved))
            continue
        part = native[start:stop].copy()
        for index, atom in enumerate(part.atom_name):
            if str(atom) in moved:
                part.coord[index] = moved[str(atom)]
        parts.append(part)
        if position.labels[conformer] != "native":
            repacked[number] = position.labels[conformer]
    return Packed(joined(parts), _classes(problem, packing, targets), repacked, packing.energy_kcal_per_mol)


def _new_residue(old: AtomArray, residue: Residue, moved: dict[str, NDArray[np.float32]]) -> AtomArray:
    import biotite.structure as struc

    frame = [atom for atom in FRAME if atom in residue.atom_names]
    names = frame + [atom for atom in moved if atom not in frame]
    part = struc.AtomArray(len(names))
    for category in old.get_annotation_categories():
        if category not in part.get_annotation_categories():
            part.add_annotation(category, old.get_annotation(category).dtype)
        part.get_annotation(category)[:] = old.get_annotation(category)[0]
    part.res_name[:] = residue.name
    part.atom_name[:] = names
    part.element[:] = [atom.lstrip("0123456789")[0] for atom in names]
    part.coord = np.array([residue.at(a) if a in FRAME else moved[a] for a in names], dtype=np.float32)
    if "charge" in part.get_annotation_categories():
        part.charge[:] = 0
    return part


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
    protocol = RelaxationProtocol(
        settings.cutoff_nm,
        settings.backbone_restraint_kcal_per_mol_angstrom2,
        settings.clash_iterations,
        settings.final_iterations,
        settings.threads,
    )
    # backbone atoms stand at their native places in every packing
    return Relaxer(mutant, region, np.asarray(mutant.coord, dtype=np.float32), protocol)


def _ranked(
    native: AtomArray,
    native_record: ModelRecord,
    wanted: dict[int, str],
    relaxed: Sequence[tuple[float, AtomArray, Packed]],
    settings: MutationSettings,
) -> list[MutantModel]:
    lowest = relaxed[0][0]
    limit = lowest + settings.alternative_window_kcal_per_mol
    kept = [entry for entry in relaxed if entry[0] <= limit][: settings.alternatives]
    return [
        MutantModel(
            atoms,
            mutant_record(native, atoms, native_record, wanted, packing, index, energy - lowest, settings),
            energy,
        )
        for index, (energy, atoms, packing) in enumerate(kept)
    ]

"""Mutants built on native crystals and shipped models, beside the crystals of the mutants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from side_chain_recovery import CHI_TOLERANCE_DEGREES, CrystalModel, crystal_model, side_chain_rmsd

from kinscope.core.progress import Progress
from kinscope.core.records import Record
from kinscope.core.residues import one_letter, three_letter
from kinscope.results.models import ModelRecord
from kinscope.structures.model import AtomArray
from kinscope.structures.mutants.build import MutantModel, build_mutant
from kinscope.structures.mutants.candidates import pack_substitutions
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.side_chains.rotamers import chi_angles, chi_difference_degrees
from kinscope.structures.side_chains.sites import Residue, residues_of
from kinscope.structures.superposition import kabsch
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.pack import TargetPack

_NEIGHBOURS_ANGSTROM = 10.0
_T315I_IN = (("2V7A", "A"), ("2V7A", "B"), ("2Z60", "A"), ("4TWP", "A"), ("4TWP", "B"))
_T315I_OUT = (("3QRJ", "A"), ("3QRJ", "B"))
_H396P_IN = (("2G2I", "A"), ("2G2I", "B"))
_H396P_INTER = (("2G2F", "A"), ("2G2H", "A"))


@dataclass(frozen=True)
class Case:
    """What is substituted on what, and the crystals of the mutant in the same state."""

    native: str
    """``2GQG:A`` for a crystal, else the id of a shipped state."""
    substitution: tuple[int, str]
    crystals: tuple[tuple[str, str], ...]


CASES = (
    Case("2GQG:A", (315, "I"), _T315I_IN),
    Case("2HYY:A", (315, "I"), _T315I_OUT),
    Case("kinase-dfg-in", (315, "I"), _T315I_IN),
    Case("kinase-dfg-out", (315, "I"), _T315I_OUT),
    Case("2GQG:A", (396, "P"), _H396P_IN + _H396P_INTER),
    Case("kinase-dfg-in", (396, "P"), _H396P_IN + _H396P_INTER),
)
"""For the abl1 target. 2G2F:A and 2G2H:A stand between DFG-in and DFG-out (Levinson et al. 2006)."""


class CrystalComparison(Record):
    """The alternatives of a mutant model against one crystal of the mutant."""

    native: str
    crystal: str
    substitution: str
    chi_crystal_degrees: tuple[float, ...]
    chi_alternatives_degrees: tuple[tuple[float, ...], ...]
    """Of every alternative, the lowest first."""
    relative_energies_kcal_per_mol: tuple[float, ...]
    side_chain_rmsd_angstrom: tuple[float, ...]
    """Of every alternative, after superposition on backbone atoms of residues within 10 A."""
    backbone_rmsd_angstrom: float
    """Of that superposition: how far the two backbones differ anyway."""

    def chi_right(self, alternative: int) -> int:
        """Leading chi angles of an alternative within 40 degrees of the crystal's."""
        right = 0
        for apart in self._apart(alternative):
            if apart > CHI_TOLERANCE_DEGREES:
                break
            right += 1
        return right

    @property
    def place(self) -> int | None:
        """Which alternative (0 the lowest) has every chi of the crystal; None where none has."""
        count = len(self.chi_crystal_degrees)
        places = range(len(self.chi_alternatives_degrees))
        return next((p for p in places if self.chi_right(p) == count), None)

    def _apart(self, alternative: int) -> tuple[float, ...]:
        return chi_difference_degrees(
            three_letter(self.substitution[-1]),
            self.chi_alternatives_degrees[alternative],
            self.chi_crystal_degrees,
        )


class OwnBackbone(Record):
    """The mutated residue of a mutant's crystal, packed anew on that crystal's own backbone.

    Where this fails the energies are at fault (or the crystal's ligand, which packing does not see); where it
    succeeds and the mutant model fails, the backbone is.
    """

    crystal: str
    residue: int
    chi_crystal_degrees: tuple[float, ...]
    chi_packed_degrees: tuple[float, ...]
    above_best_kcal_per_mol: float | None
    """Packing energy of the crystal's rotamer above the best; None where it is not among the candidates."""


def compare_all(
    source: PdbSource, pack: TargetPack, settings: MutationSettings, seed: int, report: Progress
) -> tuple[list[CrystalComparison], list[OwnBackbone]]:
    """Every case of mutants with crystals, and the same residues on the mutants' own backbones."""
    comparisons: list[CrystalComparison] = []
    chains: dict[tuple[str, str], CrystalModel] = {}
    for index, case in enumerate(CASES):
        number, letter = case.substitution
        report(index / (len(CASES) + 1), f"building {number}{letter} on {case.native}")
        atoms, record = _native(source, pack, case.native)
        for entry, chain in case.crystals:
            if (entry, chain) not in chains:
                chains[entry, chain] = crystal_model(source, pack, entry, chain)
        crystals = [chains[key] for key in case.crystals]
        models = build_mutant(atoms, record, [case.substitution], settings, seed)
        comparisons += compare_with_crystals(case, models, crystals)
    report(len(CASES) / (len(CASES) + 1), "packing mutants on their own backbones")
    seen = {(key, case.substitution) for case in CASES for key in case.crystals}
    own = [on_own_backbone(chains[key], what, settings, seed) for key, what in sorted(seen)]
    return comparisons, [one for one in own if one is not None]


def _native(source: PdbSource, pack: TargetPack, name: str) -> tuple[AtomArray, ModelRecord]:
    from kinscope.structures.reference.build import reference_model

    if ":" in name:
        crystal = crystal_model(source, pack, *name.split(":"))
        return crystal.atoms, crystal.record
    return reference_model(pack, name)


def compare_with_crystals(
    case: Case, models: Sequence[MutantModel], crystals: Sequence[CrystalModel]
) -> list[CrystalComparison]:
    """Lay the alternatives of a mutant on each crystal that shows the residue whole."""
    number, letter = case.substitution
    residues = [residues_of(model.atoms) for model in models]
    found = []
    for crystal in crystals:
        truth = residues_of(crystal.atoms)
        if not _shows(crystal, truth, case.substitution):
            continue
        laid = [kabsch(*_common_backbone(built, truth, number)) for built in residues]
        rmsd = [
            side_chain_rmsd(built[number], truth[number], onto.apply(built[number].coord))
            for built, onto in zip(residues, laid, strict=True)
        ]
        found.append(
            CrystalComparison(
                native=case.native,
                crystal=crystal.label,
                substitution=f"{number}{letter}",
                chi_crystal_degrees=_chis(truth[number]),
                chi_alternatives_degrees=tuple(_chis(built[number]) for built in residues),
                relative_energies_kcal_per_mol=tuple(
                    model.record.relative_energy_kcal_per_mol or 0.0 for model in models
                ),
                side_chain_rmsd_angstrom=tuple(rmsd),
                backbone_rmsd_angstrom=laid[0].rmsd_angstrom,
            )
        )
    return found


def on_own_backbone(
    crystal: CrystalModel, substitution: tuple[int, str], settings: MutationSettings, seed: int
) -> OwnBackbone | None:
    """Pack the residue of a mutant's crystal anew on the crystal's backbone; None where it is not shown."""
    number, _ = substitution
    truth = residues_of(crystal.atoms)
    if not _shows(crystal, truth, substitution):
        return None
    fixed = settings.model_copy(
        update={
            "backrub_degrees": (),
            "neighbour_backrub_degrees": (),
            "candidates": 20,
            "candidate_window_kcal_per_mol": 100.0,
        }
    )
    packings = pack_substitutions(crystal.atoms, {number: truth[number].name}, fixed, seed)
    chis = [_chis(residues_of(packing.atoms)[number]) for packing in packings]
    aim = _chis(truth[number])
    near = [
        packing.energy_kcal_per_mol - packings[0].energy_kcal_per_mol
        for packing, chi in zip(packings, chis, strict=True)
        if max(chi_difference_degrees(truth[number].name, chi, aim)) <= CHI_TOLERANCE_DEGREES
    ]
    return OwnBackbone(
        crystal=crystal.label,
        residue=number,
        chi_crystal_degrees=aim,
        chi_packed_degrees=chis[0],
        above_best_kcal_per_mol=min(near, default=None),
    )


def _shows(crystal: CrystalModel, truth: dict[int, Residue], substitution: tuple[int, str]) -> bool:
    number, letter = substitution
    return number in crystal.complete and one_letter(truth[number].name) == letter


def _chis(residue: Residue) -> tuple[float, ...]:
    return chi_angles(residue.name, residue.atom_names, residue.coord)


def _common_backbone(
    built: dict[int, Residue], truth: dict[int, Residue], centre: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """N, CA and C (n, 3) of residues near the substituted one, in both."""
    mine, aim = [], []
    for number, residue in built.items():
        if number in truth and {"N", "CA", "C"} <= set(residue.atom_names) & set(truth[number].atom_names):
            near = np.linalg.norm(residue.at("CA") - built[centre].at("CA")) < _NEIGHBOURS_ANGSTROM
            if near and residue.name not in {"ACE", "NME"}:
                mine += [residue.at(atom) for atom in ("N", "CA", "C")]
                aim += [truth[number].at(atom) for atom in ("N", "CA", "C")]
    return np.array(mine), np.array(aim)

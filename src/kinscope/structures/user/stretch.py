"""The stretch of a user's chain that becomes a model: gaps filled, set back to the target's sequence.

Asn and Asp, Gln and Glu have the same heavy atoms and are renamed. Every other difference is substituted by
the program's own mutant builder, on the relaxed model, a few neighbours at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kinscope.core.errors import StructureError
from kinscope.core.residues import one_letter, three_letter
from kinscope.results.measured import StateGeometry
from kinscope.results.models import ModelRecord, ResidueOrigin
from kinscope.results.notes import Note, note
from kinscope.results.user_structure import ChainCandidate, FilledGap, UserStructureOptions
from kinscope.structures.completion.heavy_atoms import in_template_order, renamed_isostere
from kinscope.structures.conformation.classify import classify_state
from kinscope.structures.model import AtomArray
from kinscope.structures.mutants.build import build_mutant
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.user.chain import choose_chain, kinase_domain
from kinscope.structures.user.gaps import Donor, donors, fill, fitting_range, without_breaks
from kinscope.structures.wwpdb.entries import CrystalChain
from kinscope.targets.pack import TargetPack


@dataclass(frozen=True)
class Stretch:
    """The part of the file's chain that the model keeps, as the file shows it."""

    name: str
    """The chain's, as it stands in the file."""
    chain: CrystalChain
    """All of it."""
    candidates: tuple[ChainCandidate, ...]
    atoms: AtomArray
    """Heavy atoms that are kept, target numbering."""
    first: int
    last: int
    broken: tuple[int, ...]
    """Residues of the chain without a sound backbone; their atoms are not kept."""
    cut_off: tuple[str, ...]

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last

    @property
    def author_ends(self) -> tuple[str, str]:
        """The file's own numbers of the first and the last residue that it shows of the stretch."""
        numbers = self.chain.author_numbers
        inside = [number for number in numbers if number in self]
        return numbers[min(inside)], numbers[max(inside)]

    @property
    def substituted(self) -> tuple[str, ...]:
        """Where the stretch differs from the target, e.g. ``T315I``."""
        return tuple(item for item in self.chain.differences if int(item[1:-1]) in self)

    @property
    def modified(self) -> tuple[str, ...]:
        """Modified residues of the stretch and what became of them."""
        return tuple(note for number, note in self.chain.modified.items() if number in self)

    @property
    def alternates(self) -> tuple[int, ...]:
        """Residues of the stretch of which one of several conformations was chosen."""
        return tuple(number for number in self.chain.alternates if number in self)


def choose_stretch(structure: Any, pack: TargetPack, options: UserStructureOptions, label: str) -> Stretch:
    """The chain of a ``gemmi.Structure`` that is the target, and as much of it as makes a model.

    Raises StructureError if no chain is of the target, or what it lacks can neither be filled nor cut off.
    """
    name, chain, candidates = choose_chain(structure, pack, options, label)
    whole, broken = without_breaks(chain.atoms)
    first, last, cut = fitting_range(whole, kinase_domain(pack), options, label)
    kept = whole[(whole.res_id >= first) & (whole.res_id <= last)]
    return Stretch(name, chain, candidates, kept, first, last, broken, cut)


@dataclass(frozen=True)
class FilledStretch:
    """A stretch with what shipped models give of its gaps, and its conformation."""

    atoms: AtomArray
    """Heavy atoms in template order."""
    gaps: tuple[FilledGap, ...]
    sources: list[Donor]
    geometry: StateGeometry
    measured: bool
    """Whether the conformation could be measured on the file's own atoms."""


def fill_stretch(stretch: Stretch, pack: TargetPack, like: str, label: str) -> FilledStretch:
    """What shipped models, those of the stretch's conformation first, give of its gaps.

    The conformation is measured on the file's own atoms; where a landmark is missing from these, on what
    fills the gap.

    ``like`` is the id of the shipped state that the structure is to be treated like; empty: as measured.
    Raises StructureError if a gap has no flank to stand on.
    """
    geometry = classify_state(stretch.atoms, pack.landmarks)
    measured = geometry.dfg != "unassigned"
    sources = donors(pack, geometry.dfg if measured else "", like)
    atoms, gaps = fill(in_template_order(stretch.atoms), sources, label)
    if not measured and gaps:
        geometry = classify_state(atoms, pack.landmarks)
    return FilledStretch(atoms, gaps, sources, geometry, measured)


AT_ONCE = 3
"""Substitutions that are packed together; more, and far apart, gain nothing from one search."""
_SEED = 1210
_OVERLAP_ANGSTROM = 3.0
"""A heavy atom this near to a molecule of the pocket stands in its place."""


def differences(atoms: AtomArray, protein: str) -> dict[int, tuple[str, str]]:
    """Residue name in the structure and in the target, by number, where they differ."""
    return {
        number: (name, three_letter(protein[number - 1]))
        for number, name in sorted(set(zip(atoms.res_id.tolist(), atoms.res_name.tolist(), strict=True)))
        if name not in ("ACE", "NME") and one_letter(name) != protein[number - 1]
    }


def renamed_isosteres(atoms: AtomArray, protein: str) -> tuple[AtomArray, list[Note]]:
    """Heavy atoms with Asn/Asp and Gln/Glu differences set back by name, and what was done."""
    notes = []
    for number, (here, wanted) in differences(atoms, protein).items():
        if (renamed := renamed_isostere(atoms, number, here, wanted)) is not None:
            atoms = renamed
            notes.append(note("isosteric", here=here, residue=number, source="file", wanted=wanted))
    return atoms, notes


def reverted(
    atoms: AtomArray, record: ModelRecord, occupants: tuple[AtomArray, ...], protein: str
) -> tuple[AtomArray, ModelRecord]:
    """The relaxed model with every difference substituted by the target's residue.

    Of the builder's close alternatives the one that stands least in the way of the pocket's molecules is
    taken, then the lowest in energy. Raises StructureError if a difference remains.
    """
    pending = differences(atoms, protein)
    origins = {origin.residue: origin for origin in record.origins}
    method = list(record.method)
    while pending:
        batch = dict(list(pending.items())[:AT_ONCE])
        wanted = [(number, one_letter(target)) for number, (_, target) in batch.items()]
        built = build_mutant(
            atoms, record.model_copy(update={"method": ()}), wanted, MutationSettings(), _SEED
        )
        best = min(
            built, key=lambda model: (_in_the_way(model.atoms, batch, occupants), model.record.alternative)
        )
        atoms = best.atoms
        record = record.model_copy(update={"protonation": best.record.protonation})
        for number, (here, target) in batch.items():
            origins[number] = ResidueOrigin(
                residue=number, origin="substituted", entry=origins[number].entry, note=f"was {here}{number}"
            )
            method.append(note("set-back", here=here, residue=number, wanted=target))
        method += [made for made in best.record.method if made.code not in ("substituted", "net-charge")]
        left = differences(atoms, protein)
        if len(left) >= len(pending):
            raise StructureError(
                "The structure could not be set back to the target's sequence.",
                where=", ".join(f"{here}{number}" for number, (here, _) in left.items()),
            )
        pending = left
    return atoms, record.model_copy(
        update={"method": tuple(method), "origins": tuple(origins[number] for number in sorted(origins))}
    )


def _in_the_way(atoms: AtomArray, batch: dict[int, tuple[str, str]], occupants: tuple[AtomArray, ...]) -> int:
    """Heavy atoms of the new side chains that stand where a molecule of the pocket stands."""
    if not occupants:
        return 0
    from scipy.spatial import cKDTree

    new = atoms[np.isin(atoms.res_id, list(batch)) & (atoms.element != "H")]
    tree = cKDTree(np.concatenate([occupant.coord for occupant in occupants]))
    return int((tree.query(new.coord)[0] < _OVERLAP_ANGSTROM).sum())

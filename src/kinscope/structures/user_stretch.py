"""The stretch of a user's chain that becomes a model: as the file shows it, then with its gaps filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinscope.analysis.results import StateGeometry
from kinscope.structures.entries import CrystalChain
from kinscope.structures.geometry import classify_state
from kinscope.structures.model import AtomArray
from kinscope.structures.preparation import in_template_order
from kinscope.structures.user_chain import choose_chain, kinase_domain
from kinscope.structures.user_gaps import Donor, donors, fill, fitting_range, without_breaks
from kinscope.structures.user_records import ChainCandidate, FilledGap, UserStructureOptions
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
    """First and last residue kept."""
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

    Raises
    ------
    StructureError
        If no chain is of the target, or what it lacks can neither be filled nor cut off.
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

    Parameters
    ----------
    stretch
        As the file shows it.
    pack
        The target.
    like
        Id of the shipped state that the structure is to be treated like; empty: as measured.
    label
        The file, for errors.

    Raises
    ------
    StructureError
        If a gap has no flank to stand on.
    """
    geometry = classify_state(stretch.atoms, pack.landmarks)
    measured = geometry.dfg != "unassigned"
    sources = donors(pack, geometry.dfg if measured else "", like)
    atoms, gaps = fill(in_template_order(stretch.atoms), sources, label)
    if not measured and gaps:
        geometry = classify_state(atoms, pack.landmarks)
    return FilledStretch(atoms, gaps, sources, geometry, measured)

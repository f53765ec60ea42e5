"""A karyotype as read: clones, their changes, what could not be read, and where each stands."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record

MAX_LETTERS = 4000
"""Longer than any report; hyperdiploid composite karyotypes stay under 1,000."""

AUTOSOMES = tuple(str(number) for number in range(1, 23))
CHROMOSOMES = (*AUTOSOMES, "X", "Y")


class KaryotypeError(BadInputError):
    """A karyotype whose frame cannot be read: brackets, clones, chromosome number, sex chromosomes."""


class Breakpoint(Record):
    """One band of one chromosome: ``chromosome`` 22, ``band`` q11.2."""

    chromosome: str
    band: str
    uncertain: bool = False

    @property
    def arm(self) -> str:
        """``p``, ``q`` or empty."""
        return self.band[:1] if self.band[:1] in ("p", "q") else ""


class Abnormality(Record):
    """One change.

    Attributes
    ----------
    kind
        ``chromosome`` (a whole one), ``mar``, ``Ph``, or the ISCN term: ``t``, ``der``, ``del`` ...
    sign
        ``+``, ``-`` or empty.
    components
        The rearrangements that a derivative chromosome carries: t(9;22) in der(22)t(9;22).
    copies_low, copies_high
        How many copies, ``+1~3mar`` being 1 to 3.
    cells
        Cells with this change, where a composite karyotype says so.
    alternatives
        Other readings that the report gives after ``or``.
    start, end
        Offsets into the text, from 0.
    """

    text: str
    start: int
    end: int
    kind: str
    sign: Literal["", "+", "-"] = ""
    chromosomes: tuple[str, ...] = ()
    breakpoints: tuple[Breakpoint, ...] = ()
    components: tuple[Abnormality, ...] = ()
    copies_low: int = 1
    copies_high: int = 1
    label: str = ""
    cells: int | None = None
    constitutional: bool = False
    uncertain: bool = False
    alternatives: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The change without its number of cells: what is the same change in two clones."""
        words = self.text.lstrip("+-−–? ").split("[")[0].split()
        name = words[0] if words else ""
        for before, word in pairwise(words):
            apart = "or" in (before, word) or (before[-1].isalpha() and word[0].isalpha())
            name += f" {word}" if apart else word
        return self.sign + name

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two changes the same: 22q11 and 22q11.2 are one band at two resolutions."""
        bands = tuple(f"{b.chromosome}{b.band.split('.')[0]}" for b in self.breakpoints)
        carried = tuple("/".join(component.key) for component in self.components)
        return (self.sign, self.kind, ";".join(self.chromosomes), self.label, *bands, *carried)


class Unreadable(Record):
    """A part that was not understood; it is shown and takes no part in any count."""

    text: str
    start: int
    end: int
    reason: str


class Clone(Record):
    """One cell line.

    Attributes
    ----------
    low, high
        Chromosome number or its range.
    ploidy
        2 unless ``<3n>`` says otherwise.
    sex
        Sex chromosomes as written; those of the reference where this clone refers to another.
    reference
        ``idem``, ``sl`` or ``sdl`` with its number; empty where the clone is written out.
    inherited
        Changes taken over from the clone referred to.
    cells
        Cells of this clone; None where not given.
    composite
        ``cp``: the listed changes were not all found in every cell.
    donor
        Behind ``//``: cells of the transplant's donor.
    """

    text: str
    start: int
    end: int
    low: int
    high: int
    ploidy: int = 2
    sex: str = ""
    sex_constitutional: bool = False
    reference: str = ""
    abnormalities: tuple[Abnormality, ...] = ()
    inherited: tuple[Abnormality, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    cells: int | None = None
    composite: bool = False
    incomplete: bool = False
    donor: bool = False

    @property
    def changes(self) -> tuple[Abnormality, ...]:
        """All changes of the clone, inherited ones first."""
        return (*self.inherited, *self.abnormalities)

    @property
    def normal(self) -> bool:
        """Whether nothing acquired was found: no change, nothing unread, a diploid number."""
        acquired = [a for a in self.changes if not a.constitutional]
        return not acquired and not self.unreadable and not self.incomplete


class FishResult(Record):
    """A FISH part (``nuc ish`` or ``ish``), recognised; only BCR and ABL1 fusion signals are read."""

    text: str
    start: int
    end: int
    method: str
    bcr_abl1_fusion: bool | None = None
    positive_cells: int | None = None
    scored_cells: int | None = None


class Karyotype(Record):
    """A whole karyotype."""

    text: str
    clones: tuple[Clone, ...]
    fish: tuple[FishResult, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def everything_read(self) -> bool:
        """Whether no part is left over."""
        return not self.unreadable and not any(clone.unreadable for clone in self.clones)

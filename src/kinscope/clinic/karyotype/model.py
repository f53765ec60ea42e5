"""A karyotype as read: clones, their changes, what could not be read, and where each stands."""

from __future__ import annotations

import re
from typing import Literal

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record

MAX_LETTERS = 4000
"""Longer than any report; hyperdiploid composite karyotypes stay under 1,000."""

CHROMOSOMES = (*(str(number) for number in range(1, 23)), "X", "Y")


class KaryotypeError(BadInputError):
    """A karyotype whose frame cannot be read: brackets, clones, chromosome number, sex chromosomes."""


class Breakpoint(Record):
    """One band of one chromosome: ``chromosome`` 22, ``band`` q11.2."""

    chromosome: str
    band: str
    uncertain: bool = False

    @property
    def ends(self) -> list[str]:
        """The bands that a range lies between, ``q33~34`` as q33 and q34; else the band alone."""
        return [end if not end[:1].isdecimal() else self.band[0] + end for end in self.band.split("~")]


class Abnormality(Record):
    """One change, with its offsets into the text from 0.

    ``kind`` is ``chromosome`` (a whole one), ``mar``, ``Ph``, or the ISCN term: ``t``, ``der`` ... Components
    are what a derivative carries: t(9;22) in der(22)t(9;22). ``+1~3mar`` is 1 to 3 copies. Cells stand here
    where a composite karyotype gives them, alternatives where the report has ``or``.
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
    alternatives: tuple[Abnormality, ...] = ()

    @property
    def name(self) -> str:
        """The change without its number of cells, as the report writes it."""
        words = re.sub(r"\s+", " ", self.text.lstrip("+-−–? ").split("[")[0])
        joined = re.sub(r"(?<![A-Za-z]) | (?![A-Za-z])", "", words)
        return self.sign + re.sub(r"(?<=[)0-9]) *or *(?=[a-z+-])", " or ", joined)

    @property
    def about(self) -> tuple[str, ...]:
        """Kind and chromosomes: what a short form of the change repeats of it."""
        return (self.kind, ";".join(self.chromosomes), self.label)

    @property
    def bands(self) -> tuple[str, ...]:
        """Breakpoints as they compare: 22q11 and 22q11.2 are one band at two resolutions."""
        return tuple(f"{b.chromosome}{b.band.split('.')[0]}" for b in self.breakpoints)

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two changes the same."""
        return (self.sign, *self.about, *self.bands, *("/".join(c.key) for c in self.components))


class Unreadable(Record):
    """A part that was not understood; it is shown and takes no part in any count."""

    text: str
    start: int
    end: int
    reason: str


class Clone(Record):
    """One cell line.

    Gains and losses are relative to the ploidy: as ``<3n>`` states it, or as number and changes agree. From
    the clone that ``idem``, ``sl`` or ``sdl`` refers to come the sex chromosomes, the inherited changes, and
    as base its chromosome number less what was lost of it, None for a range. Cells are given with of how many
    they are (``[3/20]``); in a composite (``cp``) not all have every change; the donor's stand behind ``//``.
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
    base: int | None = None
    abnormalities: tuple[Abnormality, ...] = ()
    inherited: tuple[Abnormality, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    cells: int | None = None
    scored: int | None = None
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
        return not acquired and not self.unreadable and not self.incomplete and self.ploidy == 2


class FishResult(Record):
    """One signal pattern of a FISH part (``nuc ish`` or ``ish``); only BCR and ABL1 are interpreted.

    Whether the pattern, as often as it was seen, shows them together; None where it does not say. Cells are
    positive and scored, ``[180/200]``, or scored only; ``donor`` is what stands behind ``//``.
    """

    text: str
    start: int
    end: int
    method: str
    bcr_abl1_fusion: bool | None = None
    positive_cells: int | None = None
    scored_cells: int | None = None
    donor: bool = False


class Karyotype(Record):
    """A whole karyotype."""

    text: str
    clones: tuple[Clone, ...]
    fish: tuple[FishResult, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

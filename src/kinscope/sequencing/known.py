"""What is known of a gene's sequences from patients that is no acquired mutation."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record


class Amplicon(Record):
    """The codons that a report is about unless others are asked for."""

    first_codon: int
    last_codon: int
    reason: str


class Polymorphism(Record):
    """An inherited variant."""

    hgvs_c: str
    name: str
    note: str
    citations: tuple[str, ...]


class SpliceEvent(Record):
    """A splice variant that has been described."""

    hgvs_c: str
    first: int
    """First lost coding base; for an insertion the base after it."""
    last: int
    """Last lost coding base; for an insertion the base before it."""
    inserted_bases: int
    hgvs_p: str
    name: str
    note: str
    citations: tuple[str, ...]

    @property
    def shift(self) -> int:
        """Bases gained."""
        return self.inserted_bases - (self.last - self.first + 1)


class Knowledge(Record):
    """Everything of one gene."""

    amplicon: Amplicon | None = None
    polymorphisms: tuple[Polymorphism, ...] = ()
    splice_events: tuple[SpliceEvent, ...] = ()

    def polymorphism(self, hgvs_c: str) -> Polymorphism | None:
        """The polymorphism of a coding change (with or without accession)."""
        short = hgvs_c.rpartition(":")[2]
        return next((item for item in self.polymorphisms if item.hgvs_c == short), None)


@lru_cache(maxsize=8)
def knowledge_of(gene: str) -> Knowledge:
    """What the package knows of a gene; empty if it has no file for it.

    Raises
    ------
    BadInputError
        If the file of the package is damaged.
    """
    path = Path(__file__).parent / "knowledge" / f"{gene.lower()}.yaml"
    if not path.is_file():
        return Knowledge()
    try:
        return Knowledge.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInputError(f"The file is not as expected: {first['msg']}.", where=str(path)) from None

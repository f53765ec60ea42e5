"""What the literature calls a structure's conformation, beside what the structure measures.

A target pack may hold ``conformations.yaml``: labels of wwPDB entries, each with its source and with what of
the source was read. A label that the measurement contradicts is said wherever the structure is checked.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import read_record
from kinscope.core.records import Record
from kinscope.results.measured import StateGeometry
from kinscope.results.notes import Note, note
from kinscope.structures.conformation import parts
from kinscope.targets.pack import TargetPack

FILE = "conformations.yaml"
_REMEDY = "Compare it with the same file of the abl1 pack."
ASPECTS = ("dfg", "helix_c", "activation_loop", "activity", "sh2_position", "sh3_linker")
"""Fields of a label and, by the same names, of a measurement."""


class LabelSource(Record):
    """Where labels come from."""

    citation: str
    identifier: str = Field(pattern=r"^(PMID:[1-9]\d{0,8}|doi:10\.\d{4,9}/\S+)$")
    checked: Literal["paper", "abstract", "title", "database"]
    """What of it was read for the table."""
    note: str = ""


class ConformationLabel(Record):
    """What one source says of one entry; an empty aspect is not stated."""

    entry: str = Field(pattern=r"^[0-9][A-Z0-9]{3}$")
    chains: tuple[str, ...] = ()
    """Chains it is said of; empty: every chain."""
    said: str
    source: str
    dfg: Literal["", "in", "out", "inter"] = ""
    helix_c: Literal["", "in", "out"] = ""
    activation_loop: Literal["", "extended", "folded", "intermediate"] = ""
    activity: Literal["", "active", "inactive"] = ""
    sh2_position: Literal["", "on the C-lobe", "on the N-lobe", "apart"] = ""
    sh3_linker: Literal["", "docked", "apart"] = ""

    def stated(self) -> tuple[tuple[str, str], ...]:
        """Aspect and label, of those the source states."""
        return tuple((aspect, getattr(self, aspect)) for aspect in ASPECTS if getattr(self, aspect))


class LiteratureFile(Record):
    """``conformations.yaml``."""

    sources: dict[str, LabelSource] = Field(default_factory=dict)
    labels: tuple[ConformationLabel, ...] = ()

    def of(self, entry: str, chain: str) -> tuple[ConformationLabel, ...]:
        """The labels of a chain of an entry."""
        return tuple(
            label
            for label in self.labels
            if label.entry == entry.upper() and (not label.chains or chain in label.chains)
        )


class LabelComparison(Record):
    """One aspect of one label against the measurement of one chain."""

    entry: str
    chain: str
    aspect: str
    said: str
    label: str
    measured: str
    citation: str
    reasons: tuple[Note, ...] = ()
    """Why they differ, from the numbers; empty where they agree."""

    @property
    def outcome(self) -> Literal["agrees", "differs", "not measured"]:
        """Whether the measurement bears the label out."""
        if self.measured in ("unassigned", "not modelled"):
            return "not measured"
        return "agrees" if self.measured == self.label else "differs"


@lru_cache(maxsize=8)
def _read(path: Path) -> LiteratureFile:
    found = read_record(path, LiteratureFile, "The table of conformations is not as it should be", _REMEDY)
    unknown = sorted({label.source for label in found.labels} - set(found.sources))
    if unknown:
        raise BadInputError(
            f"A label names a source that is not listed: {unknown[0][:40]!r}.",
            where=str(path),
            remedy="Add it under sources.",
        )
    return found


def literature_of(pack: TargetPack) -> LiteratureFile:
    """The labels of a pack; none if it has no such file.

    Raises BadInputError if the file is not as it should be.
    """
    path = pack.directory / FILE
    return _read(path) if path.is_file() else LiteratureFile()


def compare_labels(
    pack: TargetPack, entry: str, chain: str, geometry: StateGeometry
) -> tuple[LabelComparison, ...]:
    """Every stated aspect of a chain's labels against what it measures."""
    literature = literature_of(pack)
    return tuple(
        LabelComparison(
            entry=entry.upper(),
            chain=chain,
            aspect=aspect,
            said=label.said,
            label=word,
            measured=getattr(geometry, aspect),
            citation=literature.sources[label.source].citation,
            reasons=() if getattr(geometry, aspect) == word else reasons_of(aspect, geometry),
        )
        for label in literature.of(entry, chain)
        for aspect, word in label.stated()
    )


def reasons_of(aspect: str, shape: StateGeometry) -> tuple[Note, ...]:
    """The numbers that an aspect's class rests on, beside their thresholds."""
    if aspect == "dfg":
        d1, d2 = shape.dfg_d1_angstrom, shape.dfg_d2_angstrom
        if d1 is None or d2 is None:
            return ()
        measured = note("dfg-measured", d1_angstrom=d1, d2_angstrom=d2, in_angstrom=parts.DFG_IN_D1)
        return (measured, *parts.borderline(d1, d2))
    if aspect == "helix_c":
        apart = shape.helix_c_beta_distance_angstrom
        return (note("helix-c-measured", gap_angstrom=apart, in_angstrom=parts.HELIX_C_IN),)
    if aspect == "activation_loop":
        start = {"start_angstrom": shape.loop_n_terminal_angstrom, "bond_angstrom": parts.HYDROGEN_BOND}
        end = {"tyrosine_angstrom": shape.loop_tyrosine_angstrom, "folded_angstrom": parts.FOLDED_LOOP}
        return (note("loop-measured", **start, **end),)
    if aspect == "activity":
        ends = {"start": shape.loop_n_terminal, "end": shape.loop_c_terminal}
        motif = {"dfg": shape.dfg, "cluster": shape.dfg_cluster, "bridge": shape.salt_bridge}
        return (note("activity-measured", **motif, **ends),)
    return ()

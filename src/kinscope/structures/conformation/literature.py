"""What the literature calls a structure's conformation, beside what the structure measures.

A target pack may hold ``conformations.yaml``: labels of wwPDB entries, each with its source and with what of
the source was read. A label that the measurement contradicts is said wherever the structure is checked.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record
from kinscope.results.measured import StateGeometry
from kinscope.structures.conformation import dfg, parts
from kinscope.targets.pack import TargetPack

FILE = "conformations.yaml"
ASPECTS = ("dfg", "helix_c", "activation_loop", "activity", "sh2_position", "sh3_linker")
"""Fields of a label and, by the same names, of a measurement."""
_WORDS = {
    "dfg": "DFG-{}",
    "helix_c": "helix C {}",
    "activation_loop": "activation loop {}",
    "activity": "{}",
    "sh2_position": "SH2 {}",
    "sh3_linker": "SH3 and linker {}",
}


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
    reason: str = ""
    """Why they differ, from the numbers; empty where they agree."""

    @property
    def outcome(self) -> Literal["agrees", "differs", "not measured"]:
        """Whether the measurement bears the label out."""
        if self.measured in ("unassigned", "not modelled"):
            return "not measured"
        return "agrees" if self.measured == self.label else "differs"

    def in_words(self) -> str:
        """One line for the command line."""
        label, measured = (_WORDS[self.aspect].format(word) for word in (self.label, self.measured))
        text = f"{self.entry}:{self.chain} is called {label} ({self.citation})"
        if self.outcome == "agrees":
            return f"{text}, and measures so"
        if self.outcome == "not measured":
            return f"{text}, which cannot be measured: the residues are not there"
        return f"{text}, but measures {measured}" + (f": {self.reason}" if self.reason else "")


@lru_cache(maxsize=8)
def _read(path: Path) -> LiteratureFile:
    try:
        found: LiteratureFile = TypeAdapter(LiteratureFile).validate_python(_tuples(read_yaml(path)))
    except ValidationError as error:
        item = error.errors()[0]
        raise BadInputError(
            f"The table of conformations is not as it should be: {item['msg']}.",
            where=f"{path}: {'.'.join(map(str, item['loc']))}",
            remedy="Compare it with the same file of the abl1 pack.",
        ) from None
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

    Raises
    ------
    BadInputError
        If the file is not as it should be.
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
            reason="" if getattr(geometry, aspect) == word else reason_of(aspect, geometry),
        )
        for label in literature.of(entry, chain)
        for aspect, word in label.stated()
    )


def reason_of(aspect: str, shape: StateGeometry) -> str:
    """The numbers that an aspect's class rests on, beside their thresholds."""
    if aspect == "dfg":
        near = dfg.borderline(shape.dfg_d1_angstrom, shape.dfg_d2_angstrom)
        return "; ".join(
            [
                f"D1 {shape.dfg_d1_angstrom:.1f} (in up to {dfg.DFG_IN_D1:.0f}), "
                f"D2 {shape.dfg_d2_angstrom:.1f} angstrom",
                *near,
            ]
        )
    if aspect == "helix_c":
        apart = _number(shape.helix_c_beta_distance_angstrom)
        return f"CB-CB {apart} angstrom (in up to {parts.HELIX_C_IN:.0f})"
    if aspect == "activation_loop":
        return (
            f"its start is {_number(shape.loop_n_terminal_angstrom)} angstrom from its hydrogen bond "
            f"(extended up to {parts.HYDROGEN_BOND}), its tyrosine {_number(shape.loop_tyrosine_angstrom)} "
            f"from the catalytic aspartate (folded up to {parts.FOLDED_LOOP})"
        )
    if aspect == "activity":
        return (
            f"DFG-{shape.dfg}, {shape.dfg_cluster}, salt bridge {shape.salt_bridge}, loop's start "
            f"{shape.loop_n_terminal}, its end {shape.loop_c_terminal}"
        )
    return ""


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f}"


def _tuples(content: Any) -> Any:
    """Lists of a YAML file as tuples, which strict records ask for."""
    if isinstance(content, dict):
        return {key: _tuples(value) for key, value in content.items()}
    return tuple(_tuples(item) for item in content) if isinstance(content, list) else content

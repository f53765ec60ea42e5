"""A table of calls from amplicon sequencing or a panel: CSV or TSV with a head line.

Columns are found by name, whatever their order and case: descriptions of the variant, its share or counts of
reads, and where there are any the gene, the transcript, the sample and a filter. Shares of one column have
one unit: the one its head line names, or percent if any cell has a percent sign or is above 1.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple
from unicodedata import normalize

from kinscope.core.errors import BadInputError, UnsupportedVariantError, VariantError
from kinscope.core.plain_yaml import read_yaml
from kinscope.sequencing.calling.naming import knowledge_of
from kinscope.sequencing.reported.calls import Reported, Seen, Share, agreed, filtered, reported, seen_of_text
from kinscope.sequencing.reported.vcf import seen_at
from kinscope.sequencing.reported.vcf_shares import fraction
from kinscope.targets import TargetPack
from kinscope.variants.coding import builds_named
from kinscope.variants.isoforms import resolve_accession

_TITLES: Final = ("gene", "sample", "transcript", "chromosome", "position")
"""Meanings whose titles vary most: they are patterns."""
_EMPTY: Final = {"", ".", "-", "--", "na", "n/a", "nan", "null", "p.?", "p.(?)", "?"}
_IDENTIFIER: Final = re.compile(r"(?:rs|cos[mv]|[nx][mpr]_|enst)[0-9]", re.IGNORECASE)
"""Of a variant or a sequence, in a column that could name the sample."""
_ACCESSION: Final = re.compile(r"\b(?:[NX][MPRCG]_[0-9]+|ENS[TPG][0-9]+|LRG_[0-9]+\w*)(?:\.[0-9]+)?")
_COUNT: Final = re.compile(
    r"([0-9]{1,9})(?:[.,]0{1,2})? ?[xX×]?|([0-9]{1,3}(?:[,' \u00a0\u202f\u2009][0-9]{3}){1,2})"
)
REMEDY: Final = "Give a head line such as: hgvs_c,vaf,depth (or hgvs_p), comma, semicolon or tab between."
KINDS: Final = {"coding": "the nucleotide change", "protein": "the protein change"}
MAX_PREAMBLE: Final = 50
"""Lines among which the head line is looked for."""


class _Row(NamedTuple):
    number: int
    cells: list[str]


class _Text(NamedTuple):
    """A description of the variant in a row: ``coding`` or ``protein``, in which column, and what it says."""

    kind: str
    column: int
    text: str


class _Table:
    """The rows of a table, and where each meaning stands in them."""

    def __init__(self, lines: list[str], name: str) -> None:
        self.name = name
        self.notes: dict[str, list[int]] = {}
        self.unknown: BadInputError | None = None
        """For a row of the target's gene on a sequence that is not known: raised if there is no other."""
        first, separator, self.titles, self.columns = _head(lines, name)
        self.rows = [row for row in _rows(lines, first, separator, len(self.titles), name) if any(row.cells)]
        self.builds = dict.fromkeys(builds_named("\n".join(lines[:first])), name)
        self.placed: dict[int, Seen | None] = {}
        """Of each row that gives chromosome, position and alleles: what they say; None outside the exons."""
        if not self.rows:
            self.notes["there is no row below the head line"] = []
        self.percent = self._percent()

    def note(self, row: _Row, what: str) -> None:
        """Note something of a row."""
        self.notes.setdefault(what, []).append(row.number)

    def cells(self, row: _Row, meaning: str) -> list[tuple[int, str]]:
        """Index and text of the cells of a meaning that hold something."""
        found = ((i, row.cells[i]) for i in self.columns.get(meaning, []) if i < len(row.cells))
        return [(i, text) for i, text in found if text.lower() not in _EMPTY]

    def cell(self, row: _Row, meaning: str) -> tuple[int, str]:
        """The first of them; an empty text if there is none."""
        return next(iter(self.cells(row, meaning)), (0, ""))

    def refuse(
        self, what: str, row: _Row, index: int | None = None, remedy: str = "Correct the row."
    ) -> BadInputError:
        """The error for a row, or a cell of it."""
        column = f", column {index + 1}" if index is not None else ""
        return BadInputError(what, where=f"{self.name}, line {row.number}{column}", remedy=remedy)

    def _percent(self) -> bool:
        """Whether the column of shares holds percentages; how that was told becomes a note."""
        found = self.columns.get("share", [])
        self.columns["share"] = found if len(found) == 1 else []
        if len(found) != 1 and "alternative" not in self.columns:
            told = ", ".join(str(index + 1) for index in found)
            several = f"any of the columns {told} may hold the share: none was read"
            self.notes[several if found else "no column with a share was found"] = []
        cells = [(row, text) for row in self.rows for _, text in self.cells(row, "share")]
        if not cells:
            return False
        index = self.columns["share"][0]
        title = self.titles[index].lower()
        signed = [row for row, text in cells if text.endswith("%")]
        plain = [row for row, text in cells if not text.endswith("%")]
        large = [row for row, text in cells if fraction(text, True) and not fraction(text, False)]
        fractions = re.search(r"[(\[](?:fraction|ratio|0 ?[-.]+ ?1)[)\]]", title)
        reason = ""
        if re.search("%|percent|pct|prozent", title):
            reason = "by its head line"
        elif fractions and (signed or large):
            what = "The head line says fractions, and the cell holds a percentage."
            raise self.refuse(what, (signed or large)[0], index)
        elif signed and plain:
            what = f"The cell has a percent sign, and that of line {plain[0].number} has none: two units."
            raise self.refuse(what, signed[0], index, "Write the unit into the head line, as VAF (%).")
        elif signed or large:
            reason = "by its percent signs" if signed else f"as line {large[0].number} holds a value above 1"
        unit = f"percent, {reason}" if reason else "fractions of 1"
        told = "" if reason or fractions else ": the head line names no unit, and no value is above 1"
        self.notes[f"column {index + 1} was read as {unit}{told}"] = []
        return bool(reason)


def _head(lines: list[str], name: str) -> tuple[int, str, list[str], dict[str, list[int]]]:
    """Index of the head line, its separator and titles, and the columns by meaning."""
    filled = [(index, line) for index, line in enumerate(lines) if line.strip() and not line.startswith("##")]
    for index, line in filled[:MAX_PREAMBLE]:
        separator = max(("\t", ";", ","), key=line.count)
        titles = [title.strip() for title in next(csv.reader([line.lstrip("#")], delimiter=separator), [])]
        columns = _columns(titles)
        if {"coding", "protein"} & set(columns) or {"position", "native", "mutant"} <= set(columns):
            return index, separator, titles, columns
    what = "No column describes the variant." if filled else "The table is empty."
    raise BadInputError(what, where=f"{name}, line {filled[0][0] + 1}" if filled else name, remedy=REMEDY)


def _known(name: str) -> dict[str, str]:
    texts: dict[str, str] = read_yaml(Path(__file__).parents[1] / "knowledge" / f"{name}.yaml")
    return texts


COLUMN_NAMES = {meaning: tuple(names.split()) for meaning, names in _known("columns").items()}
"""Plain names of columns by their meaning; where a table has several, the first named counts."""
_PATTERNS = {meaning: re.compile(pattern) for meaning, pattern in _known("patterns").items()}
"""What titles and cells look like, by what they mean."""


def _columns(titles: list[str]) -> dict[str, list[int]]:
    """Indices of the columns of each meaning, in the order of :data:`COLUMN_NAMES`."""
    ascii_only = [
        normalize("NFKD", title.replace("‰", "permille")).encode("ascii", "ignore").decode().lower()
        for title in titles
    ]
    plain = [re.sub("[^a-z0-9]+", "_", _PATTERNS["unit"].sub("", title)).strip("_") for title in ascii_only]
    plain = ["" if title in {"C", "G", "P"} else name for title, name in zip(titles, plain, strict=True)]
    population = any(map(_PATTERNS["population"].fullmatch, plain))
    found = {
        meaning: [index for name in names for index, title in enumerate(plain) if title == name]
        for meaning, names in COLUMN_NAMES.items()
    }
    for meaning in _TITLES:
        found[meaning] = [index for index, title in enumerate(plain) if _PATTERNS[meaning].fullmatch(title)]
    named = [name for name in COLUMN_NAMES["share"] if name in plain and not (population and name == "af")]
    shares = [
        title
        for title in plain
        if _PATTERNS["share"].search(title) and not _PATTERNS["not_share"].search(title)
    ]
    found["share"] = [index for index, title in enumerate(plain) if title in (named[:1] or shares)]
    return {meaning: indices for meaning, indices in found.items() if indices}


def _rows(lines: list[str], head: int, separator: str, width: int, name: str) -> Iterator[_Row]:
    """The rows after the head line; comments and blank lines are none."""
    numbers = [head + 1]

    def fed() -> Iterator[str]:
        for number, line in enumerate(lines[head + 1 :], head + 2):
            if line.strip() and not line.startswith("#"):
                numbers.append(number)
                yield line + "\n"

    try:
        for cells in csv.reader(fed(), delimiter=separator, strict=True):
            if separator == "," and any(cells[width:]):
                what = "The row has more cells than the head line: a decimal comma without quotation marks?"
                raise BadInputError(what, where=f"{name}, line {numbers[-1]}", remedy="Correct the row.")
            yield _Row(numbers[-1], [cell.strip() for cell in cells])
    except csv.Error:
        where = f"{name}, line {numbers[-1]}"
        raise BadInputError("Quotation marks do not match.", where=where, remedy=REMEDY) from None


def read_table(lines: list[str], name: str, pack: TargetPack) -> Reported:
    """Calls of the target in a table.

    Raises BadInputError if no head line names a description, or a row cannot be read or contradicts itself;
    with the line.
    """
    table = _Table(lines, name)
    _read_places(table, pack)
    cells = {row.number: [text for _, text in table.cells(row, "sample")] for row in table.rows}
    names = {line: " ".join(x for x in texts if not _IDENTIFIER.match(x)) for line, texts in cells.items()}
    samples = tuple(dict.fromkeys(filter(None, names.values())))
    found: dict[str, list[Seen]] = {sample: [] for sample in samples} if len(samples) > 1 else {"": []}
    for row in table.rows:
        seen = _seen(table, row, pack)
        if seen is None:
            continue
        if len(samples) > 1 and not names[row.number]:
            raise table.refuse("The row names no sample, and others do.", row)
        found[names[row.number] if len(samples) > 1 else ""].append(seen)
    if table.unknown and not any(found.values()):
        raise table.unknown
    return reported(found, table.notes, pack)


def _read_places(table: _Table, pack: TargetPack) -> None:
    """What rows with chromosome, position and alleles say."""
    if not {"position", "native", "mutant"} <= set(table.columns):
        return
    index = table.columns["position"][0]
    titled = dict.fromkeys(builds_named(table.titles[index]), f"{table.name}, column {index + 1}")
    builds = table.builds | titled
    places = {}
    for row in table.rows:
        build = re.sub("^(?=3[678]$)", "b", table.cell(row, "build")[1])
        builds = dict.fromkeys(builds_named(build), f"{table.name}, line {row.number}") | builds
        position = re.sub(r"[,' ]|\.0$", "", "".join(row.cells[index : index + 1]))
        found = re.fullmatch(r"(?:(\w+):)?([0-9]{1,10})", position)
        native, mutant = (table.cell(row, meaning)[1].upper() for meaning in ("native", "mutant"))
        chromosome = (found and found[1]) or table.cell(row, "chromosome")[1]
        bases = re.fullmatch("[ACGT]{1,1000} [ACGT]{0,1000}", f"{native} {mutant}")
        if found and bases and chromosome and native != mutant:
            places[row.number] = chromosome, int(found[2]), native, mutant
    table.placed, notes = seen_at(places, builds, table.name, pack)
    table.notes |= notes


def _seen(table: _Table, row: _Row, pack: TargetPack) -> Seen | None:
    """What a row says of the target; None, with a note, where it says nothing."""
    texts = [
        _Text(kind, index, text.replace("%3D", "="))
        for kind in ("coding", "protein")
        for index, text in table.cells(row, kind)
    ]
    absent = [_PATTERNS["absent"].fullmatch(text.text.lower()) for text in texts]
    state = [_PATTERNS["absent"].fullmatch(text.lower()) for _, text in table.cells(row, "state")]
    ours = _is_ours(table, row, texts, pack)
    if ours is False:
        table.note(row, f"left out, not said to be of {pack.gene}")
        return None
    if (texts and all(absent)) or any(state):
        table.note(row, "no call, the row says that there is no variant")
        return None
    there = table.placed.get(row.number)
    if there:  # a word such as SNV or missense describes nothing
        texts = [text for text in texts if re.search("[0-9]", text.text)]
    seen = _described(table, row, texts, ours, pack) if texts else there
    if seen is None:
        if row.number in table.placed:
            table.note(row, f"left out, outside the coding exons of {pack.gene}")
        elif not texts and (ours or "mutant" in table.columns):
            table.note(row, "left out, it describes no variant")
        elif not texts:
            raise table.refuse("The row describes no variant.", row, remedy=REMEDY)
        return None
    native = {pack.transcript.cds[number - 1] for number in seen.changes}
    genotypes = [text.upper() for _, text in table.cells(row, "state")]
    if any(text in {f"{base}/{base}", f"{base}{base}"} for text in genotypes for base in native):
        table.note(row, "no call, the row says that there is no variant")
        return None
    if there and {there.named.kind, seen.named.kind} == {"substitution"}:
        if there.named.hgvs_p != seen.named.hgvs_p:
            named = [item.named.hgvs_p.partition(":")[2] for item in (there, seen)]
            what = f"The place and alleles are {named[0]}, and column {texts[0].column + 1} is {named[1]}."
            raise table.refuse(f"{what} They contradict each other.", row)
        seen = seen if seen.changes else there
    share = _share(table, row)
    if share.value == 0:
        table.note(row, "no call, its share is 0")
        return None
    filters = [text for _, text in table.cells(row, "filter") if text.upper() != "PASS"]
    return filtered(replace(seen, share=share, line=row.number), filters)


def _described(
    table: _Table, row: _Row, texts: Sequence[_Text], ours: bool | None, pack: TargetPack
) -> Seen | None:
    """What the descriptions of a row say; None, with a note, if they are of another gene."""
    first, *others = texts
    described = _description(first, table.cell(row, "transcript")[1], pack)
    if ";" in described and "[" not in described:
        what = "The cell lists several variants, and nothing says whether one molecule carries them."
        raise table.refuse(what, row, first.column, "Give each a row, or write p.[Glu255Lys;Lys404Glu].")
    try:
        seen = seen_of_text(described, pack)
    except VariantError as error:
        what = f"The cell describes no variant that can be read, or none that fits {pack.gene}'s sequence."
        remedy = "Write it as c.1210A>G or p.Lys404Glu; `kinscope evidence` says what is wrong with it."
        refused = table.refuse(what, row, first.column, remedy)
        if not isinstance(error, UnsupportedVariantError) or "target" not in error.what:
            raise refused from None
        table.unknown = refused if ours else table.unknown
        table.note(row, f"left out, on a sequence or of a gene that is not {pack.gene}'s")
        return None
    for other in others:
        seen = _agreed_with(table, row, (first, other), seen, pack)
    return seen


def _is_ours(table: _Table, row: _Row, texts: Sequence[_Text], pack: TargetPack) -> bool | None:
    """Whether a row is of the target's gene; None where only its descriptions can tell."""
    names = {pack.gene.upper(), *(alias.upper() for alias in pack.aliases)}
    cells = [
        text.upper() for _, text in table.cells(row, "gene") if not re.fullmatch(r"ENSG[0-9.]+|[0-9]+", text)
    ]
    tokens = {part for text in cells for part in (text, *re.split(r"[;,|&\s_/()]+|::", text))}
    sources = [text.text for text in texts if text.kind == "coding"] + [table.cell(row, "transcript")[1]]
    known = any(_is_known(accession, pack) for text in sources for accession in _ACCESSION.findall(text))
    if tokens & names or any(token.endswith(f"-{pack.gene.upper()}") for token in tokens):
        return True
    if tokens and known:
        index = table.columns["gene"][0]
        raise table.refuse(f"The gene is another, and the transcript is {pack.gene}'s.", row, index)
    return False if tokens or (table.columns.get("gene") and not known) else None


def _is_known(accession: str, pack: TargetPack) -> bool:
    try:
        resolve_accession(accession, pack)
    except VariantError as error:
        return not isinstance(error, UnsupportedVariantError)
    return True


def _description(cell: _Text, transcript: str, pack: TargetPack) -> str:
    """A cell as one description: the entry on a known transcript where it lists several, with ``c.``."""
    if ":" not in cell.text and knowledge_of(pack.gene).splice_event(cell.text):
        return cell.text
    entries = re.split(r"[,;] *(?=[\w.-]+:)", cell.text)
    ours = (entry for entry in entries if any(_is_known(name, pack) for name in _ACCESSION.findall(entry)))
    text = next(ours, entries[0])
    text = f"c.{text}" if re.match(r"[*-]?[0-9]+(?:[+_-][0-9]+)*(?:[ACGT]?>|del|dup|ins)", text) else text
    if cell.kind == "protein" and re.fullmatch("[ACGT][0-9]+[ACGT]", text, re.IGNORECASE):
        text = f"p.{text}"
    if transcript and text.startswith("c.") and _ACCESSION.fullmatch(transcript):
        return f"{transcript}:{text}"
    with suppress(VariantError):
        named = (one for one in pack.isoforms if transcript.lower().endswith(one.name.lower()))
        frame = next(named, None) or resolve_accession(transcript.partition(".")[0], pack).frame
        if frame.offset and re.match(r"(?:p\.)?[(\[]*[A-Za-z]{1,3}[0-9]", text):
            return f"{frame.name}:{text}"
    return text


def _agreed_with(table: _Table, row: _Row, pair: tuple[_Text, _Text], seen: Seen, pack: TargetPack) -> Seen:
    """The change of two descriptions, whatever isoform the second counts on; refused if they differ."""
    first, other = pair
    bare = other.text.rpartition(":")[2]
    readings = []
    for text in (_description(other, "", pack), bare, *(f"{one.name}:{bare}" for one in pack.isoforms)):
        with suppress(VariantError):
            readings.append(seen_of_text(text, pack))
    same = [reading for reading in readings if reading.named.hgvs_p == seen.named.hgvs_p]
    if same:
        return next((item for item in (seen, *same) if item.changes), seen)
    named = [item.named for item in (seen, *readings)]
    told = [item.hgvs_p.partition(":")[2] if item.kind == "substitution" else item.kind for item in named]
    place_only = other.kind == "coding" and not re.search(r"\bc\.", other.text)
    if "substitution" not in {item.kind for item in named} or (not readings and place_only):
        return seen
    second = f"is {told[1]}" if readings else f"does not fit the sequence of {pack.gene}"
    what = (
        f"Columns {first.column + 1} and {other.column + 1} contradict each other: "
        f"{KINDS[first.kind]} is {told[0]}, {KINDS[other.kind]} {second}."
    )
    raise table.refuse(what, row)


def _share(table: _Table, row: _Row) -> Share:
    """The share by its column, by counts of reads, or by both if they agree."""
    index, text = table.cell(row, "share")
    stated = fraction(text.rstrip("%").strip(), table.percent) if text else None
    if text and stated is None:
        raise table.refuse("The cell holds no share.", row, index, REMEDY)
    alternative, reference, depth = (
        _count(table, row, meaning) for meaning in ("alternative", "reference", "depth")
    )
    if depth is None and alternative is not None and reference is not None:
        depth = alternative + reference
    if alternative is not None and depth is not None and alternative > depth:
        index = table.cell(row, "alternative")[0]
        raise table.refuse("More reads carry the variant than there are.", row, index)
    return agreed(stated, alternative, depth, (f"column {index + 1}", "the counted reads"))


def _count(table: _Table, row: _Row, meaning: str) -> int | None:
    index, text = table.cell(row, meaning)
    found = _COUNT.fullmatch(text)
    if text and not found:
        raise table.refuse("The cell holds no number of reads.", row, index, REMEDY)
    return int(found[1] or re.sub("[^0-9]", "", found[2])) if found else None

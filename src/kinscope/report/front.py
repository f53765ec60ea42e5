"""Page one: what was asked, the answer, a line per drug, what acts without the kinase, and what next.

One record for the terminal, the page and Python. It reads the result alone and imports nothing heavy.
"""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from kinscope.affinity.atlas import LOST_KCAL_PER_MOL
from kinscope.evidence.civic import fold_text
from kinscope.evidence.model import EvidenceHit, Sighting, TreatmentOption
from kinscope.interpretation.answer import place_of
from kinscope.interpretation.findings import in_prose, join
from kinscope.interpretation.model import DrugVerdict, StudyResult
from kinscope.targets.pack import DrugDefinition, TargetPack

COLUMNS = ("guideline", "published", "measured", "inferred or predicted", "computed")
_LEGEND = {
    "-fold": "folds: times as much drug as native needs",
    "not named": "not named: the guideline prefers others",
    "Å": "Å: from the change to the drug",
    "out of reach": "out of reach: too far for docking",
    "not tested": "not tested: no model was run",
}
"""What words of the table mean."""
NOTHING = "–"
DISEASES = ("ALL", "CML")
_MOST_FOLD = 100


@dataclass(frozen=True)
class DrugLine:
    """A drug's row."""

    id: str
    """Of the claim: its anchor, its key in the tables, and what `kinscope explain` takes."""
    drug: str
    name: str
    verdict: str
    sure: str
    """Confidence and level in words."""
    cells: tuple[str, ...]
    """By :data:`COLUMNS`."""
    against: tuple[str, ...]
    """What stands against the verdict."""
    tool: bool


@dataclass(frozen=True)
class FrontPage:
    """Page one."""

    title: str
    asked: str
    names: str
    """The variant's other names."""
    sentences: tuple[str, ...]
    sure: str
    drugs: tuple[DrugLine, ...]
    """Drugs in use first, tool compounds last."""
    independent: tuple[tuple[str, str], ...]
    """Disease, and what acts in it without the kinase, by name."""
    next_steps: tuple[str, ...]
    finding: str
    seen: str
    """How often the variant is seen in patients, where that is known."""

    @property
    def legend(self) -> str:
        """What the words mean that stand in the table."""
        held = " ".join(cell for line in self.drugs for cell in line.cells)
        told = "; ".join(meaning for word, meaning in _LEGEND.items() if word in held)
        return f"{told[:1].upper()}{told[1:]}." if told else ""


def front_page(result: StudyResult, pack: TargetPack) -> FrontPage:
    """Arrange a result as its first page; the disease, if one was named, is in the result's settings."""
    variant, found = result.variant, result.assessment
    known = {drug.id: drug for drug in pack.drugs}
    disease = str(result.settings.get("disease") or "")
    transcript = str(result.settings.get("transcript") or "")
    lines = [_line(verdict, known.get(verdict.drug), result) for verdict in found.verdicts]
    other = [variant.hgvs_p, *(c.hgvs_c for s in variant.substitutions for c in s.coding_changes[:1])]
    if variant.hgvs_p_1b:
        other.append(f"{pack.isoforms[0].title if pack.isoforms else 'isoform 1b'}: {variant.hgvs_p_1b}")
    of = "".join((f", in {disease}" if disease else "", f", transcript {transcript}" if transcript else ""))
    return FrontPage(
        title=f"{variant.gene} {variant.short}",
        asked=f"Which inhibitors still act on {variant.gene} with {variant.short}, "
        f"{place_of(variant, pack)}{of}?",
        names="; ".join(dict.fromkeys(name for name in other if name)),
        sentences=found.answer.sentences,
        sure=f"Confidence {found.answer.confidence}: {found.answer.confidence_reason}",
        drugs=tuple(sorted(lines, key=lambda line: line.tool)),
        independent=tuple(_independent(options(result), disease)),
        next_steps=found.next_steps,
        finding=found.finding,
        seen=_seen(result.evidence.sightings[:2]),
    )


def _seen(sightings: Sequence[Sighting]) -> str:
    told = [f"{one.patients} of {one.of} ({one.setting})" for one in sightings]
    sources = "; ".join(dict.fromkeys(one.citation for one in sightings))
    return f"of patients with a mutation, in {join(told)}: {sources}" if told else ""


def options(result: StudyResult) -> tuple[TreatmentOption, ...]:
    """The options with what this run's verdicts add, else those of the evidence alone."""
    return result.assessment.options or result.evidence.options


def claim_id(verdict: DrugVerdict) -> str:
    """The id of a verdict."""
    return f"drug-{verdict.drug}"


def _independent(every: tuple[TreatmentOption, ...], disease: str) -> list[tuple[str, str]]:
    """What acts without the kinase, by disease; diseases with the same list together."""
    found: dict[str, str] = {}
    for one in [disease] if disease else DISEASES:
        names = [o.name for o in every if one in o.diseases and not o.depends_on_abl1_binding]
        if names:
            found[one] = join([_in_prose(name) for name in names])
    merged: dict[str, list[str]] = {}
    for one, names_of in found.items():
        merged.setdefault(names_of, []).append(one)
    return [(" and ".join(diseases), text) for text, diseases in merged.items()]


def _in_prose(name: str) -> str:
    """A therapy within a sentence: ``blinatumomab``, but ``CAR-T cells``."""
    short = name.partition(" (")[0]
    return short if short[:2].isupper() else f"{short[0].lower()}{short[1:]}"


def _line(verdict: DrugVerdict, drug: DrugDefinition | None, result: StudyResult) -> DrugLine:
    hits = [hit for hit in result.evidence.hits if hit.item.drug == verdict.drug]
    level = f", level {verdict.level}" if verdict.level else ""
    return DrugLine(
        id=claim_id(verdict),
        drug=verdict.drug,
        name=in_prose(drug) if drug else verdict.drug,
        verdict=verdict.verdict,
        sure=f"{verdict.confidence} confidence{level}",
        cells=(
            _guideline(verdict),
            _published([hit for hit in hits if hit.relation == "exact"]),
            _measured(verdict),
            _beyond(verdict),
            _computed(verdict),
        ),
        against=verdict.disagreements,
        tool=verdict.tool_compound,
    )


def _guideline(verdict: DrugVerdict) -> str:
    said: dict[str, dict[str, list[str]]] = {}
    for one in verdict.guidelines:
        parts = said.setdefault(one.name, {}).setdefault(one.stance, [])
        parts.append("" if one.relation == "exact" else one.protein_change)
    told = {
        name: ", ".join(
            stance + (f" for {join(parts)}" if all(parts) else "") for stance, parts in ways.items()
        )
        for name, ways in said.items()
    }
    return "; ".join(f"{name}: {text}" for name, text in told.items()) or NOTHING


def _published(exact: list[EvidenceHit]) -> str:
    """How many published items say what, apart from laboratory numbers."""
    ways = Counter(hit.item.direction for hit in exact if hit.item.tier == "published")
    return ", ".join(f"{count} × {way}" for way, count in ways.most_common()) or NOTHING


def _measured(verdict: DrugVerdict) -> str:
    if not verdict.measured or verdict.measured_fold is None:
        return NOTHING
    meant = [one for one in verdict.measured if one.averaged]
    bound, number = ">" if any(one.bound == ">" for one in meant) else "", len(meant)
    return f"{bound}{fold_text(verdict.measured_fold)}-fold, {number} assay{'s' if number > 1 else ''}"


def _beyond(verdict: DrugVerdict) -> str:
    """What follows from kin, and what affinity predicts; never one figure of both."""
    said = []
    if verdict.inferred and verdict.inferred_word:
        kin = verdict.inferred
        of = f" of {kin.part}" if kin.part else ""
        said.append(f"kin{of}: {fold_text(kin.fold)}-fold ({fold_text(kin.low)} to {fold_text(kin.high)})")
    if verdict.predicted:
        made = verdict.predicted
        value, low, high = (10 ** (x / LOST_KCAL_PER_MOL) for x in (made.ddg_kcal_mol, made.low, made.high))
        top = fold_text(high) if high < _MOST_FOLD else f">{_MOST_FOLD}"
        of = f" of {made.part}" if made.part else ""
        said.append(f"predicted{of}: {fold_text(value)}-fold ({fold_text(low)} to {top})")
    return "; ".join(said) or NOTHING


def _computed(verdict: DrugVerdict) -> str:
    if verdict.sight is None:
        return NOTHING
    away = "" if verdict.sight.distance_angstrom is None else f", {verdict.sight.distance_angstrom:.0f} Å"
    call = f": {verdict.binding[0].call.word}" if verdict.binding else ""
    return f"{verdict.sight.word.removeprefix('in reach, ')}{call}{away}"


def as_text(page: FrontPage, width: int | None = None) -> str:
    """Page one for a terminal."""
    columns = width or min(shutil.get_terminal_size((110, 40)).columns, 150)
    out = [*_wrapped(f"{page.title}  {page.names}", columns), "", *_wrapped(page.asked, columns), ""]
    for sentence in page.sentences:
        out += _wrapped(sentence, columns)
    out += [*_wrapped(page.sure, columns), ""]
    for tool, head in ((False, "drug"), (True, "tool compound")):
        if rows := [line for line in page.drugs if line.tool is tool]:
            out += [*_table(head, rows, columns), ""]
    out += [*_wrapped(page.legend, columns), ""]
    for line in page.drugs:
        for text in line.against:
            out += _wrapped(f"{line.name}: {text}", columns, "  ! ")
    for disease, names in page.independent:
        out += _wrapped(f"Acts without the kinase ({disease}): {names}.", columns)
    if page.finding:
        out += _wrapped(f"Structure: {page.finding}", columns)
    if page.seen:
        out += _wrapped(f"Seen: {page.seen}.", columns)
    out += [
        part for n, step in enumerate(page.next_steps, 1) for part in _wrapped(step, columns, f"Next {n}. ")
    ]
    return "\n".join(out).rstrip()


def _wrapped(text: str, width: int, head: str = "") -> list[str]:
    """Lines that end at words; a number keeps its angstrom."""
    wrap = textwrap.TextWrapper(width, head, " " * len(head), break_on_hyphens=False)
    return [line.replace("\xa0", " ") for line in wrap.wrap(text.replace(" Å", "\xa0Å"))] or [""]


def _table(head: str, lines: list[DrugLine], width: int) -> list[str]:
    """Columns that hold something, their cells wrapped; lines below each name where words do not fit."""
    kept = [n for n in range(len(COLUMNS)) if any(line.cells[n] != NOTHING for line in lines)]
    heads = [head, "verdict", *(COLUMNS[n] for n in kept)]
    rows = [[line.name, f"{line.verdict} ({line.sure})", *(line.cells[n] for n in kept)] for line in lines]
    first = max(len(row[0]) for row in [heads, *rows])
    columns = [[row[n] for row in [heads, *rows]] for n in range(1, len(heads))]
    longest = [min(max(map(len, cells)), 34) for cells in columns]
    words = [max(len(word) for cell in cells for word in cell.split()) for cells in columns]
    room = width - first - 2 * len(columns)
    if sum(words) > room:
        listed = [f"{head:<{first}}  verdict", "-" * width]
        return [*listed, *(part for row in rows for part in _listed(row, heads, first, width))]
    share = min(1.0, (room - sum(words)) / max(1, sum(longest) - sum(words)))
    widths = [
        first,
        *(low + int(max(0, size - low) * share) for low, size in zip(words, longest, strict=True)),
    ]
    drawn = [_row(row, widths) for row in [heads, *rows]]
    rule = "-" * min(width, sum(widths) + 2 * len(longest))
    return [*drawn[0], rule, *(text for lines_of in drawn[1:] for text in lines_of)]


def _listed(row: list[str], heads: list[str], first: int, width: int) -> list[str]:
    """A row as lines: the verdict beside the name, below it what else is known."""
    told = [
        cell if head.startswith(("guideline", "inferred")) else f"{head}: {cell}"
        for head, cell in zip(heads[2:], row[2:], strict=True)
        if cell != NOTHING
    ]
    indent = " " * (first + 2)
    below = _wrapped("; ".join(told), width, indent) if told else []
    return [*_wrapped(row[1], width, f"{row[0]:<{first}}  "), *below]


def _row(cells: list[str], widths: list[int]) -> list[str]:
    wrapped = [_wrapped(cell, size) for cell, size in zip(cells, widths, strict=True)]
    drawn = ("  ".join(map(str.ljust, parts, widths)) for parts in zip_longest(*wrapped, fillvalue=""))
    return [line.rstrip() for line in drawn]

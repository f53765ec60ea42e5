"""What a karyotype says about the Philadelphia chromosome, what stands beside it, and how complex it is.

Major-route changes: Fabarius A et al. Blood 2011;118:6760-6768 (doi:10.1182/blood-2011-08-373902). High-risk
changes: Hehlmann R et al. Leukemia 2020;34:2074-2086; Hochhaus A et al. Leukemia 2020;34:966-984
(doi:10.1038/s41375-020-0776-2).
"""

from __future__ import annotations

from typing import Literal

from kinscope.clinic.karyotype.changes import PhKind, agreement, is_other_half, philadelphia_kind
from kinscope.clinic.karyotype.model import Abnormality, Clone, Karyotype
from kinscope.core.records import Record

Carriers = list[tuple[Clone, Abnormality]]


def distinct_changes(clones: list[Clone]) -> list[tuple[Carriers, int]]:
    """Acquired changes, each with the clones that carry it, and 2 where a clone lists it twice (+21,+21)."""
    found: dict[tuple[str, ...], list[Carriers]] = {}
    for clone in clones:
        here: dict[tuple[str, ...], Carriers] = {}
        for change in clone.changes:
            if not change.constitutional:
                here.setdefault(change.key, []).append((clone, change))
        for key, listed in here.items():
            found.setdefault(key, []).append(listed)
    return [([listed[0] for listed in each], max(map(len, each))) for each in found.values()]


def weight(change: Abnormality, others: list[Abnormality]) -> tuple[int, int]:
    """How many abnormalities a change counts for, lowest and highest.

    ISCN 2024, section 6.5 and table 7: a gained or lost chromosome, a balanced rearrangement and each marker
    count one; a derivative of two or more chromosomes counts two, but one where the rearrangement it
    comes from is itself listed, or its other half (a second der(22)t(9;22) is one gained chromosome).
    A further copy counts one.
    """
    if change.kind in ("dmin", "hsr", "ace"):
        return 1, 1
    half = is_other_half(change) and any(not o.sign and philadelphia_kind(o) == "der(22)" for o in others)
    further = 0
    if change.kind in ("der", "ider"):
        involved = set(change.chromosomes) | {n for c in change.components for n in c.chromosomes}
        balanced = [set(o.chromosomes) for o in others if o.kind in ("t", "ins")]
        balanced += [set(c.chromosomes) for o in others if is_other_half(o) for c in o.components]
        # +der(22)t(9;22) is short for that of a t(9;22;15), too
        listed = half or any(set(c.chromosomes) <= whole for c in change.components for whole in balanced)
        further = int(len(involved) > 1 and not listed)
    return further + change.copies_low, further + change.copies_high


def _nothing_but(half: Abnormality) -> bool:
    """Whether the other half carries only the t(9;22); der(7;9)(q10;q10)t(9;22) and ider(9) lost 9p too."""
    return half.kind == "der" and len((*half.chromosomes, *half.components)) == 2


def _heaviest(carriers: Carriers, others: list[Abnormality]) -> tuple[int, int]:
    """The weight in the clone with most copies; two t(9;22) of a tetraploid clone are one, doubled."""
    weights = []
    for clone, change in carriers:
        if change in clone.abnormalities:
            low, high = change.copies_low, change.copies_high
            if clone.ploidy > 3 and not change.sign:
                low, high = (max(1, 2 * copies // clone.ploidy) for copies in (low, high))
            copied = change.model_copy(update={"copies_low": low, "copies_high": high})
            weights.append(weight(copied, [o for o in others if o.key != change.key]))
    return max(low for low, _ in weights), max(high for _, high in weights)


MAJOR_ROUTE = ("second Ph", "trisomy 8", "trisomy 19", "i(17q)")
COMPLEX_FROM = 3
HIGHLY_COMPLEX_FROM = 5
"""Five are complex in ALL (Moorman AV et al. Blood 2007;109:3189-3197; NCCN), three in most diseases."""


class ChangeSummary(Record):
    """One distinct change over all clones.

    A structural change or a gain is clonal in two cells, a loss in three (ISCN 2020, chapter 11). Beside the
    Philadelphia translocation: in one clone with it, as far as it was seen.
    """

    name: str
    cells: int | None
    clonal: bool | None
    group: Literal["numerical", "structural"]
    weight_low: int
    weight_high: int
    philadelphia: bool = False
    beside_philadelphia: bool = False
    high_risk: str = ""
    major_route: bool = False


class KaryotypeReading(Record):
    """What a karyotype says.

    The Philadelphia translocation ``not seen`` is never absent; ``open``: it may stand in what could not be
    read, or no cell of the patient's own was seen. Cells with it and all cells are of the patient's own
    clones, None where one gives no number. Abnormalities are distinct acquired changes, that one
    included, without those known to be in too few cells for a clone.
    """

    philadelphia: PhKind
    philadelphia_text: str = ""
    philadelphia_certain: bool = True
    philadelphia_cells: int | None = None
    cells: int | None = None
    normal_cells: int = 0
    bcr_abl1_by_fish: bool | None = None
    changes: tuple[ChangeSummary, ...] = ()
    additional_changes: tuple[str, ...] = ()
    abnormalities_low: int = 0
    abnormalities_high: int = 0
    complexity: str = ""
    incomplete: bool = False
    notes: tuple[str, ...] = ()


def read_karyotype(karyotype: Karyotype) -> KaryotypeReading:
    """What a parsed karyotype says; parts that could not be read take part in nothing and are noted."""
    own = [clone for clone in karyotype.clones if not clone.donor]
    carrying = [clone for clone in own if clone.cells != 0]
    kind, found = _philadelphia(carrying)
    partly = any(clone.unreadable or clone.incomplete for clone in own)
    if kind == "not seen" and (not own or _may_hide(karyotype) or any(_is_open(clone) for clone in own)):
        kind = "open"
    summaries = _summaries(carrying)
    first = [s for s in summaries if s.philadelphia]  # one event, however often and in whatever form
    others = [s for s in summaries if s not in first and s.clonal is not False]
    low, high = (
        sum(getattr(s, end) for s in others) + max((getattr(s, end) for s in first), default=0)
        for end in ("weight_low", "weight_high")
    )
    fish = [f.bcr_abl1_fusion for f in karyotype.fish if f.bcr_abl1_fusion is not None and not f.donor]
    by_fish = any(fish) if fish else None
    return KaryotypeReading(
        philadelphia=kind,
        philadelphia_text=found.name if found else "",
        philadelphia_certain=not (found and found.uncertain),
        philadelphia_cells=_philadelphia_cells(own) if own else None,
        cells=_looked_at(own, alone=len(own) == len(karyotype.clones)),
        normal_cells=sum(clone.cells or 0 for clone in own if clone.normal),
        bcr_abl1_by_fish=by_fish,
        changes=summaries,
        additional_changes=tuple(s.name for s in summaries if not s.philadelphia),
        abnormalities_low=low,
        abnormalities_high=high,
        complexity=_complexity(low, high, partly=partly) if own else "",
        incomplete=any(clone.incomplete for clone in own),
        notes=(
            *(_philadelphia_notes(carrying, kind, found, by_fish=by_fish) if own else ()),
            *_notes(karyotype),
        ),
    )


def _may_hide(karyotype: Karyotype) -> bool:
    """Whether an unread part by a technique that sees translocations may hold the fusion."""
    texts = [part.text.lower() for part in karyotype.unreadable]
    return any(("22" in text or "bcr" in text) and not text.startswith(("arr", "mlpa")) for text in texts)


def _is_open(clone: Clone) -> bool:
    """Whether a clone may have the translocation in what is unread, left out, or half or doubtfully given."""
    hinted = any((is_other_half(c) and not c.constitutional) or _alternatives(c) for c in clone.changes)
    return hinted or bool(clone.unreadable) or clone.incomplete


def _alternatives(change: Abnormality) -> list[Abnormality]:
    """Readings behind ``or`` that would be a Philadelphia translocation; they are in doubt."""
    others = () if change.constitutional else change.alternatives
    shown = [other for other in others if philadelphia_kind(other) != "not seen"]
    return [other.model_copy(update={"uncertain": True}) for other in shown]


def high_risk_changes(reading: KaryotypeReading) -> tuple[str, ...]:
    """Additional changes of high risk in CML, clonal ones only, and a complex karyotype as such.

    The guideline does not number "complex"; three additional changes is kinscope's reading.
    """
    found = [f"{s.name} ({s.high_risk})" for s in reading.changes if s.high_risk and s.clonal is not False]
    additional = [s for s in reading.changes if s.beside_philadelphia and s.clonal is not False]
    if len(additional) >= COMPLEX_FROM:
        found.append(f"complex ({len(additional)} additional changes)")
    return tuple(found)


def _philadelphia(clones: list[Clone]) -> tuple[PhKind, Abnormality | None]:
    """The clearest sign of the translocation; one that stands behind ``or`` is in doubt."""
    order: tuple[PhKind, ...] = ("t(9;22)", "variant", "der(22)", "insertion", "Ph")
    doubted = [other for clone in clones for change in clone.changes for other in _alternatives(change)]
    for changes in ([change for clone in clones for change in _carried(clone)], doubted):
        found = [(philadelphia_kind(change), change) for change in changes]
        seen = [pair for kind in order for pair in found if pair[0] == kind]
        if seen:
            return seen[0]
    return "not seen", None


def _cells_of(clone: Clone, change: Abnormality) -> int | None:
    """Cells with a change; in a composite karyotype only where the change has a number of its own."""
    return change.cells if change.cells is not None or clone.composite else clone.cells


def _carried(clone: Clone) -> list[Abnormality]:
    """Philadelphia chromosomes of a clone, the first one first; none where the clone lost it again."""
    acquired = [c for c in clone.changes if not c.constitutional]
    carried = [c for c in acquired if philadelphia_kind(c) != "not seen"]
    minus = [c.model_copy(update={"sign": ""}) for c in acquired if c.sign == "-"]
    lost = sum(philadelphia_kind(c) == "der(22)" for c in minus)
    carried.sort(key=lambda c: (c.sign == "+", c.kind not in ("t", "ins")))
    double = [c for c in carried if c.kind in DOUBLE]
    single = [c for c in carried if c.kind not in DOUBLE]
    return [*single[: max(0, len(single) - lost)], *double[max(0, lost - len(single)) :]]


DOUBLE = ("ider", "idic")
"""Isochromosomes: a Philadelphia chromosome of this kind is the first and a second one in itself."""


def _philadelphia_cells(clones: list[Clone]) -> int | None:
    counts: list[int | None] = []
    for clone in clones:
        cells = [_cells_of(clone, change) for change in _carried(clone)]
        if cells:
            counts.append(None if None in cells else max(n or 0 for n in cells))
        elif _is_open(clone):
            counts.append(None)
    return _sum(counts)


def _looked_at(clones: list[Clone], *, alone: bool) -> int | None:
    """Cells of all clones; or of how many the report says they are (``[3/20]``), without donors."""
    given = _sum([clone.cells for clone in clones]) if clones else None
    return given if given is None or not alone else max(given, *(clone.scored or 0 for clone in clones))


def _sum(numbers: list[int | None]) -> int | None:
    return None if any(n is None for n in numbers) else sum(n for n in numbers if n is not None)


def _summaries(clones: list[Clone]) -> tuple[ChangeSummary, ...]:
    """Distinct acquired changes; a clone's inherited changes are the same changes with more cells."""
    distinct = distinct_changes(clones)
    listed = [carriers[0][1] for carriers, _ in distinct]
    carried = [_carried(clone) for clone in clones]
    first = {changes[0].key for changes in carried if changes}
    second = {
        change.key
        for clone, changes in zip(clones, carried, strict=True)
        for number, change in enumerate(changes)
        if number
        or change.kind in DOUBLE
        or (change.copies_low > 1 and clone.ploidy == 2 and "x" not in clone.reference)
    }
    summaries = []
    for change, (carriers, times) in zip(listed, distinct, strict=True):
        cells = _sum([_cells_of(clone, c) for clone, c in carriers])
        low, high = _heaviest(carriers, listed)
        is_first = (change.key in first and change.kind not in DOUBLE) or (
            bool(first) and is_other_half(change) and _nothing_but(change)
        )
        beside = not is_first and any(_carried(clone) for clone, _ in carriers)
        risk = "second Ph" if change.key in second else _risk(change) if beside else ""
        # Against another ploidy than two neither three copies nor one are left.
        diploid = any(clone.ploidy == 2 for clone, _ in carriers)
        summaries.append(
            ChangeSummary(
                name=change.name if times == 1 else f"{change.name} ({times} times)",
                cells=cells,
                clonal=None if cells is None else cells >= (3 if change.sign == "-" else 2),
                group="numerical" if change.kind in ("chromosome", "mar", "Ph") else "structural",
                weight_low=low * times,
                weight_high=high * times,
                philadelphia=is_first,
                beside_philadelphia=beside,
                high_risk=risk
                if diploid
                else risk.replace("trisomy", "gain of").replace("monosomy", "loss of"),
                major_route=risk in MAJOR_ROUTE,
            )
        )
    return tuple(summaries)


def _risk(change: Abnormality) -> str:
    """The high-risk group that a change beside the Philadelphia translocation belongs to, if any.

    High risk: +8, second Ph, i(17q), +17, +19, +21, 3q26.2, 11q23, -7 and 7q losses.
    """
    whole = change.chromosomes[0] if change.chromosomes else ""
    if change.kind == "chromosome":
        if change.sign == "+":
            return f"trisomy {whole}" if whole in ("8", "17", "19", "21") else ""
        return "monosomy 7" if whole == "7" else ""
    if change.kind in ("i", "idic") and whole == "17" and _breaks_at(change, "17", ("q", "p11")):
        return "i(17q)"
    if _loses_7q(change):
        return "7q loss"
    return "3q26.2" if _breaks_at(change, "3", ("q26",)) else "11q23" * _breaks_at(change, "11", ("q23",))


def _loses_7q(change: Abnormality) -> bool:
    """Whether part of 7q is lost: a break in 7q of one changed chromosome 7, or 7p alone kept."""
    bands = _bands_of(change, "7") if "7" in change.chromosomes else []
    if change.kind in ("i", "der") and "p10" in bands:
        return True
    lost_from = any(band.startswith("q") and band != "q10" for band in bands)
    return change.kind in ("del", "add", "der") and change.chromosomes == ("7",) and lost_from


def _breaks_at(change: Abnormality, chromosome: str, bands: tuple[str, ...]) -> bool:
    return any(band.startswith(bands) for band in _bands_of(change, chromosome))


def _bands_of(change: Abnormality, chromosome: str) -> list[str]:
    return [b.band for c in (change, *change.components) for b in c.breakpoints if b.chromosome == chromosome]


def _complexity(low: int, high: int, *, partly: bool) -> str:
    shown = str(low) if low == high else f"{low} to {high}"
    if partly:
        shown = f"at least {low}"
    shown += " abnormality" if shown in ("1", "at least 1") else " abnormalities"
    if high < COMPLEX_FROM:
        open_still = "not read in full, so complexity cannot be excluded"
        return f"{shown}: {open_still if partly else 'not complex'}"
    if low >= HIGHLY_COMPLEX_FROM:
        return f"{shown}: complex (five or more)"
    if low >= COMPLEX_FROM:
        upper = "possibly five or more" if partly or high >= HIGHLY_COMPLEX_FROM else "fewer than five"
        return f"{shown}: complex (three or more, {upper})"
    return f"{shown}: possibly complex"


def _philadelphia_notes(
    clones: list[Clone], kind: PhKind, found: Abnormality | None, *, by_fish: bool | None
) -> list[str]:
    changes = [change for clone in clones for change in clone.changes if not change.constitutional]
    if found is not None:
        idic = any(c.kind == "idic" and c.chromosomes == ("22",) and not c.components for c in changes)
        notes = {
            "FISH shows no BCR::ABL1 fusion although banding shows the translocation": by_fish is False,
            f"the report itself doubts {found.name}": found.uncertain,
            "an idic(22) may be a second Philadelphia chromosome: of which 22 it is, is not said": idic,
        }
        return [note for note, holds in notes.items() if holds]
    half = any(is_other_half(c) for c in changes)
    elsewhere = not half and any(c.kind == "t" and {"9", "22"} <= set(c.chromosomes) for c in changes)
    partner = not half and not elsewhere and any(_breaks_at(c, "22", ("q11",)) for c in changes)
    notes = {
        "what was not read, or not written, may hold the Philadelphia translocation": kind == "open",
        "no Philadelphia chromosome by banding; a cryptic or variant BCR::ABL1 fusion cannot be excluded "
        "without FISH or RT-PCR": True,
        "the other half of a t(9;22) is listed, but not the der(22) that BCR::ABL1 lies on": half,
        "a t(9;22) with breakpoints other than 9q34 and 22q11 is not the Philadelphia one": elsewhere,
        "22q11 is rearranged outside a t(9;22): a variant Philadelphia translocation is possible": partner,
        "FISH shows a BCR::ABL1 fusion that banding does not: cryptic": bool(by_fish),
    }
    return [note for note, holds in notes.items() if holds]


def _notes(karyotype: Karyotype) -> list[str]:
    notes = []
    if not karyotype.clones:
        notes.append("no banded karyotype: the Philadelphia chromosome is judged by FISH only")
    elif all(clone.donor for clone in karyotype.clones):
        notes.append(
            "no cell of the recipient (the patient) was seen: nothing is said of the patient's own clones"
        )
    donors = [clone for clone in karyotype.clones if clone.donor]
    if donors:
        notes.append("cells behind '//' are the donor's and are not counted")
    if any(clone.abnormalities for clone in donors):
        notes.append("the donor's cells carry changes of their own")
    given = _sum([clone.cells for clone in karyotype.clones])
    said = {clone.scored for clone in karyotype.clones if clone.scored is not None}
    if given is not None and said and said != {given}:
        notes.append(
            f"the clones have {given} cells together, of {' or '.join(map(str, sorted(said)))} looked at"
        )
    for clone in karyotype.clones:
        notes += agreement(clone)
    left = [part for clone in karyotype.clones for part in clone.unreadable] + list(karyotype.unreadable)
    notes += [f"not read: {part.text!r} at character {part.start + 1}: {part.reason}" for part in left]
    return notes

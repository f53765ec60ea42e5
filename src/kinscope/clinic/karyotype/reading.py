"""What a karyotype says about the Philadelphia chromosome, what stands beside it, and how complex it is.

Major-route changes: Fabarius A et al. Blood 2011;118:6760-6768 (doi:10.1182/blood-2011-08-373902). High-risk
changes: Hehlmann R et al. Leukemia 2020;34:2074-2086; Hochhaus A et al. Leukemia 2020;34:966-984
(doi:10.1038/s41375-020-0776-2).
"""

from __future__ import annotations

from typing import Literal

from kinscope.clinic.karyotype.model import Abnormality, Clone, Karyotype
from kinscope.core.records import Record

FUSED = ("dic", "psu dic", "rob", "tas")
"""Two chromosomes become one without a minus sign being written (ISCN)."""


class Distinct(Record):
    """One change with the clones that carry it; ``times`` is 2 where a clone lists it twice (+21,+21)."""

    carriers: tuple[tuple[Clone, Abnormality], ...]
    times: int

    @property
    def change(self) -> Abnormality:
        """The change as first written."""
        return self.carriers[0][1]


def distinct_changes(clones: list[Clone]) -> list[Distinct]:
    """Acquired changes, each with the clones that carry it, in the order of the report."""
    found: dict[tuple[str, ...], list[list[tuple[Clone, Abnormality]]]] = {}
    for clone in clones:
        here: dict[tuple[str, ...], list[tuple[Clone, Abnormality]]] = {}
        for change in clone.changes:
            if not change.constitutional:
                here.setdefault(change.key, []).append((clone, change))
        for key, occurrences in here.items():
            found.setdefault(key, []).append(occurrences)
    return [
        Distinct(carriers=tuple(o[0] for o in by_clone), times=max(len(o) for o in by_clone))
        for by_clone in found.values()
    ]


def weight(change: Abnormality, others: list[Abnormality]) -> tuple[int, int]:
    """How many abnormalities a change counts for, lowest and highest.

    ISCN 2024, section 6.5 and table 7: a gained or lost chromosome, a balanced rearrangement and each marker
    count one; a derivative of two or more chromosomes counts two, but one where the rearrangement it
    comes from is itself listed (a second der(22)t(9;22) beside t(9;22) is one gained chromosome).
    """
    if change.kind in ("mar", "r", "dmin") or change.copies_high > change.copies_low:
        return change.copies_low, change.copies_high
    if change.kind in ("der", "ider"):
        involved = set(change.chromosomes) | {n for c in change.components for n in c.chromosomes}
        translocated = [set(other.chromosomes) for other in others if other.kind in ("t", "ins")]
        listed = any(set(c.chromosomes) in translocated for c in change.components)
        if len(involved) > 1 and not listed:
            return 2, 2
    return 1, 1


def expected_count(clone: Clone) -> tuple[int, int] | None:
    """Chromosome number that the listed changes give, lowest and highest; None where it cannot be said."""
    if clone.incomplete or clone.unreadable or clone.composite or clone.low != clone.high:
        return None
    if "?" in clone.sex or "U" in clone.sex or "x" in clone.reference:
        return None
    low = high = 22 * clone.ploidy + _sex_chromosomes(clone)
    for change in clone.changes:
        step_low, step_high = _steps(change)
        low, high = low + step_low, high + step_high
    return low, high


def _sex_chromosomes(clone: Clone) -> int:
    """Sex chromosomes including structurally changed ones, which the sex field leaves out."""
    written = len(clone.sex)
    if written >= clone.ploidy:
        return written
    changed = sum(
        1
        for change in clone.changes
        if not change.sign and change.kind != "chromosome" and {"X", "Y"} & set(change.chromosomes)
    )
    return min(clone.ploidy, written + changed)


def _steps(change: Abnormality) -> tuple[int, int]:
    if change.kind == "chromosome":
        if change.sign == "-" and change.chromosomes[0] in ("X", "Y"):
            return 0, 0  # the sex field shows the loss already
        step = 1 if change.sign == "+" else -1
        return step * change.copies_low, step * change.copies_high
    if change.kind in ("dmin", "hsr", "ace"):
        return 0, 0
    if change.sign == "+":
        return change.copies_low, change.copies_high
    if change.sign == "-":
        return -change.copies_high, -change.copies_low
    fused = len(change.chromosomes) - 1
    if change.kind in FUSED or (change.kind == "der" and fused and not change.components):
        return -fused, -fused
    extra = change.copies_low - 1  # x2 of a changed chromosome replaces both homologues: no step
    return (0, 0) if extra >= 0 else (extra, extra)


def agreement(clone: Clone) -> list[str]:
    """A note where the chromosome number contradicts the listed changes."""
    expected = expected_count(clone)
    if expected is None or expected[0] <= clone.low <= expected[1]:
        return []
    given = str(expected[0]) if expected[0] == expected[1] else f"{expected[0]} to {expected[1]}"
    return [
        f"{clone.text!r}: the number {clone.low} does not agree with the changes listed, which give {given}"
    ]


PhKind = Literal["t(9;22)", "variant", "der(22)", "insertion", "Ph", "not seen"]
CLONAL_GAIN = 2
CLONAL_LOSS = 3
"""ISCN: a structural change or a gain is clonal in two cells, a loss in three (ISCN 2020, chapter 11)."""

COMPLEX_FROM = 3
HIGHLY_COMPLEX_FROM = 5
"""Five are complex in ALL (Moorman AV et al. Blood 2007;109:3189-3197; NCCN), three in most diseases."""


class ChangeSummary(Record):
    """One distinct change over all clones."""

    name: str
    cells: int | None
    clonal: bool | None
    group: Literal["numerical", "structural"]
    weight_low: int
    weight_high: int
    philadelphia: bool = False
    high_risk: str = ""
    major_route: bool = False


class KaryotypeReading(Record):
    """What a karyotype says.

    Attributes
    ----------
    philadelphia
        How the Philadelphia translocation shows; ``not seen`` never means absent.
    philadelphia_cells, cells
        Cells with it, and all cells of the patient's own clones; None where a clone gives no number.
    abnormalities_low, abnormalities_high
        Distinct acquired changes over all clones, the Philadelphia translocation included.
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
    kind, found = _philadelphia(own)
    summaries = _summaries(own)
    additional = tuple(s.name for s in summaries if not s.philadelphia)
    low = sum(s.weight_low for s in summaries)
    high = sum(s.weight_high for s in summaries)
    fish = [result.bcr_abl1_fusion for result in karyotype.fish if result.bcr_abl1_fusion is not None]
    by_fish = any(fish) if fish else None
    return KaryotypeReading(
        philadelphia=kind,
        philadelphia_text=found.name if found else "",
        philadelphia_certain=not (found and found.uncertain),
        philadelphia_cells=_philadelphia_cells(own) if own else None,
        cells=_sum([clone.cells for clone in own]) if own else None,
        normal_cells=sum(clone.cells or 0 for clone in own if clone.normal),
        bcr_abl1_by_fish=by_fish,
        changes=summaries,
        additional_changes=additional,
        abnormalities_low=low,
        abnormalities_high=high,
        complexity=_complexity(
            low, high, partly=not karyotype.everything_read or any(c.incomplete for c in own)
        ),
        incomplete=any(clone.incomplete for clone in own),
        notes=_notes(karyotype, own, kind, found, by_fish),
    )


def high_risk_changes(reading: KaryotypeReading) -> tuple[str, ...]:
    """Additional changes of high risk in CML, clonal ones only, and a complex karyotype as such.

    The guideline does not number "complex"; three additional changes is kinscope's reading.
    """
    found = [f"{s.name} ({s.high_risk})" for s in reading.changes if s.high_risk and s.clonal is not False]
    additional = [s for s in reading.changes if not s.philadelphia and s.clonal is not False]
    if len(additional) >= COMPLEX_FROM:
        found.append(f"complex ({len(additional)} additional changes)")
    return tuple(found)


def philadelphia_kind(change: Abnormality) -> PhKind:
    """How one change shows the Philadelphia translocation, or ``not seen``."""
    for component in change.components:
        if philadelphia_kind(component) in ("t(9;22)", "variant"):
            return "der(22)"
    if change.kind == "Ph":
        return "Ph"
    if change.kind == "t" and {"9", "22"} <= set(change.chromosomes) and _bands_agree(change):
        return "t(9;22)" if len(change.chromosomes) == 2 else "variant"
    if change.kind == "ins" and {"9", "22"} == set(change.chromosomes) and _bands_agree(change):
        return "insertion"
    return "not seen"


def _bands_agree(change: Abnormality) -> bool:
    """Whether the breakpoints, where given, are 9q34 and 22q11."""
    for chromosome, band in (("9", "q34"), ("22", "q11")):
        given = [b for b in change.breakpoints if b.chromosome == chromosome]
        if given and not any(b.band.startswith(band) or b.band in ("?", "q", "q3", "q1") for b in given):
            return False
    return True


def _philadelphia(clones: list[Clone]) -> tuple[PhKind, Abnormality | None]:
    order: tuple[PhKind, ...] = ("t(9;22)", "variant", "der(22)", "insertion", "Ph")
    found = [
        (philadelphia_kind(change), change)
        for clone in clones
        for change in clone.changes
        if not change.constitutional
    ]
    for kind in order:
        for candidate, change in found:
            if candidate == kind:
                return kind, change
    return "not seen", None


def _cells_of(clone: Clone, change: Abnormality) -> int | None:
    """Cells with a change; in a composite karyotype only where the change has a number of its own."""
    if change.cells is not None or clone.composite:
        return change.cells
    return clone.cells


def _philadelphia_cells(clones: list[Clone]) -> int | None:
    counts: list[int | None] = []
    for clone in clones:
        carried = [c for c in clone.changes if not c.constitutional and philadelphia_kind(c) != "not seen"]
        if carried:
            counts.append(_most([_cells_of(clone, change) for change in carried]))
        elif clone.unreadable:
            counts.append(None)
    return _sum(counts)


def _most(numbers: list[int | None]) -> int | None:
    known = [n for n in numbers if n is not None]
    return max(known) if known and len(known) == len(numbers) else None


def _sum(numbers: list[int | None]) -> int | None:
    return None if any(n is None for n in numbers) else sum(n for n in numbers if n is not None)


def _summaries(clones: list[Clone]) -> tuple[ChangeSummary, ...]:
    """Distinct acquired changes; a clone's inherited changes are the same changes with more cells."""
    distinct = distinct_changes(clones)
    listed = [entry.change for entry in distinct]
    carrying = [change.key for change in listed if philadelphia_kind(change) != "not seen"]
    # A gained derivative is a second one only beside a first; -22,+der(22) alone is an old way to write one.
    first = [key for key in carrying if key[0] != "+"] or carrying[:1]
    return tuple(_summary(entry, listed, carrying, first) for entry in distinct)


def _summary(
    entry: Distinct, listed: list[Abnormality], carrying: list[tuple[str, ...]], first: list[tuple[str, ...]]
) -> ChangeSummary:
    change = entry.change
    cells = _sum([_cells_of(clone, c) for clone, c in entry.carriers])
    needed = CLONAL_LOSS if change.sign == "-" else CLONAL_GAIN
    low, high = weight(change, listed)
    is_first = change.key in first
    risk, major = _risk(change) if carrying and not is_first else ("", False)
    return ChangeSummary(
        name=change.name if entry.times == 1 else f"{change.name} ({entry.times} times)",
        cells=cells,
        clonal=None if cells is None else cells >= needed,
        group="numerical" if change.kind in ("chromosome", "mar", "Ph") else "structural",
        weight_low=low * entry.times,
        weight_high=high * entry.times,
        philadelphia=is_first,
        high_risk=risk,
        major_route=major,
    )


def _risk(change: Abnormality) -> tuple[str, bool]:
    """The high-risk group that a change beside the Philadelphia translocation belongs to, if any.

    High risk: +8, second Ph, i(17q), +17, +19, +21, 3q26.2, 11q23, -7 and 7q losses; the first four with +19
    are the major route.
    """
    whole = change.chromosomes[0] if change.chromosomes else ""
    if change.kind == "chromosome" and change.sign == "+":
        names = {"8": ("trisomy 8", True), "19": ("trisomy 19", True)}
        names |= {"17": ("trisomy 17", False), "21": ("trisomy 21", False)}
        return names.get(whole, ("", False))
    der_22 = change.kind == "der" and change.chromosomes == ("22",)
    second = der_22 or philadelphia_kind(change) != "not seen"
    if change.sign == "+" and second:
        return "second Ph", True
    if change.kind == "ider" and change.chromosomes == ("22",):
        return "second Ph", True
    if change.kind in ("i", "idic") and whole == "17" and _breaks_at(change, "17", ("q", "p11")):
        return "i(17q)", True
    if change.sign == "-" and change.kind == "chromosome" and whole == "7":
        return "monosomy 7", False
    if _loses_7q(change):
        return "7q loss", False
    if _breaks_at(change, "3", ("q26",)):
        return "3q26.2", False
    if _breaks_at(change, "11", ("q23",)):
        return "11q23", False
    return "", False


def _loses_7q(change: Abnormality) -> bool:
    """Whether part of 7q is lost: a break in 7q of one changed chromosome 7, or 7p alone kept."""
    if "7" not in change.chromosomes:
        return False
    bands = [b.band for b in change.breakpoints if b.chromosome == "7"]
    bands += [b.band for c in change.components for b in c.breakpoints if b.chromosome == "7"]
    if change.kind in ("i", "der") and "p10" in bands:
        return True
    lost_from = [band for band in bands if band.startswith("q") and band != "q10"]
    return change.kind in ("del", "add", "der") and change.chromosomes == ("7",) and bool(lost_from)


def _breaks_at(change: Abnormality, chromosome: str, bands: tuple[str, ...]) -> bool:
    points = [*change.breakpoints, *(b for c in change.components for b in c.breakpoints)]
    return any(p.chromosome == chromosome and p.band.startswith(bands) for p in points)


def _complexity(low: int, high: int, *, partly: bool) -> str:
    shown = str(low) if low == high else f"{low} to {high}"
    if partly:
        shown = f"at least {low}"
    shown += " abnormality" if shown.endswith("1") else " abnormalities"
    if partly and high < COMPLEX_FROM:
        return f"{shown}: not read in full, so complexity cannot be excluded"
    if high < COMPLEX_FROM:
        return f"{shown}: not complex"
    if low >= HIGHLY_COMPLEX_FROM:
        return f"{shown}: complex (five or more)"
    if low >= COMPLEX_FROM:
        upper = "possibly five or more" if partly or high >= HIGHLY_COMPLEX_FROM else "fewer than five"
        return f"{shown}: complex (three or more, {upper})"
    return f"{shown}: possibly complex"


def _notes(
    karyotype: Karyotype,
    clones: list[Clone],
    kind: PhKind,
    found: Abnormality | None,
    by_fish: bool | None,
) -> tuple[str, ...]:
    notes = []
    if not clones:
        notes.append("no banded karyotype: the Philadelphia chromosome is judged by FISH only")
    elif kind == "not seen":
        if not karyotype.everything_read:
            notes.append("parts could not be read: they may hold the Philadelphia translocation")
        notes.append(
            "no Philadelphia chromosome by banding; a cryptic or variant BCR::ABL1 fusion cannot be excluded "
            "without FISH or RT-PCR"
        )
        if any(_breaks_at(c, "22", ("q11",)) for clone in clones for c in clone.changes):
            notes.append("22q11 is rearranged without 9q34: a variant Philadelphia translocation is possible")
        if by_fish:
            notes.append("FISH shows a BCR::ABL1 fusion that banding does not: cryptic")
    elif by_fish is False:
        notes.append("FISH shows no BCR::ABL1 fusion although banding shows the translocation")
    if found is not None and found.uncertain:
        notes.append(f"the report itself doubts {found.name}")
    if any(clone.donor for clone in karyotype.clones):
        notes.append("cells behind '//' are the donor's and are not counted")
    for clone in clones:
        notes += agreement(clone)
    left = [part for clone in clones for part in clone.unreadable] + list(karyotype.unreadable)
    notes += [f"not read: {part.text!r} at character {part.start + 1}: {part.reason}" for part in left]
    return tuple(notes)

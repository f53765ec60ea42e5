"""What one change means: for the chromosome number, for the Philadelphia chromosome, as a short form."""

from __future__ import annotations

from typing import Literal

from kinscope.clinic.karyotype.model import Abnormality, Clone

PhKind = Literal["t(9;22)", "variant", "der(22)", "insertion", "Ph", "not seen", "open"]


def philadelphia_kind(change: Abnormality) -> PhKind:
    """How one change shows the Philadelphia translocation, or ``not seen``.

    Of a derivative only that chromosome counts which BCR::ABL1 lies on: der(22), not der(9).
    """
    if change.sign == "-":
        return "not seen"
    for component in change.components:
        shown = philadelphia_kind(component)
        fused = (
            "22"
            if shown in ("t(9;22)", "variant")
            else component.chromosomes[0]
            if shown != "not seen"
            else ""
        )
        if fused in change.chromosomes:
            return "der(22)"
    if change.kind == "Ph":
        return "Ph"
    if change.kind in ("t", "ins") and {"9", "22"} <= set(change.chromosomes) and _bands_agree(change):
        if change.kind == "ins":
            return "insertion"
        return "t(9;22)" if len(change.chromosomes) == 2 else "variant"
    return "not seen"


def is_other_half(change: Abnormality) -> bool:
    """Whether it carries the Philadelphia translocation but not BCR::ABL1, as der(9)t(9;22) does."""
    carries = any(philadelphia_kind(component) != "not seen" for component in change.components)
    return carries and not change.sign and philadelphia_kind(change) == "not seen"


def _bands_agree(change: Abnormality) -> bool:
    """Whether the breakpoints, where given, are 9q34 and 22q11."""
    for chromosome, band in (("9", "q34"), ("22", "q11")):
        given = [end for b in change.breakpoints if b.chromosome == chromosome for end in b.ends]
        if given and not any(end.startswith(band) or end in ("?", "q", "q3", "q1") for end in given):
            return False
    return True


def written_out(clones: list[Clone]) -> list[Clone]:
    """The clones with each short form completed by the one full form of the same change in the report.

    ISCN lets a change be shortened once it has been described: t(9;22), der(22), del(7q). Which clone is
    written first does not matter. Where two full forms would fit, the short one stays and is in doubt.
    """
    changes = [change for clone in clones for change in clone.abnormalities]
    parts = [*changes, *(component for change in changes for component in change.components)]
    full = list({part.key[1:]: part for part in parts if _has_bands(part) or part.components}.values())
    return [
        clone.model_copy(update={"abnormalities": tuple(_completed(c, full) for c in clone.abnormalities)})
        for clone in clones
    ]


def _has_bands(change: Abnormality) -> bool:
    return any(len(b.band) > 1 for b in change.breakpoints)


def _completed(change: Abnormality, full: list[Abnormality]) -> Abnormality:
    given = change
    if not (change.components or _has_bands(change)) and change.chromosomes:
        arms = {(b.chromosome, b.band) for b in change.breakpoints}
        fitting = [o for o in full if o.about == change.about]
        fitting = [o for o in fitting if arms <= {(b.chromosome, b.band[:1]) for b in o.breakpoints}]
        if change.kind in ("der", "ider") and not fitting:
            moved = [
                o for o in full if o.kind in ("t", "ins") and set(change.chromosomes) <= set(o.chromosomes)
            ]
            fitting = [change.model_copy(update={"components": (other,)}) for other in moved]
        if len(fitting) != 1:
            return change.model_copy(update={"uncertain": change.uncertain or bool(fitting)})
        given = fitting[0]
    components = tuple(_completed(component, full) for component in given.components)
    return change.model_copy(update={"breakpoints": given.breakpoints, "components": components})


def steps(change: Abnormality) -> tuple[int, int]:
    """By how many chromosomes a change raises or lowers the number, lowest and highest (ISCN 2024, 5)."""
    if change.kind in ("dmin", "hsr", "ace") or (change.sign == "-" and change.kind in ("t", "inv", "ins")):
        return 0, 0
    if change.sign == "+":
        return change.copies_low, change.copies_high
    if change.kind == "tas":  # written with the number before or after the two are counted as one
        return 1 - len(change.chromosomes), 0
    gone = 1 if change.sign else len(change.chromosomes) - 1 if change.kind in FUSED else 0
    return -gone * change.copies_high, -gone * change.copies_low


FUSED = ("der", "dic", "psu dic", "rob", "trc")
"""Of several chromosomes named, one is left, without a minus sign being written: der(7;9), dic(9;20)."""


def ploidy_level(number: int) -> int:
    """The level of a chromosome number: 1 up to 34, 2 up to 57, 3 up to 80, 4 up to 103 (ISCN 2020, 8.1)."""
    return max(1, (number + 11) // 23)


def ploidy_name(clone: Clone) -> str:
    """``hyperdiploid``, ``near-haploid`` ...: the group of the clone's chromosome number (ISCN 2020, 8.1)."""
    level = ploidy_level(clone.low)
    if level == 2:
        return "hypodiploid" if clone.high < 46 else "hyperdiploid" if clone.low > 46 else "diploid"
    return "near-" + {1: "haploid", 3: "triploid", 4: "tetraploid"}.get(level, f"{level}n")


def expected_count(clone: Clone) -> tuple[int, int] | None:
    """Chromosome number that the listed changes give, lowest and highest; None where it cannot be said."""
    if clone.incomplete or clone.unreadable or clone.composite or clone.low != clone.high:
        return None
    if not set(clone.sex) <= {"X", "Y"} or (clone.reference and clone.base is None):
        return None
    # The sex field of 45,X,-Y shows the loss already.
    shown = clone.base is None and not clone.sex_constitutional and len(clone.sex) < clone.ploidy
    lost = [c for c in clone.abnormalities if shown and c.sign == "-" and c.chromosomes in (("X",), ("Y",))]
    moves = [steps(change) for change in clone.abnormalities if change not in lost]
    base = 22 * clone.ploidy + _sex_chromosomes(clone) if clone.base is None else clone.base
    return base + sum(low for low, _ in moves), base + sum(high for _, high in moves)


def _sex_chromosomes(clone: Clone) -> int:
    """Sex chromosomes including structurally changed ones, which the sex field leaves out."""
    written = len(clone.sex)
    changed = [c.chromosomes for c in clone.abnormalities if not c.sign and c.kind != "chromosome"]
    return max(written, min(clone.ploidy, written + sum(len({"X", "Y"} & set(names)) for names in changed)))


def likely_ploidy(clone: Clone) -> int:
    """What gains and losses are relative to: the level or diploid, whichever agrees with the number."""
    level = ploidy_level(clone.low)
    for ploidy in dict.fromkeys((level, 2)):
        expected = expected_count(clone.model_copy(update={"ploidy": ploidy}))
        if expected and expected[0] <= clone.low <= expected[1]:
            return ploidy
    fits = len(clone.sex) >= level if level > 2 else len(clone.sex) == level
    return level if fits else 2


def agreement(clone: Clone) -> list[str]:
    """A note where the chromosome number contradicts the listed changes."""
    expected = expected_count(clone)
    if expected is None or expected[0] <= clone.low <= expected[1]:
        return []
    given = str(expected[0]) if expected[0] == expected[1] else f"{expected[0]} to {expected[1]}"
    said = f"{clone.text!r}: the number {clone.low} does not agree with the changes listed"
    return [f"{said}, which give {given}"]

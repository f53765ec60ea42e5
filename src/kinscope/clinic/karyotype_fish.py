"""FISH and other techniques beside a banded karyotype: recognised, and read only for BCR and ABL1."""

from __future__ import annotations

from kinscope.clinic.karyotype_model import FishResult, Unreadable
from kinscope.clinic.karyotype_scanner import OPENING, PartError, Scanner

FISH_TECHNIQUES = ("nuc ish", "ish")
OTHER_TECHNIQUES = ("arr", "ogm", "sseq", "seq", "rsa", "mlpa")
_NAMES = {"arr": "microarray", "ogm": "optical mapping", "mlpa": "MLPA", "rsa": "region-specific assay"}

Part = tuple[str, int, int]


def technique_parts(plain: str) -> tuple[int, list[Part]]:
    """Where the banded karyotype ends, and the parts by other techniques as (technique, start, end)."""
    starts: list[tuple[str, int]] = []
    depth = 0
    skip_to = 0
    for position, character in enumerate(plain):
        if character in OPENING:
            depth += 1
        elif character in OPENING.values():
            depth = max(0, depth - 1)
        if depth or position < skip_to:
            continue
        technique = _technique_at(plain, position)
        if technique:
            starts.append((technique, position))
            skip_to = position + len(technique)
    ends = [start for _, start in starts[1:]] + [len(plain)] * bool(starts)
    parts = [(name, start, end) for (name, start), end in zip(starts, ends, strict=True)]
    return (starts[0][1] if starts else len(plain)), parts


def _technique_at(plain: str, position: int) -> str:
    if position and plain[position - 1].isalnum():
        return ""
    for name in (*FISH_TECHNIQUES, *OTHER_TECHNIQUES):
        after = position + len(name)
        if plain.startswith(name, position) and not plain[after : after + 1].isalnum():
            return name
    return ""


def read_fish(plain: str, text: str, technique: str, start: int, end: int) -> FishResult | Unreadable:
    """A FISH part, or an Unreadable that names the technique it comes from."""
    while end > start and plain[end - 1] in " .;":
        end -= 1
    shown = text[start:end]
    if technique not in FISH_TECHNIQUES:
        name = _NAMES.get(technique, "sequencing")
        return Unreadable(text=shown, start=start, end=end, reason=f"a {name} result, which is not read")
    positive, scored = _signal_cells(plain, start, end)
    return FishResult(
        text=shown,
        start=start,
        end=end,
        method=technique,
        bcr_abl1_fusion=_fusion(plain[start:end]),
        positive_cells=positive,
        scored_cells=scored,
    )


def _fusion(part: str) -> bool | None:
    """Whether BCR and ABL1 signals lie together (``ABL1 con BCR``); None where they were not probed."""
    words = part.replace("(", " ").replace(")", " ").replace(",", " ").replace(";", " ").split()
    probes = [word.split("x")[0].upper() for word in words]
    if not ({"ABL1", "ABL"} & set(probes)) or "BCR" not in probes:
        return None
    for index in range(1, len(probes) - 1):
        if probes[index] == "CON":
            pair = {probes[index - 1], probes[index + 1]}
            if "BCR" in pair and pair & {"ABL1", "ABL"}:
                return not words[index + 1].endswith("x0")
    return False


def _signal_cells(plain: str, start: int, end: int) -> tuple[int | None, int | None]:
    """``[180/200]``: cells with the signal pattern and cells scored; ``[200]`` is cells scored."""
    begin = plain.rfind("[", start, end)
    if begin < 0:
        return None, None
    scanner = Scanner(plain, begin + 1, end)
    try:
        first = scanner.number()
        second = scanner.number() if scanner.take("/") else None
    except PartError:
        return None, None
    if second is None:
        return None, first
    if first is None or first > second:
        return None, None
    return first, second

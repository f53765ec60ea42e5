"""The parts of a karyotype by other techniques: FISH for BCR and ABL1, and what is named but not read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kinscope.clinic.karyotype.changes import philadelphia_kind
from kinscope.clinic.karyotype.grammar import PartError, cells_in_brackets, read_change
from kinscope.clinic.karyotype.model import FishResult, Unreadable

_TECHNIQUE = re.compile(r"(?<![a-z0-9])(nuc *ish|ish|arr|ogm|sseq|seq|rsa|mlpa)(?![a-z0-9])")
_NAMES = {"arr": "microarray", "ogm": "optical mapping", "mlpa": "MLPA", "rsa": "region-specific assay"}
_PATTERN = re.compile(
    r"(?:[ ,;/.+?-]|x *[0-9]+(?:~[0-9]+)?|\([a-z0-9'’´ ,;+~.:?/*-]*\)?"
    r"|(?:i?der|i?dic|del|dup|ins|inv|add|mar|con|sep|[tir])(?![a-z])"
    r"|(?:[0-9]{1,2}|[xy?])(?:cen|[pq](?:ter|[0-9.~?-]*))?)*"
)
"""What a FISH pattern consists of: signs, copies, probes in brackets, terms, chromosomes with bands."""
_PROBE = re.compile(r"(?<![a-z0-9])(abl1?|bcr)(?=x *[0-9]|[^a-z0-9]|$)")
_CLONE = re.compile(r" */+ *([0-9]{2,3} *(?:<[^>]*>)? *,)")
_TOGETHER = re.compile(r"([^(),;]*(?:con|::)[^(),;]*)\)? *(?:x *([0-9]+))?")

Part = tuple[str, int, int]


def technique_parts(plain: str) -> tuple[int, list[Part]]:
    """Where the banded karyotype ends, and the parts by other techniques as (technique, start, end)."""
    found = [
        match
        for match in _TECHNIQUE.finditer(plain)
        if plain.count("(", 0, match.start()) <= plain.count(")", 0, match.start())
    ]
    ends = [*(match.start() for match in found[1:]), len(plain)]
    parts = [(match.group(), match.start(), end) for match, end in zip(found, ends, strict=False)]
    return (found[0].start() if found else len(plain)), parts


def read_technique(plain: str, text: str, part: Part, *, donor: bool) -> Iterator[FishResult | Unreadable]:
    """Each signal pattern of a FISH part with its cells; another technique's part as unreadable.

    Raises KaryotypeError if more cells show a pattern than were looked at.
    """
    technique, start, end = part
    at = start + len(technique)
    if not technique.endswith("ish") or not plain[at:end].strip(" .;,/"):
        name = (
            "FISH without its signals" if technique.endswith("ish") else _NAMES.get(technique, "sequencing")
        )
        reason = f"a result of {name}, which is not read"
        yield Unreadable(text=text[start:end].strip(" .;"), start=start, end=end, reason=reason)
        return
    for piece in re.compile(r"([^\[\]]*)(\[[^\[\]]*\]?)?").finditer(plain, at, end):
        pattern, cells = piece.group(1), piece.group(2) or ""
        donor = donor or "//" in pattern
        if not pattern.strip(" .;,/") and not cells:
            continue
        first = piece.start() + len(pattern) - len(pattern.lstrip(" .;,/")) if piece.start() > at else start
        stop = piece.end() if cells else piece.start() + len(pattern.rstrip(" .;,/"))
        shown = text[first:stop]
        at_fault = piece.end(1) - len(_PATTERN.sub("", pattern, count=1))
        trouble = (at_fault, "not understood from here") if at_fault < piece.end(1) else None
        if clone := _CLONE.match(plain, piece.start(), piece.end(1)):
            trouble = clone.start(1), "a clone behind another technique's part, where none is read"
        positive = scored = None
        try:
            if cells:
                positive, scored, _ = cells_in_brackets(plain, piece.start(2), piece.end(2))
        except PartError as error:
            trouble = trouble or (error.offset, error.reason)
        named = technique == "ish" and _names_translocation(pattern)
        fused = None if trouble else _fused(pattern, named=named)
        if fused is None and not trouble and (named or _probed(pattern)):
            trouble = first, "it does not say whether BCR and ABL1 lie together"
        if trouble:
            reason = f"{trouble[1]} (character {trouble[0] + 1})"
            yield Unreadable(text=shown, start=first, end=stop, reason=reason)
        yield FishResult(
            text=shown,
            start=first,
            end=stop,
            method="ish" if technique == "ish" else "nuc ish",
            bcr_abl1_fusion=fused and positive != 0,
            positive_cells=None if scored is None else positive,
            scored_cells=positive if scored is None else scored,
            donor=donor,
        )


def _fused(pattern: str, *, named: bool) -> bool | None:
    """Whether BCR and ABL1 signals lie together; None where the part does not say.

    Together: ``ABL1 con BCRx2``; both on one chromosome, ``der(22)(BCR+,ABL1+)``; or a translocation that
    FISH on chromosomes names, ``ish t(9;22)(q34;q11.2)``.
    """
    for part, outside in _TOGETHER.findall(pattern):
        if "abl" in part and "bcr" in part:
            inside = re.search(r"x *([0-9]+) *$", part)
            return int(outside or (inside.group(1) if inside else 1)) > 0
    signals = [part for group in re.findall(r"\(([^()]*)\)", pattern) for part in group.split(";")]
    if any(re.search(r"abl1?\+", part) and re.search(r"bcr\+", part) for part in signals):
        return True
    if named:
        return None if _PROBE.search(pattern) else True
    # (ABL1,BCR)x3 may be fused or gained, BCR/ABL1 a fusion or two probes.
    unclear = all(int(copies) > 2 for copies in re.findall(r"x *([0-9]{1,3})", pattern))
    unclear = unclear or re.search(r"(abl1?|bcr) *[-/] *(abl1?|bcr)", pattern) is not None
    return False if _probed(pattern) and not unclear else None


def _probed(pattern: str) -> bool:
    return {name[:3] for name in _PROBE.findall(pattern)} == {"abl", "bcr"}


def _names_translocation(pattern: str) -> bool:
    bare = re.sub(r"\((?=[^()]*(?:[+]|x *[0-9]|[a-z0-9]{3}-))[^()]*\)", "", pattern).strip(" ,.;/")
    try:
        return philadelphia_kind(read_change(bare, 0, len(bare))) != "not seen"
    except PartError:
        return False

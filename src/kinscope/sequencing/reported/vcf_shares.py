"""The share of a variant by the fields in which callers write it.

Counts: AD (GATK, bcftools, DRAGEN, VarDict), RD and AD (VarScan), AO and RO (freebayes), FAO and FDP (Ion
Torrent), NV and NR (Platypus), AU, CU, GU, TU, TAR and TIR, first tier (Strelka), DP4 (samtools, LoFreq).
Fractions: AF, VAF, FA (MuTect 1), VF (Pisces), FREQ (VarScan, percent).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kinscope.core.errors import BadInputError
from kinscope.sequencing.reported.calls import Share, agreed

STATED: Final = ("AF", "VAF", "FA", "VF", "FREQ")
_NUMBER: Final = re.compile(r"([0-9]{1,9}|[0-9]{0,9}[.,][0-9]{1,20})(?:[eE][-+]?[0-9]{1,3})?")
_COUNT: Final = re.compile(r"[0-9]{1,9}")


def fraction(text: str, percent: bool) -> float | None:
    """A share, 0 to 1, of a number with a decimal point or comma; None if it is none or out of bounds."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text.replace(",", ".")) / (100 if percent else 1)
    return value if 0 <= value <= 1 else None


def above_one(fields: Mapping[str, str], others: int) -> list[str]:
    """Fields with one share for each of the ``others`` that hold a number above 1 without a percent sign."""
    cells = {key: fields[key].split(",") for key in STATED if key in fields}
    return [
        key
        for key, found in cells.items()
        if len(found) == others and any(_NUMBER.fullmatch(cell) and float(cell) > 1 for cell in found)
    ]


def share_of_fields(fields: Mapping[str, str], alleles: tuple[str, ...], index: int, where: str) -> Share:
    """The share of the allele ``index`` (0: the reference) from the fields of a sample, or INFO's counts.

    Raises BadInputError if a field that is needed holds no number, or a share outside 0 to 1.
    """
    counts = {key: _counts(fields, key, where) for key in _COUNTED if key in fields}
    stated, field = None, ""
    for key in STATED:
        text = _cell(fields.get(key, ""), index, len(alleles) - 1, key)
        if text not in {"", "."}:
            stated = fraction(text.rstrip("%"), text.endswith("%"))
            if stated is None:
                raise BadInputError(f"{key} is no share between 0 and 1.", where=where, remedy="Correct it.")
            field = key
            break
    alternative, total, name = _counted(counts, alleles, index)
    if alternative is not None and total is not None and alternative > total:
        what = f"{name} counts more reads of the variant than reads."
        raise BadInputError(what, where=where, remedy="Correct the counts.")
    depth = _first(counts.get("DP"))
    if name in _ALL_READS and total is not None and depth is not None and 2 * depth < total:
        told = f"{name} count {total} reads, DP {depth}: they contradict each other, and no share is taken."
        return Share(None, depth, told, contradicted=True)
    if total is not None and not (name == "AD" and depth and total < _MOST_OF_THEM * depth):
        depth = (
            total  # a row split from one of several alternatives counts its own reads in AD, and all in DP
        )
    return agreed(stated, alternative, depth, (field, name))


_MOST_OF_THEM: Final = 0.9
"""Reads in AD below this share of DP are not all reads: the others are of another allele, or say none."""
_ALL_READS: Final = ("AD", "RD and AD", "RO and AO", "DP4")
"""Reads that DP counts too; it may count a pair as one, or leave out what a filter took (GATK's does)."""
_COUNTED: Final = ("FAO", "FDP", "AD", "RD", "CLCAD2", "AO", "RO", "NV", "NR", "DP4", "DP", "DV", "TAR",
                   "TIR", "AU", "CU", "GU", "TU")  # fmt: skip
Counts = list[int | None]


def _cell(text: str, index: int, others: int, key: str) -> str:
    """The value of an alternative, if each has one; beside one percent sign a comma is a decimal one."""
    if key == "FREQ" and text.count("%") == 1:
        return text
    cells = text.split(",")
    return cells[index - 1] if len(cells) == others else ""


def _counts(fields: Mapping[str, str], key: str, where: str) -> Counts:
    cells = fields[key].split(",")
    if not all(cell in {"", "."} or _COUNT.fullmatch(cell) for cell in cells):
        raise BadInputError(
            f"{key} holds something that is no count of reads.", where=where, remedy="Correct it."
        )
    return [int(cell) if _COUNT.fullmatch(cell) else None for cell in cells]


def _first(counts: Counts | None) -> int | None:
    return counts[0] if counts else None


def _counted(
    counts: Mapping[str, Counts], alleles: tuple[str, ...], index: int
) -> tuple[int | None, int | None, str]:
    """Reads of the allele, all reads, and the fields that hold them; None where no fields do."""
    others = len(alleles) - 1

    def of_allele(key: str) -> int | None:
        found = counts.get(key, [])
        return found[index - 1] if len(found) == others else None

    def total(*parts: int | None) -> int | None:
        return None if None in parts else sum(part for part in parts if part is not None)

    base = f"{alleles[index]}U"
    for key in ("AD", "CLCAD2"):
        if len(found := counts.get(key, [])) == others + 1 and None not in found:
            return found[index], total(*found), key
    dp4 = counts.get("DP4", [])
    sides = (total(*dp4[2:]), total(*dp4)) if len(dp4) == 4 and others == 1 else (None, None)
    single = len(alleles[0]) == len(alleles[index]) == 1
    native, mutant = (_first(counts.get(key)) if single else None for key in (f"{alleles[0]}U", base))
    shorter, changed = (_first(counts.get(key)) for key in ("TAR", "TIR"))
    candidates = (
        (of_allele("FAO"), _first(counts.get("FDP")), "FAO and FDP"),
        (of_allele("AD"), total(_first(counts.get("RD")), *counts.get("AD", [])), "RD and AD"),
        (of_allele("AD"), _first(counts.get("DP")), "AD and DP"),
        (of_allele("AO"), total(_first(counts.get("RO")), *counts.get("AO", [])), "RO and AO"),
        (of_allele("NV"), (counts.get("NR") or [None])[-1], "NV and NR"),
        (mutant, total(native, mutant), f"{alleles[0]}U and {base}"),
        (changed, total(shorter, changed), "TAR and TIR"),
        (*sides, "DP4"),
        (of_allele("DV"), _first(counts.get("DP")), "DV and DP"),
    )
    return next((found for found in candidates if None not in found), (None, None, ""))

"""Derive the evidence tables of the abl1 pack from published data files.

    python benchmarks/curate_evidence.py DIRECTORY_OF_BENCHMARK_FILES [OUTPUT_DIRECTORY]

Reads five files (names below), each with its primary citation in the row, and writes ``measured.csv`` and
``civic.csv`` in the layout of `kinscope.evidence.model.EvidenceItem`. The output depends on the input alone:
same files, same bytes. Only numbers, protein changes, drugs and citations carry over; the words are ours.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

Row = dict[str, str]

COLUMNS = (
    "id", "protein_change", "drug", "kind", "direction", "value", "unit", "summary",
    "citation", "identifier", "tier", "strength", "caveat",
)  # fmt: skip

RT_298_KCAL_PER_MOL = 0.0019872 * 298.15

# Classes of fold IC50 after Redaelli et al. 2009 (PMID 19075254): up to 2 sensitive, up to 4 moderately
# resistant, above resistant. Two laboratories differ by 0.4-0.5 kcal/mol on one mutant, a factor of 2.0-2.3.
SENSITIVE_BELOW = 0.5
NO_EFFECT_UP_TO = 2.0
REDUCED_UP_TO = 4.0
PONATINIB_SUPPRESSION_NM = 40.0
"""At 40 nM ponatinib suppressed the outgrowth of every single mutant (O'Hare et al. 2009, PMID 19878872)."""

HAUSER = "doi:10.1038/s42003-018-0075-x"
LEIGHOW = "doi:10.1016/j.celrep.2020.02.108"
SOURCES = {
    "pemovska": ("Pemovska et al., Nature, 2015", "PMID:25686603"),
    "gozgit": ("Gozgit et al., Blood (abstract), 2013; in Hauser et al., Commun Biol, 2018", HAUSER),
    "davis": ("Davis et al., Nat Biotechnol, 2011; in Hauser et al., Commun Biol, 2018", HAUSER),
    "redaelli": ("Redaelli et al., J Clin Oncol, 2009", "PMID:19075254"),
    "leighow": ("Leighow et al., Cell Rep, 2020 (own measurement)", LEIGHOW),
    "zabriskie": ("Zabriskie et al., Cancer Cell, 2014; tabulated in Leighow et al., Cell Rep, 2020",
                  "doi:10.1016/j.ccr.2014.07.006"),
    "redaelli2012": ("Redaelli et al., Am J Hematol, 2012; in Leighow et al., Cell Rep, 2020", LEIGHOW),
    "wylie": ("Wylie et al., Nature, 2017; tabulated in Leighow et al., Cell Rep, 2020", LEIGHOW),
}  # fmt: skip


def main(arguments: list[str]) -> int:
    if not arguments:
        print(__doc__)
        return 2
    source = Path(arguments[0])
    here = Path(__file__).resolve().parents[1]
    out = Path(arguments[1]) if len(arguments) > 1 else here / "src/kinscope/targets/abl1/evidence"
    measured = [
        *pairs(source / "abl_tki_144_ddG_with_predictions.csv"),
        *davis(source / "davis2011_abl1_kd_phospho_nonphospho.csv"),
        *redaelli(source / "redaelli2009_fold_ic50_verified.csv"),
        *multistudy(source / "imatinib_ic50_multistudy.csv"),
    ]
    write(out / "measured.csv", measured)
    write(out / "civic.csv", civic(source / "civic_abl1_evidence.csv"))
    return 0


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def write(path: Path, rows: Iterable[Row]) -> None:
    ordered = sorted(
        rows, key=lambda row: (position(row["protein_change"]), row["protein_change"], row["id"])
    )
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(ordered)
    print(f"{path}: {len(ordered)} rows")


def position(change: str) -> int:
    return int("".join(letter for letter in change.split("/")[0] if letter.isdigit()))


def direction_of_fold(fold: float) -> str:
    if fold < SENSITIVE_BELOW:
        return "sensitive"
    if fold <= NO_EFFECT_UP_TO:
        return "no effect"
    return "reduced sensitivity" if fold <= REDUCED_UP_TO else "resistant"


def measured_row(
    key: str, change: str, drug: str, fold: float, summary: str, *, kind: str, suffix: str = "",
    direction: str = "", caveat: str = "", strength: str = "moderate",
) -> Row:  # fmt: skip
    citation, identifier = SOURCES[key]
    return {
        "id": f"{key}-{drug}-{change}{suffix}", "protein_change": change, "drug": drug, "kind": kind,
        "direction": direction or direction_of_fold(fold), "value": f"{fold:.3g}", "unit": "fold",
        "summary": summary, "citation": citation, "identifier": identifier, "tier": "measured",
        "strength": strength, "caveat": caveat,
    }  # fmt: skip


def pairs(path: Path) -> Iterator[Row]:
    """The cell IC50 behind the 144 pairs; erlotinib and gefitinib are in the Kd file already."""
    for row in read(path):
        if "Davis" in row["exp_primary_source"]:
            continue
        key = "pemovska" if "Pemovska" in row["exp_primary_source"] else "gozgit"
        mutant, native, ddg = (
            float(row[name]) for name in ("IC50_or_Kd_nM", "WT_IC50_or_Kd_nM_backcalc", "ddG_exp_kcal_mol")
        )
        fold, caveat, strength, numbers = (
            mutant / native,
            [],
            "moderate",
            f"{mutant:g} nM against {native:.3g} nM",
        )
        direction = ""
        if "typo" in row["flag"]:
            fold, numbers = math.exp(ddg / RT_298_KCAL_PER_MOL), "IC50 recovered from ddG"
            caveat.append("The IC50 is misprinted in the table; the fold comes from its ddG.")
        if row["censored"] == "True":
            caveat.append("The IC50 lies at the top of the assay (10,000 nM): the fold is a lower bound.")
        if row["mutation"] == "Y253F":
            strength = "weak"
            caveat.append("Another table of the same study lists these values under Y253H.")
        if "swapped" in row["flag"]:
            caveat.append(
                "L248R and L248V are exchanged in another transcription; the two values are 0.4 % apart."
            )
        if row["tki"] == "ponatinib" and fold > NO_EFFECT_UP_TO and mutant <= PONATINIB_SUPPRESSION_NM:
            direction = "no effect" if fold <= REDUCED_UP_TO else "reduced sensitivity"
            caveat.append("Below 40 nM, where ponatinib suppressed every single mutant (PMID 19878872).")
        summary = (
            f"Growth of Ba/F3 cells with {row['mutation']} against native BCR::ABL1: {numbers} {row['tki']}, "
            f"{fold:.2g}-fold; ddG {ddg:+.2f} kcal/mol."
        )
        yield measured_row(
            key, row["mutation"], row["tki"], fold, summary, kind="cell IC50 fold", direction=direction,
            caveat=" ".join(caveat), strength=strength,
        )  # fmt: skip


def davis(path: Path) -> Iterator[Row]:
    rows = [row for row in read(path) if row["mutation"] != "WT"]
    for row in rows:
        if not row["fold"]:
            continue
        fold, state = float(row["fold"]), row["phospho_state"]
        summary = (
            f"Binding of {row['drug']} to {state} ABL1 {row['mutation']}: Kd {float(row['Kd_nM']):g} nM, "
            f"{fold:.2g} times the native Kd."
        )
        caveat = "Phosphorylation state assigned from the layout of the published sheet."
        yield measured_row("davis", row["mutation"], row["drug"], fold, summary, kind="Kd",
                           suffix=f"-{state}", caveat=caveat)  # fmt: skip


def redaelli(path: Path) -> Iterator[Row]:
    for row in read(path):
        fold = float(row["fold_IC50_vs_WT"])
        cells = f"Ba/F3 cells with BCR::ABL1 {row['mutation']}"
        summary = f"IC50 of {row['drug']} on {cells} is {fold:g} times the native one."
        yield measured_row("redaelli", row["mutation"], row["drug"], fold, summary, kind="cell IC50 fold")


def multistudy(path: Path) -> Iterator[Row]:
    """Imatinib from studies no other file holds: Gozgit is among the pairs, Redaelli 2009 has its own."""
    held = {row["mutation"] for row in read(path.parent / "redaelli2009_fold_ic50_verified.csv")
            if row["drug"] == "imatinib"}  # fmt: skip
    for row in read(path):
        study, change = row["study"], row["mutation"]
        key = next(
            (name for word, name in (("Leighow", "leighow"), ("Zabriskie", "zabriskie"), ("Wylie", "wylie"),
                                     ("Redaelli", "redaelli2012")) if word in study), "")  # fmt: skip
        if change == "WT" or not key or (key == "redaelli2012" and change in held):
            continue
        mutant, native = float(row["IC50_nM"]), float(row["WT_IC50_nM_same_study"])
        fold = mutant / native
        caveat = "Read off a figure by the compilers." if key == "wylie" else ""
        if key == "zabriskie" and mutant > 10_400:
            caveat = (
                "Three mutants share this value, likely the top of the assay: the fold is then a lower bound."
            )
        summary = (
            f"Growth of Ba/F3 cells with {change} against native BCR::ABL1: {mutant:g} nM against "
            f"{native:g} nM imatinib, {fold:.2g}-fold."
        )
        yield measured_row(key, change, "imatinib", fold, summary, kind="cell IC50 fold", caveat=caveat,
                           strength="weak" if key == "wylie" else "moderate")  # fmt: skip


# --- CIViC (CC0), snapshot last reviewed 2021-02-03 ------------------------------------------------------

CIVIC_DIRECTION = {
    ("Supports", "Resistance"): "resistant",
    ("Supports", "Reduced Sensitivity"): "reduced sensitivity",
    ("Supports", "Sensitivity/Response"): "sensitive",
    ("Does Not Support", "Resistance"): "no effect",
}
CIVIC_WORDS = {
    "resistant": "supports resistance to", "reduced sensitivity": "supports reduced sensitivity to",
    "sensitive": "supports sensitivity to", "no effect": "did not support resistance to",
}  # fmt: skip
CIVIC_CHANGE = {
    "R351W": ("R332W", "CIViC gives the number of isoform 1b, R351W."),
    "G340L": ("G321L", "CIViC gives the number of isoform 1b, G340L."),
    "V298I": ("V289I", "CIViC writes V298I, but residue 298 is not valine; V289I is meant."),
}
SECOND_LINE_TRIALS = {"22371878", "17264298", "16775234", "19652056", "21865346"}
"""Trials of a later drug: their imatinib rows only say who carried the change after failing imatinib."""
ELSEWHERE = {"19075254"}
"""Redaelli 2009: its fold values come from their own file."""


def civic(path: Path) -> Iterator[Row]:
    seen: set[tuple[str, ...]] = set()
    measured = {(row["mutation"]) for row in read(path.parent / "abl_tki_144_ddG_with_predictions.csv")
                if row["tki"] == "axitinib"}  # fmt: skip
    for row in sorted(read(path), key=lambda row: int(row["evidence_id"])):
        direction = CIVIC_DIRECTION.get((row["evidence_direction"], row["clinical_significance"]))
        usable = (
            row["evidence_type"] == "Predictive" and row["evidence_status"] == "accepted" and row["mutation"]
        )
        # A combination row does not say which of its drugs failed.
        if not (usable and direction) or row["drug_interaction_type"] == "Combination":
            continue
        if row["citation_id"] in ELSEWHERE:
            continue
        change, note = CIVIC_CHANGE.get(row["mutation"], (row["mutation"].replace(";", "/"), ""))
        for drug in row["drugs"].split(","):
            name = drug.replace("Mesylate", "").strip().lower()
            if name == "axitinib" and row["citation_id"] == "25686603" and row["mutation"] in measured:
                continue
            item = civic_row(row, change, name, direction, note)
            fingerprint = tuple(
                item[key] for key in ("protein_change", "drug", "kind", "direction", "identifier")
            )
            if fingerprint not in seen:
                seen.add(fingerprint)
                yield item


def civic_row(row: Row, change: str, drug: str, direction: str, note: str) -> Row:
    level = row["evidence_level"]
    clinical = level in "ABC"
    strength = {"A": "strong", "B": "strong"}.get(level, "moderate")
    caveats = [note] if note else []
    if clinical and drug == "imatinib" and row["citation_id"] in SECOND_LINE_TRIALS:
        strength = "weak"
        caveats.append(
            "Seen in patients who had already failed imatinib: an association, not a test of cause."
        )
    kind = "in vitro screen"
    if clinical:
        kind = "clinical response" if direction in ("sensitive", "no effect") else "clinical resistance"
    where = {
        "A": "Validated association",
        "B": "Clinical study",
        "C": "Single patients or small groups",
    }
    basis = where.get(level, "Laboratory study")
    author, year, journal = (part.strip() for part in row["citation"].split(",", 2))
    return {
        "id": f"civic-EID{row['evidence_id']}-{drug}", "protein_change": change, "drug": drug, "kind": kind,
        "direction": direction, "value": "", "unit": "",
        "summary": f"{basis} (CIViC level {level}): {change} {CIVIC_WORDS[direction]} {drug}.",
        "citation": f"{author}, {journal}, {year} (CIViC EID{row['evidence_id']})",
        "identifier": f"PMID:{row['citation_id']}", "tier": "published", "strength": strength,
        "caveat": " ".join(caveats),
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

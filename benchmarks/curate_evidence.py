"""Derive the evidence tables of the abl1 pack from published data files.

    python benchmarks/curate_evidence.py DIRECTORY_OF_BENCHMARK_FILES [OUTPUT_DIRECTORY]

Reads the files named below, each with its primary citation in the row, and writes ``measured.csv``,
``civic.csv`` and ``sightings.csv`` in the layouts of `kinscope.evidence.model`. The output depends on the
input alone: same files, same bytes. Only numbers, protein changes, drugs and citations carry over; the words
are ours.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from kinscope.evidence.civic import (
    NO_EFFECT_UP_TO,
    REDUCED_UP_TO,
    Row,
    civic_rows,
    direction_of_fold,
    fold_text,
    read_release,
    table_text,
)

RT_298_KCAL_PER_MOL = 0.0019872 * 298.15

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
    "leighow-panel": ("Leighow et al., Cell Rep, 2020 (panel of four drugs)", LEIGHOW),
    "zabriskie-compound": ("Zabriskie et al., Cancer Cell, 2014", "doi:10.1016/j.ccr.2014.07.006"),
    "redaelli2012-panel": ("Redaelli et al., Am J Hematol, 2012; in part in Leighow et al., 2020", LEIGHOW),
    "manley": ("Manley et al., Leuk Res, 2020", "doi:10.1016/j.leukres.2020.106458"),
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
    further = source / "evidence2026"
    if further.is_dir():
        measured += [
            *leighow_panel(further / "leighow2020_ba_f3_ic50_20x4.csv"),
            *compounds(further / "compound_ic50_secondary.csv"),
            *manley(further / "asciminib_manley2020_secondary.csv"),
        ]
        (out / "sightings.csv").write_text(sightings(further), encoding="utf-8")
    write(out / "measured.csv", measured)
    held = frozenset((row["protein_change"], row["drug"], row["identifier"]) for row in measured)
    write(out / "civic.csv", civic_rows(read_release(source / "civic_abl1_evidence.csv"), held))
    return 0


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def write(path: Path, rows: Iterable[Row]) -> None:
    text = table_text(rows)
    path.write_text(text, encoding="utf-8")
    print(f"{path}: {text.count(chr(10)) - 1} rows")


def measured_row(
    key: str, change: str, drug: str, fold: float, summary: str, *, kind: str, suffix: str = "",
    direction: str = "", caveat: str = "", strength: str = "moderate", bound: str = "",
) -> Row:  # fmt: skip
    citation, identifier = SOURCES[key]
    return {
        "id": f"{key}-{drug}-{change}{suffix}", "protein_change": change, "drug": drug, "kind": kind,
        "direction": direction or direction_of_fold(fold), "value": f"{fold:.3g}", "unit": "fold",
        "bound": bound, "level": "D",
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
        direction, bound = "", ""
        if "typo" in row["flag"]:
            fold, numbers = math.exp(ddg / RT_298_KCAL_PER_MOL), "IC50 recovered from ddG"
            caveat.append("The IC50 is misprinted in the table; the fold comes from its ddG.")
        if row["censored"] == "True":
            bound = ">"
            caveat.append("The IC50 lies at the top of the assay (10,000 nM): the fold is a lower bound.")
        if row["mutation"] == "Y253F":
            strength = "weak"
            caveat.append("Another table of the same study lists these values under Y253H.")
        if "swapped" in row["flag"]:
            caveat.append(
                "L248R and L248V are exchanged in another transcription; the two values are 0.4 % apart."
            )
        direction, note = ponatinib_class(row["tki"], fold, mutant)
        caveat += note
        summary = (
            f"Growth of Ba/F3 cells with {row['mutation']} against native BCR::ABL1: {numbers} {row['tki']}, "
            f"{fold_text(fold)}-fold; ddG {ddg:+.2f} kcal/mol."
        )
        yield measured_row(
            key, row["mutation"], row["tki"], fold, summary, kind="cell IC50 fold", direction=direction,
            caveat=" ".join(caveat), strength=strength, bound=bound,
        )  # fmt: skip


def ponatinib_class(drug: str, fold: float, mutant_nm: float) -> tuple[str, list[str]]:
    """A class milder where ponatinib's concentration still suppresses; empty: the class of the fold."""
    if drug != "ponatinib" or fold <= NO_EFFECT_UP_TO or mutant_nm > PONATINIB_SUPPRESSION_NM:
        return "", []
    shifted = "no effect" if fold <= REDUCED_UP_TO else "reduced sensitivity"
    return shifted, ["Below 40 nM, where ponatinib suppressed every single mutant (PMID 19878872)."]


def davis(path: Path) -> Iterator[Row]:
    rows = [row for row in read(path) if row["mutation"] != "WT"]
    for row in rows:
        if not row["fold"]:
            continue
        fold, state = float(row["fold"]), row["phospho_state"]
        summary = (
            f"Binding of {row['drug']} to {state} ABL1 {row['mutation']}: Kd {float(row['Kd_nM']):g} nM, "
            f"{fold_text(fold)} times the native Kd."
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
            f"{native:g} nM imatinib, {fold_text(fold)}-fold."
        )
        yield measured_row(key, change, "imatinib", fold, summary, kind="cell IC50 fold", caveat=caveat,
                           strength="weak" if key == "wylie" else "moderate")  # fmt: skip


def leighow_panel(path: Path) -> Iterator[Row]:
    """Nineteen mutants and four drugs of one laboratory; a fit above every dose given is a lower bound."""
    for row in read(path):
        if row["mutation"] == "WT":
            continue
        fold, mutant, native = (float(row[name]) for name in ("fold", "IC50_nM", "WT_IC50_nM"))
        bound, caveat = "", ""
        if fold > EXTRAPOLATED_FROM_FOLD:
            caveat = f"The fit gives {mutant:,.0f} nM, above the doses given: read as a lower bound."
            fold, bound = 100.0, ">"
        words = "more than 100" if bound else fold_text(fold)
        summary = (
            f"Growth of Ba/F3 cells with {row['mutation']} against native BCR::ABL1: "
            f"{'' if bound else f'{mutant:.4g} nM against '}{native:.3g} nM {row['drug']}"
            f"{' for native' if bound else ''}, {words}-fold."
        )
        yield measured_row("leighow-panel", row["mutation"], row["drug"], fold, summary,
                           kind="cell IC50 fold", caveat=caveat, bound=bound)  # fmt: skip


EXTRAPOLATED_FROM_FOLD = 1000.0
"""Only T315I with nilotinib (45,177 nM) and dasatinib (9,551 nM) lies there."""


def compounds(path: Path) -> Iterator[Row]:
    """Compound mutants and T315M of Zabriskie 2014, single ones of Redaelli 2012.

    Rows of unclear origin stay out. Native values are those of Redaelli 2012, but for Zabriskie's imatinib.
    """
    rows = [row for row in read(path) if "unclear" not in row["primary_source"]]
    native = {row["drug"]: float(row["IC50_nM"]) for row in rows if row["protein_change"] == "WT"}
    for row in rows:
        change, drug, mutant = row["protein_change"], row["drug"], float(row["IC50_nM"])
        zabriskie = "Zabriskie" in row["primary_source"]
        if change == "WT" or (drug == "imatinib" and not zabriskie):
            continue
        own = 768.3 if drug == "imatinib" else native[drug]
        fold, bound = mutant / own, ">" if row["censored_at_assay_top"] == "True" else ""
        direction, caveat = ponatinib_class(drug, fold, mutant)
        caveat.append("Transcribed from a secondary table.")
        if zabriskie and drug != "imatinib":
            caveat.append(f"Native value of another laboratory ({own:g} nM, Redaelli 2012).")
        if bound:
            caveat.append("At the top of the assay: a lower bound.")
        summary = (
            f"Growth of Ba/F3 cells with {change} against native BCR::ABL1: {'over ' if bound else ''}"
            f"{mutant:g} nM against {own:g} nM {drug}, {'over ' if bound else ''}{fold_text(fold)}-fold."
        )
        key = "zabriskie-compound" if zabriskie else "redaelli2012-panel"
        yield measured_row(key, change, drug, fold, summary, kind="cell IC50 fold", bound=bound,
                           direction=direction, caveat=" ".join(caveat))  # fmt: skip


def manley(path: Path) -> Iterator[Row]:
    """Asciminib and three ATP-competitive drugs; two ponatinib values look misplaced tenfold and stay out."""
    for row in read(path):
        if row["protein_change"] == "WT" or row["flag"]:
            continue
        change, drug, fold = row["protein_change"], row["drug"], float(row["fold_vs_WT"])
        summary = (
            f"Growth of Ba/F3 cells with {change} against native BCR::ABL1: IC50 {row['IC50_nM']} nM {drug}, "
            f"{fold_text(fold)}-fold."
        )
        yield measured_row("manley", change, drug, fold, summary, kind="cell IC50 fold",
                           caveat="Transcribed from a secondary table.")  # fmt: skip


def sightings(folder: Path) -> str:
    """How often a change was seen: six cohorts after imatinib, and under nilotinib or dasatinib."""
    lines = ["protein_change,patients,of,setting,citation,identifier"]
    cited = f'"Leighow et al., Cell Rep, 2020, and the cohorts it tabulates",{LEIGHOW}'
    cohorts = read(folder / "leighow2020_imatinib_resistant_patient_counts.csv")
    total = sum(int(row["Sum"]) for row in cohorts)
    lines += [
        f'{row["mutation"]},{row["Sum"]},{total},"mutated after imatinib, six cohorts",{cited}'
        for row in cohorts
    ]
    emerged = read(folder / "leighow2020_nilotinib_dasatinib_abundance.csv")
    for drug in ("Nilotinib", "Dasatinib"):
        total = sum(int(row[f"{drug} Abundance"]) for row in emerged)
        lines += [
            f"{row['Compound']},{row[f'{drug} Abundance']},{total},mutations that emerged under "
            f"{drug.lower()},{cited}"
            for row in emerged
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""The evidence base: rows cited and true to the transcript, no allele's evidence given to another."""

from __future__ import annotations

import csv
import re
import shutil
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories.interpretation import variant
from kinscope.core.errors import BadInputError
from kinscope.evidence import load_evidence, lookup
from kinscope.evidence.changes import parse_changes, relate
from kinscope.evidence.civic import fold_text, update_of
from kinscope.evidence.knowledge import IDENTIFIER
from kinscope.evidence.model import KinEstimate
from kinscope.targets.loader import load_target

PACK = load_target("abl1")
BASE = load_evidence(PACK)
BY_ID = {item.id: item for item in BASE.items}


def found(text: str, relation: str = "exact", drug: str | None = None) -> list[str]:
    hits = lookup(variant(text), PACK).hits
    return [
        hit.item.protein_change
        for hit in hits
        if hit.relation == relation and (drug is None or hit.item.drug == drug)
    ]


# --- the tables


def test_every_item_has_a_citation_and_an_identifier() -> None:
    assert len(BASE.items) > 500
    for item in BASE.items:
        assert item.citation.strip(), item.id
        assert IDENTIFIER.match(item.identifier), item.id
        assert item.summary.endswith("."), item.id


def test_every_wild_type_residue_is_that_of_the_transcript() -> None:
    protein = PACK.transcript.protein
    for item in BASE.items:
        for change in parse_changes(item.protein_change).changes:
            assert protein[change.position - 1] == change.wild_type, item.id


def test_every_drug_is_in_the_library_or_known_to_be_outside_it() -> None:
    inside = {drug.id for drug in PACK.drugs} | {""}
    outside = {item.drug for item in BASE.items} - inside
    assert outside <= {"erlotinib", "gefitinib", "bafetinib"}


def test_tiers_do_not_mix() -> None:
    for item in BASE.items:
        if item.tier == "measured" and item.kind in ("cell IC50 fold", "Kd"):
            assert item.value is not None
            assert item.unit == "fold"
        if item.kind in ("case report", "statement", "structure"):
            assert item.tier == "published", item.id


def test_lists_of_the_case_report_are_complete() -> None:
    named = {item.protein_change for item in BASE.items if item.id.startswith("lewandowski-asciminib-")}
    expected = "G109D Y115N M244V V289I A337V A337T E355G F359V E462K G463D G463S P465S V468F S501R I502L"
    assert named == set(expected.split())
    positions = {i.protein_change for i in BASE.items if i.id.startswith("lewandowski-dasatinib-positions")}
    assert positions == {"V299", "T315", "F317"}


def test_values_of_primary_sources() -> None:
    assert BY_ID["redaelli-imatinib-T315I"].value == pytest.approx(17.5)
    assert BY_ID["redaelli-nilotinib-T315I"].value == pytest.approx(39.4, abs=0.05)
    assert BY_ID["redaelli-nilotinib-M351T"].direction == "sensitive"
    assert BY_ID["davis-dasatinib-T315I-nonphosphorylated"].value == pytest.approx(30700, rel=0.01)
    assert BY_ID["zabriskie-imatinib-Y253H"].value == pytest.approx(10420 / 768.3, rel=0.01)


def test_known_traps_of_the_sources() -> None:
    for identifier in ("gozgit-dasatinib-T315I", "gozgit-imatinib-L248R"):
        assert "lower bound" in BY_ID[identifier].caveat
    for drug in ("imatinib", "nilotinib", "dasatinib", "bosutinib", "ponatinib"):
        item = BY_ID[f"gozgit-{drug}-Y253F"]
        assert item.strength == "weak"
        assert "Y253H" in item.caveat
    # CIViC 4302: M244V, dasatinib, Resistance, Does Not Support.
    assert BY_ID["civic-EID4302-dasatinib"].direction == "no effect"
    # Isoform 1b numbers and a slip in CIViC.
    assert BY_ID["civic-EID6376-imatinib"].protein_change == "R332W"
    assert BY_ID["civic-EID7946-dasatinib"].protein_change == "V289I"
    # Patients who failed imatinib before a trial of another drug prove nothing of imatinib.
    assert BY_ID["civic-EID6982-imatinib"].strength == "weak"
    # A combination of two drugs does not say which of them failed.
    assert "civic-EID6192-imatinib" not in BY_ID


def test_k404e_is_one_patient_and_no_measurement() -> None:
    summary = lookup(variant("K404E"), PACK)
    assert {hit.relation for hit in summary.hits} == {"exact"}
    assert not [hit for hit in summary.hits if hit.item.kind in ("cell IC50 fold", "Kd")]
    assert all(hit.item.strength == "weak" for hit in summary.hits)
    assert all(hit.item.caveat for hit in summary.hits)
    assert "none of them a measured IC50" in summary.statement
    assert any("CPOX" in line for line in summary.searched)


@pytest.mark.parametrize("text", ["T315I", "E255K", "D391Y", "K404N", "Y253H/T315I", "L384M"])
def test_what_was_looked_through_is_said_of_the_variant_asked_about(text: str) -> None:
    asked = variant(text)
    lines = lookup(asked, PACK).searched
    assert not any("K404E" in line for line in lines)
    for position in asked.positions:
        counted = [line for line in lines if f"residue {position}" in line]
        assert len(counted) == 5
    named = {int(number) for line in lines for number in re.findall(r"residue (\d+)", line)}
    assert named == set(asked.positions)


def test_what_was_looked_through_counts_the_items_on_the_residue() -> None:
    (civic,) = (line for line in lookup(variant("T315I"), PACK).searched if line.startswith("CIViC"))
    on_315 = [item for item in BASE.items if item.id.startswith("civic-") and "315" in item.protein_change]
    assert civic.endswith(f": {len(on_315)} items on residue 315.")
    (davis,) = (line for line in lookup(variant("K404E"), PACK).searched if line.startswith("Binding"))
    assert davis.endswith(": nothing on residue 404.")


def test_a_compound_has_the_searches_of_its_parts() -> None:
    assert any("Lewandowski" in line for line in lookup(variant("T315I/K404E"), PACK).searched)


# --- matching


def test_an_allele_is_not_the_position() -> None:
    assert set(found("T315A")) == {"T315A"}
    assert "T315I" in found("T315A", "same residue")
    assert set(found("T315I")) == {"T315I"}
    for text in ("T315A", "T315M", "T315V", "F317S"):
        assert set(found(text)) <= {text}


def test_a_named_position_is_no_statement_on_an_allele() -> None:
    assert "V299" not in found("V299L")
    assert "V299" in found("V299L", "same residue")
    assert "V299" in found("V299M", "same residue")


def test_compound_variants() -> None:
    parts = set(found("E255K/T315I", "part of the compound variant"))
    assert {"E255K", "T315I", "T315I/*"} <= parts
    assert not found("E255K/T315I")
    assert "E255V" not in parts
    assert found("E255K/V299L") == ["E255K/V299L", "E255K/V299L"]
    assert "E255K/V299L" in found("V299L", "compound with more")
    assert "T315I/*" in found("T315I", "compound with more")


def test_a_never_seen_variant_says_so() -> None:
    summary = lookup(variant("D391Y"), PACK)
    assert summary.statement.startswith("Nothing on exactly D391Y")
    assert summary.searched


def test_nearest_come_first() -> None:
    order = ["exact", "part of the compound variant", "compound with more", "same residue"]
    hits = lookup(variant("T315I"), PACK).hits
    assert [order.index(hit.relation) for hit in hits] == sorted(order.index(hit.relation) for hit in hits)


@given(st.sampled_from(BASE.items), st.sampled_from("ACDEFGHIKLMNPQRSTVWY"))
def test_exact_means_the_same_residue_and_the_same_amino_acid(item: object, mutant: str) -> None:
    changes = parse_changes(item.protein_change)  # type: ignore[attr-defined]
    if changes.and_others or not changes.names_amino_acids or len(changes.changes) > 1:
        return
    (change,) = changes.changes
    if mutant == change.wild_type:
        return
    relation = relate(changes, variant(f"{change.wild_type}{change.position}{mutant}"))
    assert relation == ("exact" if mutant == change.mutant else "same residue")


@given(st.text(alphabet=string.ascii_uppercase + string.digits + "/*", max_size=12))
def test_any_text_is_a_change_or_a_value_error(text: str) -> None:
    try:
        changes = parse_changes(text)
    except ValueError:
        return
    assert changes.changes


# --- options


def test_options_of_the_case_report_are_there_with_citations() -> None:
    options = {option.id: option for option in lookup(variant("K404E"), PACK).options}
    named = (
        "asciminib ponatinib-asciminib olverembatinib inotuzumab blinatumomab car-t-cd19 "
        "inotuzumab-bosutinib inotuzumab-dasatinib blinatumomab-tki transplantation"
    )
    assert set(named.split()) <= set(options)
    for option in options.values():
        assert option.citations
        assert option.speaks_for
        assert option.speaks_against
        assert bool(option.drugs) == option.depends_on_abl1_binding
    for figure in ("73 %", "81 %", "3.9 months", "4.4 months", "NCT01564784"):
        assert figure in options["inotuzumab"].evidence


def test_resistance_speaks_against_the_options_that_need_the_drug() -> None:
    options = {option.id: option for option in lookup(variant("T315I"), PACK).options}
    assert any("dasatinib" in text for text in options["inotuzumab-dasatinib"].speaks_against)
    plain = {option.id: option for option in BASE.options}
    assert options["inotuzumab"] == plain["inotuzumab"]
    assert options["transplantation"] == plain["transplantation"]
    words = " ".join(" ".join(o.speaks_for + o.speaks_against) for o in options.values()).lower()
    assert not any(word in words for word in ("should ", "recommend", "we advise", "treat with"))


def test_another_alleles_resistance_moves_no_option() -> None:
    plain = {option.id: option for option in BASE.options}
    options = {option.id: option for option in lookup(variant("T315V"), PACK).options}
    assert options["ponatinib"] == plain["ponatinib"]


# --- faults


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(PACK.directory / "evidence", tmp_path / "evidence")
    return tmp_path


def spoiled(directory: Path, file: str, old: str, new: str) -> str:
    path = directory / "evidence" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadInputError) as caught:
        load_evidence(PACK.model_copy(update={"directory": directory}))
    assert str(directory) in caught.value.where
    return str(caught.value)


def test_a_wrong_residue_is_refused(copied: Path) -> None:
    assert "has T there" in spoiled(copied, "curated.yaml", "[T315M]", "[A315M]")


@pytest.mark.parametrize(("only", "told"), [("A404E", "has K there"), ("all", "not a protein change")])
def test_a_search_for_what_is_no_change_is_refused(copied: Path, only: str, told: str) -> None:
    assert told in spoiled(copied, "searched.yaml", "only: K404E", f"only: {only}")


def test_a_list_of_plain_lines_holds_for_every_variant(copied: Path) -> None:
    (copied / "evidence" / "searched.yaml").write_text('searched: ["One paper.", {source: "Another."}]')
    pack = PACK.model_copy(update={"directory": copied})
    assert lookup(variant("T315I"), pack).searched == ("One paper.", "Another.")


def test_a_missing_identifier_is_refused(copied: Path) -> None:
    assert "neither PMID" in spoiled(copied, "curated.yaml", "identifier: PMID:38643492", "identifier: none")


def test_an_unknown_direction_is_refused(copied: Path) -> None:
    assert "direction" in spoiled(copied, "measured.csv", ",resistant,", ",probably,")


def test_a_repeated_id_is_refused(copied: Path) -> None:
    path = copied / "evidence" / "civic.csv"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([*rows, rows[-1], ""]))
    with pytest.raises(BadInputError, match="twice"):
        load_evidence(PACK.model_copy(update={"directory": copied}))


def test_an_unlisted_source_is_refused(copied: Path) -> None:
    assert "not listed" in spoiled(copied, "curated.yaml", "source: leyte_vidal2024", "source: hearsay")


def test_a_pack_without_tables_is_empty_not_an_error(tmp_path: Path) -> None:
    empty = load_evidence(PACK.model_copy(update={"directory": tmp_path}))
    assert not empty.items
    summary = lookup(variant("T315I"), PACK.model_copy(update={"directory": tmp_path}))
    assert "Nothing on exactly T315I" in summary.statement


# --- the script that derives the tables


def test_deriving_is_deterministic_and_reads_direction_with_significance(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    write(source / "abl_tki_144_ddG_with_predictions.csv", [{
        "tki": "imatinib", "mutation": "E255K", "exp_primary_source": "Gozgit", "IC50_or_Kd_nM": "2487.0",
        "WT_IC50_or_Kd_nM_backcalc": "201.9", "ddG_exp_kcal_mol": "1.5", "censored": "False", "flag": "",
    }])  # fmt: skip
    write(source / "davis2011_abl1_kd_phospho_nonphospho.csv", [{
        "drug": "imatinib", "mutation": "T315I", "phospho_state": "phosphorylated", "Kd_nM": "", "fold": "",
    }])  # fmt: skip
    write(source / "redaelli2009_fold_ic50_verified.csv", [
        {"drug": "imatinib", "mutation": "T315I", "fold_IC50_vs_WT": "17.5"},
    ])  # fmt: skip
    write(source / "imatinib_ic50_multistudy.csv", [{
        "mutation": "T315I", "study": "Redaelli 2012 AJH", "IC50_nM": "9221", "WT_IC50_nM_same_study": "527",
    }])  # fmt: skip
    civic = {
        "evidence_id": "1", "gene": "ABL1", "mutation": "M244V", "drugs": "Dasatinib",
        "drug_interaction_type": "",
        "evidence_type": "Predictive", "evidence_direction": "Does Not Support", "evidence_level": "B",
        "clinical_significance": "Resistance", "citation_id": "19779040",
        "citation": "Müller et al., 2009, Blood",
        "evidence_status": "accepted",
    }  # fmt: skip
    write(source / "civic_abl1_evidence.csv", [civic])
    script = Path(__file__).parents[2] / "benchmarks" / "curate_evidence.py"
    contents = []
    for _ in range(2):
        subprocess.run([sys.executable, script, source, out], check=True, capture_output=True)
        contents.append((out / "measured.csv").read_bytes() + (out / "civic.csv").read_bytes())
    assert contents[0] == contents[1]
    measured = list(csv.DictReader((out / "measured.csv").open()))
    assert [row["id"] for row in measured] == ["gozgit-imatinib-E255K", "redaelli-imatinib-T315I"]
    (row,) = csv.DictReader((out / "civic.csv").open())
    assert (row["direction"], row["kind"], row["strength"]) == ("no effect", "clinical response", "strong")
    assert row["level"] == "B"


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_source_that_was_not_read_again_says_so(copied: Path) -> None:
    path = copied / "evidence" / "curated.yaml"
    text = path.read_text()
    start = text.index("  leyte_vidal2024:")
    path.write_text(text[:start] + text[start:].replace("checked: abstract", "checked: known", 1))
    base = load_evidence(PACK.model_copy(update={"directory": copied}))
    (item,) = [item for item in base.items if item.id == "leyte-vidal-m244v-asciminib-M244V"]
    assert item.caveat.endswith("The source was not read again for this table.")


# --- levels, dates, guidelines, what was mended


def test_every_item_has_a_level_and_a_date_of_its_data() -> None:
    for item in (*BASE.items, *BASE.fusions):
        assert item.level in "ABCDE"
        assert re.fullmatch(r"(19|20)\d\d", item.dated), item.id
    civic = [item for item in BASE.items if item.id.startswith("civic-")]
    assert all(f"level {item.level}" in item.summary for item in civic)
    assert BY_ID["leyte-vidal-m244v-asciminib-M244V"].amp_tier == "I-B"
    assert BY_ID["gozgit-imatinib-T315I"].amp_tier == "II-D"


def test_no_item_that_shipped_is_lost() -> None:
    shipped = set((PACK.directory / "evidence" / "ids.txt").read_text().split())
    held = {item.id for item in (*BASE.items, *BASE.fusions)}
    assert len(shipped) > 700
    assert shipped <= held, sorted(shipped - held)
    assert held <= shipped, "add the new ids to evidence/ids.txt"


def test_single_patients_of_civic_are_weak() -> None:
    assert not [
        i.id for i in BASE.items if i.id.startswith("civic-") and i.level == "C" and i.strength != "weak"
    ]


def test_numbers_are_written_without_exponents() -> None:
    texts = [item.summary for item in BASE.items] + [fold_text(value) for value in (0.043, 110.0, 5000.0)]
    assert not [text for text in texts if re.search(r"\de[+-]\d", text)]
    assert fold_text(5000.0) == "5,000"


def test_civics_own_values_are_kept_and_win_over_its_words() -> None:
    burgess = BY_ID["civic-EID6190-dasatinib"]
    assert (burgess.kind, burgess.value) == ("cell IC50 fold", pytest.approx(125 / 1.34, rel=0.01))
    assert BY_ID["civic-EID2669-imatinib"].bound == ">"
    contradictory = BY_ID["civic-EID2638-imatinib"]  # "sensitive", 2000 nM against 260 nM
    assert (contradictory.direction, contradictory.strength) == ("resistant", "weak")


def test_optic_gives_the_figures_of_t315i_not_of_the_trial() -> None:
    item = BY_ID["optic-t315i-ponatinib-ponatinib-T315I"]
    assert "60 % (15)" in item.summary
    assert not re.search(r"51\.6|35\.5|25\.3", item.summary)


def test_extrapolated_and_top_of_assay_values_are_lower_bounds() -> None:
    for identifier in (
        "leighow-panel-nilotinib-T315I",
        "leighow-panel-dasatinib-T315I",
        "zabriskie-compound-imatinib-Y253H/E255V",
        "gozgit-dasatinib-T315I",
    ):
        assert BY_ID[identifier].bound == ">", identifier
    assert len([i for i in BASE.items if i.id.startswith("leighow-panel-")]) == 76


def test_guidelines_name_drugs_by_mutation_and_a_compound_has_those_of_its_parts() -> None:
    stance = {(line.name, line.drug): line.stance for line in lookup(variant("V299L"), PACK).guidelines}
    named = {drug for (name, drug), said in stance.items() if name == "ELN 2020" and said == "named"}
    assert named == {"nilotinib", "ponatinib"}
    assert stance["ELN 2020", "bosutinib"] == "not named"
    reserved = lookup(variant("E255K"), PACK).guidelines
    (bosutinib,) = (line for line in reserved if line.drug == "bosutinib")
    assert bosutinib.stance == "named with a reservation"
    parts = lookup(variant("E255K/T315I"), PACK).guidelines
    assert {line.relation for line in parts} == {"part of the compound variant"}
    assert not lookup(variant("K404E"), PACK).guidelines


def test_what_stands_behind_an_item_is_named() -> None:
    hits = {hit.item.id: hit for hit in lookup(variant("T315I"), PACK).hits}
    assert hits["pace-t315i-ponatinib-ponatinib-T315I"].behind == ("ELN 2020", "US label")
    assert hits["muller-t315i-dasatinib-dasatinib-T315I"].behind == ("ELN 2020 (leaves it out)",)


def test_a_fusion_without_exon_2_speaks_whatever_is_substituted() -> None:
    assert not [h for h in lookup(variant("V299L"), PACK).hits if h.relation == "fusion transcript"]
    summary = lookup(variant("V299L"), PACK, "e14a3")
    found = [hit.item.drug for hit in summary.hits if hit.relation == "fusion transcript"]
    assert set(found) == {"asciminib"}
    options = {option.id: option for option in summary.options}
    assert any("e14a3" in text for text in options["asciminib"].speaks_against)
    assert not lookup(variant("V299L"), PACK, "e14a2").options[0].speaks_against[0].startswith("e14")
    with pytest.raises(BadInputError, match="not a fusion transcript"):
        lookup(variant("V299L"), PACK, "b3a2")


def test_how_often_a_variant_was_seen() -> None:
    seen = {one.setting: (one.patients, one.of) for one in lookup(variant("T315I"), PACK).sightings}
    assert seen["mutated after imatinib, six cohorts"][0] == 38
    assert seen["mutations that emerged under dasatinib"] == (11, 14)
    assert not lookup(variant("K404E"), PACK).sightings


def test_options_differ_by_disease_and_carry_their_approval_with_a_date() -> None:
    by = {disease: {o.id for o in BASE.options if disease in o.diseases} for disease in ("CML", "ALL")}
    assert {"obe-cel", "blinatumomab", "inotuzumab"} <= by["ALL"] - by["CML"]
    assert {"omacetaxine"} <= by["CML"] - by["ALL"]
    for option in BASE.options:
        assert re.search(r"20[12]\d|no approval is needed", option.approval), option.id
    inotuzumab = next(option for option in BASE.options if option.id == "inotuzumab")
    assert "do not fit" in inotuzumab.evidence


# --- kin


def kin_of(text: str) -> dict[str, KinEstimate]:
    return {one.drug: one for one in lookup(variant(text), PACK).kin}


def test_kin_speak_of_unmeasured_pairs_of_a_known_residue_only() -> None:
    assert not kin_of("K404E")
    assert not kin_of("E255K/T315I")
    found = kin_of("T315V")
    assert {"imatinib", "nilotinib", "dasatinib", "bosutinib", "ponatinib"} <= set(found)
    assert "asciminib" not in found, "no change of 315 was measured at the other site"
    assert "olverembatinib" not in found, "the drug was never measured"
    assert "imatinib" not in kin_of("T315I")
    for one in found.values():
        assert one.low < one.fold < one.high
    assert found["ponatinib"].fold < found["dasatinib"].fold


def test_more_kin_narrow_the_interval() -> None:
    def width(text: str, drug: str) -> float:
        one = kin_of(text)[drug]
        return one.high / one.low

    assert width("A337V", "dasatinib") < width("A337T", "dasatinib")


# --- a release of CIViC

RELEASE = (
    "molecular_profile therapies evidence_type evidence_direction evidence_level significance citation_id "
    "citation evidence_status evidence_id therapy_interaction_type",
    "BCR::ABL1_Fusion_AND_ABL1_T315I Ponatinib Predictive Supports A Sensitivity/Response 24180494 "
    "Cortes_et_al.,_2013 accepted 99999",
    "BCR::ABL1_Fusion_AND_ABL1_M244V Dasatinib Predictive Supports B Resistance 19779040 "
    "Müller_et_al.,_2009 accepted 4302",
    "EGFR_T790M Erlotinib Predictive Supports A Resistance 1 Someone,_2005 accepted 5",
)
"""As civicdb.org writes its TSV, blanks for tabs and underscores for blanks."""


def test_a_release_lists_what_came_changed_and_went_and_loses_nothing(tmp_path: Path) -> None:
    release = tmp_path / "nightly.tsv"
    lines = [line.replace(" ", "\t") for line in RELEASE]
    release.write_text("\n".join([lines[0], *(line.replace("_", " ") for line in lines[1:])]) + "\n")
    update = update_of(PACK, release)
    assert update.came == ("civic-EID99999-ponatinib",)
    assert update.changed == ("civic-EID4302-dasatinib (kind, direction)",)
    ids = {row["id"] for row in update.rows}
    assert {item.id for item in BASE.items if item.id.startswith("civic-")} <= ids
    (gone,) = (row for row in update.rows if row["id"] == "civic-EID234-imatinib")
    assert gone["caveat"].endswith("Not in nightly.tsv.")
    (new,) = (row for row in update.rows if row["id"] == "civic-EID99999-ponatinib")
    assert (new["level"], new["protein_change"]) == ("A", "T315I")


def test_another_table_is_no_release(tmp_path: Path) -> None:
    (tmp_path / "other.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(BadInputError, match="not a CIViC table"):
        update_of(PACK, tmp_path / "other.tsv")

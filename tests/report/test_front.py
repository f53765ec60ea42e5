"""Page one: at once, in words that fit, the same for terminal, page and Python."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from factories.relaxed import relaxed
from factories.report import assessment, measurements, report_files, study
from kinscope.interpretation.model import BindingCall, StudyResult
from kinscope.report.front import COLUMNS, NOTHING, as_text, front_page
from kinscope.report.page import report_html
from kinscope.results.docking import Call
from kinscope.results.notes import Note
from kinscope.targets import load_target
from kinscope.variants import parse_variant
from kinscope.workflow.answer import first_answer
from kinscope.workflow.settings import load_preset, with_changes

PACK = load_target("abl1")
HEAVY = ("openmm", "numba", "scipy", "rdkit", "biotite", "matplotlib", "pyarrow")


def answer(expression: str, **said: str) -> StudyResult:
    settings = with_changes(load_preset("quick"), **said)
    return first_answer(parse_variant(expression, PACK), settings, PACK)


@pytest.mark.parametrize("expression", ["K404E", "T315I", "E255K/T315I", "V299L", "D391Y"])
def test_the_first_answer_takes_no_time_and_fits_a_terminal(expression: str) -> None:
    before = time.process_time()
    page = front_page(answer(expression), PACK)
    text = as_text(page, 110)
    assert time.process_time() - before < 3.0
    assert max(map(len, text.splitlines())) <= 110
    assert len(text.splitlines()) <= 75
    assert not re.search(r"(^|  )Å$", text, re.MULTILINE), "a number keeps its unit"
    assert page.title in text
    assert all(line.name in text for line in page.drugs)
    assert [f"Next {number}. " in text for number in (1, 2, 3)] == [True] * 3


@pytest.mark.parametrize("width", [60, 80, 110, 150])
def test_no_word_is_cut_and_nothing_is_left_out_in_any_terminal(width: int) -> None:
    page = front_page(answer("T315I"), PACK)
    text = as_text(page, width)
    assert max(map(len, text.splitlines())) <= width
    assert not re.search(r"(^|  )Å", text, re.MULTILINE), "a number keeps its unit"
    written = text.split()
    told = [cell for line in page.drugs for cell in (line.verdict, line.sure, *line.cells)]
    assert {word.strip("();,") for cell in told for word in cell.split()} - {NOTHING} <= {
        w.strip("();,") for w in written
    }


def test_no_number_of_the_table_is_an_exponent_or_rounds_to_nothing() -> None:
    for expression in ("p.T315M", "T315V", "T315L", "T315I", "E286K"):
        cells = [cell for line in front_page(answer(expression), PACK).drugs for cell in line.cells]
        assert not [cell for cell in cells if re.search(r"\de[+-]|\b0\.0-fold|\b10\.0", cell)], expression
    measured = {
        line.drug: line.cells[COLUMNS.index("measured")] for line in front_page(answer("T315I"), PACK).drugs
    }
    assert measured["axitinib"] == "0.12-fold, 1 assay"


@pytest.mark.parametrize("expression", ["D363N", "K271E", "D381N", "E286K", "H361R"])
def test_whether_it_is_a_kinase_still_stands_before_what_is_predicted(expression: str) -> None:
    outcome = answer(expression).assessment.answer.sentences[1]
    assert outcome.startswith("The change ")
    assert "may leave no kinase" in outcome or "may not fold" in outcome


def test_a_change_that_grew_under_a_drug_is_not_doubted_to_be_a_kinase() -> None:
    for expression in ("T315I", "E255K", "V299L", "M351T", "K404E"):
        assert "kinase" not in answer(expression).assessment.answer.sentences[1], expression


@pytest.mark.parametrize("pair", ["E255K/E286K", "Y253H/E286K", "M244V/E255K", "D381N/F382L", "K404E/E286K"])
def test_a_combination_is_never_called_better_than_what_is_predicted_of_a_part(pair: str) -> None:
    def words(text: str) -> dict[str, str]:
        return {one.drug: one.verdict.partition(" ")[0] for one in answer(text).assessment.verdicts}

    whole = words(pair)
    for alone in map(words, pair.split("/")):
        assert [d for d, word in alone.items() if word == "resistance" != whole[d]] == []
    assert "sensitivity" not in whole.values()


def test_what_is_predicted_of_a_part_is_told_as_the_parts_and_only_where_it_decides() -> None:
    for verdict in answer("E255K/T315I").assessment.verdicts:
        assert (verdict.predicted is not None) is (verdict.drug == "olverembatinib")
    told = {
        line.drug: line.cells[COLUMNS.index("inferred or predicted")]
        for line in front_page(answer("E255K/T315I"), PACK).drugs
    }
    assert told["olverembatinib"].startswith("predicted of E255K: ")


def test_nothing_heavy_is_imported_on_the_way_to_it() -> None:
    code = (
        "import sys; from kinscope.workflow.answer import first_answer; import kinscope.report.front; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_of_a_residue_far_from_every_drug_it_is_said_that_no_model_can_see_it() -> None:
    page = front_page(answer("K404E"), PACK)
    computed = {line.drug: line.cells[COLUMNS.index("computed")] for line in page.drugs}
    assert computed["imatinib"] == "out of reach, 18 Å"
    assert all(cell.startswith("out of reach") for cell in computed.values())


def test_tool_compounds_stand_apart_and_last() -> None:
    tools = [line.tool for line in front_page(answer("T315I"), PACK).drugs]
    assert tools == sorted(tools)
    assert True in tools


def test_what_a_guideline_says_of_the_whole_change_is_not_told_of_a_part() -> None:
    """A compound may be named itself, beside the lines of its parts."""
    result = answer("T315I/F317L")
    imatinib = next(one for one in result.assessment.verdicts if one.drug == "imatinib")
    whole, part = imatinib.guidelines
    whole = whole.model_copy(update={"relation": "exact", "protein_change": "T315I/F317L"})
    told = imatinib.model_copy(update={"guidelines": (whole, part)})
    judged = result.assessment.model_copy(update={"verdicts": (told,)})
    (line,) = front_page(result.model_copy(update={"assessment": judged}), PACK).drugs
    assert line.cells[0] == "ELN 2020: not named"


def test_what_acts_without_the_kinase_is_of_the_disease_asked_about() -> None:
    both = front_page(answer("T315I"), PACK).independent
    only = front_page(answer("T315I", disease="ALL"), PACK).independent
    assert [disease for disease, _ in only] == ["ALL"]
    assert "blinatumomab" in only[0][1].lower()
    assert only[0][1] in [names for _, names in both]


def called(word: str = "lost", disagreement: str = "") -> StudyResult:
    comparison = relaxed(4.0, 1.1)
    call = BindingCall(
        state=comparison.state, difference_kcal_per_mol=comparison.difference_kcal_per_mol,
        call=Call(
            word=word, reason=Note.model_validate("measured"), measured_by="relaxed complexes",
            disagreement=Note.model_validate(disagreement) if disagreement else None
        ),  # type: ignore[arg-type]
    )  # fmt: skip
    first, *others = assessment().verdicts
    sight = {"word": "in reach, tested", "distance_angstrom": 3.3, "text": "Tested (invented)."}
    verdict = first.model_copy(update={"drug": "imatinib", "binding": (call,)})
    verdict = type(verdict).model_validate(verdict.model_dump() | {"sight": sight})
    return study(
        measurements=measurements().model_copy(update={"relaxed": (comparison,)}),
        assessment=assessment(verdicts=(verdict, *(item for item in others if item.drug != "imatinib"))),
    )


def test_what_relaxed_complexes_call_stands_on_page_one_and_with_its_interval_below(tmp_path: Path) -> None:
    result = called()
    assert front_page(result, PACK).drugs[0].cells[COLUMNS.index("computed")] == "tested: lost, 3 Å"
    page = report_html(result, report_files(tmp_path), PACK)
    assert "+4.0 [+2.9, +5.1] kcal/mol, lost" in page
    assert "Relaxed complexes" not in report_html(study(), report_files(tmp_path), PACK)

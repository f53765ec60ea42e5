"""Relaxed complexes in the report: beside the rigid score, with their interval and call, and escaped."""

from __future__ import annotations

from pathlib import Path

from factories.relaxed import relaxed
from factories.report import assessment, measurements, report_files, study
from kinscope.interpretation.model import BindingCall, StudyResult
from kinscope.report.page import report_html
from kinscope.results.docking import Call
from kinscope.results.notes import Note


def result(word: str = "lost", disagreement: str = "") -> StudyResult:
    comparison = relaxed(4.0, 1.1)
    call = BindingCall(
        state=comparison.state, difference_kcal_per_mol=comparison.difference_kcal_per_mol,
        call=Call(
            word=word, reason=Note.model_validate("measured"), measured_by="relaxed complexes",
            disagreement=Note.model_validate(disagreement) if disagreement else None
        ),  # type: ignore[arg-type]
    )  # fmt: skip
    first, *others = assessment().verdicts
    verdict = first.model_copy(update={"drug": "imatinib", "binding": (call,)})
    return study(
        measurements=measurements().model_copy(update={"relaxed": (comparison,)}),
        assessment=assessment(verdicts=(verdict, *(item for item in others if item.drug != "imatinib"))),
    )


def test_the_call_stands_beside_the_rigid_score(tmp_path: Path) -> None:
    page = report_html(result(), report_files(tmp_path))
    assert "Drug and surroundings relaxed together" in page
    assert page.count("<strong>lost</strong>") == 2  # in the drug's row, and in the table of complexes
    assert "rigid protein" in page
    assert "+4.0" in page


def test_what_comes_from_outside_stays_text(tmp_path: Path) -> None:
    page = report_html(result(disagreement="<script>alert(1)</script>"), report_files(tmp_path))
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_nothing_is_said_where_nothing_was_relaxed(tmp_path: Path) -> None:
    assert "relaxed together" not in report_html(study(), report_files(tmp_path))

"""The page of a case: whole in itself, escaped, every mark with a row in a table."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from kinscope.clinic.course.compute import study_case
from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.page.lanes import draw_course
from kinscope.clinic.page.output import case_html, write_case
from kinscope.clinic.phenopacket.open import case_of_text
from kinscope.core.errors import BadInputError
from kinscope.targets import load_target

PACK = load_target("abl1")
ATTACK = "<script>alert(1)</script>\"'>&{{7*7}}"
VOID = {"meta", "input", "br", "rect", "line", "path", "circle", "stop"}


def example() -> CaseResult:
    text = files("kinscope.clinic.examples").joinpath("lewandowski2025.yaml").read_text(encoding="utf-8")
    return study_case(case_of_text(text, "example"), PACK)


class Reader(HTMLParser):
    """Collects attributes and texts, and checks that elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.scripts: list[str] = []
        self.rows = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.rows += tag == "tr"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open, f"</{tag}> closes nothing"
        if tag in ("li", "p"):
            while self.open[-1] != tag:
                self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


@pytest.fixture(scope="module")
def page() -> str:
    return case_html(example())


def test_the_page_can_load_nothing_and_runs_only_its_own_script(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert not [a for a in reader.attributes if a[1] in ("src", "srcset", "xlink:href", "action")]
    assert all(value.startswith("#") for _, name, value in reader.attributes if name == "href")
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    (script,) = reader.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(v for t, n, v in reader.attributes if t == "meta" and n == "content" and "default-src" in v)
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy
    assert not re.search(r"@import|url\((?!#)", page)


def test_every_mark_of_the_figure_has_its_words(page: str) -> None:
    marks = [mark for lane in draw_course(example()).lanes for mark in lane.marks]
    assert len(marks) > 40
    assert all(mark.tip and mark.tip[0] for mark in marks)
    assert page.count('tabindex="0"') == len(marks)
    assert page.count("<title>") == len(marks) + 1


def test_the_figure_has_a_twin_in_tables(page: str) -> None:
    result = example()
    reader = Reader()
    reader.feed(page)
    heads = page.count("<thead>")
    rows = (
        len(result.calls)
        + len(result.comparisons)
        + len(result.testing)
        + len(result.case.treatments)
        + len(result.case.measurements)
        + len(result.case.toxicities)
        + len(result.case.events)
    )
    assert reader.rows == rows + heads


def test_levels_lie_on_a_logarithmic_axis(page: str) -> None:
    """Decades are equally far apart: the grid of the transcript lane has equal steps."""
    lane = page[page.index("lane-transcript") :]
    lane = lane[: lane.index("lane-call")]
    grid = [float(y) for y in re.findall(r'class="grid"[^>]*y1="([\d.]+)"', lane)]
    steps = [round(b - a, 1) for a, b in pairwise(grid)]
    assert len(grid) == 4
    assert max(steps) - min(steps) <= 0.2


def test_a_detection_limit_is_drawn_as_a_limit() -> None:
    text = files("kinscope.clinic.examples").joinpath("template.yaml").read_text(encoding="utf-8")
    drawing = draw_course(study_case(case_of_text(text, "x"), PACK))
    (lane,) = [lane for lane in drawing.lanes if lane.key == "transcript"]
    limits = [mark for mark in lane.marks if mark.shape == "limit"]
    assert [round(mark.value or 0, 5) for mark in limits] == [0.00316], "45,000 copies of ABL1 carry 10^-4.5"


def test_hostile_texts_are_only_text() -> None:
    body = f"""kinscope_case: 1
id: c
title: {ATTACK!r}
disease: ph-all
citation: {ATTACK!r}
sources: {{s: {ATTACK!r}}}
events: [{{id: dx, kind: diagnosis, label: {ATTACK!r}, when: 2023-01-05, source: s}}]
treatments: [{{id: t, line: 1, drug: {ATTACK!r}, label: {ATTACK!r}, start: 2023-02-01, note: {ATTACK!r}}}]
measurements:
  - {{id: m, kind: blasts, when: 2023-01-05, percent: 88, note: {ATTACK!r}}}
  - {{id: k, kind: karyotype, when: 2023-01-05, iscn: {ATTACK!r}}}
  - {{id: v, kind: mutation, when: 2023-03-05, detected: true, expression: {ATTACK!r}}}
toxicities: [{{id: x, term: {ATTACK!r}, when: 2023-03-01, action: {ATTACK!r}}}]
notes: [{ATTACK!r}]
"""
    body = body.replace(repr(ATTACK), "'" + ATTACK.replace("'", "''") + "'")
    page = case_html(study_case(case_of_text(body, "x"), PACK))
    reader = Reader()
    reader.feed(page)
    assert len(reader.scripts) == 1
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{7*7}}" in page.replace("&#34;", '"'), "templates are not run on texts"


@pytest.mark.parametrize(
    "options", [{"redact": True}, {"relative_dates": True}, {"criteria": "nccn-all-2021"}]
)
def test_other_ways_to_draw_it(options: dict[str, object], tmp_path: Path) -> None:
    text = files("kinscope.clinic.examples").joinpath("lewandowski2025.yaml").read_text(encoding="utf-8")
    result = study_case(case_of_text(text, "x"), PACK, **options)  # type: ignore[arg-type]
    paths = write_case(result, tmp_path)
    assert all(path.stat().st_size > 0 for path in paths)
    assert CaseResult.model_validate_json((tmp_path / "case.json").read_bytes()) == result
    assert [c.category for c in result.calls if c.axis == "molecular"].count("CMR") == 3


def test_an_unwritable_directory_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInputError):
        write_case(example(), tmp_path / "file")


def test_a_case_with_nothing_but_an_event_still_draws() -> None:
    event = "{id: e, label: Diagnosis, kind: diagnosis, when: 2024-01-05}"
    body = f"kinscope_case: 1\nid: c\ndisease: cml\nevents: [{event}]\n"
    assert "Diagnosis" in case_html(study_case(case_of_text(body, "x"), PACK))


def test_spreadsheets_get_no_formula(tmp_path: Path) -> None:
    text = files("kinscope.clinic.examples").joinpath("template.yaml").read_text(encoding="utf-8")
    text = text.replace("term: pleural effusion", 'term: "=HYPERLINK(1)"')
    write_case(study_case(case_of_text(text, "x"), PACK), tmp_path, with_csv=True)
    assert "'=HYPERLINK" in (tmp_path / "tables" / "toxicities.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\x1b", "\x9b", "\ufeff", "\u2028"])
def test_nothing_that_acts_on_a_reader_goes_into_page_or_table(mark: str, tmp_path: Path) -> None:
    """JSON can carry what YAML is refused for; it is shown as a question mark, in the figure too."""
    text = f"=a{mark}b"
    case = {
        "kinscope_case": 1,
        "id": "c",
        "title": text,
        "disease": "ph-all",
        "events": [{"id": "dx", "kind": "diagnosis", "label": text, "when": "2023-01-05"}],
        "treatments": [{"id": "t", "line": 1, "drug": text, "start": "2023-02-01", "note": text}],
        "measurements": [{"id": "m", "kind": "blasts", "when": "2023-01-05", "percent": 88, "note": text}],
        "toxicities": [{"id": "x", "term": text, "when": "2023-03-01", "action": text}],
    }
    for path in write_case(study_case(case_of_text(json.dumps(case), "x"), PACK), tmp_path, with_csv=True):
        if path.suffix in (".html", ".csv"):
            written = path.read_text(encoding="utf-8")
            assert mark not in written
            assert path.suffix == ".html" or not re.search(r'(?m)(?:^|,)"?=', written)

"""The page of the atlas opens alone and shows every cell once."""

import html
import re

import pytest

from kinscope.affinity.atlas import all_rows
from kinscope.report.plots.atlas import page_of, svg_of
from kinscope.targets import load_target


@pytest.fixture(scope="module")
def rows():
    return [row for row in all_rows(load_target(), (315, 317)) if row.drug in ("imatinib", "asciminib")]


def test_the_page_loads_nothing_and_names_each_drug(rows):
    page = page_of(rows, load_target())
    assert "default-src 'none'" in html.unescape(page)
    assert not re.search(r"(src|href)=[\"']https?:", page)
    assert "<h2>Imatinib</h2>" in page


def test_each_substitution_is_one_cell_and_each_residue_one_of_the_strip(rows):
    drawing = svg_of([row for row in rows if row.drug == "imatinib"], load_target())
    single = [row for row in rows if row.drug == "imatinib"]
    assert drawing.count("h4v4h-4z") == len(single) + 2

"""The one YAML reader: plain data with their lines, everything else refused with the line."""

from __future__ import annotations

import pytest

from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import MAX_NODES, line_of, parse_yaml, path_text

TEXT = """# a comment
when: 2023-07
day: 2023-07-01
list:
  - 1
  - {deep: [a, b]}
"""


def test_data_are_plain_and_dates_stay_text() -> None:
    data, _ = parse_yaml(TEXT, "x")
    assert data == {"when": "2023-07", "day": "2023-07-01", "list": [1, {"deep": ["a", "b"]}]}


def test_every_part_has_its_line_and_a_missing_one_that_of_what_it_would_stand_in() -> None:
    _, places = parse_yaml(TEXT, "x")
    assert line_of(places, ("list", 1, "deep", 0)) == (6, ("list", 1, "deep", 0))
    assert line_of(places, ("list", 1, "other")) == (6, ("list", 1))
    assert line_of(places, ("union", "when")) == (2, ("when",))
    assert path_text(("list", 1, "deep", 0)) == "list[1].deep[0]"


def test_an_empty_text_holds_nothing() -> None:
    assert parse_yaml("# only a comment\n", "x") == (None, {})


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb: &x 2\n", 2, "anchors and aliases"),
        ("a: 1\nb: *x\n", 2, "anchors and aliases"),
        ("a: 1\nb: !!str 2\n", 2, "tags"),
        ("a: 1\nb: 2\na: 3\n", 3, "twice"),
        ("a:\n  1: x\n  '1': y\n", 3, "twice"),
        ("a: 1\n<<: {b: 2}\n", 2, "not plain text"),
        ("a: 1\n? [b]\n: 2\n", 2, "not plain text"),
        ('a: 1\nb: "secret\\e[31m"\n', 2, "control character U+001B"),
        ('a: 1\n"b\\u202e": 2\n', 2, "control character U+202E"),
        ("a: 1\nb: secret\x00\n", 2, "does not allow"),
        ("a: 1\nb: [secret\n", 3, "plain YAML"),
        ("a: 1\n---\nb: 2\n", 2, "plain YAML"),
        ("[" * 3000, 1, "nested too deeply"),
        ("- 1\n" * MAX_NODES, MAX_NODES, "more than"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line_and_without_its_value(
    text: str, line: int, reason: str
) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_yaml(text, "file.yaml")
    assert f"file.yaml, line {line}" in caught.value.where
    assert reason in caught.value.what
    assert "secret" not in str(caught.value)


def test_a_number_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        parse_yaml("a: " + "9" * 10_000, "x")

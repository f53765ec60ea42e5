"""``kinscope case``: what it prints and what it hands over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kinscope.cli.commands.clinic import case
from kinscope.core.errors import BadInputError


def test_assess_is_given_each_variant_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The study itself is tested elsewhere; here, what reaches it: the variant, read from the case."""
    import kinscope.workflow.study as study

    class ReachedError(Exception):
        pass

    seen: list[tuple[str, ...]] = []

    def receive(variant: Any, settings: Any, directory: Path, **_: Any) -> None:
        seen.append((variant.hgvs_p, settings.preset, directory.name, settings.disease, settings.transcript))
        raise ReachedError

    monkeypatch.setattr(study.Run, "begin", receive)
    with pytest.raises(ReachedError):
        case(example=True, out=tmp_path, assess=True, preset="quick", md_minutes=0.0, quiet=True)
    assert seen == [("NP_005148.2:p.Lys404Glu", "quick", "assess-K404E", "ALL", "e1a2")]


def test_the_command_says_what_matters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case(example=True, out=tmp_path)
    text = capsys.readouterr().out
    assert 'Next:  kinscope assess "NM_005157.6:c.1210A>G"' in text
    assert text.count("Mutation testing due") == 3
    assert "contradiction" in text
    assert "stated CR, computed at least MLFS (agrees in part)" in text


def test_the_template_is_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case(template=True)
    path = tmp_path / "case.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    case(path, out=tmp_path / "out")
    assert "T315I" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [{}, {"file": Path("x.yaml"), "example": True}, {"file": Path("missing.yaml")}]
)
def test_wrong_arguments_end_with_a_remedy(arguments: dict[str, Any]) -> None:
    with pytest.raises(BadInputError) as caught:
        case(**arguments)
    assert caught.value.remedy


def test_a_short_salt_is_refused(tmp_path: Path) -> None:
    salt = tmp_path / "salt"
    salt.write_bytes(b"short")
    with pytest.raises(BadInputError, match="16 bytes"):
        case(example=True, out=tmp_path / "o", salt_file=salt)


def test_unknown_criteria_are_refused_and_the_known_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        case(example=True, out=tmp_path / "o", criteria="eln-1999")
    assert "eln-all-2024" in str(caught.value)
    assert not (tmp_path / "o").exists()


def test_criteria_of_another_disease_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        case(example=True, out=tmp_path / "o", criteria="eln-cml-2020")


def test_of_a_variant_that_cannot_be_used_the_reason_is_printed_and_not_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = ("Jane Patient 4711", "NC_000009.11:g.1234C>T", "c.944G>T", "E256K")
    path = tmp_path / "case.yaml"
    path.write_text(
        "kinscope_case: 1\nid: c\ndisease: cml\nmeasurements:\n"
        + "".join(
            f"  - {{id: v{n}, kind: mutation, when: day {n}, detected: true, expression: '{text}'}}\n"
            for n, text in enumerate(variants)
        ),
        encoding="utf-8",
    )
    case(path, out=tmp_path / "out")
    text = capsys.readouterr().out
    assert text.count("cannot be used") == len(variants)
    assert not any(word in text for word in ("Jane", "Patient", "4711", "1234C", "944G"))
    assert "has C, not G" in text


def test_a_case_of_another_disease_is_drawn_and_takes_no_criteria(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(
        "kinscope_case: 1\nid: c\ndisease: other\n"
        "measurements: [{id: m, kind: blasts, when: 2024, percent: 3}]\n"
        "responses: [{id: r, when: 2024, category: CR}]\n",
        encoding="utf-8",
    )
    case(path, out=tmp_path / "out", csv=True)
    assert "no response is computed" in capsys.readouterr().out
    with pytest.raises(BadInputError, match="another disease"):
        case(path, out=tmp_path / "o", criteria="eln-cml-2020")


def test_what_of_a_phenopacket_is_not_read_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    level = {
        "assay": {"id": "LOINC:55135-2"},
        "value": {"quantity": {"unit": {"id": "UCUM:%"}, "value": 0.05}},
    }
    packet = {
        "id": "x",
        "subject": {"id": "p"},
        "diseases": [{"term": {"id": "NCIT:C3174"}, "onset": {"timestamp": "2020-01-10T00:00:00Z"}}],
        "measurements": [{**level, "timeObserved": {"timestamp": "2021-01-10T00:00:00Z"}}],
        "metaData": {"phenopacketSchemaVersion": "2.0"},
    }
    file = tmp_path / "packet.json"
    file.write_text(json.dumps(packet))
    case(file=file, out=tmp_path / "out")
    assert "does not read: LOINC:55135-2" in capsys.readouterr().out

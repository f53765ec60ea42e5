"""`kinscope benchmark sanger`: variants of known share are made, called and counted; tracy beside."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from kinscope.targets import load_target
from kinscope.validation import sanger

PACK = load_target("abl1")


def test_a_high_share_is_found_and_wild_type_gives_no_call(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sanger, "SHARES", (0, 50))
    heard: list[tuple[int, int]] = []
    found = sanger.run(PACK, traces=12, progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (6, 6)
    assert [item.share_percent for item in found] == [0, 0, 0, 50, 50, 50]
    clean = [item for item in found if item.quality == "clean"]
    assert [item.found["kinscope"] for item in clean] == [False, True]
    assert [item.false_calls["kinscope"] for item in clean] == [0, 0]
    assert clean[1].estimate_percent == pytest.approx(50, abs=10)
    text = sanger.report(found)
    assert "12 simulated traces, 6 samples" in text
    assert "tracy is not installed here" in text


def test_what_tracy_calls_is_counted_per_strand_and_only_inside_the_region(tmp_path: Path):
    program = tmp_path / "tracy"
    rows = [
        [1, 500, "x", "C", "T", 1, "PASS"],
        [1, 501, "x", "C", "T", 1, "LowQual"],
        [1, 5, "x", "C", "T", 1, "PASS"],  # outside
    ]
    program.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\n"
        "pathlib.Path(sys.argv[sys.argv.index('-o') + 1] + '.json').write_text("
        f"{json.dumps({'variants': {'rows': rows}})!r})\n"
    )
    program.chmod(0o755)
    (only,) = sanger.run(PACK, traces=2, tracy=str(program))
    assert only.false_calls["tracy 0.33, either"] == only.false_calls["tracy 0.33, both"] == 1
    (unseen,) = sanger.run(PACK, traces=2, tracy=str(program), tracy_samples=0)
    assert list(unseen.found) == ["kinscope"]

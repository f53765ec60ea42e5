"""Variants of known share are made, called and counted; tracy beside, where it is installed."""

from __future__ import annotations

import json
import sys
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest

from factories import sanger_benchmark as sanger
from factories.chromatograph import QUALITIES, abif_bytes, amplicon_of, molecules_of, simulate_read
from kinscope.sequencing import read_trace
from kinscope.targets import load_target

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


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "traces"), [(1, 1000), (2, 600)])
def test_how_often_the_caller_is_right(seed: int, traces: int) -> None:
    """The table of docs/validation.md; rules were made on seed 1, none on seed 2."""
    found = sanger.run(PACK, traces=traces, seed=seed, tracy=sanger.find_tracy())
    print(sanger.report(found))
    good = [item for item in found if item.quality != "bad"]
    high = [item.found["kinscope"] for item in good if item.share_percent >= 20]
    assert sum(high) >= 0.93 * len(high)
    assert sum(item.false_calls["kinscope"] > 0 for item in good) <= 0.01 * len(good)
    held = [item.interval_holds for item in good if item.interval_holds is not None]
    assert sum(held) >= 0.9 * len(held)


def test_the_traces_of_the_example_are_the_simulators(tmp_path: Path) -> None:
    """What ships is made here: T315I in 30 % of the molecules, a typical run, seed 1."""
    molecules = molecules_of([("T315I", 0.3)], PACK, amplicon_of(PACK))
    for strand in sanger.STRANDS:
        read = simulate_read(molecules, strand, QUALITIES["typical"], seed=1, chemistry=1)
        made = tmp_path / f"{strand}.ab1"
        made.write_bytes(abif_bytes(read, "simulated"))
        with as_file(files("kinscope.sequencing").joinpath("examples", made.name)) as shipped:
            ours, found = read_trace(shipped), read_trace(made)
        assert np.abs(ours.channels - found.channels).max() <= 1  # another processor may round otherwise
        assert np.array_equal(ours.positions, found.positions)

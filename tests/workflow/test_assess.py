"""`kinscope assess` from a variant to a report, killed and resumed. Minutes: run with ``pytest -m slow``."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SMALL = ["--state", "kinase-dfg-out", "--drug", "imatinib", "--md-minutes", "0.4", "--cores", "2", "--quiet"]


def surroundings(cache: Path, hash_seed: int) -> dict[str, str]:
    """Each process with another order of its sets: what depends on it must not reach the result."""
    return {**os.environ, "KINSCOPE_CACHE": str(cache), "PYTHONHASHSEED": str(hash_seed)}


def assess(out: Path, cache: Path, hash_seed: int = 1) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "kinscope", "assess", "K404E", *SMALL, "--out", str(out)]
    return subprocess.Popen(command, env=surroundings(cache, hash_seed), stdout=subprocess.DEVNULL)


def content(out: Path) -> dict[str, object]:
    """Everything in the result that may not depend on how often the run was killed."""
    result = json.loads((out / "result.json").read_text())
    return {name: result[name] for name in ("variant", "measurements", "evidence", "assessment", "settings")}


def trajectories(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes() for path in (out / "trajectories").rglob("*.xtc")
    }


def test_a_killed_assess_ends_in_the_same_result(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert assess(tmp_path / "whole", cache).wait() == 0
    killed = tmp_path / "killed"
    dice = random.Random(404)
    for attempt in range(6):
        process = assess(killed, cache, hash_seed=2 + attempt)
        there = len(list(killed.glob("artefacts/*/*"))) + dice.randint(1, 3)
        while len(list(killed.glob("artefacts/*/*"))) < there and process.poll() is None:
            time.sleep(0.05)
        time.sleep(dice.random())  # into the steps that then run
        process.kill()
        assert process.wait() == -signal.SIGKILL or attempt, "it ended before it was killed once"
    finished = subprocess.run(
        [sys.executable, "-m", "kinscope", "resume", str(killed), "--quiet"],
        env=surroundings(cache, hash_seed=8),
        stdout=subprocess.DEVNULL,
        check=False,
    )
    assert finished.returncode == 0
    assert content(killed) == content(tmp_path / "whole")
    assert trajectories(killed) == trajectories(tmp_path / "whole")


def test_the_run_directory_opens_with_other_programs(tmp_path: Path) -> None:
    import gemmi
    import pyarrow.parquet as pq
    from rdkit import Chem

    out = tmp_path / "run"
    assert assess(out, tmp_path / "cache").wait() == 0
    structure = gemmi.read_structure(str(out / "models" / "kinase-dfg-out" / "K404E.cif"))
    assert structure[0]["A"]["404"][0].name == "GLU"
    assert Chem.SDMolSupplier(str(out / "poses" / "imatinib_K404E.sdf"))[0].GetNumHeavyAtoms() == 37
    assert pq.read_table(out / "tables" / "docking.parquet").num_rows == 1
    assert {path.suffix for path in (out / "figures").iterdir()} == {".svg", ".png"}
    runs = list((out / "trajectories").glob("*/topology.cif"))
    assert len(runs) == 12  # native and mutant, apo and with imatinib, in triplicate
    page = (out / "report.html").read_text()
    assert "K404E" in page
    assert json.loads((out / "result.json").read_text())["schema_version"] == 1

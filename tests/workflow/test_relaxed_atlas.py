"""Tier 2 takes the steps of a study, shares native sides, and drops what other source made."""

from pathlib import Path

import pytest

from kinscope.affinity.atlas import RelaxedRow
from kinscope.core.tables import read_table
from kinscope.targets import load_target
from kinscope.workflow.engine.driver import Driver
from kinscope.workflow.relaxed_atlas import computed, key_of, merge, sides_of


@pytest.fixture(scope="module")
def pack():
    return load_target()


def row(change: str, key: str) -> RelaxedRow:
    return RelaxedRow(
        change=change, residue=int(change[1:-1]), drug="imatinib", kcal_per_mol=1.0, low=0.5, high=1.5,
        key=key, cpu_seconds=60.0,
    )  # fmt: skip


def test_substitutions_of_a_residue_share_their_native_side(pack):
    one, two = (sides_of(pack, 315, kind, ["imatinib"]) for kind in "IA")
    first, second = one["T315I", "imatinib"], two["T315A", "imatinib"]
    assert first["native"].key == second["native"].key
    assert first["mutant"].key != second["mutant"].key


def test_a_residue_out_of_reach_has_no_sides(pack):
    assert sides_of(pack, 404, "E", ["imatinib", "dasatinib"]) == {}


def test_what_other_source_made_is_dropped(pack, tmp_path: Path):
    path, pair = tmp_path / "relaxed.parquet", sides_of(pack, 315, "I", ["imatinib"])["T315I", "imatinib"]
    assert merge(pack, [row("T315I", key_of(pair)), row("T315A", "stale")], path) == 2
    assert merge(pack, [row("V299L", "made in this run")], path) == 2
    assert [item.change for item in read_table(path, RelaxedRow)] == ["V299L", "T315I"]


def test_a_side_that_fails_leaves_no_row(pack, tmp_path: Path, monkeypatch):
    sides = sides_of(pack, 315, "I", ["imatinib"])
    monkeypatch.setattr(Driver, "_start_ready", lambda *_: None)
    assert computed(sides, Driver(tmp_path, None)) == []

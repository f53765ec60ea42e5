"""Native against native: how the table is reckoned, and that the one that ships is of this protocol."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from factories.docking import PACK
from factories.relaxed import relaxed
from kinscope.core.errors import BadInputError
from kinscope.validation.null import (
    NULL_FILE,
    RESIDUES,
    Judged,
    NullRow,
    call_steps,
    calls_in_words,
    in_words,
    protocol,
    read_rows,
    still,
    summaries,
    unchanged,
    write_rows,
)
from kinscope.variants import parse_variant
from kinscope.workflow.engine.step import in_order
from kinscope.workflow.planning.plan import compared, measurements
from kinscope.workflow.planning.study import Study


def row(value: float, half: float, about: str = "imatinib kinase-dfg-out") -> NullRow:
    return NullRow(instrument="relaxed complexes", residue=315, about=about,
                   value=value, low=value - half, high=value + half)  # fmt: skip


def test_intervals_of_the_right_width_lack_nothing_and_narrow_ones_what_they_lack() -> None:
    draw = np.random.default_rng(5)
    values = draw.normal(scale=0.8, size=4000)
    honest = summaries(row(value, 1.96 * 0.8) for value in values)[0]
    assert honest.holding / honest.rows == pytest.approx(0.95, abs=0.015)
    assert honest.missing < 0.15
    narrow = summaries(row(value, 1.96 * 0.4) for value in values)[0]
    assert narrow.missing == pytest.approx(math.sqrt(0.8**2 - 0.4**2), abs=0.05)
    assert narrow.holding < honest.holding
    biased = summaries(row(value + 1.0, 1.96 * 0.8) for value in values)[0]
    assert biased.mean == pytest.approx(1.0, abs=0.05)
    assert "not zero" in in_words([row(2.0, 0.5)])


def test_a_study_that_changes_nothing_has_two_sides_with_starts_of_their_own() -> None:
    study = Study(PACK, unchanged(315, PACK), still("abl1", ("imatinib",)))
    inputs = compared(study)
    for one, other in (
        (inputs["built/kinase-dfg-out"], inputs["mutant/kinase-dfg-out"]),
        (inputs["relaxed/native/imatinib@kinase-dfg-out"], inputs["relaxed/mutant/imatinib@kinase-dfg-out"]),
    ):
        assert one.key != other.key
        what = "substitutions" if "substitutions" in one.parameters else "residues"
        assert one.parameters[what] == other.parameters[what] == [[315, "T"]]
        assert one.parameters["seed"] != other.parameters["seed"]
    assert measurements(study, inputs).optional_inputs
    with pytest.raises(BadInputError, match="no residue"):
        unchanged(9999, PACK)


def test_calls_rest_on_the_steps_of_a_study_and_on_nothing_that_they_do_not_read() -> None:
    study = Study(PACK, parse_variant("G250E", PACK), still("abl1", ("imatinib", "bosutinib")))
    steps, whole = call_steps(study), compared(study)
    complexes = [role for role in steps if role.startswith("relaxed/")]
    assert {role.split("/")[2] for role in complexes} >= {"imatinib@kinase-dfg-out"}
    assert all(steps[role].key == whole[role].key for role in complexes)
    assert {step.name for step in in_order(list(steps.values()))} == {"native-model", "relaxed-complex"}


def test_rows_of_one_protocol_are_kept_together_and_others_go(tmp_path: Path) -> None:
    path = tmp_path / NULL_FILE
    write_rows(path, [row(0.1, 1.0)], "one")
    write_rows(path, [row(0.2, 1.0, "dasatinib kinase-dfg-in"), row(0.3, 1.0)], "one")
    made_by, rows = read_rows(path)
    assert made_by == "one"
    assert [item.value for item in rows] == [0.2, 0.3]
    write_rows(path, [row(0.4, 1.0)], "two")
    assert [item.value for item in read_rows(path)[1]] == [0.4]


def test_a_call_beside_a_publication() -> None:
    lost = Judged("T315I", "imatinib", "s", relaxed(3.0, 1.0).difference_kcal_per_mol, 2.3)
    missed = Judged("V299L", "dasatinib", "s", relaxed(0.1, 0.5).difference_kcal_per_mol, 1.5)
    unknown = Judged("V299L", "ponatinib", "s", relaxed(0.1, 0.5).difference_kcal_per_mol, None)
    assert (lost.call, lost.truth, missed.call, unknown.truth) == ("lost", "lost", "kept", None)
    assert "2 published: 1 agree, 1 contradict, 0 unresolved" in calls_in_words([lost, missed, unknown])


def test_the_table_that_ships_is_of_this_protocol_and_reads_null() -> None:
    """If this fails, models or protocol changed: kinscope benchmark null --table FILE, and look at it."""
    made_by, rows = read_rows(PACK.directory / NULL_FILE)
    assert made_by == protocol(PACK)
    assert {item.residue for item in rows} >= set(RESIDUES)
    of_energies = [item for item in rows if item.instrument != "contacts"]
    assert sum(item.holds for item in rows) / len(rows) >= 0.90
    assert sum(item.holds for item in of_energies) / len(of_energies) >= 0.90
    by_name = {one.instrument: one for one in summaries(rows)}
    for name in ("rigid docking", "relaxed complexes"):
        assert abs(by_name[name].mean) < 0.2
        assert by_name[name].root_mean_square <= 1.1 * by_name[name].stated

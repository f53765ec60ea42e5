"""What `kinscope analyse` prints of native beside mutant."""

from __future__ import annotations

from kinscope.analysis.statistics import difference
from kinscope.cli.commands.dynamics import _differences
from kinscope.interpretation.words.say import statement
from kinscope.results.trajectories import MeasureComparison

SHORT = "2 x 0.3 ps native and 2 x 0.3 ps mutant"


def compared(label: str, native: list[float], mutant: list[float]) -> MeasureComparison:
    found = difference(native, mutant, unit="Å", sampling=SHORT)
    return MeasureComparison(
        state="kinase-dfg-out",
        name=label,
        label=label,
        unit="Å",
        native_means=tuple(native),
        mutant_means=tuple(mutant),
        difference=found,
    )


def test_what_is_said_of_several_quantities_is_said_once() -> None:
    rows = [compared(label, [1.0], [2.0]) for label in ("radius", "volume", "RMSD")]
    rows.insert(1, compared("distance", [1.0, 1.1, 0.9], [5.0, 5.1, 4.9]))
    several, one = _differences(rows)
    assert several.startswith(statement(rows[0].difference))
    assert several.endswith("in all of: radius; volume; RMSD")
    assert SHORT in several
    assert one == f"distance: {statement(rows[1].difference)}"
    assert "+4.0" in one


def test_nothing_is_said_of_nothing() -> None:
    assert _differences([]) == []

"""Which complexes a benchmark docks where, and what it says of them."""

from __future__ import annotations

from kinscope.validation.redock import Complex, RedockRow, _pairs, summary


class Bench:
    """Says of every two chains that their sites are alike, but for a gatekeeper mutant's."""

    def same_site(self, own: Complex, other: Complex) -> bool:
        return (own.entry == "MUT1") == (other.entry == "MUT1")


def complex_(entry: str, state: str, ccd: str = "STI") -> Complex:
    return Complex(entry=entry, chain="A", ccd=ccd, heavy_atoms=37, dfg=state.split("/")[0], state=state)


ALL = [
    complex_("OUT1", "out/BBAminus/folded"),
    complex_("OUT2", "out/BBAminus/folded"),
    complex_("OUT3", "out/BBAminus/folded"),
    complex_("OUT4", "out/noise/intermediate"),
    complex_("MUT1", "out/BBAminus/folded"),
    complex_("OUT1", "out/BBAminus/folded", "MYR"),
    complex_("IN1", "in/BLAminus/extended", "1N1"),
]


def pairs(cross: bool, most: int) -> list[tuple[str, str]]:
    return [(a.site, b.entry) for a, b in _pairs(Bench(), ALL, cross, most)]  # type: ignore[arg-type]


def test_redocking_is_each_into_its_own() -> None:
    assert [(a.split(":")[0] == b) for a, b in pairs(False, 0)] == [True] * len(ALL)


def test_cross_docking_stays_within_a_state_and_a_site_and_never_goes_home() -> None:
    found = pairs(True, 0)
    assert sorted(found) == [
        ("OUT1:A:STI", "OUT2"), ("OUT1:A:STI", "OUT3"), ("OUT2:A:STI", "OUT1"), ("OUT2:A:STI", "OUT3"),
        ("OUT3:A:STI", "OUT1"), ("OUT3:A:STI", "OUT2"),
    ]  # fmt: skip


def test_a_few_receptors_each_are_not_always_the_same_one() -> None:
    assert len({receptor for _, receptor in pairs(True, 1)}) == 3


def row(top1: float, top3: float, seconds: float) -> RedockRow:
    return RedockRow(
        engine="kinscope", ligand="OUT1:A:STI", receptor="OUT1:A", own=True, top1_angstrom=top1,
        top3_angstrom=top3, core_angstrom=top1, score_kcal_per_mol=-10.0, cpu_seconds=seconds,
    )  # fmt: skip


def test_the_summary_counts_within_two_angstrom_and_gives_wilson_intervals() -> None:
    """3 of 4: 30 to 95 % (Wilson 1927)."""
    said = summary([row(0.5, 0.5, 10.0), row(2.0, 0.4, 20.0), row(1.9, 1.9, 30.0), row(2.01, 1.0, 40.0)])
    assert "75 % ( 30- 95)   3/4" in said
    assert "100 % ( 51-100)   4/4" in said
    assert "144" in said

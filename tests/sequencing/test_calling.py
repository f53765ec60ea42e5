"""Mixtures of known content through the whole of ``kinscope sanger``."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from factories.chromatograph import QUALITIES, abif_bytes, amplicon_of, molecules_of, simulate_read
from kinscope.core.errors import BadInputError
from kinscope.sequencing import SangerResult, Trace, call_variants, read_trace
from kinscope.sequencing.calling.detection import ranges
from kinscope.sequencing.calling.phase import phases
from kinscope.sequencing.model import Call
from kinscope.sequencing.output import write_sample
from kinscope.sequencing.signal.columns import Observation, share_of
from kinscope.sequencing.signal.two_sequences import find_superposition
from kinscope.targets import load_target
from kinscope.variants import parse_variant

PACK = load_target()


@cache
def traces(
    *mixture: tuple[str, float], quality: str = "clean", seed: int = 11, chemistry: int | None = None
) -> tuple[Trace, ...]:
    import tempfile

    molecules = molecules_of(mixture, PACK, amplicon_of(PACK))
    read = []
    with tempfile.TemporaryDirectory() as name:
        for strand in ("forward", "reverse"):
            run = simulate_read(
                molecules,
                strand,
                QUALITIES[quality],
                seed=seed,
                chemistry=seed if chemistry is None else chemistry,
            )
            path = Path(name) / f"{strand}.ab1"
            path.write_bytes(abif_bytes(run, "secret name"))
            read.append(read_trace(path))
    return tuple(read)


@cache
def answer(*mixture: tuple[str, float], quality: str = "clean", seed: int = 11) -> SangerResult:
    return call_variants(traces(*mixture, quality=quality, seed=seed), PACK).result


def test_wild_type_gives_no_call_and_says_what_would_have_been_seen() -> None:
    result = answer(("WT", 1.0))
    assert result.calls == ()
    assert "No substitution above" in result.statement
    assert len(result.coverage) == 512 - 235 + 1
    middle = [item.detection_limit_percent for item in result.coverage if 300 <= item.codon <= 400]
    assert np.median([value for value in middle if value is not None]) < 15


def test_k404e_at_a_fifth_is_found_with_its_share_and_handed_over() -> None:
    result = answer(("K404E", 0.2))
    (call,) = result.calls
    assert call.hgvs_c == "NM_005157.6:c.1210A>G"
    assert call.hgvs_p == "NP_005148.2:p.Lys404Glu"
    assert call.status == "variant"
    assert call.share_low_percent <= 22
    assert call.share_high_percent >= 18
    assert {strand.strand for strand in call.strands} == {"forward", "reverse"}
    assert parse_variant(call.assess_expression, PACK).short == "K404E"


def test_the_known_polymorphism_is_named_as_one() -> None:
    (call,) = answer(("c.740A>G", 1.0)).calls
    assert call.status == "known polymorphism"
    assert "K247R" in call.name
    assert call.share_percent > 90
    assert call.citations


def test_two_majorities_are_proven_to_be_on_one_molecule() -> None:
    result = answer(("E255K/T315I", 0.8))
    assert {call.short for call in result.calls} == {"p.Glu255Lys", "p.Thr315Ile"}
    (phase,) = result.phases
    assert phase.verdict == "compound"
    assert 30 < phase.both_low_percent < 80
    assert parse_variant(phase.assess_expression, PACK).short == "E255K/T315I"


def test_two_minorities_cannot_be_told_apart_or_together() -> None:
    in_trans = answer(("E255K", 0.25), ("T315I", 0.25))
    in_cis = answer(("E255K/T315I", 0.25))
    for result in (in_trans, in_cis):
        (phase,) = result.phases
        assert phase.verdict == "cannot be told"
        assert phase.both_low_percent == 0
        assert phase.assess_expression == ""


@pytest.mark.parametrize(("share", "tolerance"), [(0.15, 6), (0.3, 8), (0.6, 10)])
def test_the_exon_7_deletion_is_a_splice_artefact_with_its_share(share: float, tolerance: float) -> None:
    calls = answer(("c.1086_1270del", share)).calls
    (call,) = [item for item in calls if item.kind == "splice"]
    assert call.hgvs_c == "NM_005157.6:c.1086_1270del"
    assert call.status == "splice artefact"
    assert call.share_percent == pytest.approx(100 * share, abs=tolerance)
    assert call.assess_expression == ""
    assert len(calls) == 1


def test_the_insertion_of_35_bases_is_recognised_by_place_and_length() -> None:
    (call,) = answer(("c.1423_1424ins35", 0.3)).calls
    assert call.name == "35INS"
    assert call.hgvs_c == "NM_005157.6:c.1423_1424ins35"
    assert call.status == "splice artefact"
    assert call.share_percent == pytest.approx(30, abs=8)


@pytest.mark.parametrize("name", ["c.1000del", "c.1100_1102del", "c.1053_1055dup"])
def test_small_indels_are_found_at_their_place(name: str) -> None:
    (call,) = answer((name, 0.35)).calls
    shift = {"c.1000del": -1, "c.1100_1102del": -3, "c.1053_1055dup": 3}[name]
    assert call.kind == ("insertion" if shift > 0 else "deletion")
    start = int("".join(c for c in call.hgvs_c.partition(":c.")[2].split("_")[0] if c.isdigit()))
    assert abs(start - int("".join(c for c in name.split("_")[0] if c.isdigit()))) <= 4
    assert call.share_percent == pytest.approx(35, abs=9)


def test_a_complete_deletion_is_found_too() -> None:
    (call,) = answer(("c.1100_1102del", 1.0)).calls
    assert call.kind == "deletion"
    assert call.share_percent > 85


def test_one_strand_alone_is_to_be_confirmed() -> None:
    forward, _ = traces(("K404E", 0.5))
    (call,) = call_variants([forward], PACK).result.calls
    assert call.status == "to be confirmed"


def test_strands_may_come_in_any_order() -> None:
    forward, reverse = traces(("K404E", 0.2))
    first = call_variants([forward, reverse], PACK).result
    second = call_variants([reverse, forward], PACK).result
    assert [call.hgvs_c for call in first.calls] == [call.hgvs_c for call in second.calls]
    assert first.coverage == second.coverage


def limits(result: SangerResult) -> list[float]:
    return [item.detection_limit_percent for item in result.coverage if item.detection_limit_percent]


@pytest.mark.parametrize(("mixture", "quality"), [(("V268E", 0.06), "clean"), (("K404E", 0.2), "typical")])
def test_the_same_trace_given_twice_is_no_evidence(mixture: tuple[str, float], quality: str) -> None:
    """Neither a file given twice nor the run saved anew, scaled to other units."""
    forward, reverse = traces(mixture, quality=quality)
    again = [replace(trace, channels=np.round(trace.channels * 0.25)) for trace in (forward, reverse)]
    once = call_variants([forward, reverse], PACK).result
    for reads in ([forward, reverse, forward, reverse], [forward, reverse, *again]):
        twice = call_variants(reads, PACK).result
        assert (twice.calls, twice.coverage) == (once.calls, once.coverage)
        assert [note for note in twice.notes if "same trace" in note] == [
            "S3 is the same trace as S1: no evidence, left out.",
            "S4 is the same trace as S2: no evidence, left out.",
        ]


def test_one_strand_given_twice_stays_to_be_confirmed() -> None:
    forward, _ = traces(("K404E", 0.5))
    for result in (call_variants([forward, forward], PACK).result, call_variants([forward], PACK).result):
        assert [call.status for call in result.calls] == ["to be confirmed"]
    deletion = traces(("c.1100_1102del", 0.5))[0]
    rerun = traces(("c.1100_1102del", 0.5), seed=12, chemistry=11)[0]
    (call,) = [c for c in call_variants([deletion, rerun], PACK).result.calls if c.kind == "deletion"]
    assert call.status == "to be confirmed", "two reads of one strand are one strand"


def test_a_re_run_of_a_strand_does_not_halve_its_limit() -> None:
    """Its background repeats with the chemistry: the second run is not a second witness."""
    first, second = (traces(("WT", 1.0), quality="typical", seed=seed, chemistry=31) for seed in (31, 32))
    once = call_variants(first, PACK).result
    twice = call_variants([*first, *second], PACK).result
    assert np.median(limits(twice)) > 0.8 * np.median(limits(once))
    assert twice.calls == ()


def test_a_trace_of_the_sample_is_no_control() -> None:
    forward, reverse = traces(("K404E", 0.2))
    with pytest.raises(BadInputError, match="control"):
        call_variants([forward, reverse], PACK, controls=[forward])


@pytest.mark.parametrize(("share", "strands"), [(1.0, 1), (1.0, 2), (0.4, 2)])
def test_a_control_that_carries_a_variant_would_hide_it(share: float, strands: int) -> None:
    sample = traces(("T315I", 0.3), seed=4)
    mutated = traces(("T315I", share), seed=5)[:strands]
    with pytest.raises(BadInputError, match=r"not wild type: it shows c\.944C>T"):
        call_variants(sample, PACK, controls=mutated)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_control_with_an_inherited_silent_change_is_wild_type(share: float) -> None:
    """c.1497A>G (p.Glu499=, rs2227985) is common among the healthy."""
    control = traces(("c.1497delinsG", share), seed=5)
    result = call_variants(traces(("T315I", 0.3), seed=4), PACK, controls=control).result
    assert result.control_used
    assert [call.short for call in result.calls] == ["p.Thr315Ile"]


def test_a_read_that_no_control_stands_beside_is_named() -> None:
    forward, reverse = traces(("WT", 1.0), seed=6)
    sample = traces(("T315I", 0.3), seed=4)
    both = call_variants(sample, PACK, controls=[forward]).result
    assert both.control_used
    assert any(note.startswith("S2 has no control of its strand") for note in both.notes)
    assert not call_variants(sample[:1], PACK, controls=[reverse]).result.control_used


def test_a_signal_on_one_strand_that_the_other_contradicts_is_no_call() -> None:
    forward, _ = traces(("K404E", 0.4))
    _, reverse = traces(("WT", 1.0))
    result = call_variants([forward, reverse], PACK).result
    assert result.calls == ()
    assert any("c.1210A>G" in note for note in result.notes)


def test_a_control_narrows_the_limit() -> None:
    sample = traces(("T315I", 0.15), quality="typical", seed=21)
    molecules = molecules_of([("WT", 1.0)], PACK, amplicon_of(PACK))
    control = []
    for strand in ("forward", "reverse"):
        run = simulate_read(molecules, strand, QUALITIES["typical"], seed=99, chemistry=21)
        control.append(
            Trace(sample[0].info, run.channels.astype(float), run.positions, run.bases, run.qualities)
        )
    alone = call_variants(sample, PACK).result
    beside = call_variants(sample, PACK, controls=control).result
    assert beside.control_used

    def median(result: SangerResult) -> float:
        return float(
            np.median([i.detection_limit_percent for i in result.coverage if i.detection_limit_percent])
        )

    assert median(beside) < median(alone)


def test_nothing_identifies_the_sample_unless_asked(tmp_path: Path) -> None:
    sample = call_variants(traces(("K404E", 0.2)), PACK)
    for path in write_sample(sample, PACK, tmp_path / "out"):
        assert b"secret name" not in path.read_bytes()
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/", "")
    assert "p.Lys404Glu" in page
    loaded = SangerResult.model_validate_json((tmp_path / "out" / "result.json").read_text())
    assert loaded == sample.result


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0.05, 0.95), noise=st.floats(0.005, 0.05), relative=st.floats(0.1, 0.3))
def test_exact_heights_give_the_share_within_the_interval(
    share: float, noise: float, relative: float
) -> None:
    seen = Observation(excess=share, excess_sd=noise, present=1 - share, height_sd=relative)
    one, two = share_of([seen]), share_of([seen, seen])
    assert one.low - 0.02 <= share <= one.high + 0.02
    assert two.high - two.low <= one.high - one.low + 0.005
    repeated = share_of([seen, seen], ["forward", "forward"])
    assert repeated.high - repeated.low == pytest.approx(one.high - one.low)


def test_reads_that_disagree_give_a_wider_interval() -> None:
    low = Observation(0.1, 0.01, 0.9, 0.1)
    high = Observation(0.4, 0.01, 0.6, 0.1)
    agreeing, disagreeing = share_of([low, low]), share_of([low, high])
    assert disagreeing.high - disagreeing.low > 2 * (agreeing.high - agreeing.low)


def substitution(name: str, low: float, high: float, codon: int) -> Call:
    return Call(
        hgvs_c=f"NM_005157.6:{name}", hgvs_p="NP_005148.2:p.Xaa", kind="substitution", first_codon=codon,
        last_codon=codon, share_percent=(low + high) / 2, share_low_percent=low, share_high_percent=high,
        assess_expression=f"NM_005157.6:{name}",
    )  # fmt: skip


@given(st.tuples(*[st.floats(0, 100)] * 4))
@example((100.0, 100.0, 28.999999999999986, 28.999999999999986))
def test_what_is_said_of_phase_holds_for_every_arrangement(values: tuple[float, ...]) -> None:
    one = substitution("c.763G>A", *sorted(values[:2]), 255)
    two = substitution("c.944C>T", *sorted(values[2:]), 315)
    (phase,) = phases([one, two])
    assert 0 <= phase.both_low_percent <= phase.both_high_percent <= 100
    largest = max(0.0, one.share_high_percent + two.share_high_percent - 100)
    assert phase.both_low_percent <= largest + 1e-9


def test_ranges_of_codons() -> None:
    assert ranges([5, 1, 2, 3, 9, 10]) == "1-3, 5, 9-10"
    assert ranges([]) == ""


def test_noise_alone_is_no_shifted_sequence() -> None:
    rng = np.random.default_rng(3)
    native = rng.integers(0, 4, 600)
    relative = rng.exponential(0.05, (600, 4))
    relative[np.arange(600), native] += 1
    assert find_superposition(relative, native, np.ones(600, dtype=bool)) is None


def test_widening_peaks_are_no_lost_base() -> None:
    """Both neighbours show through alike at the end of a read."""
    rng = np.random.default_rng(4)
    native = rng.integers(0, 4, 600)
    relative = rng.exponential(0.02, (600, 4))
    rows = np.arange(1, 599)
    relative[np.arange(600), native] += 1
    for neighbour in (-1, 1):
        relative[rows, native[rows + neighbour]] += np.linspace(0, 0.25, 598)
    assert find_superposition(relative, native, np.ones(600, dtype=bool)) is None

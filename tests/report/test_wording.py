"""What the report says in words: nothing claimed past its instrument, numbers with their units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import factories.report as factory
from factories.interpretation import difference, measurements, pocket, region, variant
from kinscope.interpretation.findings import left_out, of_region, structural_finding, verdict_of
from kinscope.interpretation.motion import motion_questions
from kinscope.report.files import DifferenceTrack, ReportFiles
from kinscope.report.page import report_html
from kinscope.report.plots.canvas import drawing
from kinscope.report.plots.mobility import draw_difference
from kinscope.report.text import Names, link_citations, source_link, typeset
from kinscope.results.measured import Contact, ContactChange, Difference, PocketComparison
from kinscope.targets import load_target

PACK = load_target("abl1")


def test_code_is_shown_as_code_and_cannot_break_out() -> None:
    assert link_citations("ask by `--state open-dfg-in` again") == (
        "ask by <code>--state open-dfg-in</code> again"
    )
    assert "<b>" not in link_citations("`<b>`")
    assert "href" not in source_link("`x`, 2024", "`x`")


def test_a_number_stays_with_its_unit_and_times_is_no_letter() -> None:
    kept = str(link_citations("73 % of 3 x 0.1 ps")).replace("\N{NO-BREAK SPACE}", "_")
    assert kept == "73_% of 3_×_0.1_ps"
    assert typeset("axis x 3, 0x10") == "axis x 3, 0x10"


def small(p_value: float, adjusted: float | None = None) -> Difference:
    return difference(0.02, 0.018, 0.027).model_copy(
        update={
            "smallest_meaningful": 0.05,
            "outcome": "no-change",
            "p_value": p_value,
            "adjusted_p_value": adjusted,
        }
    )


@pytest.mark.parametrize(
    ("p_value", "adjusted", "zero"), [(0.001, None, False), (0.001, 0.2, True), (0.4, None, True)]
)
def test_too_small_to_count_is_not_the_same_as_nothing(
    p_value: float, adjusted: float | None, zero: bool
) -> None:
    assert verdict_of(small(p_value, adjusted)).endswith("though not zero") is not zero


def test_small_fluctuations_keep_their_digits() -> None:
    row = region(method="md", native_rmsf_angstrom=0.058, mutant_rmsf_angstrom=0.063)
    assert of_region(row, PACK).result.startswith("0.058 and 0.063 Å")


def in_pocket(volume: float, moved: float) -> PocketComparison:
    change = difference(volume, None, None).model_copy(
        update={"outcome": "too-few-replicas", "smallest_meaningful": 20.0}
    )
    return pocket().model_copy(
        update={"volume_difference_cubic_angstrom": change, "side_chain_rmsd_angstrom": moved}
    )


@pytest.mark.parametrize(
    ("volume", "moved", "told"), [(1.1, 0.002, True), (1.1, 0.2, False), (40.0, 0.0, False)]
)
def test_a_pocket_no_atom_of_which_moved_is_unmoved_whatever_the_grid_says(
    volume: float, moved: float, told: bool
) -> None:
    study = measurements(pockets=(in_pocket(volume, moved),))
    asked = {q.id: q for q in motion_questions(variant("K404E"), study, PACK)}
    found = asked["pocket myristate_pocket"].findings
    assert found[0].verdict.startswith("cannot tell: the mutant was rebuilt elsewhere") is told


def test_what_would_settle_a_claim_stands_in_its_row(tmp_path: Path) -> None:
    asked = motion_questions(variant("K404E"), measurements(), PACK)
    settled = [question for question in asked if question.settled_by]
    assert len(settled) == 4
    study = factory.study(variant=variant("K404E"), assessment=factory.assessment(questions=asked))
    page = report_html(study, factory.report_files(tmp_path), PACK)
    for question in settled:
        row = page.partition(f'<tr id="motion-{question.id.replace(" ", "-")}">')[2].partition("</tr>")[0]
        assert row.replace("\N{NO-BREAK SPACE}", " ").endswith(f"<td>{question.settled_by}</td>")
    head = page.partition('<table class="motion">')[2].partition("</tr>")[0]
    assert head.endswith('<th scope="col">What would settle it</th>')


def change(state: str, partner: int, kind: str, way: str) -> ContactChange:
    contact = Contact(
        residue=404, residue_name="LYS", partner=partner, partner_name="GLU", kind=kind,
        distance_angstrom=3.0, atoms="NZ - OE1",
    )  # fmt: skip
    return ContactChange.model_validate(
        {"state": state, "contact": contact, "change": way, "fraction_of_alternatives": 1.0}
    )


def test_the_finding_is_what_every_state_loses() -> None:
    k404e, states = variant("K404E"), ("kinase-dfg-in", "kinase-dfg-out")
    everywhere = [change(state, 439, "hydrogen bond", "lost") for state in states]
    once = change(states[0], 450, "salt bridge", "lost")
    gained = [change(state, 460, "salt bridge", "gained") for state in states]
    assert structural_finding(k404e, [once, *everywhere, *gained]) == (
        "Lys404 loses its hydrogen bond to Glu439 OE1 in every modelled state (2)."
    )
    assert structural_finding(k404e, everywhere[:1]).endswith("Glu439 OE1 in the modelled state.")
    elsewhere = change("closed-dfg-out", 443, "hydrogen bond", "lost")
    assert structural_finding(k404e, [once, *everywhere, elsewhere]) == (
        "Lys404 loses a hydrogen bond in every modelled state (3), in 2 of them to Glu439 OE1."
    )
    assert structural_finding(k404e, [once, everywhere[0], elsewhere]) == ""
    assert structural_finding(k404e, [once, *gained]).startswith("Glu404 gains its salt bridge with Glu460")
    assert structural_finding(k404e, [once, change(states[1], 450, "salt bridge", "kept")]) == ""


def test_differences_are_drawn_on_one_scale_that_holds_their_bands() -> None:
    residues = tuple(range(240, 260))

    def track(state: str, size: float, band: float) -> DifferenceTrack:
        values = size * np.sin(np.arange(20))
        return DifferenceTrack(
            state=state, residues=residues, difference_angstrom=tuple(values),
            low_angstrom=tuple(values - band), high_angstrom=tuple(values + band),
        )  # fmt: skip

    states = ("kinase-dfg-in", "kinase-dfg-out")
    files = ReportFiles(
        regions=PACK.regions, difference_tracks=(track(states[0], 0.05, 0.12), track(states[1], 0.02, 0.01))
    )
    profiles = [factory.profile(state, name) for state in states for name in ("native", "K404E")]
    with drawing():
        figure = draw_difference(profiles, factory.variant(), files)
    limits = {axes.get_ylim() for axes in figure.axes if axes.get_ylabel()}
    assert len(limits) == 1
    assert limits.pop()[1] >= 0.16


def test_a_bound_drug_stands_in_a_sentence_as_one() -> None:
    names = Names(ReportFiles(drugs=PACK.drugs))
    assert names.bound("imatinib") == " with imatinib"
    assert names.bound("pd166326") == " with PD166326"
    assert (names.bound("mine"), names.bound("")) == (" with mine", "")


def test_what_is_left_out_is_named_as_people_name_it() -> None:
    assert left_out("atp: it binds a form", PACK) == "Left out: ATP: it binds a form."
    assert left_out("axitinib: it binds a form", PACK) == "Left out: axitinib: it binds a form."
    assert left_out("mine: no state holds it", PACK) == "Left out: mine: no state holds it."

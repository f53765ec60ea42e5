"""Times as statements: what they allow together, and which of them contradict."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.clinic.case.schedule import Schedule, parse_date, parse_interval
from kinscope.clinic.case.timing import FAR, Bound, Network, schedule_case
from kinscope.clinic.phenopacket.open import case_of_text

HEAD = "kinscope_case: 1\nid: c\ndisease: ph-all\n"


def schedule(body: str) -> Schedule:
    return schedule_case(case_of_text(HEAD + body, "test"))


@given(st.dates(dt.date(1900, 1, 1), dt.date(2200, 12, 31)))
def test_a_partial_date_spans_exactly_its_month_and_year(day: dt.date) -> None:
    first, last = parse_date(f"{day:%Y-%m}")
    assert first <= day.toordinal() <= last
    assert dt.date.fromordinal(first).day == 1
    assert dt.date.fromordinal(last + 1).day == 1
    year_first, year_last = parse_date(f"{day:%Y}")
    assert year_last - year_first + 1 == (dt.date(day.year + 1, 1, 1) - dt.date(day.year, 1, 1)).days


@pytest.mark.parametrize(
    "text", ["2023-02-29", "2023-13", "23-01-01", "2023-1", "2023-01/2022", "soon", "1/2/2023"]
)
def test_no_such_date(text: str) -> None:
    with pytest.raises(ValueError):
        parse_date(text)


def test_a_spoken_interval_is_a_rounded_figure() -> None:
    low, high = parse_interval("2 months")
    assert low == pytest.approx(1.5 * 365.2425 / 12)
    assert high == pytest.approx(2.5 * 365.2425 / 12)
    assert parse_interval("P3W") == pytest.approx((17.5, 24.5))
    assert parse_interval("10 days") == (10, 10)


BOUNDS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(-40, 40), st.integers(0, 30)).filter(
        lambda b: b[0] != b[1]
    ),
    min_size=1,
    max_size=18,
)


@settings(max_examples=25, deadline=None)
@given(BOUNDS)
def test_a_statement_is_refused_exactly_when_linear_programming_finds_no_solution(
    raw: list[tuple[int, int, int, int]],
) -> None:
    """The same question put to an independent solver (scipy's HiGHS)."""
    from scipy.optimize import linprog

    network = Network(7)
    taken: list[Bound] = []
    for number, (i, j, low, width) in enumerate(raw):
        bound = Bound(i, j, float(low), float(low + width), number)
        rows, limits = [], []
        for b in [*taken, bound]:
            row = np.zeros(7)
            row[b.j], row[b.i] = 1.0, -1.0
            rows += [row, -row]
            limits += [b.high, -b.low]
        solved = linprog(np.zeros(7), A_ub=np.array(rows), b_ub=limits, bounds=[(None, None)] * 7)
        feasible = solved.status == 0
        chain = network.against(bound)
        assert network.add(bound) == feasible
        if feasible:
            taken.append(bound)
        else:
            assert set(chain) <= {b.statement for b in taken}
            alone = Network(7)
            assert all(alone.add(b) for b in taken if b.statement in chain)
            assert not alone.allows(bound), "the chain named must by itself exclude the statement"


@settings(max_examples=25, deadline=None)
@given(BOUNDS)
def test_the_middles_of_the_windows_hold_together(raw: list[tuple[int, int, int, int]]) -> None:
    network = Network(7)
    for at in range(1, 7):
        network.add(Bound(0, at, -100.0, 100.0, 100 + at))
    taken = [b for n, (i, j, low, w) in enumerate(raw) if network.add(b := Bound(i, j, low, low + w, n))]
    middles = [sum(network.between(0, at)) / 2 for at in range(7)]
    for b in taken:
        assert b.low - 1e-6 <= middles[b.j] - middles[b.i] <= b.high + 1e-6


def test_an_open_bound_stays_open() -> None:
    network = Network(3)
    assert network.add(Bound(1, 2, 0.0, FAR, 0))
    assert network.between(0, 2) == (-FAR, FAR)


def test_two_intervals_from_one_entry_contradict_and_the_later_is_set_aside() -> None:
    found = schedule(
        """
events:
  - {id: start, label: Start, when: 2021-07}
  - id: relapse
    label: Relapse
    when: [{after: start, interval: 2 months, words: two months later}, {after: start, interval: 10 months}]
"""
    )
    (conflict,) = found.conflicts
    assert conflict.statement.text == "10 months after start"
    assert conflict.counted_from == "start"
    # 9.5 months at least against 2.5 months at most: seven mean months.
    assert conflict.gap_days == pytest.approx(7 * 365.2425 / 12, abs=0.1)
    place = found.at("relapse")
    assert (place.earliest, place.latest) == (
        round(parse_date("2021-07-01")[0] + 1.5 * 365.2425 / 12),
        round(parse_date("2021-07-31")[0] + 2.5 * 365.2425 / 12),
    )
    assert len(place.elsewhere) == 1


def test_an_interval_that_could_be_counted_from_elsewhere_says_so() -> None:
    found = schedule(
        """
events:
  - {id: early, label: Early, when: 2021-01-01}
  - {id: late, label: Late, when: 2021-07-01}
  - id: relapse
    label: Relapse
    when: [{date: 2021-11-01}, {after: late, interval: 10 months, or_after: [early]}]
"""
    )
    (conflict,) = found.conflicts
    assert conflict.would_hold_from == ("early",)
    assert not conflict.open_reading


def test_order_alone_keeps_the_order_and_says_that_it_is_all_that_is_known() -> None:
    names = [f"e{n}" for n in range(6)]
    middle = "\n".join(
        f"  - {{id: {name}, label: x, when: {{after: {before}}}}}"
        for before, name in zip(["first", *names], names, strict=False)
    )
    found = schedule(
        f"""
events:
  - {{id: first, label: x, when: 2021-01-01}}
  - {{id: last, label: x, when: [2021-12-31, {{after: e5}}]}}
{middle}
"""
    )
    drawn = [found.at(name).drawn for name in ("first", *names, "last")]
    assert drawn == sorted(drawn)
    assert min(np.diff(drawn)) >= 25, "spread over the year, not heaped up"
    assert {found.at(name).basis for name in names} == {"order"}
    assert not found.at("e2").exact


def test_dates_in_the_wrong_order_are_a_contradiction() -> None:
    found = schedule(
        """
treatments:
  - {id: drug, line: 1, drug: imatinib, start: 2022-05-01, stop: 2022-03-01}
"""
    )
    assert len(found.conflicts) == 1


NAMES = ("a", "b", "c", "d", "e")
STATEMENTS = st.one_of(
    st.dates(dt.date(2000, 1, 1), dt.date(2030, 1, 1)).map(lambda d: f"{{date: {d:%Y-%m}}}"),
    st.dates(dt.date(2000, 1, 1), dt.date(2030, 1, 1)).map(lambda d: f"{{date: {d}}}"),
    st.tuples(
        st.sampled_from(["after", "before"]),
        st.sampled_from(NAMES),
        st.sampled_from(["2 weeks", "P3M", "1 year"]),
    ).map(lambda t: f"{{{t[0]}: {t[1]}, interval: {t[2]}}}"),
    st.tuples(st.sampled_from(["after", "before", "same_as"]), st.sampled_from(NAMES)).map(
        lambda t: f"{{{t[0]}: {t[1]}}}"
    ),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(STATEMENTS, min_size=1, max_size=3), min_size=5, max_size=5))
def test_any_tangle_of_statements_is_drawn_and_every_refusal_is_reported(tangle: list[list[str]]) -> None:
    from kinscope.clinic.course.compute import study_case
    from kinscope.clinic.page.output import case_html
    from kinscope.core.errors import BadInputError
    from kinscope.targets import load_target

    lines = [f"  - {{id: {n}, label: x, when: [{', '.join(w)}]}}" for n, w in zip(NAMES, tangle, strict=True)]
    case = case_of_text(HEAD + "events:\n" + "\n".join(lines) + "\n", "x")
    try:
        result = study_case(case, load_target("abl1"))
    except BadInputError as error:
        # Nothing ties an entry to the calendar: each of its statements names another entry.
        where = error.where
        place = re.fullmatch(r"events\[(\d)\]", where)
        assert where == "the case file" or (place and "date:" not in lines[int(place[1])])
        return
    found = result.schedule
    for place in found.placements:
        assert place.earliest <= place.drawn <= place.latest
    said = sum(len(w) for w in tangle)
    assert len(found.conflicts) < said
    assert len([i for i in result.inconsistencies if i.rule.startswith("times")]) == len(found.conflicts)
    assert "</html>" in case_html(result)


def test_a_large_case_is_solved_in_seconds() -> None:
    import time

    rows = [
        f"  - {{id: e{n}, label: x, when: {{after: e{n - 1}, interval: 3 weeks}}}}" for n in range(1, 300)
    ]
    text = HEAD + "events:\n  - {id: e0, label: x, when: 2001-01-01}\n" + "\n".join(rows) + "\n"
    case = case_of_text(text, "x")
    before = time.process_time()
    found = schedule_case(case)
    assert time.process_time() - before < 8
    assert found.at("e299").drawn - found.at("e0").drawn == pytest.approx(299 * 21, abs=2)


def test_relative_days_need_no_calendar() -> None:
    found = schedule(
        "events: [{id: a, label: x, when: day 0}, {id: b, label: x, when: {after: a, interval: 10 days}}]"
    )
    assert found.clock == "relative"
    assert found.at("b").drawn == 10
    assert found.label(10) == "day 10"

"""Signs of sampling, states by region, and presets on other targets: known answers."""

from __future__ import annotations

import numpy as np
import pytest

from kinscope.analysis.sampling import Sampling, region_sampling, worse
from kinscope.analysis.state_mobility import compare_states_by_region
from kinscope.interpretation.words.say import say, statement
from kinscope.results.measured import FluctuationProfile
from kinscope.targets import load_target
from kinscope.variants import parse_variant
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Study
from kinscope.workflow.settings import load_preset, with_changes


def noise(frames: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """A rigid chain of forty atoms that vibrates; the last ten may stand elsewhere."""
    random = np.random.default_rng(seed)
    base = np.cumsum(np.random.default_rng(0).normal(0, 2.0, (40, 3)), axis=0)
    moved = base + random.normal(0, 0.3, (frames, 40, 3))
    moved[:, 30:] += shift
    return moved


CORE = np.arange(30)


def whole(replicas: list[np.ndarray], length_ns: float = 20.0) -> Sampling:
    return region_sampling(replicas, range(40), {"": range(40)}, length_ns=length_ns, core=CORE)[""]


def test_stationary_replicas_support_a_comparison_and_drifting_ones_do_not() -> None:
    drifting = []
    for seed in (1, 2, 3):
        frames = noise(300, seed)
        frames[:, 30:] += np.linspace(0.0, 6.0, 300)[:, None, None]
        drifting.append(frames)
    steady, found = whole([noise(300, seed) for seed in (1, 2, 3)]), whole(drifting)
    assert steady.split_r == pytest.approx(1.0, abs=0.01)
    assert steady.sentence == "supports a comparison"
    assert found.sentence == "nothing on mobility"
    assert worse(steady, found) == found


def test_a_loop_that_is_elsewhere_in_each_replica_decides_on_itself() -> None:
    apart = [noise(300, seed, shift=4.0 * seed) for seed in (0, 1, 2)]
    judged = region_sampling(
        apart, range(40), {"loop": range(30, 40), "core": range(30)}, length_ns=20.0, core=CORE
    )
    assert judged["loop"].sentence == "nothing on mobility"
    assert judged["core"].sentence == "supports a comparison"


def test_too_short_says_so_in_a_unit_people_read() -> None:
    found = whole([noise(2, 1)], 9.6e-5)
    assert "0.096 ps" in say(found.reason)
    assert "e-05" not in say(found.reason)
    found = whole([noise(50, seed) for seed in (1, 2)], 6.2e-4)
    assert "0.62 ps" in say(found.reason)
    assert found.sentence == "nothing on mobility"


def profile(state: str, factor: float) -> FluctuationProfile:
    random = np.random.default_rng(len(state))
    values = 0.5 + random.normal(0, 0.005, (3, 100))
    values[:, 40:60] *= factor
    return FluctuationProfile(
        state=state,
        variant="native",
        residues=tuple(range(1, 101)),
        rmsf_angstrom=tuple(map(tuple, values.tolist())),
        length_ns=0.2,
        superposition="",
    )


def test_states_differ_in_the_region_that_differs() -> None:
    regions = {"loop": range(41, 61), "core": range(1, 30), "outside": range(200, 210)}
    rows = compare_states_by_region(profile("in", 1.0), profile("out", 1.6), regions, ("DFG-in", "DFG-out"))
    found = {row.region: row for row in rows}
    assert set(found) == {"loop", "core"}
    assert found["loop"].residues == 20
    loop = found["loop"].difference
    assert loop.resolved
    assert loop.value == pytest.approx(0.3, abs=0.01)
    assert "in DFG-out" in statement(loop, "DFG-out")
    assert loop.adjusted_p_value is not None
    assert loop.p_value is not None
    assert loop.adjusted_p_value == pytest.approx(2 * loop.p_value)
    assert not found["core"].difference.resolved


@pytest.mark.parametrize("preset", ["quick", "standard", "paper"])
def test_a_preset_says_nothing_of_drugs_and_states_that_another_target_lacks(preset: str) -> None:
    src = load_target("src")
    settings = with_changes(load_preset(preset), target="src")
    planner = Study(src, parse_variant("T341I", src), settings)
    skipped = " ".join(plan_study(planner).skipped)
    assert "imatinib" not in skipped
    assert "ponatinib" not in skipped
    assert planner.dynamics_ligands == ("dasatinib",)
    assert planner.dynamics_states == ("kinase-dfg-in",)


def test_what_the_user_names_is_still_told() -> None:
    src = load_target("src")
    settings = with_changes(load_preset("standard"), target="src", dynamics={"ligands": ("imatinib",)})
    plan = plan_study(Study(src, parse_variant("T341I", src), settings))
    assert any("imatinib" in text and "no such drug" in text for text in plan.skipped)

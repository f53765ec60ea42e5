"""Signs of sampling, states by region, and presets on other targets: known answers."""

from __future__ import annotations

import numpy as np
import pytest

from kinscope.analysis.sampling import Sampling, compare_states_by_region, region_sampling
from kinscope.interpretation.words.say import statement
from kinscope.results.measured import FluctuationProfile
from kinscope.results.notes import note
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


def test_of_replicas_in_different_places_nothing_is_said_where_they_differ() -> None:
    apart = [noise(300, seed, shift=4.0 * seed) for seed in (0, 1, 2)]
    # The whole hides one loop: its own region is what decides on it.
    judged = region_sampling(
        apart, range(40), {"loop": range(30, 40), "core": range(30)}, length_ns=20.0, core=CORE
    )
    assert judged["loop"].sentence == "nothing on mobility"
    assert judged["core"].sentence == "supports a comparison"


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
    enough = Sampling(
        replicas=3,
        length_ns=20.0,
        split_r=1.0,
        independent_frames=100.0,
        sentence="supports a comparison",
        reason=note("parts-agree", split_r=1.0, replicas=3, length_ns=20.0),
    )
    rows = compare_states_by_region(
        profile("in", 1.0),
        profile("out", 1.6),
        regions,
        ("DFG-in", "DFG-out"),
        dict.fromkeys(regions, (enough, enough)),
    )
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
    settings = with_changes(load_preset(preset), target="src", dynamics={"budget_minutes": 6.0})
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

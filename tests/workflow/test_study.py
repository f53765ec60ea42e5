"""Plans, settings and run directories of a study."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from factories.presets import whole_quick
from kinscope.core.errors import BadInputError, RunDirectoryError, SettingsError, UnsupportedVariantError
from kinscope.results.docking import RelaxedSettings
from kinscope.targets import load_target, target_names
from kinscope.variants import parse_variant
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.packs.native_results import native_steps, shipped_store
from kinscope.workflow.planning.catalogue import STAGES
from kinscope.workflow.planning.docking import docking_steps, row_steps, searched_states
from kinscope.workflow.planning.dynamics import replica_steps
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.reach import open_drugs
from kinscope.workflow.planning.study import Pace, Study
from kinscope.workflow.rundir import locked, new_study, open_or_create
from kinscope.workflow.settings import PRESETS, StudySettings, load_preset, load_settings, with_changes

PACK = load_target("abl1")


def planner(expression: str, settings: StudySettings | None = None, workers: float = 2.0) -> Study:
    return Study(PACK, parse_variant(expression, PACK), settings or whole_quick(), pace=Pace(workers))


def steps_by_key(expression: str, **options: object) -> dict[str, Step]:
    return {step.key: step for step in in_order([plan_study(planner(expression, **options)).report])}  # type: ignore[arg-type]


def test_two_variants_share_all_native_work_and_nothing_else() -> None:
    """Those of one position all of it, others what no position enters into."""
    first, same, other = (steps_by_key(variant) for variant in ("K404E", "K404N", "T315I"))
    assert first.keys() & same.keys() == {key for key, step in first.items() if step.shared}
    shared = first.keys() & other.keys()
    assert {step.name for key, step in first.items() if key in shared} == {
        "native-model", "docking", "solvated", "solvated-bound", "speed", "replica",
    }  # fmt: skip
    assert all("K404" not in first[key].label for key in shared)


def test_every_stage_has_a_name_of_its_own_and_a_function_that_is_there() -> None:
    functions = [stage.function for stage in STAGES.values()]
    assert len(set(functions)) == len(functions) == 20
    for name, stage in STAGES.items():
        module, _, function = stage.function.partition(":")
        assert callable(getattr(importlib.import_module(module), function)), name
    planned = {step.stage for step in steps_by_key("K404E").values()}
    assert planned <= set(STAGES.values())


def test_the_same_variant_spelt_otherwise_needs_the_same_models_and_docking() -> None:
    first, second = steps_by_key("K404E"), steps_by_key("NM_005157.6(ABL1):c.1210A>G")
    differing = {first[key].name for key in first.keys() - second.keys()}
    assert differing <= {"measurements", "report"}


def test_a_plan_holds_native_and_mutant_in_triplicate_apo_and_bound() -> None:
    """Both kinase-domain states, and the DFG-out one with imatinib."""
    replicas = replica_steps(planner("K404E"))
    assert len(replicas) == 2 * 3 * 3
    # The comparison takes replicas for independent, of the two sides as well: noise of its own for each.
    assert len({step.parameters["seed"] for step in replicas.values()}) == 18
    assert planner("K404E").share_seconds == 6 * 60 * 2 / 18


def test_every_drug_goes_into_the_state_it_binds() -> None:
    docked = docking_steps(planner("K404E"))
    states = {drug: step.parameters["state"] for (_, drug), step in docked.items()}
    assert {"imatinib", "nilotinib", "dasatinib", "bosutinib", "ponatinib", "asciminib"} <= states.keys()
    assert states["imatinib"] == states["nilotinib"] == states["ponatinib"] == "kinase-dfg-out"
    assert states["dasatinib"] == "kinase-dfg-in"
    assert states["asciminib"] == "closed-dfg-out"


def test_a_variant_of_the_sh2_domain_is_modelled_where_there_is_an_sh2_domain() -> None:
    plan = planner("G109D")
    assert plan.states == ("closed-dfg-out",)
    assert any("kinase domain" in text for text in plan.skipped)
    assert {drug for _, drug in docking_steps(plan)} >= {"asciminib"}
    assert not replica_steps(plan)


def test_a_variant_that_no_model_holds_is_refused_with_what_can_be_modelled() -> None:
    with pytest.raises(UnsupportedVariantError, match="No model of ABL1 holds T1000A"):
        planner("T1000A")


@pytest.mark.parametrize(
    ("expression", "drugs"),
    [
        ("K404E", set()),  # out of reach of every drug
        ("T315I", set()),  # published evidence decides
        ("V299L", set()),  # and a prediction on olverembatinib, which few may give
        ("E255K/T315I", set()),  # a part decides
        ("A380T", {"imatinib", "nilotinib"}),  # of five open ones the likeliest lost
    ],
)
def test_quick_runs_models_of_what_could_change_a_verdict(expression: str, drugs: set[str]) -> None:
    assert open_drugs(PACK, parse_variant(expression, PACK)) == drugs
    assert set(planner(expression, load_preset("quick")).drugs) == drugs


def test_no_dynamics_where_none_is_asked_for() -> None:
    settings = with_changes(whole_quick(), dynamics={"budget_minutes": 0})
    assert not replica_steps(planner("K404E", settings))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_hold_and_survive_being_written_and_read(name: str, tmp_path: Path) -> None:
    import yaml

    settings = load_preset(name).checked(PACK)
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    assert load_settings(path) == settings


def test_no_preset_searches_for_a_binding_mode_that_is_known() -> None:
    """`standard` and `paper` searched the whole site, and declined where `quick` answers."""
    effort = []
    for name in PRESETS:
        docking = load_preset(name).docking
        assert docking.mode == "from known pose"
        effort.append((docking.seeds, docking.starts * docking.steps, docking.exhaustiveness))
    assert effort == sorted(effort)


def test_every_preset_relaxes_the_complexes_that_quick_calls_by() -> None:
    """What a call rests on is one step with one key: where `quick` answers, the costlier presets do."""

    def relaxed(preset: str) -> dict[tuple[str, str], dict[str, str]]:
        rows = row_steps(planner("T315I", load_preset(preset)), RelaxedSettings())
        return {
            row: {role: one.key for role, one in step.inputs.items() if role.startswith("relaxed/")}
            for row, step in rows.items()
        }

    quick = relaxed("quick")
    assert quick["imatinib", "kinase-dfg-out"].keys() == {"relaxed/native", "relaxed/mutant"}
    for preset in PRESETS:
        assert relaxed(preset).items() >= quick.items()


def test_an_own_ligand_is_searched_for_where_co_crystals_of_its_site_fit_besides() -> None:
    study = planner("T315I", load_preset("quick"))
    assert searched_states(study, "atp") == (*study.states, "kinase-dfg-inter")
    named = planner("T315I", with_changes(load_preset("quick"), states=("kinase-dfg-out",)))
    assert searched_states(named, "atp") == ("kinase-dfg-out",)


def test_unknown_states_and_drugs_are_refused_by_name() -> None:
    with pytest.raises(BadInputError, match="imatinib"):
        planner("K404E", with_changes(whole_quick(), drugs=("aspirin",)))
    with pytest.raises(SettingsError):
        with_changes(whole_quick(), dynamics={"replicas": 0})


def test_a_run_directory_keeps_to_its_study(tmp_path: Path) -> None:
    settings = whole_quick()
    open_or_create(tmp_path / "run", new_study(parse_variant("K404E", PACK), settings, created="2026-11-22"))
    again = open_or_create(
        tmp_path / "run", new_study(parse_variant("p.Lys404Glu", PACK), settings, created="2026-12-01")
    )
    assert again.created == "2026-11-22"
    with pytest.raises(RunDirectoryError, match="another variant"):
        open_or_create(
            tmp_path / "run", new_study(parse_variant("T315I", PACK), settings, created="2026-11-22")
        )
    with pytest.raises(RunDirectoryError, match="other settings"):
        open_or_create(
            tmp_path / "run",
            new_study(parse_variant("K404E", PACK), with_changes(settings, seed=1), created="2026-11-22"),
        )


def test_two_processes_do_not_work_in_one_run_directory(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(RunDirectoryError, match="Another kinscope"), locked(tmp_path):
        pass


def test_the_shipped_native_results_are_those_that_studies_ask_for() -> None:
    asked = [(PACK, [step for step in steps_by_key("K404E").values() if step.shared])]
    asked += [(load_target(name), native_steps(load_target(name))) for name in target_names()]
    missing = [
        step.label
        for pack, steps in asked
        for step in steps
        if step.name == "docking" and step.inputs["model"].name == "native-model"
        if shipped_store(pack).find(step) is None
    ]
    assert not missing, "python benchmarks/native_results.py; then commit what it changed"

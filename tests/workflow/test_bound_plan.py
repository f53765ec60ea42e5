"""Bound replicas in the plan of a study: an identity of their own, and only where they belong."""

from __future__ import annotations

import shutil

import pytest

from factories.presets import whole_quick
from kinscope.ligands.parameters.shipped import SHIPPED, directory_for
from kinscope.targets import load_target
from kinscope.variants import parse_variant
from kinscope.workflow.engine.step import in_order
from kinscope.workflow.planning.dynamics import replica_steps, solvated_bound
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Study
from kinscope.workflow.settings import load_preset, with_changes

PACK = load_target("abl1")


def planner(*ligands, pack=PACK, **dynamics):
    settings = with_changes(whole_quick(), dynamics={"ligands": ligands, **dynamics})
    return Study(pack, parse_variant("K404E", pack), settings)


def test_a_bound_replica_has_its_own_name_and_key_and_runs_beside_the_apo_one():
    steps = replica_steps(planner("imatinib", budget_minutes=None))
    apo, bound = steps["mutant", "kinase-dfg-out", 0], steps["mutant", "kinase-dfg-out+imatinib", 0]
    assert "Imatinib" in bound.label
    assert "Imatinib" not in apo.label
    assert apo.key != bound.key
    assert bound.parameters["ligand"] == "imatinib"
    assert bound.parameters["seed"] != apo.parameters["seed"]
    needed = {step.label for step in in_order([bound])}
    assert any("Imatinib into K404E" in label for label in needed)  # the pose comes from docking
    assert any("native with Imatinib" in label for label in needed)  # the water from the bound native


def test_apo_replicas_of_a_fixed_length_are_the_same_with_and_without_ligands():
    without = replica_steps(planner(budget_minutes=None))
    beside = replica_steps(planner("imatinib", budget_minutes=None))
    assert set(without) < set(beside)
    assert all(step.key == beside[name].key for name, step in without.items())


def test_a_budget_is_shared_with_the_bound_replicas():
    alone, shared = planner(budget_minutes=8), planner("imatinib", "dasatinib", budget_minutes=8)
    assert shared.share_seconds == pytest.approx(alone.share_seconds / 2)


def test_a_study_carries_bound_replicas_under_their_own_role():
    plan = plan_study(planner("dasatinib", budget_minutes=None))
    roles = [role for role in plan.report.inputs if role.startswith("bound/")]
    assert sorted(roles) == [f"bound/{side}/dasatinib/{n}" for side in ("mutant", "native") for n in range(3)]


@pytest.mark.parametrize(
    ("ligand", "why"),
    [
        ("nonesuch", "no such drug"),
        ("axitinib", "is not simulated here"),
        ("atp", "no force-field parameters"),
        ("asciminib", "is not simulated here"),
    ],
)
def test_what_cannot_be_simulated_bound_is_said(ligand, why):
    plan = plan_study(planner(ligand, "imatinib", budget_minutes=None))
    assert any(text.startswith(ligand) and why in text for text in plan.skipped)
    assert any(role.startswith("bound/native/imatinib") for role in plan.report.inputs)
    assert not any(f"/{ligand}/" in role for role in plan.report.inputs if role.startswith("bound/"))


def test_presets_bind_the_drugs_of_the_states_they_simulate():
    assert planner().dynamics_ligands == ()  # the user wants none

    def given(preset):
        return whole_quick() if preset == "quick" else load_preset(preset)

    def bound(preset):
        return Study(PACK, parse_variant("K404E", PACK), given(preset)).dynamics_ligands

    assert bound("quick") == ("imatinib",)
    assert set(bound("standard")) == {"imatinib", "ponatinib", "dasatinib"}
    assert set(bound("paper")) == {"imatinib", "ponatinib", "dasatinib", "asciminib", "myristate"}


def test_other_parameters_make_another_system(tmp_path):
    shutil.copytree(PACK.directory, tmp_path / "pack")
    pack = load_target(str(tmp_path / "pack"))
    drug = pack.drug("imatinib")
    assert directory_for(pack, drug) == SHIPPED
    before = solvated_bound(planner("imatinib", pack=pack, budget_minutes=None), "native", "imatinib")
    own = tmp_path / "pack" / "parameters"
    own.mkdir()
    text = (SHIPPED / "imatinib.xml").read_text() + "<!-- another -->\n"
    (own / "imatinib.xml").write_text(text)
    from hashlib import sha256

    record = (SHIPPED / "imatinib.json").read_text()
    old = sha256((SHIPPED / "imatinib.xml").read_bytes()).hexdigest()
    (own / "imatinib.json").write_text(record.replace(old, sha256(text.encode()).hexdigest()))
    assert directory_for(pack, drug) == own
    after = solvated_bound(planner("imatinib", pack=pack, budget_minutes=None), "native", "imatinib")
    assert before.key != after.key

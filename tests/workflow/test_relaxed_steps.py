"""The steps of relaxed complexes: which are planned, and what a study makes of their sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from factories.docking import model, pose
from factories.presets import whole_quick
from factories.relaxed import side
from kinscope.docking.table.differences import distance_to_residues
from kinscope.results.docking import RelaxedSettings
from kinscope.targets import load_target
from kinscope.variants import parse_variant
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.engine.step import in_order
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Study
from kinscope.workflow.settings import with_changes
from kinscope.workflow.stages.collect import _Inputs, _relaxed
from kinscope.workflow.stages.files import write_models, write_records
from kinscope.workflow.stages.relaxed import SIDE, relax_side

PACK = load_target("abl1")


def planner(variant: str, **changes: object) -> Study:
    settings = with_changes(whole_quick(), **changes)
    return Study(PACK, parse_variant(variant, PACK), settings)


def relaxed_roles(variant: str, **changes: object) -> set[str]:
    study = plan_study(planner(variant, **changes))
    measured = next(step for step in in_order([study.report]) if step.name == "measurements")
    return {role for role in measured.inputs if role.startswith("relaxed")}


def test_a_far_variant_adds_no_step() -> None:
    assert relaxed_roles("K404E") == set()


def test_a_near_one_adds_two_sides_a_drug_in_the_states_that_hold_it() -> None:
    roles = relaxed_roles("T315I")
    assert {"relaxed/native/imatinib@kinase-dfg-out", "relaxed/mutant/imatinib@kinase-dfg-out"} <= roles
    # Bosutinib stands 0.9 A off its crystal in the own state's model, 0.5 in the further one.
    assert "relaxed/mutant/bosutinib@kinase-dfg-inter" in roles
    assert "relaxed/mutant/bosutinib@kinase-dfg-in" not in roles
    assert "relaxed-model/kinase-dfg-inter" in roles
    # The gatekeeper is not near the myristate pocket.
    assert not any("asciminib" in role or "myristate" in role for role in roles)


def test_named_states_keep_further_ones_out() -> None:
    roles = relaxed_roles("T315I", states=("kinase-dfg-in",))
    assert roles == {f"relaxed/{side}/dasatinib@kinase-dfg-in" for side in ("native", "mutant")}


def context(tmp_path: Path, inputs: dict[str, Path], **parameters: object) -> StepContext:
    for name in ("out", "scratch", "control"):
        (tmp_path / name).mkdir()
    return StepContext(
        parameters, inputs, tmp_path / "out", tmp_path / "scratch", _control=tmp_path / "control"
    )


def test_sides_become_a_comparison_with_its_pose_and_distance(tmp_path: Path) -> None:
    inputs = {}
    for name, values in (("native", [-70.0, -70.4, -69.8]), ("mutant", [-66.0, -66.5, -65.8])):
        inputs[f"relaxed/{name}/imatinib@kinase-dfg-out"] = tmp_path / name
        (tmp_path / name).mkdir()
        write_records(tmp_path / name / SIDE, [side(values)])
    study = _Inputs(context(tmp_path, inputs))
    protein = model("kinase-dfg-out")
    variant = parse_variant("T315I", PACK)
    found = list(_relaxed(study, PACK, variant, {"kinase-dfg-out": [(protein, None)]}))  # type: ignore[list-item]
    assert [(item.drug, item.state, item.variant) for item in found] == [
        ("imatinib", "kinase-dfg-out", "T315I")
    ]
    assert found[0].difference_kcal_per_mol.value == pytest.approx(3.967, abs=0.01)
    assert found[0].reference == "2HYY:A:STI"
    assert 0.0 < found[0].reference_to_crystal_angstrom < 1.0
    assert found[0].distance_to_variant_angstrom == distance_to_residues(protein, pose("imatinib")[0], [315])


def test_a_side_without_a_near_residue_leaves_an_empty_record(tmp_path: Path) -> None:
    from kinscope.structures.reference.build import reference_model

    (tmp_path / "model").mkdir()
    write_models(tmp_path / "model", [reference_model(PACK, "kinase-dfg-out")])
    step = context(
        tmp_path, {"native": tmp_path / "model"}, target="abl1", drug="imatinib", state="kinase-dfg-out",
        side="mutant", residues=[[404, "E"]], settings=RelaxedSettings().model_dump(mode="json"), seed=1,
    )  # fmt: skip
    relax_side(step)
    assert (tmp_path / "out" / SIDE).read_text().strip() == "[]"

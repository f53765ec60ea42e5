"""The docking table: what people read and what machines read."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinscope.cli.docking_table import WIDTH, table_csv, table_lines
from kinscope.ligands.user import read_given
from kinscope.results.docking import Call, DockedSide, DockingRow, HelixBend, RelaxedSettings
from kinscope.results.measured import Difference, StateFit
from kinscope.results.notes import Note
from kinscope.targets import load_target
from kinscope.variants import parse_variant
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.planning.docking import docking, row_steps
from kinscope.workflow.planning.study import Study
from kinscope.workflow.settings import load_preset, with_changes
from kinscope.workflow.single_runs import StageDone, StageRequest, dock_alone
from kinscope.workflow.stages.docking import FOUND_POSES, MUTANT_POSE, NATIVE_POSE, ROWS
from kinscope.workflow.stages.files import write_records

PACK = load_target("abl1")


def side(score: float, contacts: tuple[str, ...] = ()) -> DockedSide:
    return DockedSide(
        score_kcal_per_mol=score, spread_kcal_per_mol=0.2, searches=3, rmsd_to_known_angstrom=0.4,
        strain_kcal_per_mol=4.0, contacts=contacts, valid=score < 0, problems=() if score < 0 else ("in it",),
    )  # fmt: skip


def row(name: str, value: float, half: float, lost: tuple[str, ...] = (), word: str = "kept") -> DockingRow:
    low, high = value - half, value + half
    item = Difference(
        value=value,
        low=low,
        high=high,
        native_replicas=3,
        mutant_replicas=3,
        resolved=low > 0,
        outcome="higher" if low > 0 else "unresolved",
    )
    return DockingRow(
        drug=name.lower(), name=name, binding_type="type II", site="atp", state="kinase-dfg-out",
        state_label="kinase domain, DFG-out", own_state="kinase-dfg-out", variant="T315I", outcome="docked",
        native=side(-12.2), mutant=side(-12.2 + value), difference_kcal_per_mol=item, contacts_lost=lost,
        distance_to_variant_angstrom=3.3, reference="2HYY:A:STI",
        call=Call(word=word, reason=Note.model_validate("measured"), measured_by="rigid docking"),  # type: ignore[arg-type]
    )  # fmt: skip


def misfit() -> DockingRow:
    fit = StateFit(
        drug="imatinib", own_state="kinase-dfg-out", state="kinase-dfg-in", site_rmsd_angstrom=2.0,
        clashes=46,
        clashing_residues=("Phe382",), score_kcal_per_mol=3.0, own_score_kcal_per_mol=-12.0,
        moved_angstrom=3.1, fits=False,
    )  # fmt: skip
    return row("Imatinib", 0.0, 1.0).model_copy(
        update={
            "outcome": "does not fit", "state": "kinase-dfg-in", "native": None, "mutant": None, "call": None,
            "difference_kcal_per_mol": None, "native_fit": fit, "mutant_fit": fit,
        }
    )  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=14),
            st.floats(-30, 30), st.floats(0, 30),
            st.lists(st.sampled_from(["Thr315 hydrogen bond", "Phe317 pi stacking"]), max_size=12),
        ), max_size=6,
    )
)  # fmt: skip
def test_no_line_is_wider_than_a_terminal(cases: list[tuple[str, float, float, list[str]]]) -> None:
    rows = [row(name, value, half, tuple(lost)) for name, value, half, lost in cases]
    lines = table_lines([*rows, misfit()], "T315I", ["atp: " + "no known pose " * 20])
    assert all(len(line) <= WIDTH for line in lines)


def test_noise_is_marked_and_a_misfit_is_a_row_of_its_own() -> None:
    text = "\n".join(table_lines([row("Ponatinib", 0.3, 1.0), row("Imatinib", 5.0, 1.0), misfit()], "T315I"))
    assert "~ +0.3 [-0.7, +1.3]" in text
    assert "~ +5.0" not in text
    assert "+5.0 [+4.0, +6.0]" in text
    assert "46 overlaps, with Phe382" in text


def test_states_that_contradict_each_other_are_said_to() -> None:
    rows = [row("Bosutinib", 5.0, 1.0, word="lost"), row("Bosutinib", 0.0, 1.0, word="kept")]
    assert "contradictory" in "\n".join(table_lines(rows, "T315I"))
    rows[1] = row("Bosutinib", 0.0, 1.0, word="unresolved")
    assert "contradictory" not in "\n".join(table_lines(rows, "T315I"))


def test_csv_has_a_line_per_row_and_the_figures_come_back() -> None:
    rows = [row("Ponatinib", 0.3, 1.0, ("Thr315 hydrogen bond",)), misfit()]
    read = list(csv.DictReader(io.StringIO(table_csv(rows))))
    assert [line["outcome"] for line in read] == ["docked", "does not fit"]
    assert float(read[0]["vina_difference_kcal_per_mol"]) == 0.3
    assert (read[0]["drug"], read[0]["name"]) == ("ponatinib", "Ponatinib")
    assert read[0]["contacts_lost"] == "Thr315 hydrogen bond"
    assert read[1]["native_fit_clashes"] == "46"
    assert read[1]["native_score_kcal_per_mol"] == ""


def test_a_row_survives_json() -> None:
    for item in (row("Ponatinib", 0.3, 1.0), misfit()):
        assert DockingRow.model_validate_json(item.model_dump_json()) == item


def test_helix_i_is_printed_for_the_myristate_site() -> None:
    bend = HelixBend(
        first_residue=485, last_residue=511, form="bent", broken_at=(494, 500), angle_degrees=80.0
    )
    found = row("Asciminib", 0.0, 1.0).model_copy(update={"native_helix": bend, "mutant_helix": bend})
    assert "bent by 80 degrees at 494-500" in "\n".join(table_lines([found], "K404E"))


def planner(variant: str, **changes: object) -> Study:
    settings = with_changes(load_preset("quick"), **changes)
    return Study(PACK, parse_variant(variant, PACK), settings)


def test_every_drug_meets_every_state_and_bosutinib_its_further_one() -> None:
    plan = planner("T315I")
    rows = row_steps(plan, RelaxedSettings())
    drugs = {drug for drug, _ in rows}
    assert {"imatinib", "nilotinib", "dasatinib", "bosutinib", "ponatinib", "asciminib", "myristate"} <= drugs
    for drug in drugs:
        assert {state for name, state in rows if name == drug} >= set(plan.states)
    assert ("bosutinib", "kinase-dfg-inter") in rows
    assert {"axitinib", "atp"} <= drugs


def test_a_drug_in_its_own_state_is_the_very_docking_of_a_study() -> None:
    plan = planner("T315I")
    step = row_steps(plan, RelaxedSettings())["imatinib", "kinase-dfg-out"]
    assert step.inputs["docking/native"].key == docking(plan, "native", "imatinib").key
    assert step.inputs["docking/mutant"].key == docking(plan, "mutant", "imatinib").key


def test_named_states_are_the_only_ones_and_a_bad_drug_stops_no_other() -> None:
    plan = planner("K404E", states=("kinase-dfg-in",))
    rows = row_steps(plan, RelaxedSettings())
    assert {state for _, state in rows} == {"kinase-dfg-in"}
    # No row's step needs another drug's: one that fails costs its own row.
    for (drug, _), step in rows.items():
        about = {each.parameters.get("drug", drug) for each in in_order([step])}
        assert about == {drug}


def test_native_work_is_shared_by_all_variants_of_a_position_and_the_search_by_all() -> None:
    native, reference = {}, {}
    for variant in ("T315I", "T315A", "K404E"):
        step = row_steps(planner(variant), RelaxedSettings())["imatinib", "kinase-dfg-in"]
        own = step.inputs["docking/native"]
        assert own.shared
        native[variant] = own.key
        reference[variant] = own.inputs["reference"].key
    assert native["T315I"] == native["T315A"] != native["K404E"]
    assert len(set(reference.values())) == 1


def test_native_and_mutant_are_built_by_one_protocol_from_starts_of_their_own() -> None:
    step = row_steps(planner("T315I"), RelaxedSettings())["imatinib", "kinase-dfg-out"]
    for role in ("", "docking/", "relaxed/"):
        native, mutant = step.inputs[f"{role}native"], step.inputs[f"{role}mutant"]
        assert native.stage == mutant.stage
        differing = {name for name, value in native.parameters.items() if mutant.parameters[name] != value}
        assert differing <= {"substitutions", "residues", "variant", "seed", "side"}
        assert native.inputs.keys() == mutant.inputs.keys()
    built = [step.inputs[side].parameters for side in ("native", "mutant")]
    assert [one["substitutions"] for one in built] == [[[315, "T"]], [[315, "I"]]]
    assert built[0]["seed"] != built[1]["seed"]


def test_what_is_out_of_reach_is_said_once_with_every_distance() -> None:
    rows = [row(name, 0.0, 0.1, word="not reached") for name in ("Imatinib", "Nilotinib")]
    text = "\n".join(table_lines(rows, "K404E"))
    assert text.count("beyond the drug's surroundings") == 1
    assert "Imatinib in kinase-dfg-out (3.3 A), Nilotinib in kinase-dfg-out (3.3 A): not reached" in text


def test_a_better_binding_mode_than_the_one_scored_is_told_beside_it() -> None:
    one = row("Mine", 14.0, 2.0)
    assert one.mutant is not None
    for other, told in ((-9.6, True), (1.0, False)):
        mutant = one.mutant.model_copy(update={"best_elsewhere_kcal_per_mol": other})
        text = "\n".join(table_lines([one.model_copy(update={"mutant": mutant})], "T315I"))
        assert ("another mode scores better: -9.6 kcal/mol" in text) == told


def test_contacts_of_a_kind_stand_together() -> None:
    lost = ("Thr315 hydrogen bond", "Phe317 pi stacking", "Met318 hydrogen bond")
    text = "\n".join(table_lines([row("Mine", 0.0, 1.0, lost)], "T315I"))
    assert "- hydrogen bond Thr315, Met318; - pi stacking Phe317" in text


def test_the_poses_of_a_row_lie_where_people_look_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planner("T315I", states=("kinase-dfg-in",))
    own = read_given([], ["Cc1ccc(NC(=O)c2ccccc2)cc1 mine"], site="atp", state="")

    def run(_: StageRequest, __: object, choose: Callable[[Study], dict[Any, Step]]) -> StageDone:
        ((name, step),) = choose(plan).items()
        searched = step.inputs["docking/native"].inputs["reference"]
        for one, files in ((step, (NATIVE_POSE, MUTANT_POSE)), (searched, (FOUND_POSES,))):
            (tmp_path / one.folder).mkdir(parents=True)
            for file in files:
                (tmp_path / one.folder / file).write_text(file)
        write_records(tmp_path / step.folder / ROWS, [row("mine", 0.0, 1.0)])
        return StageDone(plan.variant, tmp_path, {name: tmp_path / step.folder}, [])

    monkeypatch.setattr(StageRequest, "run", run)
    dock_alone(StageRequest("T315I", "abl1", "quick"), (), own)
    laid = {path.name: path.read_text() for path in (tmp_path / "poses").iterdir()}
    assert laid == {
        "mine_kinase-dfg-in_native.sdf": NATIVE_POSE,
        "mine_kinase-dfg-in_T315I.sdf": MUTANT_POSE,
        "mine_kinase-dfg-in_search.sdf": FOUND_POSES,
    }


def test_a_zero_has_no_sign() -> None:
    text = "\n".join(table_lines([row("Imatinib", -0.02, 0.01)], "K404E"))
    assert "~ 0.0 [0.0, 0.0]" in text
    assert "-0.0" not in text.replace("-12.2", "")


def test_sides_on_either_side_of_the_bound_of_a_fit_are_set_against_the_noise() -> None:
    bad = misfit()
    assert bad.native_fit is not None
    near = bad.native_fit.model_copy(update={"fits": True, "score_kcal_per_mol": 2.8})
    far = bad.native_fit.model_copy(update={"fits": True, "score_kcal_per_mol": -4.0})
    for fit, word in ((near, "within"), (far, "beyond")):
        text = " ".join("\n".join(table_lines([bad.model_copy(update={"mutant_fit": fit})], "T315I")).split())
        assert f"{word} the noise of two receptors" in text


def test_a_drug_without_a_known_pose_is_searched_for_blind_in_every_state(tmp_path: Path) -> None:
    copy = tmp_path / "pack"
    shutil.copytree(PACK.directory, copy, ignore=shutil.ignore_patterns("artefacts", "solvent", "controls"))
    (copy / "poses" / "dasatinib.sdf").unlink()
    pack = load_target(str(copy))
    settings = with_changes(load_preset("quick"), target=str(copy))
    study = Study(pack, parse_variant("T315I", pack), settings)
    rows = row_steps(study, RelaxedSettings())
    assert [text.split(":")[0] for text in study.remarks] == ["dasatinib"]
    for state in study.states:
        steps = in_order([rows["dasatinib", state]])
        assert [step.name for step in steps if step.name.startswith("docking-g")] == ["docking-given"] * 3


def test_relaxed_sides_are_planned_only_within_reach_and_the_native_one_is_shared() -> None:
    for variant, expected in (("K404E", 0), ("T315I", 14)):
        steps = [
            step
            for step in in_order(list(row_steps(planner(variant), RelaxedSettings()).values()))
            if step.name == "relaxed-complex"
        ]
        assert len(steps) == expected
    native = {step.key for step in steps if step.shared}
    other = in_order(list(row_steps(planner("T315A"), RelaxedSettings()).values()))
    assert native == {step.key for step in other if step.name == "relaxed-complex" and step.shared}
    assert len(native) == 7

"""A structure of the user's in a study: what is planned, what is kept, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factories.user_structure import PACK, as_alanine, moved, pdb, shipped, structure_of, without, write
from kinscope.core.errors import ComputationError, RunDirectoryError, SettingsError, UnsupportedVariantError
from kinscope.results.notes import note
from kinscope.variants import parse_variant
from kinscope.workflow.engine.driver import Driver
from kinscope.workflow.engine.processes import Processes
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.engine.store import Store
from kinscope.workflow.planning.docking import docking_steps
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Pace, Study
from kinscope.workflow.planning.user_state import UserState, keep_structure, structure_step, take_structure
from kinscope.workflow.rundir import new_study, open_existing, open_or_create
from kinscope.workflow.settings import StructureSettings, load_preset, load_settings, with_changes
from kinscope.workflow.study import assess_variant, plan_of

QUICK = load_preset("quick")


@pytest.fixture(scope="module")
def mine(tmp_path_factory) -> Path:
    """A DFG-out kinase domain with a gap of six and one substitution, in a frame of its own."""
    atoms = as_alanine(without(shipped("kinase-dfg-out"), (275, 280)), [455])
    return write(tmp_path_factory.mktemp("mine") / "my kinase.pdb", pdb(structure_of(("B", moved(atoms)))))


def planned(path: Path, expression: str = "K404E", **changes: object) -> tuple[Study, dict[str, Step]]:
    variant = parse_variant(expression, PACK)
    _, settings, state = take_structure(path, with_changes(QUICK, **changes), PACK, variant)
    planner = Study(PACK, variant, settings, structure=state, pace=Pace(2.0))
    return planner, {step.label: step for step in in_order([plan_study(planner).report])}


def test_the_users_structure_is_the_only_state_unless_others_are_named(mine: Path) -> None:
    planner, steps = planned(mine)
    assert planner.states == ("user",)
    assert set(plan_study(planner).drugs) >= {"imatinib", "nilotinib", "ponatinib"}
    assert any(label.startswith("model of your structure my_kinase.pdb, DFG-out") for label in steps)
    beside, _ = planned(mine, states=("kinase-dfg-in",))
    assert beside.states == ("user", "kinase-dfg-in")
    states = {drug: step.parameters["state"] for (_, drug), step in docking_steps(beside).items()}
    assert states["imatinib"] == "user"
    assert states["dasatinib"] == "kinase-dfg-in"
    assert "asciminib" not in states


def test_work_on_the_users_native_model_is_shared_between_variants_and_named_by_content(
    mine: Path, tmp_path: Path
) -> None:
    def shared(variant: str = "K404E", *, built: bool = False) -> set[str]:
        """Keys of shared steps: natives built for a comparison, which belong to a residue, or others."""
        steps = [step for step in planned(mine, variant)[1].values() if step.shared]
        return {
            step.key for step in steps if (step.name == "relaxed-complex" or "built" in step.label) is built
        }

    first = shared()
    assert first == shared("T315I")
    assert shared("T315I", built=True)
    assert shared("T315I", built=True) == shared("T315A", built=True)
    assert not shared("T315I", built=True) & shared(built=True)
    assert len(first) > 10
    other = write(tmp_path / mine.name, mine.read_bytes().replace(b"END", b"REMARK another file\nEND"))
    third = {step.key for step in planned(other)[1].values() if step.shared}
    assert not first & third
    # Native work on shipped states does not know of the user's structure.
    beside = planned(mine, states=("kinase-dfg-in",))[1]
    plain = in_order([plan_study(Study(PACK, parse_variant("K404E", PACK), QUICK, pace=Pace(2.0))).report])
    label = "native model, kinase domain, DFG-in"
    assert beside[label].key in {step.key for step in plain}


def test_a_variant_outside_the_structure_is_refused(mine: Path) -> None:
    with pytest.raises(UnsupportedVariantError, match="Your structure does not hold G109D"):
        planned(mine, "G109D")
    with pytest.raises(UnsupportedVariantError, match="Your structure does not hold"):
        planned(mine, "G109D", states=("closed-dfg-out",))


def test_a_variant_that_the_structure_carries_is_said(tmp_path: Path) -> None:
    atoms = as_alanine(shipped("kinase-dfg-out"), [455])
    path = write(tmp_path / "x.pdb", pdb(structure_of(("A", atoms))))
    original = PACK.transcript.protein[454]
    _, _, state = take_structure(path, QUICK, PACK, parse_variant(f"{original}455A", PACK))
    assert note("variant-in-file", variant=f"{original}455A") in state.findings.notes


def test_the_run_directory_keeps_the_file_and_plans_without_the_original(mine: Path, tmp_path: Path) -> None:
    copy = write(tmp_path / "gone.pdb", mine.read_bytes())
    variant = parse_variant("K404E", PACK)
    file, settings, state = take_structure(copy, QUICK, PACK, variant)
    run = tmp_path / "run"
    open_or_create(run, new_study(variant, settings, state, created="2026-11-22"))
    store = Store(run / "artefacts")
    keep_structure(store, settings, file)
    keep_structure(store, settings, file)
    copy.unlink()
    held = open_existing(run)
    assert held.structure == state
    assert UserState.model_validate_json(state.model_dump_json()) == state
    _, steps, _ = plan_of(run)
    step = structure_step(held.settings)
    assert step.key in {item.key for item in steps}
    assert (store.path(step) / "structure").read_bytes() == mine.read_bytes()
    with pytest.raises(RunDirectoryError, match="other settings"):
        open_or_create(
            run,
            new_study(variant, with_changes(settings, structure={"max_gap": 3}), state, created="2026-11-22"),
        )


def test_a_lost_copy_is_said(tmp_path: Path) -> None:
    settings = with_changes(QUICK, structure={"sha256": "0" * 64})
    step = structure_step(settings)
    outcome = Driver(tmp_path, None, Processes(1)).run([step])
    assert isinstance(outcome.failed[step.key], ComputationError)
    assert "--structure" in outcome.failed[step.key].remedy


def test_settings_that_name_a_structure_need_its_file(mine: Path, tmp_path: Path) -> None:
    import yaml

    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump({"structure": {"chain": "B", "max_gap": 20}}))
    settings = load_settings(path)
    assert settings.structure == StructureSettings(chain="B", max_gap=20)
    variant = parse_variant("K404E", PACK)
    with pytest.raises(SettingsError, match="no file was given"):
        assess_variant(variant, settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    wrong = with_changes(QUICK, structure={"sha256": "1" * 64})
    with pytest.raises(SettingsError, match="another content"):
        take_structure(mine, wrong, PACK, variant)


def test_nothing_of_a_hostile_name_reaches_a_file(mine: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "<img src=x onerror=alert(1)>.pdb", mine.read_bytes())
    _, steps = planned(path)
    text = json.dumps([[step.label, step.parameters] for step in steps.values()], default=str)
    assert "<" not in text
    assert "onerror" in text  # the name is kept as far as it is harmless


def test_the_report_says_that_the_structure_is_the_users_and_what_it_carried() -> None:
    from factories.interpretation import measurements
    from kinscope.evidence import lookup
    from kinscope.interpretation.assessment import limits_of
    from kinscope.results.models import ModelRecord, ResidueOrigin

    origins = (
        ResidueOrigin(residue=314, origin="given", entry="mine.pdb:A"),
        ResidueOrigin(residue=315, origin="substituted", entry="mine.pdb:A", note="ILE315 set back to THR"),
        ResidueOrigin(residue=316, origin="grafted", entry="kinase-dfg-out"),
    )
    record = ModelRecord(
        target="ABL1",
        state="user",
        variant="native",
        first_residue=314,
        last_residue=316,
        origins=origins,
        method=("Prepared from mine.pdb.",),
    )

    def limits(expression: str, *models: ModelRecord) -> str:
        variant = parse_variant(expression, PACK)
        return " ".join(limits_of(variant, measurements(models=models), lookup(variant, PACK)))

    assert "1 of its residues are not in that file" in limits("K404E", record)
    assert "set back" not in limits("K404E", record)
    assert "ILE315 set back to THR" in limits("T315I", record)
    assert "Your structure" not in limits("T315I")

"""Keys hold all that a result depends on: the pack's content, the machine, steps, each side's own seed."""

from __future__ import annotations

import ast
import inspect
import json
import shutil
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import pytest

from factories.presets import whole_quick
from kinscope.docking.relaxed.mechanics import mechanics_of
from kinscope.dynamics.protocol import steps_within
from kinscope.dynamics.records import SPEED_FILE, PlatformChoice, SpeedRecord
from kinscope.ligands.parameters.shipped import SHIPPED
from kinscope.results.docking import RelaxedSettings
from kinscope.targets import load_target
from kinscope.targets.pack import TargetPack
from kinscope.variants import parse_variant
from kinscope.workflow import machine, study
from kinscope.workflow.engine.driver import Outcome
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.planning.docking import relaxed_sides, row_steps
from kinscope.workflow.planning.dynamics import replica_steps, speed
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Pace, Study
from kinscope.workflow.rundir import new_study, noted_pace
from kinscope.workflow.settings import StudySettings, with_changes

PACK = load_target("abl1")
STATE = "kinase-dfg-in"


def planned(pack: TargetPack = PACK, expression: str = "F317L", pace: Pace | None = None, **changes) -> Study:
    settings = with_changes(whole_quick(), target=target_of(pack), **changes)
    return Study(pack, parse_variant(expression, pack), settings, pace=pace or Pace(2.0))


def target_of(pack: TargetPack) -> str:
    return "abl1" if pack.directory == PACK.directory else str(pack.directory)


def keys_of(made: Study) -> dict[str, str]:
    return {step.label: step.key for step in in_order([plan_study(made).report])}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A pack of the user's."""
    skipped = shutil.ignore_patterns("artefacts", "evidence", "closed-*", "open-*", "kinase-src*")
    shutil.copytree(PACK.directory, tmp_path / "mine", ignore=skipped)
    return tmp_path / "mine"


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


READS_THE_PACK = {
    "native-model", "mutant-model", "docking", "relaxed-complex", "solvated", "measurements", "report",
    "neighbourhood", "speed", "replica",
}  # fmt: skip
"""Themselves or through what they start from: every step of a study."""


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("drugs.yaml", "site: atp", "site: myristate"),
        ("drugs.yaml", "2HYY:A:STI", "2HYY:B:STI"),
        ("regions.yaml", "residues: [", "residues: [235, "),
        ("states.yaml", "label: kinase domain", "label: the kinase domain"),
        ("target.yaml", "loop_c_terminal_cutoff_angstrom: 8", "loop_c_terminal_cutoff_angstrom: 7"),
        ("poses/poses.json", '"site": "atp"', '"site": "myristate"'),
        ("models/kinase-dfg-in/model.json", '"schema_version": 1', '"schema_version":  1'),
        ("solvent/kinase-dfg-in/box.json", '"seed"', ' "seed"'),
    ],
)
def test_the_packs_content_is_in_every_key(file: str, before: str, after: str, mine: Path) -> None:
    first = planned(load_target(str(mine)), states=(STATE,))
    steps = in_order([plan_study(first).report])
    assert {step.name for step in steps} == READS_THE_PACK
    keys = {step.key for step in steps}
    edit(mine / file, before, after)
    again = planned(load_target(str(mine)), states=(STATE,))
    assert not keys & {step.key for step in in_order([plan_study(again).report])}


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("drugs.yaml", '"Co-crystal: Cowan', '"The co-crystal: Cowan'),
        ("drugs.yaml", "# The drug library", "# A drug library"),
        ("drugs.yaml", "simulated: always", "simulated: thorough"),
        ("regions.yaml", '"UniProt P00519, region CAP', '"As UniProt P00519, region CAP'),
        ("states.yaml", "Chain A of 2GQG", "The chain A of 2GQG"),
        ("flexibility.json", '"target":"ABL1"', '"target":"ABL1" '),
    ],
)
def test_citations_and_comments_of_a_pack_orphan_nothing_but_the_report(
    file: str, before: str, after: str, mine: Path
) -> None:
    first = keys_of(planned(load_target(str(mine)), states=(STATE,)))
    edit(mine / file, before, after)
    again = keys_of(planned(load_target(str(mine)), states=(STATE,)))
    assert {label for label, key in first.items() if again[label] != key} == {"evidence, verdicts and report"}


def test_models_and_poses_are_in_keys_by_their_content(mine: Path) -> None:
    first = keys_of(planned(load_target(str(mine)), states=(STATE,)))
    path = mine / "poses" / "dasatinib.sdf"
    path.write_text(path.read_text() + "\n")
    again = keys_of(planned(load_target(str(mine)), states=(STATE,)))
    changed = {label for label, key in first.items() if again[label] != key}
    assert any(label.startswith("Dasatinib into native") for label in changed)
    assert not any(label.startswith("Bosutinib into") for label in changed)


def test_every_step_whose_function_loads_a_pack_names_its_content() -> None:
    made = planned()
    rows = row_steps(made, RelaxedSettings()).values()
    for step in in_order([plan_study(made).report, *rows]):
        module, _, function = step.stage.function.partition(":")
        tree = ast.parse(inspect.getsource(getattr(import_module(module), function)))
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and hasattr(node.func, "id")
        }
        if called & {"load_target", "study_pack"}:
            assert "pack_sha256" in step.parameters, step.label


def test_a_measured_speed_is_that_of_a_machine() -> None:
    one, other = (planned(pace=Pace(2.0, machine=name)) for name in ("a processor", "another"))
    assert speed(one).key != speed(other).key
    assert speed(one).key == speed(planned(pace=Pace(2.0, machine="a processor"))).key
    assert machine.machine_words(()) in machine.speed_conditions("cpu")
    assert "OpenMM" in machine.speed_conditions("cpu")


def test_replicas_are_what_they_are_by_their_steps_and_not_by_minutes_or_machines() -> None:
    def key(steps: int, machine: str = "", **dynamics: object) -> str:
        made = planned(pace=Pace(2.0, machine=machine, steps=steps), dynamics=dynamics)
        found = replica_steps(made)
        assert {step.parameters["production_steps"] for step in found.values()} == {steps}
        assert not any("speed" in step.inputs for step in found.values())
        return found["native", STATE, 0].key

    assert key(1000) == key(1000, "another") == key(1000, budget_minutes=7.0)
    assert key(1000) != key(1001)
    fixed = planned(dynamics={"budget_minutes": None, "length_ns": 4e-3})
    assert replica_steps(fixed)["native", STATE, 0].key == key(1000)


class Engine:
    """Computes nothing but speeds."""

    speeds: tuple[float, ...] = ()
    asked: ClassVar[list[list[Step]]] = []

    def __init__(self, directory: Path, *_: object, **__: object) -> None:
        self.directory = directory

    def run(self, targets: list[Step]) -> Outcome:
        Engine.asked.append(targets)
        outcome = Outcome()
        for step in targets:
            if step.name == "speed" and Engine.speeds:
                rate, *Engine.speeds = Engine.speeds  # type: ignore[assignment]
                folder = self.directory / "artefacts" / step.folder
                folder.mkdir(parents=True, exist_ok=True)
                record = SpeedRecord(
                    platform=PlatformChoice(name="CPU", properties={}, deterministic=True), atoms=1,
                    time_step_fs=4.0, steps=1, seconds=1.0, ns_per_day=1.0, steps_per_second=rate,
                    setup_seconds=1.0,
                )  # fmt: skip
                (folder / SPEED_FILE).write_text(record.model_dump_json())
            if step.name != "speed" or (self.directory / "artefacts" / step.folder).exists():
                outcome.done[step.key] = None  # type: ignore[assignment]
        return outcome


def test_a_budget_becomes_steps_once_and_both_sides_have_as_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "Driver", Engine)
    monkeypatch.setattr(study, "runner_of", lambda dynamics: "cpu")
    monkeypatch.setattr(Engine, "asked", [])
    monkeypatch.setattr(Engine, "speeds", (100.0,))
    settings: StudySettings = with_changes(
        whole_quick(), states=(STATE,), dynamics={"states": (STATE,), "budget_minutes": 6.0}
    )
    held = new_study(parse_variant("K404E", PACK), settings)
    here = study.Run(held, tmp_path / "run", cores=2)
    here.stage(replica_steps)
    measured, replicas = Engine.asked
    assert [step.name for step in measured] == ["speed"]
    record = SpeedRecord.model_validate_json(
        (tmp_path / "run" / "artefacts" / measured[0].folder / SPEED_FILE).read_bytes()
    )
    steps = steps_within(record, here.study.share_seconds or 0.0, settings.dynamics.protocol)
    assert {step.parameters["production_steps"] for step in replicas} == {steps}
    assert noted_pace(tmp_path / "run") == (2.0, "cpu", "", steps)

    # Gone on with elsewhere, where the speed is another: as many steps, and nothing is measured.
    monkeypatch.setattr(study, "speed_conditions", lambda on: "another machine")
    monkeypatch.setattr(Engine, "asked", [])
    study.Run(held, tmp_path / "run", cores=8).stage(replica_steps)
    assert [[step.key for step in asked] for asked in Engine.asked] == [[step.key for step in replicas]]


def test_without_a_speed_the_plan_says_which_step_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "Driver", Engine)
    monkeypatch.setattr(study, "runner_of", lambda dynamics: "cpu")
    monkeypatch.setattr(Engine, "asked", [])
    settings = with_changes(whole_quick(), dynamics={"budget_minutes": 6.0})
    held = new_study(parse_variant("K404E", PACK), settings)
    study.Run(held, tmp_path / "run", cores=2).stage(replica_steps)
    _, replicas = Engine.asked
    assert {step.inputs["speed"].name for step in replicas} == {"speed"}
    assert noted_pace(tmp_path / "run") == (2.0, "cpu", "", None)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 77},
        {"mutation": {"alternatives": 2}},
        {"docking": {"seeds": 2}},
        {"dynamics": {"protocol": {"temperature_k": 305.0}}},
        {"dynamics": {"solvation": {"padding_nm": 0.9}}},
    ],
)
def test_every_setting_is_in_a_key(change: dict[str, object]) -> None:
    before, after = keys_of(planned()), keys_of(planned(**change))
    assert sum(after[label] != key for label, key in before.items()) > 2


def test_a_packs_own_parameters_come_first_in_relaxed_complexes(mine: Path) -> None:
    def side() -> Step:
        made = planned(load_target(str(mine)), states=(STATE,))
        return relaxed_sides(made, "dasatinib", STATE, RelaxedSettings())["native"]

    before = side()
    own = mine / "parameters"
    own.mkdir()
    body = (SHIPPED / "dasatinib.xml").read_text() + "<!-- mine -->\n"
    (own / "dasatinib.xml").write_text(body)
    record = json.loads((SHIPPED / "dasatinib.json").read_text())
    record |= {"forcefield_sha256": sha256(body.encode()).hexdigest(), "force_field": "one of my own"}
    (own / "dasatinib.json").write_text(json.dumps(record))
    assert side().parameters["parameters_sha256"] == record["forcefield_sha256"]
    assert side().key != before.key
    pack = load_target(str(mine))
    mechanics, _ = mechanics_of(pack, pack.drug("dasatinib"))
    assert mechanics is not None
    assert mechanics.description.startswith("one of my own")


def test_a_drug_whose_parameters_only_the_pack_has_is_relaxed(mine: Path) -> None:
    for name in ("drugs.yaml", "poses/poses.json"):
        path = mine / name
        path.write_text(path.read_text().replace("dasatinib", "mydrug"))
    shutil.move(mine / "poses" / "dasatinib.sdf", mine / "poses" / "mydrug.sdf")
    assert not relaxed_sides(
        planned(load_target(str(mine)), states=(STATE,)), "mydrug", STATE, RelaxedSettings()
    )
    (mine / "parameters").mkdir()
    for ending in ("xml", "json"):
        shutil.copy(SHIPPED / f"dasatinib.{ending}", mine / "parameters" / f"mydrug.{ending}")
    found = relaxed_sides(
        planned(load_target(str(mine)), states=(STATE,)), "mydrug", STATE, RelaxedSettings()
    )
    assert set(found) == {"native", "mutant"}
    pack = load_target(str(mine))
    assert mechanics_of(pack, pack.drug("mydrug"))[0] is not None

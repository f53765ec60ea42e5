"""The commands that a report gives to make its study again make that study."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from kinscope.cli import commands
from kinscope.interpretation.verdicts.judging import NOTHING
from kinscope.ligands.parameters.shipped import SHIPPED
from kinscope.report.files import ModelFile
from kinscope.results.trajectories import ReplicaAnalysis, TrajectoryComparison
from kinscope.targets import load_target
from kinscope.variants import parse_variant
from kinscope.workflow import single_runs, study
from kinscope.workflow.engine.driver import Outcome
from kinscope.workflow.engine.store import ArtefactRecord, Store
from kinscope.workflow.planning.own_ligands import take_ligand
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Study
from kinscope.workflow.publication import (
    CRATE_FILE,
    RESULT_FILE,
    SETTINGS_FILE,
    changed_files,
    commands_again,
    publish_results,
)
from kinscope.workflow.rundir import new_study, open_or_create
from kinscope.workflow.settings import StructureSettings, StudySettings, load_preset, with_changes
from kinscope.workflow.stages.report import _moving_files

PACK = load_target("abl1")
VARIANT = parse_variant("K404E", PACK)
STATE = "kinase-dfg-out"


def laid_out(folder: Path, expression: str, preset: str, said: dict[str, Any] | None = None) -> Path:
    """A run directory with whatever its plan makes, each file with the versions of a result alone."""
    variant, settings = parse_variant(expression, PACK), load_preset(preset)
    report, store = plan_study(Study(PACK, variant, settings)).report, Store(folder / "store")
    report = replace(report, parameters={**report.parameters, "settings": settings.told() | (said or {})})
    for step in (report, *report.inputs.values()):
        store.path(step).mkdir(parents=True, exist_ok=True)
        for name in (RESULT_FILE, "model_0.cif", "model_1.cif", "poses_0.sdf", "frames.xtc"):
            (store.path(step) / name).write_text('{"versions": {"kinscope": "1.0", "vina": "1.2"}}')
    record = ArtefactRecord(
        key="", step="", label="", parameters={}, inputs={}, seed=None, wall_seconds=0.0, platform="CPU",
        kinscope_version="", files=(),
    )  # fmt: skip
    directory = folder / f"kinscope-{variant.slug}"
    open_or_create(directory, new_study(variant, settings))
    outcome = Outcome(done={step.key: record for step in report.inputs.values()})
    publish_results(directory, report, store, outcome, variant)
    return directory


@pytest.mark.parametrize(("expression", "preset"), [("K404E", "quick"), ("T315I", "standard")])
def test_whatever_a_plan_makes_is_laid_out(tmp_path: Path, expression: str, preset: str) -> None:
    run = laid_out(tmp_path, expression, preset)
    names = ("native", expression)
    models = {path.name for path in (run / "models" / STATE).iterdir()}
    assert models == {f"{one}{end}.cif" for one in names for end in ("", "_alternative_1")}
    poses = {path.name for path in run.glob("poses/imatinib_*")}
    assert poses == (set() if preset == "quick" else {f"imatinib_{one}.sdf" for one in names})
    replicas = {path.name for path in run.glob(f"trajectories/{STATE}_imatinib_*")}
    numbers = () if preset == "quick" else (1, 2, 3)
    assert replicas == {f"{STATE}_imatinib_{one}_{n}" for one in names for n in numbers}


def test_a_run_is_a_crate_that_others_check_and_repeat(tmp_path: Path, typed) -> None:
    """What the profile Process Run Crate 0.5 demands, as the library of RO-Crate reads it."""
    crates = pytest.importorskip("rocrate.rocrate")
    run = laid_out(tmp_path, "K404E", "standard", {"seed": 7})
    crate = crates.ROCrate(run)
    assert crate.root_dataset["conformsTo"].id.startswith("https://w3id.org/ro/wfrun/process/")
    action = crate.root_dataset["mentions"]
    assert action.type == "CreateAction"
    assert {tool["name"]: tool["softwareVersion"] for tool in action["instrument"]} == {
        "kinscope": "1.0", "vina": "1.2"
    }  # fmt: skip
    assert action["startTime"] <= action["endTime"]
    assert {"study.json", "settings.yaml"} == {one.id for one in action["object"]}
    files = [path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()]
    assert {one.id for one in crate.root_dataset["hasPart"]} == set(files) - {CRATE_FILE}
    for one in action["result"]:
        assert one["sha256"] == sha256((run / one.id).read_bytes()).hexdigest()
        assert "/" in one["encodingFormat"]
    assert typed(action["description"].splitlines()[0]).seed == 7

    assert not list(changed_files(run))
    (run / "poses" / "imatinib_K404E.sdf").write_text("another pose")
    (run / "variant.json").unlink()
    assert {path.name for path, _ in changed_files(run)} == {"imatinib_K404E.sdf", "variant.json"}


def test_a_users_own_structure_is_named_in_the_crate_and_stays_out(tmp_path: Path) -> None:
    run = laid_out(tmp_path, "K404E", "quick", {"structure": {"file": "my own.pdb", "sha256": "0" * 64}})
    graph = json.loads((run / CRATE_FILE).read_text())["@graph"]
    assert [one for one in graph if one["name"] == "my own.pdb"] == [
        {"@id": "#my%20own.pdb", "@type": "CreativeWork", "name": "my own.pdb", "sha256": "0" * 64}
    ]


def test_the_profiles_own_validator_finds_the_crate_whole(tmp_path: Path) -> None:
    """roc-validator, on the path or in ``KINSCOPE_ROC_VALIDATOR``: it needs another rich than typer's."""
    program = os.environ.get("KINSCOPE_ROC_VALIDATOR") or shutil.which("rocrate-validator")
    if program is None:
        pytest.skip("there is no rocrate-validator here")
    run = laid_out(tmp_path, "K404E", "quick")
    words = [program, "-y", "validate", "--no-paging", "--profile-identifier", "process-run-crate", str(run)]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout


class HeardError(Exception):
    """The settings that a command came to."""

    def __init__(self, settings: StudySettings) -> None:
        self.settings = settings


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Type a command in an empty directory; what settings does it come to?"""

    def hear(_: Any, settings: StudySettings, *rest: Any, **options: Any) -> None:
        raise HeardError(settings)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study, "assess_variant", hear)
    monkeypatch.setattr(single_runs.Run, "begin", hear)
    app = typer.Typer()
    commands.register(app)

    def type_it(command: str) -> StudySettings:
        program, *words = shlex.split(command)
        assert program == "kinscope"
        found = CliRunner().invoke(app, words)
        assert isinstance(found.exception, HeardError), found.output
        return found.exception.settings

    return type_it


@pytest.mark.parametrize("preset", ["quick", "standard", "paper"])
def test_a_preset_is_named(preset: str, typed) -> None:
    first, second = commands_again(VARIANT, load_preset(preset))
    assert typed(first) == load_preset(preset)
    assert "settings" not in first
    assert second == "kinscope resume kinscope-K404E"


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 7},
        {"states": (STATE,), "drugs": ("imatinib",)},
        {"dynamics": {"ligands": ("imatinib",), "budget_minutes": None, "length_ns": 0.5, "replicas": 2}},
    ],
)
def test_anything_else_is_in_the_file_of_settings(changes: dict[str, Any], typed, tmp_path: Path) -> None:
    settings = with_changes(load_preset("standard"), **changes)
    folder = tmp_path / "kinscope-K404E"
    folder.mkdir()
    (folder / SETTINGS_FILE).write_text(yaml.safe_dump(settings.content(), sort_keys=False))
    assert typed(commands_again(VARIANT, settings)[0]) == settings


@pytest.mark.parametrize(
    ("in_place", "length"), [(True, {"budget_minutes": 3.0}), (False, {"replicas": 2, "budget_minutes": 6.0})]
)
def test_a_ligand_of_the_users_is_given_again(in_place: bool, length: Any, typed, tmp_path: Path) -> None:
    shutil.copy(PACK.directory / "poses" / "imatinib.sdf", tmp_path / "mine.sdf")
    for suffix in (".xml", ".json"):
        shutil.copy(SHIPPED / f"imatinib{suffix}", tmp_path / f"mine{suffix}")
    file = tmp_path / "mine.sdf"
    own, _ = take_ligand(file, tmp_path / "mine.xml", PACK, state=STATE, site="atp", in_place=in_place)
    dynamics = {"states": (STATE,), "ligands": (), "own_ligands": (own.model_dump(),), **length}
    settings = with_changes(load_preset("quick"), states=(STATE,), dynamics=dynamics)
    assert typed(commands_again(VARIANT, settings)[0]) == settings


def test_a_structure_is_named_with_how_it_was_read() -> None:
    structure = StructureSettings(file="my kinase.pdb", sha256="0" * 64, chain="B", max_gap=5)
    plain = with_changes(load_preset("quick"), structure=structure.model_dump())
    assert "--structure 'my kinase.pdb' --chain B --max-gap 5" in commands_again(VARIANT, plain)[0]
    changed = with_changes(plain, seed=3)
    said = commands_again(VARIANT, changed)[0]
    assert said.endswith(f"--settings kinscope-K404E/{SETTINGS_FILE} --structure 'my kinase.pdb'")


@pytest.mark.parametrize(("length_ns", "shown"), [(0.5, []), (2.0, ["0", "1"])])
def test_only_dynamics_that_may_speak_is_shown(length_ns: float, shown: list[str]) -> None:
    roles = {f"{kind}/{side}/{about}/{number}": Path(f"{kind}/{side}/{about}/{number}")
             for kind, about in (("replica", "s"), ("bound", "imatinib"))
             for side in ("native", "mutant") for number in range(2)}  # fmt: skip
    one = ReplicaAnalysis.model_construct(length_ns=length_ns)
    systems = tuple(
        TrajectoryComparison.model_construct(state="s", ligand=ligand, native=(one,), mutant=(one,))
        for ligand in ("imatinib", "")
    )
    measured = NOTHING.model_copy(update={"trajectories": systems})
    models = [ModelFile(state="s", variant="native", path=Path("model"))]
    found = list(_moving_files(SimpleNamespace(inputs=roles), models, VARIANT, measured))
    paths = [str(path) for one in found if one.variant == "native" for path in one.replicas]
    assert paths == [f"replica/native/s/{number}" for number in shown]

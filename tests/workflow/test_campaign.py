"""Study files: what they say, what they take, and the Snakefile made of one."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from kinscope.cli import commands
from kinscope.core.errors import BadInputError, RunDirectoryError
from kinscope.workflow.answer import first_answer, keep_answer
from kinscope.workflow.campaign import Campaign, outlook, read_campaign, runs_of, write_snakefile
from kinscope.workflow.engine import lease
from kinscope.workflow.engine.cluster import ClusterFile
from kinscope.workflow.engine.context import PROGRESS_FILE
from kinscope.workflow.engine.driver import USAGE_FILE, work_of
from kinscope.workflow.engine.schedule import Usage
from kinscope.workflow.engine.step import in_order
from kinscope.workflow.engine.store import Store
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.publication import read_result
from kinscope.workflow.study import Run, plan_of
from kinscope.workflow.trajectory_run import sampled

app = typer.Typer()
commands.register(app)
SMALL = "variants: [K404E]\nsettings: {drugs: [imatinib], states: [kinase-dfg-out]}\n"
REPLICAS = (
    "variants: [K404E]\nsettings: {preset: standard, states: [kinase-dfg-out], drugs: [imatinib],"
    " dynamics: {states: [kinase-dfg-out], ligands: [imatinib], length_ns: 20, replicas: 3}}\n"
)


def written(folder: Path, text: str, name: str = "study.yaml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_the_papers_study_ships_with_its_control(tmp_path: Path) -> None:
    campaign = read_campaign("paper")
    assert campaign.variants == ("K404E", "M244V")
    pytest.importorskip("parsl")
    runs = list(runs_of(campaign, tmp_path, ClusterFile(provider="slurm", gpus=4, jobs=3)))
    study = runs[0].likely()
    assert {"closed-dfg-in", "closed-dfg-out", "open-dfg-in", "kinase-dfg-in"} <= set(study.dynamics_states)
    replicas = [step for step in in_order([plan_study(study).report]) if step.name == "replica"]
    systems = {(s.parameters["variant"], s.parameters["state"], s.parameters.get("ligand")) for s in replicas}
    assert len(replicas) == 3 * len(systems)
    for who in ("native", "K404E"):
        assert (who, "kinase-dfg-out", "imatinib") in systems
        assert (who, "kinase-dfg-out", None) in systems
    assert all(step.parameters["gpu"] for step in replicas), "this machine has none, the cluster has"
    assert not list(tmp_path.iterdir())


def test_a_file_takes_what_it_includes_and_variants_what_is_theirs(tmp_path: Path) -> None:
    written(tmp_path, "settings: {preset: standard, seed: 5, dynamics: {replicas: 2}}", "base.yaml")
    campaign = read_campaign(
        written(
            tmp_path,
            "include: [base.yaml]\nvariants: [K404E, T315I]\nsettings: {dynamics: {length_ns: 3}}\n"
            "overrides: {T315I: {seed: 6}}\n",
        )
    )
    assert (campaign.settings.seed, campaign.settings.preset) == (5, "standard")
    assert (campaign.settings.dynamics.replicas, campaign.settings.dynamics.length_ns) == (2, 3)
    own = campaign.overrides["T315I"]
    assert (own.seed, own.dynamics.replicas) == (6, 2)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "variants"),
        ("[1]", "mapping"),
        ("variants: [K404E]\nsettings: [1]", "settings"),
        ("variants: [K404E]\nsettings: {sed: 1}", "settings.sed"),
        ("variants: [K404E]\nsettings: {preset: fast}", "no preset"),
        ("variants: [K404E]\noverrides: {T315I: {seed: 1}}", "none of the variants"),
        ("variants: [K404E]\ninclude: [study.yaml]", "includes itself"),
        ("variants: [K404E]\ninclude: [gone.yaml]", "no such file"),
    ],
)
def test_what_is_wrong_with_a_study_file_is_named(text: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=re.escape(word)):
        read_campaign(written(tmp_path, text))


def test_plan_says_what_is_to_be_done_and_run_directories_stay_unmade(tmp_path: Path) -> None:
    study = written(tmp_path, SMALL)
    found, hours = outlook(read_campaign(study), tmp_path / "out")
    stages = {row.stage: row for row in found}
    assert stages["docking"].steps == 3
    assert stages["report"].cached == 0
    assert 0 < hours < 1
    assert not (tmp_path / "out").exists()
    told = CliRunner().invoke(app, ["plan", study, "--json", "--out", str(tmp_path / "out")])
    assert json.loads(told.stdout)["stages"][0]["stage"] == found[0].stage
    assert "variants" in Campaign.model_json_schema()["properties"]


def snakefile_of(tmp_path: Path) -> tuple[Path, Path]:
    campaign = read_campaign(written(tmp_path, SMALL))
    return write_snakefile(campaign, tmp_path / "out"), tmp_path / "out" / "kinscope-K404E"


def test_a_snakefile_has_a_rule_a_step_and_the_artefacts_as_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINSCOPE_CACHE", str(tmp_path / "cache"))
    path, directory = snakefile_of(tmp_path)
    text = path.read_text()
    jobs = list((directory / "work").glob("*/job.json"))
    assert text.count("\nrule ") == len(jobs) > 5
    for job in jobs:
        content = json.loads(job.read_text())
        assert f"{content['store']}/{content['folder']}/artefact.json" in text
        assert set(content["inputs"]) == set(content["input_keys"])


def test_what_several_variants_need_has_a_rule_in_each_and_is_computed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINSCOPE_CACHE", str(tmp_path / "cache"))
    study = written(tmp_path, SMALL.replace("[K404E]", "[K404E, T315I]"))
    text = write_snakefile(read_campaign(study), tmp_path / "out").read_text()
    names = re.findall(r"^rule (\w+?_(\w{20})):", text, re.MULTILINE)
    assert len(dict(names)) == len(names)
    copies = re.findall(r"output: '(.+)/artefact.json'\n.*\n.*\n    shell: 'cp -R (.+)/\. (.+)'\n", text)
    assert len(copies) == len(names) - len({key for _, key in names}) > 0
    for output, first, copy in copies:
        assert output == copy
        assert (Path(first).name, "K404E" in first, "T315I" in copy) == (Path(copy).name, True, True)
        assert f"output: '{first}/artefact.json'" in text


@pytest.mark.parametrize("gpus", [0, 1])
def test_a_snakefile_asks_for_a_gpu_where_the_replicas_were_planned_for_one(
    gpus: int, tmp_path: Path
) -> None:
    pytest.importorskip("parsl")
    path = written(tmp_path, REPLICAS)
    where = ClusterFile(provider="local", gpus=gpus)
    text = write_snakefile(read_campaign(path), tmp_path / "out", where).read_text()
    assert {gpus} == {int(one) for one in re.findall(r"rule replica.*?gpu=(\d)", text, re.DOTALL)}
    assert "gpu=0" in text


def test_run_leaves_the_results_of_every_variant_in_one_set_of_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = written(tmp_path, SMALL.replace("[K404E]", "[K404E, T315I]"))
    runs = list(runs_of(read_campaign(study), tmp_path / "out"))
    for one in runs:
        said = first_answer(one.held.variant, one.held.settings, one.study.pack)
        keep_answer(one.directory, said, one.held.settings, one.study.pack)
    monkeypatch.setattr(Run, "finish", lambda self, _: SimpleNamespace(complete=True))
    told = CliRunner().invoke(app, ["run", study, "--out", str(tmp_path / "out")])
    assert told.exit_code == 0, told.output
    directories = [str(one.directory) for one in runs]
    again = str(tmp_path / "again")
    told = CliRunner().invoke(app, ["report", *directories, "--tables", again, "--csv", "--json"])
    assert json.loads(told.output) == {"written": again}
    columns = ["run_variant", "drug", "verdict", "level", "predicted_ddg_kcal_mol", "predicted_high"]
    expected = [
        (one.held.variant.short, said.drug, said.verdict, said.level,
         *((said.predicted.ddg_kcal_mol, said.predicted.high) if said.predicted else (None, None)))
        for one in runs
        for said in read_result(one.directory)[0].assessment.verdicts
    ]  # fmt: skip
    for folder in ("out/results", "again"):
        rows = pq.read_table(tmp_path / folder / "verdicts.parquet", columns=columns).to_pylist()
        assert [tuple(row.values()) for row in rows] == expected
    assert (tmp_path / "again" / "verdicts.csv").exists()


def test_status_says_which_nanoseconds_a_statement_lacks(tmp_path: Path) -> None:
    """13 replicas of 100 ns a side find a change of 30 % four times in five."""
    study = written(tmp_path, REPLICAS)
    (run,) = runs_of(read_campaign(study), tmp_path / "out")
    run.settle_in()
    _, steps, store = plan_of(run.directory)
    assert [(one.system, one.done_ns, one.planned_ns, one.missing_ns) for one in
            sampled(run.directory, steps, store)] == [
        ("kinase-dfg-out", 0, 120, 2600), ("kinase-dfg-out+imatinib", 0, 120, 2600)
    ]  # fmt: skip
    first = next(step for step in steps if step.name == "replica")
    control = work_of(run.directory, first)
    control.mkdir(parents=True)
    (control / PROGRESS_FILE).write_text('{"fraction": 0.5, "text": "", "time": 0.0}')
    usage = Usage(core_hours=3.0, gpu_hours=12.5, steps_per_minute=2.0, ns_per_day=50.0)
    (run.directory / USAGE_FILE).write_text(usage.model_dump_json())
    told = CliRunner().invoke(app, ["status", str(run.directory)]).stdout
    assert re.search(
        r"kinase-dfg-out: 9\.\d+ of 120 ns; a statement takes 2,590 ns more \(13 replicas", told
    ), told
    assert "\n3 core hours, 12 GPU hours so far\n" in told, "nothing runs: no pace"
    assert lease.take(control) is not None
    told = CliRunner().invoke(app, ["status", str(run.directory)]).stdout
    assert "\n2 steps/min, 50 ns/day; 3 core hours, 12 GPU hours so far\n" in told


def test_verify_names_what_is_damaged_and_gc_what_no_run_needs(tmp_path: Path) -> None:
    _, directory = snakefile_of(tmp_path)
    (run,) = runs_of(read_campaign(str(tmp_path / "study.yaml")), tmp_path / "out")
    steps = in_order([plan_study(run.likely()).report])
    stray = run.store.root / "docking" / "0123"
    whole = next(step for step in steps if run.store.find(step) is not None)  # one that ships
    shutil.copytree(run.store.path(whole), stray)
    assert not list(Store(run.store.root).faults())
    assert CliRunner().invoke(app, ["store", "verify", str(directory)]).stdout == "No file is damaged.\n"
    told = CliRunner().invoke(app, ["store", "verify", str(tmp_path / "mistyped")])
    assert isinstance(told.exception, RunDirectoryError)
    files = [path for path in run.store.path(whole).iterdir() if path.name != "artefact.json"]
    files[0].write_bytes(b"other")
    told = CliRunner().invoke(app, ["store", "verify", str(directory)])
    assert told.exit_code == 1
    assert str(run.store.path(whole)) in told.stdout
    assert files[0].name in told.stdout
    told = CliRunner().invoke(app, ["store", "gc", str(directory)])
    assert str(stray) in told.stdout
    assert stray.exists()
    nothing = CliRunner().invoke(app, ["store", "gc"])
    assert (nothing.exit_code, nothing.stdout) == (0, "0.0 MB can be freed (--remove)\n")
    CliRunner().invoke(app, ["store", "gc", str(directory), "--remove"])
    assert not stray.exists()
    assert run.store.path(whole).exists()

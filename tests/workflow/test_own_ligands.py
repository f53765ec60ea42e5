"""A ligand of the user's in dynamics: what is taken, what is refused, and which steps it makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from factories.presets import whole_quick
from kinscope.cli import commands
from kinscope.core.errors import BadInputError, LigandError, SettingsError
from kinscope.dynamics.systems.bound import PlacedLigand
from kinscope.evidence import lookup
from kinscope.interpretation import assess
from kinscope.interpretation.model import Measurements
from kinscope.ligands.parameters.shipped import SHIPPED
from kinscope.structures.reference.build import reference_model
from kinscope.targets import load_target
from kinscope.variants import parse_variant
from kinscope.workflow.engine.store import Store
from kinscope.workflow.planning.dynamics import replica_steps
from kinscope.workflow.planning.own_ligands import (
    check_in_place,
    definition_of,
    keep_ligand,
    ligand_step,
    placed_as_given,
    take_ligand,
)
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Pace, Study
from kinscope.workflow.planning.user_state import study_pack
from kinscope.workflow.settings import OwnLigand, with_changes
from kinscope.workflow.stages.bound import ligand_parameters

PACK = load_target("abl1")
STATE = "kinase-dfg-out"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Imatinib in its pocket, under another name, with its parameters beside it."""
    shutil.copy(PACK.directory / "poses" / "imatinib.sdf", tmp_path / "mine.sdf")
    for suffix in (".xml", ".json"):
        shutil.copy(SHIPPED / f"imatinib{suffix}", tmp_path / f"mine{suffix}")
    return tmp_path / "mine.sdf"


def take(mine: Path, parameters: Path | None, *, in_place: bool = True):
    return take_ligand(mine, parameters, PACK, state=STATE, site="atp", in_place=in_place)


def test_a_ligand_is_named_by_the_content_of_its_files(mine: Path, tmp_path: Path):
    own, files = take(mine, mine.with_suffix(".xml"))
    assert (own.id, own.pose, own.state) == ("mine", "given", STATE)
    assert files.parameters.record.name == "imatinib"
    for place in (mine.with_suffix(".json"), tmp_path):
        assert take(mine, place)[0] == own
    assert take(mine, tmp_path, in_place=False)[0].pose == "docked"
    moved = tmp_path / "sub" / "mine.sdf"
    moved.parent.mkdir()
    moved.write_bytes(mine.read_bytes() + b"\n")
    assert take(moved, mine.with_suffix(".xml"))[0].structure_sha256 != own.structure_sha256
    assert definition_of(own).smiles_ph74 == own.smiles


def test_what_does_not_fit_is_refused_with_what_to_do(mine: Path, tmp_path: Path):
    for parameters, words in (
        (None, "needs force-field parameters"),
        (tmp_path / "none.xml", "no complete force-field parameters"),
        (mine, "Parameters are NAME.xml"),
        (SHIPPED, "sets of parameters"),
        (SHIPPED / "dasatinib.xml", "of another molecule"),
        (SHIPPED / "ponatinib.json", "of another molecule"),
    ):
        with pytest.raises(LigandError, match=words) as caught:
            take(mine, parameters)
        assert caught.value.remedy
        assert caught.value.exit_code == 2
    (tmp_path / "mine.xml").write_text("<ForceField/>")
    with pytest.raises(LigandError, match="not those that their record describes"):
        take(mine, tmp_path / "mine.xml")


def test_another_protonation_is_another_molecule(tmp_path: Path):
    """The parameters that ship are of the cation; neutral imatinib is not simulated with them."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    neutral = PACK.drug("imatinib").smiles
    molecule = Chem.AddHs(Chem.MolFromSmiles(neutral))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    Chem.MolToMolFile(molecule, str(tmp_path / "neutral.sdf"))
    with pytest.raises(LigandError, match="another protonation"):
        take(tmp_path / "neutral.sdf", SHIPPED / "imatinib.xml")


def test_only_coordinates_in_a_pocket_of_the_model_are_a_pose(mine: Path):
    _, files = take(mine, mine.with_suffix(".xml"))
    placed = placed_as_given(files.parameters, mine)
    model = reference_model(PACK, STATE)[0]
    check_in_place(model, placed, "here")

    def moved(by: tuple[float, float, float]) -> PlacedLigand:
        return PlacedLigand(placed.forcefield, placed.positions_angstrom + np.array(by), placed.pose)

    with pytest.raises(LigandError, match=r"within 1\.5 angstrom of the protein"):
        check_in_place(model, moved((3.0, 0.0, 0.0)), "here")
    with pytest.raises(LigandError, match="angstrom away"):
        check_in_place(model, moved((300.0, 0.0, 0.0)), "here")
    with pytest.raises(LigandError):
        check_in_place(reference_model(PACK, "kinase-dfg-in")[0], placed, "here")


def test_the_files_are_kept_in_the_run(mine: Path, tmp_path: Path):
    own, files = take(mine, mine.with_suffix(".xml"))
    store = Store(tmp_path / "artefacts")
    keep_ligand(store, own, files)
    keep_ligand(store, own, files)
    directory = store.path(ligand_step(own))
    assert store.find(ligand_step(own)) is not None
    assert (directory / "ligand.sdf").read_bytes() == mine.read_bytes()
    mine.unlink()
    placed = placed_as_given(files.parameters, directory / "ligand.sdf")
    assert len(placed.positions_angstrom) == len(files.parameters.record.atoms)


def planner(own: OwnLigand, **changes: object) -> Study:
    dynamics = {"states": (STATE,), "ligands": (), "own_ligands": (own.model_dump(),), **changes}
    settings = with_changes(whole_quick(), states=(STATE,), dynamics=dynamics)
    return Study(PACK, parse_variant("K404E", PACK), settings, pace=Pace(2.0))


def test_it_is_simulated_beside_the_apo_kinase_in_equal_shares(mine: Path):
    own, _ = take(mine, mine.with_suffix(".xml"))
    steps = replica_steps(planner(own))
    bound = f"{STATE}+mine"
    assert set(steps) == {
        (s, about, n) for s in ("native", "mutant") for about in (STATE, bound) for n in range(3)
    }
    assert len({step.parameters["production_steps"] for step in steps.values()}) == 1
    system = steps["mutant", bound, 0].inputs["system"]
    assert system.inputs["native"].inputs["ligand"].key == ligand_step(own).key
    assert "docking" not in system.inputs
    assert "with mine" in steps["native", bound, 0].label
    docked = replica_steps(planner(own.model_copy(update={"pose": "docked"})))
    search = docked["native", bound, 0].inputs["system"].inputs["docking"]
    assert search.name == "docking-given"
    assert docked["mutant", bound, 0].inputs["system"].inputs["docking"].inputs["reference"].key == search.key
    # the apo kinase's identity does not depend on the ligand
    alone = with_changes(
        whole_quick(), states=(STATE,),
        dynamics={"states": (STATE,), "budget_minutes": None, "length_ns": 1.0},
    )  # fmt: skip
    apo = replica_steps(Study(PACK, parse_variant("K404E", PACK), alone, pace=Pace(2.0)))
    both = replica_steps(planner(own, budget_minutes=None, length_ns=1.0))
    assert both["native", STATE, 0].key == apo["native", STATE, 0].key


def test_a_study_reports_it_as_it_reports_a_drug(mine: Path):
    own, _ = take(mine, mine.with_suffix(".xml"))
    planned = planner(own, budget_minutes=None, length_ns=1.0)
    inputs = plan_study(planned).report.inputs
    of_mine = {role: step for role, step in inputs.items() if "mine" in role.split("/")}
    assert set(of_mine) == {
        "ligand/mine",
        *(f"system/{side}/mine" for side in ("native", "mutant")),
        *(f"bound/{side}/mine/{n}" for side in ("native", "mutant") for n in range(3)),
    }
    assert of_mine["bound/native/mine/0"] is replica_steps(planned)["native", f"{STATE}+mine", 0]
    # what reads every result finds it among the drugs, and no drug is lost or gains a verdict by it
    pack = study_pack(inputs["measurements"].parameters)
    assert pack.drug("mine").name == own.name
    assert pack.drugs[:-1] == PACK.drugs
    fields = ("models", "geometries", "contact_changes", "docking", "profiles", "regions", "pockets")
    nothing = Measurements(**dict.fromkeys((*fields, "simulations"), ()))
    judged = assess(planned.variant, nothing, lookup(planned.variant, pack), pack)
    assert "mine" not in {verdict.drug for verdict in judged.verdicts}


def test_a_study_without_one_keeps_its_identity():
    settings = with_changes(whole_quick(), states=(STATE,), dynamics={"states": (STATE,)})
    plan = plan_study(Study(PACK, parse_variant("K404E", PACK), settings, pace=Pace(2.0)))
    assert "own_ligands" not in plan.report.parameters
    assert study_pack(plan.report.parameters) == PACK


def test_what_is_bound_is_told_with_its_own_parameters(mine: Path, tmp_path: Path):
    """A complex of the ligand's own, as the report tells it: the pose, the charges, no co-crystal."""
    own, files = take(mine, mine.with_suffix(".xml"), in_place=False)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "ligand.xml").write_bytes(files.parameters.xml_path.read_bytes())
    (kept / "ligand.json").write_text(files.parameters.record.model_dump_json())
    charges, terms, _ = ligand_parameters(PACK, definition_of(own), kept)
    assert (charges, terms) == (files.parameters.record.charge_model, files.parameters.record.force_field)
    assert charges
    assert ligand_parameters(PACK, definition_of(own), None)[0] == ""  # none ship of it


def test_a_state_that_is_not_simulated_is_refused(mine: Path):
    own, _ = take(mine, mine.with_suffix(".xml"))
    other = own.model_copy(update={"state": "kinase-dfg-in"})
    with pytest.raises(SettingsError, match="does not simulate"):
        replica_steps(planner(other))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ligand-file", "mine.sdf", "--parameters", "mine.xml"], "bound in one state"),
        (["--ligand-file", "mine.sdf", "--state", STATE], "needs force-field parameters"),
        (["--ligand-file", "none.sdf", "--parameters", "mine.xml", "--state", STATE], "no such file"),
        (["--ligand-file", "mine.sdf", "--parameters", "mine.xml", "--state", "nowhere"], "nowhere"),
        (["--ligand-file", "mine.sdf", "--parameters", "mine.xml", "--state", STATE, "--site", "x"], "site"),
        (
            [
                "--ligand-file",
                "mine.sdf",
                "--parameters",
                "mine.xml",
                "--state",
                "kinase-dfg-in",
                "--in-place",
            ],
            "no pose in this model",
        ),
    ],
)
def test_bad_commands_end_before_anything_is_made(
    arguments: list[str], words: str, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    commands.register(app)
    found = CliRunner().invoke(app, ["simulate", "K404E", *arguments])
    assert isinstance(found.exception, BadInputError)
    assert words in str(found.exception)
    assert not list(tmp_path.glob("kinscope-*"))

"""Where a ligand of which nothing is known is searched for, and which state it is said to rank best in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from factories.docking import PACK, model, pose
from kinscope.cli.docking_table import table_csv, table_lines
from kinscope.docking.known import site as known_site
from kinscope.docking.known.crystal import superpose_site
from kinscope.docking.known.site import find_site, search_site, turned
from kinscope.docking.records import DockedPose, DockingRun, DockingSettings
from kinscope.docking.table.row import with_best_forms, with_search
from kinscope.interpretation.words.say import say
from kinscope.ligands.library import load_ligand
from kinscope.results.docking import DockingRow

EDGE = 22.0


def laid(drug: str, state: str) -> np.ndarray:  # type: ignore[type-arg]
    """Heavy atoms of a known pose in a state's model."""
    molecule, record = pose(drug)
    points = np.asarray(molecule.GetConformer().GetPositions())
    heavy = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() > 1]
    transform, _, _ = superpose_site(model(record.state), model(state), points, drug)
    return transform.apply(points[heavy])


@pytest.mark.parametrize(
    ("state", "site", "drugs"),
    [
        ("kinase-dfg-out", "atp", ("imatinib", "nilotinib", "ponatinib", "dasatinib")),
        ("kinase-dfg-in", "atp", ("dasatinib", "bosutinib", "axitinib")),
        ("closed-dfg-out", "myristate", ("asciminib", "myristate")),
    ],
)
def test_the_box_holds_every_known_drug_of_the_site_with_room_to_move(
    state: str, site: str, drugs: tuple[str, ...]
) -> None:
    found = find_site(PACK, site, model(state), EDGE)
    assert found is not None
    low = np.array(found.box.center_angstrom) - np.array(found.box.size_angstrom) / 2
    high = low + np.array(found.box.size_angstrom)
    assert (high - low >= EDGE).all()
    for drug in drugs:
        points = laid(drug, state)
        assert (points > low + 2.0).all(), drug
        assert (points < high - 2.0).all(), drug


def test_a_site_that_the_model_lacks_is_none() -> None:
    assert find_site(PACK, "elsewhere", model("kinase-dfg-in"), EDGE) is None


def test_tyr253_can_turn_where_known_drugs_stand_on_it_and_gives_them_room() -> None:
    """In the crystals of axitinib and PD166326 it lies elsewhere than in dasatinib's."""
    native = model("kinase-dfg-in")
    found = find_site(PACK, "atp", native, EDGE)
    assert found is not None
    assert [residues for _, residues in found.forms] == [(), (253,)]
    other = found.forms[1][0]
    moved = np.abs(other.coord - native.coord).max(axis=1) > 1e-3 if len(other) == len(native) else None
    assert moved is not None
    assert set(native.res_id[moved]) == {253}

    def gap(atoms: Any, points: Any) -> float:
        side = atoms[(atoms.res_id == 253) & (atoms.element != "H")]
        return float(np.linalg.norm(side.coord[:, None] - points[None], axis=2).min())

    drug = laid("axitinib", "kinase-dfg-in")
    assert gap(native, drug) < 2.5 < 3.0 < gap(other, drug)


def test_both_sides_turn_the_same_residues_for_one_pose() -> None:
    native = model("kinase-dfg-in")
    start = pose("dasatinib")[0]
    assert turned(native, start, ()) is native
    moved = turned(native, start, (253,))
    assert set(moved.res_id[np.abs(moved.coord - native.coord).max(axis=1) > 1e-3]) <= {253}


def run_of(ranks: tuple[float, ...], state: str = "kinase-dfg-in") -> DockingRun:
    poses = tuple(
        DockedPose(
            drug="mine", state=state, variant="native", mode="global", rank=number, seed=1,
            score_kcal_per_mol=-9.0 - number, intermolecular_kcal_per_mol=-12.0,
            intramolecular_kcal_per_mol=0.0, ranking_kcal_per_mol=rank,
            rmsd_to_reference_angstrom=number - 1.0,
            core_rmsd_angstrom=0.0, analysed=True, interactions=("Met318 hydrogen bond",),
        )
        for number, rank in enumerate(ranks, start=1)
    )  # fmt: skip
    return DockingRun(
        drug="mine", site="atp", state=state, variant="native", engine="x", engine_version="1",
        settings=DockingSettings().blind(), seed=1, seeds=(1,), seed_scores_kcal_per_mol=(-10.0,),
        score_kcal_per_mol=-10.0, spread_kcal_per_mol=0.0, reference_score_kcal_per_mol=0.0,
        reference_minimised_kcal_per_mol=0.0, poses=poses, receptor_preparation="", seconds=0.0,
    )  # fmt: skip


def test_the_form_whose_first_pose_ranks_best_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_site(PACK, "atp", model("kinase-dfg-in"), EDGE)
    assert found is not None
    runs = [run_of((-5.0, -4.0)), run_of((-7.0, -3.0))]
    monkeypatch.setattr(known_site, "dock", lambda _: (runs.pop(0), []))
    drug = PACK.drug("axitinib")
    best, _ = search_site(found, (drug, load_ligand(drug), None), "kinase-dfg-in", DockingSettings(), 1)
    assert best.turned_residues == (253,)
    assert best.best.ranking_kcal_per_mol == -7.0


def test_a_row_shows_three_poses_and_the_state_that_ranks_best() -> None:
    rows = []
    for state, ranks in (("kinase-dfg-in", (-5.0, -4.5, -4.0)), ("kinase-dfg-out", (-7.5, -7.0, -3.0))):
        row = DockingRow(
            drug="mine", name="mine", binding_type="given", site="atp", state=state, state_label=state,
            own_state="", variant="T315I", outcome="docked",
        )  # fmt: skip
        rows.append(with_search(row, run_of(ranks, state)))
    known = rows[0].model_copy(update={"drug": "imatinib", "found": ()})
    behind, best, other = with_best_forms([*rows, known])
    assert [found.rank for found in best.found] == [1, 2, 3]
    assert best.found[1].rmsd_to_first_angstrom == 1.0
    assert best.found[1].core_rmsd_to_first_angstrom == 0.0
    assert [item.code for item in best.notes] == ["best-form-of-site"]
    assert "kinase-dfg-out" in say(behind.notes[-1])
    assert "2.5 kcal/mol" in say(behind.notes[-1])
    assert other.notes == ()


def test_the_table_prints_the_poses_of_a_search_with_their_core() -> None:
    row = DockingRow(
        drug="mine", name="mine", binding_type="given", site="atp", state="kinase-dfg-in",
        state_label="DFG-in", own_state="", variant="T315I", outcome="docked",
    )  # fmt: skip
    run = run_of((-5.0, -4.8, -4.0)).model_copy(update={"turned_residues": (253,)})
    (found,) = with_best_forms([with_search(row, run)])
    text = " ".join("\n".join(table_lines([found], "T315I")).split())
    assert "pose 2: rank -4.8, Vina -11.0, 1.0 A from the first (0.0 over its core), a tie" in text
    assert text.count(", a tie;") == 1
    assert "253" in text
    assert "ranks best in this one, kinase-dfg-in" in text
    assert "pose 3: rank -4.0" in table_csv([found])

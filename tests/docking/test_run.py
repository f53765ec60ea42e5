"""Docking from the known pose: what a medicinal chemist knows must come out, and twice the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from factories.docking import PACK, SMALL, docked, model, pose
from kinscope.core.errors import LigandError
from kinscope.core.tables import read_table, write_table
from kinscope.docking.engine import Box, ScoredPose
from kinscope.docking.geometry import turn_torsion
from kinscope.docking.output import read_poses, write_poses
from kinscope.docking.poses.rmsd import SymmetricRmsd
from kinscope.docking.records import DockedPose, DockingRun
from kinscope.docking.run import DockingTask, aligned_reference, dock, with_coordinates
from kinscope.docking.vina.engine import VinaSystem
from kinscope.docking.vina.ligand import prepare_ligand
from kinscope.ligands.library import load_ligand

DRUGS = ["imatinib", "nilotinib", "dasatinib", "bosutinib", "ponatinib"]


def polar_gap(drug: str, residue: int, names: tuple[str, ...]) -> float:
    """Shortest distance (angstrom) of a drug's N and O atoms to named atoms of a residue."""
    molecule, record = pose(drug)
    atoms = model(record.state)
    wanted = atoms.coord[(atoms.res_id == residue) & np.isin(atoms.atom_name, names)]
    polar = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetSymbol() in ("N", "O")]
    points = molecule.GetConformer().GetPositions()[polar]
    return float(np.linalg.norm(points[:, None] - wanted[None], axis=2).min())


@pytest.mark.parametrize("drug", DRUGS)
def test_every_atp_competitive_drug_holds_the_hinge_by_met318(drug: str) -> None:
    record = pose(drug)[1]
    assert polar_gap(drug, 318, ("N",)) < 3.3
    assert record.rmsd_to_crystal_angstrom < 2.0
    assert record.valid


@pytest.mark.parametrize("drug", ["imatinib", "nilotinib", "ponatinib"])
def test_type_ii_drugs_bridge_helix_c_and_the_dfg_motif(drug: str) -> None:
    # The amide of type II inhibitors: to Glu286 of helix C and to the backbone of Asp381.
    assert polar_gap(drug, 381, ("N",)) < 3.3
    assert polar_gap(drug, 286, ("OE1", "OE2")) < 3.3


def test_asciminib_sits_in_the_myristate_pocket() -> None:
    pocket = PACK.region("myristate_pocket")
    touched = {
        int("".join(c for c in text.split()[0] if c.isdigit())) for text in pose("asciminib")[1].interactions
    }
    assert touched
    assert touched <= set(pocket.members()) | {number + k for number in pocket.members() for k in (-1, 1)}


def test_a_known_pose_perturbed_by_one_angstrom_comes_back() -> None:
    drug = PACK.drug("dasatinib")
    reference = pose("dasatinib")[0]
    start = np.asarray(reference.GetConformer().GetPositions()) + np.array([0.6, -0.6, 0.5])
    run, _ = dock(DockingTask(
        model(drug.state), drug, load_ligand(drug), with_coordinates(reference, start),
        state=drug.state, variant="native", settings=SMALL, seed=3,
    ))  # fmt: skip
    rmsd = SymmetricRmsd(reference)
    assert run.known_mode_kept
    assert run.best.rmsd_to_reference_angstrom < 2.0
    assert rmsd(start, np.asarray(reference.GetConformer().GetPositions())) > 0.9


def test_same_seed_same_poses_and_another_seed_another_walk() -> None:
    first, poses = docked("dasatinib")
    second, again = docked("dasatinib")
    assert first.model_copy(update={"seconds": 0.0}) == second.model_copy(update={"seconds": 0.0})
    for one, two in zip(poses, again, strict=True):
        assert np.array_equal(one.GetConformer().GetPositions(), two.GetConformer().GetPositions())
    assert docked("dasatinib", seed=12)[0].seeds != first.seeds


def test_docking_never_scores_worse_than_where_it_started() -> None:
    run, _ = docked("imatinib")
    assert run.score_kcal_per_mol <= run.reference_score_kcal_per_mol + 0.2
    assert run.score_kcal_per_mol == min(run.seed_scores_kcal_per_mol)
    assert [p.rank for p in run.poses] == list(range(1, len(run.poses) + 1))
    assert list(run.poses) == sorted(run.poses, key=lambda p: p.score_kcal_per_mol)


def test_poses_keep_the_ligands_bonds() -> None:
    _, poses = docked("ponatinib")
    reference = np.asarray(pose("ponatinib")[0].GetConformer().GetPositions())
    lengths = bond_lengths(poses[0], np.asarray(poses[0].GetConformer().GetPositions()))
    assert np.allclose(sorted(lengths), sorted(bond_lengths(pose("ponatinib")[0], reference)), atol=5e-3)


def bond_lengths(molecule, points: np.ndarray) -> list[float]:  # type: ignore[no-untyped-def, type-arg]
    return [
        float(np.linalg.norm(points[b.GetBeginAtomIdx()] - points[b.GetEndAtomIdx()]))
        for b in molecule.GetBonds()
    ]


def test_another_molecule_is_refused_as_reference() -> None:
    drug = PACK.drug("imatinib")
    with pytest.raises(LigandError, match="another molecule"):
        dock(DockingTask(
            model(drug.state), drug, load_ligand(drug), pose("nilotinib")[0],
            state=drug.state, variant="native", settings=SMALL, seed=1,
        ))  # fmt: skip


def test_results_survive_the_disk(tmp_path: Path) -> None:
    run, poses = docked("dasatinib")
    assert DockingRun.model_validate_json(run.model_dump_json()) == run
    write_table(tmp_path / "poses.parquet", run.poses, DockedPose)
    assert read_table(tmp_path / "poses.parquet", DockedPose) == list(run.poses)
    write_poses(tmp_path / "poses.sdf", poses)
    back = read_poses(tmp_path / "poses.sdf")
    assert [float(m.GetProp("kinscope_score_kcal_per_mol")) for m in back] == [
        p.score_kcal_per_mol for p in run.poses
    ]
    assert back[0].GetNumAtoms() == poses[0].GetNumAtoms()


def found_at(points: np.ndarray, score: float, rank: float) -> ScoredPose:  # type: ignore[type-arg]
    return ScoredPose(points, score, 1.5 * score, 0.0, ranking_kcal_per_mol=rank)


def test_the_search_orders_the_poses_and_no_other_binding_mode_is_averaged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two seeds rank the known mode first, whatever Vina prefers; the third ends elsewhere and is counted."""
    here = np.asarray(pose("dasatinib")[0].GetConformer().GetPositions())
    there = here + np.array([4.0, 0.0, 0.0])
    answers = [
        [found_at(here, -9.0, -8.0), found_at(there, -12.0, -6.0)],
        [found_at(here + 0.3, -9.4, -7.5), found_at(there, -12.0, -6.0)],
        [found_at(there, -12.0, -6.5)],
    ]
    monkeypatch.setattr(VinaSystem, "search", lambda *_, **__: answers.pop(0))
    settings = SMALL.model_copy(update={"mode": "global", "seeds": 3, "analyse_poses": 1})
    run, poses = docked("dasatinib", settings)
    assert (run.score_kcal_per_mol, run.best.score_kcal_per_mol) == (-9.0, -9.0)
    assert run.best.rmsd_to_reference_angstrom < 0.1
    assert any(text.startswith("Met318") for text in run.best.interactions)
    assert run.seed_scores_kcal_per_mol == (-9.0, -9.4)
    assert run.seeds_elsewhere == 1
    assert run.known_mode_kept
    assert [found.ranking_kcal_per_mol for found in run.poses] == [-8.0, -6.5]
    write_poses(tmp_path / "poses.sdf", poses)
    order = [float(m.GetProp("kinscope_ranking_kcal_per_mol")) for m in read_poses(tmp_path / "poses.sdf")]
    assert order == [-8.0, -6.5]


def test_without_a_known_pose_distances_are_to_the_first_and_a_tail_in_the_solvent_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dasatinib with its hydroxyethylpiperazine turned over: another pose, the same core."""
    drug, reference = PACK.drug("dasatinib"), pose("dasatinib")[0]
    ligand = load_ligand(drug)
    known = aligned_reference(ligand, reference)
    here = np.asarray(known.GetConformer().GetPositions())
    ring = known.GetSubstructMatch(Chem.MolFromSmarts("cN1CCN(CCO)CC1"))
    tail = next(t for t in prepare_ligand(known).torsions if {t[0], t[1]} == {ring[0], ring[1]})
    turned = turn_torsion(here, tail[0], tail[1], tail[2], np.pi)
    answer = [found_at(here, -9.0, -8.0), found_at(turned, -9.0, -7.0)]
    monkeypatch.setattr(VinaSystem, "search", lambda *_, **__: answer)
    box = Box.around(here, 6.0)
    run, _ = dock(DockingTask(
        model(drug.state), drug, ligand, None, drug.state, "native", SMALL.blind(), 1, site=box
    ))  # fmt: skip
    first, second = run.poses
    assert (first.rmsd_to_reference_angstrom, first.core_rmsd_angstrom) == (0.0, 0.0)
    assert second.rmsd_to_reference_angstrom > 1.0
    assert second.core_rmsd_angstrom is not None
    assert second.core_rmsd_angstrom < 0.1
    assert 0 < first.core_atoms < 33

"""RMSD, comparison, validity: answers known beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.docking import PACK, SMALL, docked, model, pose
from kinscope.analysis.calls import CRYSTAL_ANGSTROM
from kinscope.core.errors import BadInputError
from kinscope.docking.known.reference import searched_record
from kinscope.docking.poses.interactions import changed_contacts
from kinscope.docking.poses.rmsd import SymmetricRmsd
from kinscope.docking.poses.validity import pose_problems
from kinscope.docking.records import DockingRun, ReferencePoseRecord
from kinscope.docking.run import with_coordinates
from kinscope.docking.table.differences import (
    SMALLEST_MEANINGFUL_KCAL_PER_MOL,
    Weighed,
    alike_around,
    compare_docking,
    distance_to_residues,
)
from kinscope.ligands.library import embed, parse_smiles


def molecule(smiles: str):  # type: ignore[no-untyped-def]
    return embed(parse_smiles(smiles, where="test"), where="test", conformers=2)


@pytest.mark.parametrize(
    ("smiles", "symmetries"),
    [("Cc1ccccc1", 2), ("FC(F)(F)c1ccccc1", 12), ("CC(=O)[O-]", 2), ("c1ccccc1", 12), ("CCO", 1)],
)
def test_symmetries_counted_on_paper(smiles: str, symmetries: int) -> None:
    assert SymmetricRmsd(molecule(smiles)).symmetries == symmetries


def test_a_ring_flipped_over_is_the_same_pose() -> None:
    toluene = molecule("Cc1ccccc1")
    points = np.asarray(toluene.GetConformer().GetPositions())
    swapped = points.copy()
    for one, two in ((2, 6), (3, 5)):  # ortho and meta carbons
        swapped[[one, two]] = swapped[[two, one]]
    rmsd = SymmetricRmsd(toluene)
    assert rmsd(points, swapped) == pytest.approx(0.0, abs=1e-9)
    assert np.sqrt(((points - swapped)[:7] ** 2).sum(axis=1).mean()) > 1.0


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.floats(-5, 5) for _ in range(3)]))
def test_a_translation_by_d_is_an_rmsd_of_d(shift: tuple[float, float, float]) -> None:
    points = np.asarray(pose("imatinib")[0].GetConformer().GetPositions())
    rmsd = SymmetricRmsd(pose("imatinib")[0])(points, points + np.array(shift))
    assert rmsd <= np.linalg.norm(shift) + 1e-9


def test_a_drug_pushed_into_the_protein_is_not_valid() -> None:
    molecule, record = pose("imatinib")
    receptor = model("kinase-dfg-out")
    points = np.asarray(molecule.GetConformer().GetPositions())
    toward = receptor.coord[receptor.element != "H"].mean(axis=0) - points.mean(axis=0)
    pushed = with_coordinates(molecule, points + 4.0 * toward / np.linalg.norm(toward))
    assert {"too-near-protein", "volume-inside-protein"} & {
        item.code for item in pose_problems(receptor, pushed)
    }
    assert record.valid


def test_a_squeezed_molecule_is_not_valid() -> None:
    molecule, _ = pose("imatinib")
    points = np.asarray(molecule.GetConformer().GetPositions())
    squeezed = with_coordinates(molecule, points.mean(axis=0) + 0.6 * (points - points.mean(axis=0)))
    assert "impossible-bond-lengths" in {
        item.code for item in pose_problems(model("kinase-dfg-out"), squeezed)
    }


def shifted(run: DockingRun, by: float, alternative: int = 0) -> DockingRun:
    scores = tuple(score + by for score in run.seed_scores_kcal_per_mol)
    return run.model_copy(
        update={
            "variant": "X1Y",
            "alternative": alternative,
            "seed_scores_kcal_per_mol": scores,
            "score_kcal_per_mol": min(scores),
        }
    )


def compared(
    native: DockingRun, *mutants: DockingRun, above: tuple[float, ...] = (), apart: float | None = None
):  # type: ignore[no-untyped-def]
    return compare_docking(
        PACK.drug("dasatinib"),
        Weighed([native], [0.0]),
        Weighed(mutants, above or [0.0] * len(mutants)),
        reference=pose("dasatinib")[1],
        distance_to_variant_angstrom=9.0,
        pocket_rmsd_angstrom=apart,
    )


def with_contacts(run: DockingRun, *contacts: str) -> DockingRun:
    best = run.poses[0].model_copy(update={"interactions": contacts})
    return run.model_copy(update={"poses": (best, *run.poses[1:])})


def test_a_bond_that_the_new_residue_makes_too_is_kept() -> None:
    """T315S with nilotinib: the hydroxyl is there on both sides."""
    native, _ = docked("dasatinib")
    before = with_contacts(native, "Thr315 hydrogen bond", "Thr315 hydrophobic", "Met318 hydrogen bond")
    found = compared(before, with_contacts(native, "Ser315 hydrogen bond", "Met318 hydrogen bond"))
    assert (found.contacts_lost, found.contacts_gained) == (("Thr315 hydrophobic",), ())


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["hydrogen bond", "hydrophobic"]))))
def test_renaming_residues_changes_no_contact(places: list[tuple[int, str]]) -> None:
    before = tuple(f"Thr{number} {kind}" for number, kind in places)
    after = tuple(f"Ptr{number} {kind}" for number, kind in reversed(places))
    assert changed_contacts(before, after) == ((), ())
    assert changed_contacts(before, ()) == (before, ())


def test_a_pose_of_a_blind_search_has_no_distance_from_a_crystal() -> None:
    record = searched_record(PACK.drug("dasatinib"), "kinase-dfg-in")
    assert record.rmsd_to_crystal_angstrom is None
    assert record.score_kcal_per_mol is None
    # Where earlier records say 0, nothing was measured either.
    written = record.model_dump() | {"rmsd_to_crystal_angstrom": 0.0}
    assert ReferencePoseRecord.model_validate(written) == record


def test_a_pose_laid_on_a_relative_is_measured_over_the_atoms_that_both_have() -> None:
    assert 0.0 < pose("olverembatinib")[1].rmsd_to_crystal_angstrom <= CRYSTAL_ANGSTROM  # type: ignore[operator]


def test_an_interval_holds_what_two_receptors_differ_by_and_at_least_what_a_repeat_does() -> None:
    """`kinscope benchmark null`: Y253 put back as Y253 read +0.10 (+0.07 to +0.14) with nilotinib."""
    native, _ = docked("dasatinib")
    halves = [
        (found.high - found.low) / 2
        for found in (
            compared(native, shifted(native, 0.1), apart=apart).difference_kcal_per_mol
            for apart in (0.03, 0.63, 5.0, None)
        )
    ]
    assert halves[0] == pytest.approx(1.96 * 2**0.5 * 0.1, rel=0.1)
    assert halves[1:] == pytest.approx([1.96 * 2**0.5 * 0.35] * 3, rel=0.1)
    unmoved = compared(native, native, apart=0.0).difference_kcal_per_mol
    assert unmoved.value == 0.0
    assert (unmoved.high - unmoved.low) / 2 < 0.5 * halves[0]  # what the searches differ by, alone


def test_a_difference_within_the_noise_is_called_that() -> None:
    native, _ = docked("dasatinib")
    same = compared(native, shifted(native, 0.4 * SMALLEST_MEANINGFUL_KCAL_PER_MOL)).difference_kcal_per_mol
    assert same.value == pytest.approx(0.4 * SMALLEST_MEANINGFUL_KCAL_PER_MOL, abs=1e-6)
    assert not same.resolved


def test_a_large_loss_is_resolved_and_alternatives_widen_the_interval() -> None:
    native, _ = docked("dasatinib", SMALL.model_copy(update={"seeds": 3}))
    lost = compared(native, shifted(native, 6.0)).difference_kcal_per_mol
    assert lost.resolved
    spread = compared(native, shifted(native, 6.0), shifted(native, 3.0, 1)).difference_kcal_per_mol
    assert spread.high - spread.low > lost.high - lost.low  # type: ignore[operator]
    assert spread.value == pytest.approx(4.5, abs=1e-3)


def test_models_count_by_their_energies() -> None:
    native, _ = docked("dasatinib")
    models = shifted(native, 0.0), shifted(native, 6.0, 1)
    far = compared(native, *models, above=(0.0, 50.0))
    alone = compared(native, models[0])
    assert far.difference_kcal_per_mol.value == pytest.approx(0.0, abs=1e-3)
    assert far.difference_kcal_per_mol.high == pytest.approx(alone.difference_kcal_per_mol.high, abs=1e-3)
    # What the columns show is what the difference is of.
    two = compared(native, *models, above=(0.0, 2.0))
    shown = two.mutant_score_kcal_per_mol - two.native_score_kcal_per_mol
    assert two.difference_kcal_per_mol.value == pytest.approx(shown, abs=2e-3)
    assert shown == pytest.approx(6.0 / (1.0 + math.e), abs=2e-3)


def test_receptors_that_differ_beyond_reach_are_one_for_a_drug() -> None:
    molecule, record = pose("imatinib")
    native = model(record.state)
    points = np.asarray(molecule.GetConformer().GetPositions())
    far, near, other = native.copy(), native.copy(), native.copy()
    far.coord[far.res_id == 404] += 1.0
    near.coord[near.res_id == 315] += 0.01
    other.res_name[other.res_id == 315] = "SER"
    assert alike_around(far, native, points, 10.0)
    assert not alike_around(near, native, points, 10.0)
    assert not alike_around(other, native, points, 10.0)


def test_runs_that_do_not_belong_together_are_refused() -> None:
    native, _ = docked("dasatinib")
    with pytest.raises(BadInputError, match="cannot be compared"):
        compared(native, native.model_copy(update={"state": "elsewhere"}))
    with pytest.raises(BadInputError, match="no docking run of one side"):
        compared(native)


def test_the_gatekeeper_is_near_imatinib_and_lys404_is_not() -> None:
    molecule = pose("imatinib")[0]
    assert distance_to_residues(model("kinase-dfg-out"), molecule, [315]) < 4.5
    assert distance_to_residues(model("kinase-dfg-out"), molecule, [404]) > 10.0

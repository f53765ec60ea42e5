"""Known poses laid into a user's model.

Type II inhibitors need DFG-out, type I ones DFG-in: measured on the shipped models, not assumed.
"""

from __future__ import annotations

import numpy as np
import pytest

from factories import docking
from factories.user_structure import PACK, moved
from kinscope.core.errors import StructureError
from kinscope.docking.known.carried import OWN, carried_pose, write_carried
from kinscope.docking.known.fit import fit_in_state
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.poses.rmsd import SymmetricRmsd
from kinscope.structures.reference.build import reference_model
from kinscope.structures.superposition import superpose
from kinscope.structures.user.ligands import occupant_array

DRUG = PACK.drug("dasatinib")


@pytest.fixture(scope="module")
def model():
    """The shipped DFG-in model in another frame."""
    return moved(reference_model(PACK, "kinase-dfg-in")[0])


def in_its_frame(model):
    """The shipped pose, moved as the model was."""
    shipped, _ = reference_pose(PACK, DRUG)
    transform = superpose(reference_model(PACK, "kinase-dfg-in")[0], model)
    return shipped, transform.apply(np.asarray(shipped.GetConformer().GetPositions()))


def test_a_pose_follows_the_model_into_another_frame(model, tmp_path):
    pose, record = carried_pose(PACK, DRUG, model)
    _, expected = in_its_frame(model)
    found = np.asarray(pose.GetConformer().GetPositions())
    assert SymmetricRmsd(pose)(found, expected) < 1.0
    assert record.valid
    assert record.state == "user"
    assert record.crystal == DRUG.reference_entry
    assert record.superposition_rmsd_angstrom < 0.01
    write_carried(tmp_path, PACK, pose, record)
    again, held = reference_pose(PACK, DRUG, tmp_path)
    assert held == record
    assert np.allclose(again.GetConformer().GetPositions(), found, atol=1e-3)


def test_the_files_own_pose_is_taken_where_there_is_one(model):
    shipped, positions = in_its_frame(model)
    heavy = [atom.GetIdx() for atom in shipped.GetAtoms() if atom.GetAtomicNum() > 1]
    shift = np.array([0.3, -0.2, 0.1])
    elements = [shipped.GetAtomWithIdx(index).GetSymbol() for index in heavy]
    own = occupant_array(DRUG.ccd, elements, positions[heavy] + shift)
    pose, record = carried_pose(PACK, DRUG, model, own)
    assert record.crystal == f"{OWN}:{DRUG.ccd}"
    assert not record.analogue
    assert SymmetricRmsd(pose)(np.asarray(pose.GetConformer().GetPositions()), positions) < 1.5
    # A ligand with atoms missing is not the drug: the reference pose takes its place.
    _, part = carried_pose(PACK, DRUG, model, own[: len(own) - 4])
    assert part.crystal == DRUG.reference_entry


def test_a_model_without_the_site_is_refused(model):
    with pytest.raises(StructureError, match="too little of the site"):
        carried_pose(PACK, DRUG, model[model.res_id > 400])


@pytest.mark.parametrize("drug", ["imatinib", "nilotinib"])
def test_a_type_ii_inhibitor_runs_into_the_phenylalanine_of_dfg_in(drug: str) -> None:
    definition = PACK.drug(drug)
    found = fit_in_state(
        definition,
        docking.pose(drug)[0],
        docking.model("kinase-dfg-out"),
        docking.model("kinase-dfg-in"),
        "kinase-dfg-in",
    )
    assert found is not None
    fit, _ = found
    assert not fit.fits
    assert fit.clashes >= 10
    # The pocket behind Phe382 is closed when it points in; the paper of every type II crystal says so.
    assert {"Phe382", "Asp381"} & set(fit.clashing_residues)


def test_a_drug_fits_its_own_state() -> None:
    definition = PACK.drug("dasatinib")
    home = docking.model(definition.state)
    found = fit_in_state(definition, docking.pose("dasatinib")[0], home, home, definition.state)
    assert found is not None
    fit, _ = found
    assert fit.fits
    assert fit.clashes == 0
    assert fit.moved_angstrom < 0.5


def test_a_site_that_a_model_does_not_hold_gives_no_answer() -> None:
    home = docking.model("closed-dfg-out")
    pocketless = home[(home.res_id > 64) & (home.res_id < 200)]
    drug, pose = PACK.drug("asciminib"), docking.pose("asciminib")[0]
    assert fit_in_state(drug, pose, home, pocketless, "elsewhere") is None

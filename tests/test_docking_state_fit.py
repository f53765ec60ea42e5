"""Type II inhibitors need DFG-out, type I ones DFG-in: measured on the shipped models, not assumed."""

from __future__ import annotations

import pytest

from kinscope.docking.state_fit import state_fit
from test_docking_cases import PACK, model, pose


@pytest.mark.parametrize("drug", ["imatinib", "nilotinib"])
def test_a_type_ii_inhibitor_runs_into_the_phenylalanine_of_dfg_in(drug: str) -> None:
    definition = PACK.drug(drug)
    found = state_fit(
        definition, pose(drug)[0], model("kinase-dfg-out"), model("kinase-dfg-in"), "kinase-dfg-in"
    )
    assert found is not None
    assert not found.fits
    assert found.clashes >= 10
    # The pocket behind Phe382 is closed when it points in; the paper of every type II crystal says so.
    assert {"Phe382", "Asp381"} & set(found.clashing_residues)


def test_a_drug_fits_its_own_state() -> None:
    definition = PACK.drug("dasatinib")
    home = model(definition.state)
    found = state_fit(definition, pose("dasatinib")[0], home, home, definition.state)
    assert found is not None
    assert found.fits
    assert found.clashes == 0
    assert found.moved_angstrom < 0.5


def test_a_site_that_a_model_does_not_hold_gives_no_answer() -> None:
    home = model("closed-dfg-out")
    pocketless = home[(home.res_id > 64) & (home.res_id < 200)]
    assert state_fit(PACK.drug("asciminib"), pose("asciminib")[0], home, pocketless, "elsewhere") is None

"""The terms say what the structures show, and nothing where the drug is out of reach."""

import pytest

from kinscope.affinity.ensemble import SiteRow
from kinscope.affinity.scan import shipped_sites
from kinscope.affinity.terms import NAMES, DrugPlaces, PlaceRow, Sites, gate
from kinscope.core.errors import ComputationError
from kinscope.targets import load_target


@pytest.fixture(scope="module")
def shipped():
    return shipped_sites(load_target())


def test_isoleucine_at_the_gatekeeper_clashes_and_loses_a_hydrogen_bond(shipped):
    terms = shipped.terms("imatinib", 315, "T", "I")
    assert terms.contact > 2.0
    assert terms.bonds > 0.7
    assert terms.near > 0.9


def test_ponatinib_has_no_bond_to_lose_at_the_gatekeeper(shipped):
    assert shipped.terms("ponatinib", 315, "T", "I").bonds < 0.2


def test_leucine_for_phenylalanine_317_loses_aromatic_contact(shipped):
    assert shipped.terms("dasatinib", 317, "F", "L").ring > 0.5
    assert shipped.terms("dasatinib", 317, "F", "Y").ring < 0.3


def test_a_far_residue_has_no_term_but_nearness_and_that_is_nothing(shipped):
    terms = shipped.terms("imatinib", 404, "K", "E")
    assert terms.reach_angstrom > 15.0
    values = dict(zip(NAMES, terms.vector(), strict=True))
    del values["balance"]
    assert max(map(abs, values.values())) < 0.02
    assert terms.balance < 0.25


def test_only_drugs_of_an_inactive_state_meet_backbone_that_moves(shipped):
    assert shipped.terms("imatinib", 253, "Y", "H").mobile > 0.3
    assert shipped.terms("dasatinib", 253, "Y", "H").mobile == 0.0
    assert shipped.terms("imatinib", 396, "H", "R").balance > 0.9
    assert shipped.terms("dasatinib", 396, "H", "R").balance == 0.0
    assert shipped.terms("axitinib", 396, "H", "R").balance == 0.0
    assert shipped.terms("axitinib", 396, "H", "R", "apo/kinase-dfg-out").balance > 0.9


def test_terms_of_a_substitution_and_its_reverse_cancel(shipped):
    there, back = shipped.terms("dasatinib", 317, "F", "L"), shipped.terms("dasatinib", 317, "L", "F")
    assert there.bonds == pytest.approx(-back.bonds)
    assert there.charge == pytest.approx(-back.charge)


def test_nearness_falls_from_one_to_nothing():
    assert gate(3.0) > 0.95
    assert gate(8.0) == pytest.approx(0.5)
    assert gate(17.0) < 0.005


def test_what_was_not_computed_in_reach_is_an_error_and_not_zero():
    row = {"pull_kcal_per_mol": 0.0, "bonds": 0.0, "ring": 0.0, "packing_kcal_per_mol": 0.0}
    rows = [SiteRow(complex="d/x", residue=5, kind="A", **row)]
    places = [PlaceRow(complex="d/x", residue=5, reach_angstrom=4.0)]
    sites = Sites(rows, places, {"d": DrugPlaces(("d/x",))}, "apo")
    with pytest.raises(ComputationError, match="not computed"):
        sites.terms("d", 5, "A", "V")
    assert sites.terms("d", 6, "A", "V") is None

"""The model keeps to its priors where data are few and to data where they are many."""

from dataclasses import replace

import numpy as np
import pytest

from kinscope.affinity.interval import calibrate, quantile, scale, suspicion
from kinscope.affinity.model import PRIORS, Example, fit
from kinscope.affinity.terms import Sites, Terms

ZERO = dict.fromkeys(PRIORS, 0.0)


def terms(reach=4.0, **given):
    return Terms(reach_angstrom=reach, **{**ZERO, **given})


def many(count=400, weight=1.0, seed=1):
    draw = np.random.default_rng(seed)
    found = []
    for index in range(count):
        contact = float(draw.normal() * 2)
        value = 0.35 * contact + 0.1 + float(draw.normal() * 0.2)
        found.append(Example(f"d{index % 4}", index % 40, terms(contact=contact, near=0.9), value, weight))
    return found


def test_without_weight_the_priors_speak():
    model = fit([Example("d", 1, terms(contact=1.0, near=1.0), 5.0, weight=1e-9)])
    assert model.predict("d", terms(bonds=1.0)) - model.predict("d", terms()) == pytest.approx(0.8, abs=1e-3)


def test_many_pairs_outweigh_the_prior():
    model = fit(many())
    slope = model.predict("new", terms(contact=1.0)) - model.predict("new", terms())
    assert 0.28 < slope < 0.38


def test_what_the_terms_add_sums_to_the_prediction():
    model = fit(many(60))
    given = terms(contact=1.0, charge=1.0, near=0.8)
    assert sum(model.shares("d1", given).values()) == pytest.approx(model.predict("d1", given))


def test_a_drug_that_was_not_seen_has_no_effect_of_its_own():
    assert fit(many(60)).shares("new", terms(near=1.0))["drug"] == 0.0


def test_a_drug_in_another_kinase_has_half_of_its_effect_from_there():
    model = fit([Example("d", n, terms(near=1.0), 2.0) for n in range(200)])
    own, elsewhere, new = (model.predict(name, terms(near=1.0)) for name in ("d", "d@KIT", "e@KIT"))
    assert own > elsewhere > new
    assert elsewhere - new == pytest.approx((own - new) / 2, rel=0.01)


def test_as_many_are_suspected_as_are_lost():
    own = [Example("d", n, terms(), value) for n, value in enumerate((3.0, 2.0, 0.1, 0.2))]
    assert suspicion(own, [0.9, 0.7, 0.5, 0.1]) == pytest.approx(0.6)
    assert suspicion(own[2:], [0.9, 0.7]) == pytest.approx(0.9)


def test_the_conformal_rank_counts_the_value_to_come():
    values = list(range(1, 20))
    assert quantile(values, 0.95) == 19
    assert quantile(values, 0.05) == 1
    assert quantile(values[:18], 0.95) == float("inf")


def test_intervals_hold_what_they_promise_on_residues_not_seen():
    sites = Sites([], [], {}, "apo")
    model = calibrate(many(400), sites)
    model = replace(model, residuals={**model.residuals, ("unseen", True): model.residuals["seen", True]})
    fresh = many(400, seed=2)
    found = [model.predict(e.drug, e.residue, e.terms) for e in fresh]
    inside = [i.low_80 <= e.ddg_kcal_per_mol <= i.high_80 for i, e in zip(found, fresh, strict=True)]
    assert 0.72 < np.mean(inside) < 0.88


def test_errors_grow_with_the_loss_that_is_predicted():
    assert scale(2.0) > scale(0.0) == scale(-1.0)

"""One line tells a prediction, what made it, its record, and what was measured."""

from kinscope.interpretation.model import Predicted
from kinscope.report.predicted import driving, predicted_line, still_a_kinase


def predicted(**more):
    given = {"ddg_kcal_mol": 1.3, "low": 0.4, "high": 3.2, "probability_lost": 0.46, "nearest_residue": 317}
    return Predicted(drug="imatinib", reach_angstrom=3.2, call="loss suspected", **given, **more)


def test_only_terms_that_count_are_told_and_the_greatest_first():
    shares = {"base": 0.9, "contact": 0.5, "bonds": 0.7, "charge": 0.05, "drug": 0.4}
    assert driving(shares, 2) == "hydrogen bonds +0.7, contact +0.5"
    assert driving({"charge": 0.05}, 2) == ""


def test_a_measured_value_stands_beside_the_prediction_that_left_it_out():
    line = predicted_line(predicted(measured_kcal_mol=2.32, drivers={"bonds": 0.7}))
    assert "46 % for a tenfold loss: loss suspected; most from hydrogen bonds +0.7" in line
    assert "Measured: +2.3" in line
    assert "Measured" not in predicted_line(predicted())


def test_the_doubt_says_what_its_rule_was_tested_on():
    assert still_a_kinase("", 1.0, (1, 28)) == ""
    assert "Of 28 measured substitutions, active kinases all, this flags 1" in still_a_kinase(
        "packing", 40.0, (1, 28)
    )
    assert "not tested here" in predicted_line(predicted(fold_rule="catalytic"))

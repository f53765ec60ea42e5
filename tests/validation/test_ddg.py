"""The benchmark of affinity: its measures are right, labels exchanged give nothing, and the table holds."""

import numpy as np
import pytest

from kinscope.affinity.interval import residue_of
from kinscope.core.errors import BadInputError
from kinscope.targets import load_target
from kinscope.validation import ddg


@pytest.fixture(scope="module")
def found():
    return ddg.run(load_target())


def test_a_perfect_ranking_scores_one_and_ties_a_half():
    lost = np.array([False, False, True])
    assert ddg.auroc(lost, np.array([0.0, 1.0, 2.0])) == 1.0
    assert ddg.auroc(lost, np.zeros(3)) == 0.5
    assert ddg.average_precision(lost, np.array([0.0, 2.0, 1.0])) == pytest.approx(0.5)


def test_zero_everywhere_has_no_correlation():
    measured = np.array([0.0, 2.0, 0.1, 3.0])
    assert ddg.scores(measured, np.zeros(4))["mcc"] == 0.0
    assert ddg.scores(measured, measured)["mcc"] == 1.0


def test_whole_residues_are_resampled():
    rows = ddg.resampled(np.array([1, 1, 2, 3]))[0]
    assert (rows == 0).sum() == (rows == 1).sum()


def test_144_pairs_of_which_19_are_lost(found):
    assert len(found.own) == 144
    assert (found.measured > 1.36).sum() == 19


def test_residues_left_out_are_predicted_better_than_by_null_models(found):
    ours = ddg.scores(found.measured, found.predictions["residue left out"])
    assert ours["rmse"] < 0.66
    assert ours["kendall"] > 0.41
    assert ours["auroc"] > 0.85
    assert ddg.scores(found.measured, found.predictions["zero everywhere"])["rmse"] > 0.95


def test_losses_suspected_by_a_cut_from_other_residues_are_mostly_lost(found):
    mcc, cut, called, right = found.at_own_cut()
    assert mcc > 0.5
    assert 0.9 < cut < 1.36
    assert 2 * right > called


def test_a_model_of_abl1_alone_ranks_other_kinases(found):
    measured, predicted, _ = found.unseen()
    told = ddg.scores(measured, predicted)
    assert told["auroc"] > 0.8
    assert told["auprc"] > 0.6


def test_exchanged_labels_give_nothing(found, monkeypatch):
    monkeypatch.setattr(ddg, "PERMUTATIONS", 5)
    mixed = found.permuted()
    assert np.mean([item["auprc"] for item in mixed]) < 0.35
    assert abs(np.mean([item["kendall"] for item in mixed])) < 0.12


def test_a_prediction_does_not_change_with_the_labels_of_its_own_residue(found):
    changed = [
        ddg.replace(e, ddg_kcal_per_mol=e.ddg_kcal_per_mol + 2.0 * (e.residue == 315)) for e in found.known
    ]
    before, after = (ddg.left_out(known, residue_of) for known in (found.known, changed))
    mask = np.array([example.residue == 315 for example in found.own])
    assert np.allclose(before[mask], after[mask])
    assert not np.allclose(before[~mask], after[~mask])


def test_intervals_cover_and_what_is_kept_is_kept(found):
    lost = found.measured > 1.36
    inside = [i.low_80 <= m <= i.high_80 for i, m in zip(found.intervals, found.measured, strict=True)]
    kept = np.array([item.kept for item in found.intervals])
    assert 0.75 <= np.mean(inside) <= 0.88
    assert (kept & lost).sum() <= 1
    assert kept.mean() > 0.45


def test_pairs_named_in_advance_read_as_measured_or_are_known_not_to(found):
    said = {f"{e.change}/{e.drug}": i for e, i in zip(found.own, found.intervals, strict=True)}
    for pair in ("V299L/dasatinib", "E255K/imatinib", "T315I/imatinib", "T315I/nilotinib", "T315I/dasatinib"):
        assert said[pair].ddg_kcal_per_mol > 1.0, pair
        assert not said[pair].kept, pair
    assert said["T315I/ponatinib"].ddg_kcal_per_mol < 0.5
    assert said["F317L/dasatinib"].ddg_kcal_per_mol > 0.5
    assert said["G250E/imatinib"].ddg_kcal_per_mol > 0.3  # measured +1.0: half of it is seen


def test_a_table_that_lacks_a_pair_is_refused(tmp_path):
    path = tmp_path / "others.csv"
    path.write_text("tki,mutation,A99.DDG\nimatinib,T315I,1.0\n")
    assert ddg.published(path, [("imatinib", "T315I")])["pmx A99 (Aldeghi 2019)"][0] == 1.0
    with pytest.raises(BadInputError, match="lacks a pair"):
        ddg.published(path, [("imatinib", "E255K")])

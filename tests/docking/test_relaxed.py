"""Repeats of relaxed complexes: what they move, that a seed fixes them, and the interval that they give."""

from __future__ import annotations

import numpy as np
import pytest

from factories.docking import PACK, model, pose
from factories.relaxed import side
from kinscope.docking.geometry import rows_by_name
from kinscope.docking.known.reference import pose_records
from kinscope.docking.records import ReferencePoseRecord
from kinscope.docking.relaxed.compare import (
    Complex,
    _starts,
    compare_sides,
    own_names,
    relaxed_side,
    residues_near,
)
from kinscope.docking.relaxed.complex_field import ComplexField, Pocket
from kinscope.docking.relaxed.mechanics import mechanics_of
from kinscope.results.docking import ComplexSide, RelaxedSettings

SMALL = RelaxedSettings(
    near_angstrom=3.0, surroundings_angstrom=6.0, touching_angstrom=2.0, rotamers=1, clash_iterations=10,
    first_iterations=2, final_iterations=10, repeats=2, shake_ps=0.02,
)  # fmt: skip


def test_the_interval_is_welchs_over_the_repeats() -> None:
    from scipy import stats

    native, mutant = [-70.1, -69.2, -70.9, -69.9, -70.4, -71.0], [-68.0, -66.5, -69.1, -67.7, -68.8, -67.0]
    found = compare_sides("x", "s", "T315I", side(native), side(mutant), SMALL).difference_kcal_per_mol
    known = stats.ttest_ind(mutant, native, equal_var=False).confidence_interval(0.95)
    assert found.low == pytest.approx(known.low, abs=1e-6)
    assert found.high == pytest.approx(known.high, abs=1e-6)
    assert (found.native_replicas, found.mutant_replicas) == (6, 6)
    assert found.resolved == (known.low > 0 and found.value >= 1.4)


def test_a_wide_ensemble_is_not_an_uncertain_one_but_uncertain_repeats_are() -> None:
    sure, unsure = side([-70.0, -70.2, -69.8, -70.1]), side([-66.0, -74.0, -68.0, -72.0])
    narrow = compare_sides("x", "s", "v", sure, sure, SMALL).difference_kcal_per_mol
    wide = compare_sides("x", "s", "v", unsure, unsure, SMALL).difference_kcal_per_mol
    assert narrow.high < 1.4 < wide.high


def test_shaking_moves_what_is_near_the_residue_and_nothing_else() -> None:
    molecule, record = pose("dasatinib")
    protein = model(record.state)
    mechanics, _ = mechanics_of(PACK, PACK.drug("dasatinib"))
    assert mechanics is not None
    drug = np.asarray(molecule.GetConformer().GetPositions())
    near = residues_near(protein, drug, 6.0)
    around = np.asarray(protein.coord[protein.res_id == 315], dtype=np.float64)
    anchor = np.asarray(protein.coord, dtype=np.float64)
    settings = SMALL.model_copy(update={"shake_angstrom": 5.0})
    field = ComplexField(protein, molecule, mechanics, Pocket(near, near, anchor, around), settings)
    start = field.joined(anchor, drug)
    first, again, other = field.shaken(start, 7), field.shaken(start, 7), field.shaken(start, 8)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    moved = np.abs(first - start).max(axis=1) > 1e-6
    gaps = np.linalg.norm(start[:, None] - around[None], axis=2).min(axis=1)
    own = np.concatenate([protein.res_id[field.kept], np.full(len(drug), -1)])
    reached = set(residues_near(protein, around, 5.0))
    assert not moved[(own == -1) & (gaps > 5.0)].any()
    assert not moved[(own != -1) & ~np.isin(own, list(reached))].any()
    assert moved[own == 315].all()
    assert moved[(own == -1) & (gaps <= 5.0)].all()


def test_a_seed_fixes_a_side_and_the_sides_have_seeds_of_their_own() -> None:
    molecule, record = pose("dasatinib")
    protein = model(record.state)
    mechanics, _ = mechanics_of(PACK, PACK.drug("dasatinib"))
    assert mechanics is not None
    names = own_names(protein, [315])
    assert names == {315: "THR"}

    def run(seed: int) -> ComplexSide:
        whole = Complex(protein, molecule, mechanics, SMALL)
        found = relaxed_side(whole, names, seed)
        assert found is not None
        return found.model_copy(update={"cpu_seconds": 0.0})

    native, again, other = run(5), run(5), run(6)
    assert native == again
    assert len(native.repeats) == SMALL.repeats
    # Nothing is shared by two sides but the rotamers that count: every repeat is built for itself.
    assert not {r.seed for r in native.repeats} & {r.seed for r in other.repeats}
    values = [r.interaction_kcal_per_mol for found in (native, other) for r in found.repeats]
    assert len(set(values)) == len(values)
    assert native.interaction_kcal_per_mol == pytest.approx(
        np.mean([r.interaction_kcal_per_mol for r in native.repeats]), abs=0.01
    )


def test_what_lies_near_a_pose_is_recorded_as_it_is_measured() -> None:
    records = {(record.drug, record.state): record for record in pose_records(PACK)}
    for drug in ("imatinib", "asciminib"):
        molecule, record = pose(drug)
        found = records[drug, record.state]
        points = np.asarray(molecule.GetConformer().GetPositions())
        assert list(found.surroundings) == residues_near(model(record.state), points, 9.0)
    assert records["imatinib", "kinase-dfg-out"].reaches([315], 9.0)
    assert not records["imatinib", "kinase-dfg-out"].reaches([404], 9.0)
    assert not records["asciminib", "closed-dfg-out"].reaches([315], 9.0)


def test_what_was_not_measured_may_be_near() -> None:
    record = pose_records(PACK)[0]
    unknown = ReferencePoseRecord.model_validate({**record.model_dump(), "surroundings": ()})
    assert unknown.reaches([404], 9.0)
    assert record.reaches([404], 12.0)


def test_a_side_holds_one_tautomer_of_a_histidine() -> None:
    molecule, record = pose("imatinib")
    protein = model(record.state)
    drug = np.asarray(molecule.GetConformer().GetPositions())
    for residue in (253, 361):
        found = _starts(protein, drug, {residue: "HIS"}, 8)
        assert len(found) > 1
        assert len({frozenset(rows_by_name(start.atoms)) for start in found}) == 1

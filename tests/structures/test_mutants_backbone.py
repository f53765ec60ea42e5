"""Backrubs, the packing energy of relaxed models, and what they do for T315I."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories.helix import FIRST, SEQUENCE, assert_sound, helix
from kinscope.structures.forcefield.relaxation import Relaxed
from kinscope.structures.mutants.backbone_moves import (
    BackboneMove,
    backbone_kept,
    backrub,
    is_sound,
    moves_about,
)
from kinscope.structures.mutants.build import build_mutant
from kinscope.structures.mutants.candidates import SoftScore
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.side_chains.rotamers import chi_angles
from kinscope.structures.side_chains.sites import residues_of

CENTRE = FIRST + 10


def moved(degrees, residue=CENTRE):
    return backrub(helix()[0], BackboneMove(residue, degrees))


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.floats(-20, 20), st.integers(FIRST + 1, FIRST + len(SEQUENCE) - 2))
def test_a_backrub_keeps_bonds_and_all_that_lies_beyond_the_neighbours(degrees, residue):
    native, after = residues_of(helix()[0]), residues_of(moved(degrees, residue))
    for number in native:
        if abs(number - residue) > 1:
            assert np.array_equal(native[number].coord, after[number].coord)
        if number + 1 in native and native[number].name != "ACE" and native[number + 1].name != "NME":
            for one, two in ((("N", 0), ("CA", 0)), (("CA", 0), ("C", 0)), (("C", 0), ("N", 1))):
                before, now = (
                    np.linalg.norm(r[number + one[1]].at(one[0]) - r[number + two[1]].at(two[0]))
                    for r in (native, after)
                )
                assert now == pytest.approx(before, abs=1e-4)
    for neighbour in (residue - 1, residue + 1):
        assert np.array_equal(native[neighbour].at("CA"), after[neighbour].at("CA"))


def test_ca_and_cb_swing_and_the_carbonyl_oxygens_hardly_do():
    native, after = residues_of(helix()[0]), residues_of(moved(12.0))
    shift = {
        (number, atom): np.linalg.norm(native[number].at(atom) - after[number].at(atom))
        for number, atom in ((CENTRE, "CA"), (CENTRE, "CB"), (CENTRE, "O"), (CENTRE - 1, "O"))
    }
    assert shift[CENTRE, "CB"] > shift[CENTRE, "CA"] > 0.2
    assert max(shift[CENTRE, "O"], shift[CENTRE - 1, "O"]) < shift[CENTRE, "CA"]


def test_no_turn_is_the_native_and_a_cap_or_proline_is_left_alone():
    assert np.array_equal(moved(0.0).coord, helix()[0].coord)
    assert moved(10.0, FIRST - 1) is None  # the acetyl has no CA
    ring = helix()[0].copy()
    ring.res_name[ring.res_id == CENTRE + 1] = "PRO"
    assert backrub(ring, BackboneMove(CENTRE, 10.0)) is None


def test_moves_begin_with_the_native_and_name_none_twice():
    moves = moves_about([315, 316], (5.0,), (5.0,))
    assert moves[0].is_native
    assert len(set(moves)) == len(moves) == 1 + 2 * 4
    assert moves_about([315], (), ()) == [BackboneMove(315, 0.0)]


def test_a_wild_turn_is_unsound_and_a_usual_one_is_not():
    native = helix()[0]
    assert is_sound(native, moved(8.0), BackboneMove(CENTRE, 8.0))
    assert not is_sound(native, moved(70.0), BackboneMove(CENTRE, 70.0))
    assert backbone_kept(native, native, BackboneMove(CENTRE, 8.0))
    assert not backbone_kept(native, moved(70.0), BackboneMove(CENTRE, 70.0))


def test_soft_score_does_not_see_how_the_model_lies_and_does_see_a_clash():
    atoms, _ = helix()
    moving = np.abs(np.asarray(atoms.res_id) - CENTRE) <= 1
    score = SoftScore(atoms, moving, np.ones(len(atoms), dtype=bool))
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    native = np.asarray(atoms.coord, dtype=np.float32)
    assert score((native @ turn + 3.0).astype(np.float32)) == pytest.approx(score(native), abs=0.02)
    # the rotation alone is proper or not: energies of pairs do not know
    pushed = native.copy()
    pushed[np.asarray(atoms.res_id) == CENTRE] += native.mean(axis=0) - native[atoms.res_id == CENTRE].mean(0)
    assert score(pushed) > score(native) + 5.0


def test_score_counts_strain_and_rarity_in_full():
    from kinscope.structures.mutants.build import candidate_score

    atoms, _ = helix()
    number = FIRST + 11  # tryptophan in its commonest rotamer or another
    calm = Relaxed(np.asarray(atoms.coord), -100.0, 0.0)
    strained = Relaxed(np.asarray(atoms.coord), -100.0, 2.0)
    plain = candidate_score(calm, -50.0, atoms, {}, 0.5)
    assert plain == pytest.approx(-75.0)
    assert candidate_score(strained, -50.0, atoms, {}, 0.5) == pytest.approx(-73.0)
    assert candidate_score(calm, -50.0, atoms, {number: "TRP"}, 0.5) >= plain


def test_a_mutant_on_a_moved_backbone_says_so_and_is_sound():
    atoms, record = helix()
    options = MutationSettings(
        backrub_degrees=(8.0,),
        neighbour_backrub_degrees=(),
        moved_backbone_cost_kcal_per_mol=0.0,
        candidates=1,
        clash_iterations=60,
        final_iterations=60,
        shell_radius_angstrom=5.0,
        surroundings_angstrom=8.0,
    )
    model = build_mutant(atoms, record, [(FIRST + 17, "W")], options, 1)[0]
    assert_sound(atoms, model.atoms, [FIRST + 17])


@pytest.mark.slow
@pytest.mark.parametrize("state", ["kinase-dfg-in", "kinase-dfg-out"])
def test_t315i_has_the_rotamer_of_the_crystals_among_its_alternatives(state):
    """2V7A and 2Z60 (DFG in) have chi1 at -53 to -60, 3QRJ (DFG out) at -47 to -53 degrees."""
    from kinscope.structures.reference.build import reference_model
    from kinscope.targets import load_target

    native, record = reference_model(load_target("abl1"), state)
    models = build_mutant(native, record, [(315, "I")], MutationSettings(), 1)
    built = [residues_of(model.atoms)[315] for model in models]
    chi1 = [chi_angles("ILE", residue.atom_names, residue.coord)[0] for residue in built]
    assert any(abs(angle + 60.0) < 40.0 for angle in chi1)

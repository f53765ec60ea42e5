"""Mutant models on a helix built here from ideal geometry: small, and every residue kind is in it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories.helix import FIRST, QUICK, SEQUENCE, assert_sound, helix
from kinscope.core.errors import StructureError, VariantError
from kinscope.core.residues import ONE_TO_THREE, one_letter
from kinscope.interpretation.words.say import say_all
from kinscope.results.notes import note
from kinscope.structures.mutants.backbone_moves import moves_about
from kinscope.structures.mutants.build import build_mutant, check_substitutions, pack_substitutions
from kinscope.structures.side_chains.sites import Residue, residues_of


def build(*substitutions, options=QUICK, seed=1):
    atoms, record = helix()
    return build_mutant(atoms, record, list(substitutions), options, seed)


@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, len(SEQUENCE) - 1), st.sampled_from(sorted(ONE_TO_THREE)))
def test_any_substitution_gives_a_sound_model(offset, letter):
    if letter == SEQUENCE[offset] or letter == "P":
        return  # proline inside a helix clashes with the turn before by nature: its own test below
    models = build((FIRST + offset, letter), options=QUICK.model_copy(update={"candidates": 1}))
    for model in models:
        assert_sound(helix()[0], model.atoms, [FIRST + offset])
        name = model.atoms.res_name[model.atoms.res_id == FIRST + offset][0]
        assert one_letter(str(name)) == letter


@pytest.mark.slow
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.integers(0, len(SEQUENCE) - 1), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from(sorted(set(ONE_TO_THREE) - {"P"})), min_size=2, max_size=2),
)
def test_single_and_double_substitutions_give_sound_models(offsets, letters):
    wanted = [(FIRST + o, x) for o, x in zip(offsets, letters, strict=False) if SEQUENCE[o] != x]
    if wanted:
        for model in build(*wanted):
            assert_sound(helix()[0], model.atoms, [number for number, _ in wanted])


def test_the_record_names_the_substitution_and_its_charge():
    model = build((FIRST + 2, "E"))[0]
    assert model.record.variant == "K303E"
    assert note("net-charge", native_e=0, mutant_e=-2) in model.record.method
    assert {o.residue for o in model.record.origins if o.origin == "substituted"} == {FIRST + 2}
    assert model.record.alternative == 0
    assert model.record.relative_energy_kcal_per_mol == 0.0


def test_alternatives_are_sorted_few_and_within_the_window():
    options = QUICK.model_copy(update={"candidates": 4, "alternative_window_kcal_per_mol": 20.0})
    models = build((FIRST + 5, "M"), options=options)
    energies = [model.record.relative_energy_kcal_per_mol for model in models]
    assert energies == sorted(energies)
    assert 1 < len(models) <= 3
    assert energies[-1] <= 20.0
    assert len({say_all(model.record.method) for model in models}) == len(
        models
    )  # distinct rotamers, not one thrice


def test_the_same_seed_gives_the_same_model():
    options = QUICK.model_copy(update={"candidates": 1})
    first, second = (build((FIRST + 8, "I"), options=options) for _ in range(2))
    assert np.array_equal(first[0].atoms.coord, second[0].atoms.coord)


def test_a_residue_built_as_itself_is_the_native_again_from_starts_of_its_own():
    native, _ = helix()
    one, two = (build((FIRST + 11, "W"), options=QUICK, seed=seed)[0] for seed in (1, 2))
    assert not np.array_equal(one.atoms.coord, two.atoms.coord)
    for model in (one, two):
        assert model.atoms.res_name.tolist() == native.res_name.tolist()
        assert_sound(native, model.atoms, [FIRST + 11])


def test_proline_closes_its_ring_loses_its_hydrogen_and_warns_of_phi():
    atoms, record = helix()
    model = build_mutant(atoms, record, [(FIRST + 1, "P")], QUICK, 1)[
        0
    ]  # the first turn has room for a proline
    proline = residues_of(model.atoms)[FIRST + 1]
    assert "H" not in proline.atom_names
    assert np.linalg.norm(proline.at("CD") - proline.at("N")) == pytest.approx(1.47, abs=0.08)
    said = {told.code: told.values for told in model.record.method}
    assert said["proline-without-amide"]["acceptor"] is None
    assert said["proline-peptide"]["kind"] == "trans"
    assert_sound(atoms, model.atoms, [FIRST + 1])
    bent = atoms.copy()
    from kinscope.structures.mutants.record import cautions

    residues = residues_of(bent)
    mirrored = {
        n: Residue(n, r.name, r.atom_names, r.coord * np.array([1, 1, -1])) for n, r in residues.items()
    }
    codes = {told.code for told in cautions(mirrored, FIRST + 4, "PRO")}
    assert "proline-phi" in codes  # left-handed: phi is positive


def test_a_proline_within_a_helix_says_what_it_breaks():
    """The amide of residue i gives its hydrogen to the carbonyl of i - 4, and the ring meets that oxygen."""
    from kinscope.structures.mutants.record import amide_partner

    number = FIRST + 10
    residues = residues_of(helix()[0])
    expected = f"O of {residues[number - 4].name.capitalize()}{number - 4}"
    assert amide_partner(residues, number)[0] == expected
    said = say_all(build((number, "P"))[0].record.method)
    assert any(f"{number - 4}" in line and "loses its bond" in line for line in said)
    assert any("helical: rare before proline" in line for line in said)


def test_two_neighbours_may_move_their_backbones_together():
    from kinscope.structures.mutants.candidates import _Search

    atoms, _ = helix()
    options = QUICK.model_copy(update={"backrub_degrees": (8.0,), "moved_backbone_cost_kcal_per_mol": 0.0})
    near = _Search(atoms, {FIRST + 9: "TRP", FIRST + 13: "TRP"}, options, 1)
    far = _Search(atoms, {FIRST + 3: "TRP", FIRST + 20: "TRP"}, options, 1)
    for search, joint in ((near, True), (far, False)):
        for move in moves_about(list(search.wanted), (8.0,), ()):
            search.pack(() if move.is_native else (move,))
        pairs = search.joint_moves()
        assert bool(pairs) == joint
        assert all(one.residue != two.residue for one, two in pairs)
    best = min(found.energy for found in near.best.values())
    near.pack(near.joint_moves()[0])
    assert min(found.energy for found in near.best.values()) <= best


def test_a_proline_can_be_replaced_and_gets_its_hydrogen():
    proline = build((FIRST + 1, "P"))[0]
    back = build_mutant(proline.atoms, proline.record, [(FIRST + 1, "E")], QUICK, 1)[0]
    glutamate = residues_of(back.atoms)[FIRST + 1]
    assert np.linalg.norm(glutamate.at("H") - glutamate.at("N")) == pytest.approx(1.01, abs=0.03)
    assert_sound(proline.atoms, back.atoms, [FIRST + 1])


def test_glycine_both_ways():
    assert_sound(helix()[0], build((FIRST + 18, "V"))[0].atoms, [FIRST + 18])
    made = build((FIRST + 3, "G"))[0]
    assert {"HA2", "HA3"} <= set(residues_of(made.atoms)[FIRST + 3].atom_names)
    assert_sound(helix()[0], made.atoms, [FIRST + 3])


def test_histidine_names_its_tautomer():
    model = build((FIRST + 14, "H"))[0]
    state = model.record.protonation[f"HIS{FIRST + 14}"]
    names = residues_of(model.atoms)[FIRST + 14].atom_names
    assert state == ("HID" if "HD1" in names else "HIE")
    assert ("HD1" in names) != ("HE2" in names)


def test_residues_beside_the_caps_and_a_compound_substitution():
    last = FIRST + len(SEQUENCE) - 1
    model = build((FIRST, "R"), (last, "D"))[0]
    assert model.record.variant == f"A{FIRST}R/A{last}D"
    assert_sound(helix()[0], model.atoms, [FIRST, last])


def test_packing_finds_the_side_chain_that_was_there():
    from kinscope.structures.side_chains.rotamers import chi_angles, chi_difference_degrees

    atoms, _ = helix()
    number = FIRST + 11  # tryptophan
    truth = residues_of(atoms)[number]
    found = [residues_of(p.atoms)[number] for p in pack_substitutions(atoms, {number: "TRP"}, QUICK, 1)]
    near = [
        max(
            chi_difference_degrees(
                "TRP",
                chi_angles("TRP", r.atom_names, r.coord),
                chi_angles("TRP", truth.atom_names, truth.coord),
            )
        )
        for r in found
    ]
    assert min(near) < 40


@pytest.mark.parametrize(
    ("substitution", "kind", "words"),
    [
        ((999, "A"), StructureError, "not in this model"),
        ((FIRST - 1, "A"), StructureError, "not in this model"),  # a cap is no residue
        ((FIRST + 2, "B"), VariantError, "not the one-letter code"),
        ((FIRST + 2, "e"), VariantError, "not the one-letter code"),
        ((FIRST + 2, ""), VariantError, "not the one-letter code"),
    ],
)
def test_bad_substitutions_are_refused_with_a_remedy(substitution, kind, words):
    with pytest.raises(kind, match=words) as caught:
        check_substitutions(helix()[0], [substitution])
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def test_none_and_twice_are_refused():
    atoms, _ = helix()
    with pytest.raises(VariantError, match="no substitution"):
        check_substitutions(atoms, [])
    with pytest.raises(VariantError, match="twice"):
        check_substitutions(atoms, [(FIRST + 2, "E"), (FIRST + 2, "A")])

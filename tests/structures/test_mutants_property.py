"""Any substitutions, single and double, on any shipped state: sound models, and nothing else touched."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinscope.core.residues import ONE_TO_THREE, one_letter, three_letter
from kinscope.structures.mutants.build import build_mutant
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.mutants.strain import TWISTED_DEGREES
from kinscope.structures.side_chains.rotamers import template
from kinscope.structures.side_chains.sites import residues_of
from kinscope.structures.stereochemistry import backbone_table, heavy_atom_overlaps, inverted_centres, omega

QUICK = MutationSettings(
    backrub_degrees=(12.0,), candidates=1, shell_radius_angstrom=4.0, surroundings_angstrom=7.0
)
FAR_ANGSTROM = 20.0
"""Beyond any rotamer (8), what is repacked about it (5) and its shell (6)."""
CAPS = {"ACE", "NME"}


@lru_cache(maxsize=1)
def states():
    from kinscope.structures.reference.build import available_states
    from kinscope.targets import load_target

    return available_states(load_target("abl1"))


@lru_cache(maxsize=8)
def native(state):
    from kinscope.structures.reference.build import reference_model
    from kinscope.targets import load_target

    return reference_model(load_target("abl1"), state)


@st.composite
def cases(draw):
    """A state and one or two substitutions; two often near each other in the chain."""
    state = draw(st.sampled_from(states()))
    sequence = {n: one_letter(r.name) for n, r in residues_of(native(state)[0]).items() if r.name not in CAPS}
    first = draw(st.sampled_from(sorted(sequence)))
    chosen = [first]
    if draw(st.booleans()):
        second = draw(
            st.one_of(st.integers(first - 4, first + 4), st.sampled_from(sorted(sequence))).filter(
                lambda n: n != first and n in sequence
            )
        )
        chosen.append(second)
    letters = [draw(st.sampled_from(sorted(set(ONE_TO_THREE) - {sequence[n]}))) for n in chosen]
    return state, list(zip(chosen, letters, strict=True))


def assert_sound(state, wanted, models):
    before, _ = native(state)
    for model in models:
        assert_residues(before, model.atoms, wanted)
        assert not set(inverted_centres(model.atoms)) - set(inverted_centres(before))
        assert_chain(before, model.atoms)
        assert_no_clash(before, model.atoms)
        assert_rest_untouched(before, model.atoms, [number for number, _ in wanted])
        assert model.record.variant.count("/") == len(wanted) - 1
        assert np.isfinite(model.energy_kcal_per_mol)


def assert_residues(before, after, wanted):
    """The sequence is the one asked for, every residue with all its atoms and no other."""
    old, new = residues_of(before), residues_of(after)
    assert list(old) == list(new)
    for number, residue in new.items():
        letter = dict(wanted).get(number)
        if letter is None:
            assert (residue.name, set(residue.atom_names)) == (old[number].name, set(old[number].atom_names))
            continue
        name = three_letter(letter)
        tautomers = ("HIE", "HID") if name == "HIS" else ("",)
        assert residue.name == name
        assert set(residue.atom_names) in [set(template(name, tautomer).atom_names) for tautomer in tautomers]


def assert_chain(before, after):
    """No broken bond, no peptide turned, none twisted that was not."""
    new = residues_of(after)
    for number, residue in new.items():
        if residue.name != "NME" and number + 1 in new:
            assert 1.25 < np.linalg.norm(residue.at("C") - new[number + 1].at("N")) < 1.42
    was, now = omega(backbone_table(before)), omega(backbone_table(after))
    assert np.array_equal(np.abs(was) < 90, np.abs(now) < 90)
    twist, twisted = (np.minimum(np.abs(x), 180 - np.abs(x)) for x in (was, now))
    assert (twisted <= np.maximum(TWISTED_DEGREES, twist + 5.0)).all()


def assert_no_clash(before, after):
    """No heavy atoms overlap that do not in the native."""
    known = {(one, two) for one, two, _ in heavy_atom_overlaps(before)}
    assert not [row for row in heavy_atom_overlaps(after) if row[:2] not in known]


def assert_rest_untouched(before, after, numbers):
    old, new = residues_of(before), residues_of(after)
    centres = [old[number].at("CA") for number in numbers]
    far = [
        number
        for number, residue in old.items()
        if all(np.linalg.norm(residue.coord - centre, axis=1).min() > FAR_ANGSTROM for centre in centres)
    ]
    assert far
    assert all(np.array_equal(old[number].coord, new[number].coord) for number in far)


def build(state, wanted, options):
    atoms, record = native(state)
    return build_mutant(atoms, record, wanted, options, 1)


@settings(max_examples=1, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cases())
def test_substitutions_on_shipped_states_are_sound(case):
    state, wanted = case
    assert_sound(state, wanted, build(state, wanted, QUICK))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cases())
def test_many_substitutions_on_shipped_states_are_sound(case):
    state, wanted = case
    assert_sound(state, wanted, build(state, wanted, MutationSettings(candidates=2)))

"""The elastic network: an answer known on paper, invariance, and chains that do not hold together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.errors import StructureError
from kinscope.structures.network import network_rmsf
from kinscope.structures.wwpdb.entries import atom_array

TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * np.sqrt(2.0)
"""Edges of 4 angstrom."""


def alphas(points):
    return atom_array([("CA", "C", point, number, "ALA") for number, point in enumerate(points, start=1)])


def test_a_tetrahedron_of_unit_springs_is_as_on_paper():
    # One breathing mode at 4 k, two at k, three at 2 k (Herzberg, X4): <r^2> of a corner is 3.75 / 4.
    numbers, values = network_rmsf(alphas(TETRAHEDRON))
    assert numbers.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(values, np.sqrt(0.9375), rtol=1e-6)


def test_springs_add_over_atoms():
    # Every residue twice over at CA: four pairs of atoms make each spring four times as stiff.
    twice = [("CA", "C", p, n, "ALA") for n, p in enumerate(TETRAHEDRON, 1)]
    twice += [("CB", "C", p, n, "ALA") for n, p in enumerate(TETRAHEDRON, 1)]
    np.testing.assert_allclose(network_rmsf(atom_array(twice))[1], np.sqrt(0.9375 / 4.0), rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_turning_and_moving_changes_nothing(seed):
    random = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(3)] * 3), axis=-1).reshape(-1, 3)
    points = 3.8 * grid + random.uniform(-0.5, 0.5, (27, 3))
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    before, after = (network_rmsf(alphas(one))[1] for one in (points, points @ turn + 5.0))
    np.testing.assert_allclose(after, before, rtol=1e-3)


def test_what_is_loose_moves_more_than_what_is_packed():
    packed = 3.8 * np.stack(np.meshgrid(*[np.arange(3)] * 3), axis=-1).reshape(-1, 3)
    tail = [[7.6 + 3.8 * step, 3.8 + step % 2, 3.8 + step % 3] for step in range(1, 4)]
    values = network_rmsf(alphas([*packed, *tail]))[1]
    assert values[-1] > 2.0 * np.median(values[:27])


def test_parts_that_touch_nothing_are_refused():
    with pytest.raises(StructureError, match="touch nothing"):
        network_rmsf(alphas([*TETRAHEDRON, *(TETRAHEDRON + 100.0)]))


def test_too_few_residues_are_refused():
    with pytest.raises(StructureError):
        network_rmsf(alphas(TETRAHEDRON[:2]))

"""Rotamers and ideal side chains."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.residues import ONE_TO_THREE
from kinscope.structures.side_chains.rotamers import (
    CHI_ATOMS,
    bonds_within,
    build_conformers,
    chi_angles,
    chi_difference_degrees,
    conformer_angles,
    rotamers_of,
    rotamers_on,
    superposition,
    template,
)
from kinscope.structures.stereochemistry import dihedrals

KINDS = sorted(name.upper() for name in ONE_TO_THREE.values())


@pytest.mark.parametrize("name", sorted(CHI_ATOMS))
def test_the_library_covers_a_kind_and_its_shares_make_a_whole(name):
    rotamers = rotamers_of(name)
    assert {len(rotamer.chi_degrees) for rotamer in rotamers} == {len(CHI_ATOMS[name])}
    assert 80 <= sum(rotamer.share_percent for rotamer in rotamers) <= 106  # rounded shares, as published


def test_known_rotamers_stand_at_their_published_angles():
    found = {rotamer.name: rotamer for rotamer in rotamers_of("LYS")}
    assert found["mttt"].chi_degrees == (-67, 180, 180, 180)
    assert max(rotamers_of("ILE"), key=lambda r: r.share_percent).name == "mt"
    assert len(rotamers_of("ARG")) == 34
    assert len(rotamers_of("LYS")) == 27
    assert rotamers_of("GLY") == rotamers_of("ALA") == ()


def test_dihedral_sign_is_iupacs():
    a, b, c = np.array([0.0, 1, 0]), np.zeros(3), np.array([1.0, 0, 0])
    assert dihedrals(a, b, c, np.array([1.0, 0, 1])) == pytest.approx(90)
    assert dihedrals(a, b, c, np.array([1.0, 0, -1])) == pytest.approx(-90)
    assert abs(dihedrals(a, b, c, np.array([1.0, -1, 0]))) == pytest.approx(180)


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([k for k in sorted(CHI_ATOMS) if k != "PRO"]),
    st.lists(st.floats(-179, 179), min_size=4, max_size=4),
)
def test_a_residue_takes_the_chi_angles_it_is_given_and_keeps_its_bonds(name, angles):
    kind = template(name)
    wanted = tuple(angles[: len(CHI_ATOMS[name])])
    built = build_conformers(name, kind.atom_names, kind.coord, [wanted])[0]
    found = chi_angles(name, kind.atom_names, built)
    assert max(chi_difference_degrees(name, found, wanted)) < 1e-4
    for first, second in bonds_within(name, kind.atom_names):
        i, j = kind.index(first), kind.index(second)
        before = np.linalg.norm(kind.coord[i] - kind.coord[j])
        assert np.linalg.norm(built[i] - built[j]) == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_templates_are_residues_within_a_chain_with_all_hydrogens(name):
    kind = template(name)
    assert not {"OXT", "HXT", "H2"} & set(kind.atom_names)
    assert ("H" in kind.atom_names) == (name != "PRO")


def test_symmetric_rings_and_carboxylates_count_half_a_turn():
    assert chi_difference_degrees("PHE", (-60, 90), (-60, -90)) == (0, 0)
    assert chi_difference_degrees("ASN", (-60, 90), (-60, -90)) == (0, 180)
    assert chi_difference_degrees("LYS", (179, 0, 0, 0), (-179, 0, 0, 0))[0] == pytest.approx(2)


def test_spread_goes_about_every_rotamer():
    assert len(conformer_angles(rotamers_of("VAL"), 12.0)) == 3 * 3
    assert len(conformer_angles(rotamers_of("LEU"), 12.0)) == 5 * 15
    assert len(conformer_angles(rotamers_of("PRO"), 12.0)) == 2


def test_superposition_recovers_a_rotation():
    random = np.random.default_rng(3)
    points = random.normal(size=(6, 3))
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    rotation, shift = superposition(points, points @ turn + 4.0)
    assert np.allclose(points @ rotation + shift, points @ turn + 4.0, atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def share(name, label, phi, psi):
    return {r.name: r.share_percent for r in rotamers_on(name, phi, psi)}[label]


def test_shares_on_a_backbone_are_those_that_crystals_show():
    """Dunbrack & Karplus (J. Mol. Biol. 1993, 230, 543) and McGregor, Islam & Sternberg (1987, 198, 295)."""
    assert share("VAL", "t", -63, -43) > 85  # the helix forces valine into t
    assert share("PHE", "p90", -63, -43) < 3  # chi1 +60 of an aromatic meets the turn before in a helix
    strand = [share("PHE", "p90", phi, psi) for phi in range(-140, -89, 10) for psi in range(110, 171, 10)]
    assert 5 < sum(strand) / len(strand) < 20  # not so in a strand
    assert share("PRO", "Cg-exo", -55, 140) > 60 > 40 > share("PRO", "Cg-exo", -75, 140)  # phi bends the ring


def test_a_backbone_at_the_edge_of_the_map_is_its_neighbour():
    for name in ("ILE", "ARG", "TYR"):
        left, right = rotamers_on(name, -180.0, 179.999), rotamers_on(name, 180.0, -180.0)
        for one, two in zip(left, right, strict=True):
            assert one.share_percent == pytest.approx(two.share_percent, abs=0.05)
            assert max(chi_difference_degrees(name, one.chi_degrees, two.chi_degrees)) < 1.0


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.sampled_from(sorted(CHI_ATOMS)), st.floats(-400, 400), st.floats(-400, 400))
def test_shares_make_a_whole_and_chi_stays_with_its_rotamer(name, phi, psi):
    found = rotamers_on(name, phi, psi)
    assert sum(rotamer.share_percent for rotamer in found) == pytest.approx(100.0)
    assert [rotamer.name for rotamer in found] == [rotamer.name for rotamer in rotamers_of(name)]
    for rotamer, centre in zip(found, rotamers_of(name), strict=True):
        apart = chi_difference_degrees(name, rotamer.chi_degrees, centre.chi_degrees)
        assert max(apart) <= 90.0


def test_without_a_backbone_the_shares_are_the_library_s():
    assert rotamers_on("ILE", None, 140.0) == rotamers_on("ILE", -60.0, None) == rotamers_of("ILE")
    assert rotamers_on("GLY", -60.0, -40.0) == ()

"""Interactions of one residue, and what a substitution changes."""

from __future__ import annotations

import numpy as np
import pytest

from factories.helix import FIRST, QUICK, helix
from kinscope.analysis.statistics import energy_shares
from kinscope.core.errors import StructureError
from kinscope.results.measured import Contact
from kinscope.structures.mutants.build import build_mutant
from kinscope.structures.mutants.neighbourhood import compare_neighbourhoods, neighbourhood


def contact(partner, kind, distance=3.0, residue_name="Lys"):
    return Contact(
        residue=404, residue_name=residue_name, partner=partner, partner_name="Tyr", kind=kind,
        distance_angstrom=distance,
    )  # fmt: skip


def test_a_helix_is_held_by_its_backbone():
    atoms, _ = helix()
    found = neighbourhood(atoms, FIRST + 9)
    bonds = {(c.partner, c.atoms) for c in found if c.kind == "hydrogen bond"}
    assert (FIRST + 5, "N - O") in bonds
    assert (FIRST + 13, "O - N") in bonds


def test_contacts_are_symmetric():
    atoms, _ = helix()
    there = {(c.partner, c.kind) for c in neighbourhood(atoms, FIRST + 9)}
    for partner, kind in there:
        assert (FIRST + 9, kind) in {(c.partner, c.kind) for c in neighbourhood(atoms, partner)}


def test_chain_neighbours_are_not_contacts_of_bulk():
    atoms, _ = helix()
    for c in neighbourhood(atoms, FIRST + 9):
        assert not (abs(c.partner - c.residue) == 1 and c.kind in {"hydrophobic", "van der Waals"})


def test_a_salt_bridge_ends_at_four_angstrom():
    pair = salt_bridge_pair(3.0)
    assert any(c.kind == "salt bridge" and c.partner == FIRST for c in neighbourhood(pair, FIRST + 5))
    pair = salt_bridge_pair(4.3)
    assert not any(c.kind == "salt bridge" for c in neighbourhood(pair, FIRST + 5))


def salt_bridge_pair(distance):
    """The helix's glutamate and a lysine pulled to a given N...O distance along one line."""
    atoms, _ = helix()
    lysine = atoms[atoms.res_id == FIRST + 2].copy()
    glutamate = atoms[atoms.res_id == FIRST + 1].copy()
    lysine.res_id[:], glutamate.res_id[:] = FIRST, FIRST + 5
    out_k = lysine.coord[lysine.atom_name == "NZ"][0] - lysine.coord[lysine.atom_name == "CE"][0]
    tip = lysine.coord[lysine.atom_name == "NZ"][0] + distance * out_k / np.linalg.norm(out_k)
    carbon = glutamate.coord[glutamate.atom_name == "CD"][0]
    out_e = glutamate.coord[glutamate.atom_name == "OE2"][0] - carbon
    glutamate.coord = turned_onto(glutamate.coord - carbon, out_e, -out_k)
    glutamate.coord += tip - glutamate.coord[glutamate.atom_name == "OE2"][0]
    return lysine + glutamate


def turned_onto(points, direction, aim):
    a, b = direction / np.linalg.norm(direction), aim / np.linalg.norm(aim)
    cross, cosine = np.cross(a, b), float(a @ b)
    skew = np.array([[0, -cross[2], cross[1]], [cross[2], 0, -cross[0]], [-cross[1], cross[0], 0]])
    return points @ (np.eye(3) + skew + skew @ skew / (1 + cosine)).T


def test_a_truncated_side_chain_loses_its_contacts():
    atoms, record = helix()
    number = FIRST + 11  # tryptophan
    native = neighbourhood(atoms, number)
    mutant = build_mutant(atoms, record, [(number, "G")], QUICK, 1)[0]
    mutants = [neighbourhood(mutant.atoms, number)]
    changes = compare_neighbourhoods("user", ([native], [1.0]), (mutants, [1.0]))
    lost = {c.contact.kind for c in changes if c.change == "lost"}
    kept = {(c.contact.partner, c.contact.kind) for c in changes if c.change == "kept"}
    assert "hydrophobic" in lost
    assert (number - 4, "hydrogen bond") in kept  # the backbone's bond does not mind


def test_fractions_of_alternatives():
    native = [contact(440, "hydrogen bond"), contact(439, "hydrogen bond")]
    mutants = [
        [contact(440, "hydrogen bond", residue_name="Glu"), contact(367, "salt bridge")],
        [contact(367, "salt bridge")],
    ]

    def changes(shares):
        found = compare_neighbourhoods("s", ([native], [1.0]), (mutants, shares))
        return {(c.contact.partner, c.change): pytest.approx(c.fraction_of_alternatives) for c in found}

    assert changes([0.7, 0.3]) == {(440, "kept"): 0.7, (439, "lost"): 1.0, (367, "gained"): 1.0}
    assert changes([0.3, 0.7]) == {(440, "lost"): 0.7, (439, "lost"): 1.0, (367, "gained"): 1.0}


def test_a_contact_that_the_native_has_in_few_of_its_models_is_not_lost():
    shares = [0.9, 0.1]
    native = [[contact(440, "hydrogen bond")], [contact(440, "hydrogen bond"), contact(439, "hydrogen bond")]]
    found = compare_neighbourhoods("s", (native, shares), ([[contact(440, "hydrogen bond")]], [1.0]))
    assert [(c.contact.partner, c.change) for c in found] == [(440, "kept")]
    # Models that share a contact almost evenly on both sides have not gained it.
    some = [contact(440, "hydrogen bond"), contact(439, "hydrogen bond")]
    even = ([some, some[:1]], [0.49, 0.51]), ([some, some[:1]], [0.51, 0.49])
    assert {c.change for c in compare_neighbourhoods("s", *even)} == {"kept"}
    touch = [*some, contact(316, "van der Waals", 2.6)]
    assert {c.change for c in compare_neighbourhoods("s", ([some], [1.0]), ([touch], [1.0]))} == {"kept"}


def test_a_residue_that_is_not_there():
    atoms, _ = helix()
    with pytest.raises(StructureError, match="not in this model"):
        neighbourhood(atoms, 999)


@pytest.mark.slow
def test_k404e_loses_the_caps_of_the_chain_above_it():
    """Lys404 gives its protons to the carbonyls of 439, 440 and 443; a glutamate cannot."""
    from kinscope.structures.reference.build import reference_model
    from kinscope.targets import load_target

    native, record = reference_model(load_target("abl1"), "kinase-dfg-in")
    before = neighbourhood(native, 404)
    given = {c.partner for c in before if c.kind == "hydrogen bond" and c.atoms == "NZ - O"}
    assert given
    from kinscope.structures.mutants.settings import MutationSettings

    mutants = build_mutant(native, record, [(404, "E")], MutationSettings(candidates=2), 1)
    after = [neighbourhood(m.atoms, 404) for m in mutants]
    shares = energy_shares([m.record.relative_energy_kcal_per_mol for m in mutants])
    changes = compare_neighbourhoods("kinase-dfg-in", ([before], [1.0]), (after, shares))
    lost = {c.contact.partner for c in changes if c.change == "lost" and c.contact.kind == "hydrogen bond"}
    assert given & lost

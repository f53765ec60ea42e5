"""Loops: sampled, closed on their anchors, completed; and parts of crystals laid on one another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.errors import StructureError
from kinscope.core.residues import three_letter
from kinscope.interpretation.words.say import say
from kinscope.structures.reference.assembly import graft, joints_of, place_domain, settle
from kinscope.structures.reference.build import reference_model
from kinscope.structures.reference.closure import sample_backbones
from kinscope.structures.reference.loops import BuiltLoop, LoopSettings, build_loops
from kinscope.structures.reference.recipes import BuiltStretch, Graft, Placement
from kinscope.structures.side_chains.surroundings import repack_side_chains
from kinscope.structures.stereochemistry import dihedrals, place
from kinscope.structures.superposition import common_atoms
from kinscope.structures.wwpdb.entries import CrystalChain
from kinscope.targets import load_target

PACK = load_target("abl1")
PROTEIN = PACK.transcript.protein


@pytest.fixture(scope="module")
def model():
    return reference_model(PACK, "kinase-dfg-out")[0]


@pytest.fixture(scope="module")
def heavy(model):
    return model[(model.element != "H") & ~np.isin(model.res_name, ("ACE", "NME"))]


def anchors_of(atoms, first, last):
    def at(number, names):
        residue = atoms[atoms.res_id == number]
        return np.array([residue.coord[residue.atom_name == name][0] for name in names], dtype=float)

    return at(first - 1, ("N", "CA", "C", "O")), at(last + 1, ("N", "CA", "C"))


def sampled(atoms, first, last, **options):
    names = tuple(three_letter(PROTEIN[number - 1]) for number in range(first, last + 1))
    return sample_backbones(*anchors_of(atoms, first, last), names, three_letter(PROTEIN[last]), **options)


def backbone(atoms, first, last):
    return np.stack(
        [
            [
                atoms.coord[(atoms.res_id == number) & (atoms.atom_name == name)][0]
                for name in ("N", "CA", "C", "O")
            ]
            for number in range(first, last + 1)
        ]
    )


def crystal(atoms, label="1ABC:A"):
    numbers = {int(number): str(int(number)) for number in atoms.res_id}
    return CrystalChain(label, atoms, numbers, (), (), {}, (), 2.0)


@given(
    length=st.floats(1.0, 2.0),
    angle=st.floats(95.0, 125.0),
    dihedral=st.floats(-179.0, 179.0),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_a_placed_point_has_the_length_angle_and_dihedral_asked_for(length, angle, dihedral, seed):
    a, b, c = (point[None] for point in np.random.default_rng(seed).normal(size=(3, 3)) * 3)
    d = place(a, b, c, length, angle, np.array([dihedral]))
    assert np.linalg.norm(d - c) == pytest.approx(length, rel=1e-6)
    cosine = ((b - c) * (d - c)).sum() / np.linalg.norm(b - c) / np.linalg.norm(d - c)
    assert np.degrees(np.arccos(cosine)) == pytest.approx(angle, abs=1e-4)
    apart = (dihedrals(a, b, c, d)[0] - dihedral + 180.0) % 360.0 - 180.0
    assert apart == pytest.approx(0.0, abs=1e-3)


def test_closed_backbones_arrive_with_good_bonds_trans_peptides_and_l_residues(heavy):
    first, last = 388, 397
    found = sampled(heavy, first, last, samples=400)
    assert len(found.coord) >= 5
    n, ca, c, o, cb = (found.coord[:, :, i] for i in range(5))
    assert np.allclose(np.linalg.norm(ca - n, axis=-1), 1.459, atol=1e-3)
    assert np.allclose(np.linalg.norm(n[:, 1:] - c[:, :-1], axis=-1), 1.336, atol=1e-3)
    assert np.allclose(np.linalg.norm(o - c, axis=-1), 1.229, atol=1e-3)
    turn = dihedrals(*(x.reshape(-1, 3) for x in (ca[:, :-1], c[:, :-1], n[:, 1:], ca[:, 1:])))
    assert (np.abs(turn) > 179.0).all()
    # The volume spanned by an L residue is positive, as in every crystal of the model.
    assert (np.einsum("ijk,ijk->ij", np.cross(n - ca, c - ca), cb - ca) > 2.0).all()
    after = anchors_of(heavy, first, last)[1][0]
    assert (np.abs(np.linalg.norm(c[:, -1] - after, axis=-1) - 1.336) < 0.5).all()


def test_a_short_loop_of_a_crystal_is_among_its_samples(heavy):
    """Residues 385-388 of 1OPJ, taken out: some sample of the four comes back within 1 angstrom."""
    found = sampled(heavy, 385, 388, samples=800)
    apart = np.sqrt(((found.coord[:, :, :4] - backbone(heavy, 385, 388)) ** 2).sum(-1).mean((1, 2)))
    assert apart.min() < 1.0
    assert apart.max() > 1.5


def test_proline_keeps_its_ring_torsion(heavy):
    """Pro309 and Pro310 lie in 306-312; phi of a proline is near -65 degrees in every crystal."""
    found = sampled(heavy, 306, 313, samples=500)
    n, ca, c = (found.coord[:, :, i] for i in range(3))
    for column in (3, 4):
        phi = dihedrals(c[:, column - 1], n[:, column], ca[:, column], c[:, column])
        assert ((phi > -120.0) & (phi < -15.0)).all()


def test_same_seed_same_backbones_other_seed_others(heavy):
    one, same, other = (sampled(heavy, 250, 254, samples=60, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.coord, same.coord)
    assert one.coord.shape != other.coord.shape or not np.allclose(one.coord, other.coord)


def test_a_stretch_that_cannot_reach_is_refused(heavy):
    far = heavy.copy()
    far.coord[far.res_id >= 320] += np.float32(60.0)
    with pytest.raises(StructureError, match="No backbone of 4 residues"):
        build_loops(far[(far.res_id < 316) | (far.res_id > 319)], [(316, 319)], PROTEIN)
    with pytest.raises(StructureError, match="Residue 315"):
        build_loops(heavy[(heavy.res_id < 315) | (heavy.res_id > 319)], [(316, 319)], PROTEIN)


def test_a_loop_is_built_whole_and_nothing_else_moves(heavy):
    part = heavy[(heavy.res_id >= 236) & (heavy.res_id <= 268)]
    lacking = part[(part.res_id < 249) | (part.res_id > 253)]
    quick = LoopSettings(samples=150, candidates=2, iterations=60)
    whole, (built,) = build_loops(lacking, [(249, 253)], PROTEIN, quick)
    assert [int(n) for n in np.unique(whole.res_id)] == list(range(236, 269))
    one, other = common_atoms(whole, lacking, None, None)
    assert len(one) == len(lacking)
    assert np.array_equal(whole.coord[one], lacking.coord[other])
    assert set(zip(whole.res_id, whole.atom_name, strict=True)) == set(
        zip(part.res_id, part.atom_name, strict=True)
    )
    joints = [
        length
        for _, length, _ in joints_of(whole, BuiltStretch(first_residue=249, last_residue=253, reason=""))
    ]
    assert joints == pytest.approx([1.33, 1.33], abs=0.08)
    assert built.energies_kcal_per_mol[0] == 0.0
    assert built.energies_kcal_per_mol == tuple(sorted(built.energies_kcal_per_mol))
    assert "249-253 built (for a test)" in say(built.noted("for a test"))


def test_the_words_of_a_built_loop_state_its_uncertainty():
    loop = BuiltLoop(first=219, last=232, closed=40, energies_kcal_per_mol=(0.0, 7.4), spread_angstrom=5.26)
    assert "differ from it by 5.3 angstrom" in say(loop.noted())
    assert "40 sampled backbones closed" in say(loop.noted())


def test_a_graft_of_the_same_crystal_changes_nothing(heavy):
    turned = heavy.copy()
    turned.coord = heavy.coord @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], dtype=np.float32) + 12.0
    part = Graft(
        entry="1ABC", chain="A", first_residue=380, last_residue=403, fit=((374, 379), (404, 409)), reason="x"
    )
    joined, note = graft(heavy, crystal(turned), part)
    one, other = common_atoms(joined, heavy, None, None)
    assert len(one) == len(heavy)
    assert np.abs(joined.coord[one] - heavy.coord[other]).max() < 0.01
    assert note.values["rmsd_angstrom"] == pytest.approx(0.0, abs=0.005)


def test_a_part_at_a_capped_end_has_one_joint(model):
    part = BuiltStretch(first_residue=229, last_residue=240, reason="x")
    assert [left for left, _, _ in joints_of(model, part)] == [240]


def test_a_graft_with_a_gap_is_refused(heavy):
    part = Graft(entry="1ABC", chain="A", first_residue=380, last_residue=403, fit=((374, 379),), reason="x")
    with pytest.raises(StructureError, match="not complete in its crystal"):
        graft(heavy, crystal(heavy[heavy.res_id != 390]), part)


def test_a_domain_goes_where_the_frame_has_it(heavy):
    """The C-lobe taken off, and put back by a frame that is the crystal itself, elsewhere in space."""
    base, away = heavy[heavy.res_id < 320], heavy.copy()
    away.coord = heavy.coord + np.float32(30.0)
    part = Placement(
        entry="1ABC", chain="A", first_residue=321, last_residue=500, frame_entry="2ABC", frame_chain="B",
        frame_fit=((242, 315),), fit=((330, 480),), reason="x",
    )  # fmt: skip
    joined, note = place_domain(base, crystal(heavy), crystal(away, "2ABC:B"), part)
    one, other = common_atoms(joined, heavy, None, None)
    assert len(one) == len(joined)
    # Nothing overlaps in a crystal but what hydrogen bonds bring together: it hardly settles.
    assert np.sqrt(((joined.coord[one] - heavy.coord[other]) ** 2).sum(-1).mean()) < 0.5
    assert note.values["frame"] == "2ABC:B"


def test_a_domain_that_overlaps_moves_out_and_one_that_does_not_stays(heavy):
    lobe, rest = heavy[heavy.res_id > 330], heavy[heavy.res_id < 315]
    pushed = lobe.copy()
    centre = rest.coord.mean(axis=0) - lobe.coord.mean(axis=0)
    pushed.coord = lobe.coord + (1.0 * centre / np.linalg.norm(centre)).astype(np.float32)
    _, shift, _, before, after = settle(pushed, rest)
    assert shift > 0.2
    assert after < 0.5 * before
    far = lobe.copy()
    far.coord = lobe.coord - np.float32(40.0)
    same, shift, _, before, after = settle(far, rest)
    assert (shift, before, after) == (pytest.approx(0.0, abs=1e-3), 0.0, 0.0)
    assert np.allclose(same.coord, far.coord, atol=0.01)


def test_side_chains_driven_into_each_other_are_set_apart(model):
    """Met290 turned by 120 degrees about CA-CB runs into its neighbours; repacked it no longer does."""
    from kinscope.structures.stereochemistry import heavy_atom_overlaps

    broken = model.copy()
    rows = (broken.res_id == 290) & ~np.isin(broken.atom_name, ("N", "H", "CA", "HA", "C", "O", "CB"))
    ca, cb = (broken.coord[(broken.res_id == 290) & (broken.atom_name == name)][0] for name in ("CA", "CB"))
    from scipy.spatial.transform import Rotation

    worst = 0.0
    for angle in (60.0, 120.0, 180.0, 240.0, 300.0):
        turned = model.coord[rows] - cb
        axis = (cb - ca) / np.linalg.norm(cb - ca)
        broken.coord[rows] = Rotation.from_rotvec(np.radians(angle) * axis).apply(turned) + cb
        overlap = max([size for a, b, size in heavy_atom_overlaps(broken) if "290" in a + b], default=0.0)
        if overlap > worst:
            worst, kept = overlap, broken.coord.copy()
    assert worst > 1.0
    broken.coord = kept
    mended, changed = repack_side_chains(broken, [290], forget=[290])
    after = max([size for a, b, size in heavy_atom_overlaps(mended) if "290" in a + b], default=0.0)
    assert list(changed) == [290]
    assert after < 0.5 * worst
    untouched = mended.res_id != 290
    assert np.array_equal(mended.coord[untouched], broken.coord[untouched])


def test_nothing_to_repack_is_no_change(model):
    same, changed = repack_side_chains(model, [321])
    assert changed == {}
    assert np.array_equal(same.coord, model.coord)


@pytest.mark.parametrize("ends", [(219, 220), (219, 260)])
def test_a_stretch_too_short_or_too_long_to_build_is_refused(ends):
    with pytest.raises(ValueError, match="3 to 30"):
        BuiltStretch(first_residue=ends[0], last_residue=ends[1], reason="x")

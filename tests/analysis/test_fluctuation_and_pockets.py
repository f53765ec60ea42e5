"""Superposition, fluctuation and pockets against answers known on paper."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from biotite.structure import AtomArray
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from kinscope.analysis.pockets import InclusionRegion, compare_pocket, pocket_volume
from kinscope.analysis.regions import compare_regions, residue_differences
from kinscope.analysis.statistics import standard_error
from kinscope.analysis.superposition import b_factor_rmsf, kabsch, mean_structure, rigid_core, rmsf, superpose
from kinscope.core.errors import BadInputError
from kinscope.interpretation.words.say import statement
from kinscope.results.measured import FluctuationProfile, PocketComparison

CLOUD = np.random.default_rng(0).normal(scale=10.0, size=(60, 3))


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_kabsch_recovers_a_known_motion(seed):
    random = np.random.default_rng(seed)
    turn = Rotation.random(random_state=seed).as_matrix()
    shift = random.normal(scale=20.0, size=3)
    rotation, translation = kabsch(CLOUD, CLOUD @ turn + shift)
    assert rotation == pytest.approx(turn, abs=1e-9)
    assert translation == pytest.approx(shift, abs=1e-7)


def test_a_mirror_image_is_not_superposed_by_reflection():
    rotation, _ = kabsch(CLOUD * [1, 1, -1], CLOUD)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    mirrored = superpose(CLOUD * [1, 1, -1], CLOUD)
    assert np.sqrt(((mirrored - CLOUD) ** 2).sum(axis=-1).mean()) > 1.0


def test_batched_superposition_equals_one_at_a_time():
    frames = np.random.default_rng(2).normal(size=(5, 60, 3)) + CLOUD
    core = np.arange(0, 60, 2)
    together = superpose(frames, CLOUD, core)
    assert together == pytest.approx(np.stack([superpose(frame, CLOUD, core) for frame in frames]))


@pytest.mark.parametrize("shapes", [((4, 3), (5, 3)), ((2, 3), (2, 3)), ((4, 2), (4, 2))])
def test_superposition_of_unlike_things_is_refused(shapes):
    with pytest.raises(BadInputError):
        kabsch(np.zeros(shapes[0]), np.zeros(shapes[1]))


def test_rmsf_of_gaussian_noise_is_its_sigma_and_does_not_see_tumbling():
    random = np.random.default_rng(4)
    sigma = np.linspace(0.4, 0.6, 60)
    frames = CLOUD + random.normal(size=(3000, 60, 3)) * sigma[:, None] / np.sqrt(3)
    turns = Rotation.random(3000, random_state=1).as_matrix()
    tumbling = frames @ turns + random.normal(scale=50, size=(3000, 1, 3))
    still = rmsf(mean_structure(frames)[0])
    assert still == pytest.approx(sigma, rel=0.06)
    assert rmsf(mean_structure(tumbling)[0]) == pytest.approx(still, abs=2e-3)


def test_the_rigid_core_leaves_a_flapping_loop_out():
    random = np.random.default_rng(8)
    frames = CLOUD + random.normal(scale=0.1, size=(50, 60, 3))
    frames[:, 40:50] += random.normal(scale=3.0, size=(50, 1, 3))
    core = rigid_core(frames)
    assert not set(range(40, 50)) & set(core)
    assert len(core) == 50


def test_the_core_keeps_its_smallest_share_of_a_floppy_chain():
    frames = CLOUD + np.random.default_rng(8).normal(scale=4.0, size=(30, 60, 3))
    assert len(rigid_core(frames, smallest_fraction=0.4)) == 24


def test_a_b_factor_of_eight_pi_squared_is_a_fluctuation_of_root_three():
    assert b_factor_rmsf(np.array([8 * np.pi**2, -1.0])) == pytest.approx([np.sqrt(3.0), 0.0])


def _profile(values, variant="native", state="in", length_ns=0.2):
    rows = np.asarray(values, dtype=float)
    return FluctuationProfile(
        state=state,
        variant=variant,
        residues=tuple(range(1, rows.shape[1] + 1)),
        rmsf_angstrom=tuple(map(tuple, rows.tolist())),
        length_ns=length_ns,
        superposition="test",
    )


def test_a_loosened_region_is_found_and_the_others_are_not():
    random = np.random.default_rng(11)
    base = 1.0 + random.random(100)
    native = _profile(base + random.normal(scale=0.02, size=(4, 100)))
    shifted = base + random.normal(scale=0.02, size=(4, 100))
    shifted[:, 40:50] += 0.4
    mutant = _profile(shifted, "K404E")
    rows = compare_regions(native, mutant, {"loop": range(41, 51), "rest": range(51, 90), "gone": [900]})
    assert [(row.region, row.difference_angstrom.resolved) for row in rows] == [
        ("loop", True),
        ("rest", False),
    ]
    assert rows[0].difference_angstrom.value == pytest.approx(0.4, abs=0.03)
    residues = residue_differences(native, mutant)
    assert len(residues) == 100
    assert {number for number, found in residues if found.resolved} == set(range(41, 51))


def test_residues_of_equal_proteins_raise_no_alarm():
    random = np.random.default_rng(12)
    alarms = sum(
        any(
            found.resolved
            for _, found in residue_differences(
                *(_profile(1 + random.normal(scale=0.1, size=(3, 100))) for _ in "ab")
            )
        )
        for _ in range(20)
    )
    assert alarms <= 4


def test_unresolved_dynamics_say_how_little_was_sampled():
    random = np.random.default_rng(13)
    native, mutant = (_profile(1 + random.normal(scale=0.3, size=(3, 20)), side) for side in ("a", "b"))
    row = compare_regions(native, mutant, {"loop": range(1, 10)})[0]
    assert statement(row.difference_angstrom).startswith("not resolved by 3 x 0.2 ns native and 3 x 0.2 ns")


def _shell(radius, count=4000):
    """Carbon atoms on a sphere, evenly by the golden spiral; every atom a residue of its own."""
    index = np.arange(count) + 0.5
    polar, turn = np.arccos(1 - 2 * index / count), np.pi * (1 + 5**0.5) * index
    points = np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
    return radius * points


@pytest.mark.parametrize("radius", [6.0, 8.0])
def test_the_volume_of_a_hollow_sphere_is_the_analytic_one(radius):
    shell = _shell(radius)
    volume = pocket_volume(shell, ["C"] * len(shell), InclusionRegion(_shell(radius, 300)))
    assert volume == pytest.approx(4 / 3 * np.pi * (radius - 1.7) ** 3, rel=0.06)


def test_an_atom_in_the_pocket_takes_about_its_own_volume():
    shell = _shell(8.0)
    region = InclusionRegion(_shell(8.0, 300))
    empty = pocket_volume(shell, ["C"] * 4000, region)
    filled = pocket_volume(np.vstack([shell, [[0, 0, 0]]]), ["C"] * 4001, region)
    assert 4 / 3 * np.pi * 1.7**3 * 0.7 < empty - filled < 0.3 * empty


def _atoms(coord, numbers, names, residue_names=None):
    atoms = AtomArray(len(coord))
    atoms.coord, atoms.res_id = np.asarray(coord, dtype=np.float32), np.asarray(numbers)
    atoms.res_name[:] = residue_names if residue_names is not None else "LEU"
    atoms.atom_name[:], atoms.element[:] = names, "C"
    return atoms


def test_a_pocket_is_compared_in_one_frame_whatever_frame_the_mutant_comes_in():
    shell, frame = _shell(8.0, 400), np.random.default_rng(3).normal(scale=14, size=(40, 3))
    coord = np.vstack([shell, frame * (1 + 12 / np.linalg.norm(frame, axis=1, keepdims=True))])
    numbers, names = np.arange(1, 441), ["CB"] * 400 + ["CA"] * 40
    native = _atoms(coord, numbers, names)
    mutant = _atoms(coord @ Rotation.random(random_state=2).as_matrix() + 30.0, numbers, names)
    row = compare_pocket("cavity", "in", range(1, 401), ([native], [1.0]), ([mutant], [1.0]))
    assert row.mutant_volume_cubic_angstrom == pytest.approx(row.native_volume_cubic_angstrom, rel=0.01)
    assert row.side_chain_rmsd_angstrom == pytest.approx(0.0, abs=1e-5)
    assert not row.volume_difference_cubic_angstrom.resolved
    assert PocketComparison.model_validate({**row.model_dump(), "by_alpha_spheres": None}) == row


POCKET_OF_ONE_SEED = """
import numpy as np
from biotite.structure import AtomArray
from kinscope.analysis.pockets import compare_pocket
random = np.random.default_rng(21)
coord = random.normal(scale=6.0, size=(120, 3))
one, other = AtomArray(120), AtomArray(120)
for side, atoms in enumerate((one, other)):
    atoms.coord = (coord + random.normal(scale=0.01, size=coord.shape) * side).astype(np.float32)
    atoms.res_id = np.repeat(np.arange(1, 31), 4)
    atoms.res_name[:], atoms.element[:] = "ALA", "C"
    atoms.atom_name = np.tile(["CA", "CB", "CG", "CD"], 30)
row = compare_pocket("cavity", "in", range(1, 26), ([one], [1.0]), ([other], [1.0]))
print(row.backbone_rmsd_angstrom.hex(), row.side_chain_rmsd_angstrom.hex())
"""


def test_every_process_measures_a_pocket_to_the_same_last_bit():
    # Sets of words are in another order in every process: a sum over one once ended in another last bit.
    def printed(seed: int) -> str:
        command = [sys.executable, "-c", POCKET_OF_ONE_SEED]
        surroundings = os.environ | {"PYTHONHASHSEED": str(seed)}
        return subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True).stdout

    assert len({printed(seed) for seed in range(1, 9)}) == 1


def test_a_pocket_the_model_does_not_hold_is_refused():
    atoms = _atoms(np.eye(3), [1, 2, 3], ["CA"] * 3)
    with pytest.raises(BadInputError, match="myristate"):
        compare_pocket("myristate pocket", "in", [500, 501], ([atoms], [1.0]), ([atoms], [1.0]))
    with pytest.raises(BadInputError):
        InclusionRegion(np.zeros((5, 3)))


def test_the_mean_of_a_series_has_an_error():
    values = np.random.default_rng(1).normal(5, 1, 500)
    assert standard_error(values) == pytest.approx(1 / np.sqrt(500), rel=0.4)
    assert not np.isfinite(standard_error(values[:1]))

"""The array kernels of the streaming analysis against answers from elsewhere and from paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from factories.trajectory import array_chunks, moving, shipped_model, tumbling
from kinscope.analysis.superposition import kabsch, pair_distances, reachable_pairs
from kinscope.core.errors import BadInputError
from kinscope.trajectories.frames import Chunk, Fit, find_core, stream
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.measures.motion import Deviation, Fluctuation, Gyration, Thinned, Times
from kinscope.trajectories.measures.principal import Covariance, cosine_content
from kinscope.trajectories.measures.secondary_structure import HELIX, STRAND, SecondaryStructure, assign


@given(st.integers(0, 10_000), st.integers(3, 40))
@settings(max_examples=30, deadline=None)
def test_frames_are_laid_as_scipy_lays_them(seed: int, atoms: int) -> None:
    random = np.random.default_rng(seed)
    reference = random.normal(0, 5, (atoms, 3))
    frames = tumbling(reference + random.normal(0, 0.5, (4, atoms, 3)), seed)
    rotation, rmsd = laid(frames, reference)
    assert np.allclose(np.linalg.det(rotation), 1.0)
    for frame, turn, apart in zip(frames, rotation, rmsd, strict=True):
        best, rssd = Rotation.align_vectors(reference - reference.mean(0), frame - frame.mean(0))
        assert np.allclose(turn, best.as_matrix().T, atol=1e-6)
        assert apart == pytest.approx(rssd / np.sqrt(atoms), abs=1e-6)


def laid(frames: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations, and how far each frame then lies from the reference."""
    rotation, translation = kabsch(frames, reference)
    apart = frames @ rotation + translation[:, None] - reference
    return rotation, np.sqrt((apart**2).sum(axis=2).mean(axis=1))


def test_a_mirror_image_is_not_superposed_by_reflection() -> None:
    random = np.random.default_rng(0)
    reference = random.normal(0, 5, (10, 3))
    mirrored = reference * np.array([1.0, 1.0, -1.0])
    rotation, rmsd = laid(mirrored[None], reference)
    assert np.linalg.det(rotation[0]) == pytest.approx(1.0)
    assert rmsd[0] > 1.0


def test_not_a_number_is_refused_with_words() -> None:
    frames = np.zeros((1, 4, 3))
    frames[0, 2, 1] = np.nan
    with pytest.raises(BadInputError, match="not numbers"):
        kabsch(frames, np.random.default_rng(0).normal(size=(4, 3)))


@given(st.integers(0, 1000), st.floats(0.5, 8.0))
@settings(max_examples=30, deadline=None)
def test_no_pair_within_the_cutoff_is_missed(seed: int, cutoff: float) -> None:
    random = np.random.default_rng(seed)
    frames = random.normal(0, 4, (1, 30, 3)) + random.normal(0, random.uniform(0, 2), (6, 30, 3))
    first, second = frames[:, :12], frames[:, 12:]
    every = np.linalg.norm(first[:, :, None] - second[:, None], axis=-1)
    pairs = reachable_pairs(first, second, cutoff)
    assert set(zip(*np.nonzero((every <= cutoff).any(axis=0)), strict=True)) <= set(zip(*pairs, strict=True))
    assert np.allclose(pair_distances(first, second, pairs), every[:, pairs[0], pairs[1]])


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(2, 12), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_a_series_keeps_the_mean_of_all_frames_in_bounded_memory(
    parts: list[int], limit: int, seed: int
) -> None:
    values = np.random.default_rng(seed).normal(size=sum(parts))
    series = Times(limit)
    for part in np.split(values, np.cumsum(parts)[:-1]):
        series.add(part)
    assert len(series.result()) <= limit
    assert series.moments.count == len(values)
    assert series.moments.mean == pytest.approx(values.mean())
    assert series.moments.squares == pytest.approx(((values - values.mean()) ** 2).sum(), abs=1e-9)
    if len(values) <= limit:
        assert np.allclose(series.result(), values)


@pytest.mark.parametrize("frames", [7, 10, 11, 40, 333])
def test_thinned_frames_are_evenly_spaced_and_bounded(frames: int) -> None:
    reference = np.random.default_rng(1).normal(0, 5, (5, 3))
    shifts = np.arange(frames)[:, None, None] * np.array([0.0, 0.0, 1.0])
    fit = Fit(np.arange(5), np.arange(3), reference, "")
    # The last two atoms carry the frame's number; the first three are fitted.
    coordinates = np.repeat(reference[None], frames, axis=0)
    coordinates[:, 3:] += shifts
    thinned = Thinned(limit=10)
    stream(array_chunks(coordinates, fit=fit, length=4), [thinned])
    kept = np.round(thinned.result()[:, 3, 2] - reference[3, 2]).astype(int)
    assert len(kept) <= 10
    assert np.array_equal(kept, np.arange(0, frames, kept[1] - kept[0] if len(kept) > 1 else 1))


def test_fluctuation_is_what_was_put_in_and_the_mobile_loop_is_no_core() -> None:
    atoms = shipped_model()
    mobile = dict.fromkeys(range(384, 398), 1.2)
    frames = tumbling(moving(atoms, 400, 3, mobile), 3).astype(np.float32)
    layout = Layout(atoms)
    alphas, numbers = layout.backbone.ca, layout.backbone.residues
    fit = find_core([frames[::4, alphas].astype(float)], alphas, frames=400)
    whole, parts = Fluctuation(), Fluctuation()
    stream(array_chunks(frames, fit=fit), [whole])
    stream(array_chunks(frames, fit=fit, length=33), [parts])
    assert np.allclose(parts.result(), whole.result(), atol=1e-6)
    loop = np.isin(numbers, list(mobile))
    assert whole.result()[loop].mean() == pytest.approx(1.2 * np.sqrt(3), rel=0.04)
    assert whole.result()[~loop].mean() == pytest.approx(0.3 * np.sqrt(3), rel=0.04)
    assert not np.isin(numbers[fit.core], list(mobile)).any()


def test_size_and_deviation_agree_with_mdanalysis() -> None:
    import MDAnalysis
    from MDAnalysis.analysis.rms import rmsd

    atoms = shipped_model()
    frames = tumbling(moving(atoms, 5, 1), 1)
    layout = Layout(atoms)
    alphas = layout.backbone.ca
    start = layout.coord[alphas]
    gyration, deviation = Gyration(np.arange(len(atoms)), layout.masses), Deviation(start)
    stream(array_chunks(frames, fit=Fit(alphas, np.arange(len(alphas)), start, "")), [gyration, deviation])
    universe = MDAnalysis.Universe.empty(len(atoms), trajectory=True)
    universe.add_TopologyAttr("masses", layout.masses)
    for index, frame in enumerate(frames):
        universe.atoms.positions = frame
        assert gyration.result()[index] == pytest.approx(universe.atoms.radius_of_gyration(), abs=2e-3)
        expected = rmsd(frame[alphas], start, center=True, superposition=True)
        assert deviation.result()[index] == pytest.approx(expected, abs=1e-4)


def dssp_chunk(frames: int = 6, seed: int = 2) -> tuple[Chunk, Layout]:
    atoms = shipped_model("kinase-dfg-out")
    layout = Layout(atoms)
    alphas = layout.backbone.ca
    random = np.random.default_rng(seed)
    noisy = layout.coord + random.normal(0, 0.08, (frames, len(atoms), 3))
    fit = Fit(alphas, np.arange(len(alphas)), layout.coord[alphas], "")
    return Chunk(noisy.astype(np.float32), np.arange(frames, dtype=float), 0, fit), layout


def test_secondary_structure_agrees_with_mdtraj(tmp_path_factory: pytest.TempPathFactory) -> None:
    mdtraj = pytest.importorskip("mdtraj")
    chunk, layout = dssp_chunk(20)
    topology = mdtraj.Topology()
    chain = topology.add_chain()
    rows = []
    backbone = layout.backbone
    for index in range(len(backbone.residues)):
        name = str(layout.res_name[backbone.ca[index]])
        residue = topology.add_residue(name, chain, resSeq=int(backbone.residues[index]))
        for label, places in (("N", backbone.n), ("CA", backbone.ca), ("C", backbone.c), ("O", backbone.o)):
            topology.add_atom(label, mdtraj.element.get_by_symbol(label[0]), residue)
            rows.append(places[index])
    trajectory = mdtraj.Trajectory(chunk.coordinates[:, rows] / 10.0, topology)
    expected = mdtraj.compute_dssp(trajectory)
    codes = np.array(["C", "H", "E"])[assign(chunk, backbone)]
    assert (codes == expected).mean() > 0.999


def test_secondary_structure_of_a_kinase_is_where_it_is_known_to_be() -> None:
    """Helix C (281-291), helix E (340-357) and strand beta 5 up to the gatekeeper Thr315 of ABL1."""
    chunk, layout = dssp_chunk()
    numbers = layout.backbone.residues
    structure = SecondaryStructure(layout.backbone)
    structure.update(chunk)
    shares = dict(zip(numbers.tolist(), structure.per_residue().T, strict=True))
    for residues, code in (((282, 290), HELIX), ((341, 356), HELIX), ((313, 316), STRAND)):
        for number in range(residues[0], residues[1] + 1):
            assert shares[number][code] > 0.8, number
    assert np.allclose(structure.per_residue().sum(axis=0), 1.0)


def test_secondary_structure_agrees_with_mdanalysis_on_what_both_call_helix_and_strand() -> None:
    from MDAnalysis.analysis.dssp.pydssp_numpy import assign as reference

    chunk, layout = dssp_chunk()
    backbone = layout.backbone
    codes = assign(chunk, backbone)
    prolines = backbone.proline
    for frame, found in zip(chunk.coordinates, codes, strict=True):
        rows = np.stack(
            [frame[places] for places in (backbone.n, backbone.ca, backbone.c, backbone.o)], axis=1
        )
        helix, strand = (reference(rows, donor_mask=~prolines)[:, column] for column in (1, 2))
        # It goes without the two-best rule and the order of precedence, so that edges differ.
        assert (found[helix] == HELIX).mean() > 0.9
        assert (found[strand] == STRAND).mean() > 0.9


def test_principal_motions_find_the_motion_that_was_put_in_and_merge() -> None:
    random = np.random.default_rng(5)
    reference = random.normal(0, 10, (20, 3))
    axis = random.normal(size=(20, 3))
    axis /= np.linalg.norm(axis)
    along = random.normal(0, 3.0, 300)
    frames = reference + along[:, None, None] * axis + random.normal(0, 0.05, (300, 20, 3))
    # Fitted on atoms that do not move: the motion must not be rotated away.
    still = random.normal(0, 10, (5, 3))
    every = np.concatenate([np.repeat(still[None], 300, axis=0), frames], axis=1)
    fit = Fit(np.arange(25), np.arange(5), np.concatenate([still, reference]), "")
    whole, halves = Covariance(3), [Covariance(3), Covariance(3)]
    stream(array_chunks(every, fit=fit), [whole])
    for half, part in zip(halves, (every[:100], every[100:]), strict=True):
        stream(array_chunks(part, fit=fit, length=17), [half])
    halves[0].merge(halves[1])
    found, merged = whole.result(), halves[0].result()
    assert found is not None
    assert merged is not None
    assert np.allclose(found.variances, merged.variances, rtol=1e-4)
    assert found.variances[0] == pytest.approx(along.var(ddof=1), rel=0.01)
    assert abs(float((found.axes[0][5:] * axis).sum())) > 0.999
    assert np.corrcoef(found.project(every)[:, 0], along)[0, 1] ** 2 > 0.999


def test_cosine_content_tells_drift_from_motion() -> None:
    """Half a cosine has all of it, one and a half none; noise has 2/T on average (Hess 2000)."""
    at = (np.arange(500) + 0.5) / 500
    assert cosine_content(np.cos(np.pi * at)) == pytest.approx(1.0, abs=1e-9)
    assert cosine_content(np.cos(3 * np.pi * at)) == pytest.approx(0.0, abs=1e-9)
    assert cosine_content(np.random.default_rng(0).normal(size=500)) < 0.05
    # Of a centred random walk the half cosine holds 6/pi^2 of the power: its Karhunen-Loeve expansion.
    walks = np.cumsum(np.random.default_rng(1).normal(size=(2000, 400)), axis=1)
    power = walks.var(axis=1)
    contents = np.array([cosine_content(walk) for walk in walks])
    assert (contents * power).sum() / power.sum() == pytest.approx(6 / np.pi**2, abs=0.03)


def test_rotating_a_trajectory_changes_nothing_that_is_measured() -> None:
    chunk, layout = dssp_chunk(4)
    turned = chunk.coordinates @ Rotation.random(rng=np.random.default_rng(3)).as_matrix().astype(np.float32)
    other = Chunk(turned.astype(np.float32), chunk.times_ps, 0, chunk.fit)
    assert (assign(chunk, layout.backbone) == assign(other, layout.backbone)).mean() > 0.999
    assert np.allclose(chunk.alphas, other.alphas, atol=1e-3)

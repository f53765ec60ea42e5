"""Whole trajectories: states, interactions, ligands, pockets in a stream; files from outside; comparisons."""

from __future__ import annotations

import csv
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import typer
from biotite.structure import AtomArray
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from factories.trajectory import array_chunks, moving, shipped_model, tumbling, write_replica, write_xtc
from kinscope.analysis.pockets import PROBE_ANGSTROM, RADII_ANGSTROM, InclusionRegion, pocket_volume
from kinscope.analysis.trajectory_compare import scalar_split_r
from kinscope.core.errors import StructureError
from kinscope.dynamics.files.reading import inspect_trajectory, read_blocks
from kinscope.interpretation.words.say import statement
from kinscope.structures.conformation.classify import classify_state
from kinscope.targets import load_target
from kinscope.trajectories.frames import Fit, stream
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.measures.interactions import Interactions
from kinscope.trajectories.measures.kinase_states import MEASURES, KinaseStates
from kinscope.trajectories.measures.ligands import LigandPose
from kinscope.trajectories.passes import PassSettings, Subject, analyse_group
from kinscope.trajectories.sources import joined, user_files, user_source
from kinscope.trajectories.summary import replica_analysis
from kinscope.trajectories.system import System, measure_system
from kinscope.trajectories.topology import Topology, read_topology


def whole_fit(layout: Layout) -> Fit:
    alphas = layout.backbone.ca
    return Fit(alphas, np.arange(len(alphas)), layout.coord[alphas], "all CA atoms")


def whole_topology(atoms: AtomArray) -> Topology:
    return Topology(Layout(atoms), np.arange(len(atoms)), len(atoms), "A", True, ())


def between(first: AtomArray, second: AtomArray, frames: int) -> tuple[AtomArray, np.ndarray]:
    """Heavy atoms that two models share, going in a straight line from one to the other."""
    keys = [list(zip(a.res_id.tolist(), a.atom_name.tolist(), strict=True)) for a in (first, second)]
    place = {key: index for index, key in enumerate(keys[1])}
    rows = [index for index, key in enumerate(keys[0]) if key in place and first.element[index] != "H"]
    start, end = first.coord[rows], second.coord[[place[keys[0][index]] for index in rows]]
    share = np.linspace(0, 1, frames)[:, None, None]
    return first[rows], np.asarray(start + share * (end - start), dtype=np.float32)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kinase-dfg-in", "kinase-dfg-out"),
        ("kinase-src-like", "kinase-dfg-inter"),
        ("closed-dfg-in", "open-dfg-in"),
    ],
)
def test_a_stream_calls_every_frame_what_a_single_structure_is_called(one: str, other: str) -> None:
    atoms, frames = between(shipped_model(one), shipped_model(other), 15)
    pack = load_target("abl1")
    layout = Layout(atoms)
    states = KinaseStates(layout, pack.landmarks)
    chunk = next(iter(array_chunks(frames, fit=whole_fit(layout))))
    measures, classes = states.measure(chunk)
    for index, frame in enumerate(frames):
        alone = atoms.copy()
        alone.coord = frame
        expected = classify_state(alone, pack.landmarks)
        for aspect, labels in classes.items():
            assert labels[index] == getattr(expected, aspect), (aspect, index)
        for name in MEASURES:
            if name == "spine_widest_angstrom":
                value = max(expected.spine_distances_angstrom, default=None)
            else:
                value = getattr(expected, name)
            if value is None or np.isnan(value):
                assert np.isnan(measures[name][index])
            elif value < 12.0 or name not in ("spine_widest_angstrom", "sh3_linker_angstrom"):
                assert measures[name][index] == pytest.approx(value, abs=2e-3)


def test_a_salt_bridge_that_opens_is_counted_with_its_stays() -> None:
    """Lys271 and Glu286 of DFG-in ABL1; the lysine's nitrogen is pulled away in known frames."""
    atoms = shipped_model()
    layout = Layout(atoms)
    nitrogen = int(np.flatnonzero((layout.res_id == 271) & (layout.atom_name == "NZ"))[0])
    frames = np.repeat(layout.coord[None], 20, axis=0)
    away = [4, 5, 6, 12, 19]
    frames[away, nitrogen] += 30.0
    chosen = layout.res_id == 271
    found = Interactions(layout, np.flatnonzero(chosen), np.flatnonzero(~chosen), len(frames))
    stream(array_chunks(frames, fit=whole_fit(layout), length=7), [found])
    bridge = next(row for row in found.result() if (row.kind, row.partner) == ("salt bridge", 286))
    assert (bridge.frames, bridge.stretches, bridge.longest, bridge.total) == (15, 3, 6, 20)
    assert bridge.halves == (0.7, 0.8)
    bonds = [row for row in found.result() if row.kind == "hydrogen bond" and row.partner == 286]
    assert bonds
    assert bonds[0].frames == 15


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_stretches_do_not_depend_on_where_chunks_end(pattern: list[bool], length: int) -> None:
    there = np.array(pattern)
    counter = Interactions.__new__(Interactions)
    counter._total, counter._half, counter._rows = 0, (len(there) + 1) // 2, {}
    key = ("salt bridge", 1, 2, "GLU")
    for first in range(0, len(there), length):
        part = there[first : first + length]
        counter._count({key: part} if part.any() else {}, len(part))
    runs = [len(run) for run in "".join("x" if one else " " for one in pattern).split()]
    found = counter.result()
    assert [(row.frames, row.stretches, row.longest) for row in found] == (
        [(sum(runs), len(runs), max(runs))] if runs else []
    )
    if runs and len(there) > 1:
        assert found[0].halves == tuple(half.mean() for half in np.array_split(there, 2))


def with_ligand(atoms: AtomArray, drug: str = "imatinib") -> AtomArray:
    """A shipped pose beside a model, as bound systems are laid out."""
    from rdkit import Chem

    path = load_target("abl1").directory / "poses" / f"{drug}.sdf"
    molecule = next(iter(Chem.SDMolSupplier(str(path), removeHs=False)))
    ligand = AtomArray(molecule.GetNumAtoms())
    ligand.coord = np.array(molecule.GetConformer().GetPositions(), dtype=np.float32)
    ligand.res_id[:], ligand.res_name[:], ligand.chain_id[:], ligand.hetero[:] = 9001, "STI", "L", True
    ligand.element = np.array([atom.GetSymbol().upper() for atom in molecule.GetAtoms()])
    ligand.atom_name = np.array([f"{symbol}{index}" for index, symbol in enumerate(ligand.element)])
    for name in atoms.get_annotation_categories():
        if name not in ligand.get_annotation_categories():
            ligand.add_annotation(name, dtype=atoms.get_annotation(name).dtype)
    return atoms + ligand


def test_imatinib_is_bound_to_met318_and_asp381_and_its_leaving_is_noticed() -> None:
    """Their amides hold its pyridine and its carbonyl (Nagar et al., Cancer Res. 2002, 62, 4236)."""
    atoms = with_ligand(shipped_model("kinase-dfg-out"))
    layout = Layout(atoms)
    ((name, places),) = layout.ligands
    assert name == "STI"
    frames = np.repeat(layout.coord[None], 30, axis=0)
    frames[5:8, places] += 20.0
    frames[24:, places] += 20.0
    heavy = np.flatnonzero(layout.protein & layout.heavy)
    own = places[layout.heavy[places]]
    pose = LigandPose(own, heavy, layout.res_id[heavy], layout.coord)
    around = Interactions(layout, places, np.flatnonzero(layout.protein))
    stream(array_chunks(frames, fit=whole_fit(layout), length=8), [pose, around])
    bonded = {row.partner for row in around.result() if row.kind == "hydrogen bond" and row.share > 0.5}
    assert {318, 381} <= bonded
    assert pose.left_at_frame == 24
    deviation, drift, kept = pose.result().T
    assert np.allclose(deviation[[0, 6, 29]], [0, 20 * np.sqrt(3), 20 * np.sqrt(3)], atol=1e-2)
    assert np.allclose(drift, deviation, atol=1e-2)
    assert kept[0] == 1.0
    assert kept[29] < 0.25


def test_pocket_volume_is_that_of_a_search_point_by_point() -> None:
    """The marks on the grid against nearest atoms by a tree and a distance transform, as first written."""
    from scipy.ndimage import distance_transform_edt
    from scipy.spatial import cKDTree

    layout = Layout(shipped_model())
    pocket = next(p for p in load_target("abl1").drug_pockets if p.name == "myristate_pocket")
    held = layout.heavy & layout.protein
    region = InclusionRegion(layout.coord[np.isin(layout.res_id, list(pocket.members())) & held])
    coord = layout.coord[held] + np.random.default_rng(0).normal(0, 0.2, (int(held.sum()), 3))
    elements = layout.element[held]
    points = region.origin + 0.5 * np.argwhere(np.ones(region.sides))
    free = np.ones(len(points), dtype=bool)
    for symbol in np.unique(elements):
        gap, _ = cKDTree(coord[elements == symbol]).query(points)
        free &= gap > RADII_ANGSTROM[symbol] + PROBE_ANGSTROM
    away = distance_transform_edt(~free.reshape(region.sides), sampling=0.5)
    expected = float(((away.ravel() <= PROBE_ANGSTROM + 0.125) & region.hull).sum()) * 0.125
    assert pocket_volume(coord, elements.tolist(), region) == expected
    assert 300 < expected < 1000


def test_a_cut_molecule_is_made_whole_and_its_ligand_comes_back() -> None:
    atoms = with_ligand(shipped_model("kinase-dfg-out"))
    layout = Layout(atoms)
    box = np.array([[90.0, 0, 0], [30.0, 85.0, 0], [30.0, -28.0, 80.0]])
    whole = np.repeat(layout.coord[None], 3, axis=0)
    shares = whole @ np.linalg.inv(box)
    cut = ((shares - np.floor(shares)) @ box).astype(np.float32)
    assert np.abs(cut - whole).max() > 20
    found = joined(cut, np.repeat(box[None], 3, axis=0), layout)
    shift = found - whole
    assert np.allclose(shift, shift[:, :1], atol=1e-2)


def test_a_dcd_and_an_xtc_of_the_same_frames_read_alike(tmp_path: Path) -> None:
    import biotraj

    frames = tumbling(np.random.default_rng(0).normal(0, 5, (30, 40, 3)), 1)
    write_xtc(tmp_path / "a.xtc", frames)
    with biotraj.DCDTrajectoryFile(str(tmp_path / "a.dcd"), "w") as handle:
        handle.write(frames.astype(np.float32))
    read = {}
    for kind in ("xtc", "dcd"):
        found = inspect_trajectory(tmp_path / f"a.{kind}")
        assert (found.atoms, found.frames) == (40, 30)
        read[kind] = np.concatenate([b.coordinates for b in read_blocks(found, frames_at_once=7)])
        strided = np.concatenate([b.coordinates for b in read_blocks(found, stride=4, frames_at_once=3)])
        assert np.array_equal(strided, read[kind][::4])
        chosen = np.concatenate([b.coordinates for b in read_blocks(found, np.array([3, 1, 39]))])
        assert np.array_equal(chosen, read[kind][:, [3, 1, 39]])
    assert np.allclose(read["xtc"], frames, atol=6e-3)
    assert np.allclose(read["dcd"], frames, atol=1e-5)


def frame_ends(path: Path) -> list[int]:
    """Where the frames of an XTC file end, by writing one frame more each time."""
    ends = []
    frames = np.random.default_rng(0).normal(0, 5, (4, 30, 3))
    for count in range(1, 5):
        write_xtc(path.with_name("part.xtc"), frames[:count])
        ends.append(path.with_name("part.xtc").stat().st_size)
    return ends


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_of_a_trajectory_cut_anywhere_the_whole_frames_are_used_and_it_is_said(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    write_xtc(folder / "whole.xtc", np.random.default_rng(0).normal(0, 5, (4, 30, 3)))
    content = (folder / "whole.xtc").read_bytes()
    cut = data.draw(st.integers(1, len(content) - 1))
    (folder / "cut.xtc").write_bytes(content[:cut])
    ends = frame_ends(folder / "whole.xtc")
    if cut < ends[0]:
        with pytest.raises(StructureError, match="breaks off within frame 0"):
            inspect_trajectory(folder / "cut.xtc")
        return
    found = inspect_trajectory(folder / "cut.xtc")
    assert found.frames == sum(end <= cut for end in ends)
    assert [one.code for one in found.notes] == ([] if cut in ends else ["trajectory-cut"])
    assert sum(len(block.coordinates) for block in read_blocks(found)) == found.frames


@given(st.binary(min_size=0, max_size=400))
@settings(max_examples=60, deadline=None)
def test_no_bytes_are_taken_for_a_trajectory(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "x.xtc"
    for head in (b"", struct.pack(">ii", 1995, 100)):
        path.write_bytes(head + content)
        with pytest.raises(StructureError):
            inspect_trajectory(path)


def test_frames_that_are_not_numbers_or_of_other_atoms_are_refused(tmp_path: Path) -> None:
    import biotraj

    frames = np.random.default_rng(0).normal(0, 5, (5, 30, 3)).astype(np.float32)
    frames[3, 2, 0] = np.nan
    with biotraj.DCDTrajectoryFile(str(tmp_path / "nan.dcd"), "w") as handle:
        handle.write(frames)
    with pytest.raises(StructureError, match="Frame 3 holds coordinates that are not numbers"):
        list(read_blocks(inspect_trajectory(tmp_path / "nan.dcd")))
    atoms = shipped_model()
    write_xtc(tmp_path / "other.xtc", frames[:2, :20].astype(float))
    with pytest.raises(StructureError, match="The frames hold 20 atoms"):
        user_files(whole_topology(atoms), [tmp_path / "other.xtc"])


def test_memory_does_not_grow_with_the_trajectory(tmp_path: Path) -> None:
    import tracemalloc

    atoms = shipped_model()
    atoms = atoms[np.isin(atoms.atom_name, ("N", "CA", "C", "O", "CB"))]
    peaks = []
    for frames in (300, 1200):
        write_xtc(tmp_path / "t.xtc", moving(atoms, frames, 1))
        topology = whole_topology(atoms)
        source = user_source(topology, user_files(topology, [tmp_path / "t.xtc"]), variant="native")
        tracemalloc.start()
        settings_ = PassSettings(sample_frames=50, thinned_frames=100, pocket_frames=0)
        analyse_group([source], Subject(positions=(404,)), settings_)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.15 * peaks[0]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    """Three native and three mutant replicas of 2.4 ns; a loop moves more in the mutant."""
    root = tmp_path_factory.mktemp("replicas")
    atoms = shipped_model()
    sides: dict[str, list[Path]] = {"native": [], "mutant": []}
    for side, directories in sides.items():
        mobile = dict.fromkeys(range(384, 398), 0.9) if side == "mutant" else {}
        for number in range(3):
            seed = 10 * number + (side == "mutant")
            frames = tumbling(moving(atoms, 60, seed, mobile), seed)
            path = write_replica(root / side / str(number), atoms, frames, number, step_ps=40.0)
            directories.append(path)
    return System("kinase-dfg-in", tuple(sides["native"]), tuple(sides["mutant"]))


@pytest.fixture(autouse=True)
def _few_pockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pocket volumes have their own test and take most of the time."""
    import kinscope.trajectories.system as stage

    monkeypatch.setattr(stage, "_STUDY", PassSettings(pocket_frames=1))


def test_a_known_difference_is_found_and_nothing_else(system: System) -> None:
    found = measure_system(system, load_target("abl1"), "K404E", (404,))
    assert [row.status for row in found.summaries] == ["finished"] * 6
    assert found.profiles is not None
    native, mutant = (np.mean(profile.rmsf_angstrom, axis=0) for profile in found.profiles)
    numbers = np.array(found.profiles[0].residues)
    loop = (numbers >= 384) & (numbers <= 397)
    assert native[loop].mean() == pytest.approx(0.3 * np.sqrt(3), rel=0.06)
    assert mutant[loop].mean() == pytest.approx(0.9 * np.sqrt(3), rel=0.06)
    assert np.abs(mutant - native)[~loop].max() < 0.15
    comparison = found.comparison
    assert comparison is not None
    by_name = {row.name: row.difference for row in comparison.measures}
    assert not by_name["helix_c_beta_distance_angstrom"].resolved
    assert statement(by_name["helix_c_beta_distance_angstrom"]).startswith("no change of 0.5")
    assert {row.partner for row in comparison.contacts} >= {439, 440, 445}
    assert not any(row.difference.resolved for row in comparison.contacts)
    assert comparison.principal is not None
    assert comparison.principal.first_axis_angstrom[int(np.argmax(loop))] > 0.2
    assert type(comparison).model_validate_json(comparison.model_dump_json()) == comparison


def test_a_damaged_replica_is_reported_and_the_others_count(system: System, tmp_path: Path) -> None:
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(system.native[0], broken)
    content = (broken / "trajectory.xtc").read_bytes()
    (broken / "trajectory.xtc").write_bytes(content[:-1000])
    changed = System(system.state, (broken, *system.native[1:]), ())
    found = measure_system(changed, load_target("abl1"), "K404E", (404,))
    assert [row.status for row in found.summaries] == ["failed", "finished", "finished"]
    assert "59 frames where 60" in found.summaries[0].note
    assert found.comparison is None


def test_a_run_of_picoseconds_resolves_nothing(system: System, tmp_path: Path) -> None:
    from kinscope.analysis.trajectory_compare import compare_contacts, compare_measures
    from kinscope.trajectories.sources import replica_source

    sources = [replica_source(path, state="s", variant=side) for side in ("native", "K404E")
               for path in (system.native if side == "native" else system.mutant)[:2]]  # fmt: skip
    group = analyse_group(sources, Subject(positions=(404,)), PassSettings(pocket_frames=0))
    short = [replica_analysis(one).model_copy(update={"length_ns": 0.002}) for one in group.passes]
    rows = [*compare_measures(short[:2], short[2:]), *compare_contacts(short[:2], short[2:])]
    assert rows
    assert all("shorter than the nanosecond" in statement(row.difference) for row in rows)
    assert not any(row.difference.resolved for row in rows)


def test_split_r_tells_a_replica_that_sits_elsewhere() -> None:
    random = np.random.default_rng(0)
    alike = [random.normal(size=400) for _ in range(3)]
    assert scalar_split_r(alike) < 1.05
    assert scalar_split_r([alike[0], alike[1], alike[2] + 3.0]) > 1.4
    assert scalar_split_r([np.linspace(0, 5, 400) + 0.1 * alike[0], alike[1]]) > 1.2
    assert np.isnan(scalar_split_r([[1.0, 2.0]]))


def write_pdb(path: Path, atoms: AtomArray) -> Path:
    from biotite.structure.io.pdb import PDBFile

    file = PDBFile()
    file.set_structure(atoms)
    file.write(str(path))
    return path


def test_anyones_trajectory_is_numbered_by_alignment(tmp_path: Path) -> None:
    """The same chain under other numbers and after other molecules, hydrogens and ligand kept."""
    atoms = with_ligand(shipped_model("kinase-dfg-out"))
    own = atoms[~np.isin(atoms.res_name, ("ACE", "NME"))]
    renumbered = own.copy()
    renumbered.res_id[renumbered.res_name != "STI"] -= 200
    renumbered.res_id[renumbered.res_name == "STI"] = 900
    found = read_topology(write_pdb(tmp_path / "t.pdb", renumbered), load_target("abl1"))
    assert found.numbered
    assert found.total == len(own)
    held, protein = found.layout, found.layout.protein
    assert len(held.res_id) == len(own)
    assert set(held.res_id[protein].tolist()) == set(own.res_id[own.res_name != "STI"].tolist())
    assert str(held.res_name[protein & (held.res_id == 315)][0]) == "THR"
    assert int((~protein).sum()) == int((own.res_name == "STI").sum())
    assert np.allclose(own.coord[found.places], held.coord, atol=1e-3)


def test_the_command_writes_tables_with_units_and_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    from kinscope.cli import commands

    app = typer.Typer()
    commands.register(app)
    atoms = shipped_model()
    topology = write_pdb(tmp_path / "t.pdb", atoms[~np.isin(atoms.res_name, ("ACE", "NME"))])
    write_xtc(tmp_path / "t.xtc", moving(atoms[~np.isin(atoms.res_name, ("ACE", "NME"))], 20, 1))
    out = tmp_path / "out"
    words = ["analyse", "--topology", str(topology), "--trajectory", str(tmp_path / "t.xtc"), "--variant",
             "K404E", "--pocket-frames", "0", "--out", str(out)]  # fmt: skip
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "native kinase" in result.output
    with (out / "residues.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert {"rmsf_angstrom", "helix_percent", "residue"} <= rows[0].keys()
    assert len(rows) == len(np.unique(atoms.res_id[~np.isin(atoms.res_name, ("ACE", "NME"))]))
    assert json.loads((out / "provenance.json").read_text())["kinscope_version"]
    import pyarrow.parquet as pq

    assert pq.read_table(out / "measures.parquet").num_rows >= 10
    content = (tmp_path / "t.xtc").read_bytes()
    (tmp_path / "t.xtc").write_bytes(content[:-50])
    cut = CliRunner().invoke(app, words)
    assert cut.exit_code == 0
    assert "breaks off within frame 19 (from 0); the 19 whole frames are used" in cut.output
    (tmp_path / "t.xtc").write_bytes(content[:50])
    failed = CliRunner().invoke(app, words)
    assert isinstance(failed.exception, StructureError)
    assert failed.exception.exit_code == 2

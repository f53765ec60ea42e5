"""The conformation in the frames of a trajectory: as frame by frame, whole across the box, or refused."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from kinscope.cli.commands import models
from kinscope.core.errors import BadInputError, StructureError
from kinscope.structures.conformation.classify import classify_state
from kinscope.structures.io import write_model
from kinscope.structures.reference.build import reference_model
from kinscope.structures.superposition import common_atoms, superpose
from kinscope.targets import load_target
from kinscope.trajectories.conformation_check import CLASSES, check_trajectory
from kinscope.trajectories.frames import Chunk, Fit
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.measures.kinase_states import KinaseStates

PACK = load_target("abl1")
ATOMS = reference_model(PACK, "kinase-dfg-in")[0]
EDGE = 80.0


def both_states():
    """Frames (8, n_atoms, 3) of one molecule in angstrom: three of the active state, five of imatinib's."""
    other = reference_model(PACK, "kinase-dfg-out")[0]
    here, there = common_atoms(ATOMS, other, None, None)
    flipped = ATOMS.coord.astype(np.float64).copy()
    flipped[here] = superpose(other, ATOMS).apply(other.coord)[there]
    rng = np.random.default_rng(7)
    frames = np.array([ATOMS.coord] * 3 + [flipped] * 5, dtype=np.float64)
    return frames + rng.normal(scale=0.05, size=frames.shape)


FRAMES = both_states()


def write_xtc(path, frames, edge=EDGE):
    from biotraj import XTCTrajectoryFile

    count = len(frames)
    with XTCTrajectoryFile(str(path), "w") as handle:
        handle.write(
            (frames / 10.0).astype(np.float32),
            time=np.arange(count, dtype=np.float32) * 10,
            step=np.arange(count, dtype=np.int32),
            box=np.repeat((np.eye(3) * edge / 10.0)[None], count, axis=0).astype(np.float32),
        )


def write_dcd(path, frames, edge=EDGE):
    from biotraj import DCDTrajectoryFile

    count = len(frames)
    with DCDTrajectoryFile(str(path), "w") as handle:
        handle.write(
            frames.astype(np.float32),
            cell_lengths=np.full((count, 3), edge, dtype=np.float32),
            cell_angles=np.full((count, 3), 90.0, dtype=np.float32),
        )


@pytest.fixture(scope="module")
def topology(tmp_path_factory):
    path = tmp_path_factory.mktemp("topology") / "top.cif"
    write_model(path, ATOMS)
    return path


def expected(frames):
    shapes = []
    for frame in frames:
        atoms = ATOMS.copy()
        atoms.coord = frame.astype(np.float32)
        shapes.append(classify_state(atoms, PACK.landmarks))
    return shapes


@pytest.mark.parametrize(("ending", "write"), [("xtc", write_xtc), ("dcd", write_dcd)])
def rows_of(topology, trajectories, folder):
    """The table of the frames."""
    table = folder / f"{trajectories[0].stem}.csv"
    check_trajectory(topology, trajectories, PACK, table=table)
    with table.open() as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize(("ending", "write"), [("xtc", write_xtc), ("dcd", write_dcd)])
def test_streamed_frames_measure_as_each_frame_alone(tmp_path, topology, ending, write):
    path = tmp_path / f"frames.{ending}"
    write(path, FRAMES)
    found = rows_of(topology, [path], tmp_path)
    assert [row["frame"] for row in found] == [str(number) for number in range(len(FRAMES))]
    for row, shape in zip(found, expected(FRAMES), strict=True):
        for aspect in CLASSES:
            assert row[aspect] == getattr(shape, aspect)
        assert float(row["dfg_d1_angstrom"]) == pytest.approx(shape.dfg_d1_angstrom, abs=0.03)
    assert found[1]["time_ps"] == ("10.0" if ending == "xtc" else "")
    assert found[1]["sh2_angle_degrees"] == ""


@pytest.mark.parametrize("name", ["OE1", "OE2"])
def test_half_a_carboxylate_is_judged_in_frames_as_in_a_structure(name):
    atoms = ATOMS[~((ATOMS.res_id == PACK.landmarks.helix_c_glutamate) & (ATOMS.atom_name == name))]
    layout = Layout(atoms)
    alphas = layout.backbone.ca
    fit = Fit(alphas, np.arange(len(alphas)), layout.coord[alphas], "all CA atoms")
    _, words = KinaseStates(layout, PACK.landmarks).measure(Chunk(atoms.coord[None], np.zeros(1), 0, fit))
    assert words["salt_bridge"] == [classify_state(atoms, PACK.landmarks).salt_bridge]


def test_a_molecule_cut_by_the_box_is_made_whole(tmp_path, topology):
    whole, cut = tmp_path / "whole.xtc", tmp_path / "cut.xtc"
    write_xtc(whole, FRAMES[:2])
    write_xtc(cut, np.mod(FRAMES[:2], EDGE))
    first, second = (rows_of(topology, [path], tmp_path) for path in (whole, cut))
    assert not np.allclose(FRAMES[:2], np.mod(FRAMES[:2], EDGE))
    for one, two in zip(first, second, strict=True):
        for name in ("dfg_d1_angstrom", "loop_tyrosine_angstrom", "spine_widest_angstrom"):
            assert float(two[name]) == pytest.approx(float(one[name]), abs=0.02)


def test_shares_and_table_count_every_frame_of_every_file(tmp_path, topology):
    paths = [tmp_path / "one.xtc", tmp_path / "two.dcd"]
    write_xtc(paths[0], FRAMES[:4])
    write_dcd(paths[1], FRAMES[4:])
    table = tmp_path / "states.csv"
    found = check_trajectory(topology, paths, PACK, table=table)
    shares = {(share.aspect, share.label): share.frames for share in found.shares}
    assert (found.chain, found.frames, found.dfg_changes) == ("A", 8, 1)
    assert (shares["dfg", "in"], shares["dfg", "out"]) == (3, 5)
    assert shares["activation_loop", "folded"] == 5
    assert sum(count for (aspect, _), count in shares.items() if aspect == "dfg") == 8
    rows = list(csv.DictReader(table.open()))
    assert [row["dfg"] for row in rows] == ["in"] * 3 + ["out"] * 5
    d1 = next(spread for spread in found.spreads if spread.name == "dfg_d1_angstrom")
    values = [float(row["dfg_d1_angstrom"]) for row in rows]
    assert d1.mean == pytest.approx(np.mean(values), abs=1e-2)
    assert d1.standard_deviation == pytest.approx(np.std(values, ddof=1), abs=1e-2)


def test_a_solvated_file_is_read_by_the_order_of_its_atoms(tmp_path):
    """Water before and after the protein: the frames' atoms are found by place, not by chance."""
    import biotite.structure as struc

    def water(count, number):
        array = struc.AtomArray(count)
        array.chain_id[:], array.res_name[:], array.atom_name[:] = "W", "HOH", "O"
        array.element[:], array.hetero[:] = "O", True
        array.res_id = np.arange(number, number + count)
        array.coord = np.random.default_rng(number).uniform(0, EDGE, size=(count, 3)).astype(np.float32)
        return array

    before, after = water(7, 1), water(5, 100)
    path = tmp_path / "solvated.cif"
    write_model(path, before + ATOMS + after)
    frames = np.array([np.concatenate([before.coord, frame, after.coord]) for frame in FRAMES[2:4]])
    write_xtc(tmp_path / "solvated.xtc", frames)
    found = rows_of(path, [tmp_path / "solvated.xtc"], tmp_path)
    assert [row["dfg"] for row in found] == ["in", "out"]


def test_what_cannot_be_read_is_said(tmp_path, topology):
    write_xtc(tmp_path / "fewer.xtc", FRAMES[:1, :100])
    (tmp_path / "noise.xtc").write_bytes(b"\x07" * 400)
    write_xtc(tmp_path / "whole.xtc", FRAMES[:4])
    (tmp_path / "cut.xtc").write_bytes((tmp_path / "whole.xtc").read_bytes()[:2000])
    (tmp_path / "frames.pdb").write_text("END\n")
    for name, words in (
        ("fewer.xtc", "hold 100 atoms, the topology"),
        ("noise.xtc", "no XTC file"),
        ("cut.xtc", "breaks off within frame 0"),
        ("none.xtc", "No such file"),
        ("frames.pdb", "no trajectory"),
    ):
        with pytest.raises(StructureError, match=words):
            check_trajectory(topology, [tmp_path / name], PACK)
    with pytest.raises(StructureError, match="no chain Z"):
        check_trajectory(topology, [tmp_path / "whole.xtc"], PACK, chain="Z")
    with pytest.raises(BadInputError, match="names no landmarks"):
        check_trajectory(topology, [], PACK.model_copy(update={"landmarks": None}))


def test_a_failed_run_leaves_no_table(tmp_path, topology):
    (tmp_path / "noise.xtc").write_bytes(b"\x07" * 400)
    with pytest.raises(StructureError):
        check_trajectory(topology, [tmp_path / "noise.xtc"], PACK, table=tmp_path / "states.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["noise.xtc"]


def test_the_command_prints_shares_and_refuses_half_an_order(tmp_path, topology):
    write_xtc(tmp_path / "frames.xtc", FRAMES[2:5])
    runner = CliRunner()
    arguments = ["check", str(topology), "--trajectory", str(tmp_path / "frames.xtc")]
    result = runner.invoke(models.group, arguments)
    assert result.exit_code == 0
    assert "out 66.7 %, in 33.3 %" in result.output
    assert runner.invoke(models.group, ["check", "--table", "x.csv"]).exit_code != 0

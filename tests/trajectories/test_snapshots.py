"""Frames for pictures: evenly spaced, laid on the model, and light enough for a page."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from factories.report import REGIONS, study, variant
from factories.trajectory import moving, shipped_model, tumbling, write_replica
from kinscope.report.files import ModelFile, MovingFiles, ReportFiles
from kinscope.report.plots.reduced import frame_text
from kinscope.report.scene import Scene, build_scene
from kinscope.targets import load_target
from kinscope.trajectories.snapshots import MOST_FRAMES, snapshots

STATE, POSITIONS = "kinase-dfg-in", (404,)
MODEL = load_target("abl1").directory / "models" / STATE / "model.cif.gz"
FRAMES = 20


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Three replicas of two nanoseconds that tumble; the loop sits 0, 3 and 6 angstrom away."""
    atoms, root = shipped_model(), tmp_path_factory.mktemp("replicas")
    loop = np.isin(atoms.res_id, range(395, 411))
    found = []
    for number in range(3):
        frames = moving(atoms, FRAMES, number, dict.fromkeys(range(200, 520), 0.1))
        frames[:, loop] += (3.0 * number, 0.0, 0.0)
        found.append(
            write_replica(root / str(number), atoms, tumbling(frames, number), number, step_ps=100.0)
        )
    return tuple(found)


def test_frames_are_spread_over_the_replicas_and_lie_on_the_model(replicas: tuple[Path, ...]) -> None:
    found = snapshots(replicas, MODEL, POSITIONS)
    assert found is not None
    assert 3 <= len(found.labels) == len(found.coordinates) <= MOST_FRAMES
    assert found.labels[0] == "replica 1, 0.0 ns"
    assert found.labels[-1].startswith("replica 3, 1.")
    still = found.layout.backbone.ca[~np.isin(found.layout.backbone.residues, range(390, 416))]
    away = found.coordinates[:, still] - np.asarray(shipped_model().coord)[still]
    assert np.sqrt(np.square(away).sum(axis=2).mean(axis=1)).max() < 0.5


def test_three_conformations_are_one_of_each_replica(replicas: tuple[Path, ...]) -> None:
    found = snapshots(replicas, MODEL, POSITIONS)
    assert found is not None
    assert [found.labels[frame][:9] for frame in found.typical] == ["replica 1", "replica 2", "replica 3"]
    own = np.flatnonzero((found.layout.res_id == 404) & (found.layout.atom_name == "CA"))
    places = found.coordinates[list(found.typical), own[0]]
    assert np.linalg.norm(np.diff(places, axis=0), axis=1) == pytest.approx([3.0, 3.0], abs=0.8)


def test_what_cannot_be_read_is_left_out(replicas: tuple[Path, ...], tmp_path: Path) -> None:
    assert snapshots((tmp_path,), MODEL, POSITIONS) is None
    found = snapshots((tmp_path, replicas[1]), MODEL, POSITIONS)
    assert found is not None
    assert {label[:9] for label in found.labels} == {"replica 2"}


def scene_of(replicas: tuple[Path, ...]) -> Scene:
    return build_scene(
        study(),
        ReportFiles(
            regions=REGIONS,
            models=(ModelFile(state=STATE, variant="native", path=MODEL),),
            moving=(MovingFiles(state=STATE, variant="native", replicas=replicas, model=MODEL),),
        ),
    )


def test_the_page_holds_the_frames_in_a_few_hundred_kilobytes(replicas: tuple[Path, ...]) -> None:
    scene = scene_of(replicas)
    (frames,) = scene.states[0].frames
    found = snapshots(replicas, MODEL, variant().positions)
    assert found is not None
    steps = np.frombuffer(base64.b64decode(frames.coordinates), dtype="<i2")
    steps = steps.reshape(len(frames.labels), -1, 3)
    assert len(frames.pdb.splitlines()) == steps.shape[1] + 1, "one line an atom, and END"
    assert steps / 100.0 + frames.centre == pytest.approx(found.coordinates[:, found.drawn], abs=0.006)
    assert len(frames.coordinates) + len(frames.pdb) < 600_000
    assert [view.label for view in scene.views if view.moving] == ["three conformations, native"]


def test_a_frame_is_written_as_a_model(replicas: tuple[Path, ...]) -> None:
    found = snapshots(replicas, MODEL, POSITIONS)
    assert found is not None
    text = frame_text(found, found.typical[0], found.drawn)
    assert " CA  LYS A 404 " in text
    assert " NZ  LYS A 404 " in text, "side chains near the variant"
    assert " CB " not in "".join(line for line in text.splitlines() if " A 260 " in line)

"""Stacking, cations over rings and halogen bonds along frames read as ProLIF reads single models."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from scipy.spatial.transform import Rotation

from kinscope.analysis.frames import Chunk, Fit
from kinscope.analysis.interactions import Interactions
from kinscope.analysis.layout import Layout
from kinscope.analysis.rings import halogens_of, rings_of
from kinscope.docking.interactions import interactions
from kinscope.docking.reference import reference_pose
from kinscope.docking.run import with_coordinates
from kinscope.dynamics.holo import place, with_ligands
from kinscope.ligands.parameters import directory_for, load_parameters
from kinscope.structures.io import read_model
from kinscope.targets import load_target

PACK = load_target("abl1")
KINDS = ("pi stacking", "cation-pi", "halogen bond")


def bound(name: str):
    """Model, pose as docking holds it, and the solute of dynamics."""
    drug = PACK.drug(name)
    model = read_model(PACK.directory / "models" / drug.state / "model.cif.gz")
    pose, _ = reference_pose(PACK, drug)
    forcefield = load_parameters(drug, directory_for(PACK, drug))
    return model, pose, forcefield


def along(layout: Layout, frames: np.ndarray) -> list[set[str]]:
    """Ring and halogen interactions of the ligand, frame by frame."""
    alphas = layout.backbone.ca
    fit = Fit(alphas, np.arange(len(alphas)), layout.coord[alphas], "none")
    found = []
    for frame in frames:
        around = Interactions(layout, layout.ligands[0][1], np.flatnonzero(layout.protein))
        around.update(Chunk(frame[None].astype(np.float32), np.array([np.nan]), 0, fit))
        rows = [row for row in around.result() if row.kind in KINDS]
        found.append({f"{row.partner_name.capitalize()}{row.partner} {row.kind}" for row in rows})
    return found


@pytest.mark.parametrize(
    ("name", "rings", "halogens", "charged"),
    [("imatinib", 4, 0, 1), ("nilotinib", 5, 0, 0), ("asciminib", 3, 1, 0), ("dasatinib", 3, 1, 0)],
)
def test_rings_halogens_and_charges_of_drugs_are_found(
    name: str, rings: int, halogens: int, charged: int
) -> None:
    model, pose, forcefield = bound(name)
    layout = Layout(with_ligands(model, [place(forcefield, pose, "")]))
    own = layout.ligands[0][1]
    assert len(rings_of(layout).of(own).members) == rings
    assert len(halogens_of(layout)[0]) == halogens
    assert int(np.isin(layout.cations, own).sum()) == charged


def test_myristate_is_charged_at_its_carboxylate() -> None:
    model, pose, forcefield = bound("myristate")
    layout = Layout(with_ligands(model, [place(forcefield, pose, "")]))
    assert int(np.isin(layout.anions, layout.ligands[0][1]).sum()) == 2


@pytest.mark.parametrize(
    ("name", "count"),
    [("asciminib", 20), ("dasatinib", 20), pytest.param("imatinib", 60, marks=pytest.mark.slow)],
)
def test_displaced_poses_read_as_prolif_reads_them(name: str, count: int) -> None:
    """The pose, and rigid displacements of it, each by both."""
    model, pose, forcefield = bound(name)
    random = np.random.default_rng(7)
    start = np.asarray(pose.GetConformer().GetPositions())
    poses = [pose]
    for _ in range(count):
        turn = Rotation.from_rotvec(random.normal(0.0, 0.3, 3)).as_matrix()
        moved = (start - start.mean(axis=0)) @ turn + start.mean(axis=0) + random.normal(0.0, 0.8, 3)
        poses.append(with_coordinates(Chem.Mol(pose), moved))
    solutes = [with_ligands(model, [place(forcefield, one, "")]) for one in poses]
    ours = along(Layout(solutes[0]), np.stack([solute.coord for solute in solutes]))
    theirs = [{t for t in interactions(model, one) if t.endswith(KINDS)} for one in poses]
    assert any(theirs)
    # Readings at the edge of an angle may differ: a ring's normal is a mean here, of three atoms there.
    assert sum(one != other for one, other in zip(ours, theirs, strict=True)) <= count // 20


def test_two_benzenes_stack_or_do_not() -> None:
    """Face to face at 3.6 angstrom, edge to face at 5.0, and neither at 45 degrees or 8 angstrom."""
    from kinscope.analysis.rings import _stacked

    def read(gap: float, tilt: float) -> bool:
        centre, normal = np.zeros((1, 1, 3)), np.array([[[0.0, 0.0, 1.0]]])
        other = np.array([[[0.0, 0.0, gap]]])
        angle = np.radians(tilt)
        turned = np.array([[[np.sin(angle), 0.0, np.cos(angle)]]])
        pairs, there = _stacked(centre, normal, other, turned)
        return bool(len(pairs[0]) and there[0, 0])

    assert read(3.6, 0.0)
    assert read(5.0, 90.0)
    assert not read(5.0, 42.0)
    assert not read(8.0, 0.0)
    assert not read(6.0, 0.0)

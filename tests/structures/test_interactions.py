"""One definition of an interaction: held against publications and ProLIF, the same in poses and frames."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from scipy.spatial.transform import Rotation

from factories.oracle_prolif import contacts_by_prolif, interactions_by_prolif
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.poses.interactions import as_atoms, interactions
from kinscope.docking.run import with_coordinates
from kinscope.dynamics.systems.bound import place, with_ligands
from kinscope.ligands.library import embed
from kinscope.ligands.parameters.shipped import directory_for, load_parameters
from kinscope.structures.atom_types import AtomTypes
from kinscope.structures.interactions import _stacked
from kinscope.structures.io import read_model
from kinscope.structures.mutants.neighbourhood import neighbourhood
from kinscope.targets import load_target
from kinscope.trajectories.frames import Chunk, Fit
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.measures.interactions import Interactions

PACK = load_target("abl1")
PUBLISHED = {
    # Nagar et al., Cancer Res. 2002, 62, 4236 (1IEP); Cowan-Jacob et al., Acta Cryst. D 2007, 63, 80 (2HYY).
    "imatinib": ({286, 315, 318, 360, 361, 381}, {248, 253, 256, 269, 289, 290, 313, 317, 370, 382}),
    # Weisberg et al., Cancer Cell 2005, 7, 129 (later 3CS9).
    "nilotinib": ({286, 315, 318, 381}, {248, 253, 256, 269, 289, 290, 317, 370, 382}),
    # Tokarski et al., Cancer Res. 2006, 66, 5790 (2GQG).
    "dasatinib": ({315, 318}, {248, 269, 290, 299, 313, 315, 370, 380}),
    # O'Hare et al., Cancer Cell 2009, 16, 401; Zhou et al., Chem. Biol. Drug Des. 2011, 77, 1 (3OXZ).
    "ponatinib": ({286, 318, 360, 361, 381}, {248, 253, 256, 269, 289, 290, 317, 370, 382}),
}
"""Residues that publications name, by hydrogen bonds and apolar surroundings."""
BENT = {"imatinib": {286, 315, 361}, "nilotinib": set(), "dasatinib": {315}, "ponatinib": {361}}
"""Named bonds that are below 130 degrees in the crystal too (94 to 126), or too long in the shipped pose."""


def bound(name: str):
    """Model, pose as docking holds it, and the solute of dynamics."""
    drug = PACK.drug(name)
    model = read_model(PACK.directory / "models" / drug.state / "model.cif.gz")
    pose, _ = reference_pose(PACK, drug)
    forcefield = load_parameters(drug, directory_for(PACK, drug))
    return model, pose, forcefield


def displaced(pose, count: int) -> list:
    """The pose, and rigid displacements of it."""
    random = np.random.default_rng(7)
    start = np.asarray(pose.GetConformer().GetPositions())
    poses = [pose]
    for _ in range(count):
        turn = Rotation.from_rotvec(random.normal(0.0, 0.3, 3)).as_matrix()
        moved = (start - start.mean(axis=0)) @ turn + start.mean(axis=0) + random.normal(0.0, 0.8, 3)
        poses.append(with_coordinates(Chem.Mol(pose), moved))
    return poses


def along(layout: Layout, frames: np.ndarray) -> list[set[str]]:
    """Interactions of the ligand, frame by frame."""
    alphas = layout.backbone.ca
    fit = Fit(alphas, np.arange(len(alphas)), layout.coord[alphas], "none")
    found = []
    for frame in frames:
        around = Interactions(layout, layout.ligands[0][1], np.flatnonzero(layout.protein))
        around.update(Chunk(frame[None].astype(np.float32), np.array([np.nan]), 0, fit))
        found.append({f"{row.partner_name.capitalize()}{row.partner} {row.kind}" for row in around.result()})
    return found


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_contacts_of_the_shipped_poses_are_found(name: str) -> None:
    model, pose, _ = bound(name)
    found = interactions(model, pose)
    bonds, apolar = PUBLISHED[name]
    assert {int(text.split()[0][3:]) for text in found if text.endswith("hydrogen bond")} == bonds - BENT[
        name
    ]
    assert len(apolar - {int(text.split()[0][3:]) for text in found if text.endswith("hydrophobic")}) <= 1


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
    assert sum(bool(np.isin(ring, own).all()) for ring in layout.rings) == rings
    assert len(layout.halogens[0]) == halogens
    assert int(np.isin(layout.cations, own).sum()) == charged


def test_myristate_is_charged_at_its_carboxylate() -> None:
    model, pose, forcefield = bound("myristate")
    layout = Layout(with_ligands(model, [place(forcefield, pose, "")]))
    assert int(np.isin(layout.anions, layout.ligands[0][1]).sum()) == 2


@pytest.mark.parametrize(
    ("smiles", "cations", "anions"),
    [
        ("NC(=[NH2+])c1ccccc1", 2, 0),
        ("CNC(=[NH2+])N", 3, 0),
        ("CNC(=N)N", 0, 0),
        ("C[N+]1(C)CCOCC1", 1, 0),
        ("CN1CCOCC1", 0, 0),
        ("NC(=O)Nc1ncccn1", 0, 0),
        ("Cn1c2[nH]cnc2c(=O)n(C)c1=O", 0, 0),
        ("COP(=O)([O-])OP(=O)([O-])[O-]", 0, 5),
        ("CS(=O)(=O)[O-]", 0, 3),
        ("CS(=O)(=O)Nc1ccccc1", 0, 0),
        ("CC(=O)O", 0, 0),
    ],
)
def test_charges_of_ligands_are_read_from_their_shape(smiles: str, cations: int, anions: int) -> None:
    molecule = embed(Chem.MolFromSmiles(smiles), where=smiles)
    types = AtomTypes(as_atoms(molecule))
    assert (len(types.cations), len(types.anions)) == (cations, anions)


def test_an_acid_that_holds_its_hydrogen_is_no_anion() -> None:
    model = read_model(PACK.directory / "models" / "kinase-dfg-in" / "model.cif.gz")
    acid = model[model.res_id == 286]
    assert len(AtomTypes(acid).anions) == 2
    hydrogen = acid[acid.element == "H"][:1].copy()
    oxygen, carbon = (acid.coord[acid.atom_name == name] for name in ("OE2", "CD"))
    hydrogen.coord = oxygen + 0.97 * (oxygen - carbon) / np.linalg.norm(oxygen - carbon)
    assert len(AtomTypes(acid + hydrogen).anions) == 0


@pytest.mark.parametrize(
    ("name", "count"),
    [("asciminib", 20), ("dasatinib", 20), pytest.param("imatinib", 60, marks=pytest.mark.slow)],
)
def test_poses_read_as_frames_do_and_nearly_as_prolif_reads_them(name: str, count: int) -> None:
    model, pose, forcefield = bound(name)
    poses = displaced(pose, count)
    ours = [set(interactions(model, one)) for one in poses]
    solutes = [with_ligands(model, [place(forcefield, one, "")]) for one in poses]
    assert ours == along(Layout(solutes[0]), np.stack([solute.coord for solute in solutes]))
    theirs = [interactions_by_prolif(model, one) for one in poses]
    directed = [{text for text in one if not text.endswith("hydrophobic")} for one in ours]
    assert any(theirs)
    both = sum(len(one & other) for one, other in zip(directed, theirs, strict=True))
    either = sum(len(one | other) for one, other in zip(directed, theirs, strict=True))
    # A ring's normal is a mean here, of three atoms there; fluorine and tertiary amines accept there.
    assert both >= 0.9 * either


@pytest.mark.parametrize("residue", [271, 286, 315, 385, 386, 404])
def test_residues_read_as_prolif_reads_them(residue: int) -> None:
    model = read_model(PACK.directory / "models" / "kinase-dfg-in" / "model.cif.gz")
    ours = {(one.partner, one.kind) for one in neighbourhood(model, residue)}
    directed = {pair for pair in ours if pair[1] not in ("hydrophobic", "van der Waals")}
    assert directed
    assert directed == contacts_by_prolif(model, residue)


def test_two_benzenes_stack_or_do_not() -> None:
    """Face to face at 3.6 angstrom, edge to face at 5.0, and neither at 45 degrees or 8 angstrom."""

    def read(gap: float, tilt: float) -> bool:
        centre, normal = np.zeros((1, 1, 3)), np.array([[[0.0, 0.0, 1.0]]])
        other = np.array([[[0.0, 0.0, gap]]])
        angle = np.radians(tilt)
        turned = np.array([[[np.sin(angle), 0.0, np.cos(angle)]]])
        pairs, there, _ = _stacked(centre, normal, other, turned)
        return bool(len(pairs[0]) and there[0, 0])

    assert read(3.6, 0.0)
    assert read(5.0, 90.0)
    assert not read(5.0, 42.0)
    assert not read(8.0, 0.0)
    assert not read(6.0, 0.0)

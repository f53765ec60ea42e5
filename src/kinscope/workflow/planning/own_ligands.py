"""A ligand of the user's, bound in dynamics: its files, what is checked of them, and its steps.

The files are kept in the run directory by their content, so that a study goes on without the originals.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinscope.core.errors import LigandError
from kinscope.dynamics.systems.bound import PlacedLigand, place
from kinscope.ligands.parameters.shipped import LigandForceField, read_parameters, same_molecule
from kinscope.ligands.user import ligand_from_sdf, read_given
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import Store
from kinscope.workflow.planning.catalogue import STAGES
from kinscope.workflow.planning.given_files import keep_given
from kinscope.workflow.settings import OwnLigand

NAME = "ligand"
"""Of the files in the artefact: ``ligand.sdf``, ``ligand.xml``, ``ligand.json``."""
_TOUCHING_ANGSTROM = 1.5
"""Heavy atoms of ligand and protein nearer than this are not beside but in each other."""
_NEAR_ANGSTROM = 5.0
_LEAST_NEIGHBOURS = 3
"""Residues that a ligand in a pocket has this near, at least."""


@dataclass(frozen=True)
class LigandFiles:
    """What the user gave, as bytes."""

    structure: bytes
    parameters: LigandForceField


def take_ligand(
    file: Path, parameters: Path | None, pack: TargetPack, *, state: str, site: str, in_place: bool
) -> tuple[OwnLigand, LigandFiles]:
    """Read and check a user's ligand and its parameters.

    ``file``: SDF or MOL of one molecule, in the form that is simulated. ``parameters``: what ``kinscope
    parameters`` wrote: ``NAME.xml`` or ``NAME.json``, the other beside it, or a directory that holds one such
    pair. ``pack``: the target. ``state``, ``site``: where it is bound. ``in_place``: whether its coordinates
    are its pose in the frame of the state's model.

    Raises LigandError if a file is missing or damaged, the parameters are of another molecule or form, or
    coordinates that should be a pose are none.
    """
    ligand = ligand_from_sdf(file)
    found = read_given([file], [], site=site, state=state, taken=[drug.id for drug in pack.drugs])
    definition = found.good[0]
    forcefield = _read_parameters(parameters, file)
    if not same_molecule(forcefield.record.smiles, ligand.identity.smiles):
        raise LigandError(
            "The parameters are of another molecule, or of another protonation or stereochemistry of it: "
            f"{forcefield.record.smiles[:120]}.",
            where=f"{forcefield.xml_path} for {file}",
            remedy=f"Make those of this file: {_command(file)}",
        )
    if in_place and any(note.code == "ligand-flat" for note in ligand.notes):
        raise LigandError(
            "The file is flat, so its coordinates are no pose.",
            where=f"{file}, --in-place",
            remedy="Leave --in-place out (it is docked then), or give three-dimensional coordinates.",
        )
    structure = file.read_bytes()
    own = OwnLigand(
        id=definition.id,
        name=definition.name,
        smiles=ligand.identity.smiles,
        state=state,
        site=site,
        pose="given" if in_place else "docked",
        structure_sha256=hashlib.sha256(structure).hexdigest(),
        parameters_sha256=forcefield.record.forcefield_sha256,
    )
    return own, LigandFiles(structure, forcefield)


def check_in_place(model: AtomArray, ligand: PlacedLigand, where: str) -> None:
    """Refuse coordinates that do not lie in a pocket of the model: another frame, most likely.

    Raises LigandError if heavy atoms lie in the protein's, or nothing of it is near.
    """
    from scipy.spatial import cKDTree

    heavy = np.array([atom.element != "H" for atom in ligand.forcefield.record.atoms])
    protein = model[model.element != "H"]
    tree = cKDTree(protein.coord)
    points = ligand.positions_angstrom[heavy]
    nearest = tree.query(points)[0]
    inside = int((nearest < _TOUCHING_ANGSTROM).sum())
    near = {int(protein.res_id[i]) for found in tree.query_ball_point(points, _NEAR_ANGSTROM) for i in found}
    if inside or len(near) < _LEAST_NEIGHBOURS:
        raise LigandError(
            "The coordinates are no pose in this model: "
            + (
                f"{inside} heavy atoms lie within {_TOUCHING_ANGSTROM} angstrom of the protein's."
                if inside
                else f"the protein is {nearest.min():.0f} angstrom away."
            ),
            where=where,
            remedy="Superpose your complex on the state's model (a run directory holds it in models/), or "
            "leave --in-place out: it is docked then.",
        )


def definition_of(ligand: OwnLigand) -> DrugDefinition:
    """The ligand as docking takes it."""
    return DrugDefinition(
        id=ligand.id, name=ligand.name, ccd="", smiles=ligand.smiles, smiles_ph74=ligand.smiles,
        protonation_reason="As the user gave it.", identifiers={}, binding_type="given", site=ligand.site,
        state=ligand.state, reference_entry="", sources=("given by the user",),
    )  # fmt: skip


def ligand_step(ligand: OwnLigand) -> Step:
    """The step whose artefact is the user's files; they are put there when the study begins."""
    return Step(
        STAGES["user-ligand"],
        f"your ligand {ligand.name}",
        {"structure_sha256": ligand.structure_sha256, "parameters_sha256": ligand.parameters_sha256},
        cost_seconds=1,
    )


def keep_ligand(store: Store, ligand: OwnLigand, files: LigandFiles) -> None:
    """Put the user's files into a run's store.

    Raises RunDirectoryError if they cannot be written.
    """
    step = ligand_step(ligand)
    contents: dict[str, bytes | Path] = {
        f"{NAME}.sdf": files.structure,
        f"{NAME}.xml": files.parameters.xml_path,
        f"{NAME}.json": files.parameters.record.model_dump_json(indent=1).encode(),
    }
    keep_given(store, step, contents, what="ligand", label=step.label)


def placed_as_given(forcefield: LigandForceField, file: Path) -> PlacedLigand:
    """The parameters laid on the coordinates of the user's file."""
    return place(forcefield, ligand_from_sdf(file).molecule, "coordinates as the user gave them")


def _read_parameters(parameters: Path | None, file: Path) -> LigandForceField:
    if parameters is None:
        raise LigandError(
            "A ligand needs force-field parameters to be simulated, and none were given.",
            where=str(file),
            remedy=f"{_command(file)}, then --parameters parameters/{file.stem}.xml",
        )
    if parameters.is_dir():
        names = sorted(path.stem for path in parameters.glob("*.json") if path.with_suffix(".xml").exists())
        chosen = [name for name in names if name == file.stem] or names
        if len(chosen) != 1:
            raise LigandError(
                f"The directory holds {len(names)} sets of parameters"
                + (f", none called {file.stem}." if names else "."),
                where=str(parameters),
                remedy="Name the file: --parameters DIR/NAME.xml",
            )
        return read_parameters(parameters, chosen[0])
    if parameters.suffix.lower() not in (".xml", ".json"):
        raise LigandError(
            "Parameters are NAME.xml, with NAME.json beside it, as `kinscope parameters` writes them.",
            where=str(parameters),
            remedy=_command(file),
        )
    return read_parameters(parameters.parent, parameters.stem)


def _command(file: Path) -> str:
    return f"kinscope parameters --ligand {file} --out parameters"

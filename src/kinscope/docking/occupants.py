"""Drugs of a crystal with their force field, to stand in a pocket while a model is relaxed around them."""

from __future__ import annotations

import numpy as np

from kinscope.core.errors import StructureError
from kinscope.docking.complex_field import born_radii
from kinscope.docking.crystal_ligand import crystal_coordinates, lay_on
from kinscope.docking.ligand_mechanics import FileMechanics
from kinscope.ligands.library import load_ligand
from kinscope.ligands.parameters import directory_for, has_parameters, load_parameters
from kinscope.structures.model import AtomArray
from kinscope.structures.occupants import Occupant, Parametrise
from kinscope.targets.pack import DrugDefinition, TargetPack


def parametriser(pack: TargetPack) -> Parametrise:
    """What gives crystals' ligands the parameters of the pack's drugs, by their CCD code.

    None to a ligand that is no drug of the pack, has no parameters, or is not shown whole.
    """
    drugs = {drug.ccd: drug for drug in pack.drugs if has_parameters(drug, directory_for(pack, drug))}

    def parametrise(shown: AtomArray) -> Occupant | None:
        drug = drugs.get(str(shown.res_name[0]))
        if drug is None:
            return None
        try:
            return occupant_of(pack, drug, shown)
        except StructureError:  # a crystal that does not show the whole drug
            return None

    return parametrise


def occupant_of(pack: TargetPack, drug: DrugDefinition, shown: AtomArray) -> Occupant:
    """A drug (its form at pH 7.4) with every heavy atom where a crystal has it, and hydrogens built on.

    Parameters
    ----------
    pack, drug
        The target, and a drug with parameters.
    shown
        The crystal's ligand, heavy atoms (n_heavy), in the model's frame.

    Raises
    ------
    StructureError
        If the crystal does not show the whole drug.
    LigandError
        If there are no parameters.
    """
    ligand = load_ligand(drug)
    places = crystal_coordinates(ligand, shown, where=f"{drug.ccd} of a crystal")
    molecule = lay_on(ligand, places)
    points = np.array(molecule.GetConformer().GetPositions(), dtype=np.float64)
    heavy = np.array([atom.GetAtomicNum() > 1 for atom in molecule.GetAtoms()])
    shift = np.zeros_like(points)
    shift[heavy] = places - points[heavy]
    for atom in molecule.GetAtoms():
        if atom.GetAtomicNum() == 1:  # a hydrogen goes where its atom goes
            shift[atom.GetIdx()] = shift[atom.GetNeighbors()[0].GetIdx()]
    mechanics = FileMechanics(load_parameters(drug, directory_for(pack, drug)))
    return Occupant(
        name=drug.ccd,
        coordinates=points + shift,
        fixed=heavy,
        system=mechanics.system(molecule),
        born=born_radii(molecule),
        description=mechanics.description,
    )

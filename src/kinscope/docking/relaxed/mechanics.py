"""Drugs of a crystal with their force field, to stand in a pocket while a model is relaxed around them.

Force-field parameters of drugs for :mod:`kinscope.docking.relaxed.complex_field`, from the files that ship.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import LigandError, StructureError
from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.poses.crystal_ligand import crystal_coordinates, heavy_molecule, lay_part_on
from kinscope.docking.poses.rmsd import match_part
from kinscope.docking.relaxed.complex_field import born_radii
from kinscope.ligands.library import load_ligand
from kinscope.ligands.parameters.shipped import (
    LigandForceField,
    directory_for,
    has_parameters,
    load_parameters,
)
from kinscope.results.notes import Note, note
from kinscope.structures.forcefield.system import Occupant, Parametrise
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition, TargetPack


class FileMechanics:
    """Parameters read from an OpenMM force-field file beside their record."""

    def __init__(self, found: LigandForceField) -> None:
        self._found = found
        self.description = f"{found.record.force_field}, {found.record.charge_model}"

    def system(self, molecule: Mol) -> Any:
        """The ligand's System in the molecule's atom order.

        Raises LigandError if the molecule is not the one that the parameters are of.
        """
        from openmm import app

        topology = self._topology(molecule)
        field = app.ForceField(str(self._found.xml_path))
        try:
            return field.createSystem(topology, nonbondedMethod=app.NoCutoff)
        except ValueError as error:
            raise LigandError(
                f"The force-field parameters do not fit the molecule ({error}).",
                where=self._found.record.name,
                remedy="Make them anew: kinscope parameters",
            ) from error

    def _topology(self, molecule: Mol) -> Any:
        from openmm import app

        topology = app.Topology()
        residue = topology.addResidue(self._found.record.residue_name, topology.addChain())
        names = self._names(molecule)
        atoms = [
            topology.addAtom(
                names[atom.GetIdx()], app.Element.getByAtomicNumber(atom.GetAtomicNum()), residue
            )
            for atom in molecule.GetAtoms()
        ]
        for bond in molecule.GetBonds():
            topology.addBond(atoms[bond.GetBeginAtomIdx()], atoms[bond.GetEndAtomIdx()])
        return topology

    def _names(self, molecule: Mol) -> list[str]:
        """The parameters' atom names for the molecule's atoms."""
        ordered = self._found.molecule()
        match = molecule.GetSubstructMatch(ordered)
        if len(match) != molecule.GetNumAtoms():
            raise LigandError(
                "The force-field parameters are of another molecule, or of another protonation of it.",
                where=self._found.record.name,
                remedy="Make them anew: kinscope parameters",
            )
        names = np.empty(len(match), dtype=object)
        names[list(match)] = self._found.atom_names
        return [str(name) for name in names]


def mechanics_of(pack: TargetPack, drug: DrugDefinition) -> tuple[FileMechanics | None, Note | None]:
    """A drug's parameters, the pack's own before what ships, or why there are none."""
    try:
        return FileMechanics(load_parameters(drug, directory_for(pack, drug))), None
    except LigandError as error:
        return None, note("no-second-opinion", why=error.what)


SHOWN = 0.9
"""Share of a drug's heavy atoms that a crystal must show, for the rest to be built."""


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
    """A drug (its form at pH 7.4) with every atom that a crystal shows where the crystal has it.

    Hydrogens are built on, and so is an atom or two that the crystal lacks (of the myristoyl group of 2FO0 an
    oxygen); what is built may move.

    ``pack``, ``drug``: the target, and a drug with parameters. ``shown``: the crystal's ligand, heavy atoms
    (n_heavy), in the model's frame.

    Raises StructureError if the crystal shows another molecule, or less than :data:`SHOWN` of this one;
    LigandError if there are no parameters.
    """
    ligand = load_ligand(drug)
    placed, places = _placed(ligand, shown, f"{drug.ccd} of a crystal")
    molecule = lay_part_on(ligand, placed, places)[0]
    points = np.array(molecule.GetConformer().GetPositions(), dtype=np.float64)
    shift = np.zeros_like(points)
    shift[placed] = places - points[placed]
    for atom in molecule.GetAtoms():
        if atom.GetAtomicNum() == 1:  # a hydrogen goes where its atom goes
            shift[atom.GetIdx()] = shift[atom.GetNeighbors()[0].GetIdx()]
    fixed = np.zeros(len(points), dtype=bool)
    fixed[placed] = True
    mechanics = FileMechanics(load_parameters(drug, directory_for(pack, drug)))
    return Occupant(
        name=drug.ccd,
        coordinates=points + shift,
        fixed=fixed,
        system=mechanics.system(molecule),
        born=born_radii(molecule),
        description=mechanics.description,
    )


def _placed(ligand: Mol, shown: AtomArray, where: str) -> tuple[NDArray[np.intp], Coordinates]:
    """Indices of the ligand's heavy atoms that the crystal shows, and where."""
    heavy = np.array([atom.GetIdx() for atom in ligand.GetAtoms() if atom.GetAtomicNum() > 1], dtype=np.intp)
    if len(shown) >= len(heavy):
        return heavy, crystal_coordinates(ligand, shown, where=where)
    part = heavy_molecule(shown)
    # Bond orders and charges are not in a crystal: elements and bonds alone decide.
    mine = match_part(ligand, part)
    if mine is None or len(mine) < SHOWN * len(heavy):
        raise StructureError(
            f"The crystal's ligand ({len(shown)} heavy atoms) is no more than a part of the drug.",
            where=where,
            remedy="Name a co-crystal that shows the whole drug.",
        )
    return mine, np.asarray(part.GetConformer().GetPositions(), dtype=np.float64)

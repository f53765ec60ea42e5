"""Force-field parameters of drugs for :mod:`kinscope.docking.complex_field`, from the files that ship."""

from __future__ import annotations

from typing import Any

import numpy as np

from kinscope.core.errors import LigandError
from kinscope.docking.engine import Mol
from kinscope.ligands.parameters import LigandForceField, load_parameters
from kinscope.targets.pack import DrugDefinition


class FileMechanics:
    """Parameters read from an OpenMM force-field file beside their record."""

    def __init__(self, found: LigandForceField) -> None:
        self._found = found
        self.description = f"{found.record.force_field}, {found.record.charge_model}"

    def system(self, molecule: Mol) -> Any:
        """The ligand's System in the molecule's atom order.

        Raises
        ------
        LigandError
            If the molecule is not the one that the parameters are of.
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


def mechanics_of(drug: DrugDefinition) -> tuple[FileMechanics | None, str]:
    """A drug's parameters, or why there are none."""
    try:
        return FileMechanics(load_parameters(drug)), ""
    except LigandError as error:
        return None, f"No second opinion: {error.what}"

"""A protein model and its ligands as one solute: atoms in one order, one topology, one way to part them.

In every solute, trajectory and topology file of a bound system the ligands stand after the protein: chain
:data:`LIGAND_CHAIN`, residue numbers from :data:`FIRST_LIGAND_RESIDUE` (no protein has those), marked as
heterogens, the residue named by the ligand's dictionary code, atoms in the order and with the names of its
parameters (:class:`kinscope.ligands.parameters.shipped.LigandForceField`). Apo systems are what they always
were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import LigandError, StructureError
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.records import BoundLigand
from kinscope.ligands.library import Mol
from kinscope.ligands.parameters.charges import bare_graph
from kinscope.ligands.parameters.shipped import LigandForceField
from kinscope.structures.io import to_openmm
from kinscope.structures.model import AtomArray

LIGAND_CHAIN = "L"
FIRST_LIGAND_RESIDUE = 9001


@dataclass(frozen=True)
class PlacedLigand:
    """A ligand with parameters and a pose."""

    forcefield: LigandForceField
    positions_angstrom: FloatArray
    """(n_atoms, 3) in the order of the parameters, in the frame of the protein model."""
    pose: str


def place(forcefield: LigandForceField, pose: Mol, words: str) -> PlacedLigand:
    """Lay parameters on a pose: the same molecule, all hydrogens, atoms in any order.

    Raises LigandError if the pose is of another molecule, or of another protonation, than the parameters.
    """
    from rdkit import Chem

    own = forcefield.molecule()
    found = _same_order(own, pose)
    if len(found) != own.GetNumAtoms():
        raise LigandError(
            f"The pose is not of the molecule that the parameters of {forcefield.record.name} are of.",
            where=f"{Chem.MolToSmiles(Chem.RemoveHs(pose))} against {forcefield.record.smiles}",
            remedy=f"Make parameters of this form: kinscope parameters {forcefield.record.name}",
        )
    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    return PlacedLigand(forcefield, points[list(found)], words)


def _same_order(own: Mol, pose: Mol) -> tuple[int, ...]:
    """Index in the pose of each atom of the molecule; empty if they are not one compound in one form."""
    from rdkit import Chem

    first, second = bare_graph(own), bare_graph(pose)
    if first.GetNumAtoms() != second.GetNumAtoms() or first.GetNumBonds() != second.GetNumBonds():
        return ()
    if Chem.GetFormalCharge(own) != Chem.GetFormalCharge(pose):
        return ()
    elements, bonds = zip(*(_drawn(graph) for graph in (first, second)), strict=True)
    if elements[0] == elements[1] and bonds[0] == bonds[1]:
        return tuple(range(first.GetNumAtoms()))
    return tuple(second.GetSubstructMatch(first))


def _drawn(graph: Mol) -> tuple[list[int], set[frozenset[int]]]:
    """Atomic numbers, and the pairs of atoms that are bonded."""
    bonds = {frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())) for bond in graph.GetBonds()}
    return [atom.GetAtomicNum() for atom in graph.GetAtoms()], bonds


def with_ligands(model: AtomArray, placed: Sequence[PlacedLigand]) -> AtomArray:
    """The solute (n_atoms): the protein model, then each ligand.

    Raises StructureError if the model holds ligands already, or two ligands lie in one another.
    """
    import biotite.structure as struc

    if ligand_mask(model).any():
        raise StructureError(
            "The model holds a ligand already.", where="bound system", remedy="Give the protein alone."
        )
    parts = [model.copy()]
    parts[0].bonds = None
    for number, ligand in enumerate(placed):
        record = ligand.forcefield.record
        atoms = struc.AtomArray(len(record.atoms))
        for name in model.get_annotation_categories():
            if name not in atoms.get_annotation_categories():
                atoms.add_annotation(name, dtype=model.get_annotation(name).dtype)
        atoms.chain_id[:] = LIGAND_CHAIN
        atoms.res_id[:] = FIRST_LIGAND_RESIDUE + number
        atoms.res_name[:] = record.residue_name
        atoms.atom_name[:] = [atom.name for atom in record.atoms]
        atoms.element[:] = [atom.element.upper() for atom in record.atoms]
        atoms.hetero[:] = True
        atoms.coord = ligand.positions_angstrom.astype(np.float32)
        for other in parts[1:]:
            if np.linalg.norm(other.coord[:, None] - atoms.coord[None], axis=2).min() < 1.0:
                raise StructureError(
                    "Two ligands lie in one another.", where="bound system", remedy="Give one per pocket."
                )
        parts.append(atoms)
    return parts[0] if len(parts) == 1 else struc.concatenate(parts)


def ligand_mask(atoms: AtomArray) -> NDArray[np.bool_]:
    """Which atoms (n_atoms,) of a solute belong to ligands."""
    return np.asarray((atoms.chain_id == LIGAND_CHAIN) & (atoms.res_id >= FIRST_LIGAND_RESIDUE))


def bound_ligands(solute: AtomArray, ligands: Sequence[PlacedLigand]) -> tuple[BoundLigand, ...]:
    """What the record of a system says of the ligands that :func:`with_ligands` put into its solute.

    Raises StructureError if the solute holds others.
    """
    first, found = int((~ligand_mask(solute)).sum()), []
    names = [name for ligand in ligands for name in ligand.forcefield.atom_names]
    if solute.atom_name[first:].tolist() != names or not ligand_mask(solute)[first:].all():
        raise StructureError(
            "The solute does not hold its ligands as their parameters name their atoms.",
            where=f"atoms from {first + 1} on",
            remedy="Put them in with kinscope.dynamics.systems.bound.place and with_ligands.",
        )
    for number, ligand in enumerate(ligands):
        record = ligand.forcefield.record
        found.append(
            BoundLigand(
                name=record.name,
                residue_name=record.residue_name,
                residue=FIRST_LIGAND_RESIDUE + number,
                first_atom=first,
                atoms=len(record.atoms),
                net_charge_e=record.net_charge_e,
                forcefield_sha256=record.forcefield_sha256,
                pose=ligand.pose,
            )
        )
        first += len(record.atoms)
    return tuple(found)


def solute_topology(solute: AtomArray, ligands: Sequence[PlacedLigand] = ()) -> Any:
    """OpenMM topology of protein and ligands, atoms in the order of the solute.

    Raises StructureError as :func:`bound_ligands`.
    """
    from openmm import app

    protein = solute[~ligand_mask(solute)]
    topology, _ = to_openmm(protein)
    bound_ligands(solute, ligands)
    for ligand in ligands:
        record = ligand.forcefield.record
        residue = topology.addResidue(record.residue_name, topology.addChain(LIGAND_CHAIN))
        atoms = [
            topology.addAtom(atom.name, app.Element.getBySymbol(atom.element), residue)
            for atom in record.atoms
        ]
        for bond in ligand.forcefield.molecule().GetBonds():
            topology.addBond(atoms[bond.GetBeginAtomIdx()], atoms[bond.GetEndAtomIdx()])
    return topology

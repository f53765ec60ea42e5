"""A ligand from a crystal as the drug's own molecule: bond orders, hydrogens, sound geometry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError, StructureError
from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.poses.rmsd import match_atoms
from kinscope.ligands.chemistry import embedding_parameters, quiet
from kinscope.structures.model import AtomArray

_RESTRAINT_KCAL_PER_MOL_PER_SQUARE_ANGSTROM = 50.0
_RESTRAINT_FREE_ANGSTROM = 0.1
_BOND_SLACK_ANGSTROM = 0.45

_SEED = 1


def heavy_molecule(atoms: AtomArray) -> Mol:
    """Heavy atoms (n_atoms) joined by single bonds where their distance says so.

    Bonded nearer than the sum of covalent radii and 0.45 angstrom, as the wwPDB's ligand tools take it.
    """
    from rdkit import Chem
    from rdkit.Geometry import Point3D

    table = Chem.GetPeriodicTable()
    molecule = Chem.RWMol()
    conformer = Chem.Conformer(len(atoms))
    for index in range(len(atoms)):
        atom = Chem.Atom(str(atoms.element[index]).capitalize())
        atom.SetNoImplicit(True)
        molecule.AddAtom(atom)
        conformer.SetAtomPosition(index, Point3D(*map(float, atoms.coord[index])))
    radii = np.array([table.GetRcovalent(str(e).capitalize()) for e in atoms.element])
    distance = np.linalg.norm(atoms.coord[:, None] - atoms.coord[None], axis=2)
    bonded = distance < radii[:, None] + radii[None] + _BOND_SLACK_ANGSTROM
    for first, second in np.argwhere(np.triu(bonded, 1)):
        molecule.AddBond(int(first), int(second), Chem.BondType.SINGLE)
    molecule.AddConformer(conformer)
    shown = molecule.GetMol()
    shown.UpdatePropertyCache(strict=False)
    Chem.GetSymmSSSR(shown)
    return shown


def crystal_coordinates(ligand: Mol, crystal: AtomArray, *, where: str) -> Coordinates:
    """Crystal positions of the ligand's heavy atoms (in order), shape (n_heavy, 3).

    Raises StructureError if the crystal's ligand has other atoms or bonds (an atom missing in the density,
    for instance).
    """
    shown = heavy_molecule(crystal)
    match = match_atoms(ligand, shown)
    if match is None:
        raise StructureError(
            f"The crystal's ligand ({shown.GetNumAtoms()} atoms) is not the drug.",
            where=where,
            remedy="Name a co-crystal that shows the whole drug.",
        )
    return np.asarray(shown.GetConformer().GetPositions(), dtype=np.float64)[match]


def lay_on(ligand: Mol, heavy: Coordinates) -> Mol:
    """The ligand (all hydrogens) with its heavy atoms at positions (n_heavy, 3), its geometry made sound.

    MMFF94s relaxes bonds, angles and hydrogens while every heavy atom is held within 0.1 angstrom of its
    place.
    """
    indices = np.array(
        [atom.GetIdx() for atom in ligand.GetAtoms() if atom.GetAtomicNum() > 1], dtype=np.intp
    )
    return lay_part_on(ligand, indices, heavy)[0]


def lay_part_on(
    ligand: Mol, placed: NDArray[np.intp], positions: Coordinates, *, trials: int = 1
) -> list[Mol]:
    """Molecules with some heavy atoms (``placed``) at positions (n_placed, 3) and the rest built on.

    Raises ComputationError if no conformer fits the positions.
    """
    from rdkit import Chem
    from rdkit.Geometry import Point3D

    heavy = [atom.GetIdx() for atom in ligand.GetAtoms() if atom.GetAtomicNum() > 1]
    if len(placed) == len(heavy):
        bare = Chem.RemoveHs(ligand)
        bare.RemoveAllConformers()
        conformer = Chem.Conformer(bare.GetNumAtoms())
        for index, point in zip(placed, positions, strict=True):
            conformer.SetAtomPosition(heavy.index(int(index)), Point3D(*map(float, point)))
        bare.AddConformer(conformer)
        Chem.AssignStereochemistryFrom3D(bare, replaceExistingTags=False)
        starts = [_in_order(Chem.AddHs(bare, addCoords=True), ligand)]
    else:
        starts = _embedded(ligand, placed, positions, trials)
    if not starts:
        raise ComputationError(
            "No conformer of the drug fits the positions of the known pose.",
            where=ligand.GetProp("_Name") if ligand.HasProp("_Name") else "reference pose",
            remedy="Name another co-crystal.",
        )
    return [_relaxed(start, placed) for start in starts]


def _relaxed(start: Mol, held: NDArray[np.intp]) -> Mol:
    """A copy relaxed by MMFF94s with some atoms held; the copy's own aromaticity stays as it was.

    The variant for time-averaged structures (Halgren, J Comput Chem 1999, 20, 720) keeps the nitrogens of
    anilines and amides flat. MMFF94 itself bends the N-H of imatinib's aniline 40 degrees out of its plane,
    away from the Thr315 that it meets in the crystal.
    """
    from rdkit import Chem
    from rdkit.Chem import rdForceFieldHelpers

    work, relaxed = Chem.Mol(start), Chem.Mol(start)
    with quiet():
        properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(work, mmffVariant="MMFF94s")
        field = rdForceFieldHelpers.MMFFGetMoleculeForceField(work, properties)
        for index in held:
            field.MMFFAddPositionConstraint(
                int(index), _RESTRAINT_FREE_ANGSTROM, _RESTRAINT_KCAL_PER_MOL_PER_SQUARE_ANGSTROM
            )
        field.Minimize(maxIts=2000)
    relaxed.RemoveAllConformers()
    relaxed.AddConformer(work.GetConformer(), assignId=True)
    return relaxed


def _embedded(ligand: Mol, placed: NDArray[np.intp], positions: Coordinates, trials: int) -> list[Mol]:
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom, rdMolAlign
    from rdkit.Geometry import Point3D

    work = Chem.Mol(ligand)
    parameters = embedding_parameters(_SEED)
    parameters.SetCoordMap({int(i): Point3D(*map(float, p)) for i, p in zip(placed, positions, strict=True)})
    with quiet():
        found = list(rdDistGeom.EmbedMultipleConfs(work, trials, parameters))
    target = Chem.Mol(ligand)
    for index, point in zip(placed, positions, strict=True):
        target.GetConformer().SetAtomPosition(int(index), Point3D(*map(float, point)))
    starts = []
    for number in found:
        single = Chem.Mol(work, confId=number)
        rdMolAlign.AlignMol(single, target, prbCid=number, atomMap=[(int(i), int(i)) for i in placed])
        for conformer in list(single.GetConformers()):
            if conformer.GetId() != number:
                single.RemoveConformer(conformer.GetId())
        single.GetConformer().SetId(0)
        for index, point in zip(placed, positions, strict=True):
            single.GetConformer().SetAtomPosition(int(index), Point3D(*map(float, point)))
        starts.append(single)
    return starts


def _in_order(molecule: Mol, ligand: Mol) -> Mol:
    """The molecule with its atoms renumbered as the ligand's."""
    from rdkit import Chem

    match = molecule.GetSubstructMatch(ligand, useChirality=True)
    if not match:
        raise StructureError(
            "The crystal shows another stereoisomer than the drug's.",
            where=ligand.GetProp("_Name") if ligand.HasProp("_Name") else "ligand",
            remedy="Check the SMILES of the drug and the crystal's ligand.",
        )
    ordered = Chem.RenumberAtoms(molecule, list(match))
    Chem.GetSymmSSSR(ordered)
    if ligand.HasProp("_Name"):
        ordered.SetProp("_Name", ligand.GetProp("_Name"))
    return ordered

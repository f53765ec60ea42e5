"""A ligand's torsion tree from Meeko, and whole-molecule coordinates to and from it.

Vina moves rigid bodies joined by torsions and knows no hydrogen on carbon. Every body of the tree carries all
atoms of the molecule that move with it, so a pose that comes back is the whole molecule again, with its own
bond lengths and angles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import LigandError
from kinscope.docking.engine import Coordinates, Mol
from kinscope.ligands.chemistry import quiet
from kinscope.structures.side_chains.rotamers import superposition


@dataclass(frozen=True)
class Body:
    """A rigid part of a ligand."""

    frame: NDArray[np.intp]
    """Ligand atoms that fix its place: its own, the atom it hangs on, and the first atom of each child."""
    carried: NDArray[np.intp]
    """Ligand atoms whose place follows from the frame: those of its own atoms and their hydrogens."""


@dataclass(frozen=True)
class LigandTree:
    """A ligand as Vina reads it, with the way back to the RDKit molecule."""

    lines: tuple[str, ...]
    """Lines of the PDBQT; those of atoms are rewritten with the coordinates asked for."""
    atom_of_line: dict[int, int]
    """Index of a line in ``lines`` to the ligand's atom."""
    order: NDArray[np.intp]
    """Ligand atom of each PDBQT atom, in file order."""
    bodies: tuple[Body, ...]
    torsions: tuple[tuple[int, int, NDArray[np.intp]], ...]
    """Of each rotatable bond: its two atoms, and the atoms that turn with the second."""

    def pdbqt(self, coordinates: Coordinates) -> str:
        """The PDBQT with the coordinates of a pose, shape (n_atoms, 3)."""
        lines = list(self.lines)
        for place, atom in self.atom_of_line.items():
            x, y, z = coordinates[atom]
            line = lines[place]
            lines[place] = f"{line[:30]}{x:8.3f}{y:8.3f}{z:8.3f}{line[54:]}"
        return "\n".join([*lines, ""])

    def whole(self, moved: NDArray[np.float64], start: Coordinates) -> Coordinates:
        """Coordinates of every atom after Vina moved those of the PDBQT.

        ``moved``: shape (n_pdbqt_atoms, 3), in file order. ``start``: shape (n_atoms, 3): any pose with the
        ligand's bond lengths and angles.
        """
        target = np.array(start, dtype=np.float64)
        target[self.order] = moved
        return self.carry(target, start, set(map(int, self.order)))

    def carry(self, target: Coordinates, start: Coordinates, placed: set[int]) -> Coordinates:
        """A whole pose from the atoms of it that are placed already.

        ``target``: shape (n_atoms, 3); right for the atoms in ``placed``. ``start``: shape (n_atoms, 3): any
        pose with the ligand's bond lengths and angles. ``placed``: atoms that keep their coordinates, at
        least every heavy atom; the others ride on their rigid body.
        """
        whole = np.array(target)
        for body in self.bodies:
            frame = np.array([atom for atom in body.frame if int(atom) in placed], dtype=np.intp)
            rotation, translation = superposition(start[frame], target[frame])
            riders = np.array([atom for atom in body.carried if int(atom) not in placed], dtype=np.intp)
            if len(riders):
                whole[riders] = start[riders] @ rotation + translation
        return whole


def prepare_ligand(ligand: Mol) -> LigandTree:
    """The torsion tree of a molecule with hydrogens and one conformer.

    Raises LigandError if Meeko cannot type it for Vina.
    """
    from meeko import MoleculePreparation, PDBQTWriterLegacy

    name = ligand.GetProp("_Name") if ligand.HasProp("_Name") else "ligand"
    try:
        with quiet():
            # Rings stay as they are: breaking macrocycles adds glue atoms that belong to no molecule.
            setups = MoleculePreparation(charge_model="zero", rigid_macrocycles=True).prepare(ligand)
            text, fine, problem = PDBQTWriterLegacy.write_string(setups[0], add_index_map=True)
    except Exception as error:  # Meeko raises RuntimeError, ValueError and KeyError for unknown chemistry
        fine, problem, text = False, str(error), ""
    if not fine:
        raise LigandError(
            f"This ligand cannot be prepared for Vina: {problem.strip() or 'unknown atom types'}.",
            where=name,
            remedy="Give one organic molecule of H, C, N, O, F, P, S, Cl, Br and I.",
        )
    return _parse(text, ligand)


def _parse(text: str, ligand: Mol) -> LigandTree:
    lines = tuple(text.splitlines())
    serial_to_atom = _index_map(lines)
    atom_of_line: dict[int, int] = {}
    order: list[int] = []
    own: list[list[int]] = [[]]
    hinge: list[tuple[int, int] | None] = [None]
    parent: list[int] = [-1]
    open_bodies = [0]
    for place, line in enumerate(lines):
        word = line.split()[0] if line.split() else ""
        if word in ("ATOM", "HETATM"):
            atom = serial_to_atom[int(line[6:11])]
            atom_of_line[place] = atom
            order.append(atom)
            own[open_bodies[-1]].append(atom)
        elif word == "BRANCH":
            first, second = (serial_to_atom[int(number)] for number in line.split()[1:3])
            own.append([])
            hinge.append((first, second))
            parent.append(open_bodies[-1])
            open_bodies.append(len(own) - 1)
        elif word == "ENDBRANCH":
            open_bodies.pop()
    moving = [_with_hydrogens(ligand, atoms, set(order)) for atoms in own]
    return LigandTree(
        lines=lines,
        atom_of_line=atom_of_line,
        order=np.array(order, dtype=np.intp),
        bodies=_bodies(own, moving, hinge, parent),
        torsions=_torsions(moving, hinge, parent),
    )


def _index_map(lines: tuple[str, ...]) -> dict[int, int]:
    """PDBQT serial number to index of the ligand's atom, from Meeko's remarks (pairs counted from 1)."""
    serial_to_atom: dict[int, int] = {}
    for line in lines:
        if line.startswith("REMARK INDEX MAP"):
            numbers = [int(word) for word in line.split()[3:]]
            for atom, serial in zip(numbers[::2], numbers[1::2], strict=True):
                serial_to_atom[serial] = atom - 1
    return serial_to_atom


def _with_hydrogens(ligand: Mol, atoms: list[int], typed: set[int]) -> list[int]:
    """Atoms and the hydrogens on them that Vina does not see."""
    found = list(atoms)
    for atom in atoms:
        for neighbour in ligand.GetAtomWithIdx(atom).GetNeighbors():
            if neighbour.GetIdx() not in typed and neighbour.GetAtomicNum() == 1:
                found.append(neighbour.GetIdx())
    return found


def _bodies(
    own: list[list[int]], moving: list[list[int]], hinge: list[tuple[int, int] | None], parent: list[int]
) -> tuple[Body, ...]:
    bodies = []
    for number, atoms in enumerate(own):
        frame = list(atoms)
        axis = hinge[number]
        if axis is not None:
            frame.append(axis[0])
        frame += [
            second[1] for child, second in enumerate(hinge) if second is not None and parent[child] == number
        ]
        bodies.append(Body(np.array(frame, dtype=np.intp), np.array(moving[number], dtype=np.intp)))
    return tuple(bodies)


def _torsions(
    moving: list[list[int]], hinge: list[tuple[int, int] | None], parent: list[int]
) -> tuple[tuple[int, int, NDArray[np.intp]], ...]:
    below = list(moving)
    for number in range(len(below) - 1, 0, -1):
        below[parent[number]] = [*below[parent[number]], *below[number]]
    return tuple(
        (axis[0], axis[1], np.array(below[number], dtype=np.intp))
        for number, axis in enumerate(hinge)
        if axis
    )

"""The last step of a blind search: every atom of the ligand relaxes in the receptor's field.

A search turns bonds and holds everything else as a conformer has it, which costs the true pose one to three
kcal/mol of contact on co-crystals, and lets strained poses pass as good. Here Vina's field acts on the heavy
atoms, MMFF94 (Halgren, J Comput Chem 1996, 17, 490), weighted, on all atoms, and both are minimised together;
their sum ranks the poses (docs/why/docking.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.fields.arrays import NO_GRID, NO_PAIRS, NO_RECEPTOR, NO_TORSIONS, Floats, ScoreArrays
from kinscope.docking.fields.mmff import MmffArrays, mmff_arrays
from kinscope.ligands.chemistry import add_conformers, quiet

STRAIN_WEIGHT = 0.25
"""Of MMFF94's energy against Vina's. Vina's units are compressed: its best pose of a drug scores -20 before
the division by rotors, the force field's interaction is several times that."""
ITERATIONS = 150

NOTHING = ScoreArrays(NO_GRID, NO_RECEPTOR, NO_PAIRS, NO_TORSIONS)
"""A field that pulls on nothing."""


@dataclass(frozen=True)
class RelaxedPoses:
    """Poses after the relaxation, in the order given."""

    coordinates: Floats
    """Shape (n_poses, n_atoms, 3), angstrom."""
    strain_kcal_per_mol: Floats
    """MMFF94 energy above the lowest known, unweighted; shape (n_poses,)."""
    lowest_kcal_per_mol: float
    """MMFF94 energy that strain is counted from."""


class LigandRelaxation:
    """Relaxes poses of one ligand (all hydrogens); ``heavy``: its heavy atoms, in the field's order."""

    def __init__(self, ligand: Mol, heavy: NDArray[np.intp]) -> None:
        self._heavy = np.asarray(heavy, dtype=np.int64)
        self.mmff: MmffArrays | None = mmff_arrays(ligand)
        """None where MMFF94 has no parameters for the ligand."""

    @property
    def possible(self) -> bool:
        """Whether MMFF94 has parameters for the ligand."""
        return self.mmff is not None

    def _known(self) -> MmffArrays:
        if self.mmff is None:
            raise ValueError("MMFF94 has no parameters for this ligand")
        return self.mmff

    def energy(self, coordinates: Coordinates) -> float:
        """MMFF94 energy (n_atoms, 3) as it stands, kcal/mol."""
        from kinscope.docking.fields.mmff import mmff_energy

        points = np.ascontiguousarray(coordinates, dtype=np.float64)
        return float(mmff_energy(self._known(), points, np.empty_like(points)))

    def relax(
        self, poses: Floats, field: ScoreArrays, lowest: float = np.inf, iterations: int = ITERATIONS
    ) -> RelaxedPoses:
        """Relax poses (n_poses, n_atoms, 3) one by one (L-BFGS).

        ``lowest``: MMFF94 energy of the best conformer known; a pose's own may be lower.
        """
        from kinscope.docking.fields.mmff import relax_many

        moved = np.array(poses, dtype=np.float64, order="C")
        energies = np.zeros(len(moved))
        relax_many(self._known(), STRAIN_WEIGHT, field, self._heavy, moved, iterations, energies)
        floor = min(lowest, float(energies.min()))
        return RelaxedPoses(moved, energies - floor, floor)


def relaxed_shapes(mmff: MmffArrays, shapes: Floats, iterations: int) -> tuple[Floats, Floats]:
    """Conformers (n, n_atoms, 3) relaxed by MMFF94 alone, and their energies (n,)."""
    from kinscope.docking.fields.mmff import relax_many

    moved = np.array(shapes, dtype=np.float64, order="C")
    energies = np.zeros(len(moved))
    relax_many(mmff, 1.0, NOTHING, np.zeros(0, dtype=np.int64), moved, iterations, energies)
    return moved, energies


EMBEDDED = 24
MOST = 10
WINDOW_KCAL_PER_MOL = 6.0
"""Above the best shape. The lowest conformer of a shape still holds the strain of its bonds as embedded, so
that the window is wider than what a ring may cost."""
_ROUGH_STEPS, _STEPS = 20, 150
_BIN_DEGREES = 60.0


def rigid_shapes(ligand: Mol, rotatable: set[frozenset[int]], seed: int) -> Floats:
    """A conformer of each low shape, shape (n_conformers, n_atoms, 3), angstrom, lowest first.

    A search turns rotatable bonds; rings, amides and the two faces of a protonated amine stay as embedded.
    What stays is told apart by the dihedral angles about every other bond, and of each such shape the one of
    lowest MMFF94 energy is kept if it is not far above the best: a search that ignored them took imatinib's
    piperazine from a conformer 12 kcal/mol too high (docs/why/docking.md).

    ``ligand``: with hydrogens and one conformer, which is returned alone where nothing can be embedded.
    """
    from rdkit import Chem

    work = Chem.Mol(ligand)
    with quiet():
        embedded = add_conformers(work, EMBEDDED, seed % 2**31)
    if not embedded:
        return np.asarray(ligand.GetConformer().GetPositions(), dtype=np.float64)[None]
    shapes = np.array([work.GetConformer(number).GetPositions() for number in embedded], dtype=np.float64)
    mmff = mmff_arrays(ligand)
    quartets = _fixed_quartets(ligand, rotatable)
    if mmff is None:
        return shapes[list(_first_of_each(shapes, np.arange(len(shapes)), quartets))[:MOST]]
    rough, energies = relaxed_shapes(mmff, shapes, _ROUGH_STEPS)
    best = _first_of_each(rough, np.argsort(energies, kind="stable"), quartets)[:MOST]
    done, energies = relaxed_shapes(mmff, rough[best], _STEPS)
    order = np.argsort(energies, kind="stable")
    kept: Floats = done[order[energies[order] <= energies.min() + WINDOW_KCAL_PER_MOL]]
    return kept


def _first_of_each(shapes: Floats, order: NDArray[np.intp], quartets: NDArray[np.intp]) -> list[int]:
    """Rows of the first conformer of each shape, in an order."""
    best: dict[tuple[int, ...], int] = {}
    for row in order:
        best.setdefault(_shape(shapes[row], quartets), int(row))
    return list(best.values())


def _fixed_quartets(ligand: Mol, rotatable: set[frozenset[int]]) -> NDArray[np.intp]:
    """Chains of four heavy atoms about bonds that are not turned and may take several angles."""
    rows = []
    for bond in ligand.GetBonds():
        first, second = bond.GetBeginAtom(), bond.GetEndAtom()
        if frozenset((first.GetIdx(), second.GetIdx())) in rotatable or bond.GetIsAromatic():
            continue
        for before in _others(first, second):
            for after in _others(second, first):
                if before != after:
                    rows.append((before, first.GetIdx(), second.GetIdx(), after))
    return np.array(rows, dtype=np.intp).reshape(-1, 4)


def _others(atom: Any, but: Any) -> list[int]:
    return [n.GetIdx() for n in atom.GetNeighbors() if n.GetAtomicNum() > 1 and n.GetIdx() != but.GetIdx()]


def _shape(points: Coordinates, quartets: NDArray[np.intp]) -> tuple[int, ...]:
    """Dihedral angles in bins of sixty degrees centred on 0, 60, ... degrees."""
    from kinscope.structures.stereochemistry import dihedrals

    return tuple(round(float(dihedrals(*points[list(quartet)])) / _BIN_DEGREES) % 6 for quartet in quartets)

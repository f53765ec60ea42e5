"""AutoDock Vina behind the engine protocol, one thread, no files left behind.

Vina 1.2: Eberhardt et al., J Chem Inf Model 2021, 61, 3891; scoring: Trott & Olson, J Comput Chem 2010, 31,
455. Global search is Vina's own; local work uses its function over arrays
(:mod:`kinscope.docking.fields.vina`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError, LigandError
from kinscope.docking.engine import Box, Coordinates, Mol, ScoredPose
from kinscope.docking.fields.arrays import CUTOFF_ANGSTROM, Floats
from kinscope.docking.fields.minimiser import Mobility, Torsion, minimise
from kinscope.docking.fields.polar import PolarAtoms, ligand_atoms
from kinscope.docking.fields.torsions import TorsionFunction, torsion_series
from kinscope.docking.fields.vina import (
    RADIUS_ANGSTROM,
    WEIGHT_ROTOR,
    AtomKind,
    GridFunction,
    VinaFunction,
    atom_kind,
    compute_maps,
)
from kinscope.docking.search.staged import Search, SearchParts
from kinscope.docking.vina.ligand import LigandTree, prepare_ligand
from kinscope.docking.vina.receptor import PreparedReceptor, prepare_receptor
from kinscope.structures.model import AtomArray

GRID_SPACING_ANGSTROM = 0.375
_CONFIRM_SPACING_ANGSTROM = 1.5
"""Vina scores from atoms, but insists on maps; where only its score is wanted they may be coarse."""
_ENERGY_RANGE_KCAL_PER_MOL = 10.0


class VinaEngine:
    """AutoDock Vina with its own scoring function."""

    name = "AutoDock Vina"

    def __init__(self) -> None:
        from importlib.metadata import version

        self.version = version("vina")

    def bind(self, receptor: AtomArray, ligand: Mol, box: Box) -> VinaSystem:
        """Receptor and ligand prepared; maps are computed when a search asks for them."""
        return VinaSystem(prepare_receptor(receptor), prepare_ligand(ligand), ligand, box)


class VinaSystem:
    """One receptor and one ligand; see :class:`kinscope.docking.engine.BoundSystem`."""

    def __init__(self, receptor: PreparedReceptor, tree: LigandTree, ligand: Mol, box: Box) -> None:
        self.receptor_preparation = receptor.method
        self.tree = tree
        self._box = box
        self._start = np.asarray(ligand.GetConformer().GetPositions(), dtype=np.float64)
        self._receptor = receptor
        self._heavy = np.array([a.GetIdx() for a in ligand.GetAtoms() if a.GetAtomicNum() > 1], dtype=np.intp)
        kinds = _ligand_kinds(ligand, tree)
        self._ligand = ligand
        self._kinds = [kinds[int(index)] for index in self._heavy]
        self._pairs = _internal_pairs(ligand, tree, self._heavy)
        points, receptor_kinds = receptor_near(receptor, box)
        self.function = VinaFunction(points, receptor_kinds, self._kinds, self._pairs)
        self._mobility = _mobility(tree, self._heavy)
        self._divisor = 1.0 + WEIGHT_ROTOR * _rotors(ligand, tree)

    @property
    def torsions(self) -> tuple[tuple[int, int, NDArray[np.intp]], ...]:
        """Rotatable bonds over the ligand's atoms; see :class:`LigandTree`."""
        return self.tree.torsions

    def score(self, poses: Coordinates) -> list[ScoredPose]:
        """Score poses (n_poses, n_atoms, 3) as they stand."""
        heavy = poses[:, self._heavy]
        inter, _ = self.function.intermolecular(heavy)
        intra, _ = self.function.intramolecular(heavy)
        return [
            ScoredPose(pose, float(e) / self._divisor, float(e), float(i))
            for pose, e, i in zip(poses, inter, intra, strict=True)
        ]

    def minimise(self, poses: Coordinates) -> list[ScoredPose]:
        """The local minimum near each pose (n_poses, n_atoms, 3) over translation, rotation and torsions."""
        moved, _ = minimise(self.function.score, self._mobility, poses[:, self._heavy])
        return self.score(np.stack([self._whole(new, old) for new, old in zip(moved, poses, strict=True)]))

    def confirm(self, coordinates: Coordinates) -> ScoredPose:
        """The same pose scored by Vina's own program."""
        energies = self._vina(coordinates, seed=1, spacing=_CONFIRM_SPACING_ANGSTROM).score()
        return ScoredPose(coordinates, float(energies[0]), float(energies[1]), float(energies[5]))

    def search(
        self, *, seed: int, exhaustiveness: int, n_poses: int, torsion_weight: float, own: bool = False
    ) -> list[ScoredPose]:
        """A global search of the box, best first.

        By batched Monte Carlo on maps and a relaxation of every atom (:mod:`kinscope.docking.search.staged`),
        ranked by Vina's function and the ligand's strain; or by Vina's own program, ranked by Vina.
        """
        if own:
            return self._vina_search(seed=seed, exhaustiveness=exhaustiveness, n_poses=n_poses)
        return Search(
            SearchParts(
                self._ligand, self._heavy, self._mobility,
                _mobility(self.tree, np.arange(self._ligand.GetNumAtoms())),
                self._grid, self.function,
                self._torsion_function(torsion_weight), self._box, self._whole, self.polar,
            )
        ).run(seed=seed, exhaustiveness=exhaustiveness, n_poses=n_poses, score=self.score)  # fmt: skip

    def polar(self, poses: Floats) -> Floats:
        """Electrostatic energies of binding (n_poses,) of poses (n_poses, n_atoms, 3); they rank only."""
        if self._polar_atoms is None:
            return np.zeros(len(poses))
        return self._receptor.polar.energies(self._polar_atoms, poses)

    @cached_property
    def _polar_atoms(self) -> PolarAtoms | None:
        return ligand_atoms(self._ligand)

    def _torsion_function(self, weight: float) -> TorsionFunction:
        bonds = [(first, second) for first, second, _ in self.tree.torsions]
        return TorsionFunction(torsion_series(self._ligand, self._heavy, bonds), weight)

    @cached_property
    def _grid(self) -> GridFunction:
        points, kinds = receptor_near(self._receptor, self._box)
        return GridFunction(compute_maps(points, kinds, self._kinds, self._box), self._kinds, self._pairs)

    def _vina_search(self, *, seed: int, exhaustiveness: int, n_poses: int) -> list[ScoredPose]:
        vina = self._vina(self._start, seed=seed, spacing=GRID_SPACING_ANGSTROM)
        vina.dock(exhaustiveness=exhaustiveness, n_poses=n_poses)
        text = vina.poses(n_poses=n_poses, energy_range=_ENERGY_RANGE_KCAL_PER_MOL)
        found = [self.tree.whole(_read_coordinates(block), self._start) for block in _models(text)]
        if not found:
            raise ComputationError(
                "Vina found no pose inside the box.", where="docking", remedy="Give a larger box."
            )
        return sorted(self.minimise(np.stack(found)), key=lambda pose: pose.score_kcal_per_mol)

    def _whole(self, heavy: Coordinates, start: Coordinates) -> Coordinates:
        """All atoms of a pose whose heavy atoms moved: the hydrogens ride on the rigid bodies."""
        target = np.array(start)
        target[self._heavy] = heavy
        return self.tree.carry(target, start, set(map(int, self._heavy)))

    def _vina(self, coordinates: Coordinates, *, seed: int, spacing: float) -> Any:
        from vina import Vina

        vina = Vina(sf_name="vina", cpu=1, seed=seed, verbosity=0)
        try:
            with tempfile.TemporaryDirectory(prefix="kinscope-vina-") as folder:
                path = Path(folder) / "receptor.pdbqt"
                path.write_text(self._receptor.pdbqt)
                vina.set_receptor(str(path))
            # With the ligand known, only the maps of its atom types are computed.
            vina.set_ligand_from_string(self.tree.pdbqt(coordinates))
            center, size = list(self._box.center_angstrom), list(self._box.size_angstrom)
            vina.compute_vina_maps(center=center, box_size=size, spacing=spacing)
        except (RuntimeError, TypeError, ValueError) as error:
            raise LigandError(
                f"Vina cannot use this ligand or receptor: {error}.",
                where="docking",
                remedy="Check the elements of the ligand and that the receptor is a protein model.",
            ) from error
        return vina


def _ligand_kinds(ligand: Mol, tree: LigandTree) -> dict[int, AtomKind]:
    kinds = {}
    for place, index in tree.atom_of_line.items():
        atom = ligand.GetAtomWithIdx(index)
        if atom.GetAtomicNum() == 1:
            continue
        if atom.GetSymbol() not in RADIUS_ANGSTROM:
            raise LigandError(
                f"Vina has no parameters for {atom.GetSymbol()}.",
                where=ligand.GetProp("_Name") if ligand.HasProp("_Name") else "ligand",
                remedy=f"Elements it knows in a drug: H, {', '.join(RADIUS_ANGSTROM)}.",
            )
        autodock_type = tree.lines[place][77:].strip()
        kinds[index] = atom_kind(
            atom.GetSymbol(), autodock_type, [n.GetSymbol() for n in atom.GetNeighbors()]
        )
    return kinds


def receptor_near(receptor: PreparedReceptor, box: Box) -> tuple[NDArray[np.float64], list[AtomKind]]:
    """Every receptor atom that can feel a ligand whose heavy atoms lie inside the box, and its kind."""
    half = np.array(box.size_angstrom) / 2
    outside = np.abs(receptor.heavy_points - np.array(box.center_angstrom)) - half
    near = np.linalg.norm(np.maximum(outside, 0.0), axis=1) < CUTOFF_ANGSTROM
    return receptor.heavy_points[near], [
        k for k, keep in zip(receptor.heavy_kinds, near, strict=True) if keep
    ]


def _internal_pairs(ligand: Mol, tree: LigandTree, heavy: NDArray[np.intp]) -> NDArray[np.intp]:
    """Pairs of heavy atoms (as places in ``heavy``) beyond three bonds whose distance a torsion changes."""
    from rdkit import Chem

    bonds = Chem.GetDistanceMatrix(ligand)
    frames = [set(map(int, body.frame)) for body in tree.bodies]
    pairs = []
    for row, first in enumerate(heavy):
        for column in range(row + 1, len(heavy)):
            second = int(heavy[column])
            fixed = any(int(first) in frame and second in frame for frame in frames)
            if bonds[int(first), second] > 3 and not fixed:
                pairs.append((row, column))
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def _rotors(ligand: Mol, tree: LigandTree) -> float:
    """Vina's count of torsions: one that turns only a terminal group (a hydroxyl) counts half."""
    count = 0.0
    for ends in ((first, second) for first, second, _ in tree.torsions):
        for end in ends:
            atom = ligand.GetAtomWithIdx(end)
            count += 0.5 * (sum(n.GetAtomicNum() > 1 for n in atom.GetNeighbors()) > 1)
    return count


def _mobility(tree: LigandTree, heavy: NDArray[np.intp]) -> Mobility:
    place = {int(atom): row for row, atom in enumerate(heavy)}
    torsions = [
        Torsion(
            place[a], place[b], np.array([place[int(m)] for m in moving if int(m) in place], dtype=np.intp)
        )
        for a, b, moving in tree.torsions
        if a in place and b in place
    ]
    return Mobility(tuple(sorted(torsions, key=lambda torsion: len(torsion.moving))))


def _read_coordinates(lines: Iterable[str]) -> NDArray[np.float64]:
    rows = [
        (float(line[30:38]), float(line[38:46]), float(line[46:54]))
        for line in lines
        if line.startswith(("ATOM", "HETATM"))
    ]
    return np.array(rows, dtype=np.float64)


def _models(text: str) -> list[list[str]]:
    models: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("MODEL"):
            models.append([])
        elif models:
            models[-1].append(line)
    return models

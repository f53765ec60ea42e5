"""DOCKSTRING beside our own search in the benchmark (``pip install kinscope[dockstring]``).

DOCKSTRING (Garcia-Ortegon et al., J Chem Inf Model 2022, 62, 3486) prepares a ligand from SMILES with Open
Babel and runs its own AutoDock Vina. It gets the receptor, the box and the thread that the others get. Open
Babel is GPL and is a program that DOCKSTRING starts; nothing here imports it.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinscope.core.errors import BadInputError, ComputationError
from kinscope.docking.engine import Box, Coordinates, Mol
from kinscope.docking.rmsd import match_atoms

_NAME = "benchmark"


@dataclass(frozen=True)
class DockstringPoses:
    """What came back."""

    poses: tuple[Coordinates, ...]
    """Best first; places of hydrogens are not known and stay at the origin."""
    scores_kcal_per_mol: tuple[float, ...]
    cpu_seconds: float


def why_not() -> str:
    """What keeps DOCKSTRING from running here; empty if nothing does."""
    from importlib.util import find_spec

    if find_spec("dockstring") is None:
        return "the package dockstring is not installed"
    with _beside_python():
        return "" if shutil.which("obabel") else "Open Babel's program obabel is not on the PATH"


def dock(receptor_pdbqt: str, ligand: Mol, box: Box, seed: int) -> DockstringPoses:
    """Dock a ligand with DOCKSTRING's defaults (Vina at exhaustiveness 8), one thread.

    Raises
    ------
    BadInputError
        If it is not installed.
    ComputationError
        If it refuses the ligand or finds nothing.
    """
    from rdkit import Chem

    missing = why_not()
    if missing:
        raise BadInputError(
            f"DOCKSTRING cannot run: {missing}.",
            where="--engine dockstring",
            remedy="pip install 'kinscope[dockstring]', or leave the engine out.",
        )
    import dockstring

    smiles = Chem.MolToSmiles(Chem.RemoveHs(ligand))
    with tempfile.TemporaryDirectory(prefix="kinscope-dockstring-") as folder, _beside_python():
        Path(folder, f"{_NAME}_target.pdbqt").write_text(receptor_pdbqt)
        Path(folder, f"{_NAME}_conf.txt").write_text(_box_text(box))
        before = _cpu_seconds()
        try:
            _, found = dockstring.load_target(_NAME, targets_dir=folder).dock(smiles, num_cpus=1, seed=seed)
        except (dockstring.DockstringError, ValueError) as error:
            raise ComputationError(
                f"DOCKSTRING gave up: {error}.", where="docking", remedy="See what the other engines say."
            ) from error
        seconds = _cpu_seconds() - before
    if not found:
        raise ComputationError(
            "DOCKSTRING found no pose.", where="docking", remedy="See what the other engines say."
        )
    return DockstringPoses(_poses(ligand, found["ligand"]), tuple(map(float, found["affinities"])), seconds)


def _poses(ligand: Mol, docked: Mol) -> tuple[Coordinates, ...]:
    places = match_atoms(ligand, docked)
    if places is None:
        raise ComputationError(
            "DOCKSTRING returned another molecule.", where="docking", remedy="See what the other engines say."
        )
    heavy = [atom.GetIdx() for atom in ligand.GetAtoms() if atom.GetAtomicNum() > 1]
    poses = []
    for conformer in docked.GetConformers():
        points = np.zeros((ligand.GetNumAtoms(), 3))
        points[heavy] = np.asarray(conformer.GetPositions(), dtype=np.float64)[places]
        poses.append(points)
    return tuple(poses)


def _box_text(box: Box) -> str:
    lines = []
    for axis, center, size in zip("xyz", box.center_angstrom, box.size_angstrom, strict=True):
        lines += [f"center_{axis} = {center:.3f}", f"size_{axis} = {size:.3f}"]
    return "\n".join(lines) + "\n"


def _cpu_seconds() -> float:
    """Of this process and of the programs that it has run."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@contextmanager
def _beside_python() -> Iterator[None]:
    """Programs installed with this Python come first on the PATH, activated or not."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before

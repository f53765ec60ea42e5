"""How far each drug lies from some residues, in the native model and known pose that ship."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray

from kinscope.targets.pack import TargetPack


def distances(pack: TargetPack, positions: Iterable[int]) -> dict[str, float]:
    """Shortest distance of heavy atoms, angstrom, by drug, each in its own state.

    Infinite where the state's model holds none of the residues; a drug without a shipped pose is left out.
    """
    wanted, found = tuple(positions), {}
    for drug in pack.drugs:
        pose = pack.directory / "poses" / f"{drug.id}.sdf"
        model = pack.directory / "models" / drug.state / "model.cif.gz"
        if pose.is_file() and model.is_file():
            near = [_by_residue(model, pose).get(number, math.inf) for number in wanted]
            found[drug.id] = min(near, default=math.inf)
    return found


@lru_cache(maxsize=32)
def _by_residue(model: Path, pose: Path) -> dict[int, float]:
    lines = pose.read_text(encoding="utf-8").splitlines()
    atoms = [line.split() for line in lines[4 : 4 + int(lines[3][:3])]]
    drug = np.array([[float(cell) for cell in words[:3]] for words in atoms if words[3] != "H"])
    (chain, *_) = gemmi.read_structure(str(model))[0]
    return {
        residue.seqid.num or 0: _nearest(
            np.array([atom.pos.tolist() for atom in residue if not atom.is_hydrogen()]), drug
        )
        for residue in chain
    }


def _nearest(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(one[:, None] - other[None], axis=2).min())

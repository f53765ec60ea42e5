"""The files that GROMACS reads and writes: coordinates as G96, settings, groups, energies, frames.

G96 has nine decimals of positions and velocities, more than the single precision that GROMACS computes in, so
that what one run writes and the next reads are the same numbers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.gromacs.topology import RESTRAINT_MACRO, Nonbonded
from kinscope.dynamics.protocol import Conditions

_BOX_ORDER = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))
"""Of G96: the diagonal, then the rest of each vector."""
_NAME = "RES   A    "
_WIDTH = 15
NEIGHBOUR_LIST_STEPS = 20
_ALWAYS: dict[str, object] = {
    "integrator": "sd",
    "nstxout": 0,
    "nstvout": 0,
    "nstlog": 0,
    "cutoff-scheme": "Verlet",
    "nstlist": NEIGHBOUR_LIST_STEPS,
    "pbc": "xyz",
    "coulombtype": "PME",
    "coulomb-modifier": "None",
    "pme-order": 4,
    "vdwtype": "Cut-off",
    "vdw-modifier": "None",
    "tc-grps": "System",
    "gen-vel": "no",
    "continuation": "yes",
    "constraints": "none",  # those of the topology hold
    "constraint-algorithm": "lincs",
    "lincs-order": 6,
    "lincs-iter": 2,
}


def write_g96(
    path: Path, positions: FloatArray, box: FloatArray, velocities: FloatArray | None = None
) -> None:
    """Write positions (n, 3) nm, box (3, 3) nm and velocities (n, 3) nm/ps."""
    blocks = [("POSITION", positions)]
    if velocities is not None:
        blocks.append(("VELOCITY", velocities))
    with path.open("w") as handle:
        handle.write("TITLE\nkinscope\nEND\n")
        for name, points in blocks:
            handle.write(f"{name}\n")
            for number, (x, y, z) in enumerate(points.tolist(), 1):
                handle.write(f"    1 {_NAME}{number % 10_000_000:7d}{x:15.9f}{y:15.9f}{z:15.9f}\n")
            handle.write("END\n")
        handle.write("BOX\n" + "".join(f"{box[row][column]:15.9f}" for row, column in _BOX_ORDER) + "\nEND\n")


def read_g96(path: Path) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Positions (n, 3) nm, velocities (n, 3) nm/ps and box (3, 3) nm.

    Raises ValueError if a block is missing, cut, or holds what is no number.
    """
    blocks = dict(re.findall(r"^([A-Z]+)\s*\n(.*?)^END", path.read_text(), re.MULTILINE | re.DOTALL))
    missing = {"POSITION", "VELOCITY", "BOX"} - blocks.keys()
    if missing:
        raise ValueError(f"{path.name} has no block {', '.join(sorted(missing))}")
    box, numbers = np.zeros((3, 3)), blocks["BOX"].split()
    if len(numbers) not in (3, 9):
        raise ValueError(f"{path.name} has a box of {len(numbers)} numbers")
    for place, text in zip(_BOX_ORDER, numbers, strict=False):
        box[place] = float(text)
    return _points(blocks["POSITION"]), _points(blocks["VELOCITY"]), box


def _points(block: str) -> FloatArray:
    text = "".join(line[-3 * _WIDTH :] for line in block.splitlines())
    fields = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]
    return np.array(fields, dtype=np.float64).reshape(-1, 3)


def write_groups(path: Path, atoms: int, solute_atoms: int) -> None:
    """The groups ``System`` and ``Solute``; the second is written to trajectories."""
    lines = []
    for name, count in (("System", atoms), *((("Solute", solute_atoms),) if solute_atoms else ())):
        numbers = [str(number) for number in range(1, count + 1)]
        rows = [" ".join(numbers[first : first + 15]) for first in range(0, count, 15)]
        lines += [f"[ {name} ]", *rows]
    path.write_text("\n".join(lines) + "\n")


@dataclass(frozen=True)
class Stretch:
    """Steps under equal conditions, one run of GROMACS."""

    now: Conditions
    steps: int
    seed: int
    frame_interval: int
    """0: no frames."""
    row_interval: int


def run_settings(
    nonbonded: Nonbonded, stretch: Stretch, temperature_k: float, restraint_kj_per_mol_nm2: float
) -> str:
    """The settings of one run as an ``mdp`` file.

    Langevin dynamics by GROMACS's ``sd`` (Goga et al., J. Chem. Theory Comput. 2012, 8, 3637). PME splits as
    OpenMM's does at the same tolerance: its width, and a grid as fine, alpha = sqrt(-ln 2 tol)/r and a
    spacing of 3 tol^(1/5) / 2 alpha (OpenMM user guide, "Coulomb interaction with particle mesh Ewald").
    """
    now = stretch.now
    split = math.sqrt(-math.log(2 * nonbonded.ewald_tolerance))
    spacing = 3 * nonbonded.ewald_tolerance**0.2 / (2 * split / nonbonded.cutoff_nm)
    held = restraint_kj_per_mol_nm2 > 0
    cutoff = f"{nonbonded.cutoff_nm:.9g}"
    pairs: dict[str, object] = _ALWAYS | {
        "dt": f"{now.time_step_fs * 1e-3:.9g}",
        "nsteps": stretch.steps,
        "init-step": now.step_in_stage,
        "comm-mode": "None" if held else "Linear",
        "nstcomm": stretch.row_interval,
        "nstcalcenergy": stretch.row_interval,
        "nstenergy": stretch.row_interval,
        "rcoulomb": cutoff,
        "rvdw": cutoff,
        "ewald-rtol": f"{math.erfc(split):.6e}",
        "fourierspacing": f"{spacing:.6g}",
        "DispCorr": "EnerPres" if nonbonded.dispersion_correction else "no",
        "tau-t": f"{1 / now.friction_per_ps:.9g}",
        "ref-t": f"{temperature_k:.9g}",
        "ld-seed": stretch.seed,
    }
    if stretch.frame_interval:
        pairs |= {
            "nstxout-compressed": stretch.frame_interval,
            "compressed-x-precision": 100_000,
            "compressed-x-grps": "Solute",
        }
    if held:
        pairs["define"] = f"-D{RESTRAINT_MACRO}={restraint_kj_per_mol_nm2:.9g}"
    return "".join(f"{name} = {value}\n" for name, value in pairs.items())


def read_energies(text: str) -> list[tuple[float, float, float]]:
    """Rows of time (ps), potential (kJ/mol) and temperature (K) from what ``gmx energy -xvg none`` wrote."""
    rows = []
    for line in text.splitlines():
        numbers = line.split()
        if len(numbers) == 3 and not line.startswith(("#", "@")):
            rows.append((float(numbers[0]), float(numbers[1]), float(numbers[2])))
    return rows


def read_frames(path: Path) -> tuple[NDArray[np.int64], FloatArray]:
    """Steps (n,) and positions (n, atoms, 3) nm of an XTC file; none where there is no file."""
    from biotraj import XTCTrajectoryFile  # type: ignore[import-untyped]

    if not path.is_file() or path.stat().st_size == 0:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 0, 3))
    with XTCTrajectoryFile(str(path), "r") as handle:
        positions, _, steps, _ = handle.read()
    return np.asarray(steps, dtype=np.int64), np.asarray(positions, dtype=np.float64)

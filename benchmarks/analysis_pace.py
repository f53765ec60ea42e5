"""Trajectory analysis of kinscope beside MDAnalysis and MDTraj: frames per second of CPU time.

    pip install mdanalysis mdtraj     # one that is missing is left out
    python benchmarks/analysis_pace.py [FRAMES]

All read one XTC file made here: a shipped model that tumbles and jitters atom by atom. Each analysis is timed
with the reading that it needs, the better of two runs, on one core; the last row is all four, ours in one
pass. That memory does not grow with the trajectory is a test (``tests/trajectories/test_passes.py``).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from biotite.structure.io import save_structure
from biotraj import XTCTrajectoryFile
from scipy.spatial.transform import Rotation

from kinscope.dynamics.files.reading import inspect_trajectory, read_blocks
from kinscope.structures.io import read_model
from kinscope.structures.model import AtomArray
from kinscope.targets import load_target
from kinscope.trajectories.frames import Chunk, Fit, stream
from kinscope.trajectories.layout import Backbone
from kinscope.trajectories.measures.motion import Deviation, Fluctuation, Gyration
from kinscope.trajectories.measures.secondary_structure import SecondaryStructure

ALL = ("RMSD", "RMSF", "radius of gyration", "DSSP")
MASSES = {"H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999, "S": 32.06}


def write_frames(path: Path, atoms: AtomArray, frames: int) -> None:
    """The trajectory, fifty frames at a time."""
    random = np.random.default_rng(0)
    centred, turn = atoms.coord - atoms.coord.mean(axis=0), random.normal(0.0, 0.02, 3)
    with XTCTrajectoryFile(str(path), "w") as handle:
        for first in range(0, frames, 50):
            at = np.arange(first, min(first + 50, frames))
            moved = centred + random.normal(0.0, 0.15, (len(at), *centred.shape))
            moved = moved @ Rotation.from_rotvec(at[:, None] * turn).as_matrix() + 60.0
            box = np.broadcast_to(12 * np.eye(3, dtype=np.float32), (len(at), 3, 3)).copy()
            handle.write(np.float32(moved / 10), time=np.float32(at), step=np.int32(at), box=box)


def ours(path: Path, atoms: AtomArray, names: Sequence[str]) -> None:
    """The analyses named in one pass over the file."""
    start = np.asarray(atoms.coord, dtype=np.float64)
    n, alphas, c, o = (np.flatnonzero(atoms.atom_name == name) for name in ("N", "CA", "C", "O"))
    weights = np.array([MASSES.get(symbol, 12.0) for symbol in atoms.element])
    backbone = Backbone(atoms.res_id[alphas], n, alphas, c, o, atoms.res_name[alphas] == "PRO")
    made = (Deviation(start[alphas]), Fluctuation(), Gyration(np.arange(len(atoms)), weights),
            SecondaryStructure(backbone))  # fmt: skip
    chosen: list[Any] = [made[ALL.index(name)] for name in names]
    fit = Fit(alphas, np.arange(len(alphas)), start[alphas], "all CA atoms, on the first frame")
    blocks = read_blocks(inspect_trajectory(path))
    stream((Chunk(block.coordinates, block.times_ps, block.first, fit) for block in blocks), chosen)
    for accumulator in chosen:
        accumulator.result()


def mdanalysis(pdb: str, xtc: str) -> tuple[Callable[[], object], ...]:
    """The same by MDAnalysis, each with its own reading."""
    import MDAnalysis
    from MDAnalysis.analysis import align, rms
    from MDAnalysis.analysis.dssp import DSSP

    def load() -> Any:
        return MDAnalysis.Universe(pdb, xtc)

    def rmsf() -> object:
        moving = load()
        align.AlignTraj(moving, load(), select="name CA", in_memory=True).run()
        return rms.RMSF(moving.select_atoms("name CA")).run()

    return (
        lambda: rms.RMSD(load(), load(), select="name CA").run(),
        rmsf,
        lambda: [system.atoms.radius_of_gyration() for system in [load()] for _ in system.trajectory],
        lambda: DSSP(load()).run(),
    )


def mdtraj(pdb: str, xtc: str) -> tuple[Callable[[], object], ...]:
    """The same by MDTraj on one core."""
    import mdtraj as md

    topology = md.load_topology(pdb)
    alphas = topology.select("name CA")

    def load(atoms: Any = None) -> Any:
        return md.load(xtc, top=topology, atom_indices=atoms)

    return (
        lambda: md.rmsd(frames := load(), frames, 0, alphas, parallel=False),
        lambda: md.rmsf(frames := load(alphas), frames, 0, parallel=False),
        lambda: md.compute_rg(load()),
        lambda: md.compute_dssp(load()),
    )


def cpu_seconds() -> float:
    """Of this process and of the decoders that it started, which are its only children."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    fields = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split() for child in children]
    ticks = sum(int(row[11]) + int(row[12]) for row in fields)
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def seconds(call: Callable[[], object]) -> Any:
    """CPU seconds of the better of two calls."""
    marks = [cpu_seconds()]
    for _ in range(2):
        call()
        marks.append(cpu_seconds())
    return min(np.diff(marks))


def main() -> None:
    """Print the table."""
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    atoms = read_model(load_target("abl1").directory / "models" / "closed-dfg-in" / "model.cif.gz")
    whole = sorted(set(atoms.res_id[atoms.atom_name == "O"]) & set(atoms.res_id[atoms.atom_name == "CA"]))
    atoms = atoms[np.isin(atoms.res_id, whole[-274:])]
    alphas = np.flatnonzero(atoms.atom_name == "CA")
    with tempfile.TemporaryDirectory() as name:
        pdb, xtc = Path(name) / "model.pdb", Path(name) / "frames.xtc"
        save_structure(pdb, atoms)
        write_frames(xtc, atoms, frames)
        times = {"kinscope": {one: seconds(lambda one=one: ours(xtc, atoms, [one])) for one in ALL}}
        for program in (mdanalysis, mdtraj):
            try:
                calls = program(str(pdb), str(xtc))
            except ImportError:
                continue
            times[program.__name__] = {one: seconds(call) for one, call in zip(ALL, calls, strict=True)}
        for rows in times.values():
            rows["all four"] = sum(rows.values())
        times["kinscope"]["all four"] = seconds(lambda: ours(xtc, atoms, ALL))
        print(f"{frames} frames of {len(alphas)} residues, {len(atoms)} atoms; frames per CPU second")
        print(f"{'':20}" + "".join(f"{program:>12}" for program in times))
        for one in (*ALL, "all four"):
            print(f"{one:20}" + "".join(f"{frames / rows[one]:12.0f}" for rows in times.values()))


if __name__ == "__main__":
    main()

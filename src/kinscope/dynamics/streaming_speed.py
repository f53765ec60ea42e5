"""How fast the streaming analysis is beside MDAnalysis and MDTraj, and that its memory stands still.

All three read the same XTC file of a synthetic trajectory, which is made here: a shipped model of the kinase
that tumbles, breathes along smooth random fields and jitters atom by atom. CPU time is measured, not the
clock, each analysis with the reading that it needs, the better of two runs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.analysis.frames import Accumulator, Chunk, Fit, stream
from kinscope.analysis.secondary_structure import Backbone, SecondaryStructure
from kinscope.analysis.streams import Deviation, Distances, Fluctuation, Gyration
from kinscope.analysis.superposition import FloatArray
from kinscope.core.errors import BadInputError
from kinscope.core.records import Record
from kinscope.dynamics.streaming_files import inspect_trajectory, read_blocks
from kinscope.structures.model import AtomArray

ANALYSES = ("RMSD", "RMSF", "radius of gyration", "DSSP", "distances")
WHOLE_SET = "all five in one pass"
_PAIRS = 100
_MODEL = "closed-dfg-in"
_MODES = 12
_JITTER_ANGSTROM = 0.08
_BREATHING_ANGSTROM = 0.6


class SpeedRow(Record):
    """One analysis by each program, frames per second of CPU time; None where the program is not there."""

    analysis: str
    ours_frames_per_second: float
    mdanalysis_frames_per_second: float | None
    mdtraj_frames_per_second: float | None

    @property
    def ratio(self) -> float | None:
        """Ours over the faster of the others; None if there is none."""
        others = [
            value
            for value in (self.mdanalysis_frames_per_second, self.mdtraj_frames_per_second)
            if value is not None
        ]
        return self.ours_frames_per_second / max(others) if others else None


class MemoryRow(Record):
    """Greatest memory of the whole set in one pass over a trajectory of some length."""

    frames: int
    peak_megabytes: float


class AnalysisSpeed(Record):
    """What :func:`analysis_speed` measured."""

    frames: int
    residues: int
    atoms: int
    rows: tuple[SpeedRow, ...]
    """One per analysis, then the whole set: ours in one pass, theirs one analysis after the other."""
    memory: tuple[MemoryRow, ...]
    versions: dict[str, str]
    """Of the programs compared; ``not installed`` where one is missing."""

    def in_words(self) -> str:
        """A table for the command line."""
        lines = [
            f"{self.frames} frames of {self.residues} residues, {self.atoms} atoms, XTC; frames per second "
            "of CPU time, reading included",
            f"{'':<24}{'kinscope':>10}{'MDAnalysis':>12}{'MDTraj':>10}{'ratio':>8}",
        ]
        for row in self.rows:
            others = (row.mdanalysis_frames_per_second, row.mdtraj_frames_per_second)
            shown = ["not there" if value is None else f"{value:.0f}" for value in others]
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            lines.append(
                f"{row.analysis:<24}{row.ours_frames_per_second:>10.0f}{shown[0]:>12}{shown[1]:>10}{ratio:>8}"
            )
        lines.append(
            "ratio: kinscope over the faster of the others. "
            + ", ".join(f"{name} {version}" for name, version in self.versions.items())
        )
        lines += [
            f"greatest memory of one pass over {row.frames} frames: {row.peak_megabytes:.1f} MB"
            for row in self.memory
        ]
        return "\n".join(lines)


def analysis_speed(frames: int = 500, residues: int = 274, seed: int = 0) -> AnalysisSpeed:
    """Time the streaming analyses beside MDAnalysis and MDTraj on a trajectory made here.

    Parameters
    ----------
    frames
        Length of the trajectory; memory is measured at this and at four times this length.
    residues
        Size of the protein, taken from a shipped model (447 residues at most).
    seed
        Of the motion.

    Raises
    ------
    BadInputError
        If fewer than 10 frames or 50 residues are asked for, or more residues than the model has.
    """
    model = _model(residues)
    if frames < 10:
        raise BadInputError("Too few frames to time.", where=f"frames = {frames}", remedy="Give 10 or more.")
    with tempfile.TemporaryDirectory(prefix="kinscope-speed-") as folder:
        files = _Files(Path(folder) / "synthetic.xtc", Path(folder) / "synthetic.pdb", frames, model)
        _write(files, frames, seed)
        programs: dict[str, dict[str, Callable[[], object]]] = {
            "MDAnalysis": _mdanalysis(files),
            "MDTraj": _mdtraj(files),
        }
        ours = {name: _seconds(lambda name=name: _pass(files, (name,))) for name in ANALYSES}  # type: ignore[misc]
        ours[WHOLE_SET] = _seconds(lambda: _pass(files, ANALYSES))
        others: dict[str, dict[str, float]] = {}
        for program, calls in programs.items():
            seconds = {name: _seconds(call) for name, call in calls.items()}
            others[program] = {**seconds, **({WHOLE_SET: sum(seconds.values())} if seconds else {})}
        longer = _Files(files.trajectory.with_name("longer.xtc"), files.topology, 4 * frames, model)
        _write(longer, 4 * frames, seed)
        memory = tuple(MemoryRow(frames=f.frames, peak_megabytes=_peak(f)) for f in (files, longer))
    return AnalysisSpeed(
        frames=frames,
        residues=len(np.unique(model.res_id)),
        atoms=len(model),
        rows=tuple(
            SpeedRow(
                analysis=name,
                ours_frames_per_second=frames / ours[name],
                mdanalysis_frames_per_second=_rate(frames, others["MDAnalysis"].get(name)),
                mdtraj_frames_per_second=_rate(frames, others["MDTraj"].get(name)),
            )
            for name in (*ANALYSES, WHOLE_SET)
        ),
        memory=memory,
        versions={name: _version(name.lower()) for name in programs},
    )


@dataclass(frozen=True)
class _Files:
    trajectory: Path
    topology: Path
    frames: int
    model: AtomArray

    def places(self, name: str) -> Any:
        """Where the atoms of a name stand."""
        return np.flatnonzero(self.model.atom_name == name)

    def pairs(self) -> Any:
        """Pairs of CA atoms whose distances are measured."""
        alphas = self.places("CA")
        first = np.arange(_PAIRS) % (len(alphas) - 30)
        return np.stack([alphas[first], alphas[first + 30]], axis=1)


def _model(residues: int) -> AtomArray:
    """The first residues of a shipped model that have a whole backbone."""
    from kinscope.structures.io import read_model
    from kinscope.targets import load_target

    atoms = read_model(load_target("abl1").directory / "models" / _MODEL / "model.cif.gz")
    whole = [
        number
        for number in np.unique(atoms.res_id)
        if {"N", "CA", "C", "O"} <= set(atoms.atom_name[atoms.res_id == number].tolist())
    ]
    if not 50 <= residues <= len(whole):
        raise BadInputError(
            f"The synthetic trajectory cannot have {residues} residues.",
            where="residues",
            remedy=f"Give 50 to {len(whole)}.",
        )
    return atoms[np.isin(atoms.res_id, whole[-residues:])]


def _write(files: _Files, frames: int, seed: int) -> None:
    """The trajectory and, once, its topology."""
    from biotite.structure.io.pdb import PDBFile
    from biotraj import XTCTrajectoryFile  # type: ignore[import-untyped]

    if not files.topology.exists():
        pdb = PDBFile()
        pdb.set_structure(files.model)
        pdb.write(str(files.topology))
    box = np.eye(3, dtype=np.float32) * 12.0
    with XTCTrajectoryFile(str(files.trajectory), "w") as handle:
        for first, block in _motion(np.asarray(files.model.coord, dtype=np.float64), frames, seed):
            steps = np.arange(first, first + len(block))
            handle.write(
                np.asarray(block / 10.0, dtype=np.float32),
                time=steps.astype(np.float32),
                step=steps.astype(np.int32),
                box=np.broadcast_to(box, (len(block), 3, 3)).copy(),
            )


def _motion(start: FloatArray, frames: int, seed: int) -> Iterator[tuple[int, FloatArray]]:
    """Frames of a molecule that breathes, jitters and tumbles, fifty at a time."""
    from scipy.spatial.transform import Rotation

    random = np.random.default_rng(seed)
    centred = start - start.mean(axis=0)
    # Smooth fields: waves through space of some 20 angstrom, each with a direction.
    waves = random.normal(0.0, 1.0 / 20.0, (_MODES, 3)) * 2.0
    fields = np.sin(centred @ waves.T + random.uniform(0, 2 * np.pi, _MODES))[:, :, None]
    fields = fields * random.normal(size=(1, _MODES, 3)) / np.sqrt(3 * _MODES / 2)
    periods = random.uniform(20, 200, _MODES)
    phases = random.uniform(0, 2 * np.pi, _MODES)
    turn = random.normal(0.0, 0.02, 3)
    for first in range(0, frames, 50):
        at = np.arange(first, min(first + 50, frames))
        size = _BREATHING_ANGSTROM * np.sin(at[:, None] / periods * 2 * np.pi + phases)
        moved = centred + np.einsum("fm,ami->fai", size, fields)
        moved += random.normal(0.0, _JITTER_ANGSTROM, moved.shape)
        rotation = Rotation.from_rotvec(at[:, None] * turn).as_matrix()
        yield first, moved @ rotation + 60.0


def _pass(files: _Files, names: Sequence[str]) -> int:
    """Our analyses in one pass over the file."""
    start = np.asarray(files.model.coord, dtype=np.float64)
    alphas = files.places("CA")
    fit = Fit(alphas, np.arange(len(alphas)), start[alphas], "all CA atoms, on the first frame")
    chosen = [_accumulator(files, name, start[alphas]) for name in names]
    found = inspect_trajectory(files.trajectory)
    chunks = (Chunk(b.coordinates, b.times_ps, b.first, fit) for b in read_blocks(found))
    seen = stream(chunks, chosen)
    for accumulator in chosen:
        accumulator.result()
    return seen


def _accumulator(files: _Files, name: str, start: FloatArray) -> Accumulator[Any]:
    if name == "RMSD":
        return Deviation(start)
    if name == "RMSF":
        return Fluctuation()
    if name == "radius of gyration":
        masses = {"H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999, "S": 32.06}
        weights = np.array([masses.get(symbol, 12.0) for symbol in files.model.element])
        return Gyration(np.arange(len(files.model)), weights)
    if name == "DSSP":
        n, ca, c, o = (files.places(atom) for atom in ("N", "CA", "C", "O"))
        prolines = np.asarray(files.model.res_name[ca] == "PRO")
        return SecondaryStructure(Backbone(np.asarray(files.model.res_id[ca]), n, ca, c, o, prolines))
    return Distances(files.pairs())


def _mdanalysis(files: _Files) -> dict[str, Callable[[], object]]:
    """The same by MDAnalysis, each with its own reading of the file."""
    import MDAnalysis
    from MDAnalysis.analysis import align, rms
    from MDAnalysis.analysis.dssp import DSSP
    from MDAnalysis.lib.distances import calc_bonds

    def universe() -> Any:
        return MDAnalysis.Universe(str(files.topology), str(files.trajectory))

    def rmsf() -> object:
        moving, reference = universe(), universe()
        align.AlignTraj(moving, reference, select="name CA", in_memory=True).run()
        return rms.RMSF(moving.select_atoms("name CA")).run()

    def gyration() -> object:
        system = universe()
        return [system.atoms.radius_of_gyration() for _ in system.trajectory]

    def distances() -> object:
        system, pairs = universe(), files.pairs()
        return [
            calc_bonds(step.positions[pairs[:, 0]], step.positions[pairs[:, 1]]) for step in system.trajectory
        ]

    return {
        "RMSD": lambda: rms.RMSD(universe(), universe(), select="name CA").run(),
        "RMSF": rmsf,
        "radius of gyration": gyration,
        "DSSP": lambda: DSSP(universe()).run(),
        "distances": distances,
    }


def _mdtraj(files: _Files) -> dict[str, Callable[[], object]]:
    """The same by MDTraj on one core, each with its own reading of the file; empty if it is not installed."""
    try:
        import mdtraj  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return {}
    topology = mdtraj.load_topology(str(files.topology))
    alphas = files.places("CA")

    def load() -> Any:
        return mdtraj.load(str(files.trajectory), top=topology)

    def rmsd() -> object:
        frames = load()
        return mdtraj.rmsd(frames, frames, 0, alphas, parallel=False)

    def rmsf() -> object:
        frames = load().atom_slice(alphas)
        return mdtraj.rmsf(frames, frames, 0, parallel=False)

    return {
        "RMSD": rmsd,
        "RMSF": rmsf,
        "radius of gyration": lambda: mdtraj.compute_rg(load()),
        "DSSP": lambda: mdtraj.compute_dssp(load()),
        "distances": lambda: mdtraj.compute_distances(load(), files.pairs(), periodic=False),
    }


def _seconds(call: Callable[[], object]) -> float:
    """CPU seconds of the better of two calls."""
    times = []
    for _ in range(2):
        before = time.process_time()
        call()
        times.append(time.process_time() - before)
    return max(min(times), 1e-6)


def _rate(frames: int, seconds: float | None) -> float | None:
    return None if seconds is None else frames / seconds


def _peak(files: _Files) -> float:
    """Greatest memory that Python and numpy held at once during the whole set, megabytes."""
    import tracemalloc

    tracemalloc.start()
    try:
        _pass(files, ANALYSES)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

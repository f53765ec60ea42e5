"""Are native and mutant replicas independent? Correlation of their steps, by replica number.

    python benchmarks/shared_noise.py RUN [--first-ps PS]

For each simulated system of a run directory: the steps of the CA atoms from frame to frame, laid on the
native's first frame, correlated between a native and a mutant replica, of the same number (which once drew
the same noise) and of different numbers (which never did). The comparison takes all of them for independent,
so both must be near zero.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from kinscope.analysis.quaternion import fit_frames
from kinscope.analysis.superposition import FloatArray
from kinscope.dynamics.records import REPLICA_RECORD_FILE, ReplicaRecord
from kinscope.dynamics.trajectory import read_protein_frames

System = tuple[str, str]
"""State, and what is bound."""


def longest(run: Path) -> dict[System, dict[tuple[str, int], Path]]:
    """The longest finished replica of each side and number, by system."""
    found: dict[System, dict[tuple[str, int], Path]] = {}
    lengths: dict[tuple[System, str, int], float] = {}
    for path in sorted(run.rglob(REPLICA_RECORD_FILE)):
        noted = path.parent / "artefact.json"
        record = ReplicaRecord.model_validate_json(path.read_text())
        if record.status != "finished" or not noted.exists():
            continue
        about = json.loads(noted.read_text())["parameters"]
        system, side = (about["state"], about.get("ligand", "")), about["variant"]
        if record.length_ns > lengths.get((system, side, record.replica), 0.0):
            lengths[system, side, record.replica] = record.length_ns
            found.setdefault(system, {})[side, record.replica] = path.parent
    return found


def steps(directory: Path, reference: FloatArray | None, first_ps: float) -> tuple[FloatArray, FloatArray]:
    """Steps (n_frames - 1, n_ca, 3) of the CA atoms, angstrom, and what they were laid on."""
    atoms, frames, times = read_protein_frames(directory)
    alphas = frames[times <= first_ps][:, atoms.atom_name == "CA"].astype(np.float64)
    laid_on = alphas[0] if reference is None else reference
    rotation, translation, _ = fit_frames(alphas, laid_on)
    return np.diff(alphas @ rotation + translation[:, None, :], axis=0), laid_on


def correlation(one: FloatArray, other: FloatArray) -> float:
    """Of all components of the steps that both have."""
    frames = min(len(one), len(other))
    first, second = one[:frames], other[:frames]
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum()))


def main() -> None:
    """Correlate and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--first-ps", type=float, default=np.inf)
    options = parser.parse_args()
    for (state, ligand), sides in longest(options.run).items():
        reference = None
        moved: dict[tuple[str, int], FloatArray] = {}
        for key in sorted(sides, key=lambda key: (key[0] != "native", key)):
            moved[key], reference = steps(sides[key], reference, options.first_ps)
        pairs = [(a, b) for a in moved for b in moved if a[0] == "native" != b[0]]
        alike = [correlation(moved[a], moved[b]) for a, b in pairs if a[1] == b[1]]
        apart = [correlation(moved[a], moved[b]) for a, b in pairs if a[1] != b[1]]
        print(
            f"{state}{f' with {ligand}' if ligand else ''}: same number "
            f"{', '.join(f'{value:+.2f}' for value in alike)}; different numbers "
            f"{np.mean(apart):+.2f} (largest {max(apart, key=abs):+.2f} of {len(apart)})"
        )


if __name__ == "__main__":
    main()

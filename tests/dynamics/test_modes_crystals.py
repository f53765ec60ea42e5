"""Normal modes of the shipped models beside crystal B factors, and native beside native.

`KINSCOPE_PDB_MIRROR=DIR pytest -m slow -s tests/dynamics/test_modes_crystals.py` prints the numbers of
docs/decisions/0060.
"""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import numpy as np
import pytest

from kinscope.analysis.fluctuation import b_factor_rmsf, profile_array
from kinscope.analysis.regions import residue_differences
from kinscope.dynamics.modes.profile import NormalModeSettings, normal_mode_profile

MIRROR = os.environ.get("KINSCOPE_PDB_MIRROR")
# State, entry (chain A), what the entry's author numbers are above isoform 1a.
CRYSTALS = [("kinase-dfg-in", "2gqg", 0), ("kinase-dfg-out", "1opj", 19), ("closed-dfg-out", "2fo0", 19)]

pytestmark = pytest.mark.slow


def _model(state):
    from kinscope.structures.reference.build import reference_model
    from kinscope.targets import load_target

    found = reference_model(load_target("abl1"), state)
    return found[0] if isinstance(found, tuple) else found


def _crystal(entry, offset):
    """Residue numbers and RMSF from B factors of the CA atoms of chain A, two at each end left out."""
    folder = Path(MIRROR)
    path = next(
        path for path in (folder / f"{entry}.pdb.gz", folder / "pdb" / f"{entry}.pdb.gz") if path.exists()
    )
    rows = [
        (int(line[22:26]) - offset, float(line[60:66]))
        for line in gzip.decompress(path.read_bytes()).decode().splitlines()
        if line.startswith(("ATOM", "HETATM"))
        and line[21] == "A"
        and line[12:16] == " CA "
        and line[16] in " A"
    ]
    numbers, b_factors = zip(*rows[2:-2], strict=True)
    return numbers, b_factor_rmsf(np.array(b_factors))


@pytest.mark.skipif(MIRROR is None, reason="KINSCOPE_PDB_MIRROR is not set")
@pytest.mark.parametrize(("state", "entry", "offset"), CRYSTALS)
@pytest.mark.parametrize("energy", ["force field", "contact network"])
def test_modes_follow_the_b_factors(state, entry, offset, energy):
    started = time.process_time()
    settings = NormalModeSettings(energy=energy, replicas=1)
    profile = normal_mode_profile(_model(state), state, "native", settings, 1)
    seconds = time.process_time() - started
    modes = profile_array(profile).mean(axis=0)
    ours, crystal = (
        dict(zip(profile.residues, modes, strict=True)),
        dict(zip(*_crystal(entry, offset), strict=True)),
    )
    shared = sorted(set(ours) & set(crystal))
    correlation = np.corrcoef([ours[n] for n in shared], [crystal[n] for n in shared])[0, 1]
    print(
        f"\n{energy:16} {state:15} r={correlation:.2f} over {len(shared)} residues, "
        f"mean {modes.mean():.2f} A, {seconds:.0f} s"
    )
    assert correlation > 0.5


def test_native_beside_native_shows_nothing():
    model, settings = _model("kinase-dfg-in"), NormalModeSettings()
    first = normal_mode_profile(model, "kinase-dfg-in", "native", settings, 1)
    second = normal_mode_profile(model, "kinase-dfg-in", "again", settings, 2)
    rows = residue_differences(first, second)
    raw = np.mean([item.p_value < 0.05 for _, item in rows])
    scatter = profile_array(first).std(axis=0, ddof=1).mean()
    largest = max(abs(item.value) for _, item in rows)
    print(f"\nscatter {scatter:.4f} A, largest difference {largest:.3f} A, raw false alarms {raw:.3f}")
    assert not any(item.resolved for _, item in rows)
    assert raw < 0.15

"""Building the water boxes that ship with a target pack."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from kinscope.core.errors import RunDirectoryError
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.box import model_sha256
from kinscope.dynamics.files.system import load_record
from kinscope.dynamics.machine.devices import choose_platform
from kinscope.dynamics.records import SolvatedSystem
from kinscope.dynamics.settings import SolvationSettings
from kinscope.dynamics.systems.equilibration import equilibrate_solvent
from kinscope.dynamics.systems.shipped import write_box
from kinscope.dynamics.systems.solvent import fill_native
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import TargetPack

_BLOCK_STEPS = 250
"""One picosecond: what a kill can cost."""
_STEP_PS = 0.004
_LENGTH_PS = 20.0
_SEED = 2025


def build_solvent(pack: TargetPack, state: str, out_dir: Path) -> SolvatedSystem:
    """Equilibrate a box around the reference model of a state and write it in shipping form.

    A box is written after every picosecond at constant pressure, so that one cut short is still usable and
    says how long it ran; a second call goes on where the first stopped.

    ``out_dir``: gets ``<state>/box.npz`` and ``<state>/box.json``; a pack keeps them in ``solvent/``.
    """
    from kinscope.structures.reference.build import reference_model

    model = reference_model(pack, state)[0]
    work = out_dir / "work" / state
    settings = SolvationSettings()  # what replicas ask for
    system = _under_way(work, model, settings) or fill_native(
        model, settings, derive_seed(_SEED, "solvent", state), work
    )
    choice = choose_platform()
    while (so_far := system.equilibration.length_ps if system.equilibration else 0.0) < _LENGTH_PS - 1e-6:
        steps = min(_BLOCK_STEPS, round((_LENGTH_PS - so_far) / _STEP_PS))
        system = equilibrate_solvent(work, steps, derive_seed(_SEED, "density", state), platform=choice)
        write_box(out_dir / state, state, work, system, model)
    shutil.rmtree(work, ignore_errors=True)
    with suppress(OSError):  # another state may still be under way in it
        work.parent.rmdir()
    return system


def _under_way(work: Path, model: AtomArray, settings: SolvationSettings) -> SolvatedSystem | None:
    """The system an earlier call left, if it is of this model and these settings."""
    try:
        record = load_record(work)
    except RunDirectoryError:
        return None
    return record if record.model_sha256 == model_sha256(model) and record.settings == settings else None

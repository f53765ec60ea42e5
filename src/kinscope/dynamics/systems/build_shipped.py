"""Building the water boxes that ship with a target pack."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
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
DEFAULT_SEED = 2025


def build_solvent(
    pack: TargetPack,
    states: Sequence[str],
    out_dir: Path,
    *,
    length_ps: float = 20.0,
    settings: SolvationSettings | None = None,
    seed: int = DEFAULT_SEED,
    work_dir: Path | None = None,
    progress: Callable[[str, float, str], None] | None = None,
) -> dict[str, SolvatedSystem]:
    """Equilibrate a box around the reference model of each state and write it in shipping form.

    A box is written after every picosecond, so that one cut short is still usable and says how long it
    ran; a second call goes on where the first stopped.

    ``out_dir``: gets ``<state>/box.npz`` and ``<state>/box.json``; a pack keeps them in ``solvent/``.
    ``length_ps``: at constant pressure, per state. ``work_dir``: keeps the full systems; by default ``out_dir
    / "work"``, removed when a state is done. ``settings``: the defaults are what replicas ask for.

    Returns
    -------
    dict
        The system of each state.
    """
    from kinscope.structures.reference.build import reference_model

    chosen = settings or SolvationSettings()
    done = {}
    for state in states:
        model = reference_model(pack, state)[0]
        work = (work_dir or out_dir / "work") / state
        system = _under_way(work, model, chosen) or fill_native(
            model, chosen, derive_seed(seed, "solvent", state), work
        )
        done[state] = _equilibrate(work, out_dir / state, state, model, system, length_ps, seed, progress)
        if work_dir is None:
            shutil.rmtree(work, ignore_errors=True)
            with suppress(OSError):  # another state may still be under way in it
                work.parent.rmdir()
    return done


def _equilibrate(
    work: Path,
    out: Path,
    state: str,
    model: AtomArray,
    system: SolvatedSystem,
    length_ps: float,
    seed: int,
    progress: Callable[[str, float, str], None] | None,
) -> SolvatedSystem:
    choice = choose_platform()
    while (so_far := system.equilibration.length_ps if system.equilibration else 0.0) < length_ps - 1e-6:
        steps = min(_BLOCK_STEPS, round((length_ps - so_far) / _STEP_PS))
        system = equilibrate_solvent(work, steps, derive_seed(seed, "density", state), platform=choice)
        write_box(out, state, work, system, model)
        if progress is not None:
            now = so_far + steps * _STEP_PS
            progress(
                state, now / length_ps, f"{now:g} of {length_ps:g} ps, {system.volume_cubic_nm:.1f} nm^3"
            )
    return system


def _under_way(work: Path, model: AtomArray, settings: SolvationSettings) -> SolvatedSystem | None:
    """The system an earlier call left, if it is of this model and these settings."""
    try:
        record = load_record(work)
    except RunDirectoryError:
        return None
    return record if record.model_sha256 == model_sha256(model) and record.settings == settings else None

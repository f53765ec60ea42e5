"""Where a target pack keeps what its studies are held against."""

from __future__ import annotations

from pathlib import Path

from kinscope.analysis.controls import MobilityControls, read_controls
from kinscope.core.files import sha256_of_file
from kinscope.targets.pack import TargetPack

CONTROLS_DIRECTORY = "controls"


def controls_directory(pack: TargetPack) -> Path:
    """The directory of the controls; a pack need not have it."""
    return pack.directory / CONTROLS_DIRECTORY


def mobility_controls(pack: TargetPack) -> MobilityControls | None:
    """The controls of mobility that ship with a pack; None if there are none.

    Raises
    ------
    BadInputError
        If a file is damaged.
    """
    return read_controls(controls_directory(pack))


def model_digests(pack: TargetPack) -> dict[str, str]:
    """SHA-256 of the pack's native models, by state."""
    paths = {state.id: pack.directory / "models" / state.id / "model.cif.gz" for state in pack.states}
    return {state: sha256_of_file(path) for state, path in paths.items() if path.is_file()}

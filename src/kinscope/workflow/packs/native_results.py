"""Native results that ship with a target pack: what every study needs and no variant enters into.

They are ordinary artefacts in a store below the pack (``artefacts/``), found by the same keys as everything
else: if a setting, a model or a stage changes, the keys no longer fit, and the work is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from kinscope.core.errors import ComputationError
from kinscope.targets import TargetPack, target_names, target_reference
from kinscope.targets.pack import StateDefinition
from kinscope.variants import Variant, variant_from_changes
from kinscope.workflow.engine.driver import Driver, Event
from kinscope.workflow.engine.processes import Processes
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import Store
from kinscope.workflow.planning.docking import docking
from kinscope.workflow.planning.study import Study
from kinscope.workflow.settings import StudySettings, load_preset, with_changes

SHIPPED_STORE = "artefacts"


def shipped_store(pack: TargetPack) -> Store:
    """The store of native results below a pack."""
    return Store(pack.directory / SHIPPED_STORE, installed=True)


def preset_for(pack: TargetPack, preset: str) -> StudySettings:
    """A preset's settings for a target: a shipped pack is named as its directory is, a user's by its path."""
    name = pack.directory.name if pack.directory.name in target_names() else str(pack.directory)
    return with_changes(load_preset(preset), target=target_reference(name), docked="all")


def held_by(pack: TargetPack, states: Sequence[StateDefinition]) -> Variant:
    """A substitution in the middle of what some states all hold."""
    first, last = max(state.first_residue for state in states), min(state.last_residue for state in states)
    position = (first + last) // 2
    residue = "G" if pack.transcript.protein[position - 1] == "A" else "A"
    return variant_from_changes({position: residue}, pack)


def native_steps(pack: TargetPack, preset: str = "quick") -> list[Step]:
    """Docking into every native model, with the settings of a preset."""
    # Any substitution that every state holds will do: no native step depends on it.
    study = Study(pack, held_by(pack, pack.states), preset_for(pack, preset))
    return [docking(study, "reference", drug) for drug in study.drugs]


def build_native_results(
    pack: TargetPack, out: Path, scratch: Path, *, cores: int, listener: Callable[[Event], None] | None = None
) -> list[str]:
    """Compute the native results of the quick preset anew and put them into ``out/artefacts``.

    Raises ComputationError if one of them fails.
    """
    steps = native_steps(pack)
    engine = Driver(scratch, None, Processes(cores), listener=listener)
    outcome = engine.run(steps)
    for error in outcome.failed.values():
        raise ComputationError(f"A native result could not be computed: {error.what}", where=error.where)
    store = Store(out / SHIPPED_STORE)
    lines = []
    for step in steps:
        store.copy_from(engine.store, step)
        lines.append(f"{step.label}: {outcome.done[step.key].wall_seconds:.0f} s")
    return lines

"""One stage of a study, run from the command line: what `dock` and `simulate` have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinscope.variants.model import Variant
    from kinscope.workflow.engine.step import Step
    from kinscope.workflow.engine.store import Store
    from kinscope.workflow.planning.study import Study


@dataclass(frozen=True)
class StageDone:
    """A stage that was run."""

    variant: Variant
    directory: Path
    """Of the run."""
    artefacts: dict[Any, Path]
    """Directories of what succeeded, by the stage's own names."""
    failed: list[str]
    """What went wrong, each once."""


@dataclass(frozen=True)
class StageRequest:
    """What the options that stages share say; ``structure`` as ``structure_path`` returns it."""

    expression: str
    preset: str
    states: list[str] | None
    out: Path | None
    target: str
    cores: int | None
    silent: bool
    structure: tuple[Path | None, dict[str, Any] | None]

    def run(
        self,
        changes: dict[str, Any],
        choose: Callable[[Study], dict[Any, Step]],
        keep: Callable[[Store], None] | None = None,
    ) -> StageDone:
        """Run the steps that are chosen, in the run directory.

        Parameters
        ----------
        changes
            To the preset's settings, beyond the states and the structure.
        choose
            The steps by the stage's own names.
        keep
            Puts files of the user's into the run's store before anything starts.

        Raises
        ------
        BadInputError
            If target, variant or settings cannot be used.
        RunDirectoryError
            If the directory is in use or holds something else.
        """
        from kinscope.cli.console import watcher
        from kinscope.targets import load_target, target_reference
        from kinscope.variants import parse_variant
        from kinscope.workflow.settings import load_preset, with_changes
        from kinscope.workflow.study import Run

        reference = target_reference(self.target)
        variant = parse_variant(self.expression, load_target(reference))
        file, said = self.structure
        if said is not None:
            changes = {**changes, "structure": said}
        if self.states:
            changes = {**changes, "states": tuple(self.states)}
        settings = with_changes(load_preset(self.preset), target=reference, **changes)
        directory = self.out or Path(f"kinscope-{variant.slug}")
        with watcher(self.silent) as watch:
            run = Run.begin(variant, settings, directory, structure=file, cores=self.cores)
            found, outcome = run.stage(choose, watch, keep=keep)
        failed = list(dict.fromkeys(str(error) for error in outcome.failed.values()))
        return StageDone(variant, directory, found, failed)

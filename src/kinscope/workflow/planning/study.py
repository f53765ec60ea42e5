"""What every step of a study is made from: the pack, the variant, its settings, and the words for them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import cached_property
from typing import Any, Concatenate, NamedTuple, ParamSpec

from kinscope.core.errors import SettingsError
from kinscope.core.seeds import derive_seed
from kinscope.interpretation.words.say import say
from kinscope.results.notes import Note
from kinscope.targets.loader import FLEXIBILITY_FILE, definitions_digest, files_digest, library_digest
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant
from kinscope.workflow.engine.step import Step
from kinscope.workflow.planning import choices
from kinscope.workflow.planning.reach import open_drugs
from kinscope.workflow.planning.user_state import UserState, with_user_state
from kinscope.workflow.settings import OwnLigand, Runner, StudySettings

SIDES = ("native", "mutant")
_RESIDUES_PER_COST = 272.0
P = ParamSpec("P")


class Pace(NamedTuple):
    """How a study's replicas are run, noted when the first is planned."""

    workers: float = 1.0
    """Replicas whose work is done at once, which turns a budget of minutes into minutes per replica."""
    on: Runner = "cpu"
    """What steps replicas: part of what a replica is. Where a step runs is the engine's affair."""
    machine: str = ""
    """What a measured speed holds for."""
    steps: int | None = None
    """Production steps that a replica's share of a budget was measured to buy; None: not measured yet."""


ONE_AT_ONCE = Pace()


class Study:
    """One variant's study, as its steps are planned from it.

    ``pack``, ``variant``, ``settings``: target, variant and settings. ``structure``: what is known of the
    user's structure, if the settings name one. ``pace``: of the replicas, or what finds it: asked once, and
    only where replicas are planned. ``created``: ISO date put into the result.

    Raises SettingsError if the settings describe a structure and none is given; UnsupportedVariantError if no
    model holds the variant.
    """

    def __init__(
        self,
        pack: TargetPack,
        variant: Variant,
        settings: StudySettings,
        *,
        structure: UserState | None = None,
        pace: Pace | Callable[[Study], Pace] = ONE_AT_ONCE,
        created: str = "",
    ) -> None:
        if settings.structure is not None and structure is None:
            raise SettingsError(
                "The settings describe a structure, but no file was given.",
                where="structure",
                remedy="Give the file with --structure FILE.",
            )
        self.structure = structure if settings.structure is not None else None
        own = self.structure
        self.pack = pack if own is None else with_user_state(pack, own.definition, own.drugs)
        self.variant = variant
        self.settings = settings.checked(self.pack)
        self.created = created
        self.skipped: list[str] = []
        """What was asked for and cannot be done, in words."""
        self.remarks: list[str] = []
        """What a user should know of how something is done."""
        self.states = choices.choose_states(self.pack, variant, self.settings, self.skipped)
        self._pace = pace
        self._steps: dict[tuple[object, ...], Step] = {}
        self._definitions = definitions_digest(pack)

    @cached_property
    def pace(self) -> Pace:
        """How replicas are run."""
        return self._pace(self) if callable(self._pace) else self._pace

    @cached_property
    def drugs(self) -> tuple[str, ...]:
        """The drugs that are docked, each into its state."""
        if self.structure is not None:
            self.skipped += [f"{say(n)}; not docked" for n in self.structure.not_docked if self._asked(n)]
        undecided = open_drugs(self.pack, self.variant) if self.settings.docked == "open" else None
        return choices.choose_drugs(self.pack, self.states, self.settings, self.skipped, undecided)

    @cached_property
    def dynamics_states(self) -> tuple[str, ...]:
        """The states that are simulated."""
        return choices.dynamics_states(self.pack, self.states, self.settings)

    @cached_property
    def dynamics_ligands(self) -> tuple[str, ...]:
        """The drugs that are simulated bound, each in its own state."""
        return choices.dynamics_ligands(self.pack, self.dynamics_states, self.settings, self.skipped)

    @cached_property
    def own_ligands(self) -> tuple[OwnLigand, ...]:
        """The user's ligands that are simulated bound.

        Raises SettingsError if one is to be bound in a state that this study does not simulate.
        """
        for ligand in self.settings.dynamics.own_ligands:
            if ligand.state not in self.dynamics_states:
                raise SettingsError(
                    f"{ligand.name} is to be bound in {ligand.state}, which this study does not simulate.",
                    where="--ligand-file",
                    remedy=f"Choose --state from: {', '.join(self.dynamics_states) or 'none'}.",
                )
        return self.settings.dynamics.own_ligands

    @property
    def share_seconds(self) -> float | None:
        """What each replica has of the budget, in seconds of one worker; None: its length is set instead."""
        minutes = self.settings.dynamics.budget_minutes
        return None if minutes is None else round(minutes * 60 * self.pace.workers / self.trajectories, 3)

    @property
    def trajectories(self) -> int:
        """How many replicas there are, both sides of every simulated system together."""
        systems = len(self.dynamics_states) + len(self.dynamics_ligands) + len(self.own_ligands)
        return len(SIDES) * self.settings.dynamics.replicas * systems

    def parameters(self, **about: Any) -> dict[str, Any]:
        """The parameters of a step that reads the target pack."""
        return {"target": self.settings.target, **about, "pack_sha256": self._definitions}

    @cached_property
    def library(self) -> dict[str, str]:
        """What a step depends on that looks at other models and poses of the pack than its own."""
        return {"library_sha256": library_digest(self.pack)}

    def user_state(self) -> dict[str, Any]:
        """What later stages need to know of the user's structure."""
        if self.structure is None:
            return {}
        return {"structure": self.structure.model_dump(mode="json", include={"definition", "drugs"})}

    def given(self) -> dict[str, Any]:
        """What the steps that read every result need to know of what the user gave."""
        own = [ligand.model_dump(mode="json") for ligand in self.settings.dynamics.own_ligands]
        return self.user_state() | ({"own_ligands": own} if own else {})

    def who(self, side: str) -> str:
        """The side in words: the variant, or ``native``."""
        return self.variant.short if side == "mutant" else "native"

    def built(self, side: str) -> str:
        """A side of a comparison in words: the variant, or the native with its own residues built anew."""
        places = ", ".join(map(str, self.variant.positions))
        return f"native built at {places}" if side == "native" else self.who(side)

    def label(self, state: str) -> str:
        """A state in words."""
        return self.pack.state(state).label

    def size(self, state: str) -> float:
        """How large a state's model is beside a kinase domain, for costs."""
        definition = self.pack.state(state)
        return (definition.last_residue - definition.first_residue + 1) / _RESIDUES_PER_COST

    def seed(self, *purpose: str | int) -> int:
        """The seed of one purpose, derived from the study's."""
        return derive_seed(self.settings.seed, *purpose)

    def substitutions(self) -> list[list[object]]:
        """The variant as (position, new residue)."""
        return [[item.position, item.mutant] for item in self.variant.substitutions]

    def own_residues(self) -> list[list[object]]:
        """The native's own residues where the variant has others."""
        return [[item.position, item.wild_type] for item in self.variant.substitutions]

    def _asked(self, reason: Note) -> bool:
        """Whether what cannot be docked was asked for and is not docked into another state instead."""
        drug = str(reason.values["drug"])
        asked = not self.settings.drugs or drug in self.settings.drugs
        return asked and self.pack.drug(drug).state not in self.states


def once(make: Callable[Concatenate[Study, P], Step]) -> Callable[Concatenate[Study, P], Step]:
    """Make a study's step for the same arguments (given by position) once."""

    @functools.wraps(make)
    def made(study: Study, /, *about: P.args, **named: P.kwargs) -> Step:
        identity = (make, *about, *named.items())
        if identity not in study._steps:
            study._steps[identity] = make(study, *about, **named)
        return study._steps[identity]

    return made


def pack_digest(pack: TargetPack) -> str:
    """Digest of a pack's small text files, evidence included: what a report depends on besides its inputs."""
    return files_digest(
        pack.directory, ("**/*.yaml", "**/*.csv", "**/*.fasta", "*.json.gz", FLEXIBILITY_FILE)
    )

"""What every step of a study is made from: the pack, the variant, its settings, and the words for them."""

from __future__ import annotations

from typing import Any, Literal

from kinscope.core.errors import SettingsError
from kinscope.core.seeds import derive_seed
from kinscope.targets import target_names
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant
from kinscope.workflow.choices import choose_states
from kinscope.workflow.digest import pack_digest
from kinscope.workflow.settings import Runner, StudySettings
from kinscope.workflow.stages import STAGES
from kinscope.workflow.step import Step
from kinscope.workflow.user_state import UserState

_RESIDUES_PER_COST = 272.0


class StepMaker:
    """Makes steps of one variant's study, each once.

    Parameters
    ----------
    pack, variant, settings
        Target, variant and settings of the study.
    structure
        What is known of the user's structure, if the settings name one.
    workers
        Replicas whose work is done at once here, which turns a budget of minutes into minutes per replica.
    on
        What stepped replicas when the study began: part of what a replica is. Where a step runs is the
        engine's affair.
    created
        ISO date put into the result.
    """

    def __init__(
        self,
        pack: TargetPack,
        variant: Variant,
        settings: StudySettings,
        *,
        structure: UserState | None = None,
        workers: float,
        on: Runner = "cpu",
        created: str = "",
    ) -> None:
        if settings.structure is not None and structure is None:
            raise SettingsError(
                "The settings describe a structure, but no file was given.",
                where="structure",
                remedy="Give the file with --structure FILE.",
            )
        self.structure = structure if settings.structure is not None else None
        self.pack = pack if self.structure is None else self.structure.added_to(pack)
        self.variant = variant
        self.settings = settings.checked(self.pack)
        self.workers = workers
        self.on: Runner = on
        self.created = created
        self.skipped: list[str] = []
        self.remarks: list[str] = []
        """What a user should know of how something is done."""
        self.states = choose_states(self.pack, variant, self.settings, self.skipped)
        self._steps: dict[tuple[str, ...], Step] = {}
        # A shipped pack changes with kinscope's version, a user's own under the same path.
        self._own_pack = "" if settings.target in target_names() else pack_digest(pack)

    @property
    def pack_directory(self) -> str:
        """How stage functions find the target pack again."""
        return self.settings.target

    def step(
        self,
        name: str,
        *about: str,
        label: str,
        parameters: dict[str, Any],
        inputs: dict[str, Step],
        cost: float,
        shared: bool = False,
        resource: Literal["cpu", "gpu"] = "cpu",
    ) -> Step:
        """The same step for the same name and subject, made once.

        Parameters
        ----------
        name, about
            Stage, and what it is done to: the step's identity within this study.
        label, parameters, inputs, shared, resource
            As in :class:`~kinscope.workflow.step.Step`.
        cost
            Seconds on one core, a first guess.
        """
        identity = (name, *about)
        if identity not in self._steps:
            if "target" in parameters and self._own_pack:
                parameters = {**parameters, "pack_sha256": self._own_pack}
            self._steps[identity] = Step(
                STAGES[name],
                label,
                parameters,
                inputs,
                shared=shared,
                cost_seconds=cost,
                resource=resource,
            )
        return self._steps[identity]

    def user_state(self) -> dict[str, Any]:
        """What later stages need to know of the user's structure."""
        if self.structure is None:
            return {}
        kept = self.structure.model_dump(mode="json", include={"definition", "drugs"})
        return {"structure": kept}

    def given(self) -> dict[str, Any]:
        """What the steps that read every result need to know of what the user gave."""
        own = [ligand.model_dump(mode="json") for ligand in self.settings.dynamics.own_ligands]
        return self.user_state() | ({"own_ligands": own} if own else {})

    def who(self, side: str) -> str:
        """The side in words: ``native`` or the variant."""
        return "native" if side == "native" else self.variant.short

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

    def runner(self, on: Runner | None = None) -> dict[str, Any]:
        """Parameters that tell a replica what steps it."""
        on = on or self.on
        return {"gpu": on == "gpu"} | ({"engine": "gromacs"} if on == "gromacs" else {})

    def substitutions(self) -> list[list[object]]:
        """The variant as (position, new residue)."""
        return [[item.position, item.mutant] for item in self.variant.substitutions]

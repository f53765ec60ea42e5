"""The steps of a study, each made once: models, neighbourhood, modes, docking, water, replicas."""

from __future__ import annotations

from typing import Any

from kinscope.core.errors import SettingsError
from kinscope.core.files import sha256_of_file
from kinscope.core.seeds import derive_seed
from kinscope.ligands.parameters import directory_for, load_parameters
from kinscope.structures.user_records import USER_STATE
from kinscope.targets import target_names
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant
from kinscope.workflow.choices import choose_states, dynamics_ligands, dynamics_states
from kinscope.workflow.digest import pack_digest
from kinscope.workflow.own_ligands import own_system
from kinscope.workflow.settings import Extension, OwnLigand, StudySettings
from kinscope.workflow.step import Step
from kinscope.workflow.user_state import UserState, structure_step

STAGES = "kinscope.workflow.stages"
_RESIDUES_PER_COST = 272.0


class StudySteps:
    """Makes the steps of one variant's study.

    Parameters
    ----------
    pack, variant, settings
        Target, variant and settings of the study.
    structure
        What is known of the user's structure, if the settings name one.
    workers
        Replicas whose work is done at once here, which turns a budget of minutes into minutes per replica.
    gpu
        Whether dynamics went to GPUs when the study began: part of what a replica is. Where a step runs is
        the engine's affair.
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
        gpu: bool = False,
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
        self.gpu = gpu
        self.created = created
        self.skipped: list[str] = []
        self.states = choose_states(self.pack, variant, self.settings, self.skipped)
        self._steps: dict[tuple[str, ...], Step] = {}
        self._ligands: tuple[str, ...] | None = None
        # A shipped pack changes with kinscope's version, a user's own under the same path.
        self._own_pack = "" if settings.target in target_names() else pack_digest(pack)

    @property
    def pack_directory(self) -> str:
        """How stage functions find the target pack again."""
        return self.settings.target

    def native_model(self, state: str) -> Step:
        """The shipped reference model of a state, or the model of the user's structure."""
        if state == USER_STATE:
            return self._user_model()
        path = self.pack.directory / "models" / state / "model.cif.gz"
        return self._step(
            "native-model",
            state,
            label=f"native model, {self._label(state)}",
            function="models:native_model",
            parameters={"target": self.pack_directory, "state": state, "sha256": sha256_of_file(path)},
            inputs={},
            shared=True,
            cost=4,
        )

    def _user_model(self) -> Step:
        if self.settings.structure is None:
            raise ValueError("a study without a structure of the user's has no such state")
        return self._step(
            "native-model",
            USER_STATE,
            label=f"model of {self._label(USER_STATE)}",
            function="user:user_model",
            parameters={
                "target": self.pack_directory,
                "state": USER_STATE,
                "file": self.settings.structure.file,
                "options": self.settings.structure.options().model_dump(mode="json"),
            },
            inputs={"structure": structure_step(self.settings)},
            shared=True,
            cost=180 * self._size(USER_STATE) ** 2,
        )

    def carried_pose(self, drug: str) -> Step:
        """The known pose of a drug laid into the user's structure."""
        definition = self.pack.drug(drug)
        return self._step(
            "pose",
            drug,
            label=f"known pose of {definition.name} in {self._label(USER_STATE)}",
            function="user:carry_pose",
            parameters={
                "target": self.pack_directory,
                "drug": drug,
                "pose_sha256": sha256_of_file(self.pack.directory / "poses" / f"{drug}.sdf"),
            },
            inputs={"model": self.native_model(USER_STATE)},
            shared=True,
            cost=12,
        )

    def mutant_model(self, state: str) -> Step:
        """The variant built on a state's native model."""
        seed = self._seed("mutation", state)
        return self._step(
            "mutant-model",
            state,
            label=f"{self.variant.short} model, {self._label(state)}",
            function="models:mutant_model",
            parameters={
                "target": self.pack_directory,
                "state": state,
                "substitutions": self._substitutions(),
                "variant": self.variant.short,
                "settings": self.settings.mutation.model_dump(mode="json"),
                "seed": seed,
            },
            inputs={"native": self.native_model(state)},
            cost=45 * self._size(state),
        )

    def model(self, side: str, state: str) -> Step:
        """The native or the mutant model of a state."""
        return self.native_model(state) if side == "native" else self.mutant_model(state)

    def contacts(self, state: str) -> Step:
        """The variant's neighbourhood, native and mutant."""
        return self._step(
            "neighbourhood",
            state,
            label=f"neighbourhood of {self.variant.short}, {self._label(state)}",
            function="models:neighbourhoods",
            parameters={"state": state, "positions": list(self.variant.positions)},
            inputs={"native": self.native_model(state), "mutant": self.mutant_model(state)},
            cost=10,
        )

    def modes(self, side: str, state: str) -> Step:
        """Normal modes of a state's model."""
        return self._step(
            "normal-modes",
            side,
            state,
            label=f"normal modes, {self._who(side)}, {self._label(state)}",
            function="fluctuation:normal_modes",
            parameters={
                "state": state,
                "variant": self._who(side),
                "settings": self.settings.normal_modes.model_dump(mode="json"),
                "seed": self._seed("normal-modes", state),
            },
            inputs={"model": self.model(side, state)},
            shared=side == "native",
            cost=60 * self._size(state) ** 2,
        )

    def docking(self, side: str, drug: str) -> Step:
        """One drug into the native or into every alternative of the mutant."""
        definition = self.pack.drug(drug)
        poses = self.pack.directory / "poses"
        return self._step(
            "docking",
            side,
            drug,
            label=f"{definition.name} into {self._who(side)}, {self._label(definition.state)}",
            function="docking:dock_drug",
            parameters={
                "target": self.pack_directory,
                "drug": drug,
                "state": definition.state,
                "variant": self._who(side),
                "pose_sha256": sha256_of_file(poses / f"{drug}.sdf"),
                "settings": self.settings.docking.model_dump(mode="json"),
                "seed": self._seed("docking", drug),
            },
            inputs={
                "model": self.model(side, definition.state),
                **({"pose": self.carried_pose(drug)} if definition.state == USER_STATE else {}),
            },
            shared=side == "native",
            cost=25 if side == "native" else 40,
        )

    def solvated(self, side: str, state: str) -> Step:
        """A model in its box of water; the mutant takes over the native's water."""
        inputs = {"model": self.model(side, state)}
        if side == "mutant":
            inputs["native"] = self.solvated("native", state)
        return self._step(
            "solvated",
            side,
            state,
            label=f"water around {self._who(side)}, {self._label(state)}",
            function="dynamics:solvate",
            parameters={
                "target": self.pack_directory,
                "state": state,
                "variant": self._who(side),
                "settings": self.settings.dynamics.solvation.model_dump(mode="json"),
                "seed": self._seed("solvation", state),
            },
            inputs=inputs,
            shared=side == "native",
            cost=45 * self._size(state),
        )

    def solvated_bound(self, side: str, drug: str) -> Step:
        """A model with a drug in its pocket, in water: the mutant takes over the bound native's."""
        definition = self.pack.drug(drug)
        found = load_parameters(definition, directory_for(self.pack, definition))
        docking = self.docking(side, drug)
        inputs = {"model": self.model(side, definition.state), "docking": docking}
        if "pose" in docking.inputs:
            inputs["pose"] = docking.inputs["pose"]
        if side == "mutant":
            inputs["native"] = self.solvated_bound("native", drug)
        return self._step(
            "solvated-bound",
            side,
            drug,
            label=f"water around {self._who(side)} with {definition.name}, {self._label(definition.state)}",
            function="dynamics:solvate_bound",
            parameters={
                "target": self.pack_directory,
                "state": definition.state,
                "drug": drug,
                "parameters_sha256": found.record.forcefield_sha256,
                "variant": self._who(side),
                "settings": self.settings.dynamics.solvation.model_dump(mode="json"),
                "seed": self._seed("solvation", definition.state, drug),
            },
            inputs=inputs,
            shared=side == "native",
            cost=60 * self._size(definition.state),
        )

    def speed(self) -> Step:
        """How fast this machine runs the first state's system."""
        state = self.dynamics_states()[0]
        return self._step(
            "speed",
            label="speed of dynamics here",
            function="dynamics:speed",
            parameters={
                "seconds": self.settings.dynamics.speed_seconds,
                "protocol": self.settings.dynamics.protocol.model_dump(mode="json"),
                "gpu": self.gpu,
            },
            inputs={"system": self.solvated("native", state)},
            shared=True,
            cost=15,
            resource="gpu",
        )

    def replica(self, side: str, state: str, number: int, ligand: str = "") -> Step:
        """One trajectory, of the apo kinase or with a drug bound, with what it was extended by."""
        step = self._first_length(side, state, number, ligand)
        for extension in self.settings.dynamics.extensions:
            step = self._longer(step, side, state, number, ligand, extension)
        return step

    def _longer(
        self, before: Step, side: str, state: str, number: int, ligand: str, extension: Extension
    ) -> Step:
        """The same trajectory, continued."""
        kept = ("state", "variant", "replica", "protocol", "seed", "ligand")
        return self._step(
            "replica",
            side,
            state,
            str(number),
            *((ligand,) if ligand else ()),
            f"to {extension.length_ns:g} ns",
            label=f"{before.label.partition(', to ')[0]}, to {extension.length_ns:g} ns",
            function="dynamics:extend_replica",
            parameters={
                **{name: before.parameters[name] for name in kept if name in before.parameters},
                "length_ns": extension.length_ns,
                "gpu": extension.gpu,
            },
            inputs={"system": before.inputs["system"], "before": before},
            shared=side == "native",
            cost=extension.length_ns * (600 if extension.gpu else 50_000),
            resource="gpu",
        )

    def _first_length(self, side: str, state: str, number: int, ligand: str) -> Step:
        dynamics = self.settings.dynamics
        systems = len(self.dynamics_states()) + len(self.dynamics_ligands()) + len(self.own_ligands())
        trajectories = 2 * dynamics.replicas * systems
        budget = None if dynamics.budget_minutes is None else dynamics.budget_minutes * 60 * self.workers
        share = None if budget is None else round(budget / trajectories, 3)
        own = next((one for one in self.own_ligands() if one.id == ligand), None)
        if own is not None:
            inputs = {"system": own_system(self, side, own)}
        else:
            inputs = {"system": self.solvated_bound(side, ligand) if ligand else self.solvated(side, state)}
        if share is not None:
            inputs["speed"] = self.speed()
        # What is bound is part of what a replica is; an apo one keeps the identity it always had.
        bound = {"ligand": ligand} if ligand else {}
        name = own.name if own is not None else self.pack.drug(ligand).name if ligand else ""
        who = f"{self._who(side)} with {name}" if ligand else self._who(side)
        return self._step(
            "replica",
            side,
            state,
            str(number),
            *bound.values(),
            label=f"dynamics {number + 1} of {dynamics.replicas}, {who}, {self._label(state)}",
            function="dynamics:replica",
            parameters={
                "state": state,
                "variant": self._who(side),
                "replica": number,
                "protocol": dynamics.protocol.model_dump(mode="json"),
                "seconds": share,
                "length_ns": None if share is not None else dynamics.length_ns,
                "gpu": self.gpu,
                "seed": self._seed("replica", state, number, *bound.values()),
                **bound,
            },
            inputs=inputs,
            shared=side == "native",
            cost=share if share is not None else dynamics.length_ns * (600 if self.gpu else 50_000),
            resource="gpu",
        )

    def _step(
        self,
        name: str,
        *about: str,
        label: str,
        function: str,
        parameters: dict[str, Any],
        inputs: dict[str, Step],
        cost: float,
        shared: bool = False,
        resource: Any = "cpu",
    ) -> Step:
        """The same step for the same name and subject, made once."""
        identity = (name, *about)
        if identity not in self._steps:
            if "target" in parameters and self._own_pack:
                parameters = {**parameters, "pack_sha256": self._own_pack}
            self._steps[identity] = Step(
                name,
                label,
                f"{STAGES}.{function}",
                1,
                parameters,
                inputs,
                shared=shared,
                cost_seconds=cost,
                resource=resource,
            )
        return self._steps[identity]

    def dynamics_states(self) -> tuple[str, ...]:
        """The states that are simulated."""
        return dynamics_states(self.pack, self.states, self.settings)

    def own_ligands(self) -> tuple[OwnLigand, ...]:
        """The user's ligands that are simulated bound.

        Raises
        ------
        SettingsError
            If one is to be bound in a state that this study does not simulate.
        """
        for ligand in self.settings.dynamics.own_ligands:
            if ligand.state not in self.dynamics_states():
                raise SettingsError(
                    f"{ligand.name} is to be bound in {ligand.state}, which this study does not simulate.",
                    where="--ligand-file",
                    remedy=f"Choose --state from: {', '.join(self.dynamics_states()) or 'none'}.",
                )
        return self.settings.dynamics.own_ligands

    def dynamics_ligands(self) -> tuple[str, ...]:
        """The drugs that are simulated bound, each in its own state."""
        if self._ligands is None:
            self._ligands = dynamics_ligands(self.pack, self.dynamics_states(), self.settings, self.skipped)
        return self._ligands

    def _user_state(self) -> dict[str, Any]:
        """What later stages need to know of the user's structure."""
        if self.structure is None:
            return {}
        kept = self.structure.model_dump(mode="json", include={"definition", "drugs"})
        return {"structure": kept}

    def _who(self, side: str) -> str:
        return "native" if side == "native" else self.variant.short

    def _label(self, state: str) -> str:
        return self.pack.state(state).label

    def _size(self, state: str) -> float:
        definition = self.pack.state(state)
        return (definition.last_residue - definition.first_residue + 1) / _RESIDUES_PER_COST

    def _seed(self, *purpose: str | int) -> int:
        return derive_seed(self.settings.seed, *purpose)

    def _substitutions(self) -> list[list[object]]:
        return [[item.position, item.mutant] for item in self.variant.substitutions]

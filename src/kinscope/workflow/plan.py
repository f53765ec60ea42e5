"""The plan of a study: which steps, from which inputs, with which parameters.

Work that no variant enters into (native models, docking, normal modes and dynamics of the native kinase, the
speed of this machine) has keys that do not depend on the variant, so that the shared cache answers for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinscope import __version__
from kinscope.core.errors import UnsupportedVariantError
from kinscope.core.files import sha256_of_file
from kinscope.core.seeds import derive_seed
from kinscope.targets import target_names
from kinscope.targets.pack import TargetPack
from kinscope.variants import modelled_states
from kinscope.variants.model import Variant
from kinscope.workflow.digest import pack_digest
from kinscope.workflow.settings import StudySettings
from kinscope.workflow.step import Step

_STAGES = "kinscope.workflow.stages"
_RESIDUES_PER_COST = 272.0
_SIDES = ("native", "mutant")


@dataclass(frozen=True)
class Plan:
    """The steps of a study and the one that everything leads to."""

    report: Step
    states: tuple[str, ...]
    drugs: tuple[str, ...]
    skipped: tuple[str, ...]
    """What was asked for and cannot be done for this variant, in words."""


class Planner:
    """Builds the plan of one variant.

    Parameters
    ----------
    pack, variant, settings
        Target, variant and settings of the study.
    workers
        Replicas that run at once here, which turns a budget of minutes into minutes per replica.
    gpu
        Whether dynamics goes to a GPU.
    created
        ISO date put into the result.
    """

    def __init__(
        self,
        pack: TargetPack,
        variant: Variant,
        settings: StudySettings,
        *,
        workers: int,
        gpu: bool = False,
        created: str = "",
    ) -> None:
        self.pack = pack
        self.variant = variant
        self.settings = settings.checked(pack)
        self.workers = workers
        self.gpu = gpu
        self.created = created
        self.skipped: list[str] = []
        self.states = self._choose_states()
        self._steps: dict[tuple[str, ...], Step] = {}
        # A shipped pack changes with kinscope's version, a user's own under the same path.
        self._own_pack = "" if settings.target in target_names() else pack_digest(pack)

    def plan(self) -> Plan:
        """The whole study."""
        inputs: dict[str, Step] = {}
        drugs = self._choose_drugs()
        for state in self.states:
            inputs[f"native/{state}"] = self.native_model(state)
            inputs[f"mutant/{state}"] = self.mutant_model(state)
            inputs[f"contacts/{state}"] = self.contacts(state)
            for side in _SIDES:
                inputs[f"modes/{side}/{state}"] = self.modes(side, state)
        for drug in drugs:
            for side in _SIDES:
                inputs[f"docking/{side}/{drug}"] = self.docking(side, drug)
        for state in self._dynamics_states():
            for side in _SIDES:
                for replica in range(self.settings.dynamics.replicas):
                    inputs[f"replica/{side}/{state}/{replica}"] = self.replica(side, state, replica)
        optional = frozenset(role for role in inputs if not role.startswith("native/"))
        measured = Step(
            "measurements",
            f"comparison of {self.variant.short} with native",
            f"{_STAGES}.collect:collect_measurements",
            1,
            {"target": self.pack_directory, "variant": self._variant()},
            inputs,
            optional,
            cost_seconds=15,
        )
        report = Step(
            "report",
            "evidence, verdicts and report",
            f"{_STAGES}.report:write_report",
            1,
            {
                "target": self.pack_directory,
                "variant": self._variant(),
                "settings": self.settings.model_dump(mode="json"),
                "created": self.created,
                "skipped": self.skipped,
                "kinscope_version": __version__,
                "pack_sha256": pack_digest(self.pack),
            },
            {"measurements": measured, **inputs},
            optional,
            cost_seconds=15,
        )
        return Plan(report, self.states, drugs, tuple(self.skipped))

    def docking_steps(self) -> dict[tuple[str, str], Step]:
        """Docking alone, by side and drug."""
        return {(side, drug): self.docking(side, drug) for drug in self._choose_drugs() for side in _SIDES}

    def replica_steps(self) -> dict[tuple[str, str, int], Step]:
        """Dynamics alone, by side, state and replica."""
        return {
            (side, state, number): self.replica(side, state, number)
            for state in self._dynamics_states()
            for side in _SIDES
            for number in range(self.settings.dynamics.replicas)
        }

    @property
    def pack_directory(self) -> str:
        """How stage functions find the target pack again."""
        return self.settings.target

    def native_model(self, state: str) -> Step:
        """The shipped reference model of a state."""
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
            inputs={"model": self.model(side, definition.state)},
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

    def speed(self) -> Step:
        """How fast this machine runs the first state's system."""
        state = self._dynamics_states()[0]
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
            resource="gpu" if self.gpu else "cpu",
        )

    def replica(self, side: str, state: str, number: int) -> Step:
        """One trajectory."""
        dynamics = self.settings.dynamics
        trajectories = 2 * dynamics.replicas * len(self._dynamics_states())
        budget = None if dynamics.budget_minutes is None else dynamics.budget_minutes * 60 * self.workers
        share = None if budget is None else round(budget / trajectories, 3)
        inputs = {"system": self.solvated(side, state)}
        if share is not None:
            inputs["speed"] = self.speed()
        return self._step(
            "replica",
            side,
            state,
            str(number),
            label=f"dynamics {number + 1} of {dynamics.replicas}, {self._who(side)}, {self._label(state)}",
            function="dynamics:replica",
            parameters={
                "state": state,
                "variant": self._who(side),
                "replica": number,
                "protocol": dynamics.protocol.model_dump(mode="json"),
                "seconds": share,
                "length_ns": None if share is not None else dynamics.length_ns,
                "gpu": self.gpu,
                "seed": self._seed("replica", state, number),
            },
            inputs=inputs,
            shared=side == "native",
            cost=share if share is not None else dynamics.length_ns * (600 if self.gpu else 50_000),
            resource="gpu" if self.gpu else "cpu",
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
                f"{_STAGES}.{function}",
                1,
                parameters,
                inputs,
                shared=shared,
                cost_seconds=cost,
                resource=resource,
            )
        return self._steps[identity]

    def _choose_states(self) -> tuple[str, ...]:
        possible = modelled_states(self.variant, self.pack)
        wanted = self.settings.states or self._states_of_preset()
        built = tuple(state for state in wanted if (self.pack.directory / "models" / state).is_dir())
        if not built:
            raise UnsupportedVariantError(
                f"The target pack of {self.pack.gene} holds no model"
                + (f" of {', '.join(wanted)}." if wanted else "."),
                where=str(self.pack.directory / "models"),
                remedy=f"Build its models with: kinscope models build --target {self.settings.target} "
                f"--pdb-mirror DIR --out {self.pack.directory}",
            )
        wanted = built
        chosen = tuple(state for state in wanted if state in possible)
        for state in wanted:
            if state not in possible:
                self.skipped.append(
                    f"{self._label(state)}: the model does not hold {self.variant.short}, so nothing is built"
                )
        if not chosen:
            ranges = "; ".join(
                f"{state.id} {state.first_residue}-{state.last_residue}" for state in self.pack.states
            )
            raise UnsupportedVariantError(
                f"No model of {self.pack.gene} holds {self.variant.short}, so it cannot be modelled.",
                where=self.variant.text,
                remedy=f"Modelled residues (isoform {self.pack.reference_isoform}): {ranges}. "
                f"`kinscope evidence {self.variant.short}` still says what is published.",
            )
        return chosen

    def _choose_drugs(self) -> tuple[str, ...]:
        available = [
            drug.id for drug in self.pack.drugs if (self.pack.directory / "poses" / f"{drug.id}.sdf").exists()
        ]
        chosen = []
        for drug in self.settings.drugs or available:
            state = self.pack.drug(drug).state
            if drug not in available:
                self.skipped.append(
                    f"{drug}: the target pack has no reference pose of it, so it is not docked"
                )
            elif state not in self.states:
                self.skipped.append(f"{drug}: it binds {self._label(state)}, which is not part of this study")
            else:
                chosen.append(drug)
        return tuple(chosen)

    def _dynamics_states(self) -> tuple[str, ...]:
        if self.settings.dynamics.budget_minutes == 0:
            return ()
        wanted = self.settings.dynamics.states or tuple(s.id for s in self.pack.states if s.dynamics)
        return tuple(state for state in wanted if state in self.states)

    def _states_of_preset(self) -> tuple[str, ...]:
        """What the pack studies unless states are named: the long presets take more."""
        taken = ("always",) if self.settings.preset == "quick" else ("always", "thorough")
        return tuple(state.id for state in self.pack.states if state.studied in taken)

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

    def _variant(self) -> dict[str, Any]:
        """The variant as far as results depend on it: not as it happened to be spelt."""
        return self.variant.model_dump(mode="json")

"""The steps of a study that no water enters into: models, neighbourhood, normal modes and docking."""

from __future__ import annotations

from kinscope.core.files import sha256_of_file
from kinscope.structures.user_records import USER_STATE
from kinscope.targets.pack import DrugDefinition
from kinscope.workflow.step import Step
from kinscope.workflow.step_maker import StepMaker
from kinscope.workflow.user_state import structure_step


class ModelSteps(StepMaker):
    """Makes the steps up to docking."""

    def native_model(self, state: str) -> Step:
        """The shipped reference model of a state, or the model of the user's structure."""
        if state == USER_STATE:
            return self._user_model()
        path = self.pack.directory / "models" / state / "model.cif.gz"
        return self.step(
            "native-model",
            state,
            label=f"native model, {self.label(state)}",
            parameters={"target": self.pack_directory, "state": state, "sha256": sha256_of_file(path)},
            inputs={},
            shared=True,
            cost=4,
        )

    def _user_model(self) -> Step:
        if self.settings.structure is None:
            raise ValueError("a study without a structure of the user's has no such state")
        return self.step(
            "user-model",
            USER_STATE,
            label=f"model of {self.label(USER_STATE)}",
            parameters={
                "target": self.pack_directory,
                "state": USER_STATE,
                "file": self.settings.structure.file,
                "options": self.settings.structure.options().model_dump(mode="json"),
            },
            inputs={"structure": structure_step(self.settings)},
            shared=True,
            cost=180 * self.size(USER_STATE) ** 2,
        )

    def carried_pose(self, drug: str) -> Step:
        """The known pose of a drug laid into the user's structure."""
        definition = self.pack.drug(drug)
        return self.step(
            "pose",
            drug,
            label=f"known pose of {definition.name} in {self.label(USER_STATE)}",
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
        seed = self.seed("mutation", state)
        return self.step(
            "mutant-model",
            state,
            label=f"{self.variant.short} model, {self.label(state)}",
            parameters={
                "target": self.pack_directory,
                "state": state,
                "substitutions": self.substitutions(),
                "variant": self.variant.short,
                "settings": self.settings.mutation.model_dump(mode="json"),
                "seed": seed,
            },
            inputs={"native": self.native_model(state)},
            cost=35 * self.size(state),
        )

    def model(self, side: str, state: str) -> Step:
        """The native or the mutant model of a state."""
        return self.native_model(state) if side == "native" else self.mutant_model(state)

    def contacts(self, state: str) -> Step:
        """The variant's neighbourhood, native and mutant."""
        return self.step(
            "neighbourhood",
            state,
            label=f"neighbourhood of {self.variant.short}, {self.label(state)}",
            parameters={"state": state, "positions": list(self.variant.positions)},
            inputs={"native": self.native_model(state), "mutant": self.mutant_model(state)},
            cost=4,
        )

    def modes(self, side: str, state: str) -> Step:
        """Normal modes of a state's model."""
        return self.step(
            "normal-modes",
            side,
            state,
            label=f"normal modes, {self.who(side)}, {self.label(state)}",
            parameters={
                "state": state,
                "variant": self.who(side),
                "settings": self.settings.normal_modes.model_dump(mode="json"),
                "seed": self.seed("normal-modes", state),
            },
            inputs={"model": self.model(side, state)},
            shared=side == "native",
            cost=(60 if side == "native" else 35) * self.size(state) ** 2,
        )

    def docking(self, side: str, drug: str) -> Step:
        """One drug into the native or into every alternative of the mutant."""
        definition = self.pack.drug(drug)
        poses = self.pack.directory / "poses"
        return self.step(
            "docking",
            side,
            drug,
            label=f"{definition.name} into {self.who(side)}, {self.label(definition.state)}",
            parameters={
                "target": self.pack_directory,
                "drug": drug,
                "state": definition.state,
                "variant": self.who(side),
                "pose_sha256": sha256_of_file(poses / f"{drug}.sdf"),
                "settings": self.settings.docking.model_dump(mode="json"),
                "seed": self.seed("docking", drug),
            },
            inputs={
                "model": self.model(side, definition.state),
                **({"pose": self.carried_pose(drug)} if definition.state == USER_STATE else {}),
            },
            shared=side == "native",
            cost=40 if side == "native" else 15,
        )

    def docking_given(self, ligand: DrugDefinition, state: str, native: Step | None = None) -> Step:
        """A ligand of the user's into the native or, given that step, into the mutant from where it stood."""
        side = "native" if native is None else "mutant"
        who = self.who(side)
        return self.step(
            "docking-given",
            side,
            ligand.id,
            state,
            label=f"{ligand.name} into {who}, {self.pack.state(state).label}",
            parameters={
                "target": self.pack_directory,
                "ligand": ligand.model_dump(mode="json"),
                "drug": ligand.id,
                "state": state,
                "variant": who,
                "settings": self.settings.docking.model_dump(mode="json"),
                "seed": self.seed("docking", ligand.id, state),
                **self.user_state(),
            },
            inputs={"model": self.model(side, state)} | ({} if native is None else {"native": native}),
            shared=native is None,
            cost=90 if native is None else 30,
        )

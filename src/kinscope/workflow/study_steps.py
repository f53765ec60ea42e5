"""The steps of a study in water, each made once: boxes, speed and replicas, with what they start from."""

from __future__ import annotations

from kinscope.core.errors import SettingsError
from kinscope.ligands.parameters import directory_for, load_parameters
from kinscope.workflow.choices import dynamics_ligands, dynamics_states
from kinscope.workflow.model_steps import ModelSteps
from kinscope.workflow.own_ligands import definition_of, ligand_step
from kinscope.workflow.settings import Extension, OwnLigand, Runner
from kinscope.workflow.step import Step

_SECONDS_PER_NS: dict[Runner, float] = {"cpu": 50_000, "gpu": 600, "gromacs": 12_000}
"""Of a kinase domain in water, a first guess: one core, or one GPU."""


class StudySteps(ModelSteps):
    """Makes the steps of one variant's study."""

    _ligands: tuple[str, ...] | None = None
    """The drugs simulated bound, once they were chosen: what was left out is told once."""

    def solvated(self, side: str, state: str) -> Step:
        """A model in its box of water; the mutant takes over the native's water."""
        inputs = {"model": self.model(side, state)}
        if side == "mutant":
            inputs["native"] = self.solvated("native", state)
        return self.step(
            "solvated",
            side,
            state,
            label=f"water around {self.who(side)}, {self.label(state)}",
            parameters={
                "target": self.pack_directory,
                "state": state,
                "variant": self.who(side),
                "settings": self.settings.dynamics.solvation.model_dump(mode="json"),
                "seed": self.seed("solvation", state),
            },
            inputs=inputs,
            shared=side == "native",
            cost=(60 if side == "native" else 20) * self.size(state),
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
        return self.step(
            "solvated-bound",
            side,
            drug,
            label=f"water around {self.who(side)} with {definition.name}, {self.label(definition.state)}",
            parameters={
                "target": self.pack_directory,
                "state": definition.state,
                "drug": drug,
                "parameters_sha256": found.record.forcefield_sha256,
                "variant": self.who(side),
                "settings": self.settings.dynamics.solvation.model_dump(mode="json"),
                "seed": self.seed("solvation", definition.state, drug),
            },
            inputs=inputs,
            shared=side == "native",
            cost=60 * self.size(definition.state),
        )

    def solvated_own(self, side: str, ligand: OwnLigand) -> Step:
        """The ligand in its pocket, in water: the mutant takes over the bound native's."""
        inputs = {"model": self.model(side, ligand.state), "ligand": ligand_step(ligand)}
        if ligand.pose == "docked":
            definition = definition_of(ligand)
            native = self.docking_given(definition, ligand.state)
            inputs["docking"] = (
                native if side == "native" else self.docking_given(definition, ligand.state, native)
            )
        if side == "mutant":
            inputs["native"] = self.solvated_own("native", ligand)
        return self.step(
            "solvated-own",
            side,
            ligand.id,
            ligand.state,
            label=f"water around {self.who(side)} with {ligand.name}, {self.label(ligand.state)}",
            parameters={
                "target": self.pack_directory,
                "state": ligand.state,
                "ligand": ligand.model_dump(mode="json"),
                "variant": self.who(side),
                "settings": self.settings.dynamics.solvation.model_dump(mode="json"),
                "seed": self.seed("solvation", ligand.state, ligand.id),
                **self.user_state(),
            },
            inputs=inputs,
            cost=60 * self.size(ligand.state),
        )

    def speed(self) -> Step:
        """How fast this machine runs the first state's system."""
        state = self.dynamics_states()[0]
        return self.step(
            "speed",
            label="speed of dynamics here",
            parameters={
                "seconds": self.settings.dynamics.speed_seconds,
                "protocol": self.settings.dynamics.protocol.model_dump(mode="json"),
                **self.runner(),
            },
            inputs={"system": self.solvated("native", state)},
            shared=True,
            cost=15,
            resource="cpu" if self.on == "gromacs" else "gpu",
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
        on: Runner = "gromacs" if extension.gromacs else "gpu" if extension.gpu else "cpu"
        longer_ns = extension.length_ns - (before.parameters["length_ns"] or 0.0)
        kept = ("state", "variant", "replica", "protocol", "seed", "ligand")
        return self.step(
            "longer-replica",
            side,
            state,
            str(number),
            *((ligand,) if ligand else ()),
            f"to {extension.length_ns:g} ns",
            label=f"{before.label.partition(', to ')[0]}, to {extension.length_ns:g} ns",
            parameters={
                **{name: before.parameters[name] for name in kept if name in before.parameters},
                "length_ns": extension.length_ns,
                **self.runner(on),
            },
            inputs={"system": before.inputs["system"], "before": before},
            shared=side == "native",
            cost=longer_ns * _SECONDS_PER_NS[on],
            resource="cpu" if on == "gromacs" else "gpu",
        )

    def _first_length(self, side: str, state: str, number: int, ligand: str) -> Step:
        dynamics = self.settings.dynamics
        systems = len(self.dynamics_states()) + len(self.dynamics_ligands()) + len(self.own_ligands())
        trajectories = 2 * dynamics.replicas * systems
        budget = None if dynamics.budget_minutes is None else dynamics.budget_minutes * 60 * self.workers
        share = None if budget is None else round(budget / trajectories, 3)
        own = next((one for one in self.own_ligands() if one.id == ligand), None)
        if own is not None:
            inputs = {"system": self.solvated_own(side, own)}
        else:
            inputs = {"system": self.solvated_bound(side, ligand) if ligand else self.solvated(side, state)}
        if share is not None:
            inputs["speed"] = self.speed()
        # What is bound is part of what a replica is; an apo one keeps the identity it always had.
        bound = {"ligand": ligand} if ligand else {}
        name = own.name if own is not None else self.pack.drug(ligand).name if ligand else ""
        who = f"{self.who(side)} with {name}" if ligand else self.who(side)
        # Noise of its own on each side: one seed for both correlates them, and the comparison takes them for
        # independent. The native's does not depend on the variant, so that every variant finds it computed.
        noise = (state, number, *bound.values(), *(() if side == "native" else (self.who(side),)))
        return self.step(
            "replica",
            side,
            state,
            str(number),
            *bound.values(),
            label=f"dynamics {number + 1} of {dynamics.replicas}, {who}, {self.label(state)}",
            parameters={
                "state": state,
                "variant": self.who(side),
                "replica": number,
                "protocol": dynamics.protocol.model_dump(mode="json"),
                "seconds": share,
                "length_ns": None if share is not None else dynamics.length_ns,
                **self.runner(),
                "seed": self.seed("replica", *noise),
                **bound,
            },
            inputs=inputs,
            shared=side == "native",
            cost=share if share is not None else dynamics.length_ns * _SECONDS_PER_NS[self.on],
            resource="cpu" if self.on == "gromacs" else "gpu",
        )

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

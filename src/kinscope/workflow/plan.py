"""The plan of a study: which steps, from which inputs, with which parameters.

Work that no variant enters into (native models, docking, normal modes and dynamics of the native kinase, the
speed of this machine) has keys that do not depend on the variant, so that the shared cache answers for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinscope import __version__
from kinscope.docking.relaxed_records import RelaxedSettings
from kinscope.structures.user_records import USER_STATE
from kinscope.workflow.choices import choose_drugs
from kinscope.workflow.digest import pack_digest
from kinscope.workflow.own_ligands import ligand_step
from kinscope.workflow.relaxed_steps import relaxed_inputs
from kinscope.workflow.stages import STAGES
from kinscope.workflow.step import Step
from kinscope.workflow.study_steps import StudySteps
from kinscope.workflow.user_state import structure_step

_SIDES = ("native", "mutant")


@dataclass(frozen=True)
class Plan:
    """The steps of a study and the one that everything leads to."""

    report: Step
    states: tuple[str, ...]
    drugs: tuple[str, ...]
    skipped: tuple[str, ...]
    """What was asked for and cannot be done for this variant, in words."""


class Planner(StudySteps):
    """Builds the plan of one variant."""

    def plan(self) -> Plan:
        """The whole study."""
        inputs: dict[str, Step] = {}
        drugs = self._drugs()
        for state in self.states:
            inputs[f"native/{state}"] = self.native_model(state)
            inputs[f"mutant/{state}"] = self.mutant_model(state)
            inputs[f"contacts/{state}"] = self.contacts(state)
            for side in _SIDES:
                inputs[f"modes/{side}/{state}"] = self.modes(side, state)
        for drug in drugs:
            for side in _SIDES:
                inputs[f"docking/{side}/{drug}"] = self.docking(side, drug)
            if self.pack.drug(drug).state == USER_STATE:
                inputs[f"pose/{drug}"] = self.carried_pose(drug)
        inputs |= relaxed_inputs(self, drugs, RelaxedSettings())
        for state in self.dynamics_states():
            for side in _SIDES:
                for replica in range(self.settings.dynamics.replicas):
                    inputs[f"replica/{side}/{state}/{replica}"] = self.replica(side, state, replica)
        inputs |= self._bound()
        if self.structure is not None:
            inputs["structure"] = structure_step(self.settings)
        optional = frozenset(role for role in inputs if not role.startswith("native/"))
        measured = Step(
            STAGES["measurements"],
            f"comparison of {self.variant.short} with native",
            {"target": self.pack_directory, "variant": self._variant(), **self.given()},
            inputs,
            optional,
            cost_seconds=15,
        )
        report = Step(
            STAGES["report"],
            "evidence, verdicts and report",
            {
                "target": self.pack_directory,
                "variant": self._variant(),
                "settings": self.settings.content(),
                "created": self.created,
                "skipped": self.skipped,
                "kinscope_version": __version__,
                "pack_sha256": pack_digest(self.pack),
                **self.given(),
            },
            {"measurements": measured, **inputs},
            optional,
            cost_seconds=15,
        )
        return Plan(report, self.states, drugs, tuple(self.skipped))

    def _bound(self) -> dict[str, Step]:
        """The systems with a drug or a ligand of the user's, and their replicas."""
        systems = [(drug, self.pack.drug(drug).state) for drug in self.dynamics_ligands()]
        inputs: dict[str, Step] = {}
        for own in self.own_ligands():
            systems.append((own.id, own.state))
            inputs[f"ligand/{own.id}"] = ligand_step(own)
            for side in _SIDES:
                inputs[f"system/{side}/{own.id}"] = self.solvated_own(side, own)
        for drug, state in systems:
            for side in _SIDES:
                if f"ligand/{drug}" not in inputs:
                    inputs[f"system/{side}/{drug}"] = self.solvated_bound(side, drug)
                for replica in range(self.settings.dynamics.replicas):
                    inputs[f"bound/{side}/{drug}/{replica}"] = self.replica(side, state, replica, drug)
        return inputs

    def docking_steps(self) -> dict[tuple[str, str], Step]:
        """Docking alone, by side and drug."""
        return {(side, drug): self.docking(side, drug) for drug in self._drugs() for side in _SIDES}

    def replica_steps(self) -> dict[tuple[str, str, int], Step]:
        """Dynamics alone, by side, state (``state+drug`` where one is bound) and replica."""
        numbers = range(self.settings.dynamics.replicas)
        apo = {
            (side, state, number): self.replica(side, state, number)
            for state in self.dynamics_states()
            for side in _SIDES
            for number in numbers
        }
        bound = {
            (side, f"{state}+{drug}", number): self.replica(side, state, number, drug)
            for drug in self.dynamics_ligands()
            for state in (self.pack.drug(drug).state,)
            for side in _SIDES
            for number in numbers
        }
        own = {
            (side, f"{ligand.state}+{ligand.id}", number): self.replica(side, ligand.state, number, ligand.id)
            for ligand in self.own_ligands()
            for side in _SIDES
            for number in numbers
        }
        return {**apo, **bound, **own}

    def _drugs(self) -> tuple[str, ...]:
        skipped: list[str] = []
        if self.structure is not None:
            skipped += [f"{text}; not docked" for text in self.structure.not_docked if self._asked(text)]
        chosen = choose_drugs(self.pack, self.states, self.settings, skipped)
        self.skipped += [text for text in skipped if text not in self.skipped]
        return chosen

    def _asked(self, text: str) -> bool:
        """Whether what cannot be docked was asked for and is not docked into another state instead."""
        drug = text.partition(":")[0]
        asked = not self.settings.drugs or drug in self.settings.drugs
        return asked and self.pack.drug(drug).state not in self.states

    def _variant(self) -> dict[str, Any]:
        """The variant as far as results depend on it: not as it happened to be spelt."""
        return self.variant.model_dump(mode="json")

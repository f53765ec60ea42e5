"""The steps behind the docking table: every drug in every state, native and mutant, and a row for each.

A drug is docked into the state whose co-crystal shows it, as in every study. In any other state its known
pose is laid in and measured first; it is docked there only where its binding mode exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinscope.core.files import sha256_of_file
from kinscope.docking.reference import pose_file, pose_records
from kinscope.docking.relaxed_records import RelaxedSettings
from kinscope.structures.user_records import USER_STATE
from kinscope.targets.pack import DrugDefinition
from kinscope.workflow.plan import Planner
from kinscope.workflow.relaxed_steps import further_states, relaxed_sides
from kinscope.workflow.step import Step

RowName = tuple[str, str]
"""Drug and state."""
_NO_POSE = "No known pose:"
"""How a drug's sources in a target pack begin to say why it has none."""


def row_steps(
    planner: Planner, relaxed: RelaxedSettings, given: Sequence[DrugDefinition] = ()
) -> dict[RowName, Step]:
    """A step per row of the table.

    Parameters
    ----------
    planner
        Of the study.
    relaxed
        How complexes are relaxed for the second opinion.
    given
        Ligands of the user's; where they are named and no drug is, only they are docked.
    """
    posed, unposed = _library(planner) if planner.settings.drugs or not given else ((), ())
    rows = {
        (drug, state): _row(planner, drug, state, relaxed)
        for drug in posed
        for state in (*planner.states, *further_states(planner, drug))
    }
    searched = [*(planner.pack.drug(drug) for drug in unposed), *given]
    return rows | {
        (ligand.id, state): _searched_row(planner, ligand, state, relaxed)
        for ligand in searched
        for state in planner.states
    }


def _library(planner: Planner) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The drugs asked for (or all): those whose known pose ships, and those that are searched for blind.

    Why a drug has no known pose is told in ``planner.remarks``.
    """
    poses = planner.pack.directory / "poses"
    asked = planner.settings.drugs or tuple(drug.id for drug in planner.pack.drugs)
    posed = tuple(drug for drug in asked if (poses / f"{drug}.sdf").is_file())
    unposed = tuple(drug for drug in asked if drug not in posed)
    for drug in unposed:
        planner.remarks.append(
            f"{drug}: the target pack has no known pose of it{_why(planner, drug)} It is searched for blind "
            "in every state."
        )
    return posed, unposed


def _why(planner: Planner, drug: str) -> str:
    """What the pack knows of why it has no pose: the record of a pose that does not hold, or a source."""
    records = [record for record in pose_records(planner.pack) if record.drug == drug]
    known = " ".join(records[0].notes) if records else ""
    said = [text for text in planner.pack.drug(drug).sources if text.startswith(_NO_POSE)]
    words = known or (said[0].removeprefix(_NO_POSE).strip() if said else "")
    return f": {words.rstrip('.')}." if words else "."


def _row(planner: Planner, drug: str, state: str, relaxed: RelaxedSettings) -> Step:
    definition = planner.pack.drug(drug)
    if state == definition.state:
        sides = {side: planner.docking(side, drug) for side in ("native", "mutant")}
    else:
        native = _elsewhere(planner, drug, state)
        sides = {"native": native, "mutant": _elsewhere(planner, drug, state, native)}
    inputs = {
        "native": planner.model("native", state),
        "mutant": planner.model("mutant", state),
        "docking/native": sides["native"],
        "docking/mutant": sides["mutant"],
    }
    if definition.state == USER_STATE and state == USER_STATE:
        inputs["pose"] = planner.carried_pose(drug)
    if state in (definition.state, *definition.further_states):
        sides_relaxed = relaxed_sides(planner, definition, state, relaxed)
        inputs |= {f"relaxed/{side}": step for side, step in sides_relaxed.items()}
    return _comparison(planner, definition, state, relaxed, inputs, {})


def _comparison(
    planner: Planner, drug: DrugDefinition, state: str, relaxed: RelaxedSettings, inputs: dict[str, Step],
    more: dict[str, Any],
) -> Step:  # fmt: skip
    return planner.step(
        "docking-row",
        drug.id,
        state,
        label=f"{drug.name}, {planner.pack.state(state).label}: compared",
        parameters={
            "target": planner.pack_directory,
            "drug": drug.id,
            "state": state,
            "variant": planner.variant.short,
            "substitutions": [[item.position, item.mutant] for item in planner.variant.substitutions],
            "relaxed": relaxed.model_dump(mode="json"),
            **more,
            **planner.user_state(),
        },
        inputs=inputs,
        cost=15,
    )


def _searched_row(planner: Planner, ligand: DrugDefinition, state: str, relaxed: RelaxedSettings) -> Step:
    """A ligand with no known pose: searched for in the native's site, then docked into both from there."""
    native = planner.docking_given(ligand, state)
    inputs = {
        "native": planner.model("native", state),
        "mutant": planner.model("mutant", state),
        "docking/native": native,
        "docking/mutant": planner.docking_given(ligand, state, native),
    }
    return _comparison(planner, ligand, state, relaxed, inputs, {"ligand": ligand.model_dump(mode="json")})


def _elsewhere(planner: Planner, drug: str, state: str, native: Step | None = None) -> Step:
    """A drug in a state that is not its own; into the mutant from where it stands in the native."""
    definition = planner.pack.drug(drug)
    side = "native" if native is None else "mutant"
    who = "native" if native is None else planner.variant.short
    home = planner.native_model(definition.state)
    file = pose_file(definition, state)
    inputs = {"model": planner.model(side, state), "home": home}
    if native is not None:
        inputs["native"] = native
    if definition.state == USER_STATE:
        inputs["pose"] = planner.carried_pose(drug)
    return planner.step(
        "docking-elsewhere",
        side,
        drug,
        state,
        label=f"{definition.name} into {who}, {planner.pack.state(state).label}",
        parameters={
            "target": planner.pack_directory,
            "drug": drug,
            "state": state,
            "variant": who,
            "pose_sha256": sha256_of_file(planner.pack.directory / "poses" / file),
            "settings": planner.settings.docking.model_dump(mode="json"),
            "seed": planner.seed("docking", drug, state),
            **planner.user_state(),
        },
        inputs=inputs,
        shared=native is None,
        cost=15,
    )

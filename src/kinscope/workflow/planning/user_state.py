"""A user's structure in a study: an additional state of the target pack, and the file kept with the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinscope.core.errors import SettingsError
from kinscope.core.records import Record
from kinscope.results.notes import Note, note
from kinscope.results.user_structure import StructureFindings
from kinscope.structures.user.file import UserFile, read_user_file
from kinscope.structures.user.prepare import examine
from kinscope.targets import load_target
from kinscope.targets.pack import StateDefinition, TargetPack
from kinscope.variants.model import Variant
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import Store
from kinscope.workflow.planning.catalogue import STAGES
from kinscope.workflow.planning.given_files import keep_given
from kinscope.workflow.planning.own_ligands import definition_of
from kinscope.workflow.settings import OwnLigand, StructureSettings, StudySettings

STRUCTURE_FILE = "structure"
"""Name of the file in its artefact, whatever the user called it."""


class UserState(Record):
    """What a study needs to know of the user's structure to be planned."""

    definition: StateDefinition
    drugs: tuple[str, ...]
    """Docked into it."""
    not_docked: tuple[Note, ...]
    """Why the others are not."""
    findings: StructureFindings


def with_user_state(pack: TargetPack, definition: StateDefinition, drugs: tuple[str, ...]) -> TargetPack:
    """A pack with one more state, to which some of its drugs bind."""
    return pack.model_copy(
        update={
            "states": (*(state for state in pack.states if state.id != definition.id), definition),
            "drugs": tuple(
                drug.model_copy(update={"state": definition.id}) if drug.id in drugs else drug
                for drug in pack.drugs
            ),
        }
    )


def take_structure(
    path: Path, settings: StudySettings, pack: TargetPack, variant: Variant
) -> tuple[UserFile, StudySettings, UserState]:
    """Read and examine a user's structure for a study; the settings then name it by its content.

    Raises StructureError if it cannot be used; SettingsError if the settings name another content.
    """
    file = read_user_file(path)
    wanted = settings.structure or StructureSettings()
    if wanted.sha256 not in ("", file.sha256):
        raise SettingsError(
            "The settings name a structure of another content.",
            where=f"structure.sha256: {wanted.sha256[:16]}",
            remedy=f"Give the file they were made with; {file.name} is {file.sha256[:16]}.",
        )
    found = examine(file, pack, wanted.options())
    named = wanted.model_copy(update={"file": file.name, "sha256": file.sha256})
    present = [item for item in found.findings.substituted if item in variant.short.split("/")]
    notes = [note("variant-in-file", variant=item) for item in present]
    findings = found.findings.model_copy(update={"notes": (*found.findings.notes, *notes)})
    state = UserState(
        definition=found.definition(), drugs=found.drugs, not_docked=found.not_docked, findings=findings
    )
    return file, settings.model_copy(update={"structure": named}), state


def structure_step(settings: StudySettings) -> Step:
    """The step whose artefact is the user's file; it is put there when the study begins, never computed.

    Raises SettingsError if the settings name no content.
    """
    if settings.structure is None or not settings.structure.sha256:
        raise SettingsError(
            "The settings describe a structure, but no file was given.",
            where="structure",
            remedy="Give the file with --structure FILE.",
        )
    return Step(
        STAGES["user-structure"], "your structure", {"sha256": settings.structure.sha256}, cost_seconds=1
    )


def keep_structure(store: Store, settings: StudySettings, file: UserFile) -> None:
    """Put the user's file into a run's store, where the study finds it without the original.

    Raises RunDirectoryError if it cannot be written.
    """
    label = f"your structure {file.name}"
    keep_given(store, structure_step(settings), {STRUCTURE_FILE: file.body}, what="structure", label=label)


def study_pack(parameters: Mapping[str, Any]) -> TargetPack:
    """The target pack of a study, with the user's structure as a state and their ligands among the drugs."""
    pack = load_target(parameters["target"])
    if named := parameters.get("structure"):
        definition = StateDefinition.model_validate(named["definition"])
        pack = with_user_state(pack, definition, tuple(named["drugs"]))
    own = tuple(definition_of(OwnLigand.model_validate(one)) for one in parameters.get("own_ligands", ()))
    return pack.model_copy(update={"drugs": (*pack.drugs, *own)}) if own else pack

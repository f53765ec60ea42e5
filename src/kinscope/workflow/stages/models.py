"""Native and mutant models, their geometry, and the variant's neighbourhood."""

from __future__ import annotations

from kinscope.analysis.statistics import energy_shares
from kinscope.results.measured import ModelGeometry
from kinscope.results.models import ModelRecord
from kinscope.structures.conformation.classify import classify_state
from kinscope.structures.model import AtomArray
from kinscope.structures.mutants.build import build_mutant
from kinscope.structures.mutants.neighbourhood import compare_neighbourhoods, neighbourhood
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.reference.build import reference_model
from kinscope.targets import load_target
from kinscope.targets.pack import KinaseLandmarks
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.stages.files import (
    CONTACT_CHANGES,
    GEOMETRIES,
    energies,
    read_models,
    write_models,
    write_records,
)


def native_model(context: StepContext) -> None:
    """Take the shipped model of a state and measure it."""
    pack = load_target(context.parameters["target"])
    models = [reference_model(pack, context.parameters["state"])]
    write_models(context.output, models)
    write_records(context.output / GEOMETRIES, [model_geometry(*model, pack.landmarks) for model in models])


def mutant_model(context: StepContext) -> None:
    """Build residues on the native model, the variant's or its own; keep the close alternatives."""
    native, record = read_models(context.input("native"))[0]
    built = build_mutant(
        native,
        record,
        [(int(position), str(residue)) for position, residue in context.parameters["substitutions"]],
        MutationSettings.model_validate(context.parameters["settings"]),
        context.parameters["seed"],
        context.progress,
    )
    models = [
        (model.atoms, model.record.model_copy(update={"variant": context.parameters["variant"]}))
        for model in built
    ]
    write_models(context.output, models)
    landmarks = load_target(context.parameters["target"]).landmarks
    write_records(context.output / GEOMETRIES, [model_geometry(*model, landmarks) for model in models])


def neighbourhoods(context: StepContext) -> None:
    """The contacts of each substituted residue, kept, lost and gained."""
    sides = [read_models(context.input(side)) for side in ("native", "mutant")]
    shares = [energy_shares(energies(models)) for models in sides]
    changes = []
    for position in context.parameters["positions"]:
        seen = [[neighbourhood(atoms, position) for atoms, _ in models] for models in sides]
        changes.extend(compare_neighbourhoods(context.parameters["state"], *zip(seen, shares, strict=True)))
    write_records(context.output / CONTACT_CHANGES, changes)


def model_geometry(atoms: AtomArray, record: ModelRecord, landmarks: KinaseLandmarks | None) -> ModelGeometry:
    """The conformation of a model, measured."""
    return ModelGeometry(
        state=record.state,
        variant=record.variant,
        alternative=record.alternative,
        geometry=classify_state(atoms, landmarks),
    )

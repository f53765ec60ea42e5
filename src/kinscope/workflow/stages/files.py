"""How artefacts are laid out, so that one stage finds what another wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from kinscope.core.files import write_atomic
from kinscope.core.records import Record
from kinscope.results.models import ModelRecord
from kinscope.structures.io import read_model, write_model
from kinscope.structures.model import AtomArray

R = TypeVar("R", bound=Record)

GEOMETRIES = "geometries.json"
CONTACT_CHANGES = "contact_changes.json"
RUNS = "runs.json"
MEASUREMENTS = "measurements.json"
TRACKS = "difference_tracks.json"


def model_file(directory: Path, alternative: int) -> Path:
    """Coordinates of one alternative of a model artefact."""
    return directory / f"model_{alternative}.cif"


def write_models(directory: Path, models: Sequence[tuple[AtomArray, ModelRecord]]) -> None:
    """Write a model and its alternatives, lowest in energy first."""
    for number, (atoms, record) in enumerate(models):
        write_model(model_file(directory, number), atoms, record)
        write_atomic(model_file(directory, number).with_suffix(".json"), record.model_dump_json(indent=1))


def read_models(directory: Path) -> list[tuple[AtomArray, ModelRecord]]:
    """What :func:`write_models` wrote."""
    models: list[tuple[AtomArray, ModelRecord]] = []
    while (path := model_file(directory, len(models))).exists():
        record = ModelRecord.model_validate_json(path.with_suffix(".json").read_bytes())
        models.append((read_model(path), record))
    return models


def energies(models: Sequence[tuple[AtomArray, ModelRecord]]) -> list[float]:
    """Of close alternative models above the lowest, kcal/mol."""
    return [record.relative_energy_kcal_per_mol for _, record in models]


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Write records of one kind as a JSON list."""
    body = ",\n".join(record.model_dump_json() for record in records)
    write_atomic(path, f"[{body}]\n")


def read_records(path: Path, kind: type[R]) -> list[R]:
    """What :func:`write_records` wrote."""
    return TypeAdapter(list[kind]).validate_json(path.read_bytes())  # type: ignore[valid-type]

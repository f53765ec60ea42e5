"""The result for machines: JSON, JSON Schema, Parquet and CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kinscope.core.files import write_atomic
from kinscope.core.records import Record
from kinscope.core.tables import csv_text, write_table
from kinscope.evidence.model import EvidenceHit, TreatmentOption
from kinscope.interpretation.model import DrugVerdict, StepProvenance, StudyResult
from kinscope.interpretation.words.say import written
from kinscope.report.claims import Claim, claims_of, fhir_bundle, va_statements
from kinscope.report.front import options
from kinscope.results.docking import Reach, RelaxedComparison
from kinscope.results.measured import (
    ContactChange,
    DockingComparison,
    FluctuationProfile,
    ModelGeometry,
    PocketComparison,
    RegionComparison,
    SimulationSummary,
)
from kinscope.results.models import ModelRecord
from kinscope.results.trajectories import (
    BoundPose,
    MeasureComparison,
    OccupancyComparison,
    StateMobility,
    TrajectoryComparison,
)

VA_FILE, FHIR_FILE = "claims.va-spec.json", "claims.fhir.json"


def write_result_json(result: StudyResult, path: Path) -> None:
    """Write the whole result as JSON that ``StudyResult.model_validate_json`` reads back, atomically."""
    write_atomic(path, result.model_dump_json(indent=2) + "\n")


def write_claims(result: StudyResult, directory: Path) -> None:
    """Write the verdicts as GA4GH VA-Spec statements and as a FHIR bundle, for programs of other people."""
    for name, content in ((VA_FILE, va_statements(result)), (FHIR_FILE, fhir_bundle(result))):
        write_atomic(directory / name, json.dumps(content, indent=1) + "\n")


def result_schema() -> dict[str, object]:
    """JSON Schema (draft 2020-12) of ``result.json``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **StudyResult.model_json_schema(mode="serialization"),
    }


def export_tables(result: StudyResult, directory: Path, *, csv: bool = False) -> list[Path]:
    """Write one Parquet table per list of records into ``directory`` and return the paths.

    ``directory``: made if missing. ``csv``: write the same tables as CSV beside the
    Parquet files, nested parts as JSON text.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, kind, rows in result_tables(result):
        path = directory / f"{name}.parquet"
        write_table(path, rows, kind)
        paths.append(path)
        if csv:
            path = directory / f"{name}.csv"
            write_atomic(path, _csv(rows, kind))
            paths.append(path)
    return paths


def result_tables(result: StudyResult) -> list[tuple[str, type[Record], Sequence[Record]]]:
    """Every list of records by its name."""
    measured = result.measurements
    return [
        (
            "models",
            ModelRecord,
            [m.model_copy(update={"method": written(m.method)}) for m in measured.models],
        ),
        ("state_geometry", ModelGeometry, measured.geometries),
        ("contact_changes", ContactChange, measured.contact_changes),
        ("docking", DockingComparison, measured.docking),
        ("relaxed_complexes", RelaxedComparison, measured.relaxed),
        ("reach", Reach, measured.reach),
        ("fluctuation", FluctuationProfile, measured.profiles),
        ("regions", RegionComparison, measured.regions),
        ("pockets", PocketComparison, measured.pockets),
        ("simulations", SimulationSummary, measured.simulations),
        ("trajectory_comparisons", TrajectoryComparison, measured.trajectories),
        ("bound_poses", BoundPose, [b for t in measured.trajectories for b in t.bound]),
        ("trajectory_measures", MeasureComparison, [m for t in measured.trajectories for m in t.measures]),
        ("trajectory_contacts", OccupancyComparison, [c for t in measured.trajectories for c in t.contacts]),
        ("state_mobility", StateMobility, measured.state_mobility),
        ("evidence", EvidenceHit, result.evidence.hits),
        ("options", TreatmentOption, options(result)),
        ("verdicts", DrugVerdict, result.assessment.verdicts),
        ("claims", Claim, claims_of(result)),
        ("provenance", StepProvenance, result.provenance),
    ]


def _csv(rows: Sequence[Record], kind: type[Record]) -> str:
    """CSV text with one column per field."""
    values = (row.model_dump(mode="json").values() for row in rows)
    return csv_text(kind.model_fields, ([_flat(value) for value in row] for row in values))


def _flat(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value

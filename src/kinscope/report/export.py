"""The result for machines: JSON, JSON Schema, Parquet and CSV."""

from __future__ import annotations

from pathlib import Path

from kinscope.core.files import write_atomic
from kinscope.interpretation.model import StudyResult


def write_result_json(result: StudyResult, path: Path) -> None:
    """Write the whole result as JSON that ``StudyResult.model_validate_json`` reads back, atomically."""
    write_atomic(path, result.model_dump_json(indent=2) + "\n")


def result_schema() -> dict[str, object]:
    """JSON Schema of ``result.json``."""
    return StudyResult.model_json_schema(mode="serialization")


def export_tables(result: StudyResult, directory: Path, *, csv: bool = False) -> list[Path]:
    """Write one Parquet table per record list (and CSV beside it where asked) and return the paths."""
    raise NotImplementedError

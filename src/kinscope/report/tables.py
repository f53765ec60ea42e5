"""The tables of an analysis: CSV for people and spreadsheets, Parquet for programs, units in column names."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kinscope.core.files import write_atomic
from kinscope.results.trajectories import PrincipalMotion, ReplicaAnalysis

Columns = dict[str, list[Any]]


def write_tables(
    directory: Path,
    replicas: Sequence[ReplicaAnalysis],
    motion: PrincipalMotion | None,
    provenance: Mapping[str, str],
) -> list[Path]:
    """Write every table of some trajectories and return the paths.

    ``directory``: made if missing. ``provenance``: put into the metadata of the Parquet
    files, and as ``provenance.json`` beside the CSV files.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, columns in (
        ("measures", _measures(replicas)),
        ("series", _series(replicas)),
        ("residues", _residues(replicas)),
        ("states", _states(replicas)),
        ("contacts", _contacts(replicas)),
        ("principal", _principal(motion)),
    ):
        if columns and any(columns.values()):
            paths += _write(directory / name, columns, provenance)
    path = directory / "provenance.json"
    write_atomic(path, json.dumps(dict(provenance), indent=1, sort_keys=True) + "\n")
    return [*paths, path]


def _write(stem: Path, columns: Columns, provenance: Mapping[str, str]) -> list[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(columns).replace_schema_metadata(
        {f"kinscope.{key}": value for key, value in provenance.items()}
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    parquet = stem.with_suffix(".parquet")
    write_atomic(parquet, buffer.getvalue())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*([_cell(value) for value in column] for column in columns.values()), strict=True))
    plain = stem.with_suffix(".csv")
    write_atomic(plain, text.getvalue())
    return [plain, parquet]


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _who(columns: Columns, one: ReplicaAnalysis, times: int = 1) -> None:
    for key, value in (("trajectory", one.name), ("variant", one.variant), ("replica", one.replica + 1)):
        columns.setdefault(key, []).extend([value] * times)


def _add(columns: Columns, **row: Any) -> None:
    for key, value in row.items():
        columns.setdefault(key, []).append(value)


def _measures(replicas: Sequence[ReplicaAnalysis]) -> Columns:
    """Mean, spread and error of every quantity; the quantity's name holds the unit."""
    columns: Columns = {}
    for one in replicas:
        for series in one.series:
            _who(columns, one)
            _add(
                columns,
                quantity=series.name,
                unit=series.unit,
                mean=series.mean,
                standard_deviation=series.standard_deviation,
                standard_error=series.standard_error,
                effective_frames=series.effective_frames,
                frames=one.frames,
                length_ns=one.length_ns,
            )
    return columns


def _series(replicas: Sequence[ReplicaAnalysis]) -> Columns:
    """Every quantity over time: a column each, a row per block of frames; empty where it was not measured."""
    names = list(dict.fromkeys(series.name for one in replicas for series in one.series))
    columns: Columns = {}
    for one in replicas:
        rows = max((len(series.values) for series in one.series), default=0)
        _who(columns, one, rows)
        columns.setdefault("block", []).extend(range(rows))
        middle = [
            None if one.length_ns is None else one.length_ns * (row + 0.5) / rows for row in range(rows)
        ]
        columns.setdefault("time_ns", []).extend(middle)
        for name in names:
            found = one.measured(name)
            # Pocket volumes are measured in fewer frames: each stands in the row whose time it is.
            values: list[float | None] = [None] * rows
            if found is not None and found.values:
                for index, value in enumerate(found.values):
                    values[min(rows - 1, index * rows // len(found.values))] = value
            columns.setdefault(name, []).extend(values)
    return columns


def _residues(replicas: Sequence[ReplicaAnalysis]) -> Columns:
    columns: Columns = {}
    for one in replicas:
        structure = one.structure
        fluctuation = dict(zip(one.residues, one.rmsf_angstrom, strict=True))
        for residue, helix, strand in zip(
            structure.residues, structure.helix_percent, structure.strand_percent, strict=True
        ):
            _who(columns, one)
            _add(
                columns,
                residue=residue,
                rmsf_angstrom=fluctuation.get(residue),
                helix_percent=helix,
                strand_percent=strand,
            )
    return columns


def _states(replicas: Sequence[ReplicaAnalysis]) -> Columns:
    columns: Columns = {}
    for one in replicas:
        for share in one.classes:
            _who(columns, one)
            _add(columns, aspect=share.aspect, label=share.label, percent=share.percent)
    return columns


def _contacts(replicas: Sequence[ReplicaAnalysis]) -> Columns:
    columns: Columns = {}
    for one in replicas:
        for contact in one.contacts:
            _who(columns, one)
            _add(columns, **contact.model_dump(exclude={"halves_percent"}))
    return columns


def _principal(motion: PrincipalMotion | None) -> Columns:
    columns: Columns = {}
    for row in () if motion is None else motion.projections:
        for index, (first, second) in enumerate(zip(row.first_angstrom, row.second_angstrom, strict=True)):
            _add(
                columns,
                variant=row.variant,
                replica=row.replica + 1,
                frame=index,
                first_axis_angstrom=first,
                second_axis_angstrom=second,
                cosine_content=row.cosine_content,
            )
    return columns

"""The tables of an analysis: CSV for people and spreadsheets, Parquet for programs, units in column names."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kinscope.core.files import write_atomic
from kinscope.core.tables import csv_text
from kinscope.results.trajectories import PrincipalMotion, ReplicaAnalysis

Row = dict[str, Any]


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
    for name, rows in (
        ("measures", _measures(replicas)),
        ("series", _series(replicas)),
        ("residues", _residues(replicas)),
        ("states", ({**_who(one), **share.model_dump()} for one in replicas for share in one.classes)),
        ("contacts", _contacts(replicas)),
        ("principal", _principal(motion)),
    ):
        if held := list(rows):
            paths += _write(directory / name, held, provenance)
    path = directory / "provenance.json"
    write_atomic(path, json.dumps(dict(provenance), indent=1, sort_keys=True) + "\n")
    return [*paths, path]


def _write(stem: Path, rows: list[Row], provenance: Mapping[str, str]) -> list[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    metadata = {f"kinscope.{key}": value for key, value in provenance.items()}
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, metadata=metadata), buffer, compression="zstd")
    plain, parquet = stem.with_suffix(".csv"), stem.with_suffix(".parquet")
    write_atomic(parquet, buffer.getvalue())
    write_atomic(plain, csv_text(rows[0], ([_rounded(value) for value in row.values()] for row in rows)))
    return [plain, parquet]


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _who(one: ReplicaAnalysis) -> Row:
    return {"trajectory": one.name, "variant": one.variant, "replica": one.replica + 1}


def _measures(replicas: Sequence[ReplicaAnalysis]) -> Iterator[Row]:
    """Mean, spread and error of every quantity; the quantity's name holds the unit."""
    for one in replicas:
        for series in one.series:
            yield {
                **_who(one),
                "quantity": series.name,
                **series.model_dump(exclude={"name", "label", "values"}),
                "frames": one.frames,
                "length_ns": one.length_ns,
            }


def _series(replicas: Sequence[ReplicaAnalysis]) -> Iterator[Row]:
    """Every quantity over time: a column each, a row per block of frames; empty where it was not measured."""
    names = list(dict.fromkeys(series.name for one in replicas for series in one.series))
    for one in replicas:
        count = max((len(series.values) for series in one.series), default=0)
        rows = [
            {
                **_who(one),
                "block": block,
                "time_ns": None if one.length_ns is None else one.length_ns * (block + 0.5) / count,
                **dict.fromkeys(names),
            }
            for block in range(count)
        ]
        for series in one.series:
            # Pocket volumes are measured in fewer frames: each stands in the row whose time it is.
            for index, value in enumerate(series.values):
                rows[min(count - 1, index * count // len(series.values))][series.name] = value
        yield from rows


def _residues(replicas: Sequence[ReplicaAnalysis]) -> Iterator[Row]:
    for one in replicas:
        structure = one.structure
        fluctuation = dict(zip(one.residues, one.rmsf_angstrom, strict=True))
        for residue, helix, strand in zip(
            structure.residues, structure.helix_percent, structure.strand_percent, strict=True
        ):
            yield {
                **_who(one),
                "residue": residue,
                "rmsf_angstrom": fluctuation.get(residue),
                "helix_percent": helix,
                "strand_percent": strand,
            }


def _contacts(replicas: Sequence[ReplicaAnalysis]) -> Iterator[Row]:
    for one in replicas:
        for contact in one.contacts:
            yield {**_who(one), **contact.model_dump(exclude={"halves_percent"})}


def _principal(motion: PrincipalMotion | None) -> Iterator[Row]:
    for row in () if motion is None else motion.projections:
        for index, (first, second) in enumerate(zip(row.first_angstrom, row.second_angstrom, strict=True)):
            yield {
                "variant": row.variant,
                "replica": row.replica + 1,
                "frame": index,
                "first_axis_angstrom": first,
                "second_axis_angstrom": second,
                "cosine_content": row.cosine_content,
            }

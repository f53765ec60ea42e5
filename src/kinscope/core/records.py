"""Bases of every typed record and every settings file."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen, typed result. Field names carry the unit: ``rmsf_angstrom``, ``length_ns``."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class VersionedRecord(Record):
    """A record that is written to disk on its own and must be readable by later versions."""

    SCHEMA_VERSION: ClassVar[int] = 1
    schema_version: int = 1


class Settings(BaseModel):
    """Frozen settings with units in the field names and bounds on the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

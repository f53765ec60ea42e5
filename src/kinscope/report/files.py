"""What the report needs beside the result: where the models and poses lie, and the names of things."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from kinscope.core.records import Record
from kinscope.targets.pack import DrugDefinition, Region, StateDefinition, TargetPack


class ModelFile(Record):
    """The coordinates of one model."""

    state: str
    """State id, as in ``ModelRecord.state``."""
    variant: str
    """``native`` or the variant's short name, as in ``ModelRecord.variant``."""
    alternative: int = 0
    path: Path
    """mmCIF by the conventions of :mod:`kinscope.structures.model`, gzip allowed."""


class PoseFile(Record):
    """One pose of one drug, in the frame of the state's models."""

    drug: str
    state: str
    role: Literal["reference", "native", "mutant"]
    """``reference``: from the co-crystal; ``native`` and ``mutant``: best docked pose in that model."""
    path: Path
    """SDF; only the first molecule is read."""


class MovingFiles(Record):
    """The replicas of one side in one state, of which a report may speak."""

    state: str
    variant: str
    """``native`` or the variant's short name."""
    replicas: tuple[Path, ...]
    """Directories of finished replicas."""
    model: Path
    """The native's, on which frames are laid."""


class DifferenceTrack(Record):
    """A per-residue difference of fluctuation, mutant minus native, as analysis computed it."""

    state: str
    residues: tuple[int, ...]
    difference_angstrom: tuple[float, ...]
    low_angstrom: tuple[float, ...] = ()
    high_angstrom: tuple[float, ...] = ()
    """Ends of the interval; empty where there is none."""
    resolved: tuple[bool, ...] = ()
    """Whether the corrected test excludes zero; empty where no test was made."""


class Picture(Record):
    """A picture of a model, drawn beforehand."""

    name: str
    caption: str
    path: Path
    """PNG."""


class ReportFiles(Record):
    """Everything the report shows that ``result.json`` does not hold. Every part may be missing."""

    regions: tuple[Region, ...] = ()
    """``TargetPack.regions``."""
    states: tuple[StateDefinition, ...] = ()
    """``TargetPack.states``, for their labels."""
    drugs: tuple[DrugDefinition, ...] = ()
    """``TargetPack.drugs``, for names and binding types."""
    protein_length: int | None = None
    """Residues of the reference isoform, for the domain figure; None: the end of the last region."""
    models: tuple[ModelFile, ...] = ()
    poses: tuple[PoseFile, ...] = ()
    moving: tuple[MovingFiles, ...] = ()
    difference_tracks: tuple[DifferenceTrack, ...] = ()
    pictures: tuple[Picture, ...] = ()
    commands: tuple[str, ...] = ()
    """Command lines that reproduce or resume the run, shown under methods."""

    @classmethod
    def of(cls, pack: TargetPack, **found: object) -> ReportFiles:
        """What a pack gives, and what was found beside it."""
        named = {"regions": pack.regions, "states": pack.states, "drugs": pack.drugs}
        return cls.model_validate({**named, "protein_length": len(pack.transcript.protein), **found})

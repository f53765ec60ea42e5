"""Target packs: what is known of a kinase, as data."""

from kinscope.targets.loader import (
    load_target,
    load_target_directory,
    shipped_target_of,
    target_names,
    target_reference,
)
from kinscope.targets.pack import (
    DrugDefinition,
    ExonBlock,
    Isoform,
    Region,
    StateDefinition,
    TargetPack,
    Transcript,
)

__all__ = [
    "DrugDefinition",
    "ExonBlock",
    "Isoform",
    "Region",
    "StateDefinition",
    "TargetPack",
    "Transcript",
    "load_target",
    "load_target_directory",
    "shipped_target_of",
    "target_names",
    "target_reference",
]

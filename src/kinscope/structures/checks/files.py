"""Checking shipped models, and structures that a user brings."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinscope.core.errors import StructureError
from kinscope.structures.checks.model import ModelCheck, check_model
from kinscope.structures.reference.build import available_states, reference_model
from kinscope.structures.wwpdb.entries import chain_of_structure, protein_chains
from kinscope.structures.wwpdb.source import MIRROR_VARIABLE, PdbSource, read_structure_file
from kinscope.targets.pack import TargetPack


def check_shipped(
    pack: TargetPack, states: Sequence[str] | None = None, mirror: Path | None = None
) -> list[ModelCheck]:
    """Check the shipped models of a pack, against their crystals too where a mirror is at hand.

    Every shipped state if none is named; the mirror is ``KINSCOPE_PDB_MIRROR`` if None.

    Raises StructureError if a named state has no model.
    """
    source = PdbSource(mirror) if mirror is not None or os.environ.get(MIRROR_VARIABLE) else None
    checks = []
    for state_id in states or available_states(pack):
        atoms, record = reference_model(pack, state_id)
        checks.append(check_model(atoms, record, source, pack, name=state_id))
    return checks


def check_structures(paths: Sequence[Path], pack: TargetPack) -> list[ModelCheck]:
    """Check every chain of the target in structure files from anywhere (PDB or mmCIF, gzip allowed).

    Raises StructureError if a file cannot be read or holds no chain of the target.
    """
    checks = []
    for path in paths:
        structure = read_structure_file(path)
        chains = protein_chains(structure, pack)
        if not chains:
            raise StructureError(
                f"No chain of this structure is of {pack.gene}.",
                where=str(path),
                remedy="Give a structure that holds the kinase, or choose another target.",
            )
        for chain in chains:
            label = f"{path.name}:{chain}"
            atoms = chain_of_structure(structure, chain, pack, label=label).atoms
            entry = f"{entry_code(structure)}:{chain}"
            checks.append(check_model(atoms, pack=pack, name=label, entry=entry))
    return checks


def entry_code(structure: Any) -> str:
    """The wwPDB code that a ``gemmi.Structure`` says it has, upper case; empty if none."""
    known = dict(structure.info)
    code = str(known.get("_entry.id", "") or structure.name).strip().upper()
    return code if re.fullmatch(r"[0-9][A-Z0-9]{3}", code) else ""

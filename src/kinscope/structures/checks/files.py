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
from kinscope.targets.loader import load_target, target_names
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


def check_structures(paths: Sequence[Path], pack: TargetPack | None = None) -> list[ModelCheck]:
    """Check every chain of a target in structure files from anywhere (PDB or mmCIF, gzip allowed).

    ``pack``: the target; if None the first shipped one that each file holds. A file without hydrogens is
    judged as a crystal, on what it holds.

    Raises StructureError if a file cannot be read or holds no chain of the target; the error names the
    shipped target that it holds.
    """
    checks = []
    for path in paths:
        structure = read_structure_file(path)
        found, chains = target_of(structure, path, pack)
        named = (dict(structure.info).get("_entry.id", "") or structure.name).strip().upper()
        code = named if re.fullmatch(r"[0-9][A-Z0-9]{3}", named) else ""
        for chain in chains:
            label = f"{path.name}:{chain}"
            atoms = chain_of_structure(structure, chain, found, label=label).atoms
            entry = f"{code}:{chain}"
            bare = not any(atom.is_hydrogen() for residue in structure[0][chain] for atom in residue)
            checks.append(check_model(atoms, pack=found, name=label, entry=entry, crystal=bare))
    return checks


def target_of(structure: Any, path: Path, pack: TargetPack | None) -> tuple[TargetPack, tuple[str, ...]]:
    """The target that a ``gemmi.Structure`` holds, and its chains.

    ``pack``: whose chains are looked for; if None, those of each shipped one until there are some.

    Raises StructureError if it holds none of it, and names the shipped target that it does hold.
    """
    if pack is not None and (chains := protein_chains(structure, pack)):
        return pack, chains
    wanted = pack.gene if pack is not None else "a shipped target"
    what, remedy = (
        "",
        "Give a structure that holds the kinase, or a target pack of your own with --target DIR.",
    )
    for other in map(load_target, target_names()):
        if chains := protein_chains(structure, other):
            if pack is None:
                return other, chains
            what, remedy = f"; chain {chains[0]} is of {other.gene}", f"Give --target {other.directory.name}."
            break
    raise StructureError(f"No chain of this structure is of {wanted}{what}.", where=str(path), remedy=remedy)

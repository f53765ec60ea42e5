"""A user's structure file: found, bounded and read.

The file may be a crystal, a cryo-EM map's model, a prediction or a frame of a trajectory, written by any
program. It is hostile until shown otherwise: sizes are bounded, and nothing of its text leaves here
except through :func:`harmless`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinscope.core.errors import StructureError
from kinscope.core.quoting import plain_name
from kinscope.core.residues import one_letter, three_letter
from kinscope.structures.model import heavy_atoms
from kinscope.structures.wwpdb.numbering import letter_of
from kinscope.structures.wwpdb.source import PdbSource, inflated, parse_structure, read_stored

MAX_ATOMS = 500_000
"""A virus capsid; the kinase with everything it is crystallised with is a hundredth of it."""
MAX_CHAINS = 200
WATER = {"HOH", "DOD", "WAT", "TIP", "TIP3", "SOL", "H2O"}
_CODE = re.compile(r"[0-9][A-Za-z0-9]{3}|pdb_[0-9A-Za-z]{8}", re.IGNORECASE)


@dataclass(frozen=True)
class UserFile:
    """The content of a user's file."""

    name: str
    """Becomes :func:`harmless`, at most 60 characters."""
    body: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", plain_name(self.name))

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the content."""
        return hashlib.sha256(self.body).hexdigest()


def find_structure(
    named: str, *, mirror: Path | None = None, cache: Path | None = None, allow_download: bool = False
) -> Path:
    """The file a user means: a path, or a wwPDB code from the cache, the mirror or the network.

    The mirror is ``KINSCOPE_PDB_MIRROR`` if None. Raises StructureError if there is no such file, and no
    entry of that code at hand.
    """
    path = Path(named)
    try:
        if path.is_file():
            return path
        is_directory = path.is_dir()
    except (OSError, ValueError):
        is_directory = False
    if not is_directory and _CODE.fullmatch(named.strip()):
        source = PdbSource(mirror, cache, allow_download=allow_download)
        return source.entry_path(named)
    raise StructureError(
        "The structure is a directory, not a file." if is_directory else "There is no such structure file.",
        where=plain_name(named, 200) or "--structure",
        remedy="Give the path of a PDB or mmCIF file, or the code of a wwPDB entry such as 2HYY.",
    )


def read_user_file(path: Path) -> UserFile:
    """The bytes of a structure file, its size bounded.

    Raises StructureError if it cannot be read or is too large.
    """
    return UserFile(name=path.name, body=read_stored(path))


def parse_user_file(file: UserFile) -> Any:
    """The ``gemmi.Structure`` of a user's file: names made ordinary.

    Raises StructureError if it is neither PDB nor mmCIF, is damaged, holds no atom, or is too large.
    """
    structure = parse_structure(inflated(file.body, file.name), file.name)
    first = structure[0]
    if first.count_atom_sites() > MAX_ATOMS or len(first) > MAX_CHAINS:
        raise StructureError(
            f"The structure holds {first.count_atom_sites()} atoms in {len(first)} chains; at most "
            f"{MAX_ATOMS} atoms and {MAX_CHAINS} chains are read.",
            where=file.name,
            remedy="Give a file that holds the kinase only.",
        )
    parents = {item.res_id.name: item.parent_comp_id for item in getattr(structure, "mod_residues", ())}
    for chain in first:
        for residue in chain:
            parent = one_letter(parents.get(residue.name, ""))
            if parent != "X" and letter_of(residue.name) == "X":
                residue.name, residue.het_flag = three_letter(parent), "A"
                for index in reversed(range(len(residue))):
                    if residue[index].name not in heavy_atoms(residue.name):
                        del residue[index]
    return structure

"""FASPR, a published side-chain packer, on the same task as ours: the yardstick of the benchmark.

Huang, Pearce & Zhang, Bioinformatics 2020, 36, 3758 (MIT licence). It is no dependency: the ``benchmark``
extra brings it as pyfaspr (source only, needs a C++ compiler), or name the executable; its rotamer library,
``dun2010bbdep.bin``, must lie beside it.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Container
from pathlib import Path

import numpy as np

from kinscope.core.errors import BadInputError, ComputationError
from kinscope.core.residues import one_letter
from kinscope.structures.crystal_chains import CrystalModel
from kinscope.structures.model import AtomArray
from kinscope.structures.mutation import MutationSettings
from kinscope.structures.packing_sites import (
    Residue,
    neighbours_to_repack,
    new_side_chain,
    residues_of,
    substituted_residue,
)
from kinscope.structures.preparation import pdb_text
from kinscope.structures.side_chain_recovery import Packer

_LIMIT_SECONDS = 120
PUBLISHED = (
    "FASPR: not installed, published figures: 69.1 % of all chi angles within 20 degrees (Huang et al.,\n"
    "Bioinformatics 2020, 36, 3758); SCWRL4: chi1 86 %, chi1+2 75 % within 40 degrees (Krivov et al.,\n"
    "Proteins 2009, 77, 778); both of 379 crystals with every side chain repacked at once.\n"
    "`pip install pyfaspr` (C++ compiler needed) or --faspr runs FASPR on these residues."
)


def find_faspr(given: Path | None = None) -> Path | None:
    """The FASPR executable: the one given, else pyfaspr's, else None.

    Raises
    ------
    BadInputError
        If the one given cannot be used.
    """
    if given is not None:
        if not given.is_file() or not (given.parent / "dun2010bbdep.bin").is_file():
            raise BadInputError(
                "This is no FASPR executable with its rotamer library beside it.",
                where=str(given),
                remedy="Give the path of the executable FASPR, with dun2010bbdep.bin in its directory.",
            )
        return given.resolve()
    from importlib.util import find_spec

    spec = find_spec("pyfaspr")
    if spec is None or not spec.origin:
        return None
    path = Path(spec.origin).parent / "bin" / "FASPR"
    return path if path.is_file() else None


def faspr_packer(executable: Path, free: Callable[[CrystalModel, int], Container[int]]) -> Packer:
    """FASPR on one residue.

    Parameters
    ----------
    executable
        FASPR.
    free
        The residues it may repack besides the one asked for; all others keep the crystal's side chain.
    """

    def pack(crystal: CrystalModel, number: int) -> list[Residue]:
        atoms = crystal.atoms
        kept = (np.asarray(atoms.element) != "H") & ~np.isin(atoms.res_name, ("ACE", "NME"))
        heavy = atoms[kept]
        loose = free(crystal, number)
        letters = [
            one_letter(residue.name) if n == number or n in loose else one_letter(residue.name).lower()
            for n, residue in residues_of(heavy).items()
        ]
        return [residues_of(_packed(executable, heavy, "".join(letters)))[number]]

    return pack


def kinscope_neighbours(settings: MutationSettings) -> Callable[[CrystalModel, int], Container[int]]:
    """The residues that kinscope's packing of a residue repacks with it."""

    def neighbours(crystal: CrystalModel, number: int) -> Container[int]:
        residues = residues_of(crystal.atoms)
        fresh = substituted_residue(residues[number], residues.get(number - 1), residues[number].name)
        target = new_side_chain(fresh)
        return neighbours_to_repack(residues, [target], {number}, settings.repack_radius_angstrom)

    return neighbours


def _packed(executable: Path, heavy: AtomArray, sequence: str) -> AtomArray:
    """FASPR's answer for one chain of heavy atoms; lower-case letters stay as they are."""
    with tempfile.TemporaryDirectory(prefix="kinscope-faspr-") as name:
        folder = Path(name)
        (folder / "in.pdb").write_text(pdb_text(heavy))
        (folder / "sequence.txt").write_text(sequence + "\n")
        command = [str(executable), "-i", "in.pdb", "-o", "out.pdb", "-s", "sequence.txt"]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ComputationError(
                f"FASPR could not be run ({error}).", where=str(executable), remedy="Give another --faspr."
            ) from error
        written = folder / "out.pdb"
        if done.returncode or not written.is_file():
            raise ComputationError(
                f"FASPR failed: {(done.stdout + done.stderr).strip()[-300:] or 'it wrote nothing'}",
                where=str(executable),
                remedy="Try it by hand, or leave --faspr out.",
            )
        return _read(written.read_text())


def _read(text: str) -> AtomArray:
    import biotite.structure as struc

    lines = [line for line in text.splitlines() if line.startswith("ATOM")]
    atoms = struc.AtomArray(len(lines))
    for index, line in enumerate(lines):
        atoms.atom_name[index] = line[12:16].strip()
        atoms.res_name[index] = line[17:20].strip()
        atoms.res_id[index] = int(line[22:26])
        atoms.element[index] = line[12:16].strip()[0]
        atoms.coord[index] = [float(line[at : at + 8]) for at in (30, 38, 46)]
    return atoms

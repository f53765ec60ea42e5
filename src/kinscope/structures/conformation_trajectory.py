"""Frames of a trajectory for the atoms of one chain: mapped to the topology, read in blocks, made whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.targets.pack import TargetPack

_FRAMES_AT_ONCE = 20
_NANOMETRE = 10.0


class _Reader(Protocol):
    def read(self, n_frames: int, *, atom_indices: NDArray[np.intp]) -> tuple[Any, ...]:
        """The next frames."""


def mapped_chain(topology: Path, pack: TargetPack, chain: str) -> tuple[str, Any, NDArray[np.intp], int]:
    """A chain of the target in a topology, and where its atoms stand in a frame.

    Returns
    -------
    tuple
        The chain's name, its heavy atoms in the target's numbering, the place of each in the file's order of
        atoms, and how many atoms the file holds.

    Raises
    ------
    StructureError
        If there is no such chain, or atoms share a number.
    """
    from kinscope.structures.entries import chain_of_structure, protein_chains
    from kinscope.structures.source import read_structure_file

    structure = read_structure_file(topology)
    names = protein_chains(structure, pack)
    if not names or (chain and chain not in names):
        raise StructureError(
            f"No chain {chain + ' ' if chain else ''}of this structure is of {pack.gene}.",
            where=str(topology),
            remedy=f"Its chains of {pack.gene}: {', '.join(names) or 'none'}.",
        )
    name = chain or names[0]
    found = chain_of_structure(structure, name, pack, label=f"{topology.name}:{name}")
    serials = sorted(site.atom.serial for site in structure[0].all())
    if len(set(serials)) < len(serials):
        raise StructureError(
            "Atoms of the topology share a number, so it cannot be told which of a frame they are.",
            where=str(topology),
            remedy="Write the topology as mmCIF, or number its atoms from 1 on.",
        )
    order = {serial: place for place, serial in enumerate(serials)}
    author = {label: number for number, label in found.author_numbers.items()}
    places: dict[tuple[int, str], int] = {}
    for residue in structure[0][name]:
        number = author.get(str(residue.seqid))
        if number is not None:
            for atom in residue:
                atom_name = "SD" if (residue.name, atom.name) == ("MSE", "SE") else atom.name
                places.setdefault((number, atom_name), order[atom.serial])
    keys = [
        (int(number), str(label))
        for number, label in zip(found.atoms.res_id, found.atoms.atom_name, strict=True)
    ]
    # An atom that was renamed while the chain was read has no place; what rests on it is not measured.
    known = np.array([key in places for key in keys], dtype=bool)
    rows = np.array([places[key] for key in keys if key in places], dtype=np.intp)
    return name, found.atoms[known], rows, len(serials)


def positions(
    path: Path, rows: NDArray[np.intp], total: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64] | None, float | None]]:
    """Coordinates (n, 3) of some atoms, box (3, 3) in angstrom and time (ps) of every frame.

    Parameters
    ----------
    path
        XTC or DCD.
    rows
        Places of the wanted atoms in a frame.
    total
        How many atoms a frame must hold.

    Raises
    ------
    StructureError
        If the file is missing, damaged, of another kind or of other atoms.
    """
    kind = path.suffix.lower()
    if kind not in (".xtc", ".dcd"):
        raise StructureError(
            "This is no trajectory that can be read.", where=str(path), remedy="Give an XTC or DCD file."
        )
    if not path.is_file():
        raise StructureError("There is no such trajectory.", where=str(path), remedy="Check the path.")
    import biotraj  # type: ignore[import-untyped]

    opener = biotraj.XTCTrajectoryFile if kind == ".xtc" else biotraj.DCDTrajectoryFile
    try:
        with opener(str(path), "r") as handle:
            _check_size(handle, path, total)
        with opener(str(path), "r") as handle:
            while True:
                block = _next_block(handle, rows, kind)
                if not block:
                    return
                yield from block
    except StructureError:
        raise
    except (OSError, RuntimeError, ValueError, TypeError, IndexError) as error:
        why = str(error).splitlines()[0][:160] if str(error) else "it cannot be read"
        raise StructureError(
            f"The trajectory is damaged ({why}).",
            where=str(path),
            remedy="Write it again, or cut it before the damage.",
        ) from None


def _check_size(handle: Any, path: Path, total: int) -> None:
    first = handle.read(1)[0]
    if len(first) and first.shape[1] != total:
        raise StructureError(
            f"The frames hold {first.shape[1]} atoms, the topology {total}.",
            where=str(path),
            remedy="Give the topology that the trajectory was written with.",
        )


def _next_block(
    handle: _Reader, rows: NDArray[np.intp], kind: str
) -> list[tuple[NDArray[np.float64], NDArray[np.float64] | None, float | None]]:
    if kind == ".xtc":
        coordinates, times, _, boxes = handle.read(_FRAMES_AT_ONCE, atom_indices=rows)
        scale = _NANOMETRE
    else:
        coordinates, lengths, angles = handle.read(_FRAMES_AT_ONCE, atom_indices=rows)
        times = [None] * len(coordinates)
        boxes = None if lengths is None else [_box(*sides) for sides in zip(lengths, angles, strict=True)]
        scale = 1.0
    return [
        (
            np.asarray(xyz, dtype=np.float64) * scale,
            None if boxes is None else np.asarray(boxes[place], dtype=np.float64) * scale,
            None if times[place] is None else float(times[place]),
        )
        for place, xyz in enumerate(coordinates)
    ]


def _box(lengths: NDArray[Any], angles: NDArray[Any]) -> NDArray[np.float64]:
    """Box vectors as rows, from lengths and angles (degrees)."""
    a, b, c = (float(value) for value in lengths)
    alpha, beta, gamma = (math.radians(float(value)) for value in angles)
    if min(a, b, c) <= 0 or math.sin(gamma) == 0:
        return np.zeros((3, 3))
    x, y = math.cos(beta), (math.cos(alpha) - math.cos(beta) * math.cos(gamma)) / math.sin(gamma)
    z = math.sqrt(max(0.0, 1.0 - x * x - y * y))
    return np.array([[a, 0.0, 0.0], [b * math.cos(gamma), b * math.sin(gamma), 0.0], [c * x, c * y, c * z]])


def whole(coordinates: NDArray[np.float64], box: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """A chain that the periodic box may have cut, joined: each atom nearest to the one before it."""
    if box is None or abs(np.linalg.det(box)) < 1e-6:
        return coordinates
    steps = np.diff(coordinates, axis=0)
    wraps = np.rint(steps @ np.linalg.inv(box))
    if not wraps.any():
        return coordinates
    joined = coordinates.copy()
    joined[1:] -= np.cumsum(wraps, axis=0) @ box
    return joined

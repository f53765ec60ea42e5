"""From a model to a packing problem: which side chains move, and what each can look like."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray
from kinscope.structures.side_chains.energy import Array, residue_types
from kinscope.structures.side_chains.packing import PER_CONFORMER, Position
from kinscope.structures.side_chains.rotamers import (
    PROTON_CHI,
    Floats,
    Rotamer,
    bonds_within,
    build_conformers,
    chi_angles,
    chi_difference_degrees,
    conformer_angles,
    place_template,
    rotamers_of,
    rotamers_on,
    set_dihedrals,
    template,
)
from kinscope.structures.stereochemistry import dihedrals

FRAME = ("N", "H", "CA", "C", "O")
"""Atoms of a substituted residue that stay; everything else is new."""
_FIXED_OF_NEIGHBOUR = frozenset({*FRAME, "HA", "HA2", "HA3"})
_RT_KCAL_PER_MOL = 0.593
_SHARE_WEIGHT = 2.0
"""How much the logarithm of a rotamer's share counts (docs/why/structures.md)."""
_LEAST_SHARE = 1e-4
"""Rarer rotamers cost no more: no library has seen enough of them."""
_LONGEST_PEPTIDE_BOND_ANGSTROM = 2.0
_SPREAD_DEGREES = 12.0
"""About one standard deviation of a chi angle within a rotamer."""
_OFF_CENTRE_KCAL_PER_MOL = 0.3
"""RT/2: a harmonic well at one standard deviation."""
_NEVER_REPACKED = frozenset({"GLY", "ALA", "PRO", "PTR", "ACE", "NME"})
_DISULPHIDE_ANGSTROM = 2.5


@dataclass(frozen=True)
class Residue:
    """One residue of a model as plain arrays."""

    number: int
    name: str
    atom_names: tuple[str, ...]
    coord: Floats
    """Shape (n_atoms, 3), angstrom."""

    def at(self, atom: str) -> Floats:
        """Coordinates (3,) of an atom."""
        return np.asarray(self.coord[self.atom_names.index(atom)])


def residue_spans(atoms: AtomArray) -> list[tuple[int, int, int]]:
    """Number, first atom and one past the last atom of each residue."""
    numbers = np.asarray(atoms.res_id)
    starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist()]
    stops = [*starts[1:], len(numbers)]
    return [(int(numbers[start]), start, stop) for start, stop in zip(starts, stops, strict=True)]


def joined(parts: Sequence[AtomArray]) -> AtomArray:
    """One model of consecutive pieces."""
    import biotite.structure as struc

    return struc.concatenate(list(parts))


def residues_of(atoms: AtomArray) -> dict[int, Residue]:
    """Residues of a model by number, in the order of the chain."""
    return {
        number: Residue(
            number,
            str(atoms.res_name[start]),
            tuple(str(atom) for atom in atoms.atom_name[start:stop]),
            np.asarray(atoms.coord[start:stop], dtype=np.float64),
        )
        for number, start, stop in residue_spans(atoms)
    }


def rows_of(atoms: AtomArray) -> dict[tuple[int, str], int]:
    """Row of every atom by residue number and name."""
    keys = zip(atoms.res_id.tolist(), atoms.atom_name.tolist(), strict=True)
    return {key: row for row, key in enumerate(keys)}


def substituted_residue(old: Residue, before: Residue | None, name: str, tautomer: str = "") -> Residue:
    """The new residue on the old one's backbone, in the template's own conformation.

    N, CA, C and O stay; the amide hydrogen is dropped for proline and made where a proline was.
    """
    kind = template(name, tautomer)
    frame: dict[str, Floats] = {a: old.at(a) for a in ("N", "CA", "C", "CB") if a in old.atom_names}
    coord = place_template(kind, frame)
    for index, atom in enumerate(kind.atom_names):
        if atom in FRAME and atom in old.atom_names:
            coord[index] = old.at(atom)
        elif atom == "H":
            coord[index] = amide_hydrogen(old, before)
    return Residue(old.number, name, kind.atom_names, coord)


def residue_atoms(old: AtomArray, residue: Residue, side_chain: dict[str, NDArray[np.float32]]) -> AtomArray:
    """A new residue as atoms of a model: backbone first, then the side chain, annotated as the old one is.

    Of ``residue`` the backbone counts; the side chain is coordinates (3,) by atom name, angstrom.
    """
    import biotite.structure as struc

    frame = [atom for atom in FRAME if atom in residue.atom_names]
    names = frame + [atom for atom in side_chain if atom not in frame]
    part = struc.AtomArray(len(names))
    for category in old.get_annotation_categories():
        if category not in part.get_annotation_categories():
            part.add_annotation(category, old.get_annotation(category).dtype)
        part.get_annotation(category)[:] = old.get_annotation(category)[0]
    part.res_name[:] = residue.name
    part.atom_name[:] = names
    part.element[:] = [atom.lstrip("0123456789")[0] for atom in names]
    part.coord = np.array([residue.at(a) if a in frame else side_chain[a] for a in names], dtype=np.float32)
    if "charge" in part.get_annotation_categories():
        part.charge[:] = 0
    return part


def amide_hydrogen(residue: Residue, before: Residue | None) -> Floats:
    """Position (3,) of the hydrogen on a backbone nitrogen: in the peptide plane, 1.01 angstrom."""
    nitrogen = residue.at("N")
    arms = [residue.at("CA")] + ([before.at("C")] if before is not None else [])
    outward = sum((nitrogen - arm) / np.linalg.norm(nitrogen - arm) for arm in arms)
    return np.asarray(nitrogen + 1.01 * outward / np.linalg.norm(outward))


def new_side_chain(residue: Residue, tautomer: str, rotamers: Sequence[Rotamer]) -> Position:
    """A substituted residue as a packing position: each rotamer (:func:`rotamers_at`), spread, and proton."""
    trials = conformer_angles(rotamers, _SPREAD_DEGREES)
    angles = [angle for _, angle in trials] or [()]
    coord = build_conformers(residue.name, residue.atom_names, residue.coord, angles)
    names = [rotamer.name for rotamer, _ in trials] or ["-"]
    cost = _share_cost(rotamers, names)
    for index, (rotamer, angle) in enumerate(trials):
        off_centre = np.count_nonzero(np.abs(np.subtract(angle, rotamer.chi_degrees)) > 1.0)
        cost[index] += _OFF_CENTRE_KCAL_PER_MOL * off_centre
    coord, names, cost = _with_protons(residue, coord, names, cost)
    moved = [i for i, atom in enumerate(residue.atom_names) if atom not in FRAME]
    prefix = f"{tautomer} " if tautomer else ""
    return _position(residue, moved, coord, [prefix + name for name in names], cost)


def native_side_chain(
    residue: Residue, bonus_kcal_per_mol: float, rotamers: Sequence[Rotamer] | None = None
) -> Position:
    """A neighbour as a packing position: as it is, with other proton torsions, and its rotamers."""
    rotamers = rotamers if rotamers is not None else rotamers_of(residue.name)
    trials = conformer_angles(rotamers)
    native = residue.coord[None]
    coord = np.concatenate([native, build_conformers(residue.name, residue.atom_names, residue.coord,
                                                     [angle for _, angle in trials])])  # fmt: skip
    names = ["native"] + [rotamer.name for rotamer, _ in trials]
    own = np.array([-bonus_kcal_per_mol], dtype=np.float32)
    cost = np.concatenate([own, _share_cost(rotamers, names[1:])])
    coord, names, cost = _with_protons(residue, coord, names, cost)
    coord, names = np.concatenate([native, coord]), ["native", *names]
    cost = np.concatenate([own - 0.2, cost])  # the native proton wins a tie
    moved = [i for i, atom in enumerate(residue.atom_names) if atom not in _FIXED_OF_NEIGHBOUR]
    return _position(residue, moved, coord, names, cost)


def _share_cost(rotamers: Sequence[Rotamer], labels: Sequence[str]) -> Array:
    shares = {rotamer.name: rotamer.share_percent for rotamer in rotamers}
    top = max(shares.values(), default=1.0)
    logs = [np.log(max(shares.get(label, top) / top, _LEAST_SHARE)) for label in labels]
    return np.array(logs, dtype=np.float32) * np.float32(-_SHARE_WEIGHT * _RT_KCAL_PER_MOL)


def rotamers_at(residues: dict[int, Residue], number: int, name: str) -> tuple[Rotamer, ...]:
    """Rotamers of a residue kind with their shares on the backbone that a model has at a place."""
    return rotamers_on(name, *backbone_angles(residues, number))


def backbone_angles(residues: dict[int, Residue], number: int) -> tuple[float | None, float | None]:
    """Phi and psi of a residue, degrees; None where the chain ends or a neighbour is missing."""
    before, here, after = (residues.get(number + step) for step in (-1, 0, 1))
    if here is None:
        return None, None
    n, ca, c = (here.at(atom) for atom in ("N", "CA", "C"))
    phi = psi = None
    if before is not None and "C" in before.atom_names and _bonded(before.at("C"), n):
        phi = float(dihedrals(before.at("C"), n, ca, c))
    if after is not None and "N" in after.atom_names and _bonded(c, after.at("N")):
        psi = float(dihedrals(n, ca, c, after.at("N")))
    return phi, psi


def _bonded(carbon: Floats, nitrogen: Floats) -> bool:
    return float(np.linalg.norm(carbon - nitrogen)) < _LONGEST_PEPTIDE_BOND_ANGSTROM


def rotamer_cost_kcal_per_mol(residues: dict[int, Residue], number: int) -> float:
    """What the rotamer in which a side chain stands costs on its backbone; 0 where its kind has none."""
    residue = residues[number]
    return float(_share_cost(rotamers_at(residues, number, residue.name), [nearest_rotamer(residue)])[0])


def _with_protons(
    residue: Residue, coord: Floats, names: list[str], cost: Array
) -> tuple[Floats, list[str], Array]:
    """Multiply conformers by the minima of a hydroxyl or thiol proton's torsion."""
    quartet, minima = PROTON_CHI.get(residue.name, ((), ()))
    if not quartet or not set(quartet) <= set(residue.atom_names):
        return coord, names, cost
    bonds = bonds_within(residue.name, residue.atom_names)
    turned = [
        set_dihedrals(coord, residue.atom_names, bonds, quartet, np.full(len(coord), value))
        for value in minima
    ]
    return np.concatenate(turned), names * len(minima), np.tile(cost, len(minima))


def _position(
    residue: Residue, moved: list[int], coord: Floats, labels: Sequence[str], cost: Array
) -> Position:
    names = tuple(residue.atom_names[i] for i in moved)
    types = residue_types(residue.name, residue.atom_names).take(np.array(moved, dtype=np.int64))
    count = len(coord)
    return Position(
        residue.number,
        residue.name,
        (names,) * count,
        tuple(np.asarray(coord[i][moved], dtype=np.float32) for i in range(count)),
        (types,) * count,
        tuple(labels),
        np.asarray(cost, dtype=np.float32),
    )


def merge_positions(parts: Sequence[Position]) -> Position:
    """Positions of one residue (its tautomers) as one."""
    lists: dict[str, Any] = {
        name: tuple(one for part in parts for one in getattr(part, name)) for name in PER_CONFORMER
    }
    return replace(parts[0], **lists, intrinsic=np.concatenate([part.intrinsic for part in parts]))


def neighbours_to_repack(
    residues: dict[int, Residue], targets: Sequence[Position], chosen: Container[int], radius_angstrom: float
) -> list[int]:
    """Residues whose side chain comes within the radius of the old or any new side chain of a target."""
    points = [np.concatenate(target.coord) for target in targets]
    points += [np.asarray(residues[target.residue].coord, dtype=np.float32) for target in targets]
    cloud = np.unique(np.round(np.concatenate(points), 0), axis=0)
    found = []
    for number, residue in residues.items():
        if number in chosen or residue.name in _NEVER_REPACKED or is_bridged(residue, residues.values()):
            continue
        side = [
            i
            for i, atom in enumerate(residue.atom_names)
            if atom not in _FIXED_OF_NEIGHBOUR and atom[0] != "H"
        ]
        gaps = np.linalg.norm(residue.coord[side][:, None] - cloud[None], axis=-1)
        if gaps.size and gaps.min() < radius_angstrom:
            found.append(number)
    return found


def is_bridged(residue: Residue, others: Iterable[Residue]) -> bool:
    """Whether a cysteine stands in a disulphide: no thiol hydrogen, another sulphur at bonding distance."""
    if residue.name != "CYS" or "HG" in residue.atom_names:
        return False
    return any(
        other.name == "CYS"
        and other.number != residue.number
        and float(np.linalg.norm(other.at("SG") - residue.at("SG"))) < _DISULPHIDE_ANGSTROM
        for other in others
    )


def prune(position: Position, window_kcal_per_mol: float, most: int) -> Position:
    """Drop hopeless conformers; the native one (first) always stays where there is one."""
    order = np.argsort(position.intrinsic, kind="stable")
    limit = position.intrinsic[order[0]] + window_kcal_per_mol
    kept = [int(i) for i in order[:most] if position.intrinsic[i] <= limit]
    if position.labels[0] == "native" and 0 not in kept:
        kept.append(0)
    return position.keep(np.array(sorted(kept), dtype=np.int64))


def nearest_rotamer(residue: Residue) -> str:
    """Name of the library's rotamer nearest to a residue's chi angles; ``-`` where it has none."""
    chis = chi_angles(residue.name, residue.atom_names, residue.coord)
    best, least = "-", float("inf")
    for rotamer in rotamers_of(residue.name):
        apart = sum(x * x for x in chi_difference_degrees(residue.name, chis, rotamer.chi_degrees))
        if apart < least:
            best, least = rotamer.name, apart
    return best

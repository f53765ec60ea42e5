"""The energy that packs rotamers: soft, pairwise and quick; the force field has the last word later.

Terms, kcal/mol: ff14SB Lennard-Jones with shrunken radii and capped repulsion (rotamers are discrete, so the
bare wall would reject good ones); ff14SB charges in the distance-dependent dielectric of Mehler & Solmajer
(Protein Eng. 1991, 4, 903); a directional hydrogen-bond term on explicit hydrogens; and the solvent-exclusion
model of Lazaridis & Karplus (EEF1; Proteins 1999, 35, 133) for what a group loses when it is buried.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.structures.forcefield.system import force_of, protein_forcefield

Array = NDArray[np.float32]

CUTOFF_ANGSTROM = 9.0
_RADIUS_SCALE = 0.92
_REPULSION_CAP = 8.0
_COULOMB = 332.06
_HBOND_DEPTH = 2.0
_HBOND_DISTANCE, _HBOND_WIDTH = 1.9, 0.35
_SOLVATION_WEIGHT = 0.7
_SOLVATION_RADIUS = {"C": 2.0, "N": 1.75, "O": 1.55, "S": 1.9}

# EEF1: volume (cubic angstrom) and free energy of solvation of the isolated group (kcal/mol).
_EEF1 = {
    "C": (14.7, 0.0), "CH1": (23.7, -0.25), "CH2": (22.4, 0.52), "CH3": (30.0, 1.50), "CAR": (18.4, 0.08),
    "NH1": (4.4, -8.9), "NR": (4.4, -4.0), "NH2": (11.2, -7.8), "NH3": (11.2, -20.0), "NC2": (11.2, -10.0),
    "NPRO": (4.4, -1.55), "OH": (10.8, -6.7), "O": (10.8, -5.85), "OC": (10.8, -10.0), "S": (14.7, -4.1),
    "SH": (21.4, -2.7),
}  # fmt: skip
_CHARGED = frozenset({"NH3", "NC2", "OC"})
_EEF1_SPECIAL = {
    ("LYS", "NZ"): "NH3", ("ARG", "NH1"): "NC2", ("ARG", "NH2"): "NC2", ("ARG", "NE"): "NH1",
    ("ASP", "OD1"): "OC", ("ASP", "OD2"): "OC", ("GLU", "OE1"): "OC", ("GLU", "OE2"): "OC",
    ("ASN", "ND2"): "NH2", ("GLN", "NE2"): "NH2", ("PRO", "N"): "NPRO", ("TRP", "NE1"): "NH1",
    ("SER", "OG"): "OH", ("THR", "OG1"): "OH", ("TYR", "OH"): "OH", ("MET", "SD"): "S", ("CYS", "SG"): "SH",
}  # fmt: skip
_AROMATIC = {"PHE", "TYR", "TRP", "HIS"}


@dataclass(frozen=True)
class AtomTypes:
    """Energy parameters of atoms, each array of shape (n_atoms,)."""

    charge: Array
    radius: Array
    """Half the Lennard-Jones minimum distance, angstrom."""
    root_depth: Array
    donor: NDArray[np.int64]
    """For a hydrogen that can bond, the index of its heavy atom; -1 otherwise."""
    acceptor: NDArray[np.bool_]
    volume: Array
    solvation: Array
    """Free energy of solvation over the correlation length, kcal/mol/angstrom."""
    length: Array
    """EEF1 correlation length, angstrom."""
    solvation_radius: Array
    heavy: NDArray[np.bool_]

    def take(self, where: Any) -> AtomTypes:
        """The types of some atoms, in order; donors are renumbered (-1 where left out)."""
        picked = np.arange(len(self.charge))[where]
        place = np.full(len(self.charge) + 1, -1, dtype=np.int64)
        place[picked] = np.arange(len(picked))
        fields = {name: getattr(self, name)[picked] for name in self.__dataclass_fields__ if name != "donor"}
        return AtomTypes(donor=place[self.donor[picked]], **fields)


def join_types(parts: list[AtomTypes]) -> AtomTypes:
    """Types of several residues one after another."""
    offsets = np.cumsum([0] + [len(part.charge) for part in parts[:-1]])
    donors = [
        np.where(part.donor >= 0, part.donor + shift, -1) for part, shift in zip(parts, offsets, strict=True)
    ]
    others = [name for name in AtomTypes.__dataclass_fields__ if name != "donor"]
    fields = {name: np.concatenate([getattr(part, name) for part in parts]) for name in others}
    return AtomTypes(donor=np.concatenate(donors), **fields)


@lru_cache(maxsize=256)
def residue_types(name: str, atom_names: tuple[str, ...]) -> AtomTypes:
    """Energy parameters of one residue, caps included, by its atoms' names."""
    charge, sigma, depth, elements, neighbours = _force_field_atoms(name, atom_names)
    donor = np.full(len(atom_names), -1, dtype=np.int64)
    groups = []
    for index, atom in enumerate(atom_names):
        if elements[index] == "H" and elements[neighbours[index][0]] in "NOS":
            donor[index] = neighbours[index][0]
        groups.append(_eef1_group(name, atom, elements[index], [elements[n] for n in neighbours[index]]))
    solvation = np.array([_EEF1[group][1] if group else 0.0 for group in groups])
    length = np.array([6.0 if group in _CHARGED else 3.5 for group in groups])
    saturated = {"NH1", "NH2", "NH3", "NC2", "NPRO"}
    return AtomTypes(
        charge=np.asarray(charge, dtype=np.float32),
        radius=np.asarray(np.array(sigma) * 2 ** (1 / 6) / 2, dtype=np.float32),
        root_depth=np.asarray(np.sqrt(depth), dtype=np.float32),
        donor=donor,
        acceptor=np.array([e in "NOS" and g not in saturated for e, g in zip(elements, groups, strict=True)]),
        volume=np.array([_EEF1[group][0] if group else 0.0 for group in groups], dtype=np.float32),
        solvation=np.asarray(solvation / length, dtype=np.float32),
        length=np.asarray(length, dtype=np.float32),
        solvation_radius=np.array([_SOLVATION_RADIUS.get(e, 1.0) for e in elements], dtype=np.float32),
        heavy=np.array([e != "H" for e in elements]),
    )


def _eef1_group(name: str, atom: str, element: str, neighbours: list[str]) -> str:
    if element == "H":
        return ""
    if (name, atom) in _EEF1_SPECIAL:
        return _EEF1_SPECIAL[name, atom]
    hydrogens = neighbours.count("H")
    if element == "C":
        if name in _AROMATIC and atom not in {"C", "CA", "CB"}:
            return "CAR"
        return ("C", "CH1", "CH2", "CH3")[min(hydrogens, 3)]
    if element == "N":
        return "NH1" if hydrogens else "NR"
    return "S" if element == "S" else "O"


def _force_field_atoms(
    name: str, atom_names: tuple[str, ...]
) -> tuple[list[float], list[float], list[float], list[str], list[list[int]]]:
    """Charge (e), sigma (A), depth (kcal/mol), element and bonded atoms of a residue, capped, in ff14SB."""
    from openmm import app, unit

    topology = app.Topology()
    chain = topology.addChain("A")
    caps = {"ACE": ("CH3", "C", "O", "H1", "H2", "H3"), "NME": ("N", "H", "C", "H1", "H2", "H3")}
    spacer = ("ALA", ("N", "H", "CA", "HA", "CB", "HB1", "HB2", "HB3", "C", "O"))
    middle: tuple[str, tuple[str, ...]] = spacer if name in caps else (name, atom_names)
    for kind, atoms in [("ACE", caps["ACE"]), middle, ("NME", caps["NME"])]:
        residue = topology.addResidue(kind, chain)
        for atom in atom_names if kind == name else atoms:
            symbol = atom.lstrip("0123456789")[0]
            topology.addAtom(atom, app.Element.getBySymbol(symbol), residue)
    topology.createStandardBonds()
    try:
        system = protein_forcefield().createSystem(topology, nonbondedMethod=app.NoCutoff)
    except ValueError as error:
        raise StructureError(
            f"A residue {name} with these atoms has no parameters in ff14SB: {' '.join(atom_names)}.",
            where=f"residue {name}",
            remedy="Prepare the structure first: all hydrogens, standard residues, capped ends.",
        ) from error
    nonbonded = force_of(system, "NonbondedForce")
    atoms_here = [atom for atom in topology.atoms() if atom.residue.name == name]
    first = atoms_here[0].index
    bonded: list[list[int]] = [[] for _ in atoms_here]
    for one, two in topology.bonds():
        for a, b in ((one, two), (two, one)):
            if a.residue.name == name and b.residue.name == name:
                bonded[a.index - first].append(b.index - first)
    parameters = [nonbonded.getParticleParameters(atom.index) for atom in atoms_here]
    return (
        [p[0].value_in_unit(unit.elementary_charge) for p in parameters],
        [p[1].value_in_unit(unit.angstrom) for p in parameters],
        [p[2].value_in_unit(unit.kilocalorie_per_mole) for p in parameters],
        [atom.element.symbol.upper() for atom in atoms_here],
        bonded,
    )


def pair_energies(
    first: Array, first_types: AtomTypes, second: Array, second_types: AtomTypes, weight: Array | None = None
) -> Array:
    """Interaction energies of two sets of conformers.

    Coordinates are (n_conformers, n_atoms, 3), angstrom; the weight (n_first_atoms, n_second_atoms) is 0 for
    bonded pairs. Returns shape (n_first_conformers, n_second_conformers), kcal/mol.
    """
    result = np.zeros((len(first), len(second)), dtype=np.float32)
    block = max(1, int(4e5 / max(1, first.shape[1] * second.shape[0] * second.shape[1])))
    for start in range(0, len(first), block):
        part = first[start : start + block]
        energy = _atom_pairs(part, first_types, second, second_types)
        if weight is not None:
            energy *= weight[None, :, None, :]
        result[start : start + block] = energy.sum(axis=(1, 3))
    return result


def _atom_pairs(first: Array, a: AtomTypes, second: Array, b: AtomTypes) -> Array:
    """Energies of every atom pair, shape (n_first, atoms, n_second, atoms)."""
    squared = _squared_distances(first, second)
    distance = np.sqrt(np.maximum(squared, 1.0))
    near = distance < CUTOFF_ANGSTROM
    shrunken = _RADIUS_SCALE * (a.radius[:, None, None] + b.radius[None, None, :])
    ratio6 = (shrunken / distance) ** 6
    depth = a.root_depth[:, None, None] * b.root_depth[None, None, :]
    energy = np.minimum(depth * (ratio6 * ratio6 - 2 * ratio6), _REPULSION_CAP)
    reach = np.maximum(distance, 1.6)
    dielectric = -8.5525 + 86.9525 / (1 + 7.7839 * np.exp(-0.003627 * 86.9525 * reach))
    fade = (1 - (reach / CUTOFF_ANGSTROM) ** 2) ** 2
    energy += _COULOMB * fade * a.charge[:, None, None] * b.charge[None, None, :] / (dielectric * reach)
    energy += _solvation(distance, a, b)
    energy *= near
    _add_hydrogen_bonds(energy, distance, first, a, second, b)
    turned = (2, 3, 0, 1)  # views: what is added to them is added to energy
    _add_hydrogen_bonds(energy.transpose(turned), distance.transpose(turned), second, b, first, a)
    return np.asarray(energy)


def _squared_distances(first: Array, second: Array) -> Array:
    x, y = first.reshape(-1, 3), second.reshape(-1, 3)
    squared = (x * x).sum(1)[:, None] + (y * y).sum(1)[None] - 2 * (x @ y.T)
    return np.asarray(squared.reshape(first.shape[0], first.shape[1], second.shape[0], second.shape[1]))


def _solvation(distance: Array, a: AtomTypes, b: AtomTypes) -> Array:
    """EEF1: what each group's solvation loses to the other's volume; zero for hydrogens."""
    scale = _SOLVATION_WEIGHT * 2 / (4 * np.pi**1.5)
    x = (distance - a.solvation_radius[:, None, None]) / a.length[:, None, None]
    y = (distance - b.solvation_radius[None, None, :]) / b.length[None, None, :]
    lost = a.solvation[:, None, None] * b.volume[None, None, :] * np.exp(-x * x)
    lost = lost + b.solvation[None, None, :] * a.volume[:, None, None] * np.exp(-y * y)
    heavy = a.heavy[:, None, None] & b.heavy[None, None, :]
    return np.asarray(-scale * lost / np.maximum(distance, 2.5) ** 2 * heavy)


def _add_hydrogen_bonds(
    energy: Array, distance: Array, first: Array, a: AtomTypes, second: Array, b: AtomTypes
) -> None:
    """Reward D-H...A in line: Gaussian in H...A, squared cosine of the angle at the hydrogen.

    Adds to ``energy`` in place for donors of the first set and acceptors of the second.
    """
    hydrogens, acceptors = np.flatnonzero(a.donor >= 0), np.flatnonzero(b.acceptor)
    if not len(hydrogens) or not len(acceptors):
        return
    heavy = _squared_distances(first[:, a.donor[hydrogens]], second[:, acceptors])
    bond = np.linalg.norm(first[:, hydrogens] - first[:, a.donor[hydrogens]], axis=-1)[:, :, None, None]
    block = np.ix_(np.arange(len(first)), hydrogens, np.arange(len(second)), acceptors)
    h_to_a = distance[block]
    cosine = (h_to_a**2 + bond**2 - heavy) / (2 * h_to_a * bond)
    well = np.exp(-(((np.maximum(h_to_a, _HBOND_DISTANCE) - _HBOND_DISTANCE) / _HBOND_WIDTH) ** 2))
    energy[block] -= _HBOND_DEPTH * well * np.square(np.minimum(cosine, 0.0))

"""Which structures the terms are taken in: a drug in a model of the pack, or in its crystal.

``affinity/complexes.yaml`` of the pack names them. The crystals' chains, completed and with hydrogens but not
relaxed, ship beside it, so that nothing outside the package is needed; ``benchmarks/affinity_complexes.py``
makes them anew from a mirror of the wwPDB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record
from kinscope.docking.engine import Mol
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.output import read_poses
from kinscope.structures.io import read_model
from kinscope.structures.reference.build import reference_model
from kinscope.structures.side_chains.energy import Array, AtomTypes
from kinscope.structures.side_chains.sites import Residue, residues_of
from kinscope.targets.pack import DrugDefinition, TargetPack

_GAFF = {
    "C": (1.908, 0.086), "N": (1.824, 0.170), "O": (1.661, 0.210), "F": (1.750, 0.061), "S": (2.000, 0.250),
    "P": (2.100, 0.200), "Cl": (1.948, 0.265), "Br": (2.220, 0.320), "I": (2.350, 0.400), "H": (1.460, 0.015),
    "polar H": (0.600, 0.0157),
}  # fmt: skip


@dataclass(frozen=True)
class BoundDrug:
    """A drug in its place, as the packing energy of side chains sees it.

    Lennard-Jones parameters are GAFF's (Wang et al., J. Comput. Chem. 2004, 25, 1157), by element; the drug
    has no charges here and displaces no solvent: a side chain feels contact and hydrogen bonds.
    """

    coord: Array
    """All atoms (n_atoms, 3), angstrom."""
    heavy: NDArray[np.bool_]
    contact: AtomTypes
    """Types that meet in van der Waals contact only."""
    bonding: AtomTypes
    """The same, with donors and acceptors of hydrogen bonds."""


def bound_drug(pose: Mol) -> BoundDrug:
    """The atoms of a pose with all hydrogens."""
    donor, acceptor, sizes = [], [], []
    for atom in pose.GetAtoms():
        symbol, first = atom.GetSymbol(), atom.GetNeighbors()[0]
        polar = symbol == "H" and first.GetSymbol() in "NOS"
        sizes.append(_GAFF.get("polar H" if polar else symbol, _GAFF["C"]))
        donor.append(first.GetIdx() if polar else -1)
        # of nitrogens those of a pyridine or nitrile: two neighbours at most, no hydrogen, no charge
        bare = atom.GetDegree() <= 2 and atom.GetTotalNumHs(True) == 0 and atom.GetFormalCharge() == 0
        acceptor.append(symbol == "O" or (symbol == "N" and bare))
    radius, depth = np.array(sizes, dtype=np.float32).T
    nothing, heavy = np.zeros_like(radius), np.array([a.GetAtomicNum() > 1 for a in pose.GetAtoms()])
    bonding = AtomTypes(
        charge=nothing, radius=radius, root_depth=np.sqrt(depth), donor=np.array(donor, dtype=np.int64),
        acceptor=np.array(acceptor), volume=nothing, solvation=nothing, length=nothing + np.float32(3.5),
        solvation_radius=nothing + np.float32(2.0), heavy=heavy,
    )  # fmt: skip
    contact = replace(bonding, donor=np.full(len(donor), -1), acceptor=np.zeros(len(donor), dtype=bool))
    return BoundDrug(
        np.asarray(pose.GetConformer().GetPositions(), dtype=np.float32), heavy, contact, bonding
    )


class ComplexPlan(Record):
    """One structure of one drug."""

    drug: str
    state: str = ""
    """A state of the pack in which the drug's pose ships; empty: the structure is a crystal."""
    crystal: str = ""
    """Entry, chain and ligand, such as ``2HYY:A:STI``."""
    core: str = ""
    """SMARTS of the part that the drug shares with ``template``, on which it is laid."""
    template: str = ""
    """The library's drug whose crystal it is."""

    @property
    def place(self) -> str:
        """``2HYY-A``, or the state."""
        return self.state or "-".join(self.crystal.split(":")[:2])

    @property
    def id(self) -> str:
        """``imatinib/2HYY-A``."""
        return f"{self.drug}/{self.place}"


class Plans(Record):
    """``complexes.yaml``."""

    active: str
    """The state that a drug of an inactive state competes with."""
    tail: str = ""
    """A state in which what the active one does not show is packed."""
    drugs: tuple[DrugDefinition, ...] = ()
    """Drugs of measured pairs that the library does not hold."""
    complexes: tuple[ComplexPlan, ...]

    def drug(self, pack: TargetPack, identifier: str) -> DrugDefinition:
        """A drug of the library or of these."""
        return next((drug for drug in self.drugs if drug.id == identifier), None) or pack.drug(identifier)


def load_plans(pack: TargetPack) -> Plans:
    """The structures that the pack names.

    Raises BadInputError if it names none, or the file does not follow its layout.
    """
    path, remedy = pack.directory / "affinity" / "complexes.yaml", "Write it as the abl1 pack has it."
    if not path.is_file():
        raise BadInputError(
            "The target pack names no structures for affinity.", where=str(path), remedy=remedy
        )
    try:
        return TypeAdapter(Plans).validate_python(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        what = f"The file cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg']}."
        raise BadInputError(what, where=str(path), remedy=remedy) from None


@dataclass(frozen=True)
class Complex:
    """A receptor, with or without a drug in it."""

    id: str
    residues: dict[int, Residue]
    drug: BoundDrug | None

    def shows(self, number: int) -> bool:
        """Whether a residue stands here, and no cap of the chain's end."""
        return number in self.residues and "CA" in self.residues[number].atom_names

    @cached_property
    def reach(self) -> dict[int, float]:
        """Shortest distance of each residue's heavy atoms to the drug's, angstrom; empty without a drug."""
        if self.drug is None:
            return {}
        drug = self.drug.coord[self.drug.heavy]
        found = {}
        for number, residue in self.residues.items():
            heavy = residue.coord[[atom.lstrip("0123456789")[0] != "H" for atom in residue.atom_names]]
            found[number] = float(np.linalg.norm(heavy[:, None] - drug[None], axis=-1).min())
        return found


def load_complex(pack: TargetPack, plans: Plans, plan: ComplexPlan) -> Complex:
    """A complex as it ships.

    Raises StructureError if its receptor or pose is missing.
    """
    if plan.state:
        drug = plans.drug(pack, plan.drug)
        further = plan.state if plan.state in drug.further_states else ""
        pose, atoms = reference_pose(pack, drug, state=further)[0], reference_model(pack, plan.state)[0]
    else:
        receptor, file = crystal_files(pack, plan)
        pose, atoms = read_poses(file)[0], read_model(receptor)
    return Complex(plan.id, residues_of(atoms), bound_drug(pose))


def empty_complex(pack: TargetPack, state: str) -> Complex:
    """A state's model without a drug."""
    return Complex(f"apo/{state}", residues_of(reference_model(pack, state)[0]), None)


def crystal_files(pack: TargetPack, plan: ComplexPlan) -> tuple[Path, Path]:
    """Receptor and pose of a crystal complex."""
    home = pack.directory / "affinity" / "complexes"
    return home / f"{plan.place}.cif.gz", home / f"{plan.drug}@{plan.place}.sdf"

"""Which structures the terms are taken in: a drug in a model of the pack, or in its crystal.

``affinity/complexes.yaml`` of the pack names them. The crystals' chains, completed and with hydrogens but not
relaxed, ship beside it, so that nothing outside the package is needed; ``benchmarks/affinity_complexes.py``
makes them anew from a mirror of the wwPDB.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from kinscope.affinity.ligand import BoundDrug, bound_drug
from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.output import read_poses
from kinscope.structures.io import read_model
from kinscope.structures.reference.build import reference_model
from kinscope.structures.side_chains.sites import Residue, residues_of
from kinscope.targets.pack import DrugDefinition, TargetPack


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

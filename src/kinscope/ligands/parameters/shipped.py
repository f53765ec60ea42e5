"""Force-field parameters of ligands: what they are, where they ship, and whether they fit a drug.

A set of parameters is two files: ``NAME.xml``, which OpenMM's ``ForceField`` reads beside Amber's protein
files, and ``NAME.json``, a :class:`LigandParameters` that says how it was made. Those of the drug library
ship with kinscope (:data:`SHIPPED`); ``kinscope parameters`` makes them, and those of any other ligand.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from kinscope.core.errors import LigandError
from kinscope.core.files import sha256_of_file
from kinscope.core.records import Record, VersionedRecord
from kinscope.results.notes import Note
from kinscope.targets.pack import DrugDefinition, TargetPack

SHIPPED = Path(str(files("kinscope.ligands"))) / "data" / "parameters"
"""Parameters of the drug library, one pair of files per drug, named by its id."""
PACK_DIRECTORY = "parameters"
"""In a target pack: parameters of its own drugs, or its own of a drug that ships."""
MAXIMUM_BYTES = 4_000_000
_REMEDY = "Make them anew: kinscope parameters"

Mol = Any


class LigandAtom(Record):
    """One atom, in the order of the molecule and of every trajectory."""

    name: str
    """Unique within the ligand: element and number, ``C12``."""
    element: str
    gaff2_type: str
    charge_e: float
    """The charges add up to the net charge exactly as written."""
    charge_spread_e: float
    """Standard deviation of the charge over the conformers, after symmetrisation."""


class EstimatedTerm(Record):
    """A bonded term that GAFF2 does not list and that parmchk2 took from a similar one."""

    kind: str
    """``bond``, ``angle``, ``dihedral`` or ``improper``."""
    atom_types: str
    source: str
    """What it was taken from, as parmchk2 says it."""
    penalty: float
    """parmchk2's penalty: 0 is the same chemistry; above 10 its authors advise care."""


class LigandParameters(VersionedRecord):
    """Provenance of a ligand's force field.

    Keys that it does not know are passed over: what someone made with an earlier version stays of use.
    """

    model_config = ConfigDict(extra="ignore")

    name: str
    residue_name: str
    """As the ligand is called in models and trajectories: its CCD code, or ``LIG``."""
    smiles: str
    """The form that was parametrised, protons and all."""
    smiles_sha256: str
    net_charge_e: int
    atoms: tuple[LigandAtom, ...]
    force_field: str
    charge_model: str
    conformers: int
    programs: dict[str, str]
    """Versions of what computed them."""
    estimated: tuple[EstimatedTerm, ...] = ()
    warnings: tuple[Note, ...] = ()
    forcefield_sha256: str
    """Of the XML file."""


@dataclass(frozen=True)
class LigandForceField:
    """A ligand's parameters, ready for a system."""

    record: LigandParameters
    xml_path: Path

    @property
    def atom_names(self) -> tuple[str, ...]:
        """Names in the order of the atoms."""
        return tuple(atom.name for atom in self.record.atoms)

    def molecule(self) -> Mol:
        """The molecule whose atoms stand in the order of the parameters, all hydrogens, no coordinates."""
        return molecule_in_order(self.record.smiles)


def molecule_in_order(smiles: str) -> Mol:
    """The molecule of a SMILES with hydrogens after the heavy atoms, as parameters and models order it."""
    from rdkit import Chem

    from kinscope.ligands.library import parse_smiles

    return Chem.AddHs(parse_smiles(smiles, where="ligand parameters"))


def atom_names(molecule: Mol) -> tuple[str, ...]:
    """Element and running number for every atom (n_atoms): ``C1``, ``N1``, ``C2`` ... ``H1``."""
    counts: dict[str, int] = {}
    names = []
    for atom in molecule.GetAtoms():
        symbol = atom.GetSymbol()
        counts[symbol] = counts.get(symbol, 0) + 1
        names.append(f"{symbol.upper()}{counts[symbol]}")
    return tuple(names)


def smiles_digest(smiles: str) -> str:
    """SHA-256 of a SMILES as written."""
    return hashlib.sha256(smiles.encode()).hexdigest()


def same_molecule(first: str, second: str) -> bool:
    """Whether two SMILES are one molecule in one form: protons, charges and stereochemistry alike."""
    from rdkit import Chem

    from kinscope.ligands.library import parse_smiles

    return first == second or len(
        {Chem.MolToSmiles(parse_smiles(one, where="ligand parameters")) for one in (first, second)}
    ) == 1  # fmt: skip


def read_parameters(directory: Path, name: str) -> LigandForceField:
    """Parameters from a directory, both files checked against each other.

    Raises LigandError if a file is missing, damaged, or not the one that the record describes.
    """
    record_path, xml_path = directory / f"{name}.json", directory / f"{name}.xml"
    try:
        if record_path.stat().st_size > MAXIMUM_BYTES or xml_path.stat().st_size > MAXIMUM_BYTES:
            raise ValueError("a file of parameters this large is none")
        record = LigandParameters.model_validate_json(record_path.read_bytes())
    except (OSError, ValueError) as error:
        raise LigandError(
            f"There are no complete force-field parameters of {name[:60]} here ({type(error).__name__}).",
            where=str(record_path),
            remedy=_REMEDY,
        ) from error
    for found, expected, path in (
        (sha256_of_file(xml_path), record.forcefield_sha256, xml_path),
        (smiles_digest(record.smiles), record.smiles_sha256, record_path),
    ):
        if found != expected:
            raise LigandError(
                "The force-field parameters are not those that their record describes.",
                where=str(path),
                remedy=_REMEDY,
            )
    return LigandForceField(record, xml_path)


def load_parameters(drug: DrugDefinition, directory: Path = SHIPPED) -> LigandForceField:
    """The parameters of a drug, made for exactly the form that its definition gives at pH 7.4.

    Raises LigandError if there are none, or they belong to another form of the drug.
    """
    found = read_parameters(directory, drug.id)
    if not same_molecule(found.record.smiles, drug.smiles_ph74):
        raise LigandError(
            f"The parameters of {drug.id} were made for another form of it: {found.record.smiles}.",
            where=f"drug {drug.id}, smiles_ph74: {drug.smiles_ph74}",
            remedy=f"{_REMEDY} {drug.id}",
        )
    return found


def directory_for(pack: TargetPack, drug: DrugDefinition) -> Path:
    """Where a drug's parameters are looked for: the pack's own ``parameters`` first, then what ships."""
    own = pack.directory / PACK_DIRECTORY
    return own if (own / f"{drug.id}.json").is_file() else SHIPPED


def has_parameters(drug: DrugDefinition, directory: Path = SHIPPED) -> bool:
    """Whether :func:`load_parameters` would find parameters of this very form of the drug."""
    try:
        load_parameters(drug, directory)
    except LigandError:
        return False
    return True

"""The drugs of a target pack as 3D molecules in the form they have at pH 7.4."""

from __future__ import annotations

import functools
import re
from typing import Any

from kinscope.core.errors import LigandError
from kinscope.core.quoting import quoted
from kinscope.core.records import Record
from kinscope.ligands.chemistry import add_conformers, quiet
from kinscope.ligands.stereo import refuse_impossible, refuse_open_stereo
from kinscope.targets.pack import DrugDefinition

Mol = Any
"""An ``rdkit.Chem.Mol``; with hydrogens and one conformer where a function says so."""

EMBEDDING_SEED = 20250614
"""Conformers are made the same way every time."""


class LigandIdentity(Record):
    """What a molecule is."""

    name: str
    smiles: str
    charge: int
    inchikey: str


def load_ligand(drug: DrugDefinition) -> Mol:
    """The drug at pH 7.4 with all hydrogens and one MMFF94-relaxed conformer (n_atoms, 3) in angstrom.

    The same call gives the same coordinates every time. Raises LigandError if the definition is
    inconsistent (see :func:`check_definition`).
    """
    from rdkit import Chem

    return Chem.Mol(_load(drug.id, drug.smiles, drug.smiles_ph74, drug.identifiers.get("InChIKey", "")))


@functools.lru_cache(maxsize=64)
def _load(identifier: str, smiles: str, smiles_ph74: str, inchikey: str) -> Mol:
    check_definition(identifier, smiles, smiles_ph74, inchikey)
    molecule = parse_smiles(smiles_ph74, where=f"drug {identifier}, smiles_ph74")
    embedded = embed(molecule, where=f"drug {identifier}")
    embedded.SetProp("_Name", identifier)
    return embedded


def check_definition(identifier: str, smiles: str, smiles_ph74: str, inchikey: str = "") -> None:
    """That both SMILES are one compound up to protonation, with all stereochemistry stated.

    Raises LigandError if a SMILES cannot be read, leaves stereochemistry open, differs from the other in
    more than hydrogens and charge, or does not match the InChIKey given.
    """
    where = f"drug {identifier}"
    neutral = parse_smiles(smiles, where=f"{where}, smiles")
    charged = parse_smiles(smiles_ph74, where=f"{where}, smiles_ph74")
    for molecule in (neutral, charged)[: 1 if smiles == smiles_ph74 else 2]:
        refuse_open_stereo(molecule, where=where, remedy="Write the SMILES with @/@@ and / \\ marks.")
    with quiet():
        if inchikey and _inchikey(neutral) != inchikey:
            raise LigandError(
                f"The SMILES has InChIKey {_inchikey(neutral)}, not {inchikey}.",
                where=where,
                remedy="Correct the SMILES or the identifier.",
            )
        # Both are neutralised: of a user's ligand the one form given stands for both.
        if _inchikey(neutralise(charged)) != _inchikey(neutralise(neutral)):
            raise LigandError(
                "smiles and smiles_ph74 are different compounds.",
                where=where,
                remedy="They may differ only in hydrogens and charges.",
            )


def identity(molecule: Mol, name: str = "") -> LigandIdentity:
    """SMILES, charge and InChIKey of a molecule."""
    from rdkit import Chem

    bare = Chem.RemoveHs(molecule)
    with quiet():
        key = _inchikey(bare)
    smiles, charge = Chem.MolToSmiles(bare), Chem.GetFormalCharge(bare)
    return LigandIdentity(name=name, smiles=smiles, charge=charge, inchikey=key)


def parse_smiles(smiles: str, *, where: str) -> Mol:
    """A sanitised molecule of a SMILES, or of a CXSMILES (``SMILES |...|``).

    Raises LigandError if RDKit cannot read it; the message carries RDKit's reason.
    """
    from rdkit import Chem

    problems = _written_wrongly(smiles)
    molecule = None
    if not problems and smiles.strip():
        with quiet():
            molecule = Chem.MolFromSmiles(smiles, sanitize=False)
            found = () if molecule is None else Chem.DetectChemistryProblems(molecule)
            problems = "; ".join(problem.Message() for problem in found)
            if molecule is not None and not problems:
                molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or problems or molecule.GetNumAtoms() == 0:
        raise LigandError(
            f"This SMILES is not a molecule{': ' + problems if problems else ''}.",
            where=f"{where}: {quoted(smiles, 120)}",
            remedy="Check brackets, ring closures and valences; quote the SMILES on the command line. A name "
            'stands behind it, after a blank: "SMILES NAME".',
        )
    molecule.RemoveAllConformers()
    return molecule


_RING_CLOSURE = re.compile(r"\[[^\]]*\]|([-=#$:/\\~]?)(?:%\(([0-9]+)\)|%([0-9]{2})|([0-9]))")
_DRAWS = {"a", "o", "&", "c", "t", "ctu", "w", "wU", "wD", "atomProp", "SgD", "lp"}
"""Parts of a CXSMILES that leave it one molecule (ChemAxon, Extended SMILES, docs.chemaxon.com)."""


def _written_wrongly(smiles: str) -> str:
    """What RDKit passes over in silence: a ring bond of two orders, an extension that is no one molecule."""
    if not (smiles.isascii() and smiles.isprintable()):
        return "it holds a character that no SMILES has"
    plain, _, extension = smiles.strip().partition(" ")
    rings: dict[int, str] = {}
    for bond, *numbers in _RING_CLOSURE.findall(plain):
        if any(numbers):
            number, order = int("".join(numbers)), "-" if bond in ("/", "\\") else bond
            other = rings.pop(number, None)
            if other is None:
                rings[number] = order
            elif order and other and order != other:
                return f"ring bond {number} is {other} at one end and {order} at the other"
    labels = re.sub(r"\$[^$]*\$|\([^)]*\)", "", extension.strip("| "))
    odd = sorted(set(re.findall(r"(?:^|,)([A-Za-z&^]+)", labels)) - _DRAWS)
    return f"its extension ({', '.join(odd)}) makes it a radical, a mixture or a pattern" if odd else ""


def _inchikey(molecule: Mol) -> str:
    from rdkit import Chem
    from rdkit.Chem import inchi

    drawn = Chem.Mol(molecule)
    drawn.RemoveAllConformers()  # of coordinates it would take a configuration that nobody stated
    return str(inchi.MolToInchiKey(drawn))  # type: ignore[no-untyped-call]


def neutralise(molecule: Mol) -> Mol:
    """The molecule with protons moved off cations and onto anions where that gives a neutral atom."""
    from rdkit.Chem.MolStandardize import rdMolStandardize

    return rdMolStandardize.Uncharger().uncharge(molecule)


def embed(molecule: Mol, *, where: str, conformers: int = 10) -> Mol:
    """Hydrogens, and the lowest in MMFF94 energy of a few conformers (:mod:`kinscope.ligands.chemistry`).

    Raises LigandError if no conformer can be made.
    """
    from rdkit import Chem
    from rdkit.Chem import rdForceFieldHelpers

    with quiet():
        full = Chem.AddHs(molecule)
        refuse_impossible(full, where=where)
        found = add_conformers(full, conformers, EMBEDDING_SEED, insist=True)
        if not found:
            raise LigandError("No three-dimensional structure of this molecule could be made.", where=where)
        best = found[0]
        # MMFF re-perceives aromaticity in the molecule it is given, so it gets a copy.
        relaxed = Chem.Mol(full)
        if rdForceFieldHelpers.MMFFHasAllMoleculeParams(relaxed):
            results = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(relaxed, numThreads=1, maxIters=500)
            best = min(zip(found, results, strict=True), key=lambda pair: pair[1][1])[0]
    chosen = Chem.Mol(full)
    chosen.RemoveAllConformers()
    chosen.AddConformer(relaxed.GetConformer(best), assignId=True)
    return chosen

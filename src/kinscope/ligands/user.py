"""Ligands that a user names, from SMILES or SDF, each read and checked by itself: a bad one costs no other.

A file is an SDF or MOL of one molecule (``.sdf``, ``.mol``, ``.sd``) or a list with a ligand on each line
(:data:`LIST_SUFFIXES`; ``#`` begins a comment). A line, or a text on the command line, is a SMILES, which
holds no blank, then a CXSMILES extension and a name if there are any: ``SMILES |&1:3| NAME``. In a list whose
first line names columns, these say which is which.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from kinscope.core.errors import LigandError
from kinscope.core.files import read_bounded
from kinscope.core.quoting import printable, quoted
from kinscope.ligands.chemistry import quiet
from kinscope.ligands.library import LigandIdentity, Mol, embed, identity, parse_smiles
from kinscope.ligands.stereo import refuse_open_stereo
from kinscope.results.notes import Note, note
from kinscope.targets.pack import DrugDefinition

VINA_ELEMENTS = frozenset({"H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I"})
MIN_HEAVY_ATOMS, MAX_HEAVY_ATOMS = 6, 100
MAX_TORSIONS = 24
"""Vina's search is unreliable far below this; beyond it no score means anything."""
MAX_RING = 12
"""Rings are held rigid; a larger one needs its own conformers."""
MAX_CHARGE = 4
"""ATP has four at pH 7.4."""
MAX_SMILES = 2000
MAX_SDF_BYTES = 2_000_000
MAX_FORMAL_CHARGES = 6
"""Charged atoms, whatever their sum: more is a drawing, not a ligand (ATP has four)."""
_FLAT_ANGSTROM = 0.05
_TOUCHING_ANGSTROM = 0.7
_LONGEST_BOND_ANGSTROM = 2.8
"""Longer than any bond of the elements that are docked (carbon to iodine 2.1, sulphur to sulphur 2.1)."""
_ENTRY = re.compile(r"(\S+(?:\s+\|[^|]*\|)?)(?:\s+(?!\|)(.*))?", re.DOTALL)
_NAME_COLUMN = r"name|title|\bc?id\b|_id$|compound|molecule|code"
_PEPTIDE_BONDS = 4
_PEPTIDE = "[NX3;!$(N-[!#6])][CX4;H1,H2][CX3](=[OX1])[NX3][CX4;H1,H2][CX3](=[OX1])"


@dataclass(frozen=True)
class UserLigand:
    """A ligand that can be docked, with what the user should know of it."""

    molecule: Mol
    """All hydrogens, one conformer, in the protonation the user gave."""
    identity: LigandIdentity
    notes: tuple[Note, ...]


def ligand_from_smiles(text: str, name: str = "ligand") -> UserLigand:
    """A ligand from ``SMILES``, ``SMILES NAME`` or ``SMILES |CXSMILES| NAME``; else called ``name``.

    Raises LigandError if it is no molecule, or not one that can be docked (see :func:`check_dockable`).
    """
    from rdkit import Chem

    parts = _ENTRY.fullmatch(text.strip())
    smiles, called = (" ".join(parts[1].split(None, 1)), parts[2]) if parts else (text, "")
    where = f"SMILES {quoted(smiles, 80)}"
    if len(smiles) > MAX_SMILES:
        raise LigandError(
            f"The SMILES is {len(smiles)} characters long.", where=where, remedy="Give a drug-like molecule."
        )
    molecule = parse_smiles(smiles, where="SMILES")
    if called and (other := _may_be_smiles(called)) and Chem.MolToSmiles(molecule) != other:
        raise LigandError(
            "Two SMILES of different molecules stand here, and which is the ligand is not said.",
            where=where,
            remedy="Give one, with a name behind it; or a list whose first line names its columns.",
        )
    check_dockable(molecule, where=where)
    molecule, notes = _without_labels(molecule)
    notes += refuse_open_stereo(
        molecule,
        where=where,
        remedy="Write @ or @@ at the centre, / and \\ at the double bond; dock each isomer by itself.",
    )
    return _finished(embed(molecule, where=where), called or name, notes)


def ligand_from_sdf(path: Path) -> UserLigand:
    """The only molecule of an SDF (or MOL) file; its own conformer if it is three-dimensional.

    Raises LigandError if the file is missing, damaged or holds several molecules, or the molecule cannot be
    docked.
    """
    from rdkit import Chem

    where = str(path)
    text = _read(path, "ligand file", MAX_SDF_BYTES, "Give one molecule.", "Give an SDF file.")
    with quiet():
        molecule = Chem.MolFromMolBlock(_one_block(text, where), removeHs=False)
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise LigandError(
            "The file is not a molecule that can be read: of another format, damaged, or with impossible "
            "valences.",
            where=where,
            remedy="Export it as SDF (V2000 or V3000), uncompressed, with bond orders and charges.",
        )
    check_dockable(molecule, where=where)
    molecule, notes = _without_labels(molecule)
    if flat := _is_flat(molecule):
        notes += (note("ligand-flat"),)
        # Wedges may mean one enantiomer or both: a flag of the format says which.
        unset = molecule.HasProp("_MolFileChiralFlag") and not molecule.GetIntProp("_MolFileChiralFlag")
        centres = any(a.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED for a in molecule.GetAtoms())
        if unset and centres and not molecule.GetStereoGroups():
            notes += (note("chiral-flag-unset"),)
    else:
        _check_coordinates(molecule, where)
        Chem.AssignStereochemistryFrom3D(molecule)
    notes += refuse_open_stereo(
        molecule,
        where=where,
        remedy="Draw wedges, or give three-dimensional coordinates.",
        what=f"The {'file is flat and leaves' if flat else 'coordinates leave'} the stereochemistry open",
    )
    if flat:
        return _finished(embed(Chem.RemoveHs(molecule), where=where), path.stem, notes)
    full = Chem.AddHs(molecule, addCoords=True)
    if added := full.GetNumAtoms() - molecule.GetNumAtoms():
        notes += (note("ligand-hydrogens-added", hydrogens=added),)
    return _finished(full, path.stem, notes)


def check_dockable(molecule: Mol, *, where: str) -> None:
    """Refuse what Vina, or this program, cannot dock with sense.

    Raises LigandError for a drawing that is no one molecule, metals and other elements Vina does not know,
    several fragments (salts), no carbon, peptides, large rings, radicals, too many atoms, torsions or
    charges.
    """
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    if several := _several(molecule):
        remedy = "Draw one whole molecule, every atom and bond of it."
        raise LigandError(f"It is no one molecule: it holds {several}.", where=where, remedy=remedy)
    bare = Chem.RemoveHs(molecule)
    atoms = list(bare.GetAtoms())
    odd = ", ".join(sorted({atom.GetSymbol() for atom in atoms} - VINA_ELEMENTS))
    with quiet():
        pieces = Chem.GetMolFrags(bare, asMols=True, sanitizeFrags=False)
        formulas = ", ".join(Counter(rdMolDescriptors.CalcMolFormula(piece) for piece in pieces))
    peptide = len(bare.GetSubstructMatches(Chem.MolFromSmarts(_PEPTIDE)))
    ring = max((len(ring) for ring in bare.GetRingInfo().AtomRings()), default=0)
    charges = [abs(atom.GetFormalCharge()) for atom in atoms if atom.GetFormalCharge()]
    heavy, torsions = bare.GetNumHeavyAtoms(), rdMolDescriptors.CalcNumRotatableBonds(bare)
    net, most = abs(Chem.GetFormalCharge(bare)), "more than {} cannot be docked with sense"
    drug_like = "Give a drug-like molecule in its state at pH 7.4."
    for found, what, remedy in (
        (odd, f"holds {odd}", "Dock the organic ligand without it; Vina has no parameters for it."),
        (
            len(pieces) > 1,
            f"is {len(pieces)} separate molecules ({formulas}): a salt or a mixture",
            "Remove the counter-ion or solvent and give one molecule.",
        ),
        (all(a.GetSymbol() != "C" for a in atoms), "holds no carbon", "Give an organic molecule."),
        (
            peptide >= _PEPTIDE_BONDS,
            f"is a peptide ({peptide} or more peptide units in a row)",
            "Peptides need a peptide docking program.",
        ),
        (
            ring > MAX_RING,
            f"has a ring of {ring} atoms",
            "Macrocycles need conformers of their own ring; dock them elsewhere.",
        ),
        (any(a.GetNumRadicalElectrons() for a in atoms), "is a radical", "Complete its valences."),
        (heavy > MAX_HEAVY_ATOMS, f"has {heavy} heavy atoms; {most.format(MAX_HEAVY_ATOMS)}", drug_like),
        (torsions > MAX_TORSIONS, f"has {torsions} rotatable bonds; {most.format(MAX_TORSIONS)}", drug_like),
        (net > MAX_CHARGE, f"has {net} net charges; {most.format(MAX_CHARGE)}", drug_like),
        (
            len(charges) > MAX_FORMAL_CHARGES or max(charges, default=0) > 1,
            f"has {len(charges)} charged atoms, {max(charges, default=0)} charges on one",
            "Give the form it has at pH 7.4; formal charges beyond one on an atom are none.",
        ),
        (
            heavy < MIN_HEAVY_ATOMS,
            f"has only {heavy} heavy atoms",
            "Give at least six; ions and solvents are no ligands.",
        ),
    ):
        if found:
            raise LigandError(f"It {what}.", where=where, remedy=remedy)


def _several(molecule: Mol) -> str:
    """What makes a drawing stand for several molecules, or for a part of one; empty if nothing does."""
    from rdkit import Chem

    atoms, bonds = list(molecule.GetAtoms()), list(molecule.GetBonds())
    aromatic = Chem.BondType.AROMATIC
    kinds = {aromatic, Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE}
    units = {group.GetProp("TYPE") for group in Chem.GetMolSubstanceGroups(molecule)} - {"DAT", "SUP", "MUL"}
    short = [a for a in atoms if a.HasProp("molFileAlias") and not _own_symbol(a, a.GetProp("molFileAlias"))]
    for found, what in (
        (any(a.GetAtomicNum() == 0 for a in atoms), "R groups, atom lists or any-atoms (*)"),
        (any(part.HasQuery() for part in (*atoms, *bonds)), "the atoms or bonds of a query"),
        (
            any(b.GetBondType() not in kinds for b in bonds)
            or any(b.GetBondType() == aromatic and not b.GetIsAromatic() for b in bonds),
            "a bond that is not single, double, triple or aromatic",
        ),
        (units or molecule.HasProp("_molLinkNodes"), "repeating units (a polymer or a mixture)"),
        (any(a.HasProp("molAttchpt") for a in atoms), "points of attachment"),
        (any(b.HasProp("_MolFileBondEndPts") for b in bonds), "a bond to any of several atoms"),
        (short, "abbreviations (atoms that have a label in place of their element)"),
    ):
        if found:
            return what
    return ""


def _own_symbol(atom: Any, label: str) -> bool:
    """Whether a label is the atom itself with its hydrogens and charge, ``NH2`` or ``HO``."""
    return not re.sub(rf"{atom.GetSymbol()}|H[0-9]*|[0-9]*[+-]", "", label.strip())


def _read(path: Path, what: str, most_bytes: int, smaller: str, remedy: str) -> str:
    """The text of a file of bounded size, its lines ended by newlines; ``smaller`` says what to give instead.

    Names in old files are Latin-1.
    """
    body = read_bounded(path, most_bytes, remedy=smaller, kind=LigandError)
    if b"\0" in body:
        raise LigandError(f"The {what} is not text.", where=str(path), remedy=remedy)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _one_block(text: str, where: str) -> str:
    """The molecule of an SDF that holds one: its title and comment, and the data behind it, left out."""
    blocks = [block for block in re.split(r"^\$\$\$\$.*\n?", text, flags=re.MULTILINE) if block.strip()]
    if len(blocks) != 1:
        raise LigandError(
            f"The file holds {len(blocks)} molecules." if blocks else "The file holds no molecule.",
            where=where,
            remedy="Give one molecule per file.",
        )
    lines = blocks[0].split("\n")
    ends = [number for number, line in enumerate(lines) if line.startswith("M  END")]
    table = lines[3 : ends[0] + 1 if ends else None]
    for number, line in enumerate(table, start=4):
        if not line.isascii():
            raise LigandError(
                "The file is damaged: there is a character in its atoms or bonds that is not ASCII.",
                where=f"{where}, line {number}",
                remedy="Export it anew.",
            )
    program = "".join(lines[1:2]).encode("ascii", "replace").decode()
    return "\n".join(["", program, "", *table])


def _without_labels(molecule: Mol) -> tuple[Mol, tuple[Note, ...]]:
    """The molecule without isotopes, which no score feels (a note says so), and without atom numbers."""
    from rdkit import Chem

    labelled = sorted({f"{a.GetIsotope()}{a.GetSymbol()}" for a in molecule.GetAtoms() if a.GetIsotope()})
    plain = Chem.Mol(molecule)
    for atom in plain.GetAtoms():
        atom.SetIsotope(0)
        atom.SetAtomMapNum(0)
    if labelled and not plain.GetNumConformers():
        plain = Chem.RemoveHs(plain)
    Chem.AssignStereochemistry(plain, cleanIt=True, force=True)
    return plain, (note("isotopes-dropped", labels=tuple(labelled)),) if labelled else ()


def _is_flat(molecule: Mol) -> bool:
    """Without coordinates, or with every z alike, whatever the file's header says."""
    if not molecule.GetNumConformers():
        return True
    heights = molecule.GetConformer().GetPositions()[:, 2]
    return bool(abs(heights.max() - heights.min()) < _FLAT_ANGSTROM)


def _check_coordinates(molecule: Mol, where: str) -> None:
    """Refuse coordinates that are no molecule's: not finite, or atoms on top of each other."""
    import numpy as np

    points = molecule.GetConformer().GetPositions()
    remedy = "Export it anew with coordinates in angstrom, or give a SMILES."
    if not np.isfinite(points).all():
        raise LigandError("Some coordinates are not numbers.", where=where, remedy=remedy)
    heavy = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() > 1]
    gaps = np.linalg.norm(points[heavy][:, None] - points[heavy][None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()]
    longest = max((float(np.linalg.norm(points[one] - points[other])) for one, other in ends), default=0.0)
    if gaps.min() < _TOUCHING_ANGSTROM or longest > _LONGEST_BOND_ANGSTROM:
        raise LigandError(
            "The coordinates are not those of a molecule: "
            f"atoms {gaps.min():.2f} angstrom apart, a bond of {longest:.2f} angstrom.",
            where=where,
            remedy=remedy,
        )


def _finished(molecule: Mol, name: str, notes: tuple[Note, ...]) -> UserLigand:
    name = printable(" ".join(name.split()))[:40] or "ligand"
    molecule.SetProp("_Name", name)
    known = identity(molecule, name)
    return UserLigand(molecule, known, (*notes, note("protonation-as-given", charge_e=known.charge)))


LIST_SUFFIXES = (".smi", ".smiles", ".txt", ".csv", ".tsv")
MAXIMUM_LIST_BYTES = 200_000
MAXIMUM_LIGANDS = 200
EXAMPLE_LIST = Path(str(files("kinscope.ligands"))) / "data" / "example.smi"
"""A ligand that no pack holds, in a file such as a user's."""
GIVEN = "given"
"""Binding type of a ligand of which nothing is known."""


@dataclass
class GivenLigands:
    """What could be read, and what could not."""

    good: list[DrugDefinition] = field(default_factory=list)
    notes: list[tuple[str, Note]] = field(default_factory=list)
    """With the name of the ligand that each is about."""
    bad: list[LigandError] = field(default_factory=list)


def read_given(
    paths: Sequence[Path], smiles: Sequence[str], *, site: str, state: str, taken: Sequence[str] = ()
) -> GivenLigands:
    """Every ligand named, as definitions of the kind that the library holds.

    They are to be docked into ``site`` of ``state``; ids ``taken`` (the library's) are not free.
    """
    found = GivenLigands()
    used = set(taken)

    def take(read: Callable[[], UserLigand], place: str = "") -> None:
        try:
            ligand = read()
        except LigandError as error:
            # What stands in a file is not repeated; what was typed is.
            found.bad.append(LigandError(error.what, where=place or error.where, remedy=error.remedy))
            return
        known = ligand.identity
        identifier, name = _free(known.name, used)
        drug = DrugDefinition(
            id=identifier, name=name, ccd="", smiles=known.smiles, smiles_ph74=known.smiles,
            protonation_reason="As the user gave it.", identifiers={"InChIKey": known.inchikey},
            binding_type=GIVEN, site=site, state=state, reference_entry="", sources=("given by the user",),
        )  # fmt: skip
        found.good.append(drug)
        found.notes += [(name, told) for told in ligand.notes]

    for path in paths:
        if path.suffix.lower() not in LIST_SUFFIXES:
            take(partial(ligand_from_sdf, path))
            continue
        try:
            entries = _list_entries(path)
        except LigandError as error:
            found.bad.append(error)
            continue
        for number, line, name in entries:
            take(partial(ligand_from_smiles, line, name or f"{path.stem}-{number}"), f"{path}, line {number}")
    for number, text in enumerate(smiles, start=1):
        take(partial(ligand_from_smiles, text, f"ligand-{number}"))
    return found


def _list_entries(path: Path) -> list[tuple[int, str, str]]:
    """Number and text of each line that holds a ligand, and its name where a column holds that."""
    remedy = "Give a text file with a SMILES and a name on each line."
    text = _read(path, "list", MAXIMUM_LIST_BYTES, "Give fewer ligands at a time.", remedy)
    lines = [
        (number, line)
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip() and not line.lstrip().startswith("#")  # a SMILES may hold a "#", but none begins so
    ]
    entries = _by_columns(lines, str(path)) if lines else []
    if not entries or len(entries) > MAXIMUM_LIGANDS:
        raise LigandError(
            f"The list holds {len(entries)} ligands.",
            where=str(path),
            remedy=f"Give 1 to {MAXIMUM_LIGANDS}, a SMILES and a name on each line.",
        )
    return entries


def _by_columns(lines: list[tuple[int, str]], where: str) -> list[tuple[int, str, str]]:
    """SMILES and name of each line after one that names columns; where none does, each line as it is."""
    number, first = lines[0]
    separator = next((mark for mark in "\t;," if mark in first), "")

    def cells(line: str) -> list[str]:
        plain = not separator or len(line) > csv.field_size_limit()
        return line.split() if plain else next(csv.reader([line], delimiter=separator))

    names = [cell.strip().lower() for cell in cells(first)]
    smiles = [at for at, name in enumerate(names) if re.fullmatch(r"\W*\w*smiles\W*", name)]
    if not smiles or (smiles[0] and _may_be_smiles(cells(first)[0].strip())):
        return [(number, line, "") for number, line in lines]
    found = [at for at in smiles if "iso" in names[at]] or smiles
    if len(found) > 1:
        raise LigandError(
            f"{len(found)} columns hold SMILES, and which to dock is not said.",
            where=f"{where}, line {number}",
            remedy="Keep one of them.",
        )
    if not separator and not found[0]:  # a CXSMILES extension, or a name of several words, may follow
        return [(number, line, "") for number, line in lines[1:]]
    others = [at for at in range(len(names)) if at not in smiles]
    called = next((at for at in others if re.search(_NAME_COLUMN, names[at])), next(iter(others), -1))
    rows = [(number, dict(enumerate(cells(line)))) for number, line in lines[1:]]
    return [(number, row.get(found[0], ""), row.get(called, "")) for number, row in rows]


def _may_be_smiles(name: str) -> str:
    """Canonical SMILES, where a name is, by chance or not, one of a molecule that could be docked."""
    from rdkit import Chem

    with quiet():
        molecule = Chem.MolFromSmiles(name) if " " not in name and name.isascii() else None
    large = molecule is not None and molecule.GetNumHeavyAtoms() >= MIN_HEAVY_ATOMS
    return Chem.MolToSmiles(molecule) if large else ""


def _free(name: str, used: set[str]) -> tuple[str, str]:
    """A lower-case id that nothing else has, and the name, numbered as the id is."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "ligand"
    tails = ("", *(f"-{number}" for number in range(2, len(used) + 3)))
    tail = next(tail for tail in tails if stem + tail not in used)
    used.add(stem + tail)
    return stem + tail, name + tail

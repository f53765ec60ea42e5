"""A user's own ligand, from SMILES or SDF, checked before anything is computed with it.

Ligands that a user names on the command line, each read by itself: a bad one costs no other.

A file is an SDF or MOL of one molecule (``.sdf``, ``.mol``, ``.sd``) or a list of SMILES with names, one a
line (``.smi``, ``.smiles``, ``.txt``; ``#`` begins a comment). On the command line ``NAME=SMILES`` or a
SMILES alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kinscope.core.errors import LigandError
from kinscope.ligands.chemistry import quiet
from kinscope.ligands.library import LigandIdentity, Mol, embed, identity, parse_smiles, refuse_open_stereo
from kinscope.results.notes import Note, note
from kinscope.targets.pack import DrugDefinition

VINA_ELEMENTS = frozenset({"H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I"})
MAX_HEAVY_ATOMS = 100
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
_PEPTIDE_BONDS = 4
_PEPTIDE = "[NX3;!$(N-[!#6])][CX4;H1,H2][CX3](=[OX1])[NX3][CX4;H1,H2][CX3](=[OX1])"


@dataclass(frozen=True)
class UserLigand:
    """A ligand that can be docked, with what the user should know of it."""

    molecule: Mol
    """All hydrogens, one conformer, in the protonation the user gave."""
    identity: LigandIdentity
    notes: tuple[Note, ...]


def ligand_from_smiles(smiles: str, name: str = "ligand") -> UserLigand:
    """A ligand from SMILES.

    Raises
    ------
    LigandError
        If it is no molecule, or not one that can be docked (see :func:`check_dockable`).
    """
    where = f"SMILES {smiles[:80]!r}"
    if len(smiles) > MAX_SMILES:
        raise LigandError(
            f"The SMILES is {len(smiles)} characters long.", where=where, remedy="Give a drug-like molecule."
        )
    molecule = parse_smiles(smiles, where="SMILES")
    check_dockable(molecule, where=where)
    molecule, notes = _without_isotopes(molecule)
    refuse_open_stereo(
        molecule,
        where=where,
        remedy="Write @ or @@ at the centre, / and \\ at the double bond; dock each isomer by itself.",
    )
    return _finished(embed(molecule, where=where), name, notes)


def ligand_from_sdf(path: Path, name: str = "") -> UserLigand:
    """The only molecule of an SDF (or MOL) file; its own conformer if it is three-dimensional.

    Raises
    ------
    LigandError
        If the file is missing, damaged or holds several molecules, or the molecule cannot be docked.
    """
    from rdkit import Chem

    where = str(path)
    text = _read(path, "ligand file", MAX_SDF_BYTES, "Give one molecule.", "Give an SDF file.")
    blocks = [block for block in text.split("$$$$") if block.strip()]
    if len(blocks) != 1:
        raise LigandError(
            f"The file holds {len(blocks)} molecules." if blocks else "The file holds no molecule.",
            where=where,
            remedy="Give one molecule per file.",
        )
    with quiet():
        molecule = Chem.MolFromMolBlock(blocks[0], removeHs=False)
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise LigandError(
            "The file is not a molecule that can be read: damaged, or with impossible valences.",
            where=where,
            remedy="Export it anew as SDF (V2000 or V3000) with bond orders and charges.",
        )
    check_dockable(molecule, where=where)
    molecule, labels = _without_isotopes(molecule)
    if _is_flat(molecule):
        return _from_flat(molecule, name or path.stem, where, labels)
    _check_coordinates(molecule, where)
    notes = list(labels)
    Chem.AssignStereochemistryFrom3D(molecule)
    full = Chem.AddHs(molecule, addCoords=True)
    added = full.GetNumAtoms() - molecule.GetNumAtoms()
    if added:
        notes.append(note("ligand-hydrogens-added", hydrogens=added))
    return _finished(full, name or path.stem, tuple(notes))


def check_dockable(molecule: Mol, *, where: str) -> None:
    """Refuse what Vina, or this program, cannot dock with sense.

    Raises
    ------
    LigandError
        For metals and other elements Vina does not know, several fragments (salts), no carbon, peptides,
        large rings, radicals, too many atoms, torsions or charges.
    """
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    bare = Chem.RemoveHs(molecule)
    for what, remedy in (
        (_wrong_elements(bare), "Dock the organic ligand without it; Vina has no parameters for it."),
        (_fragments(bare), "Remove the counter-ion or solvent and give one molecule."),
        (
            "" if any(a.GetSymbol() == "C" for a in bare.GetAtoms()) else "It holds no carbon.",
            "Give an organic molecule.",
        ),
        (_peptide(bare), "Peptides need a peptide docking program."),
        (_ring(bare), "Macrocycles need conformers of their own ring; dock them elsewhere."),
        (
            "It is a radical." if any(a.GetNumRadicalElectrons() for a in bare.GetAtoms()) else "",
            "Complete its valences.",
        ),
    ):
        if what:
            raise LigandError(what, where=where, remedy=remedy)
    heavy, torsions = bare.GetNumHeavyAtoms(), rdMolDescriptors.CalcNumRotatableBonds(bare)
    charge = Chem.GetFormalCharge(bare)
    for count, most, what in (
        (heavy, MAX_HEAVY_ATOMS, "heavy atoms"),
        (torsions, MAX_TORSIONS, "rotatable bonds"),
        (abs(charge), MAX_CHARGE, "net charges"),
    ):
        if count > most:
            raise LigandError(
                f"It has {count} {what}; more than {most} cannot be docked with sense.",
                where=where,
                remedy="Give a drug-like molecule in its state at pH 7.4.",
            )
    charged = [atom for atom in bare.GetAtoms() if atom.GetFormalCharge()]
    if len(charged) > MAX_FORMAL_CHARGES or any(abs(atom.GetFormalCharge()) > 1 for atom in charged):
        raise LigandError(
            f"It has {len(charged)} charged atoms, "
            f"{max(abs(atom.GetFormalCharge()) for atom in charged)} charges on one.",
            where=where,
            remedy="Give the form it has at pH 7.4; formal charges beyond one on an atom are none.",
        )
    if heavy < 6:
        raise LigandError(
            f"It has only {heavy} heavy atoms.",
            where=where,
            remedy="Give a ligand of at least six; ions and solvents are none.",
        )


def _read(path: Path, what: str, most_bytes: int, smaller: str, remedy: str) -> str:
    """The text of a file of bounded size; ``smaller`` says what to give in place of a larger one."""
    try:
        large = path.stat().st_size > most_bytes
        text = "" if large else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LigandError(
            f"The {what} cannot be read ({getattr(error, 'strerror', None) or 'it is not text'}).",
            where=str(path),
            remedy=remedy,
        ) from None
    if large:
        size = f"{most_bytes // 1000} kB" if most_bytes < 1_000_000 else f"{most_bytes // 1_000_000} MB"
        raise LigandError(f"The {what} is larger than {size}.", where=str(path), remedy=smaller)
    return text


def _without_isotopes(molecule: Mol) -> tuple[Mol, tuple[Note, ...]]:
    """The molecule without isotope labels, which no score feels, and a note where there were any."""
    from rdkit import Chem

    labelled = sorted({f"{a.GetIsotope()}{a.GetSymbol()}" for a in molecule.GetAtoms() if a.GetIsotope()})
    if not labelled:
        return molecule, ()
    plain = Chem.Mol(molecule)
    for atom in plain.GetAtoms():
        atom.SetIsotope(0)
    dropped = note("isotopes-dropped", labels=tuple(labelled))
    return Chem.RemoveHs(plain) if not plain.GetNumConformers() else plain, (dropped,)


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
    heavy = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() > 1]
    gaps = np.linalg.norm(points[heavy][:, None] - points[heavy][None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    lengths = [
        np.linalg.norm(points[bond.GetBeginAtomIdx()] - points[bond.GetEndAtomIdx()])
        for bond in molecule.GetBonds()
    ]
    finite = bool(np.isfinite(points).all())
    if not finite or gaps.min() < _TOUCHING_ANGSTROM or max(lengths) > _LONGEST_BOND_ANGSTROM:
        raise LigandError(
            "The coordinates are not those of a molecule: "
            + (
                f"atoms {gaps.min():.2f} angstrom apart, a bond of {max(lengths):.2f} angstrom."
                if finite
                else "some are not numbers."
            ),
            where=where,
            remedy="Export it anew with coordinates in angstrom, or give a SMILES.",
        )


def _from_flat(molecule: Mol, name: str, where: str, labels: tuple[Note, ...] = ()) -> UserLigand:
    from rdkit import Chem

    refuse_open_stereo(
        molecule,
        where=where,
        remedy="Draw wedges, or give three-dimensional coordinates.",
        what="The file is flat and leaves the stereochemistry open",
    )
    built = embed(Chem.RemoveHs(molecule), where=where)
    return _finished(built, name, (*labels, note("ligand-flat")))


def _finished(molecule: Mol, name: str, notes: tuple[Note, ...]) -> UserLigand:
    molecule.SetProp("_Name", name)
    known = identity(molecule, name)
    return UserLigand(molecule, known, (*notes, note("protonation-as-given", charge_e=known.charge)))


def _wrong_elements(molecule: Mol) -> str:
    wrong = sorted({a.GetSymbol() for a in molecule.GetAtoms()} - VINA_ELEMENTS)
    return f"It holds {', '.join(wrong)}." if wrong else ""


def _fragments(molecule: Mol) -> str:
    from rdkit import Chem
    from rdkit.Chem import rdMolDescriptors

    pieces = Chem.GetMolFrags(molecule, asMols=True, sanitizeFrags=False)
    if len(pieces) < 2:
        return ""
    with quiet():
        formulas = Counter(rdMolDescriptors.CalcMolFormula(piece) for piece in pieces)
    return f"It is {len(pieces)} separate molecules ({', '.join(formulas)}): a salt or a mixture."


def _peptide(molecule: Mol) -> str:
    from rdkit import Chem

    found = len(molecule.GetSubstructMatches(Chem.MolFromSmarts(_PEPTIDE)))
    return f"It is a peptide ({found} or more peptide units in a row)." if found >= _PEPTIDE_BONDS else ""


def _ring(molecule: Mol) -> str:
    sizes = [len(ring) for ring in molecule.GetRingInfo().AtomRings()]
    largest = max(sizes, default=0)
    return f"It has a ring of {largest} atoms." if largest > MAX_RING else ""


LIST_SUFFIXES = (".smi", ".smiles", ".txt")
MAXIMUM_LIST_BYTES = 200_000
MAXIMUM_LIGANDS = 200
GIVEN = "given"
"""Binding type of a ligand of which nothing is known."""
_NAMED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9 _.-]{0,39})=(?=\S)(.+)$", re.DOTALL)


@dataclass
class GivenLigands:
    """What could be read, and what could not."""

    good: list[DrugDefinition] = field(default_factory=list)
    notes: list[tuple[str, Note]] = field(default_factory=list)
    """With the id of the ligand that each is about."""
    bad: list[LigandError] = field(default_factory=list)


def read_given(
    files: Sequence[Path], smiles: Sequence[str], *, site: str, state: str, taken: Sequence[str] = ()
) -> GivenLigands:
    """Every ligand named, as definitions of the kind that the library holds.

    They are to be docked into ``site`` of ``state``; ids ``taken`` (the library's) are not free.
    """
    found = GivenLigands()
    used = set(taken)

    def take(name: str, read: Callable[[], UserLigand]) -> None:
        try:
            ligand = read()
        except LigandError as error:
            found.bad.append(error)
            return
        identifier = _free(name, used)
        found.good.append(_definition(ligand, name, identifier, site, state))
        found.notes += [(identifier, told) for told in ligand.notes]

    for path in files:
        if path.suffix.lower() in LIST_SUFFIXES:
            try:
                entries = _list_entries(path)
            except LigandError as error:
                found.bad.append(error)
                continue
            for place, text, name in entries:
                take(name, lambda text=text, name=name, place=place: _at(place, text, name))  # type: ignore[misc]
        else:
            take(path.stem, lambda path=path: ligand_from_sdf(path))  # type: ignore[misc]
    for number, given in enumerate(smiles, start=1):
        named = _NAMED.match(given)
        name, text = (named[1], named[2]) if named else (f"ligand-{number}", given)
        take(name, lambda text=text, name=name: ligand_from_smiles(text, name))  # type: ignore[misc]
    return found


def _at(place: str, text: str, name: str) -> UserLigand:
    """A line of a list; an error says which line."""
    try:
        return ligand_from_smiles(text, name)
    except LigandError as error:
        raise LigandError(error.what, where=f"{place}: {text[:60]!r}", remedy=error.remedy) from None


def _list_entries(path: Path) -> list[tuple[str, str, str]]:
    """Place, SMILES and name of each line."""
    remedy = "Give a text file with a SMILES and a name on each line."
    text = _read(path, "list", MAXIMUM_LIST_BYTES, "Give fewer ligands at a time.", remedy)
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = [] if line.lstrip().startswith("#") else line.split()  # a SMILES may hold a "#"
        if words:
            name = " ".join(words[1:])[:40] or f"{path.stem}-{number}"
            entries.append((f"{path}, line {number}", words[0], name))
    if not entries or len(entries) > MAXIMUM_LIGANDS:
        raise LigandError(
            f"The list holds {len(entries)} ligands.",
            where=str(path),
            remedy=f"Give 1 to {MAXIMUM_LIGANDS}, a SMILES and a name on each line.",
        )
    return entries


def _free(name: str, used: set[str]) -> str:
    """A lower-case id that nothing else has."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "ligand"
    identifier, number = stem, 2
    while identifier in used:
        identifier, number = f"{stem}-{number}", number + 1
    used.add(identifier)
    return identifier


def _definition(ligand: UserLigand, name: str, identifier: str, site: str, state: str) -> DrugDefinition:
    return DrugDefinition(
        id=identifier, name=name[:40], ccd="",
        smiles=ligand.identity.smiles, smiles_ph74=ligand.identity.smiles,
        protonation_reason="As the user gave it.", identifiers={"InChIKey": ligand.identity.inchikey},
        binding_type=GIVEN, site=site, state=state, reference_entry="", sources=("given by the user",),
    )  # fmt: skip

"""AM1-BCC charges, averaged over conformers, symmetrised, and adding up to the net charge exactly.

AM1 populations come from sqm, atom and bond types from antechamber; the bond charge corrections (Jakalian,
Jack & Bayly, J. Comput. Chem. 2002, 23, 1623) are added here from AmberTools' own table, because antechamber
passes in silence over a bond that the table lacks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError, LigandError
from kinscope.core.progress import Progress, silent
from kinscope.ligands.chemistry import add_conformers, quiet
from kinscope.ligands.library import EMBEDDING_SEED
from kinscope.ligands.parameters.programs import AmberTools
from kinscope.results.notes import Note, note

Mol = Any
FloatArray = NDArray[np.float64]

_TRIED = 60
_KEPT_SHARE = 0.5
_SAME_ANGSTROM = 0.1
"""Conformers whose distances differ by less (root mean square) count as one."""
_ITERATIONS = 2000


def spread_out_conformers(molecule: Mol, count: int, *, seed: int = EMBEDDING_SEED) -> list[FloatArray]:
    """Up to ``count`` conformers (n_atoms, 3), angstrom, whose polar groups do not lean on one another.

    Charges of a molecule that folds onto itself in vacuum are not those it has in a pocket or in water, so
    conformers are relaxed with MMFF94 without electrostatics, and those with the weakest electrostatic
    interaction of their parts are kept (the idea of ELF10: electrostatically least interacting functional
    groups), as unlike one another as can be.

    Raises LigandError if MMFF94 has no parameters for the molecule or no conformer can be made.
    """
    from rdkit import Chem
    from rdkit.Chem import rdForceFieldHelpers

    work = Chem.Mol(molecule)
    with quiet():
        properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(work)
        if properties is None:
            raise LigandError(
                "MMFF94 has no parameters for this molecule, so its conformers cannot be relaxed.",
                where="conformers",
                remedy="Check its valences and charges.",
            )
        found = add_conformers(work, _TRIED, seed, insist=True)
        properties.SetMMFFEleTerm(False)
        for number in found:
            field = rdForceFieldHelpers.MMFFGetMoleculeForceField(work, properties, confId=number)
            field.Minimize(maxIts=_ITERATIONS)
    if not found:
        raise LigandError("No three-dimensional structure could be made.", where="conformers")
    charges = np.array([properties.GetMMFFPartialCharge(i) for i in range(work.GetNumAtoms())])
    shapes = [np.asarray(work.GetConformer(number).GetPositions()) for number in found]
    leaning = [_leaning(work, shape, charges) for shape in shapes]
    order = np.argsort(leaning, kind="stable")
    heavy = np.array([atom.GetIdx() for atom in work.GetAtoms() if atom.GetAtomicNum() > 1])
    return _unlike([shapes[index] for index in order], heavy, count)


def bare_graph(molecule: Mol) -> Mol:
    """Elements and bonds only, so that how a ring or a carboxylate is drawn does not matter."""
    from rdkit import Chem

    graph = Chem.RWMol()
    for atom in molecule.GetAtoms():
        bare = Chem.Atom(atom.GetAtomicNum())
        bare.SetNoImplicit(True)
        graph.AddAtom(bare)
    for bond in molecule.GetBonds():
        graph.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), Chem.BondType.SINGLE)
    return graph.GetMol()


def equivalence_classes(molecule: Mol) -> NDArray[np.int_]:
    """Class (n_atoms,) of each atom: atoms of one class can be exchanged by a symmetry of the graph.

    Bond orders and formal charges are left out, so that the oxygens of a carboxylate are alike.
    """
    from rdkit import Chem

    plain = bare_graph(molecule)
    plain.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(plain)
    return np.array(Chem.CanonicalRankAtoms(plain, breakTies=False), dtype=np.int_)


def symmetrised(values: FloatArray, classes: NDArray[np.int_]) -> FloatArray:
    """Values (..., n_atoms) with every atom given the mean of its class."""
    means = np.empty_like(values)
    for number in np.unique(classes):
        members = classes == number
        means[..., members] = values[..., members].mean(axis=-1, keepdims=True)
    return means


def _leaning(molecule: Mol, shape: FloatArray, charges: FloatArray) -> float:
    """Sum of |q q'| / r over atoms more than three bonds apart, e^2 per angstrom."""
    from rdkit import Chem

    bonds = Chem.GetDistanceMatrix(molecule)
    gaps = np.linalg.norm(shape[:, None] - shape[None], axis=2)
    far = bonds > 3
    return float((np.abs(np.outer(charges, charges))[far] / gaps[far]).sum() / 2)


def _unlike(shapes: list[FloatArray], heavy: NDArray[np.int_], count: int) -> list[FloatArray]:
    """The first shape, then always the one furthest from those taken, among the better half of all kinds.

    Shapes are compared by their distances between heavy atoms, so that mirror images are the same.
    """
    pairs = np.triu_indices(len(heavy), 1)
    gaps = [np.linalg.norm(shape[heavy][:, None] - shape[heavy][None], axis=2)[pairs] for shape in shapes]
    kinds: list[int] = []
    for index, own in enumerate(gaps):
        if all(_root_mean_square(own - gaps[other]) > _SAME_ANGSTROM for other in kinds):
            kinds.append(index)
    kept = kinds[: max(count, round(len(kinds) * _KEPT_SHARE))]
    chosen = [kept[0]]
    while len(chosen) < min(count, len(kept)):
        left = [index for index in kept if index not in chosen]
        apart = [min(_root_mean_square(gaps[one] - gaps[other]) for other in chosen) for one in left]
        chosen.append(left[int(np.argmax(apart))])
    return [shapes[index] for index in chosen]


def _root_mean_square(values: FloatArray) -> float:
    return float(np.sqrt((values**2).mean()))


SUPPLEMENT = {("16", "24", "2"): 0.2630}
"""Corrections (e, from the second atom to the first) for bonds that AmberTools' table lacks. An aromatic
carbon (16) with a formal double bond to a two-connected nitrogen (24) is the fusion carbon of
imidazo[1,2-b]pyridazine as antechamber types it; it is given the value of the aromatic bond between carbon
and nitrogen (17, 24). Against the electrostatic potential of HF/6-31G* this nearly halves the error
(docs/why/ligands.md)."""
_SINGLE_POINT = "maxcyc=0, qm_theory='AM1', grms_tol=0.0005, scfconv=1.d-10, ndiis_attempts=700,"
_OPTIMISED = "maxcyc=9999, qm_theory='AM1', grms_tol=0.0005, scfconv=1.d-10, ndiis_attempts=700,"
_AGREES_E = 2e-3
_UNIT_E = 1_000_000
"""Charges are whole millionths, so that their sum is exact."""


@dataclass(frozen=True)
class Charges:
    """The charges of a ligand."""

    charges_e: tuple[float, ...]
    spread_e: tuple[float, ...]
    """Standard deviation over conformers, of the mean of each class of equivalent atoms."""
    conformers: int
    sqm: str
    """sqm's version line."""
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class BccTypes:
    """Atom and bond types for the corrections."""

    atoms: tuple[str, ...]
    bonds: tuple[tuple[int, int, str], ...]

    def corrections(
        self, table: dict[tuple[str, str, str], float]
    ) -> tuple[FloatArray, tuple[tuple[int, int, str], ...]]:
        """Correction (n_atoms,) of each atom in e, and the bonds that the table does not list."""
        total = np.zeros(len(self.atoms))
        missing = []
        both = {(other, one, kind): -value for (one, other, kind), value in table.items()} | table
        for first, second, kind in self.bonds:
            value = both.get((self.atoms[first], self.atoms[second], kind))
            if value is None:
                missing.append((first, second, kind))
            else:
                total[first] += value
                total[second] -= value
        return total, tuple(missing)


def am1bcc_charges(
    molecule: Mol,
    names: Sequence[str],
    conformers: Sequence[FloatArray],
    tools: AmberTools,
    directory: Path,
    *,
    optimise: bool = False,
    progress: Progress = silent,
) -> Charges:
    """AM1-BCC charges of a molecule with all hydrogens.

    Names (n_atoms,) serve messages; each conformer is (n_atoms, 3), angstrom; the directory is empty. With
    ``optimise`` sqm optimises each conformer in AM1 first.

    Raises ComputationError if a program fails, or its charges do not add up.
    """
    from rdkit import Chem

    net = Chem.GetFormalCharge(molecule)
    types, first, own = _typed(molecule, conformers[0], tools, directory, net)
    table = read_corrections(tools.corrections)
    plain, lacking = types.corrections(table)
    if np.abs(first + plain - own).max() > _AGREES_E:
        raise ComputationError(
            "antechamber's charges are not AM1 populations plus the corrections of its own table.",
            where="am1bcc",
            remedy="Report this with the version of AmberTools.",
        )
    corrections, missing = types.corrections({**table, **SUPPLEMENT})
    populations = []
    version = ""
    for number, shape in enumerate(conformers):
        found, version = _populations(molecule, shape, tools, directory, net, number, optimise)
        populations.append(found + corrections)
        progress((number + 1) / len(conformers), f"conformer {number + 1} of {len(conformers)}")
    classes = equivalence_classes(molecule)
    every = symmetrised(np.array(populations), classes)
    return Charges(
        tuple(rounded(every.mean(axis=0), classes, net)),
        tuple(np.round(every.std(axis=0), 4).tolist()),
        len(conformers),
        version,
        tuple(
            note(
                "bond-uncorrected",
                bond=f"{names[bond[0]]}-{names[bond[1]]}",
                types=(types.atoms[bond[0]], types.atoms[bond[1]]),
                kind=bond[2],
                aromatic_taken=int(bond not in missing),
            )
            for bond in lacking
        ),
    )


def rounded(charges: FloatArray, classes: NDArray[np.int_], net: int) -> list[float]:
    """Charges (n_atoms,) as millionths of e whose sum is the net charge; equivalent atoms stay alike.

    What rounding leaves over goes to the most charged atom that has no equivalent, where there is one.

    Raises ComputationError if the charges do not add up to the net charge within 0.05 e.
    """
    if abs(charges.sum() - net) > 0.05:
        raise ComputationError(
            f"The charges add up to {charges.sum():.3f} e, but the molecule has {net}.", where="am1bcc"
        )
    even = charges - (charges.sum() - net) / len(charges)
    whole = np.round(even * _UNIT_E).astype(np.int64)
    alone = (classes[:, None] == classes).sum(axis=1) == 1
    pool = np.flatnonzero(alone) if alone.any() else np.arange(len(whole))
    whole[pool[np.abs(whole[pool]).argmax()]] += net * _UNIT_E - int(whole.sum())
    return [int(value) / _UNIT_E for value in whole]


def read_corrections(path: Path) -> dict[tuple[str, str, str], float]:
    """AmberTools' table of bond charge corrections: atom type, atom type, bond type to e."""
    table = {}
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) >= 5 and words[0].isdigit():
            table[words[1], words[2], words[3]] = float(words[4])
    return table


def write_sdf(path: Path, molecule: Mol, shape: FloatArray) -> None:
    """A molecule with one conformer (n_atoms, 3) as an SDF that antechamber reads: bonds drawn, V2000."""
    from rdkit import Chem

    work = Chem.Mol(molecule)
    work.RemoveAllConformers()
    conformer = Chem.Conformer(work.GetNumAtoms())
    conformer.SetPositions(shape)
    work.AddConformer(conformer)
    Chem.Kekulize(work, clearAromaticFlags=True)
    path.write_text(Chem.MolToMolBlock(work, kekulize=True) + "$$$$\n")


def _typed(
    molecule: Mol, shape: FloatArray, tools: AmberTools, directory: Path, net: int
) -> tuple[BccTypes, FloatArray, FloatArray]:
    """Types, AM1 populations and AM1-BCC charges (n_atoms,) as antechamber makes them of one conformer."""
    place = directory / "antechamber"
    place.mkdir()
    write_sdf(place / "ligand.sdf", molecule, shape)
    files = ["-i", "ligand.sdf", "-fi", "sdf", "-o", "ligand.mol2", "-fo", "mol2"]
    wanted = ["-at", "gaff2", "-c", "bcc", "-nc", str(net), "-ek", _SINGLE_POINT, "-pf", "n", "-dr", "n"]
    tools.run("antechamber", [*files, *wanted], place)
    pre, done = place / "ANTECHAMBER_AM1BCC_PRE.AC", place / "ANTECHAMBER_AM1BCC.AC"
    try:
        before = [float(words[-2]) for words in _ac_rows(pre, "ATOM")]
        after = [float(words[-2]) for words in _ac_rows(done, "ATOM")]
        kinds = tuple(words[-1] for words in _ac_rows(done, "ATOM"))
        bonds = tuple((int(words[2]) - 1, int(words[3]) - 1, words[4]) for words in _ac_rows(done, "BOND"))
    except (OSError, ValueError, IndexError) as error:
        raise ComputationError(
            f"antechamber left no AM1-BCC charges ({error}).",
            where="antechamber",
            remedy="Check the molecule's hydrogens, charge and valences.",
        ) from error
    if len(after) != molecule.GetNumAtoms() or len(bonds) != molecule.GetNumBonds():
        raise ComputationError("antechamber lost atoms or bonds of the molecule.", where="antechamber")
    return BccTypes(kinds, bonds), np.array(before), np.array(after)


def _ac_rows(path: Path, kind: str) -> list[list[str]]:
    """The words of every line of a kind in a file of antechamber's."""
    return [line.split() for line in path.read_text().splitlines() if line.startswith(kind)]


def _populations(
    molecule: Mol,
    shape: FloatArray,
    tools: AmberTools,
    directory: Path,
    net: int,
    number: int,
    optimise: bool,
) -> tuple[FloatArray, str]:
    """AM1 Mulliken charges (n_atoms,) of one conformer, and sqm's version."""
    settings = _OPTIMISED if optimise else _SINGLE_POINT
    lines = ["AM1 charges", " &qmmm", f"  {settings} qmcharge={net},", " /"]
    for atom, (x, y, z) in zip(molecule.GetAtoms(), shape.tolist(), strict=True):
        symbol, index = atom.GetSymbol(), atom.GetIdx() + 1
        lines.append(f" {atom.GetAtomicNum()} {symbol}{index} {x:14.6f} {y:14.6f} {z:14.6f}")
    source, target = f"sqm_{number}.in", f"sqm_{number}.out"
    (directory / source).write_text("\n".join(lines) + "\n\n")
    tools.run("sqm", ["-O", "-i", source, "-o", target], directory)
    text = (directory / target).read_text(errors="replace")
    block = text.rpartition("Atom    Element       Mulliken Charge")[2].partition("Total Mulliken")[0]
    found = re.findall(r"^\s*\d+\s+[A-Z][a-z]?\s+(-?\d+\.\d+)\s*$", block, re.MULTILINE)
    if len(found) != molecule.GetNumAtoms() or "Calculation Completed" not in text:
        raise ComputationError(
            "sqm did not converge on charges for a conformer.",
            where=f"sqm, conformer {number + 1}",
            remedy="Check the net charge and the geometry.",
        )
    version = re.search(r"AMBER SQM VERSION \S+", text)
    return np.array([float(value) for value in found]), version.group() if version else "sqm"

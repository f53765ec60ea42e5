"""Which stereochemistry of a molecule is left open, and whether what is stated can exist in space.

A centre is open where at least two isomers exist that can be kept apart: not bridgeheads that close in one
way only, amines and amidines that turn over by themselves, or atoms that differ in how a charge was drawn.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from kinscope.core.errors import LigandError
from kinscope.ligands.chemistry import embedding_parameters, quiet
from kinscope.results.notes import Note, note

Mol = Any
"""An ``rdkit.Chem.Mol``."""

TOO_STRAINED_KCAL_PER_MOL = 33.0
"""An isomer this far above another in MMFF94 does not exist. Trans-bicyclo[4.1.0]heptane, which is known,
lies 28 above cis; trans-cyclohexene oxide 38, in,out-bicyclo[3.3.1]nonane 70."""
_SAMPLES = 10
_ATTEMPTS = 10
"""Of one embedding. Caged natural products need up to six of the second kind; impossible ones fail always."""
_PASSING = ("[#7;!H0]=[#6,#7]", "[#7;!$(*-[#8]);!$(*-[#7+0])]=[#6]~[#7]")
"""Double bonds that change by themselves: of nitrogen with a hydrogen, and of amidines and guanidines."""
_NO_CENTRE = (
    "[#15,#16](~[#8D1])~[#8D1]", "[#15,#16](~[#16D1])~[#16D1]", "[#15,#16](~[#7D1])~[#7D1]",
    "[#7X3r3+0](~[#6])(~[#6])~[#6]",
)  # fmt: skip
"""Acids' ends that differ in charge or tautomer only; an aziridine's nitrogen, inverting at 19 kcal/mol."""
_CENTRE = ("[#15,#16]", "[#7r3]")
"""Centres whatever the rings around them are."""


def open_stereo(molecule: Mol) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Centres and double bonds that are open, ``C12``, ``C3=C4``, and double bonds that change by themselves.

    Atoms are counted from 1.
    """
    from rdkit import Chem

    with quiet():
        plain = _turned_over(molecule)
        unstated = [
            e for e in Chem.FindPotentialStereo(plain) if e.specified != Chem.StereoSpecified.Specified
        ]
        bonds = {e.centeredOn for e in unstated if e.type == Chem.StereoType.Bond_Double}
        atoms = {e.centeredOn for e in unstated if e.type == Chem.StereoType.Atom_Tetrahedral}
        bonds &= {plain.GetBondBetweenAtoms(*pair).GetIdx() for pair in _found(plain, "[#6,#7]=[#6,#7]")}
        for first, middle, last in _found(plain, "*=[X2]=*"):
            pair = {plain.GetBondBetweenAtoms(middle, end).GetIdx() for end in (first, last)}
            symbols = {plain.GetAtomWithIdx(index).GetSymbol() for index in (first, middle, last)}
            # An allene has an axis, which a SMILES cannot state; with nitrogen at an end it turns over.
            if not pair <= bonds or symbols != {"C"}:
                bonds -= pair
        passing = bonds & {
            plain.GetBondBetweenAtoms(match[0], match[1]).GetIdx() for match in _found(plain, *_PASSING)
        }
        atoms -= {match[0] for match in _found(plain, *_NO_CENTRE)}
        certain = {match[0] for match in _found(plain, *_CENTRE)}
        certain |= {e.centeredOn for e in unstated if e.specified == Chem.StereoSpecified.Unknown}
        ranks = list(Chem.CanonicalRankAtoms(plain, breakTies=False, includeChirality=False))
        for atom in map(plain.GetAtomWithIdx, atoms):
            unlike = {ranks[beside.GetIdx()] for beside in atom.GetNeighbors()}
            if not atom.IsInRing() and len(unlike) == atom.GetDegree():
                certain.add(atom.GetIdx())
        if atoms and not (bonds - passing or atoms & certain) and _one_isomer(plain, sorted(atoms)):
            atoms = set()

    def name(index: int) -> str:
        atom = plain.GetAtomWithIdx(index)
        return f"{atom.GetSymbol()}{atom.GetIntProp('_number')}"

    def named(index: int) -> str:
        bond = plain.GetBondWithIdx(index)
        return f"{name(bond.GetBeginAtomIdx())}={name(bond.GetEndAtomIdx())}"

    lasting = (*map(name, sorted(atoms)), *map(named, sorted(bonds - passing)))
    return lasting, tuple(map(named, sorted(passing)))


def refuse_open_stereo(
    molecule: Mol, *, where: str, remedy: str, what: str = "Stereochemistry is not stated"
) -> tuple[Note, ...]:
    """Raise a LigandError that names what is open; if nothing is, a note of bonds that change by themselves.

    A racemate and a pair of which one is meant (``&1`` and ``o1`` in SMILES, STERAC and STEREL in SDF) are
    open too.
    """
    lasting, passing = open_stereo(molecule)
    if lasting:
        raise LigandError(f"{what} at {', '.join(lasting)}.", where=where, remedy=remedy)
    kinds = {group.GetGroupType().name for group in molecule.GetStereoGroups()}
    for kind, said in (
        ("STEREO_AND", "It is a mixture of stereoisomers (a racemate: & or STERAC)."),
        ("STEREO_OR", "It is one of several stereoisomers, and which is not known (o or STEREL)."),
    ):
        if kind in kinds:
            raise LigandError(said, where=where, remedy="Dock each isomer by itself, without the group.")
    return (note("configuration-passing", bonds=passing),) if passing else ()


def refuse_impossible(full: Mol, *, where: str) -> None:
    """Raise a LigandError if a molecule with all hydrogens has no three-dimensional structure as stated."""
    from rdkit import Chem

    none, rings = Chem.ChiralType.CHI_UNSPECIFIED, full.GetRingInfo()
    stated = [
        a.GetIdx() for a in full.GetAtoms() if a.GetChiralTag() != none and rings.NumAtomRings(a.GetIdx())
    ]
    energy = _built(Chem.Mol(full), 1)
    if energy is not None and any(rings.NumAtomRings(index) > 1 for index in stated):
        free = Chem.Mol(full)
        for index in stated:
            free.GetAtomWithIdx(index).SetChiralTag(none)
        others = [_built(Chem.Mol(free), seed) for seed in range(1, 4)]
        lowest = min((other for other in others if other is not None), default=energy)
        energy = energy if energy < lowest + TOO_STRAINED_KCAL_PER_MOL else None
    if energy is None:
        raise LigandError(
            "The stereochemistry that is stated cannot exist in three dimensions."
            if stated
            else "No three-dimensional structure of this molecule could be made.",
            where=where,
            remedy="Check the marks at bridgeheads and where rings join, or give an SDF with coordinates.",
        )


def _found(molecule: Mol, *patterns: str) -> list[tuple[int, ...]]:
    from rdkit import Chem

    return [
        found
        for one in patterns
        for found in molecule.GetSubstructMatches(Chem.MolFromSmarts(one), maxMatches=10**5)
    ]


def _turned_over(molecule: Mol) -> Mol:
    """Without hydrogens and a drawing's numbers; amines that carry a proton, hence turn over, without it."""
    from rdkit import Chem

    marked = Chem.Mol(molecule)
    for atom in marked.GetAtoms():
        atom.SetIntProp("_number", atom.GetIdx() + 1)
        atom.SetAtomMapNum(0)
    plain = Chem.RemoveHs(marked)
    for (index,) in _found(plain, "[#7X4+;!H0]"):
        atom = plain.GetAtomWithIdx(index)
        hydrogens = atom.GetTotalNumHs()
        atom.SetFormalCharge(0)
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(hydrogens - 1)
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    plain.UpdatePropertyCache()
    Chem.AssignStereochemistry(plain, cleanIt=True, force=True)
    return plain


def _one_isomer(molecule: Mol, atoms: list[int]) -> bool:
    """Whether a molecule with open centres has one isomer only.

    Tried are random embeddings, then the best of these with each centre turned over, and all of them.
    """
    from rdkit import Chem

    full = Chem.AddHs(molecule)
    found: dict[str, tuple[float, Mol]] = {}

    def one(trials: list[Mol]) -> bool:
        for seed, trial in enumerate(trials, start=1):
            energy = _built(trial, seed)
            if energy is not None:
                isomer = _as_built(trial, molecule, atoms)
                key = Chem.MolToSmiles(Chem.RemoveHs(isomer))
                found[key] = min(found.get(key, (energy, isomer)), (energy, isomer), key=itemgetter(0))
        lowest = min((energy for energy, _ in found.values()), default=0.0)
        return sum(energy < lowest + TOO_STRAINED_KCAL_PER_MOL for energy, _ in found.values()) == 1

    if not one([Chem.Mol(full) for _ in range(_SAMPLES)]):
        return False
    best = min(found.values(), key=itemgetter(0))[1]
    turned = []
    for some in (*([index] for index in atoms), atoms):
        turned.append(Chem.Mol(best))
        for index in some:
            turned[-1].GetAtomWithIdx(index).InvertChirality()
    return one(turned)


def _as_built(trial: Mol, molecule: Mol, atoms: list[int]) -> Mol:
    """With the configuration of its coordinates at the open centres, else with what is stated."""
    from rdkit import Chem

    built = Chem.Mol(trial)
    Chem.AssignStereochemistryFrom3D(built)
    for atom in molecule.GetAtoms():
        if atom.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED and atom.GetIdx() not in atoms:
            built.GetAtomWithIdx(atom.GetIdx()).SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    for bond in molecule.GetBonds():
        if bond.GetStereo() == Chem.BondStereo.STEREONONE:
            built.GetBondWithIdx(bond.GetIdx()).SetStereo(Chem.BondStereo.STEREONONE)
    built.RemoveAllConformers()
    return built


def _built(molecule: Mol, seed: int) -> float | None:
    """MMFF94 energy in kcal/mol of a relaxed conformer, which the molecule gets; None if none is found."""
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

    parameters = embedding_parameters(seed)
    parameters.maxIterations = _ATTEMPTS
    if rdDistGeom.EmbedMolecule(molecule, parameters) < 0:
        parameters.useRandomCoords = True
        if rdDistGeom.EmbedMolecule(molecule, parameters) < 0:
            return None
    relaxed = Chem.Mol(molecule)
    if not rdForceFieldHelpers.MMFFHasAllMoleculeParams(relaxed):
        return 0.0
    return float(rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(relaxed, numThreads=1, maxIters=500)[0][1])

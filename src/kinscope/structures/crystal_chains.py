"""Chains of crystals with hydrogens, nothing relaxed: what packing and mutants are judged on."""

from __future__ import annotations

import io
from dataclasses import dataclass

from kinscope.structures.entries import read_crystal_chain
from kinscope.structures.model import AtomArray, ModelRecord, ResidueOrigin
from kinscope.structures.preparation import missing_atoms, pdb_text
from kinscope.structures.source import PdbSource
from kinscope.targets.pack import TargetPack


@dataclass(frozen=True)
class CrystalModel:
    """A crystal's chain in the target's numbering, with hydrogens and caps."""

    label: str
    """Such as ``2GQG:A``."""
    atoms: AtomArray
    record: ModelRecord
    complete: frozenset[int]
    """Residues whose every heavy atom the crystal shows."""


def crystal_model(source: PdbSource, pack: TargetPack, entry: str, chain: str) -> CrystalModel:
    """A chain of a wwPDB entry, missing side-chain atoms and hydrogens added, nothing relaxed.

    Raises
    ------
    StructureError
        If the entry or chain is not at hand, or is not of this target.
    """
    from openmm import app, unit
    from pdbfixer import PDBFixer

    from kinscope.structures.forcefield import cpu_platform
    from kinscope.structures.io import from_openmm

    shown = read_crystal_chain(source, entry, chain, pack)
    numbers = list(shown.residues)
    platform, _ = cpu_platform()
    fixer = PDBFixer(pdbfile=io.StringIO(pdb_text(shown.atoms)), platform=platform)
    fixer.missingResidues = {(0, 0): ["ACE"], (0, len(numbers)): ["NME"]}
    fixer.findMissingAtoms()
    fixer.addMissingAtoms(seed=1)
    modeller = app.Modeller(fixer.topology, fixer.positions)
    modeller.addHydrogens(app.ForceField("amber14/protein.ff14SB.xml"), platform=platform)
    for residue in modeller.topology.residues():
        if residue.name in {"ACE", "NME"}:
            residue.id = str(numbers[0] - 1 if residue.name == "ACE" else numbers[-1] + 1)
    atoms = from_openmm(modeller.topology, modeller.positions.in_units_of(unit.nanometer))
    record = ModelRecord(
        target=pack.gene,
        state="user",
        variant="native",
        first_residue=numbers[0],
        last_residue=numbers[-1],
        origins=tuple(ResidueOrigin(residue=n, origin="crystal", entry=shown.label) for n in numbers),
        method=(f"Chain {chain} of {entry} with hydrogens.",),
    )
    return CrystalModel(shown.label, atoms, record, frozenset(numbers) - set(missing_atoms(shown.atoms)))

"""Small systems to measure the dynamics on: one capped residue, in water or without."""

from __future__ import annotations

import io
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.core.files import sha256_of_file, write_atomic
from kinscope.dynamics import box as boxes
from kinscope.dynamics.files.system import write_state, write_system
from kinscope.dynamics.records import (
    PROTEIN_FILE,
    STATE_FILE,
    SYSTEM_FILE,
    SYSTEM_RECORD_FILE,
    SolvatedSystem,
)
from kinscope.dynamics.settings import SolvationSettings
from kinscope.dynamics.systems.solvent import solvate_native
from kinscope.structures.forcefield.system import cpu_platform
from kinscope.structures.io import from_openmm, to_openmm, write_model
from kinscope.structures.model import AtomArray

BACKBONE = """\
ATOM      1  CH3 ACE A   1       2.000   2.090   0.000  1.00  0.00           C
ATOM      2  C   ACE A   1       3.427   2.641   0.000  1.00  0.00           C
ATOM      3  O   ACE A   1       4.391   1.877   0.000  1.00  0.00           O
ATOM      4  N   XXX A   2       3.555   3.970   0.000  1.00  0.00           N
ATOM      5  CA  XXX A   2       4.853   4.614   0.000  1.00  0.00           C
ATOM      6  CB  XXX A   2       5.661   4.221  -1.232  1.00  0.00           C
ATOM      7  C   XXX A   2       5.713   4.129   1.165  1.00  0.00           C
ATOM      8  O   XXX A   2       5.216   3.850   2.257  1.00  0.00           O
ATOM      9  N   NME A   3       7.020   4.020   0.920  1.00  0.00           N
ATOM     10  C   NME A   3       7.960   3.570   1.930  1.00  0.00           C
END
"""
_VACUUM_BOX_NM = 3.0
PROTEIN_FORCE_FIELD = "amber14/protein.ff14SB.xml"


def capped_residue(name: str = "LYS") -> AtomArray:
    """One amino acid (not glycine) between acetyl and methylamide, with hydrogens, angstrom."""
    copy: AtomArray = _capped(name).copy()
    return copy


@lru_cache
def _capped(name: str) -> AtomArray:
    from openmm import app
    from pdbfixer import PDBFixer

    fixer = PDBFixer(pdbfile=io.StringIO(BACKBONE.replace("XXX", name)), platform=cpu_platform()[0])
    fixer.findMissingResidues()
    fixer.findMissingAtoms()
    fixer.missingTerminals = {}
    fixer.addMissingAtoms(seed=1)
    modeller = app.Modeller(fixer.topology, fixer.positions)
    random.seed(1)  # where addHydrogens starts from
    modeller.addHydrogens(app.ForceField(PROTEIN_FORCE_FIELD), platform=cpu_platform()[0])
    return from_openmm(modeller.topology, modeller.positions)


def residue_in_water(
    directory: Path, name: str = "LYS", *, hydrogen_mass_amu: float = 3.024
) -> SolvatedSystem:
    """Store a capped residue in about 450 waters: PME, rigid water, everything that a kinase's box has."""
    settings = SolvationSettings(settle_steps=300, equilibration_ps=0.0, hydrogen_mass_amu=hydrogen_mass_amu)
    return solvate_native(capped_residue(name), settings, 1, directory)


def residue_in_vacuum(directory: Path, name: str = "ALA") -> SolvatedSystem:
    """Store a capped residue without water: thousands of steps a second."""
    from openmm import app

    atoms = capped_residue(name)
    topology, _ = to_openmm(atoms)
    system: Any = app.ForceField(PROTEIN_FORCE_FIELD).createSystem(
        topology, nonbondedMethod=app.NoCutoff, constraints=app.HBonds, hydrogenMass=3.024
    )
    positions, _ = boxes.solute_arrays(atoms)
    box = np.eye(3) * _VACUUM_BOX_NM
    system.setDefaultPeriodicBoxVectors(*box)
    directory.mkdir(parents=True, exist_ok=True)
    write_system(directory, system)
    write_state(directory / STATE_FILE, positions, box)
    write_model(directory / PROTEIN_FILE, atoms)
    record = SolvatedSystem(
        variant=name,
        model_sha256=boxes.model_sha256(atoms),
        seed=1,
        settings=SolvationSettings(),
        atoms=len(atoms),
        solute_atoms=len(atoms),
        waters=0,
        positive_ions=0,
        negative_ions=0,
        solute_charge_e=0,
        box_nm=tuple((float(a), float(b), float(c)) for a, b, c in box),
        volume_cubic_nm=_VACUUM_BOX_NM**3,
        origin="no solvent",
        equilibration=None,
        least_image_distance_nm=_VACUUM_BOX_NM,
        potential_kcal_per_mol=0.0,
        system_sha256=sha256_of_file(directory / SYSTEM_FILE),
        state_sha256=sha256_of_file(directory / STATE_FILE),
        wall_seconds=0.0,
    )
    write_atomic(directory / SYSTEM_RECORD_FILE, record.model_dump_json(indent=1))
    return record

"""Capped single residues, and water boxes small enough to test with."""

from __future__ import annotations

import io
import random
from functools import lru_cache

from factories.small_systems import BACKBONE
from kinscope.dynamics.settings import SolvationSettings
from kinscope.structures.forcefield.system import cpu_platform
from kinscope.structures.io import from_openmm

SOLVATION = SolvationSettings(padding_nm=0.8, settle_steps=150, equilibration_ps=0.0)


def peptide(name: str):
    """Capped single residue with hydrogens, angstrom."""
    return _peptide(name).copy()


@lru_cache
def _peptide(name: str):
    """Made once: OpenMM places hydrogens on threads, which agree to a thousandth of an angstrom only."""
    from openmm import app
    from pdbfixer import PDBFixer

    fixer = PDBFixer(pdbfile=io.StringIO(BACKBONE.replace("XXX", name)), platform=cpu_platform()[0])
    fixer.findMissingResidues()
    fixer.findMissingAtoms()
    fixer.missingTerminals = {}
    fixer.addMissingAtoms(seed=1)
    modeller = app.Modeller(fixer.topology, fixer.positions)
    random.seed(1)  # where addHydrogens starts from
    modeller.addHydrogens(app.ForceField("amber14/protein.ff14SB.xml"), platform=cpu_platform()[0])
    return from_openmm(modeller.topology, modeller.positions)

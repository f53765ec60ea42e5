"""Capped single residues, and water boxes small enough to test with."""

from __future__ import annotations

import io
import random
from functools import lru_cache

from kinscope.dynamics.settings import SolvationSettings
from kinscope.structures.forcefield.system import cpu_platform
from kinscope.structures.io import from_openmm

_BACKBONE = """\
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


SOLVATION = SolvationSettings(padding_nm=0.8, settle_steps=150, equilibration_ps=0.0)


def peptide(name: str):
    """Capped single residue with hydrogens, angstrom."""
    return _peptide(name).copy()


@lru_cache
def _peptide(name: str):
    """Made once: OpenMM places hydrogens on threads, which agree to a thousandth of an angstrom only."""
    from openmm import app
    from pdbfixer import PDBFixer

    fixer = PDBFixer(pdbfile=io.StringIO(_BACKBONE.replace("XXX", name)), platform=cpu_platform()[0])
    fixer.findMissingResidues()
    fixer.findMissingAtoms()
    fixer.missingTerminals = {}
    fixer.addMissingAtoms(seed=1)
    modeller = app.Modeller(fixer.topology, fixer.positions)
    random.seed(1)  # where addHydrogens starts from
    modeller.addHydrogens(app.ForceField("amber14/protein.ff14SB.xml"), platform=cpu_platform()[0])
    return from_openmm(modeller.topology, modeller.positions)

"""Charge models of a ligand against the electrostatic potential of HF/6-31G*, which AM1-BCC aims at.

Fragments of the drugs whose charges two models disagree on, and two on which single points and AM1
optimisation are compared. Needs AmberTools, openff-nagl-models and, beyond kinscope's own extras, pyscf:

    pip install 'kinscope[parameters]' pyscf
    python benchmarks/ligand_charges.py [FRAGMENT ...]

Prints, for each fragment and model, the relative root-mean-square error of the potential on Merz-Kollman
shells (Singh & Kollman, J. Comput. Chem. 1984, 5, 129) and the dipole; the best that any set of atomic
charges can do comes last.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

FRAGMENTS = {
    "ponatinib": "C#Cc1cnc2cccnn12",
    "olverembatinib": "C#Cc1cnc2[nH]ncc2c1",
    "axitinib": "C=Cc1n[nH]c2ccccc12",
    "axitinib-thioether": "CNC(=O)c1ccccc1Sc1ccccc1",
    "asciminib-anilide": "O=C(Nc1ccc(OC(F)(F)Cl)cc1)c1cccnc1",
}
SHELLS = (1.4, 1.6, 1.8, 2.0)
POINTS = 250
RADII = {"H": 1.2, "C": 1.5, "N": 1.5, "O": 1.4, "F": 1.35, "S": 1.75, "Cl": 1.7}
BOHR = 0.529177210903
DEBYE = 4.80320471


def shell_points(elements, positions):
    """Points (n, 3) on shells around the molecule, angstrom."""
    number = np.arange(POINTS) + 0.5
    polar, turn = np.arccos(1 - 2 * number / POINTS), np.pi * (1 + 5**0.5) * number
    sphere = np.column_stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)])
    found = []
    for scale in SHELLS:
        radii = np.array([RADII[element] * scale for element in elements])
        for centre, radius in zip(positions, radii, strict=True):
            points = centre + sphere * radius
            gaps = np.linalg.norm(points[:, None] - positions[None], axis=2)
            found.append(points[(gaps >= radii - 1e-6).all(axis=1)])
    return np.concatenate(found)


def potential(elements, positions, points):
    """Electrostatic potential (n,) of HF/6-31G* at points, atomic units, and the dipole in debye."""
    from pyscf import df, gto, lib, scf

    lib.num_threads(1)
    molecule = gto.M(atom=list(zip(elements, positions.tolist(), strict=True)), basis="6-31g*", verbose=0)
    solved = scf.RHF(molecule).density_fit().run()
    density = solved.make_rdm1()
    values = np.empty(len(points))
    for start in range(0, len(points), 400):
        probes = gto.fakemol_for_charges(points[start : start + 400] / BOHR)
        values[start : start + 400] = -np.einsum("ijp,ij->p", df.incore.aux_e2(molecule, probes), density)
    gaps = np.linalg.norm(points[:, None] - positions[None], axis=2) / BOHR
    values += (molecule.atom_charges() / gaps).sum(axis=1)
    return values, gaps, float(np.linalg.norm(solved.dip_moment(verbose=0)))


def charge_sets(molecule, positions):
    """Charges (n_atoms,) by model."""
    from kinscope.ligands import parameters_charges as am1bcc
    from kinscope.ligands import parameters_network as network
    from kinscope.ligands.parameters import atom_names
    from kinscope.ligands.parameters_programs import find_ambertools

    tools = find_ambertools()
    sets = {}
    with tempfile.TemporaryDirectory() as place:
        own = am1bcc._typed(molecule, positions, tools, Path(place), 0)
        sets["AM1-BCC, antechamber"] = own[2]
        for optimise, words in ((False, "single point"), (True, "AM1 optimised")):
            home = Path(place) / words.replace(" ", "-")
            home.mkdir()
            names = atom_names(molecule)
            found = am1bcc.am1bcc_charges(molecule, names, [positions], tools, home, optimise=optimise)
            sets[f"AM1-BCC, kinscope, {words}"] = np.array(found.charges_e)
    path = network.weights_file()
    if path is not None:
        sets[network.MODEL] = network.read_network(path).charges(molecule)
    return sets


def main(wanted):
    """Print the table."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    print(f"{'fragment':<20}{'charges':<34}{'error':>8}{'dipole D':>10}")
    for name in wanted or FRAGMENTS:
        molecule = Chem.AddHs(Chem.MolFromSmiles(FRAGMENTS[name]))
        AllChem.EmbedMolecule(molecule, randomSeed=1)
        AllChem.MMFFOptimizeMolecule(molecule, maxIters=2000)
        positions = np.asarray(molecule.GetConformer().GetPositions())
        elements = [atom.GetSymbol() for atom in molecule.GetAtoms()]
        values, gaps, dipole = potential(elements, positions, shell_points(elements, positions))
        norm = (values**2).sum()
        sets = charge_sets(molecule, positions)
        matrix = np.zeros((len(elements) + 1,) * 2)
        matrix[:-1, :-1] = (1 / gaps).T @ (1 / gaps)
        matrix[:-1, -1] = matrix[-1, :-1] = 1
        sets["fitted to the potential"] = np.linalg.solve(matrix, np.r_[(1 / gaps).T @ values, 0])[:-1]
        for words, charges in sets.items():
            error = np.sqrt((((1 / gaps) @ charges - values) ** 2).sum() / norm)
            own = np.linalg.norm((charges[:, None] * positions).sum(axis=0)) * DEBYE
            print(f"{name:<20}{words:<34}{error:>8.3f}{own:>10.2f}")
        print(f"{name:<20}{'HF/6-31G*':<34}{'':>8}{dipole:>10.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

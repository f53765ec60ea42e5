"""Vina's function over arrays is Vina's function, and its gradient is its own."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.docking import PACK, model, pose
from kinscope.docking.engine import Box
from kinscope.docking.fields.minimiser import Mobility, generalised
from kinscope.docking.fields.vina import AtomKind, VinaFunction, pair_energy
from kinscope.docking.vina.engine import VinaEngine, VinaSystem
from kinscope.docking.vina.receptor import model_bonds, write_pdbqt_by_rules
from kinscope.ligands.chemistry import quiet
from kinscope.structures.model import AtomArray

CARBON = AtomKind("C", True, False, False)
NITROGEN = AtomKind("N", False, True, False)
OXYGEN = AtomKind("O", False, False, True)


def system(drug: str) -> tuple[VinaSystem, np.ndarray]:  # type: ignore[type-arg]
    molecule = pose(drug)[0]
    points = np.asarray(molecule.GetConformer().GetPositions())
    return VinaEngine().bind(model(PACK.drug(drug).state), molecule, Box.around(points, 4.0)), points


@pytest.mark.parametrize("drug", ["dasatinib", "imatinib"])
def test_the_score_is_vinas_own(drug: str) -> None:
    bound, points = system(drug)
    ours, its = bound.score(points[None])[0], bound.confirm(points)
    assert ours.score_kcal_per_mol == pytest.approx(its.score_kcal_per_mol, abs=0.02)
    assert ours.intermolecular_kcal_per_mol == pytest.approx(its.intermolecular_kcal_per_mol, abs=0.03)
    assert ours.intramolecular_kcal_per_mol == pytest.approx(its.intramolecular_kcal_per_mol, abs=0.02)


def test_terms_at_distances_worked_on_paper() -> None:
    # Two aliphatic carbons at the sum of Vina's radii (3.8 A): gauss1 1, gauss2 exp(-2.25), no repulsion,
    # hydrophobic 1.
    expected = -0.035579 - 0.005156 * np.exp(-2.25) - 0.035069
    assert pair_energy(CARBON, CARBON, np.array([3.8]))[0] == pytest.approx(expected, abs=1e-9)
    # Donor to acceptor at a surface distance of -0.7 A: the whole hydrogen bond, and repulsion 0.49.
    at = np.array([1.8 + 1.7 - 0.7])
    bonded = (
        pair_energy(NITROGEN, OXYGEN, at)[0] - pair_energy(AtomKind("N", False, False, False), OXYGEN, at)[0]
    )
    assert bonded == pytest.approx(-0.587439, abs=1e-9)
    assert pair_energy(CARBON, CARBON, np.array([8.0]))[0] == 0.0


def test_the_gradient_is_that_of_the_energy() -> None:
    # A handful of atoms, none near the cutoff, where Vina's energy jumps by its definition.
    random = np.random.default_rng(1)
    directions = random.normal(size=(20, 3))
    receptor = (
        directions / np.linalg.norm(directions, axis=1)[:, None] * random.uniform(4.0, 5.5, 20)[:, None]
    )
    kinds = [CARBON, NITROGEN, OXYGEN]
    ligand = random.uniform(-1.0, 1.0, size=(1, 4, 3))
    function = VinaFunction(
        receptor,
        [kinds[i % 3] for i in range(20)],
        [CARBON, OXYGEN, NITROGEN, CARBON],
        np.array([[0, 3]], dtype=np.intp),
    )
    _, gradient = function(ligand)
    step = 5e-3
    for atom in range(4):
        for axis in range(3):
            up, down = ligand.copy(), ligand.copy()
            up[0, atom, axis] += step
            down[0, atom, axis] -= step
            numeric = (function(up)[0] - function(down)[0])[0] / (2 * step)
            assert gradient[0, atom, axis] == pytest.approx(numeric, abs=0.02 + 0.02 * abs(numeric))


def test_generalised_gradient_agrees_with_moving() -> None:
    bound, points = system("dasatinib")
    mobility = bound._mobility
    heavy = points[bound._heavy][None]
    targets = heavy + np.random.default_rng(2).normal(size=heavy.shape)

    def springs(poses: np.ndarray) -> float:  # type: ignore[type-arg]
        return float(((poses - targets) ** 2).sum())

    slope = np.empty(mobility.degrees)
    generalised(mobility.tree, heavy[0], 2.0 * (heavy - targets)[0], slope)
    assert len(slope) == 6 + len(bound.torsions)
    for degree in range(mobility.degrees):
        step = np.zeros((1, mobility.degrees))
        step[0, degree] = 1e-5
        numeric = (springs(mobility.move(heavy, step)) - springs(mobility.move(heavy, -step))) / 2e-5
        assert slope[degree] == pytest.approx(numeric, abs=1e-3)


def test_minimising_lowers_the_energy_and_keeps_the_molecule() -> None:
    bound, points = system("dasatinib")
    pushed = points + np.array([0.7, 0.4, -0.5])
    before, after = bound.score(pushed[None])[0], bound.minimise(pushed[None])[0]
    assert after.score_kcal_per_mol < before.score_kcal_per_mol - 0.5
    molecule = pose("dasatinib")[0]
    for bond in molecule.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        was, now = (
            np.linalg.norm(pushed[i] - pushed[j]),
            np.linalg.norm(after.coordinates[i] - after.coordinates[j]),
        )
        assert now == pytest.approx(was, abs=2e-3)


def test_rotation_vectors_turn_right_handed() -> None:
    step = np.array([[0.0, 0.0, 0.0, 0.0, 0.0, np.pi / 2]])
    turned = Mobility(()).move(np.array([[[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]]), step)
    assert np.allclose(turned, [[[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]], atol=1e-12)


@pytest.mark.parametrize("state", ["kinase-dfg-in", pytest.param("closed-dfg-out", marks=pytest.mark.slow)])
def test_receptor_types_by_rule_are_meekos_atom_by_atom(state: str) -> None:
    atoms = model(state)
    bonds = model_bonds(atoms)
    assert typed(write_pdbqt_by_rules(atoms, bonds)) == typed(pdbqt_by_meeko(atoms, bonds))


def typed(pdbqt: str) -> list[tuple[str, str]]:
    return sorted((line[30:54], line[77:].strip()) for line in pdbqt.splitlines() if line.startswith("ATOM"))


def pdbqt_by_meeko(atoms: AtomArray, bonds: NDArray[np.intp]) -> str:
    """PDBQT by Meeko's Polymer, with stated bonds."""
    from meeko import MoleculePreparation, PDBQTWriterLegacy, Polymer, ResidueChemTemplates

    with quiet():
        molecules, between = residue_molecules(atoms, bonds)
        templates = ResidueChemTemplates.create_from_defaults()
        # Meeko would look unknown residues up on a network.
        assert set(atoms.res_name) <= set(templates.residue_templates) | set(templates.ambiguous)
        polymer = Polymer(molecules, between, templates, MoleculePreparation(charge_model="zero"))
        assert not polymer.get_ignored_monomers()
        return str(PDBQTWriterLegacy.write_string_from_polymer(polymer)[0])


def residue_molecules(
    atoms: AtomArray, bonds: NDArray[np.intp]
) -> tuple[dict[str, tuple[Any, str]], dict[tuple[str, str], list[tuple[int, int]]]]:
    """One RDKit molecule per residue, and the bonds between them, as Meeko's Polymer takes them."""
    from rdkit import Chem
    from rdkit.Geometry import Point3D

    keys = [f"{chain or 'A'}:{number}" for chain, number in zip(atoms.chain_id, atoms.res_id, strict=True)]
    members: dict[str, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        members[key].append(index)
    place = {index: row for indices in members.values() for row, index in enumerate(indices)}
    inner: dict[str, list[tuple[int, int]]] = defaultdict(list)
    between: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for i, j in bonds:
        if keys[i] == keys[j]:
            inner[keys[i]].append((place[i], place[j]))
        else:
            between[keys[i], keys[j]].append((place[i], place[j]))
    molecules = {}
    for key, indices in members.items():
        molecule = Chem.RWMol()
        conformer = Chem.Conformer(len(indices))
        for row, index in enumerate(indices):
            atom = Chem.Atom(str(atoms.element[index]).capitalize())
            atom.SetNoImplicit(True)
            info = Chem.AtomPDBResidueInfo(
                f" {atoms.atom_name[index]:<3}"[:4], residueName=str(atoms.res_name[index]),
                residueNumber=int(atoms.res_id[index]), chainId=key.split(":")[0],
            )  # fmt: skip
            atom.SetPDBResidueInfo(info)
            molecule.AddAtom(atom)
            conformer.SetAtomPosition(row, Point3D(*map(float, atoms.coord[index])))
        for i, j in inner[key]:
            molecule.AddBond(i, j, Chem.BondType.SINGLE)
        molecule.AddConformer(conformer)
        plain = molecule.GetMol()
        plain.UpdatePropertyCache(strict=False)
        molecules[key] = (plain, str(atoms.res_name[indices[0]]))
    return molecules, dict(between)

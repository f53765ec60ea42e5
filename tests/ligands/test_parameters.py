"""Shipped force-field parameters: they fit their drugs, add up, and behave like the chemistry they mean."""

from __future__ import annotations

import shutil
from decimal import Decimal
from functools import lru_cache
from xml.etree import ElementTree

import numpy as np
import pytest

from factories.ligand_system import system_of, topology_of
from kinscope.core.errors import LigandError
from kinscope.interpretation.words.say import say
from kinscope.ligands.library import load_ligand
from kinscope.ligands.parameters.charges import equivalence_classes
from kinscope.ligands.parameters.shipped import (
    SHIPPED,
    atom_names,
    has_parameters,
    load_parameters,
    molecule_in_order,
    read_parameters,
    same_molecule,
)
from kinscope.targets import load_target

PACK = load_target("abl1")
DRUGS = [drug.id for drug in PACK.drugs if drug.id != "atp"]  # a nucleotide is outside GAFF2


def context_of(system):
    import openmm

    platform = openmm.Platform.getPlatformByName("Reference")
    return openmm.Context(system, openmm.VerletIntegrator(0.001), platform)


@lru_cache
def shipped(name):
    return load_parameters(PACK.drug(name))


@pytest.mark.parametrize("name", DRUGS)
def test_every_drug_has_parameters_of_the_form_it_has_at_ph_7_4(name):
    drug = PACK.drug(name)
    assert has_parameters(drug)
    record = shipped(name).record
    # The library's own molecule, whose embedding is dear, where it is cheapest.
    molecule = load_ligand(drug) if name == "pd166326" else molecule_in_order(drug.smiles_ph74)
    assert record.residue_name == drug.ccd
    assert tuple(atom.name for atom in record.atoms) == atom_names(molecule)
    assert [atom.element for atom in record.atoms] == [atom.GetSymbol() for atom in molecule.GetAtoms()]


@pytest.mark.parametrize("name", DRUGS)
def test_charges_add_up_to_the_formal_charge_exactly(name):
    from rdkit import Chem

    found = shipped(name)
    written = ElementTree.parse(found.xml_path).getroot().findall("./Residues/Residue/Atom")
    total = sum(Decimal(atom.attrib["charge"]) for atom in written)
    assert total == Chem.GetFormalCharge(molecule_in_order(PACK.drug(name).smiles_ph74))
    assert total == found.record.net_charge_e


@pytest.mark.parametrize("name", DRUGS)
def test_equivalent_atoms_have_equal_charges(name):
    record = shipped(name).record
    classes = equivalence_classes(shipped(name).molecule())
    charges = np.array([atom.charge_e for atom in record.atoms])
    single = {number for number in classes if (classes == number).sum() == 1}
    for number in set(classes.tolist()) - single:
        assert np.ptp(charges[classes == number]) < 1e-9


def test_the_carboxylate_of_myristate_shares_its_charge():
    record = shipped("myristate").record
    oxygens = [atom.charge_e for atom in record.atoms if atom.element == "O"]
    assert oxygens[0] == oxygens[1]
    assert -0.95 < oxygens[0] < -0.75  # AM1-BCC of carboxylates


@pytest.mark.parametrize("name", ["imatinib", "dasatinib"])
def test_a_minimum_of_the_force_field_keeps_rings_flat_and_bonds_in_length(name):
    import openmm

    found = shipped(name)
    context = context_of(system_of(found))
    start = np.asarray(load_ligand(PACK.drug(name)).GetConformer().GetPositions())
    context.setPositions(start / 10)
    openmm.LocalEnergyMinimizer.minimize(context, 1.0, 500)
    state = context.getState(positions=True)
    relaxed = np.array(state.getPositions(asNumpy=True)._value) * 10
    molecule = found.molecule()
    for ring in molecule.GetRingInfo().AtomRings():
        if all(molecule.GetAtomWithIdx(index).GetIsAromatic() for index in ring):
            own = relaxed[list(ring)] - relaxed[list(ring)].mean(axis=0)
            assert np.linalg.svd(own)[1][-1] / np.sqrt(len(ring)) < 0.05
    for bond in molecule.GetBonds():
        pair = [bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()]
        lengths = [np.linalg.norm(points[pair[0]] - points[pair[1]]) for points in (start, relaxed)]
        assert abs(lengths[0] - lengths[1]) < 0.08  # MMFF94's own lengths are its


@pytest.mark.parametrize("name", DRUGS)
def test_every_term_of_the_file_reaches_the_system(name):
    """OpenMM passes in silence over a torsion that fits nothing, as an improper about a wrong centre."""
    from openmm import HarmonicAngleForce, HarmonicBondForce, PeriodicTorsionForce, app

    root = ElementTree.parse(shipped(name).xml_path).getroot()
    field = app.ForceField(str(shipped(name).xml_path))
    system = field.createSystem(topology_of(shipped(name)), constraints=None, removeCMMotion=False)
    forces = {type(force): force for force in system.getForces()}
    torsions = sum(
        key.startswith("periodicity") for term in root.find("PeriodicTorsionForce") for key in term.attrib
    )
    assert forces[PeriodicTorsionForce].getNumTorsions() == torsions
    assert forces[HarmonicBondForce].getNumBonds() == len(root.find("HarmonicBondForce"))
    assert forces[HarmonicAngleForce].getNumAngles() == len(root.find("HarmonicAngleForce"))
    molecule = shipped(name).molecule()
    carbonyls = [
        atom.GetIdx()
        for atom in molecule.GetAtoms()
        if atom.GetSymbol() == "C" and any(bond.GetBondTypeAsDouble() == 2 for bond in atom.GetBonds())
        and atom.GetDegree() == 3
        and any(other.GetSymbol() == "O" and other.GetDegree() == 1 for other in atom.GetNeighbors())
    ]  # fmt: skip
    names = atom_names(molecule)
    flat = {term.attrib["type1"].removeprefix(f"{name}-") for term in root.iter("Improper")}
    assert {names[index] for index in carbonyls} <= flat  # sp2 carbons are held flat


def turned(points, axis, moving, degrees):
    """Points with some turned about the axis from the first to the second atom."""
    from scipy.spatial.transform import Rotation

    first, second = points[axis[0]], points[axis[1]]
    unit = (second - first) / np.linalg.norm(second - first)
    result = points.copy()
    result[moving] = Rotation.from_rotvec(np.radians(degrees) * unit).apply(points[moving] - first) + first
    return result


def dihedral(points, atoms):
    a, b, c, d = (points[index] for index in atoms)
    first, second, third = b - a, c - b, d - c
    one, other = np.cross(first, second), np.cross(second, third)
    return np.arctan2(np.dot(np.cross(one, other), second / np.linalg.norm(second)), np.dot(one, other))


def amide(molecule):
    """O, C, N, H of an anilide's amide, and what turns with N about the bond between C and N."""
    from rdkit import Chem

    match = molecule.GetSubstructMatch(Chem.MolFromSmarts("O=C(c)[NX3]([H])c"))
    oxygen, carbon, _, nitrogen, hydrogen, _ = match
    open_ = Chem.RWMol(molecule)
    open_.RemoveBond(carbon, nitrogen)
    part = next(part for part in Chem.GetMolFrags(open_) if nitrogen in part)
    return (oxygen, carbon, nitrogen, hydrogen), list(part)


def test_a_turned_dihedral_costs_what_its_terms_say_and_an_amide_stays_flat():
    """The torsions, summed by the formula, against OpenMM; and their barrier against chemistry."""
    from openmm import PeriodicTorsionForce

    found = shipped("imatinib")
    system = system_of(found)
    force = next(one for one in system.getForces() if isinstance(one, PeriodicTorsionForce))
    force.setForceGroup(7)
    context = context_of(system)
    start = np.asarray(load_ligand(PACK.drug("imatinib")).GetConformer().GetPositions())
    atoms, moving = amide(found.molecule())
    terms = [force.getTorsionParameters(index) for index in range(force.getNumTorsions())]

    def by_hand(points, kept):
        return sum(
            k._value * (1 + np.cos(n * dihedral(points, quad) - phase._value)) / 4.184
            for *quad, n, phase, k in terms
            if kept(quad)
        )

    flat = np.degrees(dihedral(start, atoms))
    assert abs(abs(flat) - 180) < 15  # trans, as MMFF94 built it
    central = {atoms[1], atoms[2]}
    costs = []
    for degrees in (0, 35, 90, 160):
        points = turned(start, atoms[1:3], moving, degrees)
        context.setPositions(points / 10)
        own = context.getState(energy=True, groups={7}).getPotentialEnergy()._value / 4.184
        assert own == pytest.approx(by_hand(points, lambda quad: True), abs=1e-4)
        costs.append(by_hand(points, lambda quad: set(quad[1:3]) == central))
    assert 15 < costs[2] - costs[0] < 25  # rotation about an amide bond, kcal/mol


def test_the_ring_bond_at_an_aryl_aryl_carbon_is_an_aromatic_one():
    """parmchk2's guess for pyrimidine's C-N at the bond to pyridine would be a tenth of this."""
    record = shipped("imatinib").record
    kinds = {atom.name: atom.gaff2_type for atom in record.atoms}
    root = ElementTree.parse(shipped("imatinib").xml_path).getroot()
    stiff = []
    for term in root.findall("./PeriodicTorsionForce/Proper"):
        names = [term.attrib[f"type{n}"].removeprefix("imatinib-") for n in range(1, 5)]
        if {kinds[names[1]], kinds[names[2]]} == {"cp", "nb"}:
            stiff.append(float(term.attrib["k1"]) / 4.184)
    assert stiff
    assert all(k == pytest.approx(4.8, abs=1e-6) for k in stiff)


def test_ponatinibs_imidazole_nitrogen_is_an_acceptor():
    """The hinge binds it. Antechamber alone leaves it at -0.26 e; HF/6-31G* has -0.6 e."""
    found = shipped("ponatinib")
    from rdkit import Chem

    pattern = Chem.MolFromSmarts("[n;X2]1ccn2ncccc12")
    index = found.molecule().GetSubstructMatch(pattern)[0]
    assert -0.7 < found.record.atoms[index].charge_e < -0.45
    assert any("no charge correction" in say(warning) for warning in found.record.warnings)


def test_another_form_of_the_drug_is_refused():
    drug = PACK.drug("imatinib")
    neutral = drug.model_copy(update={"smiles_ph74": drug.smiles})
    assert not has_parameters(neutral)
    with pytest.raises(LigandError, match="another form"):
        load_parameters(neutral)


def test_the_same_form_written_otherwise_is_accepted():
    drug = PACK.drug("myristate")
    assert load_parameters(drug.model_copy(update={"smiles_ph74": "[O-]C(=O)CCCCCCCCCCCCC"}))
    assert not same_molecule("C[C@H](O)F", "C[C@@H](O)F")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.with_suffix(".xml").write_text("<ForceField/>"),
        lambda path: path.write_text(path.read_text().replace("[O-]", "O")),
        lambda path: path.write_text("{"),
        lambda path: path.unlink(),
        lambda path: path.with_suffix(".xml").unlink(),
    ],
)
def test_damaged_files_are_told(tmp_path, damage):
    for suffix in (".xml", ".json"):
        shutil.copy(SHIPPED / f"myristate{suffix}", tmp_path)
    assert read_parameters(tmp_path, "myristate")
    damage(tmp_path / "myristate.json")
    with pytest.raises(LigandError) as caught:
        read_parameters(tmp_path, "myristate")
    assert caught.value.remedy

"""Ligands with their own charges, around which models are relaxed (docs/why/structures.md)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinscope.core.errors import BadInputError
from kinscope.docking.known.reference import pose_records, reference_pose
from kinscope.docking.records import ReferencePoseRecord
from kinscope.docking.relaxed.mechanics import occupant_of, parametriser
from kinscope.docking.run import aligned_reference
from kinscope.interpretation.words.say import say, say_all
from kinscope.ligands.library import load_ligand
from kinscope.ligands.parameters.shipped import directory_for, load_parameters
from kinscope.structures.completion.heavy_atoms import cap_ends
from kinscope.structures.completion.hydrogens import add_hydrogens
from kinscope.structures.forcefield.minimisation import Stage, minimise
from kinscope.structures.forcefield.system import Occupant, cpu_platform, create_system, place_occupants
from kinscope.structures.io import to_openmm
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.build import build_reference_model, occupant_notes, reference_model
from kinscope.structures.reference.recipes import load_recipes
from kinscope.structures.user.ligands import occupant_array
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target

PACK = load_target("abl1")
CHARGED = [recipe.state for recipe in load_recipes(PACK).values() if recipe.occupants == "charged"]
DRY = Stage(
    label="free", backbone_kcal_per_mol_angstrom2=50.0, side_chain_kcal_per_mol_angstrom2=0.0,
    implicit_solvent=False, cutoff_nm=None, max_iterations=300, tolerance_kcal_per_mol_angstrom=0.01,
)  # fmt: skip


@pytest.fixture(scope="module")
def glutamate() -> AtomArray:
    """Glu286 of the DFG-out model by itself, capped, with hydrogens."""
    model, _ = reference_model(PACK, "kinase-dfg-out")
    one = model[(model.res_id == 286) & (model.element != "H")]
    return add_hydrogens(cap_ends(one), {}, ph=7.4)


@pytest.fixture(scope="module")
def imatinib() -> Any:
    """Its shipped pose, with every hydrogen."""
    return reference_pose(PACK, PACK.drug("imatinib"))[0]


def shown(pose: Any, code: str = "STI") -> AtomArray:
    """Heavy atoms of a pose, as a crystal would show them."""
    heavy = [atom for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
    places = np.asarray(pose.GetConformer().GetPositions())[[atom.GetIdx() for atom in heavy]]
    return occupant_array(code, [atom.GetSymbol() for atom in heavy], places)


def donor(nitrogen: np.ndarray, hydrogen: np.ndarray, charge: float) -> Occupant:
    """N-H of an amide (GAFF's radii), nitrogen fixed."""
    from openmm import HarmonicBondForce, NonbondedForce, System

    system, forces, bond = System(), NonbondedForce(), HarmonicBondForce()
    system.addParticle(14.0)
    system.addParticle(1.0)
    forces.addParticle(-charge, 0.325, 0.71)
    forces.addParticle(charge, 0.107, 0.066)
    forces.addException(0, 1, 0.0, 0.1, 0.0)
    bond.addBond(0, 1, 0.101, 360000.0)
    system.addForce(forces)
    system.addForce(bond)
    return Occupant(
        name="NH", coordinates=np.stack([nitrogen, hydrogen]), fixed=np.array([True, False]), system=system,
        born=((0.155, 0.79), (0.13, 0.85)), description="an amide's donor",
    )  # fmt: skip


def beside(atoms: AtomArray, away: float) -> tuple[np.ndarray, np.ndarray]:
    """A nitrogen so far from OE1 along the C-O bond, and its hydrogen, turned away by 60 degrees."""
    oxygen = atoms.coord[atoms.atom_name == "OE1"][0].astype(np.float64)
    line = oxygen - atoms.coord[atoms.atom_name == "CD"][0]
    line /= np.linalg.norm(line)
    across = np.cross(line, [0.3, 0.5, 0.8])
    across /= np.linalg.norm(across)
    nitrogen = oxygen + away * line
    return nitrogen, nitrogen + 1.01 * (-0.5 * line + 0.866 * across)


def gap(atoms: AtomArray, point: np.ndarray) -> float:
    return float(np.linalg.norm(atoms.coord[atoms.atom_name == "OE1"][0] - point))


class TestPartnersOfAHydrogenBond:
    def test_charges_pull_a_carboxylate_in_and_turn_the_hydrogen_to_it(self, glutamate: AtomArray) -> None:
        nitrogen, hydrogen = beside(glutamate, 3.6)
        ends = {}
        for charge in (0.0, 0.4):
            moved, _ = minimise(glutamate, (DRY,), ligands=(donor(nitrogen, hydrogen, charge),))
            ends[charge] = gap(moved, nitrogen)
        assert ends[0.4] < 3.1 < ends[0.0]  # 2.7-3.1: a hydrogen bond of a carboxylate

    def test_what_touches_a_ligand_is_held_where_the_crystal_has_it(self, glutamate: AtomArray) -> None:
        nitrogen, hydrogen = beside(glutamate, 3.6)
        ends = {}
        for held in (0.0, 10.0, 1000.0):
            moved, _ = minimise(
                glutamate,
                (DRY,),
                ligands=(donor(nitrogen, hydrogen, 0.4),),
                pocket_kcal_per_mol_angstrom2=held,
            )
            ends[held] = abs(gap(moved, nitrogen) - gap(glutamate, nitrogen))
        assert ends[0.0] > ends[10.0] > ends[1000.0]
        assert ends[1000.0] < 0.05


class TestALibraryDrug:
    def test_heavy_atoms_stand_where_the_crystal_has_them(self, imatinib: Any) -> None:
        crystal = shown(imatinib)
        crystal.coord += np.random.default_rng(3).normal(0.0, 0.08, crystal.coord.shape).astype(np.float32)
        held = occupant_of(PACK, PACK.drug("imatinib"), crystal)
        gaps = np.linalg.norm(held.coordinates[held.fixed][:, None] - crystal.coord[None], axis=2)
        assert gaps.min(axis=1).max() < 1e-4
        bonded = np.linalg.norm(
            held.coordinates[~held.fixed][:, None] - held.coordinates[held.fixed][None], axis=2
        )
        assert np.all((bonded.min(axis=1) > 0.85) & (bonded.min(axis=1) < 1.25))

    def test_its_charges_add_up_to_that_of_the_form_at_ph_7(self, imatinib: Any) -> None:
        from openmm import NonbondedForce

        held = occupant_of(PACK, PACK.drug("imatinib"), shown(imatinib))
        force = next(f for f in held.system.getForces() if isinstance(f, NonbondedForce))
        charges = [force.getParticleParameters(i)[0]._value for i in range(force.getNumParticles())]
        assert sum(charges) == pytest.approx(1.0, abs=1e-3)

    def test_its_energy_with_the_protein_is_that_of_openmms_own_force_field(
        self, glutamate: AtomArray, imatinib: Any
    ) -> None:
        """OpenMM's ForceField joins ff14SB and the ligand's file by itself, knowing nothing of occupants."""
        from openmm import app, unit

        drug = PACK.drug("imatinib")
        held = occupant_of(PACK, drug, shown(imatinib))
        topology, positions = to_openmm(glutamate)
        system = create_system(topology, implicit_solvent=False, cutoff_nm=None)
        points, movable = place_occupants(system, [held])
        assert movable.sum() == (~held.fixed).sum()
        protein = np.asarray(positions.value_in_unit(unit.angstrom))
        ours = energy(system, np.concatenate([protein, points]))

        from kinscope.docking.relaxed.mechanics import FileMechanics

        found = load_parameters(drug, directory_for(PACK, drug))
        modeller = app.Modeller(topology, positions)
        modeller.add(FileMechanics(found)._topology(imatinib), points * unit.angstrom)
        field = app.ForceField("amber14/protein.ff14SB.xml", str(found.xml_path))
        theirs = energy(
            field.createSystem(modeller.topology, nonbondedMethod=app.NoCutoff, removeCMMotion=False),
            np.concatenate([protein, points]),
        )
        assert ours == pytest.approx(theirs, abs=1e-3)

    def test_its_interaction_in_solvent_is_that_of_relaxed_complexes(
        self, glutamate: AtomArray, imatinib: Any
    ) -> None:
        from kinscope.docking.relaxed import complex_field
        from kinscope.docking.relaxed.mechanics import FileMechanics
        from kinscope.results.docking import RelaxedSettings

        drug, settings = PACK.drug("imatinib"), RelaxedSettings()
        held = occupant_of(PACK, drug, shown(imatinib))
        topology, positions = to_openmm(glutamate)
        protein = np.asarray(positions.value_in_unit(unit_angstrom()))
        whole = create_system(topology, cutoff_nm=settings.cutoff_nm)
        alone = energy(create_system(topology, cutoff_nm=settings.cutoff_nm), protein)
        points, _ = place_occupants(whole, [held])
        both = energy(whole, np.concatenate([protein, points]))

        included = sorted({int(number) for number in glutamate.res_id})
        pocket = complex_field.Pocket(included, [286], np.asarray(glutamate.coord))
        mechanics = FileMechanics(load_parameters(drug))
        field = complex_field.ComplexField(glutamate, imatinib, mechanics, pocket, settings)
        theirs = complex_field._energy(field._full, field.joined(protein, points))
        assert both == pytest.approx(theirs, abs=1e-3)
        assert alone == pytest.approx(complex_field._energy(field._protein, protein), abs=1e-3)

    def test_hydrogens_relax_and_heavy_atoms_do_not_move(self, glutamate: AtomArray, imatinib: Any) -> None:
        from kinscope.structures.forcefield import minimisation

        held = occupant_of(PACK, PACK.drug("imatinib"), shown(imatinib))
        pocket = np.zeros(len(glutamate))
        _, (after,), _ = minimisation._run(glutamate, glutamate, DRY, (held,), pocket)
        assert isinstance(after, Occupant)
        moved = np.linalg.norm(after.coordinates - held.coordinates, axis=1)
        assert moved[held.fixed].max() < 1e-4 < moved[~held.fixed].max()

    def test_a_ligand_without_parameters_stays_as_spheres(self, imatinib: Any) -> None:
        assert parametriser(PACK)(shown(imatinib, "112")) is None
        assert parametriser(PACK)(shown(imatinib)) is not None


class TestRecipes:
    def test_charged_ligands_need_parameters(self) -> None:
        if not (mirror := os.environ.get("KINSCOPE_PDB_MIRROR")):
            pytest.skip("needs KINSCOPE_PDB_MIRROR")
        with pytest.raises(BadInputError, match="charges"):
            build_reference_model(PACK, "kinase-dfg-out", PdbSource(Path(mirror)))

    def test_the_record_says_what_was_charged(self, imatinib: Any) -> None:
        names = ["STI of the base crystal", "MYR of the base crystal"]
        held = occupant_of(PACK, PACK.drug("imatinib"), shown(imatinib))
        said = " ".join(say_all(occupant_notes(names[:1], (held,), 10.0)))
        assert "STI of the base crystal in place with its own charges (GAFF2" in said
        assert "spheres" not in said
        assert "10 kcal/mol/angstrom^2" in said
        mixed = " ".join(say_all(occupant_notes(names, (held, shown(imatinib, "MYR")), 0.0)))
        assert "MYR of the base crystal in place as fixed uncharged spheres" in mixed

    @pytest.mark.parametrize("state", CHARGED)
    def test_shipped_models_were_made_as_their_recipes_say(self, state: str) -> None:
        _, record = reference_model(PACK, state)
        assert any("with its own charges" in say(step) for step in record.method)


class TestShippedModel:
    @pytest.mark.parametrize("name", ["imatinib", "nilotinib", "ponatinib"])
    def test_glu286_takes_the_amide_of_type_ii_drugs(self, name: str) -> None:
        """2.80-3.09 angstrom in twelve chains of 1OPJ, 2HYY, 1IEP, 3CS9, 3OXZ and 5MO4."""
        model, _ = reference_model(PACK, "kinase-dfg-out")
        pose, _ = reference_pose(PACK, PACK.drug(name))
        from rdkit import Chem

        amide = pose.GetSubstructMatch(Chem.MolFromSmarts("[NX3;H1]C(=O)c"))
        nitrogen = np.asarray(pose.GetConformer().GetPositions())[amide[0]]
        oxygens = model.coord[(model.res_id == 286) & np.isin(model.atom_name, ("OE1", "OE2"))]
        assert np.linalg.norm(oxygens - nitrogen, axis=1).min() < 3.3

    @pytest.mark.parametrize("record", pose_records(PACK), ids=lambda record: f"{record.drug}@{record.state}")
    def test_every_pose_is_its_drug_atom_for_atom(self, record: ReferencePoseRecord) -> None:
        """ATP's triphosphate among them, whose phosphorus atoms gain a handedness from coordinates."""
        drug = PACK.drug(record.drug)
        own = "" if record.state == drug.state else record.state
        pose, _ = reference_pose(PACK, drug, state=own)
        same = aligned_reference(load_ligand(drug), pose)
        assert same.GetNumAtoms() == pose.GetNumAtoms()

    def test_its_salt_bridge_is_one_oxygens_as_in_the_crystals(self) -> None:
        """NZ of Lys271 to the nearer oxygen 2.7-3.4 and to the other 3.5-4.1 angstrom in those chains."""
        model, _ = reference_model(PACK, "kinase-dfg-out")
        nitrogen = model.coord[(model.res_id == 271) & (model.atom_name == "NZ")][0]
        oxygens = model.coord[(model.res_id == 286) & np.isin(model.atom_name, ("OE1", "OE2"))]
        near, far = sorted(np.linalg.norm(oxygens - nitrogen, axis=1))
        assert near < 3.2
        assert far > 3.3


def unit_angstrom() -> Any:
    from openmm import unit

    return unit.angstrom


def energy(system: Any, points: np.ndarray) -> float:
    """Potential energy, kcal/mol, at points (n, 3) in angstrom."""
    from openmm import Context, VerletIntegrator, unit

    for index in range(system.getNumParticles()):
        system.setParticleMass(index, 1.0)
    context = Context(system, VerletIntegrator(0.001), *cpu_platform(1))
    context.setPositions(points * unit.angstrom)
    found = context.getState(getEnergy=True).getPotentialEnergy()
    return float(found.value_in_unit(unit.kilocalorie_per_mole))

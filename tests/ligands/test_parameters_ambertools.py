"""What needs AmberTools: shipped parameters are what the command computes, and equal tleap's own topology."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kinscope.core.errors import ComputationError
from kinscope.ligands.library import load_ligand
from kinscope.ligands.parameters.build import ParameterSettings, build_parameters
from kinscope.ligands.parameters.gaff import PRMTOP
from kinscope.ligands.parameters.programs import find_ambertools
from kinscope.ligands.parameters.shipped import SHIPPED, load_parameters
from kinscope.targets import load_target


def has_ambertools() -> bool:
    try:
        find_ambertools()
    except ComputationError:
        return False
    return True


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_ambertools(), reason="AmberTools are not installed"),
]
PACK = load_target("abl1")


def energy(system, points):
    import openmm

    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(points / 10)
    return context.getState(energy=True).getPotentialEnergy()._value / 4.184


def roles(forcefield, topology, path):
    """Which atom of the file each atom of a topology plays: equivalent atoms may change places.

    The masses of a copy of the file are numbers of its atoms, so a System built from it tells.
    """
    from openmm import app

    text = forcefield.xml_path.read_text()
    numbers = iter(range(1, len(forcefield.record.atoms) + 1))
    path.write_text(re.sub(r'mass="[^"]*"', lambda _: f'mass="{next(numbers)}"', text))
    system = app.ForceField(str(path)).createSystem(topology, removeCMMotion=False)
    return [round(system.getParticleMass(i)._value) - 1 for i in range(system.getNumParticles())]


@pytest.mark.parametrize("name", ["myristate", "asciminib", "dasatinib", "ponatinib"])
def test_the_files_energy_is_that_of_tleaps_topology(name, tmp_path):
    from openmm import app

    from factories.ligand_system import system_of, topology_of

    drug = PACK.drug(name)
    made = build_parameters(
        drug.smiles_ph74,
        name,
        tmp_path / "out",
        settings=ParameterSettings(conformers=1),
        keep=tmp_path / "amber",
    )
    amber = app.AmberPrmtopFile(str(tmp_path / "amber" / PRMTOP))
    theirs = amber.createSystem(nonbondedMethod=app.NoCutoff, constraints=None, removeCMMotion=False)
    order = roles(made, topology_of(made), tmp_path / "numbered.xml")
    assert sorted(order) == list(range(len(order)))
    points = np.asarray(load_ligand(drug).GetConformer().GetPositions())
    for seed in range(3):
        shaken = points + np.random.default_rng(seed).normal(scale=0.05, size=points.shape)
        played = np.empty_like(shaken)
        played[order] = shaken
        assert energy(system_of(made), shaken) == pytest.approx(energy(theirs, played), abs=1e-4)


def test_shipped_parameters_are_what_the_command_computes(tmp_path):
    drug = PACK.drug("pd166326")
    made = build_parameters(drug.smiles_ph74, drug.id, tmp_path, residue_name=drug.ccd)
    shipped = load_parameters(drug)
    charges = ([atom.charge_e for atom in one.record.atoms] for one in (made, shipped))
    assert next(charges) == pytest.approx(next(charges), abs=2e-3)
    assert [a.gaff2_type for a in made.record.atoms] == [a.gaff2_type for a in shipped.record.atoms]
    if made.record.programs == shipped.record.programs:
        assert made.xml_path.read_text() == (SHIPPED / "pd166326.xml").read_text()


def test_a_failing_program_says_why(tmp_path):
    with pytest.raises(ComputationError, match="antechamber"):
        find_ambertools().run(
            "antechamber", ["-i", "nothing.sdf", "-fi", "sdf", "-o", "x", "-fo", "mol2"], tmp_path
        )

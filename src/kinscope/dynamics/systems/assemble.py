"""OpenMM systems of a solute in its box: built, settled, given to another solute."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.core.errors import ComputationError, StructureError
from kinscope.core.seeds import derive_seed
from kinscope.dynamics import box as boxes
from kinscope.dynamics.box import FloatArray, SolventBox
from kinscope.dynamics.files.system import Origin, store, write_system
from kinscope.dynamics.platforms import context_for, langevin, on_processor, place, plain, potential
from kinscope.dynamics.records import SolvatedSystem
from kinscope.dynamics.settings import SolvationSettings
from kinscope.dynamics.systems.bound import PlacedLigand, bound_ligands, solute_topology
from kinscope.structures.forcefield.system import PHOSPHOTYROSINE_XML, force_of
from kinscope.structures.model import AtomArray

_SETTLE_FRICTION_PER_PS = 50.0
_OVERLAP = "Check the model for overlapping atoms (kinscope models check)."


def transplant(
    solute: AtomArray,
    box: SolventBox,
    settings: SolvationSettings,
    origin: Origin,
    directory: Path,
    ligands: Sequence[PlacedLigand] = (),
) -> SolvatedSystem:
    """Put a solute into a given solvent: clashes removed, charge balanced, solvent settled, stored."""
    positions, hydrogen = boxes.solute_arrays(solute)
    doomed = boxes.clashing_waters(box, positions, hydrogen)
    box = dataclasses.replace(box, waters=box.waters[~doomed])
    excess = solute_charge(solute, settings, ligands) + len(box.positive) - len(box.negative)
    random = np.random.default_rng(derive_seed(origin.seed, "ions"))
    box = boxes.exchange(box, positions, max(0, -excess), max(0, excess), random)
    origin = dataclasses.replace(origin, removed=int(doomed.sum()), exchanged=abs(excess))
    return finish(directory, solute, box, settings, origin, ligands)


def finish(
    directory: Path,
    solute: AtomArray,
    box: SolventBox,
    settings: SolvationSettings,
    origin: Origin,
    ligands: Sequence[PlacedLigand] = (),
) -> SolvatedSystem:
    """Build the System, settle the solvent around the fixed solute, and store everything."""
    directory.mkdir(parents=True, exist_ok=True)
    origin = dataclasses.replace(origin, ligands=bound_ligands(solute, ligands))
    system = build_system(solute, box, settings, ligands)
    positions, _ = boxes.solute_arrays(solute)
    everything = np.concatenate([positions, box.positions()])
    everything, energy = _settle(system, everything, box.box, len(positions), settings, origin.seed)
    box = SolventBox.from_positions(
        everything[len(positions) :], box.box, len(box.positive), len(box.negative), positions.mean(axis=0)
    )
    write_system(directory, system)
    return store(directory, solute, box, settings, origin, energy)


def solute_charge(model: AtomArray, settings: SolvationSettings, ligands: Sequence[PlacedLigand] = ()) -> int:
    """Net charge (e) of a model, ligands included, in the force field."""
    from openmm import app

    topology = solute_topology(model, ligands)
    system = create_force_field_system(topology, settings, ligands, nonbondedMethod=app.NoCutoff)
    force = force_of(system, "NonbondedForce")
    total = sum(force.getParticleParameters(index)[0]._value for index in range(force.getNumParticles()))
    return round(float(total))


def build_system(
    solute: AtomArray, box: SolventBox, settings: SolvationSettings, ligands: Sequence[PlacedLigand] = ()
) -> Any:
    """OpenMM System: solute, Na+, Cl-, water; PME, rigid bonds to hydrogen, heavy hydrogens."""
    from openmm import app, unit

    topology = solute_topology(solute, ligands)
    ions = topology.addChain("I")
    for number in range(len(box.positive) + len(box.negative)):
        name, symbol = ("NA", "Na") if number < len(box.positive) else ("CL", "Cl")
        topology.addAtom(
            name, app.Element.getBySymbol(symbol), topology.addResidue(name, ions, str(number + 1))
        )
    oxygen, hydrogen = app.Element.getBySymbol("O"), app.Element.getBySymbol("H")
    waters = topology.addChain("W")
    for number in range(len(box.waters)):
        residue = topology.addResidue("HOH", waters, str(number + 1))
        centre = topology.addAtom("O", oxygen, residue)
        for name in ("H1", "H2"):
            topology.addBond(centre, topology.addAtom(name, hydrogen, residue))
    topology.setPeriodicBoxVectors(box.box * unit.nanometer)
    return create_force_field_system(
        topology,
        settings,
        ligands,
        nonbondedMethod=app.PME,
        nonbondedCutoff=settings.cutoff_nm * unit.nanometer,
        ewaldErrorTolerance=settings.ewald_tolerance,
        constraints=app.HBonds,
        rigidWater=True,
        hydrogenMass=settings.hydrogen_mass_amu * unit.amu,
        removeCMMotion=True,
    )


def force_field_files(
    topology: Any, settings: SolvationSettings, ligands: Sequence[PlacedLigand] = ()
) -> tuple[str, ...]:
    """The files that a topology needs: the settings', phosphotyrosine's where there is one, the ligands'."""
    names = {residue.name for residue in topology.residues()}
    modified = (str(PHOSPHOTYROSINE_XML),) if "PTR" in names else ()
    return (*settings.force_field, *modified, *dict.fromkeys(str(one.forcefield.xml_path) for one in ligands))


def create_force_field_system(
    topology: Any, settings: SolvationSettings, ligands: Sequence[PlacedLigand], **arguments: Any
) -> Any:
    """An OpenMM System of a topology by the settings' force field; ``arguments`` go to OpenMM.

    Raises StructureError if the force field has no template for a residue.
    """
    from openmm import app

    try:
        files = force_field_files(topology, settings, ligands)
        return app.ForceField(*files).createSystem(topology, **arguments)
    except ValueError as error:
        raise StructureError(
            f"The force field does not know a residue of this model ({error}).",
            where="solvation",
            remedy="Use a complete, protonated model of standard residues, its ends capped.",
        ) from error


def freeze(system: Any, atoms: int, bodies: Sequence[int] = ()) -> Any:
    """A copy of a System whose first ``atoms`` particles cannot move, because they have no mass.

    Their constraints stay: OpenMM passes over one between massless particles, but finds by it which
    atoms a barostat must move together. ``bodies`` are the first atoms of ligands, which are tied to the
    protein in this way, so that all that is frozen moves as one.
    """
    import copy

    frozen = copy.deepcopy(system)
    for index in range(atoms):
        frozen.setParticleMass(index, 0.0)
    for first in bodies:
        frozen.addConstraint(0, first, 1.0)
    return frozen


def _settle(
    system: Any, positions: FloatArray, box: FloatArray, fixed: int, settings: SolvationSettings, seed: int
) -> tuple[FloatArray, float]:
    """Positions and energy (kcal/mol) after damped dynamics of all but the first ``fixed`` atoms.

    OpenMM's minimiser took 115 s for sixty iterations on the 42,000 atoms of a kinase in water (it
    handles rigid water by repeated penalties); the waters left after the clash rule are never so near
    that small damped steps fail, and dynamics keeps an equilibrated solvent thermal.
    """
    from openmm import OpenMMException

    noise = derive_seed(seed, "settle")
    integrator = langevin(settings.temperature_k, _SETTLE_FRICTION_PER_PS, 0.0005, noise)
    try:
        context = context_for(freeze(system, fixed), integrator, on_processor())
        place(context, positions, box, derive_seed(seed, "settle velocities"))
        integrator.step(settings.settle_steps // 3)
        integrator.setStepSize(0.002)
        integrator.step(settings.settle_steps - settings.settle_steps // 3)
        state = context.getState(positions=True, energy=True)
    except OpenMMException as error:
        raise ComputationError(
            f"The solvent could not settle around the solute ({error}).", where="solvation", remedy=_OVERLAP
        ) from error
    energy = potential(state)
    if not np.isfinite(energy) or energy > 0:
        raise ComputationError(
            f"The solvated model has a potential energy of {energy:.3g} kcal/mol.",
            where="solvation",
            remedy=_OVERLAP,
        )
    relaxed = plain(state.getPositions(asNumpy=True))
    relaxed[:fixed] = positions[:fixed]
    return relaxed, energy

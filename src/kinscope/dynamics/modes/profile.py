"""Normal modes that feel side chains: the all-atom energy of a relaxed model, projected on rigid blocks.

Every replica starts from the model displaced at random, is minimised anew, and gives one row of the profile;
the spread between rows is what re-relaxing the same protein does to the answer, so a mutant-minus-native
difference has a null distribution. Why this energy, these blocks and this tether: docs/decisions/0060.

The same OpenMM system gives the forces of the minimisation and the parameters of the Hessian, so the modes
belong to the minimum that was found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from kinscope.core.errors import ComputationError, StructureError
from kinscope.core.files import write_atomic
from kinscope.core.progress import Progress
from kinscope.core.records import Settings
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.modes.blocks import (
    FloatArray,
    IntArray,
    PairBlocks,
    block_basis,
    fluctuations,
    project,
)
from kinscope.dynamics.modes.hessian import pair_hessian
from kinscope.results.measured import FluctuationProfile
from kinscope.structures.forcefield.system import add_position_restraints, cpu_platform, create_system
from kinscope.structures.model import AtomArray

_FULL_RANGE_ANGSTROM = 4.5
_END_RANGE_ANGSTROM = 5.5
_SPRING_KCAL_PER_MOL_ANGSTROM2 = 1.0
"""Of a full contact; it only sets the absolute scale of the fluctuations."""
_CAPS = ("ACE", "NME", "NMA", "NH2")
_BACKBONE = frozenset(("N", "H", "H1", "H2", "H3", "CA", "HA", "HA2", "HA3", "C", "O", "OXT"))
_ROUNDS = 4


def contact_network(coord: FloatArray, atoms: IntArray) -> PairBlocks:
    """Hessian of an elastic network of heavy atoms in contact: no energy but springs, at rest in the model.

    Tirion, Phys. Rev. Lett. 1996, 77, 1905, with one spring constant for every pair of heavy atoms. A side
    chain's change changes the springs. A contact counts fully up to a distance and fades to nothing at a
    longer one (1 - 3 s^2 + 2 s^3), so that a hundredth of an angstrom does not switch a spring on or off.

    ``coord``: shape (n_atoms, 3), angstrom. ``atoms``: indices of those that carry springs, shape (n,).
    """
    from scipy.spatial import cKDTree

    pairs = cKDTree(coord[atoms]).query_pairs(_END_RANGE_ANGSTROM, output_type="ndarray")
    first, second = atoms[pairs].T
    distance = np.linalg.norm(coord[first] - coord[second], axis=1)
    faded = np.clip(
        (distance - _FULL_RANGE_ANGSTROM) / (_END_RANGE_ANGSTROM - _FULL_RANGE_ANGSTROM), 0.0, 1.0
    )
    springs = _SPRING_KCAL_PER_MOL_ANGSTROM2 * (1.0 - 3.0 * faded**2 + 2.0 * faded**3)
    return pair_hessian(coord, first, second, np.zeros(len(first)), springs)


def mode_system(atoms: AtomArray, settings: NormalModeSettings) -> Any:
    """ff14SB without constraints, charges in a uniform dielectric, Lennard-Jones switched off smoothly.

    The dielectric divides every product of charges; it stands for the solvent and the electrons that are not
    there. Beyond the cutoff there is a reaction field.
    """
    from openmm import NonbondedForce, unit

    from kinscope.structures.io import to_openmm

    cutoff, dielectric = settings.cutoff_angstrom, settings.dielectric
    try:
        system = create_system(to_openmm(atoms)[0], implicit_solvent=False, cutoff_nm=cutoff / 10.0)
    except ValueError as error:
        raise StructureError(
            f"The force field does not know a residue of this model ({error}).",
            where="normal modes",
            remedy="Use a complete model with hydrogens and standard residues, as `kinscope models` builds.",
        ) from error
    force = next(item for item in system.getForces() if isinstance(item, NonbondedForce))
    force.setUseSwitchingFunction(True)
    force.setSwitchingDistance(min(settings.switch_angstrom, cutoff - 0.5) * unit.angstrom)
    force.setReactionFieldDielectric(78.5 / dielectric)
    for index in range(force.getNumParticles()):
        charge, sigma, well = force.getParticleParameters(index)
        force.setParticleParameters(index, charge / np.sqrt(dielectric), sigma, well)
    for index in range(force.getNumExceptions()):
        first, second, product, sigma, well = force.getExceptionParameters(index)
        force.setExceptionParameters(index, first, second, product / dielectric, sigma, well)
    return system


def minimise(system: Any, coord: FloatArray, *, steps: int, force_kcal_per_mol_angstrom: float) -> FloatArray:
    """L-BFGS until the root-mean-square force component is small or the steps are spent.

    ``coord``: shape (n_atoms, 3), angstrom, as is what comes back.
    """
    import openmm
    from openmm import unit

    platform, properties = cpu_platform()
    integrator = openmm.VerletIntegrator(0.001)
    context = openmm.Context(system, integrator, platform, properties)
    context.setPositions(np.asarray(coord) / 10.0)
    tolerance = force_kcal_per_mol_angstrom * 41.84
    openmm.LocalEnergyMinimizer.minimize(context, tolerance, steps)
    found = context.getState(getPositions=True).getPositions(asNumpy=True)
    return np.asarray(found.value_in_unit(unit.angstrom), dtype=np.float64)


class NormalModeSettings(Settings):
    """Energy, blocks and replicas of the normal modes."""

    energy: Literal["force field", "contact network"] = "force field"
    """The Hessian of ff14SB, or of springs between heavy atoms in contact; both on the relaxed model."""
    blocks: Literal["residue", "backbone and side chain"] = "residue"
    """What moves as one rigid body."""
    replicas: int = Field(default=3, ge=1, le=50)
    """Independently relaxed models; two at least for an interval."""
    displacement_angstrom: float = Field(default=0.15, ge=0.0, le=0.5)
    """Standard deviation of the random displacement of every coordinate before minimisation."""
    minimisation_steps: int = Field(default=400, ge=10, le=20_000)
    """L-BFGS iterations; repeated up to three times while a mode is unstable."""
    minimisation_force_kcal_per_mol_angstrom: float = Field(default=0.01, gt=0.0)
    """Root-mean-square force at which minimisation stops early."""
    tether_kcal_per_mol_angstrom2: float = Field(default=0.03, ge=0.0, le=10.0)
    """Harmonic tether of every heavy atom to the model, in the minimisation and in the Hessian."""
    cutoff_angstrom: float = Field(default=10.0, ge=6.0, le=20.0)
    switch_angstrom: float = Field(default=8.5, ge=4.0, le=20.0)
    dielectric: float = Field(default=4.0, ge=1.0, le=80.0)
    temperature_k: float = Field(default=300.0, gt=0.0, le=1000.0)


def normal_mode_profile(
    model: AtomArray | Sequence[AtomArray],
    state: str,
    variant: str,
    settings: NormalModeSettings,
    seed: int,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> FluctuationProfile:
    """RMSF of every CA atom from normal modes, one row per independently relaxed replica.

    ``model``: a model in the conventions of :mod:`kinscope.structures.model`, or several close alternatives
    of one (replicas take them in turn, so that the choice between them enters the interval). ``state``,
    ``variant``: go into the record. ``settings``, ``seed``: energy, blocks, replicas. Same seed, same
    machine: same profile. ``progress``: told how far the work is. ``checkpoint``: directory that keeps each
    finished replica, so that a killed run repeats only the one in flight.

    Returns a profile whose ``rmsf_angstrom`` has ``settings.replicas`` rows, in angstrom at
    ``settings.temperature_k`` on the absolute scale of the energy: harmonic motion inside one well, so less
    than molecular dynamics or crystals show; compare shapes and differences, not magnitudes, with those.

    Raises StructureError if the force field does not know a residue, or an alternative has other residues
    than the first; ComputationError if no minimum is found.
    """
    alternatives = list(model) if isinstance(model, list | tuple) else [model]
    residues = _shared_residues(alternatives, f"normal modes of {variant} in {state}")
    rows = []
    for index in range(settings.replicas):
        if progress is not None:
            progress(index / settings.replicas, f"normal modes, replica {index + 1} of {settings.replicas}")
        atoms = alternatives[index % len(alternatives)]
        replica_seed = derive_seed(seed, "normal modes", index)
        rows.append(_kept(atoms, settings, replica_seed, checkpoint))
    if progress is not None:
        progress(1.0, "normal modes done")
    words = f"CA at {settings.temperature_k:g} K, fitted on all {len(residues)} CA, about each relaxed model"
    return FluctuationProfile(
        method="normal_modes",
        state=state,
        variant=variant,
        residues=residues,
        rmsf_angstrom=tuple(tuple(float(value) for value in row) for row in rows),
        length_ns=0.0,
        superposition=f"{words}; {settings.energy}, blocks: {settings.blocks}",
    )


def replica_rmsf(atoms: AtomArray, settings: NormalModeSettings, seed: int) -> FloatArray:
    """One replica: displace, minimise, project, and give the RMSF of every CA, (n_residues,), angstrom."""
    coord, system = _displaced(atoms, settings, seed), mode_system(atoms, settings)
    chosen = _alpha_carbons(atoms)
    blocks = block_numbers(atoms, settings.blocks)
    for attempt in range(_ROUNDS):
        coord = _relaxed(system, atoms, coord, settings)
        basis = block_basis(coord, blocks)
        stiffness = project(_hessian(system, atoms, coord, settings), basis)
        try:
            return fluctuations(stiffness, basis, coord, chosen, settings.temperature_k)
        except ComputationError:
            if attempt == _ROUNDS - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def block_numbers(atoms: AtomArray, kind: Literal["residue", "backbone and side chain"]) -> IntArray:
    """Block of every atom, shape (n_atoms,), counted from 0 along the chain.

    Proline and the caps stay whole: the ring of proline ties its side chain to the backbone nitrogen.
    """
    keys = np.asarray(atoms.res_id, dtype=np.intp) * 2
    if kind == "backbone and side chain":
        whole = np.isin(atoms.res_name, ("PRO", *_CAPS))
        side = ~np.isin(atoms.atom_name, sorted(_BACKBONE)) & ~whole
        keys = keys + side
    return np.asarray(np.unique(keys, return_inverse=True)[1], dtype=np.intp)


def _shared_residues(alternatives: Sequence[AtomArray], where: str) -> tuple[int, ...]:
    """Residue numbers that every alternative has, which must be all of each."""
    residues = _residues(alternatives[0])
    if any(_residues(other) != residues for other in alternatives):
        raise StructureError(
            "The alternatives of a model do not have the same residues.",
            where=where,
            remedy="Give alternatives of one model.",
        )
    return residues


def _residues(atoms: AtomArray) -> tuple[int, ...]:
    return tuple(int(number) for number in atoms.res_id[_alpha_carbons(atoms)])


def _alpha_carbons(atoms: AtomArray) -> IntArray:
    return np.flatnonzero((atoms.atom_name == "CA") & ~np.isin(atoms.res_name, _CAPS))


def _displaced(atoms: AtomArray, settings: NormalModeSettings, seed: int) -> FloatArray:
    random = np.random.default_rng(seed)
    start = np.asarray(atoms.coord, dtype=np.float64)
    return start + settings.displacement_angstrom * random.standard_normal(start.shape)


def _relaxed(system: Any, atoms: AtomArray, coord: FloatArray, settings: NormalModeSettings) -> FloatArray:
    """The minimum near ``coord``, every heavy atom tied to its place in the model."""
    from copy import deepcopy

    from openmm import unit

    tied = deepcopy(system)
    if settings.tether_kcal_per_mol_angstrom2 > 0.0:
        constants = np.where(_heavy(atoms), settings.tether_kcal_per_mol_angstrom2, 0.0)
        reference = np.asarray(atoms.coord, dtype=np.float64)
        add_position_restraints(tied, (reference / 10.0) * unit.nanometer, constants)
    return minimise(
        tied,
        coord,
        steps=settings.minimisation_steps,
        force_kcal_per_mol_angstrom=settings.minimisation_force_kcal_per_mol_angstrom,
    )


def _hessian(
    system: Any, atoms: AtomArray, coord: FloatArray, settings: NormalModeSettings
) -> Iterator[PairBlocks]:
    from kinscope.dynamics.modes.hessian import system_hessian

    heavy = np.flatnonzero(_heavy(atoms))
    tether = np.broadcast_to(settings.tether_kcal_per_mol_angstrom2 * np.eye(3), (heavy.size, 3, 3))
    if settings.energy == "contact network":
        yield contact_network(coord, heavy)
    else:
        yield from system_hessian(system, coord)
    yield PairBlocks(heavy, heavy, tether)


def _heavy(atoms: AtomArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.asarray(np.char.upper(np.asarray(atoms.element, dtype=str)) != "H")


def _kept(atoms: AtomArray, settings: NormalModeSettings, seed: int, checkpoint: Path | None) -> FloatArray:
    """A replica from its checkpoint where one of the same model, settings and seed is there."""
    if checkpoint is None:
        return replica_rmsf(atoms, settings, seed)
    path = checkpoint / f"normal-modes-{_digest(atoms, settings, seed)}.json"
    try:
        return np.asarray(json.loads(path.read_text()), dtype=np.float64)
    except (OSError, ValueError):
        row = replica_rmsf(atoms, settings, seed)
        checkpoint.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(row.tolist()))
        return row


def _digest(atoms: AtomArray, settings: NormalModeSettings, seed: int) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(atoms.coord, dtype=np.float32).tobytes())
    names = " ".join(f"{number}{name}" for number, name in zip(atoms.res_id, atoms.atom_name, strict=True))
    relevant = settings.model_dump_json(exclude={"replicas"})
    digest.update(f"{names}|{' '.join(atoms.res_name)}|{relevant}|{seed}".encode())
    return digest.hexdigest()[:24]

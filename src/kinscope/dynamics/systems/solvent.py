"""Models put into water: the native once per state, every mutant into the native's solvent."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import RunDirectoryError, StructureError
from kinscope.core.seeds import derive_seed
from kinscope.dynamics import box as boxes
from kinscope.dynamics.box import model_sha256
from kinscope.dynamics.files.system import Origin, load_record, solvent_of
from kinscope.dynamics.machine.devices import choose_platform
from kinscope.dynamics.records import PROTEIN_FILE, SolvatedSystem
from kinscope.dynamics.settings import SolvationSettings
from kinscope.dynamics.systems.assemble import finish, solute_charge, transplant
from kinscope.dynamics.systems.bound import PlacedLigand, ligand_mask, with_ligands
from kinscope.dynamics.systems.equilibration import TIME_STEP_PS, equilibrate_solvent
from kinscope.dynamics.systems.shipped import shipped_boxes, write_box
from kinscope.structures.io import read_model
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import TargetPack

_SAME_FRAME_ANGSTROM = 1.0
"""CA RMSD up to which two models count as lying in the same frame and conformation."""
_SAME_SHAPE_ANGSTROM = 1.5
"""Largest displacement of a CA atom up to which the box of another state serves: phosphotyrosine in the
active loop moves none by more."""


def solvate_native(
    model: AtomArray,
    settings: SolvationSettings,
    seed: int,
    directory: Path,
    *,
    pack: TargetPack | None = None,
    state: str | None = None,
    ligands: Sequence[PlacedLigand] = (),
) -> SolvatedSystem:
    """Put a model into a dodecahedron of water and salt at its density, and store it.

    The equilibrated box that ships with the pack is taken where it was made for this model (or lies on
    it within 1 angstrom) by the same settings, or for another state of the same residues whose CA atoms all
    lie within 1.5 angstrom; otherwise water is filled in and equilibrated for
    ``settings.equilibration_ps``. The solute keeps its coordinates exactly. Built once, stored, and
    every replica starts from it.

    ``model``: (n_atoms,) by the conventions of :mod:`kinscope.structures.model`, angstrom. ``seed``: places
    the ions and settles the water. ``directory``: gets :data:`~kinscope.dynamics.records.SYSTEM_FILE` and its
    companions; the record is written last. ``pack``, ``state``: where to look for a
    shipped box; without them one is made. ``ligands``: bound to the model, in its frame; water in their way
    goes.

    Raises StructureError if the force field has no template for a residue.
    """
    started = time.monotonic()
    if pack is not None and state is not None:
        solute = with_ligands(model, ligands)
        for shipped in shipped_boxes(pack, state, settings):
            placed = _lay_on(solute, shipped.ca_residues, shipped.ca_angstrom)
            own = shipped.record.state == state
            if placed is None or not (own or _same_shape(placed, shipped.ca_residues, shipped.ca_angstrom)):
                continue
            text = shipped.describe(boxes.model_sha256(placed[~ligand_mask(placed)]))
            text = text if own else f"{text} ({pack.state(shipped.record.state).label})"
            origin = Origin("native", seed, text, shipped.record.equilibration, started=started)
            return transplant(placed, shipped.box, settings, origin, directory, ligands)
    filled = fill_native(model, settings, seed, directory, ligands)
    steps = round(settings.equilibration_ps / TIME_STEP_PS)
    return equilibrate_solvent(directory, steps, seed) if steps else filled


def fill_native(
    model: AtomArray,
    settings: SolvationSettings,
    seed: int,
    directory: Path,
    ligands: Sequence[PlacedLigand] = (),
) -> SolvatedSystem:
    """Fill new water and salt around a model and let it settle; its density is not yet equilibrated."""
    started = time.monotonic()
    solute = with_ligands(model, ligands)
    positions, hydrogen = boxes.solute_arrays(solute)
    charge = solute_charge(solute, settings, ligands)
    random = np.random.default_rng(derive_seed(seed, "ions"))
    box = boxes.fill(positions, hydrogen, settings.padding_nm, settings.cutoff_nm)
    box = boxes.add_salt(box, positions, charge, settings.ionic_strength_molar, random)
    text = f"filled from OpenMM's TIP3P cube, {settings.ionic_strength_molar:g} mol/L NaCl"
    return finish(directory, solute, box, settings, Origin("native", seed, text, started=started), ligands)


def solvate_mutant(
    mutant: AtomArray,
    native_directory: Path,
    settings: SolvationSettings,
    seed: int,
    directory: Path,
    *,
    variant: str = "mutant",
    ligands: Sequence[PlacedLigand] = (),
) -> SolvatedSystem:
    """Put a mutant into the native's equilibrated solvent, so that both are compared in the same box.

    Waters that clash with the new side chain go; where the charge changes, bulk waters far from the
    solute become the ions that neutralise it; then the solvent settles around the fixed mutant.

    ``mutant``: (n_atoms,) in the frame of the native's model (it is superposed on CA atoms if it is not).
    ``native_directory``: the native's system, as :func:`solvate_native` left it. ``seed``: chooses the waters
    that become ions and settles the water. ``ligands``: bound to the mutant, in its frame; the native's
    system is best one with the same ligands bound.

    Raises StructureError if the mutant does not superpose on the native within 1 angstrom (CA RMSD);
    RunDirectoryError if ``native_directory`` holds no complete system.
    """
    started = time.monotonic()
    native = load_record(native_directory)
    reference = read_model(native_directory / PROTEIN_FILE)
    alpha = reference[reference.atom_name == "CA"]
    placed = _lay_on(with_ligands(mutant, ligands), alpha.res_id, alpha.coord)
    if placed is None:
        raise StructureError(
            "The mutant does not lie on the native whose solvent it should take (CA RMSD above 1 angstrom).",
            where=f"{variant}, residues {mutant.res_id.min()}-{mutant.res_id.max()}",
            remedy="Build the mutant on this native, or solvate it on its own with solvate_native.",
        )
    text = f"solvent of {native.variant} (state {native.state_sha256[:12]}); {native.origin}"
    origin = Origin(variant, seed, text, native.equilibration, started=started)
    return transplant(placed, solvent_of(native_directory), settings, origin, directory, ligands)


def _lay_on(model: AtomArray, residues: NDArray[np.int_], alpha: NDArray[np.float32]) -> AtomArray | None:
    """The model in the frame of given CA atoms: as it is if it lies there, superposed if it can, or None."""
    import biotite.structure as struc

    own = model[model.atom_name == "CA"]
    _, mine, theirs = np.intersect1d(own.res_id, residues, return_indices=True)
    target = struc.AtomArray(len(theirs))
    target.coord = np.asarray(alpha, dtype=np.float32)[theirs]
    if len(mine) and struc.rmsd(target, own[mine]) < _SAME_FRAME_ANGSTROM:
        return model
    if len(mine) >= 3:
        fitted, transform = struc.superimpose(target, own[mine])
        if struc.rmsd(target, fitted) < _SAME_FRAME_ANGSTROM:
            return transform.apply(model)
    return None


def _same_shape(model: AtomArray, residues: NDArray[np.int_], alpha: NDArray[np.float32]) -> bool:
    """Whether a model in the frame of given CA atoms has the same residues, every CA near its place."""
    own = model[model.atom_name == "CA"]
    if not np.array_equal(own.res_id, residues):
        return False
    return bool(np.linalg.norm(own.coord - alpha, axis=1).max() < _SAME_SHAPE_ANGSTROM)


_BLOCK_STEPS = 250
"""One picosecond: what a kill can cost."""
_LENGTH_PS = 20.0
_SEED = 2025


def build_solvent(pack: TargetPack, state: str, out_dir: Path) -> SolvatedSystem:
    """Equilibrate a box around the reference model of a state and write it in shipping form.

    A box is written after every picosecond at constant pressure, so that one cut short is still usable and
    says how long it ran; a second call goes on where the first stopped.

    ``out_dir``: gets ``<state>/box.npz`` and ``<state>/box.json``; a pack keeps them in ``solvent/``.
    """
    from kinscope.structures.reference.build import reference_model

    model = reference_model(pack, state)[0]
    work = out_dir / "work" / state
    settings = SolvationSettings()  # what replicas ask for
    system = _under_way(work, model, settings) or fill_native(
        model, settings, derive_seed(_SEED, "solvent", state), work
    )
    choice = choose_platform()
    while (so_far := system.equilibration.length_ps if system.equilibration else 0.0) < _LENGTH_PS - 1e-6:
        steps = min(_BLOCK_STEPS, round((_LENGTH_PS - so_far) / TIME_STEP_PS))
        system = equilibrate_solvent(work, steps, derive_seed(_SEED, "density", state), platform=choice)
        write_box(out_dir / state, state, work, system, model)
    shutil.rmtree(work, ignore_errors=True)
    with suppress(OSError):  # another state may still be under way in it
        work.parent.rmdir()
    return system


def _under_way(work: Path, model: AtomArray, settings: SolvationSettings) -> SolvatedSystem | None:
    """The system an earlier call left, if it is of this model and these settings."""
    try:
        record = load_record(work)
    except RunDirectoryError:
        return None
    return record if record.model_sha256 == model_sha256(model) and record.settings == settings else None

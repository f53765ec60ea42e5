"""A small receptor and ligand that need no wwPDB entry: the shipped models and poses."""

from __future__ import annotations

from functools import lru_cache

from kinscope.docking.engine import Mol
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.records import DockingRun, DockingSettings, ReferencePoseRecord
from kinscope.docking.run import DockingTask, dock
from kinscope.ligands.library import load_ligand
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.build import reference_model
from kinscope.targets.loader import load_target

PACK = load_target("abl1")
SMALL = DockingSettings(seeds=2, starts=3, steps=2, analyse_poses=0, confirm=False, n_poses=3)


@lru_cache(maxsize=4)
def model(state: str) -> AtomArray:
    """The native model of a state."""
    return reference_model(PACK, state)[0]


@lru_cache(maxsize=16)
def pose(drug: str) -> tuple[Mol, ReferencePoseRecord]:
    """The shipped pose of a drug and its record."""
    return reference_pose(PACK, PACK.drug(drug))


def docked(drug: str, settings: DockingSettings = SMALL, seed: int = 11) -> tuple[DockingRun, list[Mol]]:
    """A drug docked into the native model of its state."""
    definition = PACK.drug(drug)
    return dock(DockingTask(
        model(definition.state), definition, load_ligand(definition), pose(drug)[0],
        state=definition.state, variant="native", settings=settings, seed=seed,
    ))  # fmt: skip

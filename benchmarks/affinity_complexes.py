"""Make the crystal complexes of a target pack's estimate of affinity anew, from a mirror of the wwPDB.

KINSCOPE_PDB_MIRROR=DIR python benchmarks/affinity_complexes.py
"""

from __future__ import annotations

import numpy as np

from kinscope.affinity.complexes import ComplexPlan, Plans, crystal_files, load_plans
from kinscope.core.progress import silent
from kinscope.docking.engine import Box, Mol
from kinscope.docking.known.crystal import crystal_start
from kinscope.docking.known.reference import build_reference_pose
from kinscope.docking.output import write_poses
from kinscope.docking.poses.crystal_ligand import lay_part_on
from kinscope.docking.run import with_coordinates
from kinscope.docking.vina.engine import VinaEngine
from kinscope.ligands.library import load_ligand
from kinscope.structures.completion.hydrogens import complete_model
from kinscope.structures.io import write_model
from kinscope.structures.model import AtomArray
from kinscope.structures.wwpdb.entries import read_chain, read_ligand
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target
from kinscope.targets.pack import TargetPack

_CORE_TRIALS = 8


def build_complexes(pack: TargetPack, source: PdbSource) -> list[str]:
    """Make every crystal complex anew and write it into the pack; their ids.

    Raises StructureError if an entry or ligand is absent.
    """
    plans = load_plans(pack)
    crystals = [plan for plan in plans.complexes if plan.crystal]
    for plan in crystals:
        receptor, pose = _built(pack, plans, plan, source)
        paths = crystal_files(pack, plan)
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        write_model(paths[0], receptor)
        write_poses(paths[1], [pose])
    return [plan.id for plan in crystals]


def _built(pack: TargetPack, plans: Plans, plan: ComplexPlan, source: PdbSource) -> tuple[AtomArray, Mol]:
    entry, chain, code = plan.crystal.split(":")
    crystal = read_chain(source, entry, chain, pack)
    shown = crystal[crystal.res_id >= pack.state(plans.active).first_residue]
    receptor = complete_model(shown, (read_ligand(source, entry, chain, code),), 7.4, silent).atoms
    drug = plans.drug(pack, plan.drug).model_copy(update={"reference_entry": plan.crystal})
    if not plan.core:
        return receptor, build_reference_pose(pack, drug, receptor, source)[0]
    template = pack.drug(plan.template).model_copy(update={"reference_entry": plan.crystal})
    laid = crystal_start(pack, template, receptor, source).starts[0]
    starts = _on_core(load_ligand(drug), laid, plan.core)
    system = VinaEngine().bind(receptor, starts[0], Box.around(starts[0].GetConformer().GetPositions(), 6.0))
    minima = system.minimise(np.stack([start.GetConformer().GetPositions() for start in starts]))
    best = min(minima, key=lambda pose: pose.score_kcal_per_mol)
    return receptor, with_coordinates(starts[0], best.coordinates)


def _on_core(ligand: Mol, template: Mol, core: str) -> list[Mol]:
    """The ligand with its core where the template has it, the rest in several conformers, every way round."""
    from rdkit import Chem

    pattern = Chem.MolFromSmarts(core)
    theirs = list(template.GetSubstructMatch(pattern))
    positions = np.asarray(template.GetConformer().GetPositions(), dtype=np.float64)[theirs]
    found = []
    for mine in ligand.GetSubstructMatches(pattern, uniquify=False):
        found += lay_part_on(ligand, np.array(mine, dtype=np.intp), positions, trials=_CORE_TRIALS)
    return found


if __name__ == "__main__":
    print(*build_complexes(load_target(), PdbSource()), sep="\n")

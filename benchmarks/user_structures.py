"""wwPDB entries taken as if they were a user's files: what is found, and how near the prepared model is.

    python benchmarks/user_structures.py --pdb-mirror DIR                    # examine every entry: seconds
    python benchmarks/user_structures.py --pdb-mirror DIR --prepare 2HYY     # minutes each

The first prints, per entry, the chain, its range and class, how missing stretches are filled, and for every
drug the CA RMSD of its site from the shipped model it binds in (* docked, - residues of the site missing).
The second prepares the entry, prints its checks and RMSD to the file, docks every drug that fits and, where
the entry holds the drug itself, prints how far the best pose is from the crystal's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from kinscope.core.errors import KinscopeError
from kinscope.docking.carried import carried_pose
from kinscope.docking.crystal_ligand import crystal_coordinates
from kinscope.docking.occupants import parametriser
from kinscope.docking.records import DockingSettings
from kinscope.docking.rmsd import SymmetricRmsd
from kinscope.docking.run import dock
from kinscope.ligands.library import load_ligand
from kinscope.structures.source import PdbSource
from kinscope.structures.superposition import common_atoms, rmsd_after_superposition
from kinscope.structures.user import Examined, examine, prepare
from kinscope.structures.user_file import read_user_file
from kinscope.structures.user_gaps import donors
from kinscope.structures.user_ligands import known_poses, site_of
from kinscope.structures.user_records import UserStructureOptions
from kinscope.targets import TargetPack, load_target


def main() -> None:
    """Read the arguments and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pdb-mirror", type=Path, required=True)
    parser.add_argument("--prepare", nargs="*", default=[], metavar="CODE[:CHAIN]")
    parser.add_argument("--max-gap", type=int, default=12)
    parser.add_argument(
        "--laid", action="store_true", help="lay reference poses in even where the file has one"
    )
    arguments = parser.parse_args()
    pack, source = load_target("abl1"), PdbSource(arguments.pdb_mirror)
    for named in arguments.prepare or source.codes():
        code, _, chain = named.partition(":")
        options = UserStructureOptions(chain=chain, max_gap=arguments.max_gap)
        try:
            found = examine(read_user_file(source.entry_path(code)), pack, options)
        except KinscopeError as error:
            print(f"{named.upper()}: {error.what}")
            continue
        print(f"{named.upper()}: {_found(found, pack)}")
        if arguments.prepare:
            _prepared(found, pack, laid=arguments.laid)


def _found(found: Examined, pack: TargetPack) -> str:
    it = found.findings
    sites = []
    sources = donors(pack, it.geometry.dfg, "")
    for pose in known_poses(pack):
        fit = site_of(pose, sources, found.atoms)
        if fit is not None:
            mark = ("*" if pose.drug.id in found.drugs else "") + ("-" if fit.lacking else "")
            sites.append(f"{pose.drug.id} {fit.near_rmsd_angstrom:.1f}{mark}")
    gaps = "; ".join(gap.in_words() for gap in it.gaps) or "none missing"
    return (
        f"chain {it.chain}, {it.first_residue}-{it.last_residue}, DFG-{it.geometry.dfg}, "
        f"{', '.join(it.substituted) or 'no substitution'}; {gaps}; sites: {', '.join(sites)}"
    )


def _prepared(found: Examined, pack: TargetPack, *, laid: bool) -> None:
    model = prepare(found, pack, parametrise=parametriser(pack))
    one, two = common_atoms(found.atoms, model.atoms, None, None)
    shift = found.atoms.coord[one] - model.atoms.coord[two]
    backbone = rmsd_after_superposition(found.atoms, model.atoms)
    failed = [item.name for item in model.check.items if not item.passed]
    print(
        f"  backbone {backbone:.2f} A from the file, heavy atoms in place "
        f"{np.sqrt((shift**2).sum(axis=1).mean()):.2f} A; checks: {', '.join(failed) or 'all pass'}"
    )
    shown = dict(zip([ligand.name for ligand in found.findings.ligands], found.occupants, strict=True))
    for name in found.drugs:
        drug = pack.drug(name)
        own = shown.get(drug.ccd)
        pose, record = carried_pose(pack, drug, model.atoms, None if laid else own)
        ligand = load_ligand(drug)
        settings = DockingSettings()
        run, poses = dock(
            model.atoms, drug, ligand, pose, state="user", variant="native", settings=settings, seed=1
        )
        line = (
            f"  {name}: {run.score_kcal_per_mol:.2f} kcal/mol, {run.best.rmsd_to_reference_angstrom:.2f} A "
            f"from the reference pose, itself {record.rmsd_to_crystal_angstrom:.2f} A from where it was laid"
        )
        if own is not None:
            crystal = np.asarray(poses[0].GetConformer().GetPositions(), dtype=np.float64).copy()
            heavy = [atom.GetIdx() for atom in poses[0].GetAtoms() if atom.GetAtomicNum() > 1]
            docked = crystal.copy()
            crystal[heavy] = crystal_coordinates(poses[0], own, where=name)
            line += f"; best pose {SymmetricRmsd(poses[0])(docked, crystal):.2f} A from the file's own"
        print(line)


if __name__ == "__main__":
    main()

"""Rebuilding what ships with a target pack from wwPDB entries: models, reference poses, water boxes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kinscope.core.errors import BadInputError
from kinscope.core.progress import Progress, silent
from kinscope.structures.io import read_model
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.build import (
    MODELS_DIRECTORY,
    SHIPPED_MODEL_FILE,
    build_model,
    reference_model,
)
from kinscope.structures.superposition import kabsch
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import TargetPack, load_target

REBUILD_TOLERANCE_ANGSTROM = 0.25
"""Heavy-atom RMSD, after superposition, within which a rebuilt model is the shipped one. Minimisers on other
processors take other paths through a rough energy surface; see docs/why/structures.md."""


def build_pack(
    target: str,
    states: list[str] | None,
    out: Path,
    mirror: Path | None,
    *,
    download: bool = False,
    solvent: bool = False,
    native: bool = False,
    progress: Progress = silent,
) -> Iterator[str]:
    """Build models, poses and, if asked, water boxes and native results below ``out``; say how they compare.

    Raises BadInputError if a state is unknown, or no source of entries is given.
    """
    from kinscope.docking.relaxed.mechanics import parametriser

    pack = load_target(target)
    chosen = tuple(states) if states else tuple(state.id for state in pack.states)
    for state in chosen:
        pack.state(state)
    if mirror is None and not download:
        raise BadInputError(
            "Models are built from wwPDB entries, and no source of them was given.",
            where="--pdb-mirror",
            remedy="Give --pdb-mirror DIR (or set KINSCOPE_PDB_MIRROR), or --download to fetch them.",
        )
    source = PdbSource(mirror=mirror, allow_download=download)
    parametrise = parametriser(pack)
    for state in chosen:
        build_model(pack, state, source, out / MODELS_DIRECTORY, progress, parametrise)
        yield _compared(pack, state, out)
    yield from _poses(pack, source, out, chosen)
    if solvent:
        from kinscope.dynamics.systems.solvent import build_solvent

        for state in chosen:
            record = build_solvent(pack, state, out / "solvent")
            yield f"{state}: water box of {record.atoms} atoms"
    if native:
        from kinscope.workflow.packs.native_results import build_native_results

        yield from build_native_results(pack, out, out / "work", cores=len(os.sched_getaffinity(0)))


def _compared(pack: TargetPack, state: str, out: Path) -> str:
    built = read_model(out / MODELS_DIRECTORY / state / SHIPPED_MODEL_FILE)
    try:
        shipped, _ = reference_model(pack, state)
    except BadInputError:
        return f"{state}: built, none ships to compare with"
    deviation = heavy_atom_rmsd(shipped, built)
    if deviation is None:
        return f"{state}: built; its atoms are not those of the shipped model"
    verdict = "within" if deviation <= REBUILD_TOLERANCE_ANGSTROM else "NOT within"
    return (
        f"{state}: built; heavy atoms {deviation:.3f} A from the shipped model, {verdict} the tolerance of "
        f"{REBUILD_TOLERANCE_ANGSTROM} A"
    )


def _poses(pack: TargetPack, source: PdbSource, out: Path, states: tuple[str, ...]) -> Iterator[str]:
    from kinscope.docking.known.reference import build_reference_poses

    drugs = [drug.id for drug in pack.drugs if {drug.state, *drug.further_states} & set(states)]
    if not drugs:
        return
    for record in build_reference_poses(
        pack, source, out / "poses", drugs=drugs, models=out / MODELS_DIRECTORY, states=states
    ):
        where = f"{record.rmsd_to_crystal_angstrom:.2f} A from {record.crystal}"
        if record.analogue:
            where += ", which shows a relative, over the atoms that both have"
        yield f"{record.drug} in {record.state}: reference pose {where}"


def heavy_atom_rmsd(first: AtomArray, second: AtomArray) -> float | None:
    """Heavy-atom RMSD (angstrom) of two models after superposition; None if their atoms differ."""
    one, other = (atoms[atoms.element != "H"] for atoms in (first, second))
    if len(one) != len(other) or not (
        np.array_equal(one.res_id, other.res_id) and np.array_equal(one.atom_name, other.atom_name)
    ):
        return None
    return kabsch(other.coord, one.coord).rmsd_angstrom

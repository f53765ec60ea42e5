"""What was put into the pocket of each simulated system: pose, parameters, and bonds at the start."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from kinscope.core.errors import BadInputError, KinscopeError
from kinscope.core.files import decoded, read_bounded, write_atomic
from kinscope.core.records import Record
from kinscope.docking.known.reference import reference_pose
from kinscope.dynamics.records import PROTEIN_FILE, SYSTEM_RECORD_FILE, SolvatedSystem
from kinscope.interpretation.words.say import say, say_all
from kinscope.ligands.parameters.shipped import directory_for, load_parameters, read_parameters
from kinscope.results.trajectories import BoundPose
from kinscope.structures.io import read_model
from kinscope.targets.loader import controls_directory
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.trajectories.frames import Chunk, Fit
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.measures.interactions import Interactions
from kinscope.workflow.planning.own_ligands import NAME

BOUND_POSE = "bound_pose.json"
CRYSTAL_BONDS_FILE = "crystal_hydrogen_bonds.csv"
_MAX_BYTES = 2_000_000
_POLAR = ("hydrogen bond", "salt bridge")
_PENALTY = 10.0
"""Above it parmchk2's authors advise care."""


class CrystalBond(Record):
    """A hydrogen bond of a drug with the protein in its co-crystal, by the distance of the heavy atoms."""

    drug: str
    crystal: str
    """Entry, chain and component, e.g. ``2HYY:A:STI``."""
    residue: str
    """Of the target's numbering, e.g. ``Met318``."""
    ligand_atom: str
    protein_atom: str
    distance_angstrom: float


def read_crystal_bonds(directory: Path) -> dict[str, tuple[CrystalBond, ...]]:
    """Hydrogen bonds that the co-crystals show, by drug; empty where the pack has no such table.

    Made by ``python benchmarks/crystal_hydrogen_bonds.py --pdb-mirror DIR``.

    Raises BadInputError if the table is damaged.
    """
    path = directory / CRYSTAL_BONDS_FILE
    if not path.is_file():
        return {}
    remedy = "Install kinscope again, or make it anew with benchmarks/crystal_hydrogen_bonds.py."
    text = decoded(read_bounded(path, _MAX_BYTES, remedy=remedy), path)
    try:
        bonds = [CrystalBond.model_validate(row, strict=False) for row in csv.DictReader(io.StringIO(text))]
    except (ValidationError, csv.Error) as error:
        what = "The table of crystals' hydrogen bonds cannot be read."
        raise BadInputError(what, where=str(path), remedy=remedy) from error
    return {bond.drug: tuple(one for one in bonds if one.drug == bond.drug) for bond in bonds}


def write_bound_pose(
    directory: Path, pack: TargetPack, drug: DrugDefinition, who: str, given: Path | None = None
) -> None:
    """Leave what is bound in a solvated system (``directory``) beside it.

    ``drug``: in the state that it is bound in. ``who``: ``native`` or the variant. ``given``: directory of
    the files of a ligand of the user's: it has no reference, and its own parameters.
    """
    write_atomic(directory / BOUND_POSE, _bound(directory, pack, drug, who, given).model_dump_json(indent=1))


def read_bound_poses(systems: Mapping[str, Path]) -> tuple[BoundPose, ...]:
    """What is bound on each side of a system, native first, from the directories of its sides."""
    return tuple(
        BoundPose.model_validate_json((systems[side] / BOUND_POSE).read_bytes())
        for side in ("native", "mutant")
        if side in systems
    )


def start_bonds(layout: Layout) -> tuple[str, ...]:
    """Residues that the first ligand of a solute is hydrogen-bonded or bridged by charge to, as it stands."""
    if not layout.ligands:
        return ()
    alphas = layout.backbone.ca
    fit = Fit(alphas, np.arange(len(alphas)), layout.coord[alphas], "as it stands")
    chunk = Chunk(layout.coord[None].astype(np.float32), np.array([np.nan]), 0, fit)
    around = Interactions(layout, layout.ligands[0][1], np.flatnonzero(layout.protein))
    around.update(chunk)
    partners = {row.partner: row.partner_name.capitalize() for row in around.result() if row.kind in _POLAR}
    return tuple(f"{partners[number]}{number}" for number in sorted(partners))


def missing_bonds(layout: Layout, shown: Sequence[CrystalBond]) -> tuple[str, ...]:
    """Bonds of the co-crystal that a solute lacks, with the distance there: ``Glu286 (3.7 Å)``.

    A residue that has been substituted by one without that atom has no distance: ``Thr315 (substituted)``.
    """
    held = {_number(residue) for residue in start_bonds(layout)}
    missing = [
        (bond.residue, _gap_angstrom(layout, bond)) for bond in shown if _number(bond.residue) not in held
    ]
    return tuple(
        f"{residue} ({gap:.1f} Å)" if np.isfinite(gap) else f"{residue} (substituted)"
        for residue, gap in missing
    )


def _number(residue: str) -> int:
    return int("".join(filter(str.isdigit, residue)))


def _gap_angstrom(layout: Layout, bond: CrystalBond) -> float:
    """From the residue's atom (either oxygen of a carboxylate) to the nearest N or O of the first ligand."""
    names = {bond.protein_atom}
    for carboxylate in ({"OE1", "OE2"}, {"OD1", "OD2"}):
        if bond.protein_atom in carboxylate:
            names |= carboxylate
    own = layout.protein & (layout.res_id == _number(bond.residue)) & np.isin(layout.atom_name, sorted(names))
    ligand = layout.ligands[0][1]
    polar = ligand[np.isin(layout.element[ligand], ("N", "O"))]
    gaps = np.linalg.norm(layout.coord[own][:, None] - layout.coord[polar][None], axis=2)
    return float(gaps.min()) if gaps.size else float("nan")


def _bound(
    directory: Path, pack: TargetPack, drug: DrugDefinition, who: str, given: Path | None
) -> BoundPose:
    record = SolvatedSystem.model_validate_json((directory / SYSTEM_RECORD_FILE).read_bytes())
    ligand = next((one for one in record.ligands if one.name == drug.id), None)
    layout = Layout(read_model(directory / PROTEIN_FILE))
    reference, away, warnings = ("", None, []) if given is not None else _reference(pack, drug)
    charges, terms, about = ligand_parameters(pack, drug, given)
    shown = read_crystal_bonds(controls_directory(pack)).get(drug.id, ())
    return BoundPose(
        ligand=drug.id,
        state=drug.state,
        variant=who,
        pose="" if ligand is None else ligand.pose,
        reference=reference,
        reference_to_crystal_rmsd_angstrom=away,
        net_charge_e=0 if ligand is None else ligand.net_charge_e,
        charges=charges,
        terms=terms,
        warnings=tuple(dict.fromkeys((*warnings, *about))),
        hydrogen_bonds=start_bonds(layout),
        crystal_hydrogen_bonds=tuple(dict.fromkeys(bond.residue for bond in shown)),
        missing_bonds=missing_bonds(layout, shown) if layout.ligands else (),
    )


def _reference(pack: TargetPack, drug: DrugDefinition) -> tuple[str, float | None, list[str]]:
    """The co-crystal of the known pose, how far the pose lies from it, and what is to be said of it."""
    try:
        _, known = reference_pose(pack, drug)
    except KinscopeError as error:
        return "", None, [error.what]
    return known.crystal, known.rmsd_to_crystal_angstrom, list(say_all(known.notes))


def ligand_parameters(
    pack: TargetPack, drug: DrugDefinition, given: Path | None
) -> tuple[str, str, list[str]]:
    """Charge model, force field, and what is to be said of them."""
    try:
        found = (
            load_parameters(drug, directory_for(pack, drug))
            if given is None
            else read_parameters(given, NAME)
        )
        record = found.record
    except KinscopeError as error:
        return "", "", [error.what]
    notes = [say(warning) for warning in record.warnings]
    if careful := [term for term in record.estimated if term.penalty > _PENALTY]:
        worst = max(careful, key=lambda term: term.penalty)
        notes.append(
            f"{len(careful)} bonded terms taken from similar ones with a penalty above {_PENALTY:g}, "
            f"the largest {worst.penalty:.0f} ({worst.kind} {worst.atom_types})"
        )
    return record.charge_model, record.force_field, notes

"""Does packing find a side chain that was taken off a crystal? One residue at a time, its neighbours free.

Chains of crystals with hydrogens and nothing relaxed are what packing and mutants are judged on. Whole chains
are rebuilt in parallel, with progress, and a run goes on where it stopped.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from kinscope.core.errors import BadInputError
from kinscope.core.progress import Progress, silent
from kinscope.core.records import Record
from kinscope.results.models import ModelRecord, ResidueOrigin
from kinscope.structures.completion.heavy_atoms import missing_atoms, pdb_text
from kinscope.structures.model import AtomArray
from kinscope.structures.mutants.candidates import pack_substitutions
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.side_chains.rotamers import chi_angles, chi_difference_degrees
from kinscope.structures.side_chains.sites import Residue, residues_of
from kinscope.structures.wwpdb.entries import read_crystal_chain
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.pack import TargetPack
from kinscope.validation.redock import append_row

CHI_TOLERANCE_DEGREES = 40.0
"""The usual bound for a right chi angle (Krivov et al., Proteins 2009, 77, 778)."""
_NEIGHBOURS_ANGSTROM = 10.0
_NOT_SCORED = frozenset({"GLY", "ALA", "PRO", "ACE", "NME"})
_FRAME = frozenset({"N", "CA", "C", "O", "OXT"})
_SYMMETRIC_PAIRS = {
    "ASP": (("OD1", "OD2"),), "GLU": (("OE1", "OE2"),), "ARG": (("NH1", "NH2"),),
    "PHE": (("CD1", "CD2"), ("CE1", "CE2")), "TYR": (("CD1", "CD2"), ("CE1", "CE2")),
}  # fmt: skip
KINSCOPE, KINSCOPE_BARE = "kinscope", "kinscope, nothing favoured"
PACKERS = {
    KINSCOPE: "as mutants are packed: backrubs allowed at a cost, neighbours' native rotamers favoured",
    KINSCOPE_BARE: "native backbone, neighbours' native rotamers not favoured",
}
"""What each packer is given."""
_MAX_TABLE_BYTES = 16 * 2**20


@dataclass(frozen=True)
class CrystalModel:
    """A crystal's chain in the target's numbering, with hydrogens and caps."""

    label: str
    """Such as ``2GQG:A``."""
    atoms: AtomArray
    record: ModelRecord
    complete: frozenset[int]
    """Residues whose every heavy atom the crystal shows."""


def crystal_model(source: PdbSource, pack: TargetPack, entry: str, chain: str) -> CrystalModel:
    """A chain of a wwPDB entry, missing side-chain atoms and hydrogens added, nothing relaxed.

    Raises StructureError if the entry or chain is not at hand, or is not of this target.
    """
    from openmm import app, unit
    from pdbfixer import PDBFixer

    from kinscope.structures.forcefield.system import cpu_platform
    from kinscope.structures.io import from_openmm

    shown = read_crystal_chain(source, entry, chain, pack)
    numbers = list(shown.residues)
    platform, _ = cpu_platform()
    fixer = PDBFixer(pdbfile=io.StringIO(pdb_text(shown.atoms)), platform=platform)
    fixer.missingResidues = {(0, 0): ["ACE"], (0, len(numbers)): ["NME"]}
    fixer.findMissingAtoms()
    fixer.addMissingAtoms(seed=1)
    modeller = app.Modeller(fixer.topology, fixer.positions)
    modeller.addHydrogens(app.ForceField("amber14/protein.ff14SB.xml"), platform=platform)
    for residue in modeller.topology.residues():
        if residue.name in {"ACE", "NME"}:
            residue.id = str(numbers[0] - 1 if residue.name == "ACE" else numbers[-1] + 1)
    atoms = from_openmm(modeller.topology, modeller.positions.in_units_of(unit.nanometer))
    record = ModelRecord(
        target=pack.gene,
        state="user",
        variant="native",
        first_residue=numbers[0],
        last_residue=numbers[-1],
        origins=tuple(ResidueOrigin(residue=n, origin="crystal", entry=shown.label) for n in numbers),
        method=(f"Chain {chain} of {entry} with hydrogens.",),
    )
    return CrystalModel(shown.label, atoms, record, frozenset(numbers) - set(missing_atoms(shown.atoms)))


class Recovery(Record):
    """One residue of a crystal, rebuilt by one packer."""

    entry: str
    residue: int
    name: str
    packer: str
    neighbours: int
    """Heavy atoms within 10 A of CB: burial without a surface."""
    buried: bool
    """At least the median of the chain's residues."""
    chi1_right: bool
    chi12_right: bool
    """chi1 and, where there is one, chi2."""
    chi12_right_in_any: bool
    """In any of the candidates that would be relaxed."""
    rmsd_angstrom: float
    """Side-chain heavy atoms, backbones as they stand, symmetric atoms either way."""


@dataclass(frozen=True)
class Task:
    """A residue to rebuild."""

    residue: int
    neighbours: int
    buried: bool


def residues_to_rebuild(crystal: CrystalModel, most: int | None = None, seed: int = 1) -> list[Task]:
    """Residues with a chi angle whose side chain the crystal shows whole, or ``most`` of them at random."""
    residues = residues_of(crystal.atoms)
    fit = [n for n, r in residues.items() if n in crystal.complete and r.name not in _NOT_SCORED]
    heavy = np.asarray(crystal.atoms.coord)[np.asarray(crystal.atoms.element) != "H"]
    crowd = {
        n: int((np.linalg.norm(heavy - residues[n].at("CB"), axis=1) < _NEIGHBOURS_ANGSTROM).sum())
        for n in fit
    }
    middle = float(np.median(list(crowd.values())))
    chosen = fit
    if most is not None and most < len(fit):
        chosen = sorted(int(n) for n in np.random.default_rng(seed).choice(fit, most, replace=False))
    return [Task(n, crowd[n], crowd[n] >= middle) for n in chosen]


def recovery(
    crystal: CrystalModel, task: Task, packer: str, settings: MutationSettings, seed: int
) -> Recovery:
    """Take one side chain off, have it packed anew with a packer's settings, and compare."""
    truth = residues_of(crystal.atoms)[task.residue]
    packings = pack_substitutions(crystal.atoms, {task.residue: truth.name}, settings, seed)
    built = [residues_of(packing.atoms)[task.residue] for packing in packings]
    right = [chi_right(residue, truth) for residue in built]
    return Recovery(
        entry=crystal.label,
        residue=task.residue,
        name=truth.name,
        packer=packer,
        neighbours=task.neighbours,
        buried=task.buried,
        chi1_right=right[0][0],
        chi12_right=right[0][1],
        chi12_right_in_any=any(both for _, both in right),
        rmsd_angstrom=round(side_chain_rmsd(built[0], truth, built[0].coord), 3),
    )


def chi_right(model: Residue, truth: Residue) -> tuple[bool, bool]:
    """Whether chi1, and chi1 with chi2, are those of ``truth`` within 40 degrees."""
    differences = chi_difference_degrees(
        truth.name,
        chi_angles(model.name, model.atom_names, model.coord),
        chi_angles(truth.name, truth.atom_names, truth.coord),
    )
    near = [difference <= CHI_TOLERANCE_DEGREES for difference in differences]
    return near[0], all(near[:2])


def side_chain_rmsd(model: Residue, truth: Residue, coord: NDArray[np.float64]) -> float:
    """RMSD of side-chain heavy atoms from CB on, the better way round where atoms are equivalent.

    ``model``, ``truth``: the same kind of residue. ``coord``: shape (n_model_atoms, 3): the model's atoms in
    the frame of ``truth``, angstrom.
    """
    side = [a for a in truth.atom_names if a[0] != "H" and a not in _FRAME]
    names = [a for a in side if a in model.atom_names]
    swap = {x: y for pair in _SYMMETRIC_PAIRS.get(truth.name, ()) for x, y in (pair, pair[::-1])}
    target = np.array([truth.at(name) for name in names])
    values = []
    for naming in (names, [swap.get(name, name) for name in names]):
        mine = np.array([coord[model.atom_names.index(name)] for name in naming])
        values.append(float(np.sqrt(np.mean(np.sum((mine - target) ** 2, axis=1)))))
    return min(values)


@dataclass(frozen=True)
class RecoveryPlan:
    """What is rebuilt, with which settings."""

    crystals: tuple[CrystalModel, ...]
    settings: MutationSettings
    seed: int = 1
    residues: int | None = None
    """Residues per crystal, at random; None for all."""

    def packers(self) -> dict[str, MutationSettings]:
        """Settings of our packing as mutants have it and with nothing favoured, by name."""
        bare = {
            "backrub_degrees": (),
            "neighbour_backrub_degrees": (),
            "native_rotamer_bonus_kcal_per_mol": 0.0,
        }
        return {KINSCOPE: self.settings, KINSCOPE_BARE: self.settings.model_copy(update=bare)}

    @property
    def fingerprint(self) -> str:
        """What distinguishes tables of different settings."""
        text = f"{self.settings.model_dump_json()} {self.seed}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def run_recovery(
    plan: RecoveryPlan, table: Path | None = None, cores: int = 1, progress: Progress | None = None
) -> list[Recovery]:
    """Rebuild every side chain of the plan.

    ``plan``: what is rebuilt, with which settings. ``table``: CSV file that receives each row as it comes;
    rows that are in it already are not computed again. ``cores``: processes. ``progress``: told how far the
    work is.

    Returns the rows by packer, crystal and residue.

    Raises BadInputError if the table was made with other settings or is no such table.
    """
    tell = progress or silent
    names = list(plan.packers())
    wanted = [
        (place, task, name)
        for name in names
        for place, crystal in enumerate(plan.crystals)
        for task in residues_to_rebuild(crystal, plan.residues, plan.seed)
    ]
    labels = [crystal.label for crystal in plan.crystals]
    done = {(r.entry, r.residue, r.packer): r for r in read_recoveries(table, plan.fingerprint)}
    missing = [w for w in wanted if (labels[w[0]], w[1].residue, w[2]) not in done]
    for row in _computed(plan, missing, cores):
        done[row.entry, row.residue, row.packer] = row
        if table is not None:
            append_row(table, {**row.model_dump(), "settings": plan.fingerprint})
        what = f"{row.packer}: {row.name} {row.residue} of {row.entry}"
        tell(len(done) / max(len(wanted), len(done)), what)
    return [done[labels[place], task.residue, name] for place, task, name in wanted]


def _rebuild(plan: RecoveryPlan, work: tuple[int, Task, str]) -> Recovery:
    place, task, name = work
    return recovery(plan.crystals[place], task, name, plan.packers()[name], plan.seed)


def _computed(plan: RecoveryPlan, work: Sequence[tuple[int, Task, str]], cores: int) -> Iterator[Recovery]:
    if cores == 1 or len(work) < 2:
        yield from (_rebuild(plan, one) for one in work)
        return
    with ProcessPoolExecutor(min(cores, len(work)), mp_context=get_context("spawn")) as pool:
        pending = [pool.submit(_rebuild, plan, one) for one in work]
        try:
            yield from (one.result() for one in as_completed(pending))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def read_recoveries(table: Path | None, fingerprint: str) -> list[Recovery]:
    """Rows of a table of :func:`run_recovery`; none where there is no file yet.

    Raises BadInputError if it was made with other settings, or a line cannot be read.
    """
    if table is None or not table.exists():
        return []
    if table.stat().st_size > _MAX_TABLE_BYTES:
        raise BadInputError("This table is too large.", where=str(table), remedy="Name another file.")
    found: list[Recovery] = []
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            where = f"{table}, line {len(found) + 2}"
            if row.get("settings") != fingerprint:
                raise BadInputError(
                    "This table holds results of other settings, or is no such table.",
                    where=where,
                    remedy="Name another --table, or delete this one.",
                )
            row.pop("settings")
            try:
                found.append(Recovery.model_validate(row))
            except ValidationError as error:
                raise BadInputError(
                    f"This line cannot be read ({error.error_count()} faults).",
                    where=where,
                    remedy="Delete the line; it is computed again.",
                ) from error
    return found

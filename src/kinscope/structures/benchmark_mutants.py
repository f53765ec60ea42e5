"""How good mutant models are, judged on crystals.

``python -m kinscope.structures.benchmark_mutants --mirror DIR`` prints the figures.

Three questions. Does packing find a side chain that was taken off a crystal (one residue at a time, its
neighbours free)? Do T315I and H396P, built on native crystals and on the shipped models, look like the
crystals of the mutants? What do backrubs change (``--native-backbone`` builds without them)?
"""

from __future__ import annotations

import gzip
import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.core.records import Record
from kinscope.core.residues import one_letter
from kinscope.structures.candidates import pack_substitutions
from kinscope.structures.model import AtomArray, ModelRecord, ResidueOrigin
from kinscope.structures.mutation import MutationSettings, build_mutant
from kinscope.structures.packing_sites import Residue, residues_of
from kinscope.structures.rotamers import chi_angles, chi_difference_degrees, superposition

CHI_TOLERANCE_DEGREES = 40.0
_NEIGHBOURS_ANGSTROM = 10.0
_NOT_SCORED = frozenset({"GLY", "ALA", "PRO", "ACE", "NME"})
_FRAME = frozenset({"N", "CA", "C", "O", "OXT"})
_SYMMETRIC_PAIRS = {
    "ASP": (("OD1", "OD2"),), "GLU": (("OE1", "OE2"),), "ARG": (("NH1", "NH2"),),
    "PHE": (("CD1", "CD2"), ("CE1", "CE2")), "TYR": (("CD1", "CD2"), ("CE1", "CE2")),
}  # fmt: skip

RECOVERY_ENTRIES = (("2GQG", "A"), ("2HYY", "A"))
CRYSTAL_CASES = (
    ("2GQG", "A", (315, "I"), (("2V7A", "A"), ("2V7A", "B"))),
    ("2HYY", "A", (315, "I"), (("3QRJ", "A"), ("3QRJ", "B"))),
)
"""Native entry and chain, what is substituted, and crystals of the mutant in the same state."""
MODEL_CASES = (
    ("kinase-dfg-in", (315, "I"), (("2V7A", "A"), ("2Z60", "A"), ("4TWP", "A"))),
    ("kinase-dfg-out", (315, "I"), (("3QRJ", "A"), ("3QRJ", "B"))),
    ("kinase-dfg-in", (396, "P"), (("2G2F", "A"), ("2G2I", "A"))),
)
"""The same for shipped models of the abl1 target; all in isoform-1a numbers."""

PUBLISHED = (
    ("FASPR (Huang 2020), one residue, the rest fixed, 1IEP", 71.0),
    ("FASPR (Huang 2020), one residue, an 8 A shell free, 1IEP", 81.0),
)
"""chi1 within 40 degrees, measured by the kinscope developers with pyfaspr 0.3.1."""


class Recovery(Record):
    """One residue of a crystal, rebuilt."""

    entry: str
    residue: int
    name: str
    buried: bool
    chi1_right: bool
    chi12_right: bool
    """chi1 and, where there is one, chi2."""
    chi12_right_in_any: bool
    """In any of the candidates that would be relaxed."""
    rmsd_angstrom: float
    """Side-chain heavy atoms, backbones as they stand, symmetric atoms either way."""


class CrystalComparison(Record):
    """A mutant model against a crystal of the mutant."""

    native_entry: str
    crystal_entry: str
    substitution: str
    rotamers: tuple[str, ...]
    alternatives: int
    chi_model_degrees: tuple[float, ...]
    chi_alternatives_degrees: tuple[tuple[float, ...], ...] = ()
    """Of every alternative, the model first."""
    relative_energies_kcal_per_mol: tuple[float, ...] = ()
    chi_crystal_degrees: tuple[float, ...]
    side_chain_rmsd_angstrom: float
    """After superposition on backbone atoms of residues within 10 A."""
    backbone_rmsd_angstrom: float
    """Of that superposition: how far the two crystals differ anyway."""


@dataclass(frozen=True)
class CrystalModel:
    """A crystal's chain with hydrogens, heavy atoms where the crystal has them."""

    atoms: AtomArray
    record: ModelRecord
    complete: frozenset[int]
    """Residues whose every heavy atom the crystal shows."""


def crystal_model(mirror: Path, entry: str, chain: str) -> CrystalModel:
    """A chain of a wwPDB entry in isoform-1a numbers, hydrogens added, nothing relaxed.

    Raises
    ------
    StructureError
        If the mirror has no such entry.
    """
    from openmm import app, unit
    from pdbfixer import PDBFixer

    from kinscope.structures.forcefield import cpu_platform
    from kinscope.structures.io import from_openmm

    fixer = PDBFixer(pdbfile=io.StringIO(_chain_text(mirror, entry, chain)))
    fixer.findNonstandardResidues()
    fixer.replaceNonstandardResidues()
    numbers = [int(residue.id) for residue in fixer.topology.residues()]
    fixer.missingResidues = {(0, 0): ["ACE"], (0, len(numbers)): ["NME"]}
    fixer.findMissingAtoms()
    incomplete = {int(residue.id) for residue in fixer.missingAtoms}
    fixer.addMissingAtoms(seed=1)
    modeller = app.Modeller(fixer.topology, fixer.positions)
    modeller.addHydrogens(app.ForceField("amber14/protein.ff14SB.xml"), platform=cpu_platform()[0])
    for residue in modeller.topology.residues():
        if residue.name in {"ACE", "NME"}:
            residue.id = str(numbers[0] - 1 if residue.name == "ACE" else numbers[-1] + 1)
    atoms = from_openmm(modeller.topology, modeller.positions.in_units_of(unit.nanometer))
    origins = tuple(ResidueOrigin(residue=n, origin="crystal", entry=f"{entry}:{chain}") for n in numbers)
    record = ModelRecord(
        target="abl1", state="user", variant="native", first_residue=numbers[0], last_residue=numbers[-1],
        origins=origins, method=(f"Chain {chain} of {entry} with hydrogens.",),
    )  # fmt: skip
    return CrystalModel(atoms, record, frozenset(numbers) - incomplete)


def _chain_text(mirror: Path, entry: str, chain: str) -> str:
    path = mirror / f"{entry.lower()}.pdb.gz"
    if not path.is_file():
        raise StructureError(
            f"The mirror holds no {entry}.",
            where=str(path),
            remedy="Give the directory that holds the wwPDB entries as <id>.pdb.gz.",
        )
    kept = []
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        protein = line.startswith("ATOM") or (line.startswith("HETATM") and line[17:20] == "PTR")
        if protein and line[21] == chain and line[16] in " A":
            kept.append(f"ATOM  {line[6:16]} {line[17:]}")
    return "\n".join([*kept, "END", ""])


def recover_side_chains(
    crystal: CrystalModel, entry: str, count: int, settings: MutationSettings, seed: int
) -> list[Recovery]:
    """Take off ``count`` random side chains, one at a time, and pack each anew among free neighbours."""
    residues = residues_of(crystal.atoms)
    fit = [n for n, residue in residues.items() if n in crystal.complete and residue.name not in _NOT_SCORED]
    crowd = _crowding(crystal.atoms, residues, fit)
    middle = float(np.median(list(crowd.values())))
    chosen = np.random.default_rng(seed).choice(fit, min(count, len(fit)), replace=False)
    found = []
    for number in sorted(int(n) for n in chosen):
        truth = residues[number]
        packings = pack_substitutions(crystal.atoms, {number: truth.name}, settings, seed)
        built = [residues_of(packing.atoms)[number] for packing in packings]
        right = [_chi_right(residue, truth) for residue in built]
        found.append(
            Recovery(
                entry=entry,
                residue=number,
                name=truth.name,
                buried=crowd[number] >= middle,
                chi1_right=right[0][0],
                chi12_right=right[0][1],
                chi12_right_in_any=any(both for _, both in right),
                rmsd_angstrom=side_chain_rmsd(built[0], truth, built[0].coord),
            )
        )
    return found


def _crowding(atoms: AtomArray, residues: dict[int, Residue], numbers: Sequence[int]) -> dict[int, float]:
    """Heavy atoms within 10 A of each CB: burial without a surface."""
    heavy = np.asarray(atoms.coord)[np.asarray(atoms.element) != "H"]
    return {
        n: float((np.linalg.norm(heavy - residues[n].at("CB"), axis=1) < _NEIGHBOURS_ANGSTROM).sum())
        for n in numbers
    }


def _chi_right(model: Residue, truth: Residue) -> tuple[bool, bool]:
    differences = chi_difference_degrees(
        truth.name,
        chi_angles(model.name, model.atom_names, model.coord),
        chi_angles(truth.name, truth.atom_names, truth.coord),
    )
    near = [difference <= CHI_TOLERANCE_DEGREES for difference in differences]
    return near[0], all(near[:2])


def side_chain_rmsd(model: Residue, truth: Residue, coord: NDArray[np.float64]) -> float:
    """RMSD of side-chain heavy atoms from CB on, the better way round where atoms are equivalent.

    Parameters
    ----------
    model, truth
        The same kind of residue.
    coord
        Shape (n_model_atoms, 3): the model's atoms in the frame of ``truth``, angstrom.
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


def compare_with_crystals(
    native: tuple[str, AtomArray, ModelRecord],
    substitution: tuple[int, str],
    crystals: Sequence[tuple[str, CrystalModel]],
    settings: MutationSettings,
    seed: int,
) -> list[CrystalComparison]:
    """Build a substitution once and lay it on each crystal of the mutant that shows the residue."""
    name, atoms, record = native
    number, letter = substitution
    models = build_mutant(atoms, record, [substitution], settings, seed)
    built = [residues_of(model.atoms)[number] for model in models]
    first = residues_of(models[0].atoms)
    chis = tuple(chi_angles(residue.name, residue.atom_names, residue.coord) for residue in built)
    found = []
    for entry, crystal in crystals:
        truth = residues_of(crystal.atoms)
        if number not in crystal.complete or one_letter(truth[number].name) != letter:
            continue
        mine, aim = _common_backbone(first, truth, number)
        rotation, shift = superposition(mine, aim)
        apart = mine @ rotation + shift - aim
        side_chain = side_chain_rmsd(built[0], truth[number], built[0].coord @ rotation + shift)
        found.append(
            CrystalComparison(
                native_entry=name,
                crystal_entry=entry,
                substitution=f"{number}{letter}",
                rotamers=tuple(
                    line
                    for model in models
                    for line in model.record.method
                    if f"Residue {number}: rotam" in line
                ),
                alternatives=len(models),
                chi_model_degrees=chis[0],
                chi_alternatives_degrees=chis,
                relative_energies_kcal_per_mol=tuple(
                    model.record.relative_energy_kcal_per_mol or 0.0 for model in models
                ),
                chi_crystal_degrees=chi_angles(
                    truth[number].name, truth[number].atom_names, truth[number].coord
                ),
                side_chain_rmsd_angstrom=side_chain,
                backbone_rmsd_angstrom=float(np.sqrt(np.mean(np.sum(apart**2, axis=1)))),
            )
        )
    return found


def _common_backbone(
    built: dict[int, Residue], truth: dict[int, Residue], centre: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mine, aim = [], []
    for number, residue in built.items():
        if number in truth and {"N", "CA", "C"} <= set(residue.atom_names) & set(truth[number].atom_names):
            near = np.linalg.norm(residue.at("CA") - built[centre].at("CA")) < _NEIGHBOURS_ANGSTROM
            if near and residue.name not in {"ACE", "NME"}:
                mine += [residue.at(atom) for atom in ("N", "CA", "C")]
                aim += [truth[number].at(atom) for atom in ("N", "CA", "C")]
    return np.array(mine), np.array(aim)


def run(
    mirror: Path,
    residues_per_entry: int = 30,
    seed: int = 1,
    settings: MutationSettings | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> tuple[list[Recovery], list[CrystalComparison]]:
    """The whole benchmark; about ten minutes on one core."""
    settings, report = settings or MutationSettings(), progress or (lambda fraction, what: None)
    recoveries: list[Recovery] = []
    for entry, chain in RECOVERY_ENTRIES:
        report(0.0, f"rebuilding side chains of {entry}")
        crystal = crystal_model(mirror, entry, chain)
        recoveries += recover_side_chains(crystal, f"{entry}:{chain}", residues_per_entry, settings, seed)
    return recoveries, compare_all(mirror, settings, seed, report)


def compare_all(
    mirror: Path, settings: MutationSettings, seed: int, report: Callable[[float, str], None]
) -> list[CrystalComparison]:
    """Every case of mutants with crystals."""
    from kinscope.structures.reference import reference_model
    from kinscope.targets import load_target

    comparisons: list[CrystalComparison] = []
    count = len(CRYSTAL_CASES) + len(MODEL_CASES)
    for index, (name, substitution, others) in enumerate(
        [*((f"{e}:{c}", what, others) for e, c, what, others in CRYSTAL_CASES), *MODEL_CASES]
    ):
        report(index / count, f"building {substitution[0]}{substitution[1]} on {name}")
        if ":" in name:
            native = crystal_model(mirror, *name.split(":"))
            atoms, record = native.atoms, native.record
        else:
            atoms, record = reference_model(load_target("abl1"), name)
        crystals = [(f"{entry}:{chain}", crystal_model(mirror, entry, chain)) for entry, chain in others]
        comparisons += compare_with_crystals((name, atoms, record), substitution, crystals, settings, seed)
    return comparisons


def table(recoveries: Sequence[Recovery], comparisons: Sequence[CrystalComparison]) -> str:
    """The figures as text."""
    heads = " ".join(f"{head:>6s}" for head in ("chi1", "chi1+2", "any", "RMSD"))
    lines = [f"{'side chains rebuilt, neighbours free':58s} {'n':>4s} {heads}"]
    entries = list(dict.fromkeys(r.entry for r in recoveries))
    for label, chosen in [
        *((entry, [r for r in recoveries if r.entry == entry]) for entry in entries),
        ("buried", [r for r in recoveries if r.buried]),
        ("exposed", [r for r in recoveries if not r.buried]),
        ("all", list(recoveries)),
    ]:
        if chosen:
            lines.append(f"{label:58s} {len(chosen):4d} " + " ".join(f"{v:6.1f}" for v in _shares(chosen)))
    lines += [f"{label:58s}      {value:6.1f}" for label, value in PUBLISHED]
    lines += ["", "Mutants built on native crystals and models, against crystals of the mutants"]
    for c in comparisons:
        built = ", ".join(
            f"{_angles(chi)} (+{energy:.1f})"
            for chi, energy in zip(c.chi_alternatives_degrees, c.relative_energies_kcal_per_mol, strict=True)
        )
        lines.append(
            f"{c.native_entry} {c.substitution} -> {c.crystal_entry}: chi {built}; crystal "
            f"{_angles(c.chi_crystal_degrees)}; side chain {c.side_chain_rmsd_angstrom:.2f} A, "
            f"backbone {c.backbone_rmsd_angstrom:.2f} A"
        )
    return "\n".join(lines)


def _shares(rows: Sequence[Recovery]) -> tuple[float, float, float, float]:
    return (
        100 * float(np.mean([r.chi1_right for r in rows])),
        100 * float(np.mean([r.chi12_right for r in rows])),
        100 * float(np.mean([r.chi12_right_in_any for r in rows])),
        float(np.median([r.rmsd_angstrom for r in rows])),
    )


def _angles(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:.0f}" for value in values)


def main(arguments: Sequence[str]) -> int:
    """Run and print; the mirror is ``--mirror DIR`` or ``KINSCOPE_PDB_MIRROR``."""
    given: Any = arguments[arguments.index("--mirror") + 1] if "--mirror" in arguments[:-1] else None
    mirror = given or os.environ.get("KINSCOPE_PDB_MIRROR")
    if not mirror:
        print(
            "Name the directory of wwPDB entries: --mirror DIR, or set KINSCOPE_PDB_MIRROR.", file=sys.stderr
        )
        return 2
    settings = MutationSettings()
    if "--native-backbone" in arguments:
        settings = MutationSettings(backrub_degrees=(), neighbour_backrub_degrees=())

    def progress(fraction: float, what: str) -> None:
        print(f"{fraction:4.0%} {what}", file=sys.stderr)

    if "--mutants-only" in arguments:
        print(table([], compare_all(Path(mirror), settings, 1, progress)))
    else:
        print(table(*run(Path(mirror), settings=settings, progress=progress)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

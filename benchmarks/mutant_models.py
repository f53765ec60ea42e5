"""How good mutant models are, judged on crystals: ``python benchmarks/mutant_models.py MIRROR``.

Two questions. Do T315I and H396P, built on native crystals and on the shipped models, look like the crystals
of the mutants? Does packing find side chains that were taken off crystals?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from mutant_crystals import CrystalComparison, OwnBackbone, compare_all
from side_chain_recovery import KINSCOPE, PACKERS, Recovery, RecoveryPlan, crystal_model, run_recovery
from states import share

from kinscope.core.progress import Progress, silent
from kinscope.core.records import Record
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target
from kinscope.targets.pack import TargetPack

RECOVERY_ENTRIES = (("2GQG", "A"), ("2HYY", "A"))
PUBLISHED = (
    "Published, of 379 crystals with every side chain repacked at once: FASPR 69.1 % of all chi angles\n"
    "within 20 degrees (Huang et al., Bioinformatics 2020, 36, 3758); SCWRL4 chi1 86 %, chi1+2 75 % within\n"
    "40 degrees (Krivov et al., Proteins 2009, 77, 778)."
)


class MutantBenchmark(Record):
    """Everything the benchmark measured."""

    recoveries: tuple[Recovery, ...] = ()
    comparisons: tuple[CrystalComparison, ...] = ()
    own_backbones: tuple[OwnBackbone, ...] = ()


@dataclass(frozen=True)
class Repacking:
    """How the half that takes side chains off crystals is run."""

    residues: int | None = None
    """Per crystal, at random; None for all."""
    table: Path | None = None
    """CSV of single residues; the run goes on from what it holds."""
    cores: int = 1


def run(
    source: PdbSource,
    pack: TargetPack,
    seed: int,
    *,
    crystals: bool = True,
    repacking: Repacking | None = None,
    progress: Progress = silent,
) -> MutantBenchmark:
    """The benchmark, or one of its halves.

    ``pack``: the target (abl1) whose cases these are. ``seed``: of packing and relaxation. ``repacking``:
    None leaves that half out. ``progress``: called with the fraction of a half and what was done.
    """
    settings = MutationSettings()
    comparisons: list[CrystalComparison] = []
    own: list[OwnBackbone] = []
    recoveries: list[Recovery] = []
    if crystals:
        comparisons, own = compare_all(source, pack, settings, seed, progress)
    if repacking is not None:
        chains = tuple(crystal_model(source, pack, entry, chain) for entry, chain in RECOVERY_ENTRIES)
        plan = RecoveryPlan(chains, settings, seed, repacking.residues)
        recoveries = run_recovery(plan, repacking.table, repacking.cores, progress)
    return MutantBenchmark(
        recoveries=tuple(recoveries), comparisons=tuple(comparisons), own_backbones=tuple(own)
    )


def in_words(found: MutantBenchmark) -> str:
    """The tables that are printed."""
    parts = []
    if found.comparisons:
        parts += [_comparison_table(found.comparisons), _own_table(found.own_backbones)]
    if found.recoveries:
        parts.append(_recovery_table(found.recoveries))
    return "\n\n".join(parts)


def _comparison_table(rows: Sequence[CrystalComparison]) -> str:
    lines = ["Mutants built on native crystals and on shipped models, against crystals of the mutants"]
    for native, substitution in dict.fromkeys((row.native, row.substitution) for row in rows):
        mine = [row for row in rows if (row.native, row.substitution) == (native, substitution)]
        energies = mine[0].relative_energies_kcal_per_mol
        built = "; ".join(
            f"{place + 1}: {_angles(chi)} (+{energy:.1f} kcal/mol)"
            for place, (chi, energy) in enumerate(
                zip(mine[0].chi_alternatives_degrees, energies, strict=True)
            )
        )
        lines += ["", f"{substitution} on {native}: chi of alternatives {built}"]
        for row in mine:
            lines.append(f"  {row.crystal} chi {_angles(row.chi_crystal_degrees):9s} {_place(row)}")
    placed = [row.place for row in rows]
    first = sum(place == 0 for place in placed)
    among = sum(place is not None for place in placed)
    chi1 = sum(row.chi_right(0) >= 1 for row in rows)
    lines += [
        "",
        f"of {len(rows)} comparisons: chi1 of the first alternative right in {chi1}, all its chi in {first}; "
        f"the crystal's rotamer among the alternatives in {among}",
    ]
    return "\n".join(lines)


def _place(row: CrystalComparison) -> str:
    rmsd = row.side_chain_rmsd_angstrom
    apart = f"backbones {row.backbone_rmsd_angstrom:.2f} A apart"
    right = f"first alternative {row.chi_right(0)} of {len(row.chi_crystal_degrees)} chi"
    if row.place is None:
        return f"not among the alternatives; {right}, side chain {rmsd[0]:.2f} A; {apart}"
    above = row.relative_energies_kcal_per_mol[row.place]
    return (
        f"is alternative {row.place + 1} (+{above:.1f} kcal/mol, side chain {rmsd[row.place]:.2f} A); "
        f"{right}, {rmsd[0]:.2f} A; {apart}"
    )


def _own_table(rows: Sequence[OwnBackbone]) -> str:
    lines = [
        "The same residues packed anew on the backbones of the mutants' own crystals (no ligand, unrelaxed)"
    ]
    for row in rows:
        above = row.above_best_kcal_per_mol
        place = "is not found" if above is None else f"is {above:.1f} kcal/mol above the best"
        lines.append(
            f"  {row.crystal} {row.residue}: packed {_angles(row.chi_packed_degrees)}, "
            f"crystal {_angles(row.chi_crystal_degrees)} {place}"
        )
    return "\n".join(lines)


def _recovery_table(rows: Sequence[Recovery]) -> str:
    lines = [
        "Side chains taken off one at a time and rebuilt; per cent of chi within 40 degrees (95 % interval)",
        f"{'':34s} {'n':>4s}  {'chi1':<20s} {'chi1+2':<20s} {'in any candidate':<20s} RMSD, A",
    ]
    names = list(dict.fromkeys(row.packer for row in rows))
    entries = list(dict.fromkeys(row.entry for row in rows))
    groups = [(entry, [row for row in rows if row.entry == entry]) for entry in entries]
    groups += [
        ("buried", [row for row in rows if row.buried]),
        ("exposed", [row for row in rows if not row.buried]),
        ("all", list(rows)),
    ]
    for title, members in groups:
        if members:
            lines.append(title)
        for name in names:
            mine = [row for row in members if row.packer == name]
            if mine:
                lines.append(f"  {name:32s} {_shares(mine)}")
    lines += ["", *(f"{name}: {PACKERS[name]}" for name in names if name in PACKERS)]
    lines += ["buried: at least the chain's median of heavy atoms within 10 A of CB; RMSD: median"]
    lines += ["", PUBLISHED]
    by_kind = sorted({row.name for row in rows})
    lines += ["", f"{KINSCOPE}, chi1+2 right by residue kind: " + ", ".join(_kind(rows, k) for k in by_kind)]
    return "\n".join(lines)


def _kind(rows: Sequence[Recovery], kind: str) -> str:
    mine = [row.chi12_right for row in rows if row.packer == KINSCOPE and row.name == kind]
    return f"{kind.capitalize()} {sum(mine)}/{len(mine)}"


def _shares(rows: Sequence[Recovery]) -> str:
    from statistics import median

    return (
        f"{len(rows):4d}  {share([r.chi1_right for r in rows]):<20s} "
        f"{share([r.chi12_right for r in rows]):<20s} "
        f"{share([r.chi12_right_in_any for r in rows]):<20s} "
        f"{median(r.rmsd_angstrom for r in rows):5.2f}"
    )


def _angles(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:.0f}" for value in values)


def main(
    mirror: Path,
    residues: Annotated[int | None, typer.Option(help="Per crystal, at random; default: all.")] = None,
    seed: int = 1,
    table: Annotated[Path | None, typer.Option(help="CSV of single residues; a run goes on from it.")] = None,
    cores: int = 1,
    only: Annotated[str, typer.Option(help="crystals: T315I, H396P; recovery: repacking.")] = "both",
) -> None:
    """Build T315I and H396P beside their crystals; repack every side chain of two crystals."""
    found = run(
        PdbSource(mirror), load_target("abl1"), seed,
        crystals=only != "recovery",
        repacking=Repacking(residues, table, cores) if only != "crystals" else None,
    )  # fmt: skip
    print(in_words(found))


if __name__ == "__main__":
    typer.run(main)

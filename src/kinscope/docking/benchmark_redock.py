"""Redocking and cross-docking of every co-crystal at hand, beside plain Vina: ``kinscope benchmark redock``.

Every search is blind in a box of 22 angstrom about the crystal's ligand and begins from conformers that
know nothing of it. In cross-docking the receptor is another crystal of the same state, laid on the
ligand's own by the CA atoms around the ligand, with the same residues around it (no drug is docked into a
gatekeeper mutant that its own crystal has not); the pose is judged after that superposition. Times are CPU
seconds of the search and the preparation of the ligand and of the receptor's types.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from kinscope.core.errors import BadInputError, KinscopeError, StructureError
from kinscope.core.records import Record
from kinscope.docking.complexes import Complex, find_complexes, ligand_of_complex
from kinscope.docking.crystal_ligand import crystal_coordinates, lay_on
from kinscope.docking.engine import Box, Coordinates, Mol
from kinscope.docking.rmsd import SymmetricRmsd
from kinscope.docking.sampling import distinct
from kinscope.docking.vina_engine import VinaEngine
from kinscope.structures.entries import read_chain, read_ligand
from kinscope.structures.model import AtomArray
from kinscope.structures.preparation import cap_ends, complete_heavy_atoms
from kinscope.structures.protonation import add_hydrogens
from kinscope.structures.source import PdbSource
from kinscope.structures.superposition import kabsch
from kinscope.targets.pack import TargetPack

SUCCESS_ANGSTROM = 2.0
BOX_ANGSTROM = 22.0
_SITE_ANGSTROM = 10.0
_NEAR_ANGSTROM = 6.0
_FEWEST_SHARED = 15
_SEPARATION_ANGSTROM = 1.0
_POSES = 9
ENGINES = ("kinscope", "vina-8", "vina-32")
"""kinscope's own search at exhaustiveness 8; plain Vina at 8 and at 32."""


class RedockRow(Record):
    """One ligand docked into one receptor by one engine."""

    engine: str
    ligand: str
    """``2HYY:A:STI``."""
    receptor: str
    """``2HYY:A``."""
    own: bool
    """Whether the receptor is the ligand's own crystal."""
    top1_angstrom: float
    top3_angstrom: float
    """The nearest of the three best poses that are an angstrom apart."""
    nearest_angstrom: float
    """Of all poses that came back: whether the failure is of the search or of the ranking."""
    score_kcal_per_mol: float
    cpu_seconds: float

    def in_words(self) -> str:
        """One line as the benchmark goes on."""
        return (
            f"{self.ligand:12s} into {self.receptor:8s} {self.engine:9s} top-1 {self.top1_angstrom:5.2f}  "
            f"top-3 {self.top3_angstrom:5.2f}  any {self.nearest_angstrom:5.2f}  {self.cpu_seconds:6.1f} s"
        )


class Bench:
    """What every row shares: ligands, crystals and prepared receptors."""

    def __init__(self, source: PdbSource, pack: TargetPack) -> None:
        self.source, self.pack = source, pack
        self.receptor = lru_cache(maxsize=64)(self._receptor)
        self.case = lru_cache(maxsize=64)(self._case)

    def _receptor(self, entry: str, chain: str) -> AtomArray:
        """The crystal's chain, completed, capped and protonated, not relaxed."""
        atoms = complete_heavy_atoms(read_chain(self.source, entry, chain, self.pack)).atoms
        return add_hydrogens(cap_ends(atoms), {}, ph=7.4)

    def _case(self, complex_: Complex) -> tuple[Mol, Mol, Coordinates]:
        """The free ligand, the same in its crystal's place, and the latter's coordinates (n_atoms, 3)."""
        ligand = ligand_of_complex(complex_, self.pack)
        shown = read_ligand(self.source, complex_.entry, complex_.chain, complex_.ccd)
        reference = lay_on(ligand, crystal_coordinates(ligand, shown, where=complex_.site))
        return ligand, reference, np.asarray(reference.GetConformer().GetPositions(), dtype=np.float64)

    def same_site(self, own: Complex, other: Complex) -> bool:
        """Whether two chains have the same residues wherever the first has one near its ligand."""
        shown = read_ligand(self.source, own.entry, own.chain, own.ccd)
        home, away = (read_chain(self.source, item.entry, item.chain, self.pack) for item in (own, other))
        gaps = np.linalg.norm(home.coord[:, None] - shown.coord[None], axis=2).min(axis=1)
        near = {
            (int(home.res_id[row]), str(home.res_name[row])) for row in np.flatnonzero(gaps < _NEAR_ANGSTROM)
        }
        there = {int(number): str(name) for number, name in zip(away.res_id, away.res_name, strict=True)}
        return all(there.get(number, name) == name for number, name in near)

    def moved_receptor(self, own: Complex, other: Complex, ligand: Coordinates) -> AtomArray:
        """Another crystal's receptor in the frame of a ligand's own."""
        atoms = self.receptor(other.entry, other.chain)
        if (own.entry, own.chain) == (other.entry, other.chain):
            return atoms
        home = read_chain(self.source, own.entry, own.chain, self.pack)
        places = {int(n): home.coord[row] for row, n in enumerate(home.res_id) if home.atom_name[row] == "CA"}
        near = {n for n, at in places.items() if np.linalg.norm(ligand - at, axis=1).min() < _SITE_ANGSTROM}
        rows = [
            row for row in np.flatnonzero(atoms.atom_name == "CA") if int(atoms.res_id[row]) in near
        ]  # fmt: skip
        if len(rows) < _FEWEST_SHARED:
            raise StructureError("The two crystals share too little of the site.", where=other.site)
        transform = kabsch(atoms.coord[rows], np.array([places[int(atoms.res_id[row])] for row in rows]))
        moved = atoms.copy()
        moved.coord = transform.apply(atoms.coord).astype(np.float32)
        return moved


def dock_row(
    bench: Bench, ligand: Complex, receptor: Complex, engine: str, seed: int = 1, exhaustiveness: int = 8
) -> RedockRow:
    """Dock one ligand into one receptor; the exhaustiveness is of kinscope's own search.

    Raises
    ------
    KinscopeError
        If the crystal's ligand is not complete, or the receptor cannot be prepared.
    """
    free, reference, target = bench.case(ligand)
    atoms = bench.moved_receptor(ligand, receptor, target)
    box = Box.cube(target, BOX_ANGSTROM)
    started = time.process_time()
    plain = engine.startswith("vina")
    poses = (
        VinaEngine()
        .bind(atoms, free, box)
        .search(
            seed=seed,
            exhaustiveness=int(engine.split("-")[1]) if plain else exhaustiveness,
            n_poses=_POSES,
            torsion_weight=1.0,
            own=plain,
        )
    )
    seconds = time.process_time() - started
    rmsd = SymmetricRmsd(reference)
    apart = [rmsd(pose.coordinates, target) for pose in poses]
    best = distinct(poses, rmsd, _SEPARATION_ANGSTROM, 3)
    return RedockRow(
        engine=engine,
        ligand=ligand.site,
        receptor=f"{receptor.entry}:{receptor.chain}",
        own=ligand.entry == receptor.entry,
        top1_angstrom=round(apart[0], 2),
        top3_angstrom=round(min(apart[place] for place in best), 2),
        nearest_angstrom=round(min(apart), 2),
        score_kcal_per_mol=round(poses[0].score_kcal_per_mol, 2),
        cpu_seconds=round(seconds, 1),
    )


def run(
    source: PdbSource,
    pack: TargetPack,
    *,
    engines: Sequence[str] = ("kinscope",),
    cross: bool = False,
    receptors: int = 0,
    only: Sequence[str] = (),
    table: Path | None = None,
    seed: int = 1,
    say: Callable[[str], None] = print,
) -> list[RedockRow]:
    """Dock every complex with every engine; rows already in ``table`` are not done again.

    Parameters
    ----------
    source, pack
        The crystals and the target.
    engines
        Of :data:`ENGINES`.
    cross
        Cross-docking within one state instead of redocking.
    receptors
        Cross-docking: at most so many receptors for each ligand; 0 for all.
    only
        Sites (``2HYY:A:STI``) to which the ligands are limited.
    table
        A CSV file that rows are kept in.
    seed
        Of every search.
    say
        Told each row.
    """
    bench = Bench(source, pack)
    compiled = False
    complexes = find_complexes(source, pack)
    done = {(row.engine, row.ligand, row.receptor): row for row in _read(table)}
    rows = []
    for ligand, receptor in _pairs(bench, complexes, cross, receptors):
        if only and ligand.site not in only:
            continue
        for engine in engines:
            key = (engine, ligand.site, f"{receptor.entry}:{receptor.chain}")
            try:
                if engine == "kinscope" and key not in done and not compiled:
                    # What is compiled at first use belongs to the installation, not to the first complex.
                    dock_row(bench, ligand, receptor, engine, seed, exhaustiveness=1)
                    compiled = True
                row = done.get(key) or dock_row(bench, ligand, receptor, engine, seed)
            except BadInputError as error:
                say(f"{ligand.site:12s} into {key[2]:8s} left out: {error.what}")
                break
            except KinscopeError as error:
                say(f"{ligand.site:12s} into {key[2]:8s} {engine:9s} failed: {error.what}")
                continue
            if key not in done:
                _append(table, row)
            rows.append(row)
            say(row.in_words())
    return rows


def _pairs(
    bench: Bench, complexes: Sequence[Complex], cross: bool, most: int
) -> Iterator[tuple[Complex, Complex]]:
    """Ligand and receptor: each its own; or other entries of its state with the same residues around it."""
    if not cross:
        yield from ((item, item) for item in complexes)
        return
    in_site = {"MYR", "AY7"}
    receptors: dict[str, Complex] = {}
    for item in complexes:
        if item.ccd not in in_site:
            receptors.setdefault(item.entry, item)
    for place, ligand in enumerate(complexes):
        if ligand.ccd in in_site:
            continue
        others = [
            receptor
            for receptor in receptors.values()
            if receptor.entry != ligand.entry
            and receptor.state == ligand.state
            and bench.same_site(ligand, receptor)
        ]
        # Begins elsewhere for each ligand, so that a few receptors each are not always the same ones.
        turned = others[place % len(others) :] + others[: place % len(others)] if others else []
        yield from ((ligand, receptor) for receptor in turned[: most or None])


def _read(table: Path | None) -> list[RedockRow]:
    if table is None or not table.exists():
        return []
    with table.open(newline="") as handle:
        return [RedockRow.model_validate(row) for row in csv.DictReader(handle)]


def _append(table: Path | None, row: RedockRow) -> None:
    if table is None:
        return
    new = not table.exists()
    with table.open("a", newline="") as handle:
        writer = csv.DictWriter(handle, list(RedockRow.model_fields))
        if new:
            writer.writeheader()
        writer.writerow(row.model_dump())


def summary(rows: Sequence[RedockRow]) -> str:
    """Success and time by engine, with 95 % Wilson intervals."""
    lines = [
        f"{'':22s}{'n':>4s}  top-1 within 2 A      top-3 within 2 A      CPU s each   complexes per CPU hour"
    ]
    for own in (True, False):
        for engine in dict.fromkeys(row.engine for row in rows):
            chosen = [row for row in rows if row.own is own and row.engine == engine]
            if chosen:
                mean = float(np.mean([row.cpu_seconds for row in chosen]))
                lines.append(
                    f"{'redocking' if own else 'cross-docking':13s} {engine:8s}{len(chosen):4d}  "
                    f"{_share([row.top1_angstrom for row in chosen])}  "
                    f"{_share([row.top3_angstrom for row in chosen])}  {mean:8.1f}  {3600 / mean:12.0f}"
                )
    return "\n".join(lines)


def _share(values: Sequence[float]) -> str:
    from scipy.stats import binomtest

    hits = sum(value <= SUCCESS_ANGSTROM for value in values)
    interval = binomtest(hits, len(values)).proportion_ci(method="wilson")
    ends = f"({100 * interval.low:3.0f}-{100 * interval.high:3.0f})"
    return f"{100 * hits / len(values):3.0f} % {ends} {hits:3d}/{len(values):<3d}"

"""Redocking of every co-crystal at hand, beside plain Vina, and of unknown ligands into the shipped models.

Every search is the one of `kinscope dock` for a ligand of the user's, blind, and begins from conformers that
know nothing of the crystal. Into its own crystal a ligand is searched for in a box about where it lies; into
shipped models, in every state and form that the command takes, the best rank deciding, and there the
crystal's pose is laid by the CA atoms around the ligand. Times are CPU seconds of all that the command does
for a ligand.
"""

from __future__ import annotations

import contextlib
import csv
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from biotite.interface import rdkit as bridge
from biotite.structure import info
from rdkit import Chem

from kinscope.core.errors import BadInputError, KinscopeError, LigandError, StructureError
from kinscope.core.records import Record
from kinscope.docking.engine import Box, Coordinates, Mol
from kinscope.docking.known.crystal import superpose_site
from kinscope.docking.known.site import Site, find_site, search_site
from kinscope.docking.poses.crystal_ligand import crystal_coordinates, lay_on
from kinscope.docking.records import DockingSettings
from kinscope.docking.run import with_coordinates
from kinscope.ligands.chemistry import quiet
from kinscope.ligands.library import embed, identity, load_ligand
from kinscope.sequencing.reported.calls import wilson
from kinscope.structures.completion.heavy_atoms import cap_ends, complete_heavy_atoms
from kinscope.structures.completion.hydrogens import add_hydrogens
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.build import reference_model
from kinscope.structures.wwpdb.entries import protein_chains, read_chain, read_ligand
from kinscope.structures.wwpdb.numbering import letter_of
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.variants.build import build_variant
from kinscope.workflow.planning.docking import searched_states
from kinscope.workflow.planning.study import Study
from kinscope.workflow.settings import load_preset, with_changes

FEWEST_HEAVY_ATOMS = 14
"""Buffers, glycerol and detergents' heads are smaller."""
CONTACT_ANGSTROM = 4.5
_FEWEST_RESIDUES = 100
"""Of a chain of another protein: peptides are substrates."""
_NUCLEOTIDES = frozenset({"ATP", "ADP", "AMP", "ANP", "ACP", "AGS", "GTP", "GDP", "112"})
"""With their chains of phosphates and their magnesium they are not drug-like; 112 joins ATP to a peptide."""
_PROTEIN_LIKE = frozenset({"PTR", "SEP", "TPO", "MSE", "CSO", "HOH", "DOD"})
_ALIPHATIC_AMINE = "[NX3;+0;!$(N-[!#6;!#1]);!$(N-C=[O,N,S]);!$(N-a);!$(N-C#*);!$(N-C=C)]"


class Complex(Record):
    """One ligand in one chain of one entry."""

    entry: str
    chain: str
    """Of the protein and of the ligand, as the author named it."""
    ccd: str

    @property
    def site(self) -> str:
        """``2HYY:A:STI``."""
        return f"{self.entry}:{self.chain}:{self.ccd}"


def pack_of(structure: Any, chain: str, pack: TargetPack) -> TargetPack:
    """The pack that numbers a chain: the target's; of another protein one of its SEQRES, without landmarks.

    Raises StructureError if the entry states no sequence of the chain.
    """
    if chain in protein_chains(structure, pack):
        return pack
    names = structure.get_entity_of(structure[0][chain].get_polymer()).full_sequence
    protein = "".join(letter_of(name.partition(",")[0]) for name in names)
    if not protein:
        raise StructureError(
            "The entry states no sequence of this chain.", where=f"{structure.name}:{chain}",
            remedy="Give the wwPDB's own file.",
        )  # fmt: skip
    transcript = pack.transcript.model_copy(update={"protein": protein})
    return pack.model_copy(update={"transcript": transcript, "landmarks": None})


def find_complexes(source: PdbSource, pack: TargetPack, entries: Sequence[str] = ()) -> tuple[Complex, ...]:
    """Every drug-like ligand in contact with a chain of the target, one chain an entry.

    A ligand is drug-like if it has :data:`FEWEST_HEAVY_ATOMS` heavy atoms or more and is neither a nucleotide
    nor a part of the protein; it must be complete but for one atom (the fatty acid of an amide lacks one).
    ``entries``: only these, and there the chains of any protein.

    Raises StructureError if an entry is not at hand.
    """
    found: list[Complex] = []
    for code in entries or source.codes():
        structure = source.read_entry(code)
        chains = protein_chains(structure, pack)
        if entries and not chains:
            chains = tuple(part.name for part in structure[0] if len(part.get_polymer()) >= _FEWEST_RESIDUES)
        seen: set[str] = set()
        for chain in chains:
            atoms = read_chain(source, code, chain, pack_of(structure, chain, pack))
            for residue in next(part for part in structure[0] if part.name == chain):
                if residue.name in seen or not _drug_like(residue) or not _touches(residue, atoms):
                    continue
                seen.add(residue.name)
                found.append(Complex(entry=code.upper(), chain=chain, ccd=residue.name))
    return tuple(found)


def _drug_like(residue: Any) -> bool:
    return (
        residue.het_flag == "H"
        and residue.name not in _NUCLEOTIDES | _PROTEIN_LIKE
        and len({atom.name for atom in residue if not atom.is_hydrogen()}) >= FEWEST_HEAVY_ATOMS
    )


def _touches(residue: Any, atoms: AtomArray) -> bool:
    points = np.array([atom.pos.tolist() for atom in residue])
    gaps = np.linalg.norm(atoms.coord[:, None] - points[None], axis=2)
    return bool((gaps.min(axis=0) < CONTACT_ANGSTROM).sum() >= len(points) // 2)


def ligand_of_complex(complex_: Complex, pack: TargetPack) -> Mol:
    """The ligand with hydrogens and a conformer of its own, never the crystal's.

    A drug of the library comes as the library has it at pH 7.4. Any other is taken from the Chemical
    Component Dictionary (as biotite ships it), acids deprotonated and the most basic kind of amine (an
    aliphatic one away from anything that draws its electrons) protonated: one in each ring system.

    Raises LigandError if the dictionary does not know it.
    """
    for drug in pack.drugs:
        if drug.ccd == complex_.ccd:
            return load_ligand(drug)
    molecule = embed(_charged(_from_dictionary(complex_.ccd)), where=complex_.site)
    molecule.SetProp("_Name", complex_.ccd)
    return molecule


def _from_dictionary(ccd: str) -> Mol:
    try:
        with quiet():
            molecule = bridge.to_mol(info.residue(ccd), kekulize=False, explicit_hydrogen=True)
            Chem.SanitizeMol(molecule)
            Chem.AssignStereochemistryFrom3D(molecule)
            return Chem.RemoveHs(molecule)
    except (KeyError, ValueError, KinscopeError) as error:
        raise LigandError(
            f"The Chemical Component Dictionary has no usable {ccd} ({error}).",
            where=ccd,
            remedy="Give the ligand as SMILES or SDF.",
        ) from error


def _charged(molecule: Mol) -> Mol:
    work = Chem.RWMol(molecule)
    for match in work.GetSubstructMatches(Chem.MolFromSmarts("[CX3](=O)[OX2H1]")):
        oxygen = work.GetAtomWithIdx(match[2])
        oxygen.SetFormalCharge(-1)
        oxygen.SetNumExplicitHs(0)
    rings = [set(ring) for ring in work.GetRingInfo().AtomRings()]
    taken: list[set[int]] = []
    for index in _most_basic_first(work):
        around = {index}.union(*(ring for ring in rings if index in ring))
        if any(around & other for other in taken):
            continue
        taken.append(around)
        nitrogen = work.GetAtomWithIdx(index)
        nitrogen.SetFormalCharge(1)
        nitrogen.SetNumExplicitHs(nitrogen.GetTotalNumHs() + 1)
        nitrogen.SetNoImplicit(True)
    Chem.SanitizeMol(work)
    return work.GetMol()


def _most_basic_first(molecule: Mol) -> list[int]:
    """Its aliphatic amines, those first that have fewest atoms near that draw electrons.

    Those are atoms other than hydrogen and saturated carbon, two to four bonds away, the nearest counting
    first. What is alike goes by the canonical rank, which the order of atoms does not change.
    """
    amines = [index for (index,) in molecule.GetSubstructMatches(Chem.MolFromSmarts(_ALIPHATIC_AMINE))]
    rank, bonds = list(Chem.CanonicalRankAtoms(molecule)), Chem.GetDistanceMatrix(molecule)
    draws = [
        atom.GetIdx() for atom in molecule.GetAtoms()
        if atom.GetAtomicNum() not in (1, 6) or atom.GetHybridization() != Chem.HybridizationType.SP3
    ]  # fmt: skip

    def drawing(at: int, far: int) -> int:
        return int((bonds[at, draws] == far).sum())

    return sorted(amines, key=lambda at: (*(drawing(at, far) for far in (2, 3, 4)), rank[at]))


SUCCESS_ANGSTROM = 2.0
SETTINGS = DockingSettings()
"""Those of `kinscope dock` for a ligand of the user's."""
ENGINES = ("kinscope", "vina-8", "vina-32")
"""kinscope's own search at exhaustiveness 8; plain Vina at 8 and at 32."""


class RedockRow(Record):
    """One ligand docked into one receptor by one engine."""

    engine: str
    ligand: str
    """``2HYY:A:STI``."""
    receptor: str
    """``2HYY:A``, its own crystal, or the shipped model that its first pose ranks best in."""
    own: bool
    """Whether the receptor is the ligand's own crystal."""
    top1_angstrom: float
    top3_angstrom: float
    """The nearest of the three best poses that are an angstrom apart."""
    core_angstrom: float
    """Of the first pose over the atoms that the crystal's pose buries: without tails in the solvent."""
    score_kcal_per_mol: float
    cpu_seconds: float

    def in_words(self) -> str:
        """One line as the benchmark goes on."""
        return (
            f"{self.ligand:12s} into {self.receptor:8s} {self.engine:9s} top-1 {self.top1_angstrom:5.2f}  "
            f"core {self.core_angstrom:5.2f}  top-3 {self.top3_angstrom:5.2f}  {self.cpu_seconds:6.1f} s"
        )


class Bench:
    """What every row shares: ligands, crystals and prepared receptors."""

    def __init__(self, source: PdbSource, pack: TargetPack) -> None:
        self.source, self.pack = source, pack
        self.receptor = lru_cache(maxsize=64)(self._receptor)
        self.case = lru_cache(maxsize=64)(self._case)

    def chain(self, entry: str, chain: str) -> AtomArray:
        """Heavy atoms of a crystal's chain, of whichever protein."""
        pack = pack_of(self.source.read_entry(entry), chain, self.pack)
        return read_chain(self.source, entry, chain, pack)

    def _receptor(self, entry: str, chain: str) -> AtomArray:
        """The crystal's chain, completed, capped and protonated, not relaxed."""
        atoms = complete_heavy_atoms(self.chain(entry, chain))[0]
        return add_hydrogens(cap_ends(atoms), {}, ph=7.4)

    def _case(self, complex_: Complex) -> tuple[Mol, Coordinates]:
        """The free ligand, and its coordinates (n_atoms, 3) where its crystal has it."""
        ligand = ligand_of_complex(complex_, self.pack)
        shown = read_ligand(self.source, complex_.entry, complex_.chain, complex_.ccd)
        reference = lay_on(ligand, crystal_coordinates(ligand, shown, where=complex_.site))
        return ligand, np.asarray(reference.GetConformer().GetPositions(), dtype=np.float64)

    def sites(self, complex_: Complex, models: bool) -> Iterator[tuple[str, Site, Coordinates]]:
        """Where a ligand is searched for, by name, and its coordinates (n_atoms, 3) there.

        Its own crystal; or every state in which `kinscope dock` searches the site that it lies in.
        """
        _, target = self.case(complex_)
        if not models:
            atoms = self.receptor(complex_.entry, complex_.chain)
            box = Box.cube(target, SETTINGS.box_size_angstrom)
            yield f"{complex_.entry}:{complex_.chain}", Site(box, ((atoms, ()),)), target
            return
        home = self.chain(complex_.entry, complex_.chain)
        study = _native_study(self.pack)
        for name in dict.fromkeys(drug.site for drug in self.pack.drugs):
            for state in searched_states(study, name):
                model = reference_model(self.pack, state)[0]
                site = find_site(self.pack, name, model, SETTINGS.box_size_angstrom)
                with contextlib.suppress(StructureError):
                    moved = superpose_site(home, model, target, complex_.site)[0].apply(target)
                    if site is not None and site.box.holds(moved.mean(axis=0)):
                        yield state, site, moved


def _native_study(pack: TargetPack) -> Study:
    """A study whose "variant" changes nothing, of a residue that every state's model holds."""
    number = pack.landmarks.dfg_phenylalanine if pack.landmarks else len(pack.transcript.protein) // 2
    own = pack.transcript.protein[number - 1]
    native = build_variant(f"{own}{number}{own}", {number: (own, "")}, (), (), pack)
    return Study(pack, native, with_changes(load_preset("quick"), target=pack.directory.name))


def dock_row(
    bench: Bench, ligand: Complex, engine: str, seed: int = 1, exhaustiveness: int = 8, models: bool = False
) -> RedockRow:
    """Dock one ligand as `kinscope dock` does; the exhaustiveness is of kinscope's search.

    Raises KinscopeError if the crystal's ligand is not complete, or the receptor cannot be prepared.
    """
    free, _ = bench.case(ligand)
    smiles = identity(free).smiles
    drug = DrugDefinition(
        id=ligand.ccd, name=ligand.ccd, ccd=ligand.ccd, smiles=smiles, smiles_ph74=smiles,
        protonation_reason="", identifiers={}, binding_type="given", site="", state="", reference_entry="",
        sources=(),
    )  # fmt: skip
    settings = SETTINGS.model_copy(update={"exhaustiveness": exhaustiveness})
    if engine.startswith("vina"):
        settings = settings.model_copy(update={"search": "vina", "exhaustiveness": int(engine[5:])})
    runs, seconds = {}, 0.0
    for name, site, target in bench.sites(ligand, models):
        started = time.process_time()
        runs[name], _ = search_site(site, (drug, free, with_coordinates(free, target)), name, settings, seed)
        seconds += time.process_time() - started
    if not runs:
        raise StructureError("No shipped model holds the site of this ligand.", where=ligand.site)
    receptor, run = min(runs.items(), key=lambda found: found[1].best.rank_by)
    return RedockRow(
        engine=engine,
        ligand=ligand.site,
        receptor=receptor,
        own=not models,
        top1_angstrom=round(run.best.rmsd_to_reference_angstrom, 2),
        top3_angstrom=round(min(pose.rmsd_to_reference_angstrom for pose in run.poses), 2),
        core_angstrom=math.nan if (core := run.best.core_rmsd_angstrom) is None else round(core, 2),
        score_kcal_per_mol=round(run.best.score_kcal_per_mol, 2),
        cpu_seconds=round(seconds, 1),
    )


@dataclass(frozen=True)
class RedockPlan:
    """What is docked into what."""

    engines: Sequence[str] = ("kinscope",)
    """Of :data:`ENGINES`."""
    models: bool = False
    """Ligands that the pack does not know into its models, instead of each into its own crystal."""
    entries: Sequence[str] = ()
    """Entries, of any protein, to which the benchmark is limited."""
    only: Sequence[str] = ()
    """Sites (``2HYY:A:STI``) to which the ligands are limited."""
    seed: int = 1
    """Of every search."""


def run(
    source: PdbSource,
    pack: TargetPack,
    plan: RedockPlan,
    table: Path | None = None,
    say: Callable[[str], None] = print,
) -> list[RedockRow]:
    """Dock every complex with every engine; rows already in ``table``, a CSV file, are not done again.

    ``say``: told each row.
    """
    bench = Bench(source, pack)
    compiled = False
    known = {drug.ccd for drug in pack.drugs} if plan.models else set()
    done = {(row.engine, row.ligand, row.own): row for row in _read(table)}
    rows = []
    for ligand in find_complexes(source, pack, plan.entries):
        if (plan.only and ligand.site not in plan.only) or ligand.ccd in known:
            continue
        for engine in plan.engines:
            key = (engine, ligand.site, not plan.models)
            try:
                if engine == "kinscope" and key not in done and not compiled:
                    # What is compiled at first use belongs to the installation, not to the first complex.
                    dock_row(bench, ligand, engine, plan.seed, exhaustiveness=1)
                    compiled = True
                row = done.get(key) or dock_row(bench, ligand, engine, plan.seed, models=plan.models)
            except BadInputError as error:
                say(f"{ligand.site:12s} left out: {error.what}")
                break
            except KinscopeError as error:
                say(f"{ligand.site:12s} {engine:9s} failed: {error.what}")
                continue
            if key not in done and table is not None:
                append_row(table, row.model_dump())
            rows.append(row)
            say(row.in_words())
    return rows


def _read(table: Path | None) -> list[RedockRow]:
    if table is None or not table.exists():
        return []
    with table.open(newline="") as handle:
        return [RedockRow.model_validate(row) for row in csv.DictReader(handle)]


def summary(rows: Sequence[RedockRow]) -> str:
    """Success and time by engine, with 95 % Wilson intervals, and how much faster kinscope is than others."""
    lines = [
        f"{'':22s}{'n':>4s}  top-1 within 2 A      top-3 within 2 A      CPU s each   complexes per CPU hour"
    ]
    spent = {(row.engine, row.ligand, row.own): row.cpu_seconds for row in rows}
    for own in (True, False):
        for engine in dict.fromkeys(row.engine for row in rows):
            chosen = [row for row in rows if row.own is own and row.engine == engine]
            if not chosen:
                continue
            mean = float(np.mean([row.cpu_seconds for row in chosen]))
            pairs = [
                (row.cpu_seconds, spent["kinscope", row.ligand, own])
                for row in chosen if ("kinscope", row.ligand, own) in spent
            ]  # fmt: skip
            lines.append(
                f"{'own crystal' if own else 'our models':13s} {engine:8s}{len(chosen):4d}  "
                f"{_share([row.top1_angstrom for row in chosen])}  "
                f"{_share([row.top3_angstrom for row in chosen])}  {mean:8.1f}  {3600 / mean:12.0f}"
            )
            if engine != "kinscope" and pairs:
                theirs, ours = map(sum, zip(*pairs, strict=True))
                lines.append(f"{'':14s}kinscope does {theirs / ours:.1f} times as many in a CPU hour")
    return "\n".join(lines)


def _share(values: Sequence[float]) -> str:
    hits = sum(value <= SUCCESS_ANGSTROM for value in values)
    low, high = wilson(hits, len(values))
    ends = f"({low:3.0f}-{high:3.0f})"
    return f"{100 * hits / len(values):3.0f} % {ends} {hits:3d}/{len(values):<3d}"


def append_row(table: Path, row: dict[str, Any]) -> None:
    """Add a row to a CSV file, which begins with the names of the columns."""
    fresh = not table.exists() or table.stat().st_size == 0
    with table.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)

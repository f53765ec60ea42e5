"""Every substitution of a stretch against every drug: ensembles by slices, then the rows of the atlas.

Ensembles are kept one file a residue, so that any run takes over what another left; the model costs a second.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from kinscope import __version__
from kinscope.affinity.atlas import PROVENANCE_FILE, Predicted, atlas_path
from kinscope.affinity.complexes import (
    DIRECTORY,
    Complex,
    Plans,
    empty_complex,
    load_complex,
    load_plans,
)
from kinscope.affinity.ensemble import Place, SiteRow, native_letter
from kinscope.affinity.fold import PackingExcess, catalytic_residues
from kinscope.affinity.interval import LOST_KCAL_PER_MOL, Calibrated, calibrate
from kinscope.affinity.measured import MeasuredPair, examples, measured_pairs
from kinscope.affinity.model import Example
from kinscope.affinity.terms import ENSEMBLE_ANGSTROM, DrugPlaces, PlaceRow, Sites
from kinscope.core.errors import BadInputError
from kinscope.core.files import write_atomic
from kinscope.core.progress import Progress, silent
from kinscope.core.tables import read_table, write_table
from kinscope.structures.reference.build import reference_model
from kinscope.structures.superposition import fit_residues
from kinscope.targets.loader import files_digest
from kinscope.targets.pack import TargetPack
from kinscope.variants.coding import coding_changes

_FAR_ANGSTROM = 10.0
SITES_FILE, PLACES_FILE = "sites.parquet", "places.parquet"
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
_LAST_OF_TAIL = 512
"""Of ABL1: the end of helix I, where asciminib ends."""
_WINDOW = 3
_BACKBONE = ("N", "CA", "C", "O")


@dataclass(frozen=True)
class Slice:
    """What is scanned."""

    residues: tuple[int, ...]
    all_19: bool = False
    """Every other residue; else those that one base makes."""


class Scanner:
    """The complexes of a pack, loaded once."""

    def __init__(self, pack: TargetPack) -> None:
        self.pack, self.plans = pack, load_plans(pack)
        inactive = {drug.inactive for drug in drug_places(pack, self.plans).values()} - {""}
        self._apo = [self.plans.active, *sorted(state.removeprefix("apo/") for state in inactive)]
        self._complexes: list[Complex] = []
        self._measured = measured_pairs(pack)

    @property
    def complexes(self) -> list[Complex]:
        """Those with a drug, then states without."""
        if not self._complexes:
            self._complexes = [load_complex(self.pack, self.plans, plan) for plan in self.plans.complexes]
            self._complexes += [empty_complex(self.pack, state) for state in self._apo]
        return self._complexes

    def kinds(self, residue: int, all_19: bool) -> list[str]:
        """The kinds computed at a residue: native, reachable by one base, and measured ones."""
        native = self.pack.transcript.protein[residue - 1]
        measured = {kind for p in self._measured if p.residue == residue for kind in (p.wild, p.mutant)}
        others = set(LETTERS) if all_19 else set(single_base(self.pack, residue))
        return sorted({native} | measured | others)

    def ensembles(self, residue: int, all_19: bool = False) -> tuple[list[SiteRow], list[PlaceRow]]:
        """Everything the terms need at a residue."""
        rows, places = [], []
        for whole in self.complexes:
            if residue not in whole.residues:
                continue
            native = native_letter(whole, residue)
            if whole.drug is not None:
                reach = whole.reach[residue]
                places.append(
                    PlaceRow(complex=whole.id, residue=residue, native=native, reach_angstrom=round(reach, 2))
                )
                if reach > ENSEMBLE_ANGSTROM:
                    continue
            here = Place(whole, residue)
            rows += [here.row(kind) for kind in sorted({*self.kinds(residue, all_19), native})]
        return rows, places

    def backbones(self) -> list[PlaceRow]:
        """Where residues of the states without drug lie beside the active state's."""
        found = []
        for state in self._apo:
            found += backbone_rows(self.pack, state, self.plans.active)
        return found


def backbone_rows(pack: TargetPack, state: str, active: str) -> list[PlaceRow]:
    """How far each residue's stretch of seven lies from where the active state has it, lobe laid on lobe."""
    fixed, mobile = reference_model(pack, active)[0], reference_model(pack, state)[0]
    lobes = pack.landmarks.regulatory if pack.landmarks else None
    last = lobes.n_lobe[1] if lobes else 0
    moved: dict[int, float] = {}
    alphas: dict[int, tuple[float, ...]] = {}
    present = sorted({int(n) for n in mobile.res_id} & {int(n) for n in fixed.res_id})
    for number in present:
        part = {n for n in present if (n <= last) == (number <= last)}
        fit = fit_residues(mobile, fixed, part, part)
        if fit is None:
            continue
        gaps = []
        for n in range(number - _WINDOW, number + _WINDOW + 1):
            for atom in _BACKBONE:
                one = mobile.coord[(mobile.res_id == n) & (mobile.atom_name == atom)]
                two = fixed.coord[(fixed.res_id == n) & (fixed.atom_name == atom)]
                if len(one) and len(two):
                    gaps.append(float(((fit.transform.apply(one)[0] - two[0]) ** 2).sum()))
        alpha = fixed.coord[(fixed.res_id == number) & (fixed.atom_name == "CA")]
        if len(alpha) and gaps:
            moved[number] = float(np.sqrt(np.mean(gaps)))
            alphas[number] = tuple(round(float(x), 2) for x in alpha[0])
    protein = pack.transcript.protein
    return [
        PlaceRow(
            complex=f"apo/{state}", residue=n, native=protein[n - 1], moved_angstrom=round(moved[n], 3),
            alpha_angstrom=alphas[n],
        )
        for n in moved
    ]  # fmt: skip


def drug_places(pack: TargetPack, plans: Plans) -> dict[str, DrugPlaces]:
    """The complexes of each drug, and the state that a drug of type II needs."""
    found = {}
    for identifier in dict.fromkeys(plan.drug for plan in plans.complexes):
        drug = plans.drug(pack, identifier)
        inactive = f"apo/{drug.state}" if drug.binding_type == "type II" else ""
        its = tuple(plan.id for plan in plans.complexes if plan.drug == identifier)
        found[identifier] = DrugPlaces(its, inactive)
    return found


def single_base(pack: TargetPack, residue: int) -> list[str]:
    """Residues that one base of the codon makes of another."""
    native = pack.transcript.protein[residue - 1]
    return [kind for kind in LETTERS if kind != native and coding_changes(residue, kind, "", pack)]


def scan(
    pack: TargetPack, region: str, all_19: bool, work: Path, *, write: bool, progress: Progress = silent
) -> str:
    """Compute what a stretch still lacks and, where asked, write ensembles and atlas into the pack.

    Raises BadInputError if the pack has no such stretch.
    """
    part = Slice(residues_named(pack, region), all_19)
    compute(pack, part, work, progress)
    if not write:
        return f"Ensembles of {len(part.residues)} residues lie in {work}; --write makes the atlas of them."
    seconds = collect(pack, part, work)
    rows = atlas_rows(pack, part)
    path = write_atlas(pack, rows, part, seconds)
    return f"written: {path}: {len(rows)} rows; CPU of the ensembles {seconds / 60:.0f} min"


def residues_named(pack: TargetPack, text: str) -> tuple[int, ...]:
    """The residues of ``kinase-domain`` (229-512 of ABL1: with its tails), of a region, or of ``310-320``.

    Raises BadInputError if they are not residues of the target.
    """
    first, _, last = text.partition("-")
    protein = len(pack.transcript.protein)
    if first.isdigit() and (last or first).isdigit():
        found = tuple(range(int(first), int(last or first) + 1))
    elif text == "kinase-domain":
        active = pack.state(load_plans(pack).active)
        found = tuple(range(active.first_residue, _LAST_OF_TAIL + 1))
    else:
        named = [region for region in pack.regions if region.name == text.replace("-", "_")]
        found = named[0].members() if named else ()
    if not found or not 1 <= found[0] <= found[-1] <= protein:
        raise BadInputError(
            f"{text[:40]!r} names no residues of {pack.gene}.",
            where="--region",
            remedy="Give kinase-domain, residues as 310-320, or a region such as "
            + ", ".join(region.name for region in pack.regions[:3]) + ".",
        )  # fmt: skip
    return found


def compute(pack: TargetPack, part: Slice, work: Path, progress: Progress = silent) -> None:
    """Compute the ensembles of a slice into ``work``, a file a residue; what lies there is kept."""
    todo = [n for n in part.residues if not _file(pack, work, n, part.all_19).is_file()]
    scanner = Scanner(pack) if todo else None
    for done, residue in enumerate(todo):
        progress(done / len(todo), f"residue {residue}")
        begun = time.process_time()
        assert scanner is not None
        rows, places = scanner.ensembles(residue, part.all_19)
        content = {
            "rows": [row.model_dump() for row in rows], "places": [place.model_dump() for place in places],
            "cpu_seconds": time.process_time() - begun,
        }  # fmt: skip
        path = _file(pack, work, residue, part.all_19)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(content))


def collect(pack: TargetPack, part: Slice, work: Path) -> float:
    """Write the ensembles of a slice, all computed, as tables of the pack; the CPU seconds they took."""
    rows, places, seconds = [], Scanner(pack).backbones(), 0.0
    for residue in part.residues:
        content = json.loads(_file(pack, work, residue, part.all_19).read_text())
        rows += [SiteRow.model_validate(row) for row in content["rows"]]
        places += [PlaceRow.model_validate(row) for row in content["places"]]
        seconds += content["cpu_seconds"]
    home = pack.directory / DIRECTORY
    write_table(home / SITES_FILE, rows, SiteRow)
    write_table(home / PLACES_FILE, places, PlaceRow)
    return seconds


def _file(pack: TargetPack, work: Path, residue: int, all_19: bool) -> Path:
    return work / f"{inputs_digest(pack)[:12]}-{'19' if all_19 else 'one-base'}" / f"{residue}.json"


@lru_cache(maxsize=4)
def _digest(directory: Path) -> str:
    return files_digest(
        directory, ("models/*/*.cif.gz", "poses/*.sdf", "affinity/complexes.yaml", "affinity/complexes/*")
    )


def inputs_digest(pack: TargetPack) -> str:
    """SHA-256 of every structure that ensembles are computed in."""
    return _digest(pack.directory)


def shipped_sites(pack: TargetPack) -> Sites:
    """The ensembles that ship with a pack.

    Raises OSError if they are missing.
    """
    home, plans = pack.directory / DIRECTORY, load_plans(pack)
    rows, places = read_table(home / SITES_FILE, SiteRow), read_table(home / PLACES_FILE, PlaceRow)
    return Sites(rows, places, drug_places(pack, plans), f"apo/{plans.active}")


@dataclass(frozen=True)
class _Training:
    pairs: list[MeasuredPair]
    known: list[Example]
    sites: Sites

    def without(self, residue: int | None) -> Calibrated:
        """The model that has not seen a residue in any kinase."""
        return calibrate([example for example in self.known if example.residue != residue], self.sites)


def atlas_rows(pack: TargetPack, part: Slice, only: Iterable[str] = ()) -> list[Predicted]:
    """The atlas's rows of a slice from the ensembles that ship; ``only`` names drugs (default: all)."""
    sites, plans = shipped_sites(pack), load_plans(pack)
    pairs = measured_pairs(pack)
    training = _Training(pairs, examples(pairs, sites, pack.gene), sites)
    sites_trained = {pack.drug(p.drug).site for p in pairs if p.drug in {d.id for d in pack.drugs}}
    measured = sorted({pair.residue for pair in pairs if pair.kinase == pack.gene})
    fold = _Fold(pack, sites, f"apo/{plans.active}")
    whole = training.without(None)
    rows = []
    drugs = [d for d in pack.drugs if d.id in sites.drugs and (not only or d.id in set(only))]
    for residue in part.residues:
        left_out = residue in {pair.residue for pair in pairs}
        model = training.without(residue) if left_out else whole
        near = min(
            (m for m in measured if m != residue or not left_out), key=lambda m: sites.between(residue, m)
        )
        native = pack.transcript.protein[residue - 1]
        kinds = [k for k in LETTERS if k != native] if part.all_19 else single_base(pack, residue)
        for kind in kinds:
            rule, excess = fold(residue, kind)
            codons, mutability = base_changes(pack, residue, kind)
            for drug in drugs:
                terms = sites.terms(drug.id, residue, native, kind)
                if terms is None:
                    continue
                found = model.predict(drug.id, residue, terms)
                numbers = {k: round(v, 3) for k, v in found.model_dump().items()}
                shares = model.model.shares(drug.id, terms)
                rows.append(
                    Predicted(
                        **numbers, change=f"{native}{residue}{kind}", residue=residue, drug=drug.id, tier=1,
                        left_out=left_out, reach_angstrom=round(terms.reach_angstrom, 2),
                        spoken_for=model.speaks_for(residue), nearest_measured=near,
                        nearest_angstrom=round(sites.between(residue, near), 1),
                        trained_on_site=drug.site in sites_trained,
                        drivers={k: round(v, 3) for k, v in shares.items()}, fold_rule=rule,
                        packing_excess=round(excess or 0.0, 2), codons=codons, mutability=mutability,
                    )
                )  # fmt: skip
    return rows


def write_atlas(pack: TargetPack, rows: Sequence[Predicted], part: Slice, cpu_seconds: float) -> Path:
    """Write the atlas and its provenance into the pack."""
    write_table(atlas_path(pack), rows, Predicted)
    known = examples(measured_pairs(pack), shipped_sites(pack), pack.gene)
    far = [e for e in known if e.kinase == pack.gene and e.terms.reach_angstrom > _FAR_ANGSTROM]
    facts = {
        "made_by": f"kinscope {__version__} scan", "residues": [part.residues[0], part.residues[-1]],
        "substitutions": len({row.change for row in rows}), "pairs": len(rows), "all_19": part.all_19,
        "drugs": sorted({row.drug for row in rows}), "cpu_seconds_of_ensembles": round(cpu_seconds),
        "inputs_sha256": inputs_digest(pack), "tier": 1,
        "far_pairs": {
            "pairs": len(far), "lost": sum(e.ddg_kcal_per_mol > LOST_KCAL_PER_MOL for e in far),
        },
    }  # fmt: skip
    write_atomic(atlas_path(pack).with_name(PROVENANCE_FILE), json.dumps(facts, indent=1) + "\n")
    return atlas_path(pack)


class _Fold:
    """Both rules for one pack."""

    def __init__(self, pack: TargetPack, sites: Sites, apo: str) -> None:
        self._catalytic = catalytic_residues(pack.landmarks) if pack.landmarks else frozenset()
        rows = sites.rows_of(apo)
        natives = {row.residue: pack.transcript.protein[row.residue - 1] for row in rows}
        scanned = [(row.residue, row.kind) for row in rows if row.kind in single_base(pack, row.residue)]
        self._packing = PackingExcess(rows, natives, scanned)

    def __call__(self, residue: int, mutant: str) -> tuple[str, float | None]:
        """The rule that speaks against a kinase, and the packing."""
        excess = self._packing(residue, mutant)
        if residue in self._catalytic:
            return "catalytic", excess
        return ("packing" if self._packing.stands_out(residue, mutant) else ""), excess


def base_changes(pack: TargetPack, residue: int, mutant: str) -> tuple[str, str]:
    """The single-base changes that make a substitution, and how readily the likeliest happens.

    Transitions happen about twice as often as transversions, and at CpG some tenfold more (Nachman & Crowell,
    Genetics 2000, 156, 297).
    """
    cds, kinds, names = pack.transcript.cds, [], []
    for change in coding_changes(residue, mutant, "", pack):
        name = change.hgvs_c.partition(":")[2]
        at, before, after = int(name[2:-3]), name[-3], name[-1]
        transition = {before, after} in ({"A", "G"}, {"C", "T"})
        around = cds[at - 2 : at] if before == "G" else cds[at - 1 : at + 1]
        kinds.append(("CpG transition" if around == "CG" else "transition") if transition else "transversion")
        names.append(name)
    order = ("CpG transition", "transition", "transversion")
    return ";".join(names), min(kinds, key=order.index, default="")

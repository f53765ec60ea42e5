"""Every substitution of a stretch against every drug: ensembles by slices, then the rows of the atlas.

Ensembles are kept one file a residue, so that any run takes over what another left; the model costs a second.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kinscope import __version__
from kinscope.affinity.atlas import FAR_ANGSTROM, LOST_KCAL_PER_MOL, Predicted, RelaxedRow, atlas_path
from kinscope.affinity.complexes import Plans, empty_complex, load_complex, load_plans
from kinscope.affinity.ensemble import Place, SiteRow, StillAKinase, catalytic_residues
from kinscope.affinity.interval import calibrate
from kinscope.affinity.measured import examples, measured_pairs
from kinscope.affinity.model import Example
from kinscope.affinity.terms import ENSEMBLE_ANGSTROM, DrugPlaces, PlaceRow, Sites
from kinscope.core.errors import BadInputError, ComputationError
from kinscope.core.files import write_atomic
from kinscope.core.progress import Progress, silent
from kinscope.core.residues import one_letter, ranges
from kinscope.core.tables import read_table, write_table
from kinscope.structures.reference.build import reference_model
from kinscope.structures.superposition import common_atoms, fit_residues, superpose
from kinscope.targets.loader import files_digest
from kinscope.targets.pack import TargetPack
from kinscope.variants.coding import coding_changes

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
_INPUTS = ("models/*/*.cif.gz", "poses/*.sdf", "affinity/complexes.yaml", "affinity/complexes/*")
_LAST_OF_TAIL = 512
"""Of ABL1: the end of helix I, where asciminib ends."""
RATES = {
    "C>T": 119, "G>A": 87, "T>C": 36, "A>G": 25, "C>G": 8, "A>C": 7, "C>A": 6, "T>G": 6, "A>T": 3, "T>A": 2,
    "G>C": 7.5, "G>T": 7.5,
}  # fmt: skip
"""How often a base of the coding strand changes, in 1e-5 of the mutation probability that Leighow et al. give
nineteen substitutions of ABL1 (Cell Rep 2020, doi:10.1016/j.celrep.2020.02.108): ten follow from single
changes and differences, the sum of G>C and G>T (Q252H) is halved. The neighbouring bases are not in it."""


class Scanner:
    """The complexes of a pack, loaded once: those with a drug, then states without."""

    def __init__(self, pack: TargetPack) -> None:
        self._pack, plans = pack, load_plans(pack)
        self._active, self._measured = f"apo/{plans.active}", measured_pairs(pack)
        self._complexes = [load_complex(pack, plans, plan) for plan in plans.complexes]
        self._complexes += [empty_complex(pack, state) for state in _empty_states(pack, plans)]
        self._tail = empty_complex(pack, plans.tail) if plans.tail else None

    def places(self, residue: int) -> list[PlaceRow]:
        """How far a residue is from each drug."""
        shown = [whole for whole in self._complexes if whole.drug is not None and whole.shows(residue)]
        return [
            PlaceRow(complex=whole.id, residue=residue, reach_angstrom=round(whole.reach[residue], 2))
            for whole in shown
        ]

    def ensembles(self, residue: int, all_19: bool = False) -> tuple[list[SiteRow], list[PlaceRow]]:
        """Everything the terms need at a residue; other states than the active one where a drug reaches."""
        measured = {kind for p in self._measured if p.residue == residue for kind in (p.wild, p.mutant)}
        kinds = measured | set(LETTERS if all_19 else single_base(self._pack, residue))
        rows, places = [], self.places(residue)
        reached = {place.complex for place in places if place.reach_angstrom <= ENSEMBLE_ANGSTROM}
        shown = [whole for whole in self._complexes if whole.shows(residue)]
        if self._tail and self._tail.shows(residue) and all(whole.id != self._active for whole in shown):
            shown.append(self._tail)
        for whole in shown:
            packed = whole.id == self._active or whole is self._tail
            if not (whole.id in reached or packed or (reached and whole.drug is None)):
                continue
            here = Place(whole, residue)
            native = {one_letter(whole.residues[residue].name), self._pack.transcript.protein[residue - 1]}
            rows += [here.row(kind) for kind in sorted(kinds | native)]
        return rows, places


def _empty_states(pack: TargetPack, plans: Plans) -> list[str]:
    inactive = {drug.inactive.removeprefix("apo/") for drug in drug_places(pack, plans).values()}
    return [plans.active, *sorted(inactive - {""})]


def backbone_rows(pack: TargetPack, state: str, active: str) -> list[PlaceRow]:
    """How far each residue's stretch of seven lies from where the active state has it, lobe laid on lobe."""
    fixed, mobile = reference_model(pack, active)[0], reference_model(pack, state)[0]
    lobes = pack.landmarks.regulatory if pack.landmarks else None
    last = lobes.n_lobe[1] if lobes else 0
    shared = {int(n) for n in mobile.res_id} & {int(n) for n in fixed.res_id}
    apart: dict[int, float] = {}
    for part in ({n for n in shared if n <= last}, {n for n in shared if n > last}):
        fit = fit_residues(mobile, fixed, part, part)
        if fit is None:
            continue
        first, second = common_atoms(mobile, fixed, part)
        gaps = ((fit.transform.apply(mobile.coord[first]) - fixed.coord[second]) ** 2).sum(axis=1)
        apart |= {n: float(gaps[mobile.res_id[first] == n].mean()) for n in sorted(part)}
    centres = fixed[fixed.atom_name == "CA"]
    alphas = {
        int(n): tuple(np.round(xyz, 2).tolist()) for n, xyz in zip(centres.res_id, centres.coord, strict=True)
    }
    moved = {n: float(np.mean([apart[m] for m in range(n - 3, n + 4) if m in apart])) ** 0.5 for n in apart}
    return [
        PlaceRow(
            complex=f"apo/{state}", residue=n, moved_angstrom=round(moved[n], 3), alpha_angstrom=alphas[n]
        )
        for n in sorted(set(moved) & set(alphas))
    ]


def tail_rows(pack: TargetPack, state: str, active: str) -> list[PlaceRow]:
    """Where the active state would have what only ``state`` shows, the hundred residues before laid on it."""
    fixed, mobile = reference_model(pack, active)[0], reference_model(pack, state)[0]
    last = int(fixed.res_id[fixed.atom_name == "CA"].max())
    beyond = mobile[(mobile.atom_name == "CA") & (mobile.res_id > last)]
    placed = np.round(superpose(mobile, fixed, range(last - 99, last + 1)).apply(beyond.coord), 2)
    numbered = zip(beyond.res_id.tolist(), placed.tolist(), strict=True)
    return [PlaceRow(complex=f"apo/{active}", residue=n, alpha_angstrom=tuple(xyz)) for n, xyz in numbered]


def drug_places(pack: TargetPack, plans: Plans) -> dict[str, DrugPlaces]:
    """The complexes of each drug, and the state that a drug of type II needs."""
    found = {}
    for name in dict.fromkeys(plan.drug for plan in plans.complexes):
        drug, its = plans.drug(pack, name), tuple(plan.id for plan in plans.complexes if plan.drug == name)
        found[name] = DrugPlaces(its, f"apo/{drug.state}" if drug.binding_type == "type II" else "")
    return found


def single_base(pack: TargetPack, residue: int) -> list[str]:
    """Residues that one base of the codon makes of another."""
    native = pack.transcript.protein[residue - 1]
    return [kind for kind in LETTERS if kind != native and coding_changes(residue, kind, "", pack)]


def scan(
    pack: TargetPack, region: str, all_19: bool, work: Path, *, write: bool, progress: Progress = silent
) -> str:
    """Compute what a stretch still lacks and, where asked, write all that lies in ``work`` into the pack.

    Raises BadInputError if the pack has no such stretch, or ``work`` lacks part of the domain to be written.
    """
    residues, home = residues_named(pack, region), work / f"{inputs_digest(pack)[:12]}{'-19' * all_19}"
    compute(pack, residues, home, all_19, progress)
    if not write:
        return f"Ensembles of {len(residues)} residues lie in {home}; --write makes the atlas of them."
    domain = residues_named(pack, "kinase-domain")
    if lacking := [residue for residue in domain if not (home / f"{residue}.json").is_file()]:
        what = f"{len(lacking)} of {len(domain)} residues are not computed: the pack would lose them."
        remedy = "Compute the rest first: kinscope scan --region kinase-domain, with the same --work."
        raise BadInputError(what, where=str(home), remedy=remedy)
    seconds = collect(pack, domain, home)
    rows = atlas_rows(pack, domain, all_19)
    path = write_atlas(pack, rows, seconds)
    return f"written: {path}: {len(rows)} rows; CPU of the ensembles {seconds / 60:.0f} min"


def residues_named(pack: TargetPack, text: str) -> tuple[int, ...]:
    """The residues of ``kinase-domain`` (229-512 of ABL1: with its tails), or of ``310-320``.

    Raises BadInputError if they are not residues of the domain: no structure shows others.
    """
    domain = (pack.state(load_plans(pack).active).first_residue, _LAST_OF_TAIL)
    first, _, last = ("-".join(map(str, domain)) if text == "kinase-domain" else text).partition("-")
    numbers = [int(end) if end.isdecimal() else 0 for end in (first, last or first)]
    if not domain[0] <= numbers[0] <= numbers[1] <= domain[1]:
        what = f"{text[:40]!r} names no residues of {pack.gene}'s domain, {domain[0]}-{domain[1]}."
        raise BadInputError(what, where="--region", remedy="Give kinase-domain, or as 310-320.")
    return tuple(range(numbers[0], numbers[1] + 1))


def compute(
    pack: TargetPack, residues: Sequence[int], home: Path, all_19: bool = False, progress: Progress = silent
) -> None:
    """Compute ensembles into ``home``, a file a residue; what lies there is kept."""
    home.mkdir(parents=True, exist_ok=True)
    todo = [n for n in residues if not (home / f"{n}.json").is_file()]
    scanner = Scanner(pack)
    for done, residue in enumerate(todo):
        progress(done / len(todo), f"residue {residue}")
        begun = time.process_time()
        rows, places = scanner.ensembles(residue, all_19)
        content = {"rows": [r.model_dump() for r in rows], "places": [p.model_dump() for p in places]}
        content_and_cost = {**content, "cpu_seconds": time.process_time() - begun}
        write_atomic(home / f"{residue}.json", json.dumps(content_and_cost))


def collect(pack: TargetPack, residues: Sequence[int], home: Path) -> float:
    """Write ensembles as tables of the pack, distances where they are lacking; the CPU seconds they took."""
    plans, scanner = load_plans(pack), Scanner(pack)
    states = _empty_states(pack, plans)
    rows, places = [], [row for state in states for row in backbone_rows(pack, state, plans.active)]
    places += tail_rows(pack, plans.tail, plans.active) if plans.tail else []
    done = [residue for residue in residues if (home / f"{residue}.json").is_file()]
    places += [row for residue in sorted(set(residues) - set(done)) for row in scanner.places(residue)]
    contents = [json.loads((home / f"{residue}.json").read_text()) for residue in done]
    for content in contents:
        rows += [SiteRow.model_validate(row) for row in content["rows"]]
        places += [PlaceRow.model_validate(row) for row in content["places"]]
    write_table(atlas_path(pack).with_name("sites.parquet"), rows, SiteRow)
    write_table(atlas_path(pack).with_name("places.parquet"), places, PlaceRow)
    return float(sum(content["cpu_seconds"] for content in contents))


def inputs_digest(pack: TargetPack) -> str:
    """SHA-256 of every structure that ensembles are computed in."""
    return files_digest(pack.directory, _INPUTS)


def shipped_sites(pack: TargetPack) -> Sites:
    """The ensembles that ship with a pack.

    Raises BadInputError if it has none.
    """
    path, plans = atlas_path(pack).with_name("sites.parquet"), load_plans(pack)
    if not path.is_file():
        remedy = "Make them with: kinscope scan --region kinase-domain --write"
        raise BadInputError("The target pack holds no ensembles of rotamers.", where=str(path), remedy=remedy)
    rows, places = read_table(path, SiteRow), read_table(path.with_name("places.parquet"), PlaceRow)
    return Sites(rows, places, drug_places(pack, plans), f"apo/{plans.active}")


def atlas_rows(pack: TargetPack, residues: Sequence[int], all_19: bool = False) -> list[Predicted]:
    """The atlas's rows from the ensembles that ship; of measured residues by models without them."""
    sites, pairs, protein = shipped_sites(pack), measured_pairs(pack), pack.transcript.protein
    known = examples(pairs, sites, pack.gene)
    trained = {pack.drug(p.drug).site for p in pairs if p.drug in {d.id for d in pack.drugs}}
    measured = sorted({pair.residue for pair in pairs if pair.kinase == pack.gene})
    held = {pair.residue for pair in pairs}
    seen = {(pair.drug, pair.change): pair for pair in pairs if pair.kinase == pack.gene}
    packs = {sites.active, f"apo/{load_plans(pack).tail}"}
    active = [row for row in sites.rows.values() if row.complex in packs]
    by_base = {(row.residue, k) for row in active for k in single_base(pack, row.residue) if row.kind == k}
    fold = StillAKinase(active, protein, by_base, catalytic_residues(pack.landmarks))
    domain = [(n, kind) for n in residues_named(pack, "kinase-domain") for kind in single_base(pack, n)]
    usual = float(np.mean([base_changes(pack, *change)[2] for change in domain]))
    file = atlas_path(pack).with_name("relaxed.parquet")
    second = {(r.drug, r.change): r for r in (read_table(file, RelaxedRow) if file.is_file() else ())}
    whole, rows = calibrate(known, sites), []
    for residue in residues:
        left_out, native = residue in held, protein[residue - 1]
        model = calibrate([e for e in known if e.residue != residue], sites) if left_out else whole
        near = min(set(measured) - {residue}, key=lambda other: sites.between(residue, other))
        for kind in [k for k in LETTERS if k != native] if all_19 else single_base(pack, residue):
            codons, mutability, rate = base_changes(pack, residue, kind)
            for drug in pack.drugs:
                try:
                    terms = sites.terms(drug.id, residue, native, kind) if drug.id in sites.drugs else None
                except ComputationError:  # within reach and not computed yet: no row, and lookup says so
                    terms = None
                if terms is None:
                    continue
                key = drug.id, f"{native}{residue}{kind}"
                pair, two = seen.get(key), second.get(key)
                numbers = model.predict(drug.id, residue, terms).model_dump()
                shares = model.model.shares(drug.id, terms)
                rows.append(Predicted(
                    **{name: round(value, 3) for name, value in numbers.items()},
                    change=f"{native}{residue}{kind}", residue=residue, drug=drug.id,
                    tier=2 if two else 1, relaxed_kcal_per_mol=two.kcal_per_mol if two else None,
                    relaxed_low=two.low if two else None, relaxed_high=two.high if two else None,
                    left_out=left_out, measured_kcal_per_mol=pair.ddg_kcal_per_mol if pair else None,
                    measured_source=pair.source if pair else "", spoken_for=model.speaks_for(residue),
                    reach_angstrom=round(terms.reach_angstrom, 2),
                    nearest_measured=near, nearest_angstrom=round(min(sites.between(residue, near), 99.0), 1),
                    trained_on_site=drug.site in trained, fold_rule=fold.rule(residue, kind),
                    drivers={name: round(value, 3) for name, value in shares.items()},
                    packing_excess=round(fold.excess(residue, kind), 2), codons=codons, mutability=mutability,
                    relative_rate=round(rate / usual, 2),
                ))  # fmt: skip
    return rows


def write_atlas(pack: TargetPack, rows: Sequence[Predicted], cpu_seconds: float) -> Path:
    """Write the atlas and its provenance into the pack."""
    path = atlas_path(pack)
    write_table(path, rows, Predicted)
    sites, drugs = shipped_sites(pack), {row.drug for row in rows}
    known = examples(measured_pairs(pack), sites, pack.gene)
    packs = {sites.active, f"apo/{load_plans(pack).tail}"}
    packed = {residue for name, residue, _ in sites.rows if name in packs}
    measured = {example.change for example in known if example.kinase == pack.gene}
    flagged = {row.change: row.fold_rule == "packing" for row in rows if row.change in measured}
    far = [e for e in known if e.kinase == pack.gene and e.terms.reach_angstrom > FAR_ANGSTROM]
    facts = {
        "made_by": f"kinscope {__version__} scan", "residues": [rows[0].residue, rows[-1].residue],
        "substitutions": len({row.change for row in rows}), "pairs": len(rows),
        "drugs": sorted(drugs), "cpu_seconds_of_ensembles": round(cpu_seconds),
        "inputs_sha256": inputs_digest(pack), "tier_2_pairs": sum(row.tier == 2 for row in rows),
        "pending": ", ".join(f"{a}-{b}" for a, b in ranges({row.residue for row in rows} - packed)),
        "far_pairs": {"pairs": len(far), "lost": sum(e.ddg_kcal_per_mol > LOST_KCAL_PER_MOL for e in far)},
        "fold_tested": [sum(flagged.values()), len(flagged)],
        "track": track_of(rows, [e for e in known if e.kinase == pack.gene]),
    }  # fmt: skip
    write_atomic(path.with_suffix(".json"), json.dumps(facts, indent=1) + "\n")
    return path


def track_of(rows: Sequence[Predicted], known: Sequence[Example]) -> dict[str, list[int]]:
    """How many of the measured pairs that are called kept, or lost, are: right and all, by call.

    The rows of measured residues are predicted without them. Pairs beyond reach are not called.
    """
    measured = {(e.drug, e.change): e.ddg_kcal_per_mol > LOST_KCAL_PER_MOL for e in known}
    found = {"kept": [0, 0], "lost": [0, 0], "loss suspected": [0, 0]}
    for row in rows:
        lost = measured.get((row.drug, row.change))
        if lost is not None and row.call in found:
            found[row.call][0] += lost == (row.call != "kept")
            found[row.call][1] += 1
    return found


def base_changes(pack: TargetPack, residue: int, mutant: str) -> tuple[str, str, float]:
    """The single-base changes that make a substitution, the kind of the likeliest, and their summed rate.

    Transitions happen about twice as often as transversions, and at CpG some tenfold more (Nachman & Crowell,
    Genetics 2000, 156, 297). Rates are :data:`RATES`.
    """
    cds, kinds, names, rate = pack.transcript.cds, [], [], 0.0
    for change in coding_changes(residue, mutant, "", pack):
        name = change.hgvs_c.partition(":")[2]
        at, before, after = int(name[2:-3]), name[-3], name[-1]
        transition = {before, after} in ({"A", "G"}, {"C", "T"})
        around = cds[at - 2 : at] if before == "G" else cds[at - 1 : at + 1]
        kinds.append(("CpG transition" if around == "CG" else "transition") if transition else "transversion")
        names.append(name)
        rate += RATES[name[-3:]]
    order = ("CpG transition", "transition", "transversion")
    return ";".join(names), min(kinds, key=order.index, default=""), rate

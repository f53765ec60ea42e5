"""Relaxed complexes against published fold changes, and against a null.

    python benchmarks/relaxed_calls.py T315I F317L [--drug imatinib] [--members] [--keep DIR]
    python benchmarks/relaxed_calls.py --controls
    python benchmarks/relaxed_calls.py --null [315 317]

For each variant and drug with a known pose and parameters: the interaction energy of the relaxed mutant
complex less that of the native one with its interval, the call, and beside it the median published fold
change of cell IC50 in the evidence table that ships (RT ln fold at 37 C, kcal/mol). A line each as it is
finished, then how calls and publications agree.

``--controls`` takes the set that was named before it was run; ``--null`` puts the native residue itself back
in its rotamers, so that every difference should be zero. ``--keep`` leaves each side in a directory and goes
on from there; ``--from`` takes sides that `kinscope dock` or `assess` left in a run directory or in the
machine's cache (they are the same steps, with the same seeds).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kinscope.analysis.calls import CRYSTAL_ANGSTROM, LOST_KCAL_PER_MOL, call
from kinscope.core.errors import StructureError
from kinscope.core.residues import one_letter, three_letter
from kinscope.docking.engine import Mol
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.relaxed.compare import Complex, compare_sides, own_names, relaxed_side
from kinscope.docking.relaxed.complex_field import LigandMechanics
from kinscope.docking.relaxed.mechanics import mechanics_of
from kinscope.results.docking import ComplexSide, RelaxedComparison, RelaxedSettings
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.build import reference_model
from kinscope.targets import load_target
from kinscope.targets.pack import TargetPack
from kinscope.workflow.settings import load_preset
from kinscope.workflow.stages.files import read_records

RT = 0.0019872 * 310.15
CONTROLS = ("T315I", "F317L", "V299L", "Y253H", "E255K", "G250E")
NULL_POSITIONS = ("315", "317", "299")
SEED = load_preset("quick").seed


@dataclass(frozen=True)
class Case:
    """A drug in a state."""

    drug: str
    state: str
    native: AtomArray
    pose: Mol
    mechanics: LigandMechanics
    to_crystal: float

    @property
    def words(self) -> str:
        return f"{self.drug:<15}{self.state:<18}"


def cases(pack: TargetPack, wanted: list[str]) -> Iterator[Case]:
    for drug in (pack.drug(name) for name in wanted) if wanted else pack.drugs:
        mechanics, _ = mechanics_of(drug)
        if mechanics is None or not drug.reference_entry:
            continue
        for state in (drug.state, *drug.further_states):
            try:
                pose, record = reference_pose(pack, drug, state="" if state == drug.state else state)
            except StructureError as error:  # a drug without a known pose is not part of the comparison
                print(f"{drug.id}: {error.what}")
                continue
            if record.rmsd_to_crystal_angstrom > CRYSTAL_ANGSTROM:  # nothing is called on such a pose
                off = record.rmsd_to_crystal_angstrom
                print(f"{drug.id:<15}{state}: not compared, the pose is {off:.1f} A off its crystal's")
                continue
            yield Case(
                drug.id, state, reference_model(pack, state)[0], pose, mechanics,
                record.rmsd_to_crystal_angstrom,
            )  # fmt: skip


class Sides:
    """Sides computed once, in memory and in a directory if one is given."""

    def __init__(self, keep: Path | None, settings: RelaxedSettings, stores: list[Path]) -> None:
        self._keep, self._settings = keep, settings
        self._found: dict[str, ComplexSide | None] = {}
        for artefact in (path for store in stores for path in store.rglob("relaxed-complex/*/artefact.json")):
            of_run = json.loads(artefact.read_text())["parameters"]
            key = self._key(
                of_run["drug"], of_run["state"], dict(of_run["residues"]), of_run["side"], of_run["seed"],
                of_run["settings"],
            )  # fmt: skip
            held = read_records(artefact.with_name("side.json"), ComplexSide)
            self._found[key] = held[0] if held else None

    def _key(
        self, drug: str, state: str, residues: dict[int, str], side: str, seed: int, settings: object = None
    ) -> str:
        """Names a side: positions alone say what a native one holds."""
        known = settings or self._settings.model_dump(mode="json")
        held = [[number, "" if side == "native" else name] for number, name in sorted(residues.items())]
        text = json.dumps([drug, state, held, side, seed, known])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def side(self, case: Case, residues: dict[int, str], *, as_it_is: bool, seed: int) -> ComplexSide | None:
        letters = {number: one_letter(name) for number, name in residues.items()}
        key = self._key(case.drug, case.state, letters, "native" if as_it_is else "mutant", seed)
        path = self._keep / f"{key}.json" if self._keep else None
        if key not in self._found and path is not None and path.is_file():
            self._found[key] = ComplexSide.model_validate_json(path.read_bytes())
        if key not in self._found:
            whole = Complex(case.native, case.pose, case.mechanics, self._settings)
            found = relaxed_side(whole, residues, as_it_is=as_it_is, seed=seed)
            self._found[key] = found
            if path is not None and found is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(found.model_dump_json())
        return self._found[key]

    def compared(self, case: Case, variant: str, residues: dict[int, str]) -> RelaxedComparison | None:
        """The comparison, with the seeds of `kinscope dock`."""
        own = own_names(case.native, residues)
        first = self.side(case, own, as_it_is=True, seed=SEED)
        second = self.side(case, residues, as_it_is=False, seed=SEED) if first is not None else None
        if first is None or second is None:
            return None
        return compare_sides(case.drug, case.state, variant, first, second, self._settings)


def published(pack: TargetPack, variant: str, drug: str) -> float | None:
    """Median published change of affinity by cell IC50, kcal/mol."""
    with (pack.directory / "evidence" / "measured.csv").open() as file:
        folds = [
            float(row["value"])
            for row in csv.DictReader(file)
            if row["protein_change"] == variant and row["drug"] == drug and row["kind"] == "cell IC50 fold"
        ]
    return RT * math.log(statistics.median(folds)) if folds else None


def show(found: RelaxedComparison, case: Case, head: str, tail: str, members: bool) -> str:
    """Print a line; the call's word."""
    word = call(
        None, found, mode_kept=True, distance_angstrom=0.0, reach_angstrom=9.0,
        known_to_crystal_angstrom=case.to_crystal,
    ).word  # fmt: skip
    item, vina = found.difference_kcal_per_mol, found.vina_difference_kcal_per_mol
    print(
        f"{head:<7}{case.words}{item.value:+6.2f} [{item.low:+.1f}, {item.high:+.1f}] {word:<11}"
        f"repeats +-{found.native.spread_kcal_per_mol:.2f}, {found.mutant.spread_kcal_per_mol:.2f}; "
        f"ensemble Vina {vina.value:+.2f}; {tail}{found.native.cpu_seconds:.0f} + "
        f"{found.mutant.cpu_seconds:.0f} s",
        flush=True,
    )
    for side, of_side in (("native", found.native), ("mutant", found.mutant)) if members else ():
        for member in of_side.members:
            print(f"    {side} {member.model_dump_json()}", flush=True)
        for repeat in of_side.repeats:
            print(f"    {side} {repeat.model_dump_json()}", flush=True)
    return word


def compare(pack: TargetPack, sides: Sides, variants: list[str], drugs: list[str], members: bool) -> None:
    counts: dict[tuple[str, str], list[str]] = {}
    for variant in variants:
        for case in cases(pack, drugs):
            found = sides.compared(case, variant, {int(variant[1:-1]): three_letter(variant[-1])})
            known = published(pack, variant, case.drug)
            text = "not published" if known is None else f"published {known:+.2f}"
            if found is None:
                print(f"{variant:<7}{case.words}beyond reach; {text}", flush=True)
                continue
            word = show(found, case, variant, f"{text}; ", members)
            if known is not None:
                truth = "lost" if known >= LOST_KCAL_PER_MOL else "kept"
                counts.setdefault((truth, word), []).append(f"{variant} {case.drug} {case.state}")
    print("\npublished, by cell IC50 (lost: tenfold or more), against the call; drug and state each count")
    for (truth, word), which in sorted(counts.items()):
        print(f"  published {truth:<5} called {word:<11}{len(which):>3}  {', '.join(which)}")
    total = sum(len(which) for which in counts.values())
    right = sum(len(which) for (truth, word), which in counts.items() if truth == word)
    wrong = sum(len(which) for pair, which in counts.items() if pair in (("lost", "kept"), ("kept", "lost")))
    print(f"  {total} compared: {right} agree, {wrong} contradict, {total - right - wrong} unresolved")


def null(pack: TargetPack, sides: Sides, positions: list[str], drugs: list[str], members: bool) -> None:
    """Differences that should be zero, and how much they vary beyond their own errors."""
    rows = []
    for position in positions:
        for case in cases(pack, drugs):
            own = own_names(case.native, [int(position)])
            found = sides.compared(case, "null", own)
            if found is not None:
                show(found, case, position, "", members)
                rows.append(found)
    values = [row.difference_kcal_per_mol for row in rows]
    squared = statistics.fmean(item.value**2 for item in values)
    errors = statistics.fmean(
        sum(side.spread_kcal_per_mol**2 / len(side.repeats) for side in (row.native, row.mutant))
        for row in rows
    )
    covered = sum(item.low <= 0.0 <= item.high for item in values)
    called = sum(item.value >= LOST_KCAL_PER_MOL and item.low > 0 for item in values)
    print(
        f"\n{len(rows)} null differences: {covered} intervals hold zero, {called} would be called lost; root "
        f"mean square {math.sqrt(squared):.2f} kcal/mol, of their standard errors {math.sqrt(errors):.2f}; "
        f"missing {math.sqrt(max(0.0, squared - errors)):.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("variants", nargs="*")
    parser.add_argument("--drug", action="append", default=[])
    parser.add_argument("--members", action="store_true")
    parser.add_argument("--controls", action="store_true")
    parser.add_argument("--null", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--from", dest="stores", action="append", type=Path, default=[])
    given = parser.parse_args()
    pack = load_target("abl1")
    sides = Sides(given.keep, RelaxedSettings(), given.stores)
    if given.null:
        null(pack, sides, given.variants or list(NULL_POSITIONS), given.drug, given.members)
    elif variants := [*given.variants, *(CONTROLS if given.controls else ())]:
        compare(pack, sides, variants, given.drug, given.members)


if __name__ == "__main__":
    main()

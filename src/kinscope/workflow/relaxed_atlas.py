"""Tier 2 of the atlas: relaxed complexes of every substitution of some residues, by the steps of ``assess``.

Sides lie in a store below the work directory under the keys that a study gives them: what one run leaves any
other takes over, and what other source made is not found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from kinscope.affinity.atlas import RelaxedRow, provenance, relaxed_path
from kinscope.affinity.scan import atlas_rows, residues_named, single_base, write_atlas
from kinscope.core.tables import read_table, write_table
from kinscope.docking.relaxed.compare import compare_sides
from kinscope.results.docking import ComplexSide, RelaxedSettings
from kinscope.targets.pack import TargetPack
from kinscope.variants import variant_from_changes
from kinscope.workflow.engine.local import Event, LocalEngine
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import Store, default_cache
from kinscope.workflow.native_results import preset_for
from kinscope.workflow.planning.docking import relaxed_sides
from kinscope.workflow.planning.study import Study
from kinscope.workflow.settings import StudySettings
from kinscope.workflow.stages.files import read_records
from kinscope.workflow.stages.relaxed import SIDE

Sides = dict[tuple[str, str], dict[str, Step]]
"""The steps of both sides by change (``T315I``) and drug."""


def planned(pack: TargetPack, residues: Iterable[int], drugs: Iterable[str]) -> Sides:
    """Both sides of every single-base substitution and every drug that a study would relax with it.

    Each drug in its own state.
    """
    settings, names = preset_for(pack, "quick"), list(drugs)
    found: Sides = {}
    for residue in residues:
        for kind in single_base(pack, residue):
            sides = sides_of(pack, settings, {residue: kind}, names)
            change = f"{pack.transcript.protein[residue - 1]}{residue}{kind}"
            found |= {(change, drug): steps for drug, steps in sides.items() if steps}
    return found


def sides_of(
    pack: TargetPack, settings: StudySettings, change: dict[int, str], drugs: Iterable[str]
) -> dict[str, dict[str, Step]]:
    """By drug, the steps of the two sides as a study of the change has them."""
    study, relaxed = Study(pack, variant_from_changes(change, pack), settings), RelaxedSettings()
    return {drug: relaxed_sides(study, drug, pack.drug(drug).state, relaxed) for drug in drugs}


def compute_relaxed(
    pack: TargetPack, sides: Sides, work: Path, *, cores: int, listener: Callable[[Event], None] | None = None
) -> list[RelaxedRow]:
    """Compute the sides that ``work`` lacks; a row of each pair of which both lie there."""
    engine = LocalEngine(work, Store(default_cache()), cores=cores, listener=listener)
    done = engine.run([step for pair in sides.values() for step in pair.values()]).done
    rows = []
    for (change, drug), pair in sides.items():
        if any(step.key not in done for step in pair.values()):
            continue
        found = {
            side: read_records(engine.store.path(step) / SIDE, ComplexSide) for side, step in pair.items()
        }
        if not (found["native"] and found["mutant"]):
            continue
        state = pack.drug(drug).state
        made = compare_sides(drug, state, change, found["native"][0], found["mutant"][0], RelaxedSettings())
        value = made.difference_kcal_per_mol
        rows.append(RelaxedRow(
            change=change, residue=int(change[1:-1]), drug=drug, state=state, kcal_per_mol=value.value,
            low=value.low, high=value.high, key=key_of(pair), cpu_seconds=made.cpu_seconds,
        ))  # fmt: skip
    return rows


def key_of(pair: dict[str, Step]) -> str:
    """The keys of both sides, shortened: of other source or settings it is another."""
    return f"{pair['native'].key[:16]}-{pair['mutant'].key[:16]}"


def merge_relaxed(pack: TargetPack, rows: Sequence[RelaxedRow]) -> int:
    """Write rows into the pack beside those that this source still makes; how many it holds then."""
    path, settings = relaxed_path(pack), preset_for(pack, "quick")
    kept = {(row.change, row.drug): row for row in rows}
    for row in read_table(path, RelaxedRow) if path.is_file() else ():
        if (row.change, row.drug) not in kept:
            pair = sides_of(pack, settings, {row.residue: row.change[-1]}, [row.drug])[row.drug]
            if pair and key_of(pair) == row.key:
                kept[row.change, row.drug] = row
    ordered = sorted(kept.values(), key=lambda row: (row.residue, row.change, row.drug))
    write_table(path, ordered, RelaxedRow)
    return len(ordered)


def scan_relaxed(
    pack: TargetPack, region: str, drugs: Sequence[str], work: Path, *, cores: int | None, write: bool,
    listener: Callable[[Event], None] | None = None,
) -> str:  # fmt: skip
    """Compute what a stretch lacks of tier 2 and, where asked, write it and the atlas's rows into the pack.

    Raises BadInputError if the pack has no such stretch.
    """
    sides = planned(pack, residues_named(pack, region), drugs)
    rows = compute_relaxed(
        pack, sides, work / "relaxed", cores=cores or len(os.sched_getaffinity(0)), listener=listener
    )
    told = (
        f"{len(rows)} of {len(sides)} pairs relaxed; CPU {sum(row.cpu_seconds for row in rows) / 60:.0f} min"
    )
    if not write:
        return f"{told}; they lie in {work / 'relaxed'}, --write puts them into the atlas."
    held, seconds = merge_relaxed(pack, rows), float(provenance(pack)["cpu_seconds_of_ensembles"])
    write_atlas(pack, atlas_rows(pack, residues_named(pack, "kinase-domain")), seconds)
    return f"{told}; the atlas holds {held}."

"""Tier 2 of the atlas: relaxed complexes of every substitution of some residues, by the steps of ``assess``.

Sides lie in a store below the work directory under the keys that a study gives them: what one run leaves any
other takes over, and what other source made is not found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from kinscope.affinity.atlas import RelaxedRow, atlas_path, provenance
from kinscope.affinity.scan import atlas_rows, residues_named, single_base, write_atlas
from kinscope.core.tables import read_table, write_table
from kinscope.docking.relaxed.compare import compare_sides
from kinscope.results.docking import ComplexSide, RelaxedSettings
from kinscope.targets.pack import TargetPack
from kinscope.variants import variant_from_changes
from kinscope.workflow.engine.driver import Driver, Event
from kinscope.workflow.engine.processes import Processes
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import Store, default_cache
from kinscope.workflow.packs.native_results import preset_for
from kinscope.workflow.planning.docking import relaxed_sides
from kinscope.workflow.planning.study import Study
from kinscope.workflow.stages.files import read_records
from kinscope.workflow.stages.relaxed import SIDE

Sides = dict[tuple[str, str], dict[str, Step]]
"""The steps of both sides by change (``T315I``) and drug."""


def sides_of(pack: TargetPack, residue: int, kind: str, drugs: Iterable[str]) -> Sides:
    """The sides that a study of a substitution relaxes, of each drug in its own state."""
    study = Study(pack, variant_from_changes({residue: kind}, pack), preset_for(pack, "quick"))
    change = f"{pack.transcript.protein[residue - 1]}{residue}{kind}"
    steps = {drug: relaxed_sides(study, drug, pack.drug(drug).state, RelaxedSettings()) for drug in drugs}
    return {(change, drug): pair for drug, pair in steps.items() if pair}


def computed(sides: Sides, engine: Driver) -> list[RelaxedRow]:
    """A row of each pair of which both sides could be computed; what the engine's store holds is taken."""
    done = engine.run([step for pair in sides.values() for step in pair.values()]).done
    rows: list[RelaxedRow] = []
    for (change, drug), pair in sides.items():
        paths = [engine.store.path(pair[side]) / SIDE for side in ("native", "mutant")]
        found = [read_records(path, ComplexSide) for path in paths if path.is_file()]
        if not all(step.key in done for step in pair.values()) or not all(found):
            continue
        made = compare_sides(drug, "", change, found[0][0], found[1][0], RelaxedSettings())
        value = made.difference_kcal_per_mol
        rows.append(RelaxedRow(
            change=change, residue=int(change[1:-1]), drug=drug, kcal_per_mol=value.value, low=value.low,
            high=value.high, key=key_of(pair), cpu_seconds=made.cpu_seconds,
        ))  # fmt: skip
    return rows


def key_of(pair: dict[str, Step]) -> str:
    """The keys of both sides, shortened: of other source or settings it is another."""
    return f"{pair['native'].key[:16]}-{pair['mutant'].key[:16]}"


def merge(pack: TargetPack, rows: Sequence[RelaxedRow], path: Path) -> int:
    """Write rows into a table beside those that this source still makes; how many it holds then."""
    kept = {(row.change, row.drug): row for row in rows}
    held: list[RelaxedRow] = read_table(path, RelaxedRow) if path.is_file() else []
    for row in held:
        pair = sides_of(pack, row.residue, row.change[-1], [row.drug]).get((row.change, row.drug))
        if pair and key_of(pair) == row.key:
            kept.setdefault((row.change, row.drug), row)
    ordered = sorted(kept.values(), key=lambda row: (row.residue, row.change, row.drug))
    write_table(path, ordered, RelaxedRow)
    return len(kept)


def scan_relaxed(
    pack: TargetPack, region: str, drugs: Sequence[str], work: Path, *, cores: int | None, write: bool,
    listener: Callable[[Event], None] | None = None,
) -> str:  # fmt: skip
    """Compute what a stretch lacks of tier 2 and, where asked, write it and the atlas's rows into the pack.

    Raises BadInputError if the pack has no such stretch.
    """
    sides: Sides = {}
    for residue in residues_named(pack, region):
        for kind in single_base(pack, residue):
            sides |= sides_of(pack, residue, kind, drugs)
    many, home = cores or len(os.sched_getaffinity(0)), work / "relaxed"
    rows = computed(
        sides, Driver(home, Store(default_cache() / "artefacts"), Processes(many), listener=listener)
    )
    told = f"{len(rows)} of {len(sides)} pairs; CPU {sum(row.cpu_seconds for row in rows) / 60:.0f} min"
    if not write:
        return f"{told}; they lie in {home}, --write puts them into the atlas."
    held = merge(pack, rows, atlas_path(pack).with_name("relaxed.parquet"))
    seconds = float(provenance(pack)["cpu_seconds_of_ensembles"])
    write_atlas(pack, atlas_rows(pack, residues_named(pack, "kinase-domain")), seconds)
    return f"{told}; the atlas holds {held} pairs of tier 2."

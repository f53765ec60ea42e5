"""The recovery benchmark over whole chains: in parallel, with progress, and going on where it stopped."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from pydantic import ValidationError

from kinscope.core.errors import BadInputError
from kinscope.core.progress import Progress, silent
from kinscope.structures.crystal_chains import CrystalModel
from kinscope.structures.mutation import MutationSettings
from kinscope.structures.published_packer import faspr_packer, kinscope_neighbours
from kinscope.structures.side_chain_recovery import (
    Packer,
    Recovery,
    Task,
    kinscope_packer,
    recovery,
    residues_to_rebuild,
)

KINSCOPE, KINSCOPE_BARE = "kinscope", "kinscope, nothing favoured"
FASPR = "FASPR, the same neighbours free"
PACKERS = {
    KINSCOPE: "as mutants are packed: backrubs allowed at a cost, neighbours' native rotamers favoured",
    KINSCOPE_BARE: "native backbone, neighbours' native rotamers not favoured",
    FASPR: "native backbone, native rotamers not favoured",
}
"""What each packer is given."""
_MAX_TABLE_BYTES = 16 * 2**20


@dataclass(frozen=True)
class RecoveryPlan:
    """What is rebuilt and by whom."""

    crystals: tuple[CrystalModel, ...]
    settings: MutationSettings
    seed: int = 1
    residues: int | None = None
    """Residues per crystal, at random; None for all."""
    faspr: Path | None = None
    """FASPR's executable, if there is one."""

    def packers(self) -> dict[str, Packer]:
        """The packers by name."""
        bare = self.settings.model_copy(
            update={
                "backrub_degrees": (),
                "neighbour_backrub_degrees": (),
                "native_rotamer_bonus_kcal_per_mol": 0.0,
            }
        )
        found = {KINSCOPE: kinscope_packer(self.settings, self.seed)}
        if self.faspr is not None:
            found[FASPR] = faspr_packer(self.faspr, kinscope_neighbours(self.settings))
        return {**found, KINSCOPE_BARE: kinscope_packer(bare, self.seed)}

    @property
    def fingerprint(self) -> str:
        """What distinguishes tables of different settings."""
        text = f"{self.settings.model_dump_json()} {self.seed}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def run_recovery(
    plan: RecoveryPlan, table: Path | None = None, cores: int = 1, progress: Progress | None = None
) -> list[Recovery]:
    """Rebuild every side chain of the plan.

    Parameters
    ----------
    plan
        What is rebuilt and by whom.
    table
        CSV file that receives each row as it comes; rows that are in it already are not computed again.
    cores
        Processes.
    progress
        Told how far the work is.

    Returns
    -------
    list of Recovery
        By packer, crystal and residue.

    Raises
    ------
    BadInputError
        If the table was made with other settings or is no such table.
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
            _append(table, row, plan.fingerprint)
        what = f"{row.packer}: {row.name} {row.residue} of {row.entry}"
        tell(len(done) / max(len(wanted), len(done)), what)
    return [done[labels[place], task.residue, name] for place, task, name in wanted]


def _rebuild(plan: RecoveryPlan, work: tuple[int, Task, str]) -> Recovery:
    place, task, name = work
    return recovery(plan.crystals[place], task, name, plan.packers()[name])


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

    Raises
    ------
    BadInputError
        If it was made with other settings, or a line cannot be read.
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


def _append(table: Path, row: Recovery, fingerprint: str) -> None:
    fresh = not table.exists() or table.stat().st_size == 0
    with table.open("a", newline="") as file:
        writer = csv.DictWriter(file, [*Recovery.model_fields, "settings"])
        if fresh:
            writer.writeheader()
        writer.writerow({**row.model_dump(), "settings": fingerprint})

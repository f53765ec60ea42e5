"""Native against native, and published fold changes against calls, by the steps that `assess` runs.

The null puts a residue's own kind in its place on both sides, from independent starts: every difference is
protocol. It runs as a study whose "variant" changes nothing, so that what is judged is what a study returns.
The rule for what an instrument's intervals lack was fixed before the first null: where the root mean square
of the null differences exceeds the errors that the intervals state, the missing part is added to each.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from scipy.special import ndtri

from kinscope.analysis.calls import LOST_KCAL_PER_MOL, word_of
from kinscope.core.errors import BadInputError
from kinscope.core.files import sha256_of_file, write_atomic
from kinscope.core.records import Record
from kinscope.core.tables import csv_text
from kinscope.interpretation.model import Measurements
from kinscope.results.docking import RelaxedComparison, RelaxedSettings
from kinscope.results.measured import Difference
from kinscope.targets.pack import TargetPack
from kinscope.variants import Variant, parse_variant
from kinscope.variants.build import build_variant
from kinscope.workflow.engine.sources import source_digest
from kinscope.workflow.engine.step import Step
from kinscope.workflow.planning.catalogue import STAGES
from kinscope.workflow.planning.docking import relaxed_inputs
from kinscope.workflow.planning.models import native_model
from kinscope.workflow.planning.plan import compared, measurements
from kinscope.workflow.planning.study import SIDES, Study
from kinscope.workflow.settings import StudySettings, load_preset, with_changes
from kinscope.workflow.stages.files import MEASUREMENTS, read_models
from kinscope.workflow.stages.relaxed import compared as compared_sides
from kinscope.workflow.stages.relaxed import known_pose
from kinscope.workflow.study import Listener, Run

RESIDUES = (315, 317, 253, 255, 299, 404, 244, 396)
"""Positions of published resistance by contact, by the P-loop and from afar, named before the first null."""
CONTROLS = ("T315I", "F317L", "V299L", "Y253H", "E255K", "G250E")
"""Named before any of them was computed."""
RT_KCAL_PER_MOL = 0.0019872 * 310.15
NULL_FILE = "null.csv"
"""In a target pack: the table of its models and this protocol."""
Instrument = Literal["rigid docking", "relaxed complexes", "pocket volume", "contacts"]


class NullRow(Record):
    """One difference between native and native."""

    instrument: Instrument
    residue: int
    about: str
    """Drug and state, pocket and state, or state."""
    value: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the interval holds zero, to rounding."""
        return self.low <= 1e-6 and self.high >= -1e-6


class NullSummary(NamedTuple):
    """What an instrument reads where nothing changed."""

    instrument: str
    rows: int
    holding: int
    mean: float
    root_mean_square: float
    stated: float
    """Root mean square of the standard errors that the 95 % intervals state."""

    @property
    def missing(self) -> float:
        """Standard deviation that the intervals lack."""
        return math.sqrt(max(0.0, self.root_mean_square**2 - self.stated**2))


def measured(
    variant: Variant, settings: StudySettings, directory: Path, cores: int | None, listener: Listener | None
) -> Measurements:
    """All that a study measures without motion, in a run directory that goes on where it was stopped.

    Raises RunDirectoryError, ComputationError as :meth:`kinscope.workflow.study.Run.stage`.
    """
    run = Run.begin(variant, settings, directory / variant.slug, cores=cores)
    found, _ = run.stage(lambda study: {"all": measurements(study, compared(study))}, listener)
    return Measurements.model_validate_json((found["all"] / MEASUREMENTS).read_bytes())


def still(target: str, drugs: Sequence[str] = ()) -> StudySettings:
    """The settings of `assess`, without motion."""
    changes: dict[str, Any] = {"drugs": tuple(drugs)} if drugs else {"docked": "all"}
    return with_changes(load_preset("quick"), target=target, dynamics={"budget_minutes": 0.0}, **changes)


def unchanged(residue: int, pack: TargetPack) -> Variant:
    """The "variant" that puts a residue's own kind in its place.

    Raises BadInputError if the protein has no such residue.
    """
    protein = pack.transcript.protein
    if not 2 <= residue <= len(protein):
        raise BadInputError(
            f"The protein has no residue {residue}.", where="--residue", remedy=f"Give 2 to {len(protein)}."
        )
    own = protein[residue - 1]
    return build_variant(f"{own}{residue}{own}", {residue: (own, "")}, (), (), pack)


def null_rows(residue: int, found: Measurements) -> list[NullRow]:
    """Every difference of a study that changes nothing; of contacts, how many were lost or gained."""
    read: list[tuple[Instrument, str, Difference]] = [
        *(("rigid docking", f"{x.drug} {x.state}", x.difference_kcal_per_mol) for x in found.docking),
        *(("relaxed complexes", f"{x.drug} {x.state}", x.difference_kcal_per_mol) for x in found.relaxed),
        *(("pocket volume", f"{x.pocket} {x.state}", x.volume_difference_cubic_angstrom)
          for x in found.pockets),
    ]  # fmt: skip
    rows = [
        NullRow(instrument=instrument, residue=residue, about=about, value=round(item.value, 3),
                low=round(item.low, 3), high=round(item.high, 3))
        for instrument, about, item in read
        if item.value is not None and item.low is not None and item.high is not None
    ]  # fmt: skip
    for state in dict.fromkeys(change.state for change in found.contact_changes):
        of_state = [change.change for change in found.contact_changes if change.state == state]
        value = float(of_state.count("gained") - of_state.count("lost"))
        changed = float(len(of_state) - of_state.count("kept"))
        rows.append(NullRow(instrument="contacts", residue=residue, about=state,
                            value=value, low=changed, high=changed))  # fmt: skip
    return rows


def summaries(rows: Iterable[NullRow]) -> list[NullSummary]:
    """By instrument."""
    held = list(rows)
    return [
        NullSummary(
            name,
            len(own),
            sum(row.holds for row in own),
            statistics.fmean(row.value for row in own),
            math.sqrt(statistics.fmean(row.value**2 for row in own)),
            math.sqrt(
                statistics.fmean(((row.high - row.low) / 2.0 / float(ndtri(0.975))) ** 2 for row in own)
            ),
        )
        for name in dict.fromkeys(row.instrument for row in held)
        if (own := [row for row in held if row.instrument == name])
    ]


def in_words(rows: Sequence[NullRow]) -> str:
    """A line an interval, then a line an instrument."""
    lines = [
        f"{row.residue}  {row.instrument:<18}{row.about:<42}{row.value:+8.2f} "
        f"[{row.low:+.2f}, {row.high:+.2f}]{'' if row.holds else '  not zero'}"
        for row in rows
    ]
    lines.append("")
    for one in summaries(rows):
        lines.append(
            f"{one.instrument}: zero in {one.holding} of {one.rows} ({100 * one.holding / one.rows:.0f} %); "
            f"mean {one.mean:+.2f}, root mean square {one.root_mean_square:.2f}, "
            f"stated error {one.stated:.2f}, missing {one.missing:.2f}"
        )
    return "\n".join(lines)


_DIFFERENCES = (
    "kinscope.docking.table.differences:compare_docking",
    "kinscope.workflow.stages.relaxed:compared",
    "kinscope.analysis.pockets:compare_pocket",
)
"""What sets the mutant's numbers against the native's."""


def protocol(pack: TargetPack) -> str:
    """Digest of what the null rests on: the source of steps and differences, settings, models and poses."""
    digest = hashlib.sha256()
    steps = (
        STAGES[name].function for name in ("mutant-model", "docking", "relaxed-complex", "neighbourhood")
    )
    for function in (*steps, *_DIFFERENCES):
        digest.update(source_digest(function).encode())
    settings = still(pack.directory.name)
    for part in (settings.mutation, settings.docking, RelaxedSettings()):
        digest.update(part.model_dump_json().encode())
    for place in sorted([*pack.directory.glob("models/*/model.cif.gz"), *pack.directory.glob("poses/*.sdf")]):
        digest.update(sha256_of_file(place).encode())
    return digest.hexdigest()[:20]


def write_rows(path: Path, rows: Sequence[NullRow], made_by: str) -> None:
    """The rows as CSV below the digest of their protocol; rows of the same protocol that are there stay."""
    held = {}
    if path.is_file():
        before, found = read_rows(path)
        held = {(row.residue, row.instrument, row.about): row for row in found if before == made_by}
    held |= {(row.residue, row.instrument, row.about): row for row in rows}
    table = csv_text(NullRow.model_fields, [list(held[key].model_dump().values()) for key in sorted(held)])
    write_atomic(path, f"# protocol {made_by}\n{table}")


def read_rows(path: Path) -> tuple[str, list[NullRow]]:
    """The protocol's digest and the rows that :func:`write_rows` wrote."""
    first, _, rest = path.read_text().partition("\n")
    rows = [NullRow.model_validate(row) for row in csv.DictReader(io.StringIO(rest))]
    return first.removeprefix("# protocol "), rows


class Judged(NamedTuple):
    """A call beside a publication."""

    variant: str
    drug: str
    state: str
    difference: Difference
    published: float | None
    """RT ln of the median published fold of cell IC50, kcal/mol."""

    @property
    def call(self) -> str:
        """Kept, lost or unresolved, by the rule of `assess`."""
        return word_of(self.difference)

    @property
    def truth(self) -> str | None:
        """Lost from tenfold, else kept; None where nothing is published."""
        if self.published is None:
            return None
        return "lost" if self.published >= LOST_KCAL_PER_MOL else "kept"


def call_steps(study: Study) -> dict[str, Step]:
    """Of a study the steps that calls rest on: relaxed complexes, and each state's native model."""
    models = {f"relaxed-model/{state}": native_model(study, state) for state in study.states}
    return relaxed_inputs(study, RelaxedSettings()) | models


def relaxed_complexes(
    variant: Variant, settings: StudySettings, directory: Path, cores: int | None, pack: TargetPack
) -> list[RelaxedComparison]:
    """The relaxed complexes of a study, in a run directory that goes on where it was stopped.

    Raises RunDirectoryError, ComputationError as :meth:`kinscope.workflow.study.Run.stage`.
    """
    run = Run.begin(variant, settings, directory / variant.slug, cores=cores)
    done, _ = run.stage(call_steps, None)
    rows = []
    for about in dict.fromkeys(role.split("/")[2] for role in done if role.count("/") == 2):
        name, _, state = about.partition("@")
        sides = {side: done[role] for side in SIDES if (role := f"relaxed/{side}/{about}") in done}
        native = read_models(done[f"relaxed-model/{state}"])[0][0]
        known = known_pose(pack, pack.drug(name), state, None)
        rows.append(compared_sides(pack.drug(name), state, variant, native, sides, known))
    return [row for row in rows if row is not None]


def calls_in_words(rows: Sequence[Judged]) -> str:
    """A line a call, then how calls and publications agree."""
    lines = []
    for row in rows:
        item = row.difference
        known = "not published" if row.published is None else f"published {row.published:+.2f} ({row.truth})"
        lines.append(
            f"{row.variant:<7}{row.drug:<16}{row.state:<20}{item.value or 0.0:+6.2f} "
            f"[{item.low or 0.0:+.2f}, {item.high or 0.0:+.2f}] {row.call:<11}{known}"
        )
    known_rows = [row for row in rows if row.truth is not None]
    right = sum(row.call == row.truth for row in known_rows)
    wrong = sum({row.call, row.truth} == {"kept", "lost"} for row in known_rows)
    lines.append(
        f"\n{len(known_rows)} published: {right} agree, {wrong} contradict, "
        f"{len(known_rows) - right - wrong} unresolved"
    )
    return "\n".join(lines)


def _published(pack: TargetPack, variant: str, drug: str) -> float | None:
    with (pack.directory / "evidence" / "measured.csv").open() as file:
        folds = [
            float(row["value"])
            for row in csv.DictReader(file)
            if row["protein_change"] == variant and row["drug"] == drug and row["kind"] == "cell IC50 fold"
        ]
    return RT_KCAL_PER_MOL * math.log(statistics.median(folds)) if folds else None


def run_null(
    pack: TargetPack, residues: Sequence[int], work: Path, *, target: str, drugs: Sequence[str],
    cores: int | None, say: Callable[[str], None],
) -> list[NullRow]:  # fmt: skip
    """The null of each residue, told as it is finished."""
    rows = []
    for residue in residues:
        found = measured(unchanged(residue, pack), still(target, drugs), work, cores, None)
        own = null_rows(residue, found)
        say(f"{residue}: {len(own)} differences, zero in {sum(row.holds for row in own)}")
        rows += own
    return rows


def run_calls(
    pack: TargetPack, variants: Sequence[str], work: Path, *, target: str, drugs: Sequence[str],
    cores: int | None,
) -> list[Judged]:  # fmt: skip
    """The relaxed complexes of each variant beside what is published."""
    return [
        Judged(
            variant.short, one.drug, one.state, one.difference_kcal_per_mol,
            _published(pack, variant.short, one.drug),
        )
        for variant in (parse_variant(text, pack) for text in variants)
        for one in relaxed_complexes(variant, still(target, drugs), work, cores, pack)
    ]  # fmt: skip

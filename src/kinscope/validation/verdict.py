"""How often verdicts are right: every measured pair judged with what is known of it hidden.

The method was written down before the first score (docs/why/evidence-interpretation-report.md, Judged).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from kinscope.core.progress import Progress
from kinscope.core.tables import csv_text
from kinscope.evidence.changes import ChangeSet, parse_changes
from kinscope.evidence.kin import study_of
from kinscope.evidence.knowledge import load_evidence
from kinscope.evidence.matching import lookup_in
from kinscope.evidence.model import EvidenceBase, EvidenceItem, KinEstimate, TrackRecord
from kinscope.evidence.reach import distances
from kinscope.interpretation.thresholds import REACH_ANGSTROM
from kinscope.interpretation.verdicts import NOTHING, judge
from kinscope.interpretation.verdicts.standing import kind_of, measured_folds
from kinscope.targets.pack import TargetPack
from kinscope.variants import parse_variant

SCENARIOS = {"a": "pair hidden", "b": "variant hidden", "c": "residue hidden", "d": "study hidden"}
THRESHOLDS = (4.0, 10.0)
DRAWS, SEED = 2000, 1
RELAXED_CALLS = (
    ("T315I", "imatinib", "lost"), ("T315I", "nilotinib", "lost"), ("T315I", "dasatinib", "lost"),
    ("T315I", "bosutinib", "lost"), ("T315I", "ponatinib", "kept"), ("E255K", "imatinib", "kept"),
    ("E255K", "dasatinib", "kept"), ("E255K", "ponatinib", "kept"), ("F317L", "imatinib", "kept"),
    ("F317L", "dasatinib", "kept"), ("F317L", "ponatinib", "kept"), ("V299L", "dasatinib", "kept"),
    ("G250E", "imatinib", "kept"),
)  # fmt: skip
"""Calls of relaxed complexes named before they were run (docs/validation.md, Relaxed complexes)."""


@dataclass(frozen=True)
class Judged:
    """One pair judged with something hidden."""

    scenario: str
    change: str
    drug: str
    fold: float
    """Measured, geometric mean; in (d) of the hidden study alone."""
    verdict: str
    basis: str
    kind: str
    kin: KinEstimate | None

    @property
    def abstains(self) -> bool:
        """Whether no side was taken."""
        return self.verdict == "not resolved" or self.basis == "computed"

    @property
    def calls_resistant(self) -> bool:
        """The positive call."""
        return self.verdict.startswith("resistance")

    @property
    def is_right(self) -> bool:
        """For track records: resistance from fourfold, sensitivity below, reduced from two- to tenfold."""
        if self.verdict.startswith("reduced"):
            return 2.0 <= self.fold < 10.0
        return self.calls_resistant == (self.fold >= THRESHOLDS[0])


def truths(items: Iterable[EvidenceItem], pack: TargetPack) -> dict[tuple[str, str], list[EvidenceItem]]:
    """The measured items of every pair of the pack's drugs."""
    drugs = {drug.id for drug in pack.drugs}
    found: dict[tuple[str, str], list[EvidenceItem]] = {}
    for item in items:
        sound = item.kind in ("cell IC50 fold", "Kd") and item.value and item.strength != "weak"
        changes = parse_changes(item.protein_change)
        if sound and item.drug in drugs and changes.names_amino_acids and not changes.and_others:
            found.setdefault((item.protein_change, item.drug), []).append(item)
    return found


def judge_all(pack: TargetPack, say: Progress = lambda *_: None) -> list[Judged]:
    """Every pair in every scenario, by the code that `assess` uses."""
    base = load_evidence(pack)
    known = truths(base.items, pack)
    rows: list[Judged] = []
    changes = sorted({change for change, _ in known})
    for number, change in enumerate(changes):
        asked = parse_changes(change)
        own = {drug: items for (name, drug), items in known.items() if name == change}
        others = [item for item in base.items if not _same(item, asked)]
        for drug in own:
            rest = [item for item in base.items if item.drug != drug or not _same(item, asked)]
            rows += _judged("a", change, {drug: own[drug]}, _with(base, rest), pack)
        rows += _judged("b", change, own, _with(base, others), pack)
        elsewhere = [item for item in others if not _shares(item, asked)]
        rows += _judged("c", change, own, _with(base, elsewhere), pack)
        for study in sorted({study_of(item) for items in own.values() for item in items}):
            rest = [item for item in base.items if study_of(item) != study]
            of_study = {d: [i for i in items if study_of(i) == study] for d, items in own.items()}
            hidden = {drug: items for drug, items in of_study.items() if items}
            rows += _judged("d", change, hidden, _with(base, rest), pack)
        say((number + 1) / len(changes), change)
    return rows


def _with(base: EvidenceBase, items: Sequence[EvidenceItem]) -> EvidenceBase:
    return base.model_copy(update={"items": tuple(items)})


def _same(item: EvidenceItem, asked: ChangeSet) -> bool:
    changes = parse_changes(item.protein_change)
    return changes.changes == asked.changes and not changes.and_others


def _shares(item: EvidenceItem, asked: ChangeSet) -> bool:
    return bool(parse_changes(item.protein_change).positions & asked.positions)


def _judged(
    scenario: str, change: str, own: dict[str, list[EvidenceItem]], rest: EvidenceBase, pack: TargetPack
) -> Iterator[Judged]:
    variant = parse_variant(change, pack)
    evidence = lookup_in(rest, variant, pack)
    for drug, items in sorted(own.items()):
        _, fold = measured_folds(items)
        found = judge(variant, pack.drug(drug), NOTHING, evidence).verdict
        kind = kind_of(found.basis, found.verdict, found.inferred)
        yield Judged(scenario, change, drug, fold or 1.0, found.verdict, found.basis, kind, found.inferred)


@dataclass(frozen=True)
class Score:
    """A confusion matrix and what follows, with 95 % intervals over variants."""

    matrix: tuple[int, int, int, int]
    """True and false positives, false and true negatives."""
    values: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Sensitivity, specificity and MCC: value, low, high."""


def score(rows: Sequence[Judged], calls: Sequence[bool], threshold: float) -> Score:
    """Of calls on pairs; intervals draw variants, since pairs of one variant are not independent."""
    names = sorted({row.change for row in rows})
    counts = np.zeros((len(names), 4))
    for row, call in zip(rows, calls, strict=True):
        truth = row.fold >= threshold
        counts[names.index(row.change), (0 if truth else 1) if call else (2 if truth else 3)] += 1
    weights = np.random.default_rng(SEED).multinomial(
        len(names), [1 / max(1, len(names))] * len(names), DRAWS
    )
    totals = np.vstack([counts.sum(axis=0), weights @ counts])
    tp, fp, fn, tn = totals.T
    with np.errstate(invalid="ignore", divide="ignore"):
        measures = {
            "sensitivity": tp / (tp + fn),
            "specificity": tn / (tn + fp),
            "MCC": np.nan_to_num(
                (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
            ),
        }
    values = {
        name: (float(all_[0]), *np.quantile(drawn, [0.025, 0.975]).tolist())
        for name, all_ in measures.items()
        for drawn in [all_[1:][np.isfinite(all_[1:])] if np.isfinite(all_[0]) else np.array([math.nan])]
    }
    return Score(tuple(int(value) for value in totals[0]), values)  # type: ignore[arg-type]


def listed_residue(row: Judged, rows: Sequence[Judged]) -> bool:
    """The rule of thumb: another change of the residue is resistant to the drug, at fourfold."""
    positions = parse_changes(row.change).positions
    return any(
        other.drug == row.drug and other.change != row.change and other.fold >= THRESHOLDS[0]
        and parse_changes(other.change).positions & positions
        for other in rows
    )  # fmt: skip


def track_records(rows: Sequence[Judged], pack: TargetPack) -> tuple[TrackRecord, ...]:
    """How often each kind was right: published with the study hidden, kin with the pair or the variant."""
    how = {"published": "d", "part of the variant": "b", "inferred from kin": "a"}
    tallies: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        wanted = "b" if row.kind.endswith("other changes of the residue") else how.get(row.basis)
        if row.scenario == wanted and not row.abstains:
            tallies.setdefault((row.kind, SCENARIOS[row.scenario]), []).append(row.is_right)
    records = [_record(kind, right, THRESHOLDS[0], by) for (kind, by), right in sorted(tallies.items())]
    pairs = [row for row in rows if row.scenario == "a"]
    for site in dict.fromkeys(drug.site for drug in pack.drugs):
        own = [row for row in pairs if pack.drug(row.drug).site == site]
        far = [row.fold < 10.0 for row in own if REACH_ANGSTROM < _distance(row, pack) < math.inf]
        records.append(_record(f"out of reach, {site}", far, 10.0, f"pairs beyond {REACH_ANGSTROM:.0f} Å"))
    folds = {(row.change, row.drug): row.fold for row in pairs}
    for word in ("kept", "lost"):
        right = [
            (folds[change, drug] >= THRESHOLDS[0]) == (word == "lost")
            for change, drug, call in RELAXED_CALLS
            if call == word and (change, drug) in folds
        ]
        records.append(_record(f"relaxed, {word}", right, THRESHOLDS[0], "controls named in advance"))
    return tuple(record for record in records if record.total)


def _record(kind: str, right: Sequence[bool], threshold: float, how: str) -> TrackRecord:
    return TrackRecord(kind=kind, right=sum(right), total=len(right), threshold_fold=threshold, how=how)


def _distance(row: Judged, pack: TargetPack) -> float:
    return distances(pack, parse_changes(row.change).positions).get(row.drug, math.inf)


def track_text(records: Sequence[TrackRecord]) -> str:
    """The table that ships as ``evidence/track.csv``, for verdicts to carry."""
    return csv_text(TrackRecord.model_fields, [list(record.model_dump().values()) for record in records])


def in_words(rows: Sequence[Judged], records: Sequence[TrackRecord]) -> str:
    """The tables, in Markdown."""
    head = "| hidden | tier | from | judged, silent | TP FP FN TN | sensitivity | specificity | MCC |"
    lines = [head, "|" + "---|" * 8]
    for scenario, what in SCENARIOS.items():
        own = [row for row in rows if row.scenario == scenario]
        lines += _table(f"({scenario}) {what}", own)
    lines += ["", "| kind of verdict | right | of | judged by |", "|---|---|---|---|"]
    lines += [f"| {one.kind} | {one.right} | {one.total} | {one.how} |" for one in records]
    told = [(row.fold, row.kin) for row in rows if row.kin and not row.kin.part and row.scenario == "a"]
    inside = [kin.low <= fold <= kin.high for fold, kin in told]
    if inside:
        lines += ["", f"90 % intervals of kin (a) hold {sum(inside)} of {len(inside)} measured folds."]
    return "\n".join(lines)


def _table(name: str, own: Sequence[Judged]) -> Iterator[str]:
    said = [row for row in own if not row.abstains]
    tiers = sorted({row.basis for row in said})
    groups = [(tier, [row for row in said if row.basis == tier]) for tier in tiers]
    if len(groups) > 1:
        groups.insert(0, ("all", said))
    for threshold in THRESHOLDS:
        for tier, rows in groups:
            silent = len(own) - len(said) if tier in ("all", *tiers[:1]) else 0
            yield _line(name, tier, threshold, f"{len(rows)}, {silent}", score(
                rows, [row.calls_resistant for row in rows], threshold))  # fmt: skip
        if not said:
            yield f"| {name} | all | {threshold:.0f} | 0, {len(own)} | | | | |"
            continue
        yield _line(name, "always sensitive", threshold, "the same", score(
            said, [False] * len(said), threshold))  # fmt: skip
        yield _line(name, "residue listed", threshold, "the same", score(
            said, [listed_residue(row, own) for row in said], threshold))  # fmt: skip


def _line(name: str, tier: str, threshold: float, numbers: str, found: Score) -> str:
    cells = [
        "–" if math.isnan(value) else f"{value:.2f} ({low:.2f} to {high:.2f})"
        for value, low, high in found.values.values()
    ]
    matrix = " ".join(map(str, found.matrix))
    return f"| {name} | {tier} | {threshold:.0f} | {numbers} | {matrix} | {' | '.join(cells)} |"

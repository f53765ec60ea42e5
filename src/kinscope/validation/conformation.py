"""``kinscope benchmark conformation``: flexibility by conformation, from every crystal chain of a mirror.

An elastic network is computed for each chain and scaled to its kinase domain's mean. B factors of the same
chains go the same way beside it: they tell how far the network follows crystals, and whether crystals bear
out what it says of the conformations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from kinscope import __version__
from kinscope.analysis.crystal_classes import compare_classes
from kinscope.analysis.regions import RegionDifference
from kinscope.core.errors import BadInputError
from kinscope.core.files import write_atomic
from kinscope.core.records import Record
from kinscope.interpretation.crystals import CLASS_LABELS, PAIRS, regions_compared
from kinscope.interpretation.findings import verdict_of
from kinscope.results.flexibility import (
    ClassName,
    CrystalClass,
    CrystalFlexibility,
    EntryFlexibility,
    class_named,
)
from kinscope.results.measured import Difference
from kinscope.structures.conformation.classify import EntryGeometry, classify_entries
from kinscope.structures.network import EXPONENT, REACH_ANGSTROM, network_rmsf
from kinscope.structures.wwpdb.entries import CrystalChain, read_crystal_chain
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.loader import FLEXIBILITY_FILE
from kinscope.targets.pack import TargetPack
from kinscope.validation.rmsf import Agreement, agreement, agreement_words, b_factor_profile, panels

MOST_MISSING = 5
"""Residues of the kinase domain that a chain may lack, none of them in the activation loop: a gap softens
what is beside it."""
MOST_MISSING_WITH_SH2 = 10
"""The same of whole chains, of which few are known."""
_DECIMALS = 3
_FEWEST_TO_HALVE = 4
_DOMAIN = "kinase_domain"
_BY_SH2: dict[str, ClassName] = {"on the C-lobe": "closed", "on the N-lobe": "open"}
_PANEL_CLASS = "dfg-out-folded"
"""Of the reference panel: imatinib and ponatinib bound."""
_END_RESIDUES = 4
"""Beyond the kinase domain in its network, so that it has no free ends; left out of correlations."""
Profile = dict[int, float]
_Chains = dict[ClassName, list[tuple[EntryGeometry, CrystalChain]]]
_Measure = Callable[[EntryGeometry, CrystalChain, range], Profile]
"""Of the residues of a chain that lie in a range."""


class ConformationBenchmark(Record):
    """What the crystals of each conformation come to, by network and by B factors."""

    table: CrystalFlexibility
    agreements: tuple[Agreement, ...]
    left_out: tuple[str, ...]
    """Chains of no class or with gaps, each with the reason."""


def conformations(
    source: PdbSource, pack: TargetPack, reference: Path | None = None
) -> ConformationBenchmark:
    """Compute both tables, and how far the network follows B factors and others' dynamics.

    ``reference``: folder of ``md_rmsf_reference_*.csv`` with columns system, resid, rmsf_CA_A_mean and
    matches_P00519.

    Raises BadInputError if the pack has no landmarks or no kinase domain, or the mirror none of its crystals.
    """
    chains, left_out = usable_chains(source, pack)
    table = CrystalFlexibility(
        target=pack.gene,
        method="elastic network over heavy-atom contacts, eigenvectors by numpy",
        kinscope_version=__version__,
        command="kinscope benchmark conformation --pdb-mirror DIR --write",
        settings={
            "reach_angstrom": REACH_ANGSTROM,
            "exponent": EXPONENT,
            "most_missing": MOST_MISSING,
            "most_missing_with_sh2": MOST_MISSING_WITH_SH2,
        },
        network=_classes(pack, chains, _network),
        b_factors=_classes(pack, chains, lambda item, chain, _: b_factor_profile(source, item, chain)),
    )
    others = panels(reference) if reference else {}
    found = _agreements(table, others)
    return ConformationBenchmark(table=table, agreements=tuple(found), left_out=tuple(left_out))


def write_flexibility(pack: TargetPack, found: ConformationBenchmark) -> Path:
    """Write the network's table into a target pack."""
    path = pack.directory / FLEXIBILITY_FILE
    write_atomic(path, found.table.model_dump_json() + "\n")
    return path


def class_of(item: EntryGeometry) -> ClassName | None:
    """The conformation of a chain's kinase domain; None: of none that is compared."""
    shape = item.geometry
    if shape.dfg == "in" and shape.activation_loop == "extended":
        return "active"
    if shape.dfg == "out" and shape.activation_loop != "unassigned":
        return "dfg-out-folded" if shape.activation_loop == "folded" else "dfg-out-extended"
    return None


def usable_chains(source: PdbSource, pack: TargetPack) -> tuple[_Chains, list[str]]:
    """Chains by class; one with SH2 counts for its kinase domain and for its arrangement."""
    found: _Chains = {name: [] for name in CLASS_LABELS}
    left_out = []
    domain = _domain(pack)
    for item in classify_entries(source, pack):
        name = f"{item.entry}:{item.chain}"
        chain = read_crystal_chain(source, item.entry, item.chain, pack)
        missing = set(domain) - set(chain.residues)
        kinase, whole = class_of(item), _BY_SH2.get(item.geometry.sh2_position)
        in_loop = missing & set(_loop(pack))
        if whole is not None and not in_loop and len(missing) <= MOST_MISSING_WITH_SH2:
            found[whole].append((item, chain))
        if kinase is None:
            shape = item.geometry
            left_out.append(f"{name}: DFG-{shape.dfg}, activation loop {shape.activation_loop}")
        elif in_loop or len(missing) > MOST_MISSING:
            left_out.append(f"{name}: lacks {len(missing)} residues, {len(in_loop)} of the activation loop")
        else:
            found[kinase].append((item, chain))
    if not any(found.values()):
        raise BadInputError(
            f"The mirror holds no usable crystal of {pack.gene}.",
            where=str(source.mirror),
            remedy="Put wwPDB entries there, e.g. pdb/2gqg.pdb.gz.",
        )
    return found, left_out


def _domain(pack: TargetPack) -> tuple[int, ...]:
    try:
        return tuple(pack.region(_DOMAIN).members())
    except KeyError:
        raise BadInputError(
            f"The target pack names no region {_DOMAIN}.", where=str(pack.directory / "regions.yaml")
        ) from None


def _loop(pack: TargetPack) -> range:
    """From DFG to the glutamate of APE."""
    marks = pack.landmarks
    if marks is None or marks.ape_glutamate is None:
        return range(0)
    return range(marks.dfg_phenylalanine - 1, marks.ape_glutamate + 1)


def _classes(pack: TargetPack, chains: _Chains, measure: _Measure) -> tuple[CrystalClass, ...]:
    domain = _domain(pack)
    classes = []
    for name, members in chains.items():
        alone = name not in ("closed", "open")
        shown = range(domain[0], domain[-1] + 1) if alone else range(1, len(pack.transcript.protein) + 1)
        entries: dict[str, list[tuple[EntryGeometry, CrystalChain, Profile]]] = {}
        for item, chain in members:
            held = range(shown[0] - _END_RESIDUES, shown[-1] + _END_RESIDUES + 1)
            if profile := _scaled(measure(item, chain, held), domain, shown):
                entries.setdefault(item.entry, []).append((item, chain, profile))
        if entries:
            residues = sorted({n for rows in entries.values() for row in rows for n in row[2]})
            one_each = tuple(_entry(entry, rows, residues) for entry, rows in sorted(entries.items()))
            classes.append(CrystalClass(name=name, residues=tuple(residues), entries=one_each))
    return tuple(classes)


def _entry(
    entry: str, rows: Sequence[tuple[EntryGeometry, CrystalChain, Profile]], residues: Sequence[int]
) -> EntryFlexibility:
    held = [[profile[number] for _, _, profile in rows if number in profile] for number in residues]
    return EntryFlexibility(
        entry=entry,
        chains=tuple(item.chain for item, _, _ in rows),
        substitutions=tuple(dict.fromkeys(text for _, chain, _ in rows for text in chain.differences)),
        values=tuple(round(float(np.mean(one)), _DECIMALS) if one else None for one in held),
    )


def _scaled(profile: Profile, domain: Sequence[int], shown: range) -> Profile:
    """What is shown, in multiples of the kinase domain's mean; empty where nothing varies."""
    inside = [profile[number] for number in domain if number in profile]
    if not inside or np.ptp(inside) == 0.0:  # B factors that were never refined
        return {}
    mean = float(np.mean(inside))
    return {number: value / mean for number, value in profile.items() if number in shown}


def _network(item: EntryGeometry, chain: CrystalChain, held: range) -> Profile:
    numbers, values = network_rmsf(chain.atoms[np.isin(chain.atoms.res_id, held)])
    return dict(zip(numbers.tolist(), values.tolist(), strict=True))


def _agreements(table: CrystalFlexibility, others: Mapping[str, Profile]) -> Iterator[Agreement]:
    for ours in table.network:
        theirs = class_named(table.b_factors, ours.name)
        beside = [] if theirs is None else [(f"B factors of {len(theirs.entries)} entries", _mean(theirs))]
        if ours.name == _PANEL_CLASS:
            beside += others.items()
        for name, profile in beside:
            label = f"network, {CLASS_LABELS[ours.name]}, {len(ours.entries)} entries"
            found = agreement(_mean(ours), profile, names=(label, name))
            if found is not None:
                yield found


def _mean(item: CrystalClass) -> Profile:
    """Over entries, of residues that half of them resolve, without four at each end."""
    table = np.array([entry.values for entry in item.entries], dtype=np.float64)
    kept = np.isfinite(table).sum(axis=0) * 2 >= len(table)
    pairs = zip(
        np.array(item.residues)[kept].tolist(), np.nanmean(table[:, kept], axis=0).tolist(), strict=True
    )
    return dict(list(pairs)[_END_RESIDUES:-_END_RESIDUES])


def in_words(found: ConformationBenchmark, pack: TargetPack) -> str:
    """The states, region by region, then the agreement, then the entries."""
    lines = [
        "RMSF by network, first -> second, in multiples of the kinase domain's mean; the difference with its "
        "interval (95 %, Welch over wwPDB entries), p (Holm over regions); the same by B factors"
    ]
    regions = regions_compared(pack)
    for first, second in PAIRS:
        ours, theirs = (
            compare_classes(one, two, regions)
            if (one := class_named(classes, first)) and (two := class_named(classes, second))
            else []
            for classes in (found.table.network, found.table.b_factors)
        )
        beside = {row.region: row.difference for row in theirs}
        if ours:
            lines += ["", f"{CLASS_LABELS[second]} against {CLASS_LABELS[first]}"]
            lines += [f"  {_row(row, beside.get(row.region))}" for row in ours]
    lines += ["", *_steadiness(found.table, regions)]
    lines += ["", "Agreement (blocks of ten residues drawn anew; four residues at each end left out)"]
    lines += [agreement_words(row) for row in found.agreements]
    lines += ["", "Entries"]
    for item in found.table.network:
        named = [
            f"{entry.entry} {''.join(entry.chains)}"
            + (f" ({', '.join(entry.substitutions)})" if entry.substitutions else "")
            for entry in item.entries
        ]
        lines.append(f"  {CLASS_LABELS[item.name]}: {'; '.join(named)}")
    return "\n".join([*lines, *(f"  left out, {text}" for text in found.left_out)])


def _steadiness(table: CrystalFlexibility, regions: Mapping[str, Sequence[int]]) -> list[str]:
    """How often halves of one class differ, and what hangs on a single entry."""
    lines = []
    for item in table.network:
        places = range(len(item.entries))
        halves = [
            compare_classes(_part(item, set(one)), _part(item, set(places) - set(one)), regions)
            for one in combinations(places, len(places) // 2)
            if len(places) >= _FEWEST_TO_HALVE
        ]
        alarms = sum(any(row.difference.resolved for row in rows) for rows in halves)
        if halves:
            lines.append(
                f"Null, {CLASS_LABELS[item.name]}: {alarms} of {len(halves)} halvings resolve a region"
            )
    for first, second in PAIRS:
        one, two = class_named(table.network, first), class_named(table.network, second)
        if one is None or two is None or not (whole := _resolved(one, two, regions)):
            continue
        left = [_resolved(part, two, regions) for part in _without_each(one)]
        left += [_resolved(one, part, regions) for part in _without_each(two)]
        kept = ", ".join(f"{name} {sum(name in names for names in left)} of {len(left)}" for name in whole)
        lines.append(
            f"One entry left out, {CLASS_LABELS[second]} against {CLASS_LABELS[first]}: still {kept}"
        )
    return lines


def _part(item: CrystalClass, places: set[int]) -> CrystalClass:
    return item.model_copy(update={"entries": tuple(item.entries[place] for place in sorted(places))})


def _without_each(item: CrystalClass) -> list[CrystalClass]:
    places = set(range(len(item.entries)))
    return [_part(item, places - {place}) for place in places]


def _resolved(one: CrystalClass, two: CrystalClass, regions: Mapping[str, Sequence[int]]) -> list[str]:
    return [row.region for row in compare_classes(one, two, regions) if row.difference.resolved]


def _row(row: RegionDifference, crystals: Difference | None) -> str:
    change = row.difference
    p_value = "" if change.adjusted_p_value is None else f", p {change.adjusted_p_value:.2g}"
    beside = "" if crystals is None else f" | B factors {_interval(crystals)}"
    return (
        f"{row.region}: {row.first:.2f} -> {row.second:.2f}, {_interval(change)}{p_value}, "
        f"{verdict_of(change, 'the second')}{beside}"
    )


def _interval(change: Difference) -> str:
    if change.value is None or change.low is None or change.high is None:
        return "no interval"
    return f"{change.value:+.2f} ({change.low:+.2f} to {change.high:+.2f})"

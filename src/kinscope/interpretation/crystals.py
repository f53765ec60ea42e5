"""Where the variant lies in the native kinase's flexibility, conformation by conformation, over crystals.

Nothing is said of the mutant: a network knows a substitution by the contacts that its model lost, no more.
"""

from __future__ import annotations

from kinscope.analysis.crystal_classes import class_mean, compare_classes
from kinscope.analysis.regions import RegionDifference
from kinscope.interpretation.findings import join, of_two, region_label
from kinscope.interpretation.model import MobilityFinding, MobilityQuestion
from kinscope.results.flexibility import ClassName, CrystalFlexibility, class_named
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant

CLASS_LABELS: dict[ClassName, str] = {
    "active": "active, DFG-in",
    "dfg-out-folded": "DFG-out, loop folded",
    "dfg-out-extended": "DFG-out, loop not folded",
    "closed": "closed, SH2 on the C-lobe",
    "open": "open, SH2 on the N-lobe",
}
PAIRS: tuple[tuple[ClassName, ClassName], ...] = (
    ("active", "dfg-out-folded"),
    ("active", "dfg-out-extended"),
    ("dfg-out-folded", "dfg-out-extended"),
    ("closed", "open"),
)
"""Compared, the second against the first."""
_FEWEST_RESIDUES = 3
_LARGEST_OWN = 40
"""Of the residue's regions: a lobe tells nothing of its place."""
_ALWAYS = ("helix_c", "p_loop", "activation_loop", "paper_window")
"""Regions whose resolved differences stand in the table beside the residue's own."""
_MOBILE, _STIFF = 1.25, 0.8
"""Multiples of the domain's mean."""


def regions_compared(pack: TargetPack) -> dict[str, tuple[int, ...]]:
    """The family of regions that one comparison of conformations is corrected for.

    Domains are no part of it: the kinase domain is the scale, and others are moved as a whole by their hinge.
    """
    members = {r.name: tuple(r.members()) for r in pack.regions if r.kind != "domain"}
    return {name: own for name, own in members.items() if len(own) >= _FEWEST_RESIDUES}


def crystal_question(
    variant: Variant, table: CrystalFlexibility | None, pack: TargetPack
) -> MobilityQuestion:
    """The residue and its regions by conformation, then what differs between the conformations."""
    places = [f"{part.wild_type}{part.position}" for part in variant.substitutions]
    question = f"How mobile is the native kinase (mean 1) at {join(places)}, and how do conformations differ?"
    if table is None:
        answer = "Not asked: the target pack has no table of its crystals."
        return MobilityQuestion(id="crystals", question=question, answer=answer, findings=())
    regions = regions_compared(pack)
    own = [
        name
        for name, members in regions.items()
        if set(members) & set(variant.positions) and len(members) <= _LARGEST_OWN
    ]
    readings = [
        found
        for part, place in zip(variant.substitutions, places, strict=True)
        for found in _by_class(table, place, (part.position,))
    ]
    said = [f"{item.where} {item.result.partition(' ')[0]}" for item in readings] or [
        f"no crystal shows {join(places)}"
    ]
    for name in own:
        readings += _by_class(table, region_label(pack, name), regions[name])
    for first, second in PAIRS:
        readings += [
            _difference(row, first, second, pack)
            for row in _compared(table, first, second, regions)
            if row.difference.resolved and row.region in (*own, *_ALWAYS)
        ]
    answer = (
        f"In multiples of the kinase domain's mean: {'; '.join(said)}. This is the native kinase; it says "
        f"nothing of how {variant.short} moves."
    )
    return MobilityQuestion(id="crystals", question=question, answer=answer, findings=tuple(readings))


def state_findings(
    table: CrystalFlexibility | None, region: str, pack: TargetPack
) -> tuple[MobilityFinding, ...]:
    """A region in DFG-out against the active form, by how the activation loop lies."""
    return tuple(
        _difference(row, first, second, pack)
        for first, second in PAIRS
        if first == "active" and table is not None
        for row in _compared(table, first, second, regions_compared(pack))
        if row.region == region
    )


def _by_class(table: CrystalFlexibility, what: str, residues: tuple[int, ...]) -> list[MobilityFinding]:
    rows = []
    for item in table.network:
        found = class_mean(item, residues)
        if found is None:
            continue
        ends = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f})"
        rows.append(
            MobilityFinding(
                method="network",
                where=f"{what}: {CLASS_LABELS[item.name]}",
                result=f"{found.mean:.2f}{ends}",
                verdict="mobile" if found.mean > _MOBILE else ("stiff" if found.mean < _STIFF else "average"),
                sampling=f"{found.entries} wwPDB {'entry' if found.entries == 1 else 'entries'}",
            )
        )
    return rows


def _difference(
    row: RegionDifference, first: ClassName, second: ClassName, pack: TargetPack
) -> MobilityFinding:
    where = f"{region_label(pack, row.region)}: {CLASS_LABELS[second]} against {CLASS_LABELS[first]}"
    values = f"{row.first:.2f} and {row.second:.2f}"
    return of_two("network", where, row.difference, CLASS_LABELS[second], result=values)


def _compared(
    table: CrystalFlexibility, first: ClassName, second: ClassName, regions: dict[str, tuple[int, ...]]
) -> list[RegionDifference]:
    one, two = class_named(table.network, first), class_named(table.network, second)
    return [] if one is None or two is None else compare_classes(one, two, regions)

"""What the atlas of affinity says, in words. Rows come from :mod:`kinscope.affinity.atlas`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

FAR_ANGSTROM = 10.0
_FOLD = {
    "catalytic": "It changes a residue that kinases do not do without: whether this is a kinase still comes "
    "before its affinity.",
    "packing": "Without any drug it packs worse than 95 % of single-base substitutions ({excess:+.1f} "
    "kcal/mol): whether this folds as a kinase comes before its affinity.",
}
ADDITIVITY = (
    "Of double mutants, effects of residues that do not touch add up within about 0.5 kcal/mol, those of "
    "residues that do need not (Wells, Biochemistry 1990, 29, 8509). The sum's interval is not calibrated."
)


class Row(Protocol):
    """What is read of a row of the atlas."""

    change: str
    drug: str
    ddg_kcal_per_mol: float
    low_90: float
    high_90: float
    upper_95: float
    p_lost: float
    left_out: bool
    reach_angstrom: float
    spoken_for: bool
    nearest_measured: int
    nearest_angstrom: float
    trained_on_site: bool
    drivers: dict[str, float]
    fold_rule: str
    packing_excess: float
    codons: str
    mutability: str
    tier: int


def call_of(row: Row) -> str:
    """What the interval allows to be said of a tenfold loss."""
    if not row.trained_on_site:
        return "not calibrated here"
    if row.ddg_kcal_per_mol > 1.36:
        return "lost tenfold, likely"
    if row.reach_angstrom > FAR_ANGSTROM:
        return "out of reach"
    return "kept" if row.upper_95 < 1.36 else "open"


def table(rows: Sequence[Row], names: Mapping[str, str]) -> str:
    """One line a drug."""
    lines = [f"{'':<15}{'ddG':>6}   {'90 % interval':<16}{'P(lost)':>7}{'distance':>10}   {'':<21}most from"]
    for row in rows:
        span = f"{row.low_90:+.1f} to {row.high_90:+.1f}"
        far = f"{row.reach_angstrom:.0f} Å"
        parts = {k: v for k, v in row.drivers.items() if k not in ("base", "drug")}
        most = max(parts, key=lambda name: abs(parts[name]))
        driver = f"{most} {parts[most]:+.1f}" if abs(parts[most]) >= 0.1 else ""
        lines.append(
            f"{names.get(row.drug, row.drug):<15}{row.ddg_kcal_per_mol:>+6.1f}   {span:<16}{row.p_lost:>7.2f}"
            f"{far:>10}   {call_of(row):<21}{driver}"
        )
    return "\n".join(lines)


def sentences(rows: Sequence[Row], far: Mapping[str, Any]) -> list[str]:
    """What to know of one substitution's rows; ``far`` counts the measured pairs beyond 10 angstrom."""
    first, said = rows[0], []
    if first.fold_rule:
        said.append(_FOLD[first.fold_rule].format(excess=first.packing_excess))
    distant = [row for row in rows if row.reach_angstrom > FAR_ANGSTROM and row.trained_on_site]
    if distant and far:
        said.append(_distant(distant, far))
    if not first.spoken_for:
        said.append(
            f"No measured residue lies within 8 Å (the nearest, {first.nearest_measured}, "
            f"{first.nearest_angstrom:.0f} Å): intervals are those of whole regions left out."
        )
    if first.left_out:
        said.append("This residue was measured; its measurements were left out of what is predicted here.")
    if any(not row.trained_on_site for row in rows):
        said.append(
            "Asciminib: no pair at the myristate site was measured; its figure is carried over "
            "from the ATP site, and losses by a shift of the assembly are outside it."
        )
    change = (
        f"One base makes it: {first.codons} ({first.mutability})."
        if first.codons
        else "No single base makes it."
    )
    return [*said, change]


def _distant(rows: Sequence[Row], far: Mapping[str, Any]) -> str:
    near, away = min(row.reach_angstrom for row in rows), max(row.reach_angstrom for row in rows)
    span = f"{near:.0f} Å" if round(near) == round(away) else f"{near:.0f}-{away:.0f} Å"
    lost = far["lost"] or "none"
    bound = 100.0 * (3.0 if not far["lost"] else far["lost"] + 3.0) / far["pairs"]
    return (
        f"Out of the drug's reach ({span}): of {far['pairs']} measured pairs beyond 10 Å {lost} lost "
        f"tenfold; direct effect {sum(row.ddg_kcal_per_mol for row in rows) / len(rows):+.1f} kcal/mol "
        f"(90 % {min(row.low_90 for row in rows):+.1f} to {max(row.high_90 for row in rows):+.1f}); up to "
        f"{bound:.0f} % could still matter; assembly, activation, expression and asciminib are outside this "
        "estimate."
    )


def compound(parts: Sequence[Sequence[Row]], names: Mapping[str, str]) -> str:
    """The sum of several substitutions' rows by drug, and what is known of sums."""
    by_drug: dict[str, float] = {}
    for rows in parts:
        for row in rows:
            by_drug[row.drug] = by_drug.get(row.drug, 0.0) + row.ddg_kcal_per_mol
    sums = ", ".join(f"{names.get(drug, drug)} {value:+.1f}" for drug, value in by_drug.items())
    return f"Sum: {sums} kcal/mol. {ADDITIVITY}"

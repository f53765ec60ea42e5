"""What `kinscope lookup` prints of rows of the atlas of affinity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinscope.affinity.atlas import FAR_ANGSTROM
from kinscope.report.predicted import CALLS, driving, still_a_kinase

_SUM = (
    "Sum: {} kcal/mol. Effects of residues that do not touch add up within about 0.5 kcal/mol, those of "
    "residues that touch need not (Wells, Biochemistry 1990, 29, 8509). The sum has no interval."
)
_DISTANT = (
    "Out of {} reach ({} Å): of {} measured pairs beyond 10 Å {} lost tenfold; direct "
    "effect {:+.1f} kcal/mol (90 % {:+.1f} to {:+.1f}); up to {:.0f} % could still matter; assembly, "
    "activation, expression and asciminib are outside this estimate."
)


def heading(gene: str, rows: Sequence[Any]) -> str:
    """What stands above one substitution's rows."""
    change, tier = rows[0].change, max(row.tier for row in rows)
    return f"{change} ({gene}): predicted ddG, kcal/mol, positive where affinity is lost; tier {tier}"


_SUSPECTED = (
    "Loss suspected: predictions are shrunken, as many exceed {:+.1f} as measurements exceed a tenfold loss; "
    "of {} so called, residue hidden, {} were lost."
)


def table(rows: Sequence[Any], names: Mapping[str, str]) -> str:
    """One line a drug."""
    known = any(row.measured_kcal_per_mol is not None for row in rows)
    head = f"{'':<15}{'ddG':>6}   {'90 % interval':<16}{'P(lost)':>7}{'distance':>10}   "
    lines = [head + f"{'measured':<11}" * known + f"{'':<21}most from"]
    for row in rows:
        value = row.measured_kcal_per_mol
        beside = f"{'' if value is None else f'{value:+.1f}':<11}" * known
        call, driver = CALLS.get(row.call, row.call), driving(row.drivers, 1)
        lines.append(
            f"{names.get(row.drug, row.drug):<15}{row.ddg_kcal_per_mol:>+6.1f}   "
            f"{f'{row.low_90:+.1f} to {row.high_90:+.1f}':<16}{row.p_lost:>7.2f}"
            f"{row.reach_angstrom:>8.0f} Å   {beside}{call:<21}{driver}"
        )
    return "\n".join(lines)


def sentences(rows: Sequence[Any], made: Mapping[str, Any]) -> list[str]:
    """What to know of one substitution's rows; ``made``: how the atlas was made."""
    first, said = rows[0], []
    if first.fold_rule:
        said.append(still_a_kinase(first.fold_rule, first.packing_excess, made.get("fold_tested", (0, 0))))
    lacking = ", ".join(sorted({*made.get("drugs", ())} - {row.drug for row in rows}))
    if lacking:
        why = "Within reach, not computed yet" if made.get("pending") else "Not shown by the structures of"
        said.append(f"{why}: {lacking}.")
    relaxed = [row for row in rows if row.tier == 2 and row.relaxed_kcal_per_mol is not None]
    told = [
        f"{row.drug} {row.relaxed_kcal_per_mol:+.1f} ({row.relaxed_low:+.1f} to {row.relaxed_high:+.1f})"
        for row in relaxed
    ]
    if told:
        said.append(f"Tier 2, relaxed complexes (interaction, 95 %), no part of the ddG: {', '.join(told)}.")
    suspected = next((row for row in rows if row.call == "loss suspected"), None)
    if suspected:
        right, count = made.get("track", {}).get("loss suspected", (0, 0))
        said.append(_SUSPECTED.format(suspected.suspect_above, count, right))
    far = made.get("far_pairs", {})
    distant = [row for row in rows if row.reach_angstrom > FAR_ANGSTROM and row.trained_on_site]
    if distant and far:
        reach = sorted({f"{row.reach_angstrom:.0f}" for row in distant}, key=int)
        whose = "the drugs'" if len(distant) > 2 else " and ".join(f"{row.drug}'s" for row in distant)
        count, lost = far["pairs"], far["lost"]
        said.append(
            _DISTANT.format(
                whose, "-".join(dict.fromkeys((reach[0], reach[-1]))), count, lost or "none",
                sum(row.ddg_kcal_per_mol for row in distant) / len(distant),
                min(row.low_90 for row in distant),
                max(row.high_90 for row in distant), 100.0 * (3.0 + lost) / count,
            )
        )  # fmt: skip
    if not first.spoken_for:
        said.append(
            f"No measured residue lies within 8 Å (the nearest, {first.nearest_measured}, "
            f"{first.nearest_angstrom:.0f} Å): intervals are those of whole regions left out."
        )
    if first.left_out:
        said.append(
            "All measurements of this residue were left out of what is predicted; a measured value counts."
        )
    if any(not row.trained_on_site for row in rows):
        said.append(
            "Asciminib: no pair at the myristate site trained the model (three were measured, all lost); its "
            "figure is carried over from the ATP site, and losses by a shift of the assembly are outside it."
        )
    bases = (
        f"One base makes it: {first.codons} ({first.mutability}; {first.relative_rate:.1f} times as often as "
        "the domain's mean, Leighow, Cell Rep 2020)."
        if first.codons
        else "No single base makes it."
    )
    return [*said, bases]


def compound(rows: Sequence[Any], names: Mapping[str, str]) -> str:
    """The sum of several substitutions' rows by drug, and what is known of sums."""
    total: dict[str, float] = {}
    for row in rows:
        total[row.drug] = total.get(row.drug, 0.0) + row.ddg_kcal_per_mol
    return _SUM.format(", ".join(f"{names.get(drug, drug)} {value:+.1f}" for drug, value in total.items()))

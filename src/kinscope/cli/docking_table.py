"""The docking table as text for people and as CSV for machines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from kinscope.analysis.calls import together
from kinscope.core.tables import csv_text
from kinscope.docking.known.reference import SEARCHED
from kinscope.docking.table.differences import SMALLEST_MEANINGFUL_KCAL_PER_MOL, fits_apart
from kinscope.interpretation.words.docking import fit_in_words, helix_in_words
from kinscope.interpretation.words.say import say, say_all
from kinscope.results.docking import CallWord, DockedSide, DockingRow
from kinscope.results.measured import Difference

WIDTH = 110
"""Columns; a terminal of 110 shows every line whole."""
_DRUG, _STATE, _SCORE, _DIFFERENCE = 15, 22, 14, 22
TIED_KCAL_PER_MOL = 0.5
"""Side chains repacked about a pose change its rank by as much (docs/why/docking.md)."""
_BEYOND = (
    "not reached: the substitution lies beyond the drug's surroundings, so its pose does not feel it; what "
    "acts through motion or the balance of states is not seen here"
)
_OF_SEARCH = ("side-chains-made-room", "best-form-of-site", "ranks-behind-form")


def table_lines(
    rows: Sequence[DockingRow], variant: str, skipped: Sequence[str] = (), notes: Sequence[str] = ()
) -> list[str]:
    """The whole table as lines of at most :data:`WIDTH` characters."""
    fitting = [row for row in rows if row.outcome == "docked"]
    others = [row for row in rows if row.outcome != "docked"]
    lines: list[str] = []
    if fitting:
        lines += [*_scores(fitting, variant), "", *_poses(fitting, variant), ""]
        lines += [*_reasons(fitting), "", *_by_drug(fitting), ""]
    if others:
        lines += [*_misfits(others), ""]
    for text in skipped:
        lines += wrapped(text, "not docked  ")
    for text in notes:
        lines += wrapped(text, "note  ")
    lines += _legend(rows)
    return [line.rstrip() for line in lines]


def table_csv(rows: Sequence[DockingRow]) -> str:
    """One row per drug and state, every figure of it."""
    flat = [_flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    return csv_text(names, ([row.get(name) for name in names] for row in flat))


def wrapped(text: str, head: str = "") -> list[str]:
    """Text broken at spaces, what follows the first line indented below it."""
    # States are named with hyphens.
    wrap = textwrap.TextWrapper(WIDTH, head, " " * len(head), break_on_hyphens=False)
    return wrap.wrap(text) or [head]


def _scores(rows: Sequence[DockingRow], variant: str) -> list[str]:
    head = (
        f"{'drug':<{_DRUG}}{'state':<{_STATE}}{'native':<{_SCORE}}{variant[: _SCORE - 1]:<{_SCORE}}"
        f"{'Vina, difference':<{_DIFFERENCE}}{'relaxed, difference':<{_DIFFERENCE}}"
    )
    lines = [head, "-" * WIDTH]
    for row in rows:
        relaxed = row.relaxed.difference_kcal_per_mol if row.relaxed else None
        lines.append(
            f"{row.name:<{_DRUG}}{row.state:<{_STATE}}{_score(row.native):<{_SCORE}}{_score(row.mutant):<{_SCORE}}"
            f"{_difference(row.difference_kcal_per_mol):<{_DIFFERENCE}}{_difference(relaxed):<{_DIFFERENCE}}"
        )
        if row.call is not None:
            lines += wrapped(f"{row.call.word}", " " * _DRUG + "call: ")
    return lines


def _poses(rows: Sequence[DockingRow], variant: str) -> list[str]:
    head = (
        f"{'drug':<{_DRUG}}{'state':<{_STATE}}{'side':<13}{'RMSD, A':>8}{'strain':>8}  {'valid':<6}"
        f"{'searches':>8}  contacts: - lost, + gained"
    )
    lines = [head, "-" * WIDTH]
    for row in rows:
        for side, docked in (("native", row.native), (variant, row.mutant)):
            if docked is None:
                continue
            first, rmsd = side == "native", docked.rmsd_to_crystal_angstrom
            rmsd = docked.rmsd_to_known_angstrom if rmsd is None else rmsd
            lines.append(
                f"{row.name if first else '':<{_DRUG}}{row.state if first else '':<{_STATE}}{side[:12]:<13}"
                f"{_number(rmsd, 2):>8}{_number(docked.strain_kcal_per_mol, 1):>8}"
                f"  {'yes' if docked.valid else 'NO':<6}"
                f"{docked.searches:>8}"
            )
            for problem in docked.problems:
                lines += wrapped(say(problem), " " * (_DRUG + _STATE) + "problem: ")
            other = docked.best_elsewhere_kcal_per_mol
            if other is not None and docked.score_kcal_per_mol - other >= SMALLEST_MEANINGFUL_KCAL_PER_MOL:
                lines += wrapped(f"another mode scores better: {other:.1f} kcal/mol", " " * (_DRUG + _STATE))
        changes = [f"- {text}" for text in _by_kind(row.contacts_lost)]
        changes += [f"+ {text}" for text in _by_kind(row.contacts_gained)]
        lines += wrapped("; ".join(changes) or "contacts as in the native", " " * _DRUG)
        lines += [line for text in _found(row) for line in wrapped(text, " " * _DRUG)]
        if row.native_helix is not None and row.mutant_helix is not None:
            sides = f"native {helix_in_words(row.native_helix)}; {variant} {helix_in_words(row.mutant_helix)}"
            lines += wrapped(f"helix I: {sides}", " " * _DRUG)
    return lines


def _found(row: DockingRow) -> list[str]:
    """What a blind search found: its distinct poses, and with which side chains and in which state."""
    lines = []
    for pose in row.found:
        core = "" if (it := pose.core_rmsd_to_first_angstrom) is None else f" ({it:.1f} over its core)"
        text = f"pose {pose.rank}: rank {pose.ranking_kcal_per_mol:.1f}, Vina {pose.score_kcal_per_mol:.1f}"
        text += f", {pose.rmsd_to_first_angstrom:.1f} A from the first{core}" if pose.rank > 1 else ""
        behind = pose.ranking_kcal_per_mol - row.found[0].ranking_kcal_per_mol
        text += ", a tie" if pose.rank > 1 and behind < TIED_KCAL_PER_MOL else ""
        lines.append("; ".join([text, *_by_kind(pose.contacts), *say_all(pose.problems)]))
    return [*lines, *(say(item) for item in row.notes if item.code in _OF_SEARCH)]


def _by_kind(contacts: Iterable[str]) -> list[str]:
    """Contacts (``Met318 hydrogen bond``), those of a kind together: ``hydrogen bond Met318, Glu316``."""
    kinds: dict[str, list[str]] = {}
    for residue, _, kind in (contact.partition(" ") for contact in contacts):
        kinds.setdefault(kind, []).append(residue)
    return [f"{kind} {', '.join(residues)}" for kind, residues in kinds.items()]


def _reasons(rows: Sequence[DockingRow]) -> list[str]:
    places: dict[str, list[str]] = {}
    for row in rows:
        if row.call is None:
            continue
        said = _BEYOND if row.call.word == "not reached" else f"{row.call.word}: {say(row.call.reason)}"
        if row.call.disagreement:
            said += f"; the two scores disagree: {say(row.call.disagreement)}"
        away = _number(row.distance_to_variant_angstrom, 1)
        places.setdefault(said, []).append(f"{row.name} in {row.state} ({away} A)")
    lines = [line for said, where in places.items() for line in wrapped(f"{', '.join(where)}: {said}", "- ")]
    if names := dict.fromkeys(row.name for row in rows if row.reference == SEARCHED):
        lines += wrapped(
            f"{', '.join(names)}: the pose is the best of a blind search, and may be wrong", "- "
        )
    return ["why (and how far the drug is from the substitution)", "-" * WIDTH, *lines]


def _by_drug(rows: Sequence[DockingRow]) -> list[str]:
    """What the states that hold a drug say together; where they contradict each other, that."""
    words: dict[str, list[CallWord]] = {}
    for row in rows:
        if row.call is not None:
            words.setdefault(row.name, []).append(row.call.word)
    lines = ["by drug", "-" * WIDTH]
    for name, found in words.items():
        said = together(found)
        word = " and ".join(said)
        lines.append(
            f"{name:<{_DRUG}}{word if len(said) < 2 else f'contradictory: {word} in different states'}"
        )
    return lines


def _misfits(rows: Sequence[DockingRow]) -> list[str]:
    lines = ["binding modes that a state does not hold (measured, nothing is forced)", "-" * WIDTH]
    for row in rows:
        head = f"{row.name:<{_DRUG}}{row.state:<{_STATE}}"
        if row.outcome == "not modelled":
            lines += wrapped("; ".join(say_all(row.notes)), head)
            continue
        for side, fit in (("native: ", row.native_fit), (f"{row.variant}: ", row.mutant_fit)):
            if fit is not None:
                lines += wrapped(side + fit_in_words(fit), head)
                head = " " * len(head)
        if (apart := fits_apart(row.native_fit, row.mutant_fit)) is not None:
            lines += wrapped(say(apart), head)
        if row.native_helix is not None:
            lines += wrapped(f"helix I {helix_in_words(row.native_helix)}", head)
    return lines


def _legend(rows: Sequence[DockingRow]) -> list[str]:
    crystal = any(row.native and row.native.rmsd_to_crystal_angstrom is not None for row in rows)
    known = "the co-crystal" if crystal else "the known pose; with --pdb-mirror, to the co-crystal itself"
    return wrapped(
        "Vina: mean score in kcal/mol over searches and models, with its standard deviation over models; "
        "! the known mode is gone. RMSD, strain and contacts are of the best pose. "
        "Differences: mutant less native [95 % interval]; ~ within the noise. Relaxed: interaction energy of "
        "drug and pocket relaxed together in the force field, over rotamers and repeats; its scale is "
        "steeper than that of affinities. Strain: MMFF94, kcal/mol. Calls: the rule of docs/why/docking.md. "
        f"Ranks within {TIED_KCAL_PER_MOL} kcal/mol, of poses or states, tie. RMSD: to {known}."
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _score(side: DockedSide | None) -> str:
    if side is None:
        return "-"
    gone = "" if side.known_mode_kept else "!"
    return f"{side.score_kcal_per_mol:.1f} +- {side.spread_kcal_per_mol:.1f}{gone}"


def _difference(item: Difference | None) -> str:
    if item is None or item.value is None:
        return "-"
    low, high = item.low, item.high
    interval = "" if low is None or high is None else f" [{_signed(low)}, {_signed(high)}]"
    return f"{'' if item.resolved else '~ '}{_signed(item.value)}{interval}"


def _signed(value: float) -> str:
    """One decimal with a sign, zero without."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def _flat(row: DockingRow) -> dict[str, object]:
    flat: dict[str, object] = {
        name: getattr(row, name)
        for name in (
            "drug", "name", "binding_type", "site", "state", "own_state", "variant", "outcome", "reference",
            "reference_to_crystal_angstrom", "distance_to_variant_angstrom",
        )
    }  # fmt: skip
    for side, docked in (("native", row.native), ("mutant", row.mutant)):
        if docked is not None:
            for name in DockedSide.model_fields:
                value = getattr(docked, name)
                flat[f"{side}_{name}"] = "; ".join(value) if name == "contacts" else value
            flat[f"{side}_problems"] = "; ".join(say_all(docked.problems))
    if row.found:
        flat["found"] = " | ".join(_found(row))
    relaxed = row.relaxed.difference_kcal_per_mol if row.relaxed else None
    for name, item in (("vina", row.difference_kcal_per_mol), ("relaxed", relaxed)):
        if item is not None:
            flat |= {
                f"{name}_difference_kcal_per_mol": item.value, f"{name}_low": item.low,
                f"{name}_high": item.high, f"{name}_resolved": item.resolved,
            }  # fmt: skip
    for side, helix in (("native", row.native_helix), ("mutant", row.mutant_helix)):
        if helix is not None:
            flat |= {f"{side}_helix_i": helix.form, f"{side}_helix_i_degrees": helix.angle_degrees}
    flat["contacts_lost"] = "; ".join(row.contacts_lost)
    flat["contacts_gained"] = "; ".join(row.contacts_gained)
    if row.call is not None:
        disagreement = say(row.call.disagreement) if row.call.disagreement else ""
        flat |= {"call": row.call.word, "reason": say(row.call.reason), "disagreement": disagreement}
    for side, fit in (("native", row.native_fit), ("mutant", row.mutant_fit)):
        if fit is not None:
            flat |= {
                f"{side}_fit": fit.fits, f"{side}_fit_clashes": fit.clashes,
                f"{side}_fit_moved_angstrom": fit.moved_angstrom,
                f"{side}_fit_score_kcal_per_mol": fit.score_kcal_per_mol,
                f"{side}_fit_statement": fit_in_words(fit),
            }  # fmt: skip
    return flat

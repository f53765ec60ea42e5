"""Stretches that a user's structure does not show: from the shipped models where their flanks agree.

A stretch is taken from the shipped model whose backbone fits the structure's on either side best, those of
the same measured conformation first, and bent so that both its ends meet the structure (the difference that
remains at either end fades out along the stretch). Where none fits it is built.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.core.residues import ranges
from kinscope.results.notes import note
from kinscope.results.user_structure import LONGEST_GAP, FilledGap, UserStructureOptions
from kinscope.structures.completion.heavy_atoms import in_template_order
from kinscope.structures.io import read_model
from kinscope.structures.model import AtomArray, position
from kinscope.structures.reference.build import MODELS_DIRECTORY, SHIPPED_MODEL_FILE, available_states
from kinscope.structures.stereochemistry import dihedrals
from kinscope.structures.superposition import RigidTransform, common_atoms, superpose
from kinscope.targets.pack import TargetPack

FLANK = 5
"""Residues on either side that the shipped model is laid on."""
_REACH = 8
"""The flank's residues are looked for within this many of the stretch."""
_MIN_FLANK = 3
FLANK_RMSD = 0.8
FLANK_RMSD_PER_RESIDUE = 0.06
"""Backbone of the flanks, angstrom: a stretch of n residues is taken where it is at most 0.8 + 0.06 n, for a
longer stretch takes up more of a difference between its ends; beyond that it is built instead."""
PEPTIDE_BREAK = 2.0
"""A C-N distance beyond this between consecutive residues is a break whose two sides are made anew."""
STUB = 4
"""Pieces at an end that are this short carry no flank and are cut off."""
WIDEST = 3
"""Residues on either side of a missing stretch that may be given up so that it joins."""
ACCEPTED_STRAIN = 0.6
"""Sum of angstrom off the bond length, half the angstrom off the CA-CA distance, and omega's departure from
trans in units of 90 degrees: below this, minimisation closes the bond without a trace."""
_PEPTIDE, _ALPHA_TO_ALPHA = 1.33, 3.80
"""Angstrom, trans peptide (Engh & Huber, Acta Cryst. A 1991, 47, 392)."""
_SHORTEST_BUILT = 3
_STUBS = "an end of a few residues beyond a missing stretch"
MIN_KEPT = 0.75
"""Share of the kinase domain that must remain when a structure is cut."""
_TOO_NEAR = 1.6
"""Heavy atoms of a stretch this near to others cannot be relaxed apart reliably."""


@dataclass(frozen=True)
class Donor:
    """One shipped model as a source of stretches."""

    state: str
    atoms: AtomArray
    preferred: bool
    """Of the conformation of the structure."""


def donors(pack: TargetPack, dfg: str, like: str) -> list[Donor]:
    """Shipped models, those of the structure's conformation (or what it is like) marked; all if unknown."""
    found = []
    for state in available_states(pack):
        path = pack.directory / MODELS_DIRECTORY / state / SHIPPED_MODEL_FILE
        kept = _heavy_atoms(str(path), path.stat().st_mtime_ns)
        preferred = state == like if like else dfg in ("", pack.state(state).dfg)
        found.append(Donor(state, kept, preferred))
    return found


@lru_cache(maxsize=32)
def _heavy_atoms(path: str, modified_ns: int) -> AtomArray:
    """Heavy atoms of a shipped model without its caps; nobody changes them in place."""
    atoms = read_model(Path(path))
    return atoms[(atoms.element != "H") & ~np.isin(atoms.res_name, ("ACE", "NME"))]


def without_breaks(atoms: AtomArray) -> tuple[AtomArray, tuple[int, ...]]:
    """The chain without residues that lack a backbone atom or stand beside a broken peptide bond."""
    numbers = [int(number) for number in np.unique(atoms.res_id)]
    wanting = {n for n in numbers if not {"N", "CA", "C"} <= set(atoms.atom_name[atoms.res_id == n])}
    for left, right in pairwise(numbers):
        if right == left + 1 and not {left, right} & wanting:
            bond = position(atoms, left, "C") - position(atoms, right, "N")
            if np.linalg.norm(bond) > PEPTIDE_BREAK:
                wanting |= {left, right}
    return atoms[~np.isin(atoms.res_id, sorted(wanting))], tuple(sorted(wanting))


def missing_stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """First and last residue of every stretch missing between residues that are there."""
    return [(before[1] + 1, after[0] - 1) for before, after in pairwise(ranges(numbers))]


def fitting_range(
    atoms: AtomArray, domain: tuple[int, ...], options: UserStructureOptions, label: str
) -> tuple[int, int, tuple[str, ...]]:
    """First and last residue of the model, and what is cut off for it, in words.

    Raises StructureError if a stretch longer than allowed is missing and nothing may be cut off, or too
    little would remain.
    """
    shown = sorted({int(number) for number in atoms.res_id})
    first, last = _without_stubs(shown, (shown[0], shown[-1]))
    numbers = [number for number in shown if first <= number <= last]
    long = [gap for gap in missing_stretches(numbers) if gap[1] - gap[0] + 1 > options.max_gap]
    if not long:
        return first, last, _ends(shown, (first, last), _STUBS)
    if not options.allow_truncation:
        raise _too_long(long, options, label)
    bounds = [first, *(edge for gap in long for edge in (gap[0] - 1, gap[1] + 1)), last]
    pieces = list(zip(bounds[::2], bounds[1::2], strict=True))
    members = set(domain)
    best = max(pieces, key=lambda piece: (len(members & set(range(piece[0], piece[1] + 1))), piece))
    best = _without_stubs(numbers, best)
    kept = len(members & set(range(best[0], best[1] + 1)))
    if kept < MIN_KEPT * len(members):
        raise StructureError(
            f"Cut at its missing stretches ({_words(long)}), the best piece {best[0]}-{best[1]} would hold "
            f"{100 * kept / len(members):.0f} % of the kinase domain; three quarters are needed.",
            where=label,
            remedy="Give another structure, or allow longer stretches to be filled with --max-gap.",
        )
    return *best, _ends(shown, best, "beyond a missing stretch")


def _ends(shown: list[int], kept: tuple[int, int], why: str) -> tuple[str, ...]:
    """What the file shows outside the range kept, in words."""
    before = [number for number in shown if number < kept[0]]
    after = [number for number in shown if number > kept[1]]
    return tuple(f"{part[0]}-{part[-1]} ({why})" for part in (before, after) if part)


def fill(atoms: AtomArray, sources: list[Donor], label: str) -> tuple[AtomArray, tuple[FilledGap, ...]]:
    """The chain (heavy atoms) with stretches of shipped models in place, and how each gap is to be filled.

    What no shipped model can give is left for :func:`build_missing`, which takes longer. Raises
    StructureError if a stretch has no flank to stand on.
    """
    filled = []
    for gap in missing_stretches(int(number) for number in atoms.res_id):
        atoms, how = _fill_one(atoms, gap, sources, label)
        filled.append(how)
    return in_template_order(atoms), tuple(filled)


def build_missing(
    atoms: AtomArray, gaps: tuple[FilledGap, ...], pack: TargetPack, label: str
) -> tuple[AtomArray, tuple[FilledGap, ...]]:
    """The chain with the stretches that are to be built built, in template order, and all gaps as filled.

    Where no backbone joins the two sides, a residue on either side is given up, up to :data:`WIDEST` times.
    Raises StructureError if a stretch cannot be built.
    """
    filled = []
    for gap in gaps:
        if gap.origin == "built":
            atoms, gap = _built(atoms, gap, pack, label)
        filled.append(gap)
    return in_template_order(atoms), tuple(filled)


def _built(atoms: AtomArray, gap: FilledGap, pack: TargetPack, label: str) -> tuple[AtomArray, FilledGap]:
    from kinscope.structures.reference.loops import build_loops

    narrow = max(0, (_SHORTEST_BUILT - gap.length + 1) // 2)
    problem: StructureError | None = None
    for wider in range(narrow, max(narrow, WIDEST) + 1):
        first, last = gap.first_residue - wider, gap.last_residue + wider
        outside = atoms[(atoms.res_id < first) | (atoms.res_id > last)]
        try:
            whole, (built,) = build_loops(outside, [(first, last)], pack.transcript.protein)
        except StructureError as error:
            problem = error
            continue
        tried = gap.note.values["tried"] if gap.note else ()
        done = {"first_residue": first, "last_residue": last, "note": built.noted(tried=tried)}
        return whole, gap.model_copy(update=done)
    raise StructureError(
        f"The missing stretch {gap.first_residue}-{gap.last_residue} cannot be built.",
        where=label,
        remedy="Give a structure that shows it." + (f" ({problem.what})" if problem else ""),
    )


def _fill_one(
    atoms: AtomArray, gap: tuple[int, int], sources: list[Donor], label: str
) -> tuple[AtomArray, FilledGap]:
    flanks = _flanks(atoms, gap)
    if flanks is None:
        raise StructureError(
            f"The missing stretch {gap[0]}-{gap[1]} has too few residues beside it to be filled.",
            where=label,
            remedy="Give a structure that shows more around it.",
        )
    tried = []
    for donor in sources:
        held = {int(number) for number in donor.atoms.res_id}
        if not {*range(gap[0] - WIDEST, gap[1] + WIDEST + 1), *flanks} <= held:
            continue
        transform = superpose(donor.atoms, atoms, flanks)
        tried.append((not donor.preferred, transform.rmsd_angstrom, donor, transform))
    reasons = []
    for _, rmsd, donor, transform in sorted(tried, key=lambda item: item[:2]):
        if rmsd > FLANK_RMSD + FLANK_RMSD_PER_RESIDUE * (gap[1] - gap[0] + 1):
            reasons.append(f"{donor.state} flanks {rmsd:.1f} A")
            continue
        joined, taken = _joined(atoms, donor.atoms, gap, transform)
        if joined is None:
            reasons.append(f"{donor.state} meets other atoms")
            continue
        beside = [number for number in range(taken[0], taken[1] + 1) if not gap[0] <= number <= gap[1]]
        other = int(not donor.preferred)
        said = note("grafted-with", beside=tuple(beside), other_conformation=other)
        return joined, FilledGap(
            first_residue=taken[0],
            last_residue=taken[1],
            origin="grafted",
            state=donor.state,
            flank_rmsd_angstrom=round(rmsd, 3),
            note=said if beside or other else None,
        )
    why = note("not-grafted", tried=tuple(reasons))
    return atoms, FilledGap(first_residue=gap[0], last_residue=gap[1], origin="built", note=why)


def _joined(
    atoms: AtomArray, donor: AtomArray, gap: tuple[int, int], transform: RigidTransform
) -> tuple[AtomArray | None, tuple[int, int]]:
    """The chain with the stretch in place, widened until its peptide bonds at both ends can close.

    The residues beside a missing stretch are the worst of a crystal; where the stretch does not join them
    well, up to :data:`WIDEST` on either side are taken from the donor too. None if it always meets others.
    """
    best: tuple[float, AtomArray | None, tuple[int, int]] = (np.inf, None, gap)
    for left, right in product(range(WIDEST + 1), repeat=2):
        wide = (gap[0] - left, gap[1] + right)
        outside = atoms[(atoms.res_id < wide[0]) | (atoms.res_id > wide[1])]
        if not {wide[0] - 1, wide[1] + 1} <= {int(number) for number in outside.res_id}:
            continue
        piece = _bent(donor, outside, wide, transform)
        if _nearest(piece, outside, wide) < _TOO_NEAR:
            continue
        whole = outside + piece
        strain = max(_strain(whole, wide[0] - 1), _strain(whole, wide[1]))
        # A residue of the file is worth keeping: each one given up must buy a better joint.
        cost = max(strain, ACCEPTED_STRAIN) + 0.05 * (left + right)
        if cost < best[0]:
            best = (cost, whole, wide)
    return best[1:]


def _strain(atoms: AtomArray, left: int) -> float:
    """How far the peptide bond after a residue is from closed: length, and whether it is trans."""
    alpha, carbon = position(atoms, left, "CA"), position(atoms, left, "C")
    nitrogen, after = position(atoms, left + 1, "N"), position(atoms, left + 1, "CA")
    omega = abs(dihedrals(alpha, carbon, nitrogen, after))
    length, reach = np.linalg.norm(nitrogen - carbon), np.linalg.norm(after - alpha)
    return float(abs(length - _PEPTIDE) + abs(reach - _ALPHA_TO_ALPHA) / 2 + (180.0 - omega) / 90.0)


def _bent(donor: AtomArray, atoms: AtomArray, gap: tuple[int, int], transform: RigidTransform) -> AtomArray:
    """The donor's stretch, moved so that the residues before and after it lie on the structure's."""
    moved = transform.applied_to(donor)
    first, last = gap
    left, right = (_shift(moved, atoms, number) for number in (first - 1, last + 1))
    piece = moved[(moved.res_id >= first) & (moved.res_id <= last)]
    share = ((piece.res_id - (first - 1)) / (last - first + 2))[:, None]
    piece.coord = (piece.coord + (1 - share) * left + share * right).astype(np.float32)
    return piece


def _shift(moved: AtomArray, atoms: AtomArray, number: int) -> NDArray[np.float64]:
    one, two = moved[moved.res_id == number], atoms[atoms.res_id == number]
    rows, others = common_atoms(one, two)
    return np.asarray((two.coord[others] - one.coord[rows]).mean(axis=0), dtype=np.float64)


def _nearest(piece: AtomArray, atoms: AtomArray, gap: tuple[int, int]) -> float:
    from scipy.spatial import cKDTree

    others = atoms[(atoms.res_id < gap[0] - 1) | (atoms.res_id > gap[1] + 1)]
    return float(cKDTree(others.coord).query(piece.coord)[0].min())


def _flanks(atoms: AtomArray, gap: tuple[int, int]) -> tuple[int, ...] | None:
    """Residues beside a stretch that carry the superposition, both neighbours among them."""
    present = {int(number) for number in atoms.res_id}
    before = [n for n in range(gap[0] - 1, gap[0] - 1 - _REACH, -1) if n in present][:FLANK]
    after = [n for n in range(gap[1] + 1, gap[1] + 1 + _REACH) if n in present][:FLANK]
    return None if min(len(before), len(after)) < _MIN_FLANK else tuple(sorted((*before, *after)))


def _without_stubs(numbers: list[int], piece: tuple[int, int]) -> tuple[int, int]:
    """The piece without end parts too short to carry a flank."""
    parts = ranges(number for number in numbers if piece[0] <= number <= piece[1])
    for end in (0, -1):
        while len(parts) > 1 and parts[end][1] - parts[end][0] < STUB:
            parts.pop(end)
    return parts[0][0], parts[-1][1]


def _words(gaps: list[tuple[int, int]]) -> str:
    return ", ".join(f"{first}-{last}" for first, last in gaps)


def _too_long(long: list[tuple[int, int]], options: UserStructureOptions, label: str) -> StructureError:
    worst = max(last - first + 1 for first, last in long)
    longer = f"allow the longer graft with --max-gap {worst}, " if worst <= LONGEST_GAP else ""
    return StructureError(
        f"The structure lacks residues {_words(long)}; stretches of up to {options.max_gap} residues are "
        "filled.",
        where=label,
        remedy=f"Give another structure or chain, {longer}or keep only the piece with most of the kinase "
        "domain with --allow-truncation.",
    )

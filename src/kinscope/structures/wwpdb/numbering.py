"""The target's residue numbers for a chain, by alignment.

A chain is cut where its peptide bonds are broken or its author's numbers jump. Each piece is laid on
the protein without gaps, and the placements of all pieces, in order and without overlap, are chosen
together so that most residues are identical: a global alignment whose gaps can only open where the chain
is interrupted, so that a residue at the edge of a missing loop cannot slip to the loop's other side.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.core.residues import ONE_TO_THREE, one_letter

_PEPTIDE_BREAK_ANGSTROM = 2.5
"""A C-N distance beyond this is a chain break; a peptide bond is 1.33 angstrom."""
_MIN_IDENTITY = 0.85
_MIN_RESIDUES = 30
_ANCHOR = 5
"""A terminus begins where so many residues in a row are identical; what lies outside is a tag."""
_OVERHANG = 60
"""How many residues of a chain may stand before the protein's first, or after its last."""
_AUTHOR_BONUS = 0.25
"""Less than one identity: the author's spacing decides only between placements of equal identity."""


@dataclass(frozen=True)
class NumberedChain:
    """Residues of a chain that belong to the target, with their numbers."""

    residues: tuple[Any, ...]
    """``gemmi.Residue``."""
    numbers: tuple[int, ...]
    letters: tuple[str, ...]
    dropped: tuple[str, ...]


def number_chain(
    residues: list[Any], protein: str, label: str, *, heed_author_jumps: bool = True
) -> NumberedChain:
    """Number a chain's residues by alignment with the target's protein sequence.

    Residues are ``gemmi.Residue`` in chain order, each with N, CA and C. Where author jumps are heeded, a
    jump of the author's numbers between bonded residues is a place where residues may be missing; not so in
    files whose numbers mean nothing. Raises StructureError if the chain is too short or is not of this
    protein.
    """
    letters = [letter_of(residue.name) for residue in residues]
    pieces = _pieces(residues, heed_author_jumps)
    scores = [_identities(letters[first:last], protein) for first, last in pieces]
    _favour_author_spacing(residues, pieces, scores)
    starts = _place_in_order([last - first for first, last in pieces], scores)
    numbers = [
        start + step
        for (first, last), start in zip(pieces, starts, strict=True)
        for step in range(last - first)
    ]
    same = [
        1 <= number <= len(protein) and protein[number - 1] == letter
        for number, letter in zip(numbers, letters, strict=True)
    ]
    begin, end = _anchored_ends(same, label)
    identical = sum(same[begin : end + 1])
    if end + 1 - begin < _MIN_RESIDUES or identical < _MIN_IDENTITY * (end + 1 - begin):
        raise _not_this_protein(label, identical, end + 1 - begin)
    outside = [*range(begin), *range(end + 1, len(residues))]
    return NumberedChain(
        residues=tuple(residues[begin : end + 1]),
        numbers=tuple(numbers[begin : end + 1]),
        letters=tuple(letters[begin : end + 1]),
        dropped=tuple(f"{residues[index].name}{residues[index].seqid}" for index in outside),
    )


def letter_of(name: str) -> str:
    """The one-letter code of a residue or of the parent that gemmi's table gives it; else ``X``."""
    import gemmi

    code = gemmi.find_tabulated_residue(name).one_letter_code.upper().strip()
    letter = one_letter(name)
    return letter if letter != "X" else code if code in ONE_TO_THREE else "X"


def _pieces(residues: list[Any], heed_author_jumps: bool) -> list[tuple[int, int]]:
    """Half-open index ranges of stretches that are bonded and, if heeded, numbered without a jump."""
    cuts = [0]
    for index, (left, right) in enumerate(pairwise(residues), start=1):
        broken = left["C"][0].pos.dist(right["N"][0].pos) > _PEPTIDE_BREAK_ANGSTROM
        jump = right.seqid.num - left.seqid.num not in (0, 1)
        if broken or (heed_author_jumps and jump):
            cuts.append(index)
    cuts.append(len(residues))
    return list(pairwise(cuts))


def _identities(letters: list[str], protein: str) -> NDArray[np.float64]:
    """Identities of a piece at every start number from ``1 - _OVERHANG`` on, shape (n_placements,)."""
    length = len(letters)
    padded = np.frombuffer(("-" * _OVERHANG + protein + "-" * (_OVERHANG + length)).encode(), dtype=np.uint8)
    placements = len(protein) + _OVERHANG
    score = np.zeros(placements)
    for step, letter in enumerate(letters):
        score += padded[step : step + placements] == ord(letter)
    return score


def _favour_author_spacing(
    residues: list[Any], pieces: list[tuple[int, int]], scores: list[NDArray[np.float64]]
) -> None:
    """Add less than one identity to the placements that keep the author's spacing to the longest piece."""
    longest = max(range(len(pieces)), key=lambda index: pieces[index][1] - pieces[index][0])
    spacing = int(np.argmax(scores[longest])) - residues[pieces[longest][0]].seqid.num
    for (first, _), score in zip(pieces, scores, strict=True):
        placement = residues[first].seqid.num + spacing
        if 0 <= placement < len(score):
            score[placement] += _AUTHOR_BONUS


def _place_in_order(lengths: list[int], scores: list[NDArray[np.float64]]) -> list[int]:
    """Start numbers that maximise the summed score, pieces in order and not overlapping."""
    placements = len(scores[0])
    best = scores[0].copy()
    choices: list[NDArray[np.intp]] = []
    for length, score in zip(lengths, scores[1:], strict=False):
        running = np.maximum.accumulate(best)
        holder = np.where(best == running, np.arange(placements), 0)
        holder = np.maximum.accumulate(holder)
        reach = np.arange(placements) - length
        allowed = reach >= 0
        previous = np.where(allowed, holder[np.maximum(reach, 0)], 0)
        choices.append(previous)
        best = np.where(allowed, score + running[np.maximum(reach, 0)], -np.inf)
    at = int(np.argmax(best))
    path = [at]
    for previous in reversed(choices):
        at = int(previous[at])
        path.append(at)
    return [placement + 1 - _OVERHANG for placement in reversed(path)]


def _anchored_ends(same: list[bool], label: str) -> tuple[int, int]:
    starts = [index for index in range(len(same) - _ANCHOR + 1) if all(same[index : index + _ANCHOR])]
    if not starts:
        raise _not_this_protein(label, sum(same), len(same))
    return starts[0], starts[-1] + _ANCHOR - 1


def _not_this_protein(label: str, identical: int, compared: int) -> StructureError:
    return StructureError(
        f"The chain is not of this protein: {identical} of {compared} aligned residues are identical.",
        where=label,
        remedy=f"Name a chain with at least {_MIN_RESIDUES} residues of the target.",
    )

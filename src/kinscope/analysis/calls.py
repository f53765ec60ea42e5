"""What the measurements of a drug come to: kept, lost, or neither can be said. The one place of the rule.

The rule reads numbers only; it knows no variant, no residue and no drug (docs/why/docking.md has the figures
it was judged on).

1. No substituted residue within the energy of the relaxed complexes (9 angstrom of the drug): ``not reached``
   unless the rigid docking resolves a difference. A static pose then says nothing of a change that acts from
   afar, through the protein's motion or its balance of states.
2. A model whose known pose lies more than :data:`CRYSTAL_ANGSTROM` from the co-crystal's does not hold the
   drug as the crystal does: ``unresolved`` there, whatever the energies. Another state may hold it. A pose
   that was never measured against a crystal (a blind search found it) is ``unresolved`` too.
3. Otherwise the interaction energy of the relaxed complexes decides. ``lost``: weaker by
   :data:`LOST_KCAL_PER_MOL` or more, and the whole interval on that side of zero. ``kept``: the whole
   interval below :data:`LOST_KCAL_PER_MOL`. ``unresolved``: anything else.
4. Without parameters for the drug the rigid docking stands in by the same figures: ``lost`` also where the
   known mode is gone.

What was not measured is None, and a rule that would need it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from kinscope.results.docking import Call, CallWord, RelaxedComparison
from kinscope.results.measured import Difference
from kinscope.results.notes import Note, note

CRYSTAL_ANGSTROM = 0.8
"""A known pose further than this from its co-crystal is no ground for a call: it stands in a pocket of
another shape. Of the shipped poses those in a pocket of their kind lie within 0.7; bosutinib in the pocket
that dasatinib left lies at 0.9, and the relaxed complexes there and in the pocket that it fits (0.5) point
opposite ways."""
LOST_KCAL_PER_MOL = 1.4
"""RT ln 10 at 37 C, a tenfold change of affinity: what resistance is called by in the published comparison of
144 pairs (Hauser et al., Commun Biol 2018, 1, 70)."""


def call(
    rigid: Difference | None,
    relaxed: RelaxedComparison | None,
    *,
    mode_kept: bool | None,
    distance_angstrom: float | None,
    reach_angstrom: float,
    known_to_crystal_angstrom: float | None,
) -> Call:
    """The call of one drug in one state.

    ``rigid``: Vina's difference, mutant less native. ``relaxed``: the relaxed complexes' difference; None if
    there is none. ``mode_kept``: whether rigid docking met the known binding mode in the mutant.
    ``distance_angstrom``: of the nearest substituted residue from the drug. ``reach_angstrom``: how far from
    the drug residues enter the relaxed complexes' energy. ``known_to_crystal_angstrom``: how far the known
    pose in this state's model lies from the co-crystal's.
    """
    far = distance_angstrom is not None and distance_angstrom > reach_angstrom
    if relaxed is None and far and mode_kept is not False and not (rigid is not None and rigid.resolved):
        reason = note("beyond-surroundings", distance_angstrom=distance_angstrom)
        return Call(word="not reached", reason=reason, measured_by="distance")
    if known_to_crystal_angstrom is None or known_to_crystal_angstrom > CRYSTAL_ANGSTROM:
        measured = {} if relaxed is None else _numbers(relaxed.difference_kcal_per_mol)
        reason = note("pose-far-from-crystal", away_angstrom=known_to_crystal_angstrom, **measured)
        return Call(word="unresolved", reason=reason, measured_by="distance")
    if relaxed is not None:
        item = relaxed.difference_kcal_per_mol
        word = word_of(item)
        return Call(
            word=word,
            reason=note("relaxed-difference", **_numbers(item)),
            measured_by="relaxed complexes",
            disagreement=_disagreement(word, rigid, mode_kept),
        )
    if mode_kept is False:
        return Call(word="lost", reason=note("known-mode-gone"), measured_by="rigid docking")
    reason = note("no-score") if rigid is None else note("rigid-difference", **_numbers(rigid))
    return Call(word=word_of(rigid), reason=reason, measured_by="rigid docking")


def word_of(item: Difference | None) -> CallWord:
    """What a difference with its interval comes to; ``kept`` has to exclude a loss, not only to miss it."""
    if item is None or item.value is None or item.low is None or item.high is None:
        return "unresolved"
    if item.high < LOST_KCAL_PER_MOL:
        return "kept"
    return "lost" if item.resolved and item.value >= LOST_KCAL_PER_MOL else "unresolved"


def together(words: Iterable[CallWord]) -> tuple[CallWord, ...]:
    """What the calls of a drug's states come to: one word, or several where states contradict each other."""
    found = list(words)
    said = tuple(dict.fromkeys(word for word in found if word not in ("unresolved", "not reached")))
    return said or ("unresolved" if "unresolved" in found else "not reached",)


def _disagreement(word: CallWord, rigid: Difference | None, mode_kept: bool | None) -> Note | None:
    other: CallWord = "lost" if mode_kept is False else word_of(rigid)
    if {word, other} == {"kept", "lost"}:
        return note("rigid-docking-disagrees", word=other, **(_numbers(rigid) if rigid else {}))
    return None


def _numbers(item: Difference) -> dict[str, float | None]:
    return {"value_kcal_per_mol": item.value, "low_kcal_per_mol": item.low, "high_kcal_per_mol": item.high}

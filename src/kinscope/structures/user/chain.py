"""Which chain of a user's structure is the kinase, and what keeps the others from being it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kinscope.core.errors import StructureError
from kinscope.core.quoting import plain_name
from kinscope.core.residues import three_letter
from kinscope.results.user_structure import ChainCandidate, UserStructureOptions
from kinscope.structures.completion.heavy_atoms import missing_atoms
from kinscope.structures.model import side_chain_atoms
from kinscope.structures.user.file import WATER
from kinscope.structures.wwpdb.entries import CrystalChain, has_backbone, local_pairs, numbered_chain
from kinscope.structures.wwpdb.numbering import letter_of, number_chain
from kinscope.targets.pack import TargetPack

MIN_IDENTITY = 0.95
"""Of the aligned residues. Mouse ABL1 has 99.6 % of the human kinase domain and engineered proteins a handful
of changes; the nearest other kinase, ABL2, has 93 %."""
MIN_KINASE_DOMAIN = 0.5
"""Share of the kinase domain that a chain must show to be considered at all."""
MIN_SIDE_CHAINS = 0.75
"""Share of residues (glycine aside) that must show something beyond CB, alanine CB: less is a trace."""
MIN_SOUND_BONDS = 0.95
_SOUND = (1.2, 1.8)
"""N-CA (1.46) and CA-C (1.53) bonds lie in here in anything that is a protein in angstrom."""
MAX_RESIDUES = 5000
_MIN_RESIDUES = 30


@dataclass(frozen=True)
class _Alignment:
    identity: float
    aligned: int
    first: int
    last: int
    """Index range of the chain's residues in the alignment, both ends included."""
    numbers: frozenset[int]


def choose_chain(
    structure: Any, pack: TargetPack, options: UserStructureOptions, label: str
) -> tuple[str, CrystalChain, tuple[ChainCandidate, ...]]:
    """Name of the chain that is the target, the chain in its numbering, and a word on every protein chain.

    The chain with the fewest residues of the kinase domain missing is taken, then the one with the fewest
    atoms missing, then the first. Raises StructureError if no chain (or the chain asked for) is of the
    target, and why.
    """
    domain = kinase_domain(pack)
    candidates: list[ChainCandidate] = []
    usable: list[tuple[tuple[int, int, int], str, CrystalChain]] = []
    names = [part.name for part in structure[0]]
    if options.chain and options.chain not in names:
        raise StructureError(
            f"There is no chain {plain_name(options.chain, 20)!r}.",
            where=label,
            remedy=f"The structure holds the chains {', '.join(plain_name(name, 8) for name in names[:40])}.",
        )
    for place, part in enumerate(structure[0]):
        candidate, chain = _judged(structure, part, pack, domain, label)
        if candidate is None:
            continue
        candidates.append(candidate)
        if chain is not None and options.chain in ("", part.name):
            held = set(chain.residues)
            lacking = sum(number not in held for number in domain)
            atoms = sum(map(len, missing_atoms(chain.atoms).values()))
            usable.append(((lacking, atoms, place), part.name, chain))
    if not usable:
        raise _no_chain(structure, candidates, options, pack, label)
    _, name, best = min(usable, key=lambda item: item[0])
    return name, best, tuple(candidates)


def kinase_domain(pack: TargetPack) -> tuple[int, ...]:
    """Residues of the domain that holds the conformation's landmarks; the whole protein without them."""
    marks = pack.landmarks
    for region in pack.regions:
        if region.kind == "domain" and marks is not None and marks.dfg_phenylalanine in region:
            return region.members()
    return tuple(range(1, len(pack.transcript.protein) + 1))


def _judged(
    structure: Any, part: Any, pack: TargetPack, domain: tuple[int, ...], label: str
) -> tuple[ChainCandidate | None, CrystalChain | None]:
    """What is to be said of a chain, and the chain in the target's numbering if it can be used."""
    amino = [residue for residue in part.first_conformer() if residue.name.upper() not in WATER]
    whole = [residue for residue in amino if has_backbone(residue)]
    traces = [residue for residue in amino if _is_trace(residue)]
    if len(whole) < _MIN_RESIDUES:
        if len(traces) < _MIN_RESIDUES:
            return None, None
        return _candidate(part.name, traces, _align(traces, pack), domain, "CA atoms only"), None
    if len(whole) > MAX_RESIDUES:
        return _candidate(part.name, whole, None, domain, f"more than {MAX_RESIDUES} residues"), None
    found = _align(whole, pack)
    note = _unsuitable(whole, found, domain, pack)
    if note or found is None:
        return _candidate(part.name, whole, found, domain, note or "no protein of this kind"), None
    try:
        chain = _numbered(structure, part.name, whole[found.first : found.last + 1], pack, label)
    except StructureError as error:
        return _candidate(part.name, whole, found, domain, error.what), None
    return _candidate(part.name, whole, found, domain, ""), chain


def _unsuitable(whole: list[Any], found: _Alignment | None, domain: tuple[int, ...], pack: TargetPack) -> str:
    if found is None or found.aligned < _MIN_RESIDUES:
        return f"not {pack.gene}"
    if found.identity < MIN_IDENTITY:
        return f"{100 * found.identity:.0f} % identical over {found.aligned} residues: not {pack.gene}"
    shown = sum(number in found.numbers for number in domain)
    if shown < MIN_KINASE_DOMAIN * len(domain):
        return f"holds {100 * shown / len(domain):.0f} % of the kinase domain only"
    chosen = whole[found.first : found.last + 1]
    sound = np.mean([_sound(residue) for residue in chosen])
    if sound < MIN_SOUND_BONDS:
        return "its bond lengths are not those of a protein in angstrom"
    full = [_shows_side_chain(residue) for residue in chosen if residue.name != "GLY"]
    if full and np.mean(full) < MIN_SIDE_CHAINS:
        return f"backbone only: {sum(full)} of {len(full)} side chains are shown"
    return ""


def _candidate(
    name: str, residues: list[Any], found: _Alignment | None, domain: tuple[int, ...], note: str
) -> ChainCandidate:
    shown = sum(number in found.numbers for number in domain) if found else 0
    return ChainCandidate(
        chain=plain_name(name, 8),
        residues=len(residues),
        identity_percent=round(100 * found.identity, 1) if found else 0.0,
        aligned=found.aligned if found else 0,
        kinase_domain_percent=round(100 * shown / len(domain), 1),
        note=note,
    )


def _align(residues: list[Any], pack: TargetPack) -> _Alignment | None:
    """The best local alignment with the target's protein (BLOSUM62, gaps 11 and 1)."""
    chain, target = "".join(letter_of(residue.name) for residue in residues), pack.transcript.protein
    pairs = local_pairs(chain, target, (-11, -1))
    if not pairs:
        return None
    return _Alignment(
        identity=float(np.mean([chain[index] == target[number - 1] for index, number in pairs])),
        aligned=len(pairs),
        first=pairs[0][0],
        last=pairs[-1][0],
        numbers=frozenset(number for _, number in pairs),
    )


def _numbered(structure: Any, name: str, residues: list[Any], pack: TargetPack, label: str) -> CrystalChain:
    """The residues as a chain of the target, the file's own numbers heeded where that fits better."""
    label = f"{label}:{plain_name(name, 8)}"
    found: list[CrystalChain] = []
    problems: list[StructureError] = []
    for heed in (True, False):
        try:
            numbered = number_chain(residues, pack.transcript.protein, label, heed_author_jumps=heed)
            found.append(numbered_chain(numbered, pack, label, structure.resolution))
        except StructureError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    best = min(found, key=lambda item: (len(item.differences) - len(item.residues), len(item.differences)))
    if len(set(best.residues)) < (1 - MIN_IDENTITY) * len(residues):
        raise StructureError("The chain's residues cannot be told apart.", where=label)
    if len(best.differences) > (1 - MIN_IDENTITY) * len(best.residues):
        raise StructureError(
            f"its sequence does not follow {pack.gene} without insertions or deletions", where=label
        )
    return best


def _is_trace(residue: Any) -> bool:
    return letter_of(residue.name) != "X" and any(
        atom.name == "CA" and atom.element.name == "C" for atom in residue
    )


def _sound(residue: Any) -> bool:
    alpha = residue["CA"][0].pos
    lengths = (alpha.dist(residue["N"][0].pos), alpha.dist(residue["C"][0].pos))
    return all(_SOUND[0] <= length <= _SOUND[1] for length in lengths)


def _shows_side_chain(residue: Any) -> bool:
    letter = letter_of(residue.name)
    wanted = side_chain_atoms(three_letter(letter))[:2] if letter != "X" else ()
    return not wanted or wanted[-1] in {atom.name for atom in residue}


def _no_chain(
    structure: Any,
    candidates: list[ChainCandidate],
    options: UserStructureOptions,
    pack: TargetPack,
    label: str,
) -> StructureError:
    if options.chain:
        candidates = [item for item in candidates if item.chain == plain_name(options.chain, 8)]
    if not candidates:
        kinds = sorted({residue.name for part in structure[0] for residue in part})[:8]
        where = f"{label}, chain {plain_name(options.chain, 20)}" if options.chain else label
        return StructureError(
            f"No protein of at least {_MIN_RESIDUES} residues is in this structure"
            + (" or chain." if options.chain else "."),
            where=where,
            remedy=f"It holds {', '.join(plain_name(kind, 8) for kind in kinds)}; give one of {pack.gene}.",
        )
    best = max(candidates, key=lambda item: (item.kinase_domain_percent, item.identity_percent))
    words = "; ".join(
        f"chain {item.chain}, {item.residues} residues: {item.note}"
        for item in sorted(candidates, key=lambda item: item.chain != best.chain)[:4]
    )
    return StructureError(
        f"No chain of this structure can be used as {pack.gene}: {words}.",
        where=label,
        remedy=_remedy(best, pack),
    )


def _remedy(best: ChainCandidate, pack: TargetPack) -> str:
    if "only" in best.note and "holds" not in best.note:
        return "Give a structure with all heavy atoms: a trace cannot be rebuilt here."
    if f"not {pack.gene}" in best.note:
        own = f"{pack.gene} (UniProt {pack.uniprot})"
        return f"Give a structure of {own}, or name another target with --target."
    return f"Give a structure that holds the kinase domain of {pack.gene} with all its heavy atoms."

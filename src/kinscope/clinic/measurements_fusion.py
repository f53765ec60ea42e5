"""BCR::ABL1 fusion transcripts and the proteins they encode.

The names count exons of BCR (e) and of ABL1 (a); older reports write b2a2 and b3a2 for e13a2 and
e14a2. e1a2 gives p190, e13a2 and e14a2 give p210, e19a2 gives p230; the forms that end in a3 lack ABL1
exon 2. Sources: Melo JV. Blood 1996;88:2375-2384; Burmeister T, Reinhardt R. Leuk Res 2008;32:579-585;
Baccarani M et al. Ann Hematol 2019;98:2329-2341.
"""

from __future__ import annotations

import re

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record

MELO = "Melo JV. Blood 1996;88:2375-2384"
BURMEISTER = "Burmeister T, Reinhardt R. Leuk Res 2008;32:579-585"
BACCARANI = "Baccarani M et al. Ann Hematol 2019;98:2329-2341"


class FusionTranscript(Record):
    """A fusion transcript.

    Attributes
    ----------
    name
        In exon notation, e.g. ``e1a2``; empty where only the protein is known.
    protein
        The class of protein it encodes.
    common
        Whether the standard assays and the international scale are made for it (e13a2, e14a2).
    note
        What matters for measuring it.
    """

    name: str
    protein: str
    breakpoint_region: str
    common: bool
    note: str
    citation: str


_SCALE = "the international scale is not defined for it; follow it by its own assay and the same control gene"
_NO_A2 = f"lacks ABL1 exon 2, missed by a2 primers; {_SCALE}"
_RARE = f"missed by standard assays; {_SCALE}"
_TABLE = {
    "e1a2": ("p190", "minor (m-bcr)", False, _SCALE, MELO),
    "e1a3": (
        "p190",
        "minor (m-bcr)",
        False,
        _NO_A2,
        BURMEISTER,
    ),
    "e6a2": ("p195", "between minor and major", False, _RARE, BACCARANI),
    "e8a2": ("p200", "between minor and major", False, _RARE, BACCARANI),
    "e13a2": ("p210", "major (M-bcr)", True, "on the international scale", MELO),
    "e14a2": ("p210", "major (M-bcr)", True, "on the international scale", MELO),
    "e13a3": (
        "p210",
        "major (M-bcr)",
        False,
        _NO_A2,
        BURMEISTER,
    ),
    "e14a3": (
        "p210",
        "major (M-bcr)",
        False,
        _NO_A2,
        BURMEISTER,
    ),
    "e19a2": ("p230", "micro (µ-bcr)", False, _RARE, MELO),
    "e19a3": ("p230", "micro (µ-bcr)", False, _RARE, BURMEISTER),
}
_OLD_NAMES = {"b2a2": "e13a2", "b3a2": "e14a2", "b2a3": "e13a3", "b3a3": "e14a3", "c3a2": "e19a2"}
_PROTEINS = {
    "p190": ("p190", "minor (m-bcr)", _SCALE),
    "p185": ("p190", "minor (m-bcr)", _SCALE),
    "p210": ("p210", "major (M-bcr)", "on the international scale if e13a2 or e14a2"),
    "p230": ("p230", "micro (µ-bcr)", _SCALE),
}
_WORD = re.compile(r"[a-z]\d{1,2}a\d|p\d{3}")
_NOISE = re.compile(r"bcr|abl1?|[\s_\-/:(),;]+")
MAX_LETTERS = 60


def protein_of(transcript: str) -> FusionTranscript:
    """What a fusion transcript, as written in a report, encodes.

    Accepts exon notation (``e1a2``), the older ``b3a2``, the protein itself (``p190``), and several of
    them that agree (``e1a2, p190``).

    Raises
    ------
    BadInputError
        If it is none of the known transcripts, or names that contradict each other; nothing is guessed.
    """
    found = known_protein(transcript)
    if found is not None:
        return found
    raise BadInputError(
        f"{transcript[:40]!r} is not one known BCR::ABL1 transcript.",
        where="fusion transcript",
        remedy=f"Known are {', '.join((*_TABLE, *_OLD_NAMES, *_PROTEINS))}.",
    )


def known_protein(transcript: str) -> FusionTranscript | None:
    """As :func:`protein_of`, with None for what is not known."""
    text = transcript.strip().lower()
    if len(text) > MAX_LETTERS or _NOISE.sub("", _WORD.sub("", text)):
        return None
    found = [_one(word) for word in _WORD.findall(text)]
    named = [entry for entry in found if entry is not None]
    if len(named) < len(found) or not named or len({entry.protein for entry in named}) > 1:
        return None
    if len({entry.name for entry in named if entry.name}) > 1:
        return None
    return next((entry for entry in named if entry.name), named[0])


def _one(word: str) -> FusionTranscript | None:
    name = _OLD_NAMES.get(word, word)
    if name in _TABLE:
        protein, region, common, note, citation = _TABLE[name]
        return FusionTranscript(
            name=name,
            protein=protein,
            breakpoint_region=region,
            common=common,
            note=note,
            citation=citation,
        )
    if word in _PROTEINS:
        protein, region, note = _PROTEINS[word]
        return FusionTranscript(
            name="", protein=protein, breakpoint_region=region, common=False, note=note, citation=MELO
        )
    return None

"""HGVS text to typed changes, by the Mutalyzer HGVS parser.

Mutalyzer: Lefter M et al. 2021, Bioinformatics 37:2811, doi 10.1093/bioinformatics/btaa1051. The parser
knows the grammar and no sequence; what it accepts is checked against the transcript elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kinscope.core.errors import UnsupportedVariantError, VariantError
from kinscope.core.quoting import quoted
from kinscope.core.residues import ONE_TO_THREE, THREE_TO_ONE
from kinscope.variants.text import unreadable, unsupported


@dataclass(frozen=True)
class ResidueChange:
    """Neighbouring residues replaced by as many, in the numbers of the isoform it was written in."""

    wild_types: str
    """One-letter codes; ``?`` for a residue in a range that the text does not name."""
    first: int
    mutants: str

    @property
    def short(self) -> str:
        """E.g. ``K404E`` or ``E255_V256delinsKI``."""
        if len(self.mutants) == 1:
            return f"{self.wild_types}{self.first}{self.mutants}"
        last = f"{self.wild_types[-1]}{self.first + len(self.mutants) - 1}"
        return f"{self.wild_types[0]}{self.first}_{last}delins{self.mutants}"


@dataclass(frozen=True)
class BaseChange:
    """Bases ``first`` to ``last`` replaced; ``deleted`` is empty where the text does not name them."""

    first: int
    last: int
    deleted: str
    inserted: str

    @property
    def label(self) -> str:
        """E.g. ``1210`` or ``1210_1212``."""
        return str(self.first) if self.first == self.last else f"{self.first}_{self.last}"


_UNSUPPORTED = {
    "deletion": "a deletion",
    "insertion": "an insertion",
    "duplication": "a duplication",
    "inversion": "an inversion",
    "frame_shift": "a frameshift",
    "extension": "an extension of the protein",
    "repeat": "a repeat, or not a complete description",
    "conversion": "a conversion",
    "": "not a change, or an unknown one",
}
_ONLY = "kinscope models substitutions of one residue by another, alone or several in cis."


@lru_cache(maxsize=4096)  # a table says the same few changes again and again, and the grammar takes 20 ms
def parse_residue_changes(body: str) -> tuple[ResidueChange, ...]:
    """The residue changes of a ``p.`` description (``body`` without ``p.``).

    Raises VariantError if it is not HGVS, or names an unknown amino acid; UnsupportedVariantError if it is
    anything but substitutions.
    """
    _refuse_unknown_residues(body)
    return tuple(_residue_change(item, f"p.{body}") for item in _model("p", body))


@lru_cache(maxsize=4096)
def parse_base_changes(coordinate: str, body: str) -> tuple[BaseChange, ...]:
    """The base changes of a ``c.`` or ``g.`` description (``body`` without the prefix).

    Raises VariantError if it is not HGVS, or names a letter that is no base; UnsupportedVariantError if it is
    intronic, in an untranslated region, or changes the length of the sequence.
    """
    return tuple(_base_change(item, f"{coordinate}.{body}") for item in _model(coordinate, body))


def _model(coordinate: str, body: str) -> Any:
    from mutalyzer_hgvs_parser import to_model

    text = f"{coordinate}.{body}"
    try:
        if model := to_model(body, "p_variants" if coordinate == "p" else "variants"):
            return model
        raise _unsupported("equal", text)
    except UnsupportedVariantError:
        raise
    except Exception as error:  # the grammar's own failures on odd input too: the text is not HGVS
        place = getattr(error, "column", -2) + 2
    if re.search(r"\dfs|[a-z*]fs", body):
        raise _unsupported("frame_shift", text)
    if "ext" in body:
        raise _unsupported("extension", text)
    raise VariantError(
        f"{quoted(text)} cannot be read as HGVS.",
        where=f"character {place} of {quoted(text)}" if place > 0 else quoted(text),
        remedy="Write a substitution such as p.Lys404Glu, K404E or c.1210A>G (varnomen.hgvs.org).",
    )


def _residue_change(item: Any, text: str) -> ResidueChange:
    kind = item.get("type", "")
    location = item["location"]
    first, last = location.get("start", location), location.get("end", location)
    if first.get("position") == 0 and "amino_acid" not in first:
        raise unsupported(text, "says that no protein is made.", _ONLY)
    if first.get("amino_acid") == "Met" and first.get("position") == 1 and kind == "repeat":
        raise initiator_error(text)
    replaces = kind in {"substitution", "deletion_insertion"}
    if replaces and not ("amino_acid" in first and "amino_acid" in last):
        raise unreadable(
            text,
            "does not name the residue that is replaced.",
            "Write the wild-type residue too, e.g. p.Lys404Glu, so that it can be checked.",
        )
    if not kind and "amino_acid" in first:
        raise unreadable(text, "does not name the new residue.", "Write both residues, e.g. p.Lys404Glu.")
    if not replaces:
        raise _unsupported(kind, text)
    deleted, inserted = (_letters(item, name, text) for name in ("deleted", "inserted"))
    length = last["position"] - first["position"] + 1
    ends = [_LETTERS.get(point["amino_acid"], point["amino_acid"]) for point in (first, last)]
    wild_types = deleted or (ends[0] + "?" * (length - 2) + ends[1])[-length:]
    if length < 1 or len(wild_types) != length or [wild_types[0], wild_types[-1]] != ends:
        raise unreadable(text, "gives a range and residues that do not fit each other.", "Check both.")
    if kind == "deletion_insertion" and len(inserted) != length:
        raise unsupported(text, f"replaces {length} by {len(inserted)} residues: an in-frame indel.", _ONLY)
    if len(inserted) != length or not {*wild_types, *inserted} <= {*ONE_TO_THREE, "*", "?"}:
        raise unreadable(
            text,
            "does not replace one residue by one of the twenty.",
            "Use one-letter (K404E) or three-letter (p.Lys404Glu) codes.",
        )
    return ResidueChange(wild_types, int(first["position"]), inserted)


def _letters(item: Any, name: str, text: str) -> str:
    """One-letter residues or bases of a part of a change, as written where they are neither.

    Raises UnsupportedVariantError if it says more than a sequence: a number of repeats, a place to copy from,
    an inversion.
    """
    parts = item.get(name, ())
    if any(set(part) - {"sequence", "source"} for part in parts):
        raise _unsupported("repeat", text)
    letters = "".join(part.get("sequence", "") for part in parts)
    return _THREE_LETTERS.sub(lambda found: _LETTERS[found[0]], letters)


def _base_change(item: Any, text: str) -> BaseChange:
    kind = item.get("type", "")
    location = item["location"]
    first, last = location.get("start", location), location.get("end", location)
    _refuse_outside_coding(first, text)
    _refuse_outside_coding(last, text)
    if kind not in {"substitution", "deletion_insertion"}:
        raise _unsupported(kind, text)
    deleted, inserted = (_letters(item, name, text) for name in ("deleted", "inserted"))
    if location.get("uncertain") or "position" not in first or "position" not in last:
        raise unreadable(
            text, "gives no certain position or no bases.", "Write a substitution such as c.1210A>G."
        )
    for letter in deleted + inserted:
        if letter not in "ACGT":
            raise unreadable(text, f"holds {letter}, which is no base of DNA.", "Use A, C, G and T.")
    if kind == "substitution" and not deleted:
        raise unreadable(
            text,
            "does not name the base that is replaced.",
            "Write the reference base too, e.g. c.1210A>G, so that it can be checked.",
        )
    change = BaseChange(int(first["position"]), int(last["position"]), deleted, inserted)
    length = change.last - change.first + 1
    if length < 1 or (deleted and len(deleted) != length):
        raise unreadable(
            text,
            "gives positions and bases that do not fit each other.",
            "Give the first and the last position in order, and as many bases as they span.",
        )
    if len(inserted) != length:
        shift = "an in-frame indel" if (len(inserted) - length) % 3 == 0 else "a frameshift"
        raise unsupported(text, f"replaces {length} by {len(inserted)} bases: {shift}.", _ONLY)
    return change


def _refuse_outside_coding(point: Any, text: str) -> None:
    if "offset" in point:
        raise unsupported(
            text,
            "lies in an intron (a splice-site or deeper intronic variant).",
            "Its effect is on splicing, which kinscope does not predict; give the protein change.",
        )
    if "outside_cds" in point:
        end = "5'" if point["outside_cds"] == "upstream" else "3'"
        raise unsupported(text, f"lies in the {end} untranslated region (UTR) and changes no residue.", _ONLY)


def _unsupported(kind: str, text: str) -> UnsupportedVariantError:
    if kind == "equal":
        return synonymous_error(quoted(text))
    what = _UNSUPPORTED.get(kind, "not a substitution")
    return unsupported(text, f"is {what}.", _ONLY)


def synonymous_error(text: str) -> UnsupportedVariantError:
    """A description that leaves the protein as it is."""
    return unsupported(
        text,
        "is synonymous: the protein stays as it is.",
        "There is nothing to model; the kinase is the wild type.",
    )


def initiator_error(text: str) -> UnsupportedVariantError:
    """A change of the first methionine."""
    return unsupported(
        text, "changes the initiator methionine (Met1): what protein is made cannot be foreseen.", _ONLY
    )


def stop_error(text: str) -> UnsupportedVariantError:
    """A change to or of a stop codon."""
    return unsupported(text, "makes or removes a stop codon (a nonsense or stop-loss variant).", _ONLY)


_LETTERS = {**THREE_TO_ONE, "Ter": "*"}
_THREE_LETTERS = re.compile("|".join(_LETTERS))


_SUBSTITUTION = re.compile(r"(?:^|;)[(\[]*([A-Za-z]+)[0-9]+([A-Za-z]+)[)\]]*(?=;|$)")
_WORDS = re.compile(r"(del|ins|dup|fs|ext|inv|[A-Z][a-z]{2}fs|[A-Z]fs)")


def _refuse_unknown_residues(body: str) -> None:
    """Name a letter that is no amino acid; the grammar alone would only say that the text ends too soon."""
    for names in _SUBSTITUTION.findall(body):
        unknown = [name for name in names if name not in {*ONE_TO_THREE, *THREE_TO_ONE, "Ter"}]
        if unknown and not _WORDS.match(names[1]):
            meaning = " (X has meant both a stop and any residue)" if unknown[0] in {"X", "Xaa"} else ""
            raise unreadable(
                unknown[0],
                f"is not one of the twenty amino acids{meaning}.",
                "Use one-letter (K404E) or three-letter (p.Lys404Glu) codes.",
            )

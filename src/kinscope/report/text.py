"""Numbers, names and citations as the page prints them, everything from outside escaped."""

from __future__ import annotations

import json
import math
import re
from urllib.parse import quote

from markupsafe import Markup, escape

from kinscope.interpretation.findings import in_prose
from kinscope.report.files import ReportFiles
from kinscope.results.measured import Difference

MINUS = "\N{MINUS SIGN}"
# One pattern, so that text is scanned once and the pieces between are escaped.
_REFERENCE = re.compile(
    r"(?P<pmid>PMID:?\s?(?P<pmid_number>\d{1,9}))"
    r"|(?P<pmc>(?P<pmc_number>PMC\d{3,9}))"
    r"|(?P<doi>(?:doi:\s?|https?://(?:dx\.)?doi\.org/)(?P<doi_name>10\.\d{4,9}/[^\s\"<>;,)\]}']+))"
    r"|(?P<nct>\bNCT\d{8}\b)"
    r"|`(?P<code>[^`]+)`",
    re.IGNORECASE,
)


_SIGN = re.compile(r"(?<![\w.)\]–-])-(?=\d)")
_UNIT = re.compile(r"(?<=[\d)] |\w/)angstroms?\b")
_TIMES = re.compile(r"(?<=\d) x (?=\d)")
_TOGETHER = re.compile(r"(?<=\d) (?=(?:%|Å|ns\b|ps\b|×))|(?<=×) (?=\d)")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_LONGEST_AUTHOR = 30


def link_citations(text: str) -> Markup:
    """The text, escaped: PubMed, PMC, DOI and ClinicalTrials.gov identifiers as https links, code as code.

    A number stays on one line with its unit.
    """
    parts: list[Markup] = []
    position = 0
    for match in _REFERENCE.finditer(text):
        shown = match.group().rstrip(".")
        parts.append(_prose(text[position : match.start()]))
        if match["code"]:
            parts.append(Markup("<code>{}</code>").format(match["code"]))
            position = match.end()
            continue
        parts.append(
            Markup('<a href="{}" rel="noopener noreferrer external">{}</a>').format(_address(match), shown)
        )
        position = match.start() + len(shown)
    parts.append(_prose(text[position:]))
    return Markup("").join(parts)


def _prose(text: str) -> Markup:
    return escape(_TOGETHER.sub("\N{NO-BREAK SPACE}", typeset(text)))


def typeset(text: str) -> str:
    """Prose from other parts with true minus and times signs and ``Å``; hyphens in words and ranges stay."""
    return _TIMES.sub(" × ", _UNIT.sub("Å", _SIGN.sub(MINUS, text))).replace("Å^2", "Å²")


def short_citation(citation: str) -> str:
    """``Lewandowski 2025`` of ``Lewandowski et al., Ann Hematol, 2025``; the whole where that fails."""
    first = re.split(r",| et al| and ", citation, maxsplit=1)[0].strip()
    year = _YEAR.search(citation)
    return f"{first} {year.group()}" if first and year and len(first) <= _LONGEST_AUTHOR else citation


def source_link(citation: str, identifier: str) -> Markup:
    """The short citation as the link itself, the whole of it as the title."""
    match, whole = _REFERENCE.search(identifier), f"{citation}, {identifier}"
    if match is None or match["code"]:
        return Markup('<span title="{}">{}</span>').format(whole, short_citation(citation))
    return Markup('<a href="{}" title="{}" rel="noopener noreferrer external">{}</a>').format(
        _address(match), whole, short_citation(citation)
    )


def _address(match: re.Match[str]) -> str:
    if match["pmid"]:
        return f"https://pubmed.ncbi.nlm.nih.gov/{match['pmid_number']}/"
    if match["pmc"]:
        return f"https://pmc.ncbi.nlm.nih.gov/articles/{match['pmc_number'].upper()}/"
    if match["doi"]:
        return "https://doi.org/" + quote(match["doi_name"].rstrip("."), safe="/():;._-")
    return f"https://clinicaltrials.gov/study/{match['nct'].upper()}"


def number(value: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """A number with a true minus sign; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if float(text) == 0:
        text = f"{0:.{digits}f}"
    return text.replace("-", MINUS)


def significant(value: float | None, digits: int = 3) -> str:
    """A number to so many significant digits, not in powers of ten; ``not computed`` where there is none."""
    if value is None or not math.isfinite(value):
        return "not computed"
    return number(value, _decimals(value, digits))


def _decimals(scale: float, digits: int) -> int:
    return max(digits - 1 - math.floor(math.log10(abs(scale))), 0) if scale else 0


def interval(difference: Difference) -> str:
    """``+0.31 [−0.10, +0.72]``, or the value alone where there is no interval.

    The half-width (or the value) gets two significant digits, but none past the second digit of the smallest
    meaningful effect.
    """
    value, low, high = difference.value, difference.low, difference.high
    if value is None or not math.isfinite(value):
        return "not computed"
    known = low is not None and high is not None
    scale = abs(high - low) / 2 if low is not None and high is not None else abs(value)
    finest = _decimals(difference.smallest_meaningful, 2) if difference.smallest_meaningful else 3
    digits = min(_decimals(scale, 2), finest) if math.isfinite(scale) and scale else min(2, finest)
    text = number(value, digits, signed=True)
    if not known:
        return text
    return f"{text} [{number(low, digits, signed=True)}, {number(high, digits, signed=True)}]"


def script_json(value: object) -> Markup:
    """JSON for a ``<script type="application/json">`` block: no character of it can end the block.

    ASCII output writes U+2028 and U+2029 as escapes; the three characters of markup are escaped likewise.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


_STRENGTH = ("salt bridge", "hydrogen bond", "cation-pi", "pi stacking", "hydrophobic", "van der Waals")


def strength(kind: str) -> int:
    """Rank of a kind of contact, 0 the strongest."""
    return _STRENGTH.index(kind) if kind in _STRENGTH else len(_STRENGTH)


class Names:
    """Labels of states and drugs; the identifier itself where the pack does not name it."""

    def __init__(self, files: ReportFiles) -> None:
        self._states = {state.id: state.label for state in files.states}
        self._drugs = {drug.id: drug for drug in files.drugs}
        self._order = {state.id: index for index, state in enumerate(files.states)}

    def state(self, identifier: str) -> str:
        """A state's label."""
        return self._states.get(identifier, identifier)

    def state_order(self, identifier: str) -> tuple[int, str]:
        """A sort key: the pack's order first, then the alphabet."""
        return (self._order.get(identifier, len(self._order)), identifier)

    def drug(self, identifier: str) -> str:
        """A drug's name."""
        found = self._drugs.get(identifier)
        return found.name if found else identifier

    def bound(self, ligand: str) -> str:
        """What follows a state's label where a drug is bound: `` with imatinib``; empty for apo."""
        found = self._drugs.get(ligand)
        name = in_prose(found) if found else ligand
        return f" with {name}" if name else ""

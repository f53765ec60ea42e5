"""The redacted export: numbers, codes and relative days; no word that somebody typed freely."""

from __future__ import annotations

import re
from typing import Any

from kinscope.clinic.case.model import Case
from kinscope.clinic.case.schedule import Schedule
from kinscope.clinic.case.terms import TOXICITIES, as_given, find_drug, of_target
from kinscope.clinic.measurements import known_protein
from kinscope.clinic.privacy.pseudonym import WORDS, renamed, with_relative_days, with_sources
from kinscope.core.errors import VariantError
from kinscope.targets.pack import TargetPack
from kinscope.variants import parse_variant

_WORDS, METHODS = frozenset(WORDS["iscn"].split()), frozenset(WORDS["methods"])
_LETTERS = re.compile(r"[A-Za-z]+")
_SIGNS = re.compile(r"[A-Za-z0-9~,;:()\[\]/+\-?*.<>%| ×]*")


def only_iscn(text: str) -> str:
    """A karyotype with every word that ISCN does not know taken out.

    A report's karyotype field can carry a name or a number; for a redacted export what is not ISCN goes.
    """
    kept = "".join(sign if _SIGNS.fullmatch(sign) else "" for sign in text)
    return re.sub(_LETTERS, lambda match: match.group() if _known(match.group()) else "", kept)


def _known(word: str) -> bool:
    if word in _WORDS or set(word) <= {"X", "Y"}:
        return True
    for length in range(len(word) - 1, 0, -1):  # joined words such as "pter", "derX" or "dert"
        if word[:length] in _WORDS | {"ter", "cen"} and _known(word[length:]):
            return True
    return word in ("ter", "cen")


_REGION = re.compile(r"kinase domain|codons \d+-\d+")
_DAYS = re.compile(r"days? \d+(?:(?:, | and |-)\d+)*")
GROUPS = {"events": "e", "treatments": "t", "measurements": "m", "responses": "r", "toxicities": "x"}


def redacted(case: Case, schedule: Schedule, pack: TargetPack) -> Case:
    """The case with relative days, numbered entries, and free text only where a list knows the words.

    Names, numbers, institution, birth date, sample names, citations, labels, notes and the wording of times
    go. Drugs, toxicities, methods and transcripts stay if they are of a known list; variants as HGVS after
    they were read; karyotypes as far as they are ISCN.
    """
    content = with_relative_days(case, schedule).model_dump(mode="json")
    names = {
        entry["id"]: f"{letter}{number}"
        for group, letter in GROUPS.items()
        for number, entry in enumerate(content[group], start=1)
    }
    content = renamed(content, names)
    sources = {source["key"]: f"s{number}" for number, source in enumerate(content["sources"], start=1)}
    content = with_sources(content, sources)
    content["sources"] = [{"key": key, "text": f"source {key[1:]}"} for key in sources.values()]
    content |= {"title": "", "citation": "", "notes": [], "transcript": _fusion(content["transcript"])}
    for event in content["events"]:
        event["label"] = "event" if event["kind"] == "other" else event["kind"]
    for treatment in content["treatments"]:
        _treatment(treatment)
    for measurement in content["measurements"]:
        measurement["sample"] = ""
        _finding(measurement["finding"], pack)
    for response in content["responses"]:
        response["words"] = ""
    for toxicity in content["toxicities"]:
        toxicity["term"] = _listed(toxicity["term"], frozenset(TOXICITIES), "adverse event")
        toxicity["action"] = "dose reduced" if "reduced" in toxicity["action"].lower() else ""
    return Case.model_validate(content)


def _treatment(treatment: dict[str, Any]) -> None:
    treatment |= {"label": "", "note": ""}
    for agent in treatment["agents"]:
        known = find_drug(agent["drug"])
        agent["drug"] = known.name if known else "other drug"
        for dose in agent["doses"]:
            dose["days"] = _kept(_DAYS, dose["days"])
            dose["reason"] = "toxicity" if "toxicity" in dose["reason"].lower() else ""


def _finding(finding: dict[str, Any], pack: TargetPack) -> None:
    finding |= {"note": "", "source": ""}
    finding["at"]["as_reported"] = ""
    if "method" in finding and finding["kind"] != "blasts":
        finding["method"] = _listed(finding["method"], METHODS, "not stated")
    if "transcript" in finding:
        finding["transcript"] = _fusion(finding["transcript"])
    if "region" in finding:
        finding["region"] = _kept(_REGION, finding["region"])
    if "gene" in finding:
        finding["gene"] = pack.gene if of_target(finding["gene"], pack) else "another gene"
    if finding.get("expression"):
        finding["expression"] = _as_hgvs(finding["expression"], pack)
    if "iscn" in finding:
        finding["iscn"] = only_iscn(finding["iscn"]).strip() or "?"


def _as_hgvs(expression: str, pack: TargetPack) -> str:
    try:
        return as_given(parse_variant(expression, pack))[1]
    except VariantError:
        return ""


def _fusion(text: str) -> str:
    known = known_protein(text)
    return (known.name or known.protein) if known else ""


def _kept(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group() if match else ""


def _listed(text: str, words: frozenset[str], other: str) -> str:
    lowered = {word.lower(): word for word in words}
    return lowered.get(text.strip().lower(), other)

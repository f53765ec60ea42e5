"""What a report claims, each claim with an id and what it rests on, and the same in the field's own formats.

An id is the anchor in the page, the key in the table of claims and what `kinscope explain` takes. Statements
are GA4GH VA-Spec 1.0 JSON; the bundle is FHIR R4 by the HL7 Genomics Reporting guide (STU 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record
from kinscope.evidence.civic import fold_text
from kinscope.interpretation.model import DrugVerdict, StudyResult
from kinscope.report.front import claim_id, options
from kinscope.report.text import interval

_WAYS = {"resistance": "against", "reduced": "against", "sensitivity": "for", "no": "for"}
"""By a verdict's first word: whether it speaks for or against the drug."""
_STATUS = {"high": "strong", "moderate": "moderate", "low": "weak"}
_GUIDE = "http://hl7.org/fhir/uv/genomics-reporting"


class Claim(Record):
    """One claim."""

    id: str
    text: str
    tier: Literal["verdict", "guideline", "published", "measured", "inferred", "predicted", "computed"]
    source: str = ""
    rests_on: tuple[str, ...] = ()
    """Ids of claims."""


def claims_of(result: StudyResult) -> list[Claim]:
    """Every claim of a result, verdicts first."""
    found = [*_grounds(result), *_apart(result)]
    return [*(_verdict(verdict, found) for verdict in result.assessment.verdicts), *found]


def chain(result: StudyResult, identity: str) -> list[Claim]:
    """A claim and all that it rests on, each after what rests on it.

    Raises BadInputError if the result makes no such claim.
    """
    known = {claim.id: claim for claim in claims_of(result)}
    if identity not in known:
        some = ", ".join(list(known)[:8])
        raise BadInputError(
            f"The result makes no claim {identity[:60]!r}.",
            where=f"{result.variant.short}",
            remedy=f"Give an id of the report, such as {some}; without one, all are listed.",
        )
    order = [identity]
    for one in order:
        order += [below for below in known[one].rests_on if below not in order]
    return [known[one] for one in order]


def _verdict(verdict: DrugVerdict, grounds: list[Claim]) -> Claim:
    mine = tuple(
        one.id for one in grounds if f"-{verdict.drug}" in one.id and not one.id.startswith("option-")
    )
    track = f" A verdict of this kind was {verdict.track.words}." if verdict.track else ""
    return Claim(
        id=claim_id(verdict),
        tier="verdict",
        text=f"{verdict.drug}: {verdict.verdict}, {verdict.confidence} confidence. {verdict.summary}{track}",
        rests_on=mine,
    )


def _grounds(result: StudyResult) -> Iterator[Claim]:
    """What verdicts rest on; a drug's id ends each id, or stands in it before the state."""
    for hit in result.evidence.hits:
        item = hit.item
        if item.drug and hit.relation in ("exact", "fusion transcript", "part of the compound variant"):
            caveat = f" Caveat: {item.caveat}" if item.caveat else ""
            yield Claim(
                id=f"evidence-{item.id}" + ("" if f"-{item.drug}" in f"-{item.id}" else f"-{item.drug}"),
                tier=item.tier,
                text=f"{item.protein_change}, {item.direction} ({hit.relation}; level {item.level}): "
                f"{item.summary}{caveat}",
                source=f"{item.citation}, {item.identifier}",
            )
    for verdict in result.assessment.verdicts:
        for stance in verdict.guidelines:
            yield Claim(
                id=f"guideline-{stance.id}-{verdict.drug}",
                tier="guideline",
                text=f"{stance.name}, {stance.protein_change}: {stance.stance}. {stance.text}",
                source=f"{stance.citation}, {stance.identifier}",
            )
        if (kin := verdict.inferred) is not None:
            yield Claim(
                id=f"kin-{verdict.drug}",
                tier="inferred",
                text=f"From kin{f' of {kin.part}' * bool(kin.part)} {fold_text(kin.fold)}-fold (90 %: "
                f"{fold_text(kin.low)} to {fold_text(kin.high)}), by "
                f"{kin.same_variant} pairs of the variant and {kin.same_residue} of the residue.",
            )
        if (made := verdict.predicted) is not None:
            yield Claim(
                id=f"predicted-{verdict.drug}",
                tier="predicted",
                text=f"Predicted change of binding {made.ddg_kcal_mol:+.1f} ({made.low:+.1f} to "
                f"{made.high:+.1f}) kcal/mol, {made.part or 'mutant'} less native.",
            )
        if verdict.sight is not None:
            yield Claim(id=f"sight-{verdict.drug}", tier="computed", text=verdict.sight.text)
        for called in verdict.binding:
            change = interval(called.difference_kcal_per_mol)
            yield Claim(
                id=f"relaxed-{verdict.drug}-{called.state}",
                tier="computed",
                text=f"Relaxed complexes in {called.state}: {change} kcal/mol, {called.call.word}.",
            )
    for docked in result.measurements.docking:
        away, lost = docked.distance_to_variant_angstrom, ", ".join(docked.contacts_lost) or "none"
        yield Claim(
            id=f"docking-{docked.drug}-{docked.state}",
            tier="computed",
            text=f"Docked in {docked.state}, {away:.1f} Å from the variant: score "
            f"{interval(docked.difference_kcal_per_mol)} kcal/mol; contacts lost: {lost}.",
            source=docked.reference,
        )


def _apart(result: StudyResult) -> Iterator[Claim]:
    """What is claimed of no one drug's verdict."""
    found = result.assessment
    if found.finding:
        yield Claim(id="finding", tier="computed", text=found.finding)
    for question in found.questions:
        if question.findings:
            yield Claim(
                id=f"motion-{question.id.replace(' ', '-')}",
                tier="computed",
                text=f"{question.question} {question.answer}",
                source=question.said_by,
            )
    for option in options(result):
        yield Claim(
            id=f"option-{option.id}",
            tier="published",
            text=f"{option.name}: {option.evidence}",
            source="; ".join(option.citations),
        )


def va_statements(result: StudyResult) -> list[dict[str, Any]]:
    """The verdicts as VA-Spec statements, each with the published items on exactly this change."""
    return [_statement(verdict, result) for verdict in result.assessment.verdicts]


def _statement(verdict: DrugVerdict, result: StudyResult) -> dict[str, Any]:
    way = _WAYS.get(verdict.verdict.split()[0], "")
    exact = [
        hit.item for hit in result.evidence.hits if hit.relation == "exact" and hit.item.drug == verdict.drug
    ]
    return {
        "id": claim_id(verdict),
        "type": "Statement",
        "description": verdict.summary,
        "direction": "supports" if way else "neutral",
        "strength": _concept(_STATUS[verdict.confidence]),
        "proposition": {
            "type": "VariantTherapeuticResponseProposition",
            "predicate": "predictsResistanceTo" if way == "against" else "predictsSensitivityTo",
            "subjectVariant": {
                "type": "CategoricalVariant",
                "id": result.variant.hgvs_p,
                "name": f"{result.variant.gene} {result.variant.short}",
            },
            "geneContextQualifier": _concept(result.variant.gene, "Gene"),
            "objectTherapeutic": _concept(verdict.drug, "Therapy"),
            "conditionQualifier": _concept("BCR::ABL1-positive leukaemia", "Disease"),
        },
        "hasEvidenceLines": [
            {
                "type": "EvidenceLine",
                "directionOfEvidenceProvided": _direction(item.direction, way),
                "strengthOfEvidenceProvided": _concept(item.strength),
                "hasEvidenceItems": [f"#evidence-{item.id}"],
                "reportedIn": [{"type": "Document", "title": item.citation, **_registered(item.identifier)}],
            }
            for item in exact
        ],
        "specifiedBy": {"type": "Method", "name": f"kinscope {result.kinscope_version}"},
    }


def _direction(said: str, way: str) -> str:
    against = said in ("resistant", "reduced sensitivity")
    if said == "unclear" or not way:
        return "neutral"
    return "supports" if against == (way == "against") else "disputes"


def _registered(identifier: str) -> dict[str, str]:
    kind, _, name = identifier.partition(":")
    return {"pmid": name} if kind == "PMID" else {"doi": name}


def _concept(name: str, kind: str = "") -> dict[str, str]:
    return {"name": name, **({"conceptType": kind} if kind else {})}


def fhir_bundle(result: StudyResult) -> dict[str, Any]:
    """The variant and the therapeutic implication of each drug as a FHIR bundle, without any patient."""
    variant = {
        "resourceType": "Observation",
        "id": "variant",
        "meta": {"profile": [f"{_GUIDE}/StructureDefinition/variant"]},
        "status": "final",
        "code": _coded("http://loinc.org", "69548-6", "Genetic variant assessment"),
        "valueCodeableConcept": _coded("http://loinc.org", "LA9633-4", "Present"),
        "component": [
            {"code": _coded("http://loinc.org", "48018-6", "Gene studied"), **_text(result.variant.gene)},
            {
                "code": _coded("http://loinc.org", "48005-3", "Amino acid change"),
                **_text(result.variant.hgvs_p),
            },
        ],
    }
    rows = [variant, *(_implication(verdict) for verdict in result.assessment.verdicts)]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"urn:kinscope:{row['id']}", "resource": row} for row in rows],
    }


def _implication(verdict: DrugVerdict) -> dict[str, Any]:
    way = _WAYS.get(verdict.verdict.split()[0], "")
    code = {"against": ("LA6676-6", "Resistant"), "for": ("LA6677-4", "Responsive")}.get(way)
    implied = (_coded("http://loinc.org", *code) if code else {}) | {"text": verdict.verdict}
    codes = f"{_GUIDE}/CodeSystem/tbd-codes-cs"
    return {
        "resourceType": "Observation",
        "id": claim_id(verdict),
        "meta": {"profile": [f"{_GUIDE}/StructureDefinition/therapeutic-implication"]},
        "status": "final",
        "code": _coded(codes, "therapeutic-implication", "Therapeutic Implication"),
        "derivedFrom": [{"reference": "urn:kinscope:variant"}],
        "component": [
            {"code": _coded(codes, "therapeutic-implication", ""), "valueCodeableConcept": implied},
            {"code": _coded("http://loinc.org", "51963-7", "Medication assessed"), **_text(verdict.drug)},
            {"code": _coded("http://loinc.org", "93044-6", "Level of evidence"),
             **_text(verdict.level or f"{verdict.confidence} confidence")},
        ],
        "note": [{"text": verdict.summary}],
    }  # fmt: skip


def _coded(system: str, code: str, display: str) -> dict[str, Any]:
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    return {"coding": [coding]}


def _text(value: str) -> dict[str, Any]:
    return {"valueCodeableConcept": {"text": value}}

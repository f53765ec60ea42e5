"""Reading a case: the friendly YAML, or a GA4GH Phenopacket v2 as JSON or YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kinscope.clinic.case_model import Case
from kinscope.clinic.case_yaml import (
    CaseFileError,
    Places,
    case_of_data,
    check_references,
    explain,
    line_of,
    load_marked,
    read_case_text,
)
from kinscope.clinic.phenopacket_check import check_shape, read_json, refused
from kinscope.clinic.phenopacket_reader import PacketReader

if TYPE_CHECKING:
    from pathlib import Path

OTHER_MESSAGES = {"proband": "Family", "members": "Cohort", "relatives": "Family"}


def read_case(path: Path) -> Case:
    """A case from a file, whichever of the three forms it has.

    Raises
    ------
    CaseFileError
        With the line (and the column or offset where the text itself is damaged), what is wrong and what
        to do. No value of the file is repeated.
    """
    return case_of_text(read_case_text(path), str(path))


def case_of_text(text: str, where: str) -> Case:
    """The case that a text holds; ``where`` names it in errors."""
    is_json = text.lstrip()[:1] in ("{", "[")
    data, places = read_json(text, where) if is_json else load_marked(text, where)
    if not isinstance(data, dict):
        raise CaseFileError(
            "A case is a mapping of fields.",
            where=f"{where}, line 1",
            remedy="`kinscope case --template` prints a file to start from.",
        )
    if "kinscope_case" in data:
        return case_of_data(data, places, where)
    for name, message in OTHER_MESSAGES.items():
        if name in data:
            raise refused(
                f"This is a {message}, not a Phenopacket.",
                (name,),
                places,
                where,
                "Give one person's Phenopacket.",
            )
    if not {"subject", "metaData", "meta_data", "measurements", "medicalActions", "diseases"} & set(data):
        line, _ = line_of(places, ())
        raise CaseFileError(
            "The file is neither a kinscope case nor a Phenopacket.",
            where=f"{where}, line {line}",
            remedy="A case begins with 'kinscope_case: 1'; a Phenopacket has 'subject' and 'metaData'.",
        )
    return case_of_packet(data, places, where)


def case_of_packet(data: dict[str, Any], places: Places, where: str) -> Case:
    """The case of a Phenopacket's plain data.

    Raises
    ------
    CaseFileError
        If the data are no Phenopacket v2, or do not say the disease or any time.
    """
    from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
    from phenopackets import Phenopacket

    check_shape(data, Phenopacket.DESCRIPTOR, places, where)
    try:
        packet = MessageToDict(ParseDict(data, Phenopacket()))
    except (ParseError, ValueError):  # check_shape is stricter; this is for what it may have missed
        raise CaseFileError("The file is no Phenopacket v2.", where=where) from None
    reader = PacketReader(packet, places, where)
    content = reader.content()
    try:
        case = Case.model_validate(content)
    except ValidationError as error:
        raise explain(error, reader.places_of(content), where) from None
    try:
        check_references(case, {}, where)
    except CaseFileError:
        raise refused(
            "kinscope's own statements speak of an element that has gone or changed.",
            ("metaData", "externalReferences"),
            places,
            where,
            "Export the packet again, or take the references out whose id begins with 'kinscope:'.",
        ) from None
    return case

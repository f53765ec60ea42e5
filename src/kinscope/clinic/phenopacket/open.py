"""Reading a case: the friendly YAML, or a GA4GH Phenopacket v2 as JSON or YAML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kinscope.clinic.case.model import Case
from kinscope.clinic.case.reading import case_of_data, check_references, explain, read_case_text
from kinscope.clinic.phenopacket.read import PacketReader
from kinscope.clinic.phenopacket.values import PacketFile
from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import MAX_NODES, Places, parse_yaml

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from phenopackets import Phenopacket

OTHER_MESSAGES = {"proband": "Family", "members": "Cohort", "relatives": "Family"}
REPEATED = "a key is given twice"
LONGEST_MARKED = 300_000
"""Characters of a JSON text up to which errors name the line too; the path stands in every error."""
MAX_DEPTH = 100
"""Of messages in messages; protobuf itself goes no deeper."""
REFUSALS = (ValueError, TypeError, AttributeError, OverflowError, RecursionError, SystemError)
"""What protobuf's parser raises on what it cannot hold, beside its own ParseError.

A SystemError comes of names that are no text, or half a surrogate pair.
"""
Path = tuple[str | int, ...]


def read_case(path: FilePath) -> Case:
    """A case from a file, whichever of the three forms it has.

    Raises
    ------
    BadInputError
        With the line (and the column or offset where the text itself is damaged), what is wrong and what
        to do. No value of the file is repeated.
    """
    return case_of_text(read_case_text(path), str(path))


def case_of_text(text: str, where: str) -> Case:
    """The case that a text holds; ``where`` names it in errors."""
    is_json = text.lstrip()[:1] in ("{", "[")
    data, places = (_read_json(text, where), None) if is_json else parse_yaml(text, where)
    if not isinstance(data, dict):
        raise BadInputError(
            "A case is a mapping of fields.",
            where=f"{where}, line 1",
            remedy="`kinscope case --template` prints a file to start from.",
        )
    file = PacketFile(where, lambda: _places(text, where) if places is None else places)
    if "kinscope_case" in data:
        return case_of_data(data, file.places, where)
    for name, message in OTHER_MESSAGES.items():
        if name in data:
            what = f"This is a {message}, not a Phenopacket."
            raise file.refused(what, (name,), "Give one person's Phenopacket.")
    if not {"subject", "metaData", "meta_data", "measurements", "medicalActions", "diseases"} & set(data):
        raise BadInputError(
            "The file is neither a kinscope case nor a Phenopacket.",
            where=f"{where}, line 1",
            remedy="A case begins with 'kinscope_case: 1'; a Phenopacket has 'subject' and 'metaData'.",
        )
    return _case_of_packet(parse_packet(data, file), file)


def _read_json(text: str, where: str) -> Any:
    """Data of a JSON text; refused with line and column, for repeated keys, NaN and bottomless nesting."""
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_repeats)
    except json.JSONDecodeError as error:
        raise BadInputError(
            f"The file is not JSON: {error.msg}.",
            where=f"{where}, line {error.lineno}, column {error.colno} (offset {error.pos})",
            remedy="Export it again, or mend that place.",
        ) from None
    except RecursionError:
        raise BadInputError("The file is nested too deeply.", where=where) from None
    except ValueError as error:
        word = str(error)
        if word == REPEATED:
            raise BadInputError("A key is given twice.", where=_place_of_repeat(text, where)) from None
        line = text.count("\n", 0, max(0, text.find(word))) + 1
        raise BadInputError("NaN and infinity are no JSON.", where=f"{where}, line {line}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError(REPEATED)
    return content


def _place_of_repeat(text: str, where: str) -> str:
    try:
        parse_yaml(text.replace("\t", " "), where)
    except BadInputError as error:
        return error.where
    return where


def _places(text: str, where: str) -> Places:
    """Lines by the YAML scanner: JSON is YAML once tabs, which JSON has outside texts only, are blanks."""
    if len(text) > LONGEST_MARKED:
        return {}
    try:
        return parse_yaml(text.replace("\t", " "), where)[1]
    except BadInputError:
        return {}


def parse_packet(data: dict[str, Any], file: PacketFile) -> Phenopacket:
    """The message that plain data stand for, by protobuf's own rules for JSON.

    A field that the schema does not know is refused: it may say what changes the meaning of the others.

    Raises
    ------
    BadInputError
        With the path, the line and what belongs there; never with the value.
    """
    from phenopackets import Phenopacket

    if _values(data) > MAX_NODES:
        raise BadInputError(
            f"The Phenopacket holds more than {MAX_NODES:,} values.",
            where=file.where,
            remedy="Give one person's course; leave routine counts out.",
        )
    packet = _parsed(data, Phenopacket.DESCRIPTOR)
    if packet is None:
        path, what, remedy = _blame(data, Phenopacket.DESCRIPTOR, ())
        raise file.refused(what, path, remedy)
    return packet


def _values(data: Any) -> int:
    """How many values plain data hold, as far as the most that are read."""
    count, waiting = 0, [data]
    while waiting and count <= MAX_NODES:
        part = waiting.pop()
        count += 1
        if isinstance(part, dict | list):
            waiting += part.values() if isinstance(part, dict) else part
    return count


def _parsed(data: dict[str, Any], descriptor: Any) -> Any:
    """The message; None where protobuf refuses the data."""
    from google.protobuf.json_format import ParseDict, ParseError
    from google.protobuf.message_factory import GetMessageClass

    try:
        return ParseDict(data, GetMessageClass(descriptor)())
    except (ParseError, *REFUSALS):
        return None


def _blame(data: Any, descriptor: Any, path: Path) -> tuple[Path, str, str]:
    """The innermost part that is refused alone, what is wrong with it, and what can stand there.

    The parser's own message names neither the line nor always the place, and repeats the value.
    """
    if len(path) > MAX_DEPTH:
        return path, "The file is nested too deeply.", ""
    if not isinstance(data, dict):
        return path, f"Here belongs a mapping ({descriptor.name}).", ""
    fields = {name: field for field in descriptor.fields for name in (field.name, field.camelcase_name)}
    for name, value in data.items():
        field = fields.get(name)
        if field is None:
            known = ", ".join(sorted(field.camelcase_name for field in descriptor.fields))
            shown = str(name) if str(name).isidentifier() and len(str(name)) < 80 else "?"
            return (*path, shown), f"{descriptor.name} has no such field.", f"Its fields are {known}."
        if _parsed({name: value}, descriptor) is not None:
            continue
        if not field.is_repeated:
            return _blame_one(value, field, (*path, name))
        if isinstance(value, list):
            for index, item in enumerate(value):
                if _parsed({name: [item]}, descriptor) is None:
                    return _blame_one(item, field, (*path, name, index))
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        return (*path, name), f"Here belongs a {'mapping of texts' if is_map else 'list'}.", ""
    several = [[f.camelcase_name for f in group.fields] for group in descriptor.oneofs]
    names = next((", ".join(group) for group in several if len(set(group) & set(data)) > 1), "the fields")
    return path, f"Only one of {names} can be given.", ""


def _blame_one(value: Any, field: Any, path: Path) -> tuple[Path, str, str]:
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
        return path, "A time is not written as 2023-12-28T00:00:00Z.", "Give date, time and zone."
    if field.message_type is not None:
        return _blame(value, field.message_type, path)
    if field.enum_type is not None:
        words = ", ".join(item.name for item in field.enum_type.values)
        return path, "This is none of the words of the schema.", f"They are {words}."
    kinds = {field.TYPE_STRING: "a text", field.TYPE_BOOL: "true or false"}
    return path, f"Here belongs {kinds.get(field.type, 'a number')}.", ""


def _case_of_packet(packet: Phenopacket, file: PacketFile) -> Case:
    reader = PacketReader(packet, file)
    content = reader.content()
    try:
        case = Case.model_validate(content)
    except ValidationError as error:
        raise explain(error, reader.places_of(content), file.where) from None
    try:
        check_references(case, {}, file.where)
    except BadInputError:
        raise file.refused(
            "kinscope's own statements speak of an element that has gone or changed.",
            ("metaData", "externalReferences"),
            "Export the packet again, or take the references out whose id begins with 'kinscope:'.",
        ) from None
    return case

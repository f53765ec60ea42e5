"""Reading a case: the friendly YAML, or a GA4GH Phenopacket v2 as JSON or YAML."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kinscope.clinic.case.model import Case
from kinscope.clinic.case.reading import case_of_data, check_references, explain, read_case_text
from kinscope.clinic.phenopacket.read import PacketReader
from kinscope.clinic.phenopacket.values import PacketFile
from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import MAX_NODES, Places, parse_yaml
from kinscope.targets import TargetPack, load_target

if TYPE_CHECKING:
    from phenopackets import Phenopacket

PARTS = (
    "subject", "metadata", "measurements", "medicalactions", "diseases", "interpretations", "biosamples",
    "phenotypicfeatures",
)  # fmt: skip
"""Fields of which a Phenopacket has at least one."""
REPEATED = "a key is given twice"
LONGEST_MARKED = 300_000
"""Characters of a JSON text up to which errors name the line too; the path stands in every error."""
_OFFSET = re.compile(r"[0-9]{4}(?:-[0-9]{2}){2}T[0-9:.]+[+-][0-9]{2}:[0-9]{2}")
MAX_DEPTH = 100
"""Of messages in messages; protobuf itself goes no deeper."""
REFUSALS = (ValueError, TypeError, AttributeError, OverflowError, RecursionError, SystemError)
"""What protobuf's parser raises on what it cannot hold, beside its own ParseError.

A SystemError comes of names that are no text, or half a surrogate pair.
"""
Path = tuple[str | int, ...]


def read_case(path: FilePath, pack: TargetPack | None = None) -> Case:
    """A case from a file, whichever of the three forms it has; ``pack`` as :func:`case_of_text`.

    Raises BadInputError with the line (and the column or offset where the text itself is damaged), what is
    wrong and what to do. No value of the file is repeated.
    """
    return case_of_text(read_case_text(path), str(path), pack)


def case_of_text(text: str, where: str, pack: TargetPack | None = None) -> Case:
    """The case that a text holds; ``where`` names it in errors.

    A packet's variants are read against the target ``pack``, ABL1 where none is given.
    """
    is_json = text.lstrip()[:1] in ("{", "[")
    data, places = (_read_json(text, where), None) if is_json else parse_yaml(text, where)
    if not isinstance(data, dict):
        raise BadInputError(
            "A case is a mapping of fields.",
            where=f"{where}, line 1",
            remedy="`kinscope case --template` prints a file to start from.",
        )
    file = PacketFile(where, lambda: _lines(text, where) if places is None else places)
    if "kinscope_case" in data:
        return case_of_data(data, file.places, where)
    return _case_of_packet(data, file, pack)


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
            places = _places(text, where)
            at = places.where if isinstance(places, BadInputError) else where
            raise BadInputError("A key is given twice.", where=at) from None
        line = text.count("\n", 0, max(0, text.find(word))) + 1
        raise BadInputError("NaN and infinity are no JSON.", where=f"{where}, line {line}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError(REPEATED)
    return content


def _places(text: str, where: str) -> Places | BadInputError:
    """Lines by the YAML scanner: JSON is YAML once tabs, which JSON has outside texts only, are blanks."""
    try:
        return parse_yaml(text.replace("\t", " "), where)[1]
    except BadInputError as error:
        return error


def _lines(text: str, where: str) -> Places:
    """The same; none for what is too long to scan twice, or what YAML cannot take."""
    places = _places(text, where) if len(text) <= LONGEST_MARKED else {}
    return {} if isinstance(places, BadInputError) else places


def parse_packet(data: dict[str, Any], file: PacketFile) -> Phenopacket:
    """The message that plain data stand for, by protobuf's own rules for JSON.

    A field that the schema does not know is refused: it may say what changes the meaning of the others.

    Raises BadInputError with the path, the line and what belongs there; never with the value.
    """
    from phenopackets import Phenopacket

    _check_shape(data, file)
    packet = _parsed(data, Phenopacket.DESCRIPTOR)
    if packet is None:
        raise _blame(data, Phenopacket.DESCRIPTOR, (), file)
    return packet


def _check_shape(data: Any, file: PacketFile) -> None:
    """Refuse more values than are read, and a field under both of its names, of which protobuf takes one.

    A time with an offset becomes the same time of the clock in UTC, as its date is the one that was meant.
    """
    count, waiting = 0, [data]
    while waiting:
        part = waiting.pop()
        count += 1
        if count > MAX_NODES:
            what = f"The Phenopacket holds more than {MAX_NODES:,} values."
            raise BadInputError(what, where=file.where, remedy="Give one person's course; leave counts out.")
        for key, value in (
            part.items() if isinstance(part, dict) else enumerate(part if isinstance(part, list) else ())
        ):
            if isinstance(value, str) and _OFFSET.fullmatch(value):
                part[key] = f"{value[:-6]}Z"
            waiting.append(value)
        if isinstance(part, dict) and any(
            re.sub("_(.)", lambda found: found[1].upper(), name) in part
            for name in map(str, part)
            if "_" in name
        ):
            raise BadInputError(
                "A field is given by both of its names, as metaData and as meta_data.", where=file.where
            )


def _parsed(data: dict[str, Any], descriptor: Any) -> Any:
    """The message; None where protobuf refuses the data."""
    from google.protobuf.json_format import ParseDict, ParseError
    from google.protobuf.message_factory import GetMessageClass

    try:
        return ParseDict(data, GetMessageClass(descriptor)())
    except (ParseError, *REFUSALS):
        return None


def _blame(data: Any, descriptor: Any, path: Path, file: PacketFile) -> BadInputError:
    """The error of the innermost part that is refused alone: what is wrong with it, and what can stand there.

    The parser's own message names neither the line nor always the place, and repeats the value.
    """
    if len(path) > MAX_DEPTH:
        return file.refused("The file is nested too deeply.", path)
    if not isinstance(data, dict):
        return file.refused(f"Here belongs a mapping ({descriptor.name}).", path)
    fields = {name: field for field in descriptor.fields for name in (field.name, field.camelcase_name)}
    for name, value in data.items():
        field = fields.get(name)
        if field is None:
            known = ", ".join(sorted(field.camelcase_name for field in descriptor.fields))
            what = f"{descriptor.name} has no such field."
            return file.refused(what, path, f"Its fields are {known}.", name)
        if _parsed({name: value}, descriptor) is not None:
            continue
        if not field.is_repeated:
            return _blame_one(value, field, (*path, name), file)
        if isinstance(value, list):
            for index, item in enumerate(value):
                if _parsed({name: [item]}, descriptor) is None:
                    return _blame_one(item, field, (*path, name, index), file)
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        return file.refused(f"Here belongs a {'mapping of texts' if is_map else 'list'}.", (*path, name))
    several = [[field.camelcase_name for field in group.fields] for group in descriptor.oneofs]
    names = next((", ".join(group) for group in several if len(set(group) & set(data)) > 1), "the fields")
    return file.refused(f"Only one of {names} can be given.", path)


def _blame_one(value: Any, field: Any, path: Path, file: PacketFile) -> BadInputError:
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
        what = "A time is not written as 2023-12-28T00:00:00Z."
        return file.refused(what, path, "Give date, time and zone.")
    if field.message_type is not None:
        return _blame(value, field.message_type, path, file)
    if field.enum_type is not None:
        words = ", ".join(item.name for item in field.enum_type.values)
        return file.refused("This is none of the words of the schema.", path, f"They are {words}.")
    kinds = {field.TYPE_STRING: "a text", field.TYPE_BOOL: "true or false"}
    return file.refused(f"Here belongs {kinds.get(field.type, 'a number')}.", path)


def _person_of(data: dict[str, Any], file: PacketFile) -> tuple[dict[str, Any], PacketFile, list[str]]:
    """The packet of one person of schema version 2, its place, and notes on what was left aside.

    A family is read as its proband, who has the family's metadata.
    """
    notes: list[str] = []
    if set(data) == {"phenopacket"} and isinstance(
        data["phenopacket"], dict
    ):  # as the schema's documentation
        data, file = data["phenopacket"], replace(file, root=("phenopacket",))
    if "members" in data:
        raise file.refused(
            "This is a Cohort, the Phenopackets of several persons.",
            ("members",),
            "Save each entry of 'members' as a file of its own.",
        )
    if isinstance(proband := data.get("proband"), dict) and "subject" not in data:
        notes = ["The file is a Family: its proband was read, relatives and pedigree were left out"]
        meta = {} if _part(proband, "metadata") else {"metaData": _part(data, "metadata")}
        data, file = meta | proband, replace(file, root=("proband",))
    version = str(_part(_part(data, "metadata"), "phenopacketschemaversion"))
    if version.startswith("1") or any(_part(data, name) for name in ("variants", "genes", "htsfiles")):
        raise file.refused(
            "This is a Phenopacket of schema version 1, and kinscope reads version 2.",
            (),
            "Convert it: phenopacket-tools convert --convert-variants.",
        )
    if all(_part(data, name) is None for name in PARTS):
        raise BadInputError(
            "The file is neither a kinscope case nor a Phenopacket.",
            where=f"{file.where}, line 1",
            remedy="A case begins with 'kinscope_case: 1'; a Phenopacket has 'subject' and 'metaData'.",
        )
    return data, file, notes


def _part(data: Any, name: str) -> Any:
    """The value of a field, spelled as ``metaData`` or ``meta_data``; None where there is none."""
    found = data.items() if isinstance(data, dict) else ()
    return next((value for key, value in found if str(key).replace("_", "").lower() == name), None)


def _case_of_packet(data: dict[str, Any], file: PacketFile, pack: TargetPack | None) -> Case:
    data, file, notes = _person_of(data, file)
    reader = PacketReader(parse_packet(data, file), file, pack or load_target("abl1"))
    content = reader.content()
    content["notes"] = [*notes, *content["notes"]][:100]
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
    return reader.with_lines(case)

"""Whether plain data have the shape of a Phenopacket v2, with the path and line of what has not.

The parser of the ``phenopackets`` package names neither the line nor always the place, and repeats the
value it was given; here the data are walked along the schema's own descriptors first.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from kinscope.clinic.case_yaml import (
    CaseFileError,
    Places,
    line_of,
    load_marked,
    path_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

REPEATED = "a key is given twice"
LONGEST_MARKED = 300_000
"""Characters of a JSON text up to which errors name the line too; the path stands in every error."""
MAX_ITEMS = 5_000
MAX_TEXT = 20_000
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})")
Path = tuple[str | int, ...]


def read_json(text: str, where: str) -> tuple[Any, Places]:
    """Data of a JSON text and the line of each part.

    Raises
    ------
    CaseFileError
        If it is no JSON (with line and column), repeats a key, holds NaN, or is nested too deeply.
    """
    try:
        data = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_repeats)
    except json.JSONDecodeError as error:
        raise CaseFileError(
            f"The file is not JSON: {error.msg}.",
            where=f"{where}, line {error.lineno}, column {error.colno} (offset {error.pos})",
            remedy="Export it again, or mend that place.",
        ) from None
    except RecursionError:
        raise CaseFileError("The file is nested too deeply.", where=where) from None
    except ValueError as error:
        word = str(error)
        if word == REPEATED:
            load_marked(text.replace("\t", " "), where)  # names the line
            raise CaseFileError("A key is given twice.", where=where) from None
        line = text.count("\n", 0, max(0, text.find(word))) + 1
        raise CaseFileError("NaN and infinity are no JSON.", where=f"{where}, line {line}") from None
    return data, _places(text, where)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError(REPEATED)
    return content


def _places(text: str, where: str) -> Places:
    """Lines by the YAML scanner: JSON is YAML once tabs, which JSON has outside texts only, are blanks."""
    if len(text) > LONGEST_MARKED:
        return {}
    try:
        return load_marked(text.replace("\t", " "), where)[1]
    except CaseFileError:
        return {}


def check_shape(data: Any, message: Any, places: Places, where: str) -> None:
    """Refuse data that a message of the schema cannot hold.

    Parameters
    ----------
    data
        Plain data as JSON or YAML gave them.
    message
        A descriptor of the ``phenopackets`` package.
    places, where
        Lines of the parts, and the file's name, for errors.

    Raises
    ------
    CaseFileError
        With the path, the line and what belongs there; never with the value.
    """
    _message(data, message, (), places, where)


def refused(
    what: str, path: Sequence[str | int], places: Places, where: str, remedy: str = ""
) -> CaseFileError:
    """An error at a path of the file."""
    line, _ = line_of(places, path)
    at = f", line {line}" if places else ""
    return CaseFileError(what, where=f"{where}{at} ({path_text(path)})", remedy=remedy)


def _message(data: Any, message: Any, path: Path, places: Places, where: str) -> None:
    if message.full_name == "google.protobuf.Timestamp":
        if not isinstance(data, str) or not _TIME.fullmatch(data):
            raise refused(
                "A time is not written as 2023-12-28T00:00:00Z.",
                path,
                places,
                where,
                "Give date, time and zone.",
            )
        return
    if message.full_name == "google.protobuf.Any":
        return
    if not isinstance(data, dict):
        raise refused(f"Here belongs a mapping ({message.name}).", path, places, where)
    fields = {name: field for field in message.fields for name in (field.name, field.camelcase_name)}
    groups: dict[str, str] = {}
    for name, value in data.items():
        field = fields.get(name)
        if field is None:
            known = ", ".join(sorted(field.camelcase_name for field in message.fields))
            raise refused(
                f"{message.name} has no such field.",
                (*path, str(name)),
                places,
                where,
                f"Its fields are {known}.",
            )
        group = field.containing_oneof
        if group is not None and groups.setdefault(group.name, name) != name:
            raise refused(
                f"Only one of {', '.join(f.camelcase_name for f in group.fields)} can be given.",
                (*path, name),
                places,
                where,
            )
        if value is not None:
            _field(value, field, (*path, name), places, where)


def _field(value: Any, field: Any, path: Path, places: Places, where: str) -> None:
    is_map = bool(field.message_type and field.message_type.GetOptions().map_entry)
    if is_map:
        if not isinstance(value, dict):
            raise refused("Here belongs a mapping of texts.", path, places, where)
        return
    if field.is_repeated:
        if not isinstance(value, list):
            raise refused("Here belongs a list.", path, places, where)
        if len(value) > MAX_ITEMS:
            raise refused(f"The list has more than {MAX_ITEMS:,} items.", path, places, where)
        for index, item in enumerate(value):
            _single(item, field, (*path, index), places, where)
        return
    _single(value, field, path, places, where)


def _single(value: Any, field: Any, path: Path, places: Places, where: str) -> None:
    if field.message_type is not None:
        _message(value, field.message_type, path, places, where)
    elif field.enum_type is not None:
        names = [item.name for item in field.enum_type.values]
        if value not in names:
            raise refused(
                "This is none of the words of the schema.",
                path,
                places,
                where,
                f"They are {', '.join(names)}.",
            )
    elif field.type == field.TYPE_STRING:
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise refused(f"Here belongs a text of at most {MAX_TEXT:,} characters.", path, places, where)
    elif field.type == field.TYPE_BOOL:
        if not isinstance(value, bool):
            raise refused("Here belongs true or false.", path, places, where)
    elif not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise refused("Here belongs a number.", path, places, where)

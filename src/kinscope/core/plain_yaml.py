"""YAML that may come from anywhere: plain data only, bounded, nothing shared, nothing repeated.

Packs, cases and qPCR runs are read by it alike, with the line of every part for the errors of whoever
validates the data. An error repeats no value of the file: it may be a patient's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kinscope.core.errors import BadInputError
from kinscope.core.files import read_text

R = TypeVar("R", bound=BaseModel)
MAX_NODES = 40_000
"""Values in one file; the largest shipped file has under 6,000."""
MAX_DEPTH = 30
Places = dict[tuple[str | int, ...], int]
"""Line (from 1) of every key and list item, by the path to it."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters and marks that turn the direction of text: what they print is not what they say."""

_CITED = re.compile(r"""(?s)(?<=found |acter |andle )(['"])(?!<).*\1""")
"""What the parser repeats of the text: a character, a tag's handle. Names of its own (``<scalar>``) stay."""


class _RefusedError(Exception):
    """Why a text is not plain YAML, and the line."""

    def __init__(self, reason: str, mark: Any) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, mark.line + 1 if mark else 1


class _Loader(yaml.SafeLoader):
    """The safe loader without aliases (they can grow without bound), tags, depth and bulk.

    Only what YAML 1.2's core schema takes for a number or a truth value is one (yaml.org/spec/1.2.2, 10.3):
    NO is Norway, 1:30 no 90, 0123 no octal. Dates stay text, so that 2023-07 can stand beside 2023-07-01.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse before anything is built of what is refused."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise _RefusedError("anchors and aliases are not allowed", mark)
        if event.tag:
            raise _RefusedError("tags are not allowed", mark)
        self._depth, self._nodes = self._depth + 1, self._nodes + 1
        if self._depth > MAX_DEPTH:
            raise _RefusedError("it is nested too deeply", mark)
        if self._nodes > MAX_NODES:
            raise _RefusedError(f"it holds more than {MAX_NODES:,} values", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_pattern})$"), _first)


def read_yaml(path: Path) -> Any:
    """The plain data of a YAML file; None for an empty one.

    Raises BadInputError if the file cannot be read, or as :func:`parse_yaml`.
    """
    return parse_yaml(read_text(path), str(path))[0]


def read_record(path: Path, kind: type[R], what: str, remedy: str = "") -> R:
    """The record that a YAML file holds.

    Raises BadInputError as :func:`read_yaml`; or that says ``what``, the first reason, and where in the file.
    """
    content = read_yaml(path)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        # A union's member that pydantic puts into the path is a class of ours, not a name in the file.
        loc = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
        place = path_text([part for part in loc if not str(part).endswith("Criteria")])
        raise BadInputError(
            f"{what}: {first['msg']}.", where=f"{path}, {place}"[:300], remedy=remedy
        ) from None


def parse_yaml(text: str, where: str) -> tuple[Any, Places]:
    """Plain data of a text and the line of each part of it; ``where`` names the text in errors.

    Raises BadInputError if the text is no YAML, uses tags, anchors or aliases, repeats a key, holds control
    characters, or is too deep or too large; with the line.
    """
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, {}
        places: Places = {}
        _mark(node, (), places)
        return loader.construct_document(node), places
    except _RefusedError as error:
        raise _not_plain(error.reason, f"{where}, line {error.line}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = _CITED.sub("…", error.problem or "it cannot be read")
        raise _not_plain(problem, where + at) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _not_plain("it holds a character that YAML does not allow", f"{where}, line {line}") from None
    except (ValueError, RecursionError):
        raise _not_plain("it holds a value that cannot be read", where) from None
    finally:
        if loader is not None:
            loader.dispose()


def _not_plain(reason: str, where: str) -> BadInputError:
    return BadInputError(f"The file is not plain YAML: {reason}.", where=where)


def _mark(node: yaml.Node, path: tuple[str | int, ...], places: Places) -> None:
    places.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        _refuse_unprintable(node)
    for key, line, child in _children(node):
        places[*path, key] = line
        _mark(child, (*path, key), places)


def _children(node: yaml.Node) -> Iterator[tuple[str | int, int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise _RefusedError("a key is not plain text", key.start_mark)
            if key.value in seen:
                raise _RefusedError("a key is given twice", key.start_mark)
            seen.add(key.value)
            _refuse_unprintable(key)
            yield key.value, key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield index, item.start_mark.line + 1, item


def _refuse_unprintable(node: yaml.ScalarNode) -> None:
    found = _UNPRINTABLE.search(node.value)
    if found:
        raise _RefusedError(f"a text holds the control character U+{ord(found.group()):04X}", node.start_mark)


def line_of(places: Places, path: Sequence[str | int]) -> tuple[int, tuple[str | int, ...]]:
    """The line of the deepest part of a path that stands in the file, and that part.

    Names that only the records know (the tag of a union, ``finding``) are passed over.
    """
    found: tuple[str | int, ...] = ()
    for part in path:
        if (*found, part) in places:
            found = (*found, part)
    return places.get(found, 1), found


def path_text(path: Sequence[str | int]) -> str:
    """E.g. ``measurements[3].percent``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the whole file"

"""YAML that may come from anywhere: plain data only, bounded, nothing shared, nothing repeated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from kinscope.core.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 2_000_000
"""The largest file of the shipped packs is under 100 kB."""


_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters and marks that turn the direction of text: what they print is not what they say."""


def _refuse_unprintable(content: Any) -> None:
    if isinstance(content, str):
        found = _UNPRINTABLE.search(content)
        if found:
            raise yaml.YAMLError(f"a text holds the control character U+{ord(found.group()):04X}")
    elif isinstance(content, dict):
        for key, value in content.items():
            _refuse_unprintable(key)
            _refuse_unprintable(value)
    elif isinstance(content, list):
        for value in content:
            _refuse_unprintable(value)


class _PlainLoader(yaml.SafeLoader):
    """The safe loader without aliases (they can grow without bound) and without repeated keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse an alias where the safe loader would share the node."""
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.YAMLError(f"line {event.start_mark.line + 1}: aliases are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Refuse a key that is given twice: one of the two values would be lost in silence."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if any(isinstance(key, dict | list) for key in keys) or len(set(keys)) < len(keys):
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: a key is repeated or is not plain")
        return super().construct_mapping(node, deep=deep)


def read_text(path: Path) -> str:
    """A UTF-8 text file of bounded size.

    Raises
    ------
    BadInputError
        If it is missing, not a regular file, too large or not UTF-8.
    """
    try:
        if not path.is_file():
            raise BadInputError("A file of the target pack is missing.", where=str(path))
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise BadInputError(f"The file is larger than {MAX_BYTES:,} bytes.", where=str(path))
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInputError("The file is not UTF-8 text.", where=str(path)) from None
    except OSError as error:
        raise BadInputError(f"The file cannot be read: {error.strerror}.", where=str(path)) from None


def read_yaml(path: Path) -> Any:
    """The plain data of a YAML file.

    Raises
    ------
    BadInputError
        If the file cannot be read, is not YAML, or uses tags, aliases or repeated keys.
    """
    text = read_text(path)
    try:
        content = yaml.load(text, Loader=_PlainLoader)
        _refuse_unprintable(content)
        return content
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise BadInputError(f"The file is not plain YAML: {reason}.", where=str(path)) from None
    except RecursionError:
        raise BadInputError("The file is nested too deeply.", where=str(path)) from None

"""qPCR runs as YAML; an error names the line of the entry it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from kinscope.clinic.qpcr_model import QpcrRun
from kinscope.core.errors import BadInputError
from kinscope.targets.yaml_reader import read_text, read_yaml


def read_yaml_run(path: Path, transcript: str, control_gene: str, factor: float | None) -> QpcrRun:
    """A run from YAML with the fields of :class:`kinscope.clinic.qpcr_model.QpcrRun`.

    Raises
    ------
    BadInputError
        With the line of what is wrong.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise BadInputError(
            "The file holds no run: fields such as control_gene and samples are expected.",
            where=f"{path.name}, line 1",
            remedy="See docs/clinic.md for an example.",
        )
    given = {"transcript": transcript, "control_gene": control_gene, "conversion_factor": factor}
    content = {**content, **{key: value for key, value in given.items() if value not in ("", None)}}
    try:
        return QpcrRun.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        line = line_of(read_text(path), first["loc"])
        raise BadInputError(
            f"{place or 'the run'}: {_plain(first['msg'])}.",
            where=f"{path.name}, line {line}",
            remedy="See docs/clinic.md for an example.",
        ) from None


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:200]


def line_of(text: str, location: tuple[int | str, ...]) -> int:
    """The line of an entry, or of the nearest one above it that is there."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 1
    for part in location:
        following = _child(node, part)
        if following is None:
            break
        node, line = following
    return line


def _child(node: Any, part: int | str) -> tuple[Any, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child = node.value[part]
        return child, child.start_mark.line + 1
    return None

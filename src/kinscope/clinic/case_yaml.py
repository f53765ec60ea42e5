"""Reading the friendly case file, with the line of whatever is wrong in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from kinscope.clinic.case_model import Case
from kinscope.core.errors import BadInputError
from kinscope.core.outside import decoded, read_bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_BYTES = 2_000_000
MAX_NODES = 40_000
MAX_DEPTH = 30
Places = dict[tuple[str | int, ...], int]
"""Line (from 1) of every key and list item."""


class CaseFileError(BadInputError):
    """A case file that cannot be read or does not say what a case must say."""


class _Loader(yaml.SafeLoader):
    """Plain data only: no tags, no aliases, no repeated keys; dates stay text, so that 2023-07 can stand."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_case_text(path: Path) -> str:
    """The UTF-8 text of a regular file of at most ``MAX_BYTES``.

    Raises
    ------
    CaseFileError
        If it is missing, no regular file, too large, empty, or not UTF-8 (with the offset).
    """
    remedy = "One case per file; a whole course takes a few kilobytes."
    data = read_bounded(path, MAX_BYTES, remedy=remedy, kind=CaseFileError)
    text = decoded(data, path, kind=CaseFileError)
    if not text.strip():
        raise CaseFileError(
            "The file is empty.", where=f"{path}, line 1", remedy="See `kinscope case --template`."
        )
    return text


def load_marked(text: str, where: str) -> tuple[Any, Places]:
    """Plain data and the line of each part of it.

    Raises
    ------
    CaseFileError
        If the text is not plain YAML, repeats a key, or is too deep or too large; with the line.
    """
    try:
        _check_events(text, where)
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise CaseFileError("The file holds no data.", where=f"{where}, line 1")
        places: Places = {}
        _walk(node, (), places, where)
        loader = _Loader("")
        try:
            return loader.construct_document(node), places
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise CaseFileError(
            f"The file is not plain YAML: {error.problem or 'it cannot be read'}.", where=where + at
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise CaseFileError(
            "The file holds a character that YAML does not allow.", where=f"{where}, line {line}"
        ) from None
    except CaseFileError:
        raise
    except (ValueError, RecursionError):
        raise CaseFileError("The file is not plain YAML, or nested too deeply.", where=where) from None


def _check_events(text: str, where: str) -> None:
    """Refuse aliases, tags, depth and bulk before anything is built from them."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        at = f"{where}, line {event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise CaseFileError("Anchors and aliases are not allowed.", where=at)
        if getattr(event, "tag", None):
            raise CaseFileError("Tags are not allowed.", where=at)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            what = "nested too deeply" if depth > MAX_DEPTH else "too long"
            raise CaseFileError(f"The file is {what}.", where=at)


def _walk(node: yaml.Node, path: tuple[str | int, ...], places: Places, where: str) -> None:
    places.setdefault(path, node.start_mark.line + 1)
    for key, line, child in _children(node, where):
        if (*path, key) in places:
            raise CaseFileError("A key is given twice.", where=f"{where}, line {line}")
        places[*path, key] = line
        _walk(child, (*path, key), places, where)


def _children(node: yaml.Node, where: str) -> Iterator[tuple[str | int, int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise CaseFileError("A key is not plain text.", where=f"{where}, line {line}")
            yield key.value, line, value
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield index, item.start_mark.line + 1, item


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


def explain(error: ValidationError, places: Places, where: str) -> CaseFileError:
    """The first few findings of pydantic, with lines and without the values that were given.

    Values may be names or numbers of a patient, so none is repeated.
    """
    lines = []
    first = 1
    problems = sorted(error.errors(include_input=False, include_url=False), key=lambda p: _line(p, places))
    for index, problem in enumerate(problems[:5]):
        path = _path(problem)
        line, found = line_of(places, path)
        first = line if index == 0 else first
        message = problem["msg"].removeprefix("Value error, ")
        missing = problem["type"] == "missing" and found[-1:] != path[-1:]
        name = path_text((*found, path[-1]) if missing else found)
        lines.append(f"line {line}: {name}: {_plain(message, problem['type'])}")
    if len(problems) > 5:
        lines.append(f"and {len(problems) - 5} more")
    return CaseFileError(
        "The case file does not say what a case must say.\n  " + "\n  ".join(lines),
        where=f"{where}, line {first}",
        remedy="docs/case.md describes each field; `kinscope case --template` prints a file to start from.",
    )


def _path(problem: Any) -> tuple[str | int, ...]:
    """Where a finding points; a union that its tag cannot decide points at the tag."""
    path: tuple[str | int, ...] = problem["loc"]
    return (*path, "kind") if problem["type"].startswith("union_tag") else path


def _line(problem: Any, places: Places) -> int:
    return line_of(places, _path(problem))[0]


def _plain(message: str, kind: str) -> str:
    if kind == "missing":
        return "this is needed and not given"
    if kind == "string_pattern_mismatch":
        return (
            "a name here is made of letters, digits, '-' and '_' (with .stop or .dose2 where a time is meant)"
        )
    if kind == "extra_forbidden":
        return "there is no such field here"
    if kind == "union_tag_not_found":
        return "this needs a 'kind' (blasts, counts, transcript, flow-mrd, karyotype, mutation)"
    if kind == "union_tag_invalid":
        return "the 'kind' is none of blasts, counts, transcript, flow-mrd, karyotype, mutation"
    return message[:1].lower() + message[1:]


def case_of_data(data: Any, places: Places, where: str) -> Case:
    """The case that plain data describe.

    Raises
    ------
    CaseFileError
        If fields are missing, unknown, or hold what they cannot; ids are repeated or point nowhere.
    """
    if not isinstance(data, dict):
        raise CaseFileError(
            "A case file is a mapping of fields such as 'disease' and 'measurements'.",
            where=f"{where}, line 1",
            remedy="`kinscope case --template` prints a file to start from.",
        )
    version = data.get("kinscope_case")
    if version != Case.SCHEMA_VERSION:
        line, _ = line_of(places, ("kinscope_case",))
        raise CaseFileError(
            f"'kinscope_case' must say the version of the format, {Case.SCHEMA_VERSION}.",
            where=f"{where}, line {line}",
            remedy=f"Write 'kinscope_case: {Case.SCHEMA_VERSION}' as the first line.",
        )
    fields = {key: value for key, value in data.items() if key != "kinscope_case"}
    try:
        case = Case.model_validate(fields)
    except ValidationError as error:
        raise explain(error, places, where) from None
    check_references(case, places, where)
    return case


GROUPS = ("events", "treatments", "measurements", "responses", "toxicities")


def check_references(case: Case, places: Places, where: str) -> None:
    """Every id once, every reference to an entry or a source that exists."""
    seen: set[str] = set()
    for group in GROUPS:
        for index, entry in enumerate(getattr(case, group)):
            if entry.id in seen:
                raise _refused("An id is given twice.", places, (group, index, "id"), where)
            seen.add(entry.id)
    sources = {source.key for source in case.sources}
    stops = {f"{treatment.id}.stop" for treatment in case.treatments if treatment.stop}
    stops |= {f"{toxicity.id}.stop" for toxicity in case.toxicities if toxicity.stop}
    doses = {
        f"{entry.id}.dose{number}"
        for entry in case.treatments
        for number, dose in enumerate(entry.doses, start=1)
        if dose.when
    }
    for path, name, value in _references(case):
        known = sources if name == "source" else seen | stops | doses
        if value not in known:
            what = "source" if name == "source" else "entry"
            raise _refused(f"There is no {what} of this name in the file.", places, (*path, name), where)


def _references(case: Case) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Path, field and value of every reference."""
    if case.last_possible:
        yield (), "last_possible", case.last_possible
    for group in (*GROUPS, "times"):
        for index, entry in enumerate(getattr(case, group)):
            for path, record in _records(entry, (group, index)):
                for name in ("source", "after", "before", "same_as", "treatment", "lasted_until", "of"):
                    value = getattr(record, name, None)
                    if value:
                        yield path, name, value
                for value in getattr(record, "or_after", ()):
                    yield path, "or_after", value


def _records(entry: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, entry
    for name in ("when", "start", "stop", "agents", "doses"):
        for index, item in enumerate(getattr(entry, name, ())):
            yield from _records(item, (*path, name, index))


def _refused(what: str, places: Places, path: tuple[str | int, ...], where: str) -> CaseFileError:
    line, found = line_of(places, path)
    return CaseFileError(
        what, where=f"{where}, line {line} ({path_text(found)})", remedy="Check the spelling of the id."
    )

"""Reading the friendly case file, with the line of whatever is wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kinscope.clinic.case.model import GROUPS, Case
from kinscope.core.errors import BadInputError
from kinscope.core.files import read_text
from kinscope.core.plain_yaml import Places, line_of, path_text


def read_case_text(path: Path) -> str:
    """The UTF-8 text of a regular file.

    Raises BadInputError if it is missing, no regular file, too large, empty, or not UTF-8 (with the offset).
    """
    text = read_text(path, remedy="One case per file; a whole course takes a few kilobytes.")
    if not text.strip():
        raise BadInputError(
            "The file is empty.", where=f"{path}, line 1", remedy="See `kinscope case --template`."
        )
    return text


UNKNOWN = ("extra_forbidden", "invalid_key")
"""Findings on a name that only the file has: it is not repeated."""


def explain(error: ValidationError, places: Places, where: str) -> BadInputError:
    """The first few findings of pydantic, with lines and without the values and names that were given.

    They may be names or numbers of a patient, so none is repeated.
    """
    lines = []
    found_in = [(line_of(places, _path(p)), p) for p in error.errors(include_input=False, include_url=False)]
    problems = sorted(found_in, key=lambda place: place[0][0])
    for (line, found), problem in problems[:5]:
        path = _path(problem)
        message = problem["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        if problem["type"] == "missing" and found[-1:] != path[-1:]:
            found = (*found, path[-1])
        elif problem["type"] in UNKNOWN and found[-1:] == path[-1:]:
            found = found[:-1]
        name = path_text(found)
        lines.append(f"line {line}: {name}: {_PLAIN.get(problem['type'], message)}")
    if len(problems) > 5:
        lines.append(f"and {len(problems) - 5} more")
    return BadInputError(
        "The case file does not say what a case must say.\n  " + "\n  ".join(lines),
        where=f"{where}, line {problems[0][0][0]}",
        remedy="docs/how-to/case.md describes each field; `kinscope case --template` prints one to fill in.",
    )


def _path(problem: Any) -> tuple[str | int, ...]:
    """Where a finding points: at the tag of a union only where that cannot decide it."""
    path: tuple[str | int, ...] = problem["loc"]
    if path[:1] == ("measurements",) and set(path[2:3]) & set(_TAGS):
        path = (*path[:2], *path[3:])
    return (*path, "kind") if problem["type"].startswith("union_tag") else path


_TAGS = ("blasts", "counts", "transcript", "flow-mrd", "karyotype", "mutation")
_KINDS = ": " + ", ".join(_TAGS)
_PLAIN = dict.fromkeys(UNKNOWN, "there is no such field here") | {
    "missing": "this is needed and not given",
    "string_pattern_mismatch": "a name here is made of letters, digits, '-' and '_' (with .stop or .dose2 "
    "where a time is meant)",
    "string_type": "here belongs text; a number or true and false are text in quotes",
    "union_tag_not_found": f"this needs a 'kind'{_KINDS}",
    "union_tag_invalid": f"the 'kind' is none of these{_KINDS}",
}
"""What pydantic's kinds of findings mean to who writes a case."""


def case_of_data(data: dict[str, Any], places: Places, where: str) -> Case:
    """The case that plain data describe.

    Raises BadInputError if fields are missing, unknown, or hold what they cannot; ids are repeated or point
    nowhere.
    """
    version = data.get("kinscope_case")
    if version != Case.SCHEMA_VERSION:
        line, _ = line_of(places, ("kinscope_case",))
        raise BadInputError(
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


def _refused(what: str, places: Places, path: tuple[str | int, ...], where: str) -> BadInputError:
    line, found = line_of(places, path)
    return BadInputError(
        what, where=f"{where}, line {line} ({path_text(found)})", remedy="Check the spelling of the id."
    )

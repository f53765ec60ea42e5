"""What leaves kinscope of a patient: a pseudonym by default, and less in a redacted export.

Both work on the case as entered, before anything is computed: what is not in the case cannot reach a page,
a table, a log or an error message.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unicodedata import combining, normalize

from kinscope.clinic.case.model import Case
from kinscope.clinic.case.schedule import DAYS_PER_UNIT, Schedule, parse_date
from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import read_yaml

REMOVED = "[removed]"
OLDEST_NAMED_AGE = 89
"""Ages above are shown as 90: the few who are older can be recognised by it (45 CFR 164.514(b)(2)(i)(C))."""
FREE_TEXT = frozenset({
    "title", "citation", "text", "label", "words", "note", "notes", "reason", "days", "method", "region",
    "action", "term", "drug", "as_reported", "source", "transcript", "expression", "iscn", "day_zero",
    "gene", "sample",
})  # fmt: skip
_LONG_NUMBER = re.compile(r"\d{5,}")
WORDS: dict[str, Any] = read_yaml(Path(__file__).parent / "words.yaml")
_MONTHS, _SHORT = ("|".join(WORDS[name].split()) for name in ("months", "short_months"))
_MONTH = rf"(?<![a-zà-ž+])(?:(?:{_MONTHS})(?![a-zà-ž])|(?:{_SHORT})(?![a-zà-ž])\.?)"
_DAY = r"(?<!\d)(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|er|º|\.)?(?!\d)"
_YEAR = r"(?:(?:19|20)\d\d|['’]?\d\d)(?!\d)"
_OF = r"[\s\-/.,]*(?:(?:of|de|di|del)\s+)?"
_FULL_DATES = (
    r"(?<!\d)(?:(?:19|20)\d\d([./\- ]\s?)\d{1,2}\1\d{1,2}|\d{1,2}([./\- ]\s?)\d{1,2}\2(?:19|20)\d\d|"
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)"
)
_DATES = re.compile(
    rf"{_FULL_DATES}|{_DAY}{_OF}{_MONTH}(?:{_OF}{_YEAR})?|{_MONTH}{_OF}{_DAY}(?:{_OF}{_YEAR})?|{_MONTH}{_OF}{_YEAR}|"
    rf"(?<![a-zà-ž])(?:{_MONTHS})(?![a-zà-ž])|(?<=\bin |\bof |\bby )(?:{_SHORT})(?![a-zà-ž])|"
    r"(?<!\d)(?:(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[./-](?:[12]\d|3[01]))"
    r"[./-]\d\d(?!\d)|(?<!\d)\d{1,2}\.(?:0[1-9]|1[0-2])\.(?!\d)|"
    r"(?<!\d)(?:0?[1-9]|1[0-2])[./-](?:19|20)\d\d(?!\d)|(?<!\d)(?:0[1-9]|1[0-2])/\d\d(?!\d)|"
    r"(?<=\bon )\d{1,2}/\d{1,2}(?!\d)|(?<!\d)(?<!\d[.,])(?:19|20)\d\d(?:[./-]\d{1,2})?(?!\d)",
    re.IGNORECASE,
)
_DATE_IN_CODE = re.compile(_FULL_DATES)
_DATE_IN_NAME = re.compile(rf"{_DATES.pattern}|\d{{6,8}}|\d-\d", re.IGNORECASE)
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"}
)
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def pseudonym_of(case: Case, salt: bytes | None) -> str:
    """A name for the patient that says nothing: ``P1``, or by a secret of the laboratory always the same.

    With the ``salt`` it is the first 40 bits of HMAC-SHA-256 over the number, else the name; nobody without
    it can try numbers out.
    """
    subject = case.subject
    identity = subject.hospital_id or subject.name or case.id
    if not salt:
        return "P1"
    digest = hmac.new(salt, identity.strip().lower().encode(), hashlib.sha256).hexdigest()
    return f"P-{digest[:10]}"


def identifiers(case: Case) -> tuple[str, ...]:
    """Every text of a case that names its patient, in the ways it may be written; longest first."""
    subject = case.subject
    names = [subject.name, *re.split(r"[\s,.;-]+", subject.name)]
    texts = [*names, subject.hospital_id, *subject.other_ids, subject.institution]
    texts += [entry.sample for entry in case.measurements]
    for number in (subject.hospital_id, *subject.other_ids, *(entry.sample for entry in case.measurements)):
        texts += _LONG_NUMBER.findall(number)
    texts += [subject.birth_date] * (len(subject.birth_date) > 4)
    plain = [normalize("NFC", text.strip()) for text in texts]
    forms = {form for text in plain for form in (text, *_ascii_forms(text))}
    found = {text for text in forms if len(text) >= 3 or (len(text) == 2 and text.isalpha())}
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _ascii_forms(text: str) -> set[str]:
    """A text without its accents, in the two ways that is done: Müller as Muller and Mueller."""
    small = text.lower()
    forms = {normalize("NFKD", form.translate(_PLAIN)) for form in (small, small.translate(_DIGRAPHS))}
    return {"".join(sign for sign in form if not combining(sign)) for form in forms} - {small}


def scrubber(case: Case) -> Callable[[str], str]:
    """A function that takes the patient's identifiers out of a text, a birth date in words among them."""
    patterns = []
    for text in identifiers(case):
        escaped = re.escape(text)
        if len(text) >= 5 and re.search(r"\d", text):  # a number is also written with other separators
            escaped = r"[\W_]{0,3}".join(re.findall(r"[^\W\d_]+|\d+", text))
        before = r"(?<!\d)" if text[0].isdigit() else r"(?<![^\W\d_])"
        after = r"(?!\d)" if text[-1].isdigit() else r"(?![^\W\d_])"
        patterns.append(escaped if len(text) >= 5 else f"{before}{escaped}{after}")
    if not patterns:
        return lambda text: text
    joined = re.compile("|".join(patterns), re.IGNORECASE)
    born = [int(part) for part in re.findall(r"\d+", case.subject.birth_date)]

    def birthday(match: re.Match[str]) -> str:
        text = re.sub(r"\b((?:19|20)\d\d)(\d\d)(\d\d)\b", r"\1-\2-\3", match.group())
        numbers = [int(number) for number in re.findall(r"\d+", text)]
        month = [] if re.search("(?i)[a-z]", text) else born[1:2]
        return REMOVED if len(born) == 3 and {born[0], born[2], *month} <= set(numbers) else match.group()

    def name(match: re.Match[str]) -> str:
        return match.group() if match.group() in WORDS["words_of_two_letters"].split() else REMOVED

    return lambda text: joined.sub(name, _DATES.sub(birthday, normalize("NFC", text)))


def tells_a_name(case: Case) -> Callable[[str], bool]:
    """Whether a key of the file holds an identifier of the patient, as a word of it or run together."""
    known = [re.sub(r"[\W_]", "", text.lower()) for text in identifiers(case)]

    def tells(key: str) -> bool:
        words = {word.lower() for word in re.findall("[A-Z]?[a-z]+|[A-Z]+|[0-9]+", key)}
        run = re.sub("[_-]", "", key.lower())
        return any(text in words or (len(text) > 2 and text in run) for text in known)

    return tells


def pseudonymised(case: Case, pseudonym: str, age_years: int | None = None) -> Case:
    """The case without name, numbers, birth date and institution; nothing else of it is lost.

    Free text is kept, but every identifier of the patient in it is taken out; samples are numbered.
    ``age_years`` is shown where the file gives only a birth date (:func:`age_at`).
    """
    clean = scrubber(case)
    content = case.model_dump(mode="json")
    samples: dict[str, str] = {}
    for entry in content["measurements"]:
        if entry["sample"]:
            entry["sample"] = samples.setdefault(entry["sample"], f"S{len(samples) + 1}")
    _map_text(content, lambda name, text: text if name == "sample" else clean(text))
    content["id"] = pseudonym
    content["subject"] = _subject(case, age_years)
    return Case.model_validate(_without_names(content, case, tells_a_name(case)))


def _without_names(content: dict[str, Any], case: Case, telling: Callable[[str], bool]) -> dict[str, Any]:
    """The content with those ids and keys of sources numbered that tell what they must not."""

    def numbered(names: list[str], word: str) -> dict[str, str]:
        while any(name.startswith(word) for name in names):
            word = f"x{word}"
        return {old: f"{word}{i}" for i, old in enumerate(filter(telling, names), start=1)}

    content = renamed(content, numbered(case.ids(), "entry-"))
    return with_sources(content, numbered([source.key for source in case.sources], "source-"))


def with_sources(content: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The content with keys of sources renamed wherever they stand."""
    for part in parts_of(content):
        if isinstance(part.get("source"), str) and is_key("source", part):
            part["source"] = names.get(part["source"], part["source"])
    for source in content["sources"]:
        source["key"] = names.get(source["key"], source["key"])
    return content


def _subject(case: Case, age_years: int | None) -> dict[str, Any]:
    age = case.subject.age_years if case.subject.age_years is not None else age_years
    if age is not None and age > OLDEST_NAMED_AGE:
        age = OLDEST_NAMED_AGE + 1
    return {"sex": case.subject.sex, "age_years": age}


def age_at(case: Case, schedule: Schedule) -> int | None:
    """Age at the diagnosis (else at the first entry) by the birth date; None where there is none."""
    if not case.subject.birth_date or schedule.clock != "calendar" or not schedule.placements:
        return None
    first, last = parse_date(case.subject.birth_date)
    age = (schedule.onset(case).drawn - (first + last) / 2) / DAYS_PER_UNIT["y"]
    if age < -0.5:
        raise BadInputError(
            "The birth date lies after the diagnosis, or after the first entry.",
            where="subject.birth_date",
            remedy="Correct the one or the other.",
        )
    return max(0, int(age))


def with_relative_days(case: Case, schedule: Schedule) -> Case:
    """The case with every date as days from the diagnosis, and dates taken out of all texts."""
    zero = schedule.onset(case).drawn if schedule.clock == "calendar" else 0
    content = case.model_dump(mode="json")
    for statement in (part for part in parts_of(content) if "or_after" in part):
        if statement["date"]:
            first, last = parse_date(statement["date"])
            statement |= {"date": "", "day": first - zero, "last_day": last - zero}
        statement["words"] = ""
    codes = ("expression", "iscn")  # their numbers are bases and bands
    _map_text(content, lambda name, text: (_DATE_IN_CODE if name in codes else _DATES).sub("…", text))
    content["day_zero"] = (
        "the diagnosis" if any(e.kind == "diagnosis" for e in case.events) else "the first entry"
    )
    names = (*case.ids(), *(source.key for source in case.sources))
    dated = {name for name in names if _DATE_IN_NAME.search(name.replace("_", "-"))}
    return Case.model_validate(_without_names(content, case, dated.__contains__))


def parts_of(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in plain data, outer ones first; they may be changed on the way."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts_of(item)


def _map_text(content: dict[str, Any], change: Callable[[str, str], str]) -> None:
    """Change every free text in place; words that a record only takes from a list are no free text."""
    for part in parts_of(content):
        for name, item in part.items():
            if name not in FREE_TEXT or (name == "method" and part.get("kind") == "blasts"):
                continue
            if isinstance(item, str) and not is_key(name, part):
                part[name] = change(name, item)
            elif isinstance(item, list):
                part[name] = [change(name, text) if isinstance(text, str) else text for text in item]


def is_key(name: str, holder: dict[str, Any]) -> bool:
    """``source`` is a key of ``sources`` everywhere but inside a finding."""
    return name == "source" and "at" not in holder


def renamed(content: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The content with entries renamed wherever they are named."""
    if not names:
        return content
    fields = ("id", "after", "before", "same_as", "treatment", "lasted_until", "of", "last_possible")

    def new(text: str) -> str:
        base, dot, part = text.partition(".")
        return names.get(base, base) + dot + part

    case_id = content["id"]
    for part in parts_of(content):
        for name, item in part.items():
            if name in fields and isinstance(item, str):
                part[name] = new(item)
            elif name == "or_after":
                part[name] = [new(text) for text in item]
    content["id"] = case_id
    return content

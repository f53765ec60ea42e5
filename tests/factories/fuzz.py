"""Files damaged at random, but the same way every time: what a reader must refuse with a word, or read."""

from __future__ import annotations

import random
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kinscope.core.errors import KinscopeError
from kinscope.core.quoting import printable

MARKER = "Kowalska"
"""Stands for what a patient's file says; no message may repeat it."""
LONGEST_SECONDS = 20
_TOKENS = (
    b"\0", b"\x1b[31m", b"\r", b"\n\n", b"\xff\xfe", b"\xe2\x80\xae", b"\xc2\xb2", b"\xd9\xa3",
    b"\xef\xbc\x91",
    b"\xed\xa0\x80", b"9" * 400, b"-1", b"1e999", b"NaN", b"-inf", b"0x1F", b"1_000", b"0", b"99999999999",
    b"\"", b"'", b",", b"\t", b";", b"=", b"{", b"}", b"[" * 300, b"]", b"&a", b"*a",
    b"!!python/name:os.system ",
    b"<script>", b"../../", b"%s%n", b" " * 5000, b"#", b"|", b"/", b":", b"$$$$\n", b"data_\n", b"loop_\n",
)  # fmt: skip


def mutated(sample: bytes, seed: int) -> bytes:
    """The sample with one to four changes, decided by the seed."""
    dice = random.Random(seed)
    data = sample
    for _ in range(dice.choice((1, 1, 2, 4))):
        data = dice.choice(_CHANGES)(data, dice)
    return data


def _place(data: bytes, dice: random.Random) -> int:
    return dice.randrange(len(data) + 1)


def _flip(data: bytes, dice: random.Random) -> bytes:
    place = _place(data, dice)
    return data[:place] + bytes([dice.randrange(256)]) + data[place + 1 :]


def _truncate(data: bytes, dice: random.Random) -> bytes:
    return data[: _place(data, dice)]


def _drop(data: bytes, dice: random.Random) -> bytes:
    place = _place(data, dice)
    return data[:place] + data[place + dice.choice((1, 3, 40)) :]


def _double(data: bytes, dice: random.Random) -> bytes:
    place = _place(data, dice)
    return data[:place] + data[place : place + dice.choice((1, 10, 300))] * 2 + data[place:]


def _insert(data: bytes, dice: random.Random) -> bytes:
    place = _place(data, dice)
    return data[:place] + dice.choice(_TOKENS) + data[place:]


def _number(data: bytes, dice: random.Random) -> bytes:
    """One digit, or the number that begins there, becomes something else."""
    digits = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    if not digits:
        return data
    place = dice.choice(digits)
    return data[:place] + dice.choice(_TOKENS) + data[place + 1 :]


def _swap_lines(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    if len(lines) < 2:
        return data
    one, other = dice.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _repeat_line(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    place = dice.randrange(len(lines))
    return b"".join([*lines[:place], lines[place] * dice.choice((2, 60)), *lines[place + 1 :]])


def _swap_columns(data: bytes, dice: random.Random) -> bytes:
    """Two fields of one line, or of every line."""
    lines = data.splitlines(keepends=True)
    separator = dice.choice((b",", b"\t", b";", b" ", b":"))
    chosen = range(len(lines)) if dice.random() < 0.5 else dice.sample(range(len(lines)), min(1, len(lines)))
    one, other = dice.randrange(6), dice.randrange(6)
    for place in chosen:
        fields = lines[place].split(separator)
        if max(one, other) < len(fields):
            fields[one], fields[other] = fields[other], fields[one]
            lines[place] = separator.join(fields)
    return b"".join(lines)


_CHANGES = (_flip, _truncate, _drop, _double, _insert, _number, _swap_lines, _repeat_line, _swap_columns)


@dataclass(frozen=True)
class Reader:
    """What reads a kind of file, and a small whole file of the kind."""

    name: str
    """Of the file, with the suffix that decides how it is read."""
    sample: bytes
    read: Callable[[Path], object]
    """May return errors that it collected; raises what it refuses."""


def faults(reader: Reader, folder: Path, seeds: range) -> Iterator[str]:
    """What the reader did wrong, each with the seed that shows it."""
    path = folder / reader.name
    for seed in seeds:
        path.write_bytes(mutated(reader.sample, seed))
        wrong = fault_of(reader, path)
        if wrong:
            yield f"seed {seed}: {wrong}"


def fault_of(reader: Reader, path: Path) -> str:
    """What is wrong with how the reader takes a file; empty if it reads or refuses it as it should."""
    try:
        with _no_longer_than(LONGEST_SECONDS):
            found = reader.read(path)
    except KinscopeError as error:
        return _wrong_with(error)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
    collected = [one for one in found if isinstance(one, KinscopeError)] if isinstance(found, list) else []
    return next(filter(None, map(_wrong_with, collected)), "")


def _wrong_with(error: KinscopeError) -> str:
    text = str(error)
    if error.exit_code != 2:
        return f"it is no fault of the machine's: {type(error).__name__}"
    if MARKER.lower()[:6] in text.lower():
        return f"the content is repeated: {error.what[:200]!r}, {error.where[:100]!r}"
    if printable(text) != text:
        return "the message holds what acts on a terminal"
    return "" if len(text) < 2500 else f"the message has {len(text)} characters"


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    def late(_number: int, _frame: object) -> None:
        raise TimeoutError(f"longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

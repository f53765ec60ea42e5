"""Chromatograms in files whose every number may be a lie: bounds first, and errors that name the byte.

ABIF (.ab1) after "Applied Biosystems Genetic Analysis Data File Format" (Applied Biosystems, 2009); SCF, 1 to
3, after Dear S, Staden R 1992, DNA Sequence 3:107, and the Staden package's description (version 3.10).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from kinscope.core import files
from kinscope.core.errors import BadInputError
from kinscope.sequencing.model import BASES, Floats, Integers, Trace, TraceInfo

MAX_BYTES: Final = 32_000_000
"""The largest chromatograms of 3730 instruments are well under 1 MB."""
MAX_SCANS: Final = 200_000
MAX_BASES: Final = 20_000
REMEDY: Final = "Export the chromatogram again (.ab1 or .scf), and check that it was copied whole."


@dataclass(frozen=True)
class BoundedFile:
    """The bytes of a file, read only through checks."""

    path: Path
    data: bytes

    def refuse(self, what: str, offset: int) -> NoReturn:
        """Raise the error for something wrong at a byte."""
        raise BadInputError(what, where=f"{self.path}, byte {offset}", remedy=REMEDY)

    def take(self, offset: int, length: int, what: str) -> bytes:
        """``length`` bytes at ``offset``, or an error that says what was to be there."""
        if offset < 0 or length < 0 or offset + length > len(self.data):
            self.refuse(
                f"{what} would be at bytes {offset} to {offset + length}, and the file has {len(self.data)}.",
                max(0, min(offset, len(self.data))),
            )
        return self.data[offset : offset + length]

    def unpack(self, form: str, offset: int, what: str) -> tuple[Any, ...]:
        """Numbers of a :mod:`struct` format at ``offset``."""
        return struct.unpack(form, self.take(offset, struct.calcsize(form), what))


def read_bounded(path: Path) -> BoundedFile:
    """The whole of a regular file of bounded size.

    Raises BadInputError if it is missing, no regular file, or too large.
    """
    remedy = "Give chromatograms (.ab1, .scf), a VCF or a table of calls."
    return BoundedFile(path, files.read_bounded(path, MAX_BYTES, remedy=remedy))


def _letters(called: bytes) -> str:
    """Called bases, N for what is none of IUPAC's letters."""
    return re.sub("[^ACGTRYSWKMBDHVN]", "N", called.decode("latin-1").upper())


def _printable(text: str) -> str:
    return re.sub("[^ -~]", "?", text).strip()


_ENTRY: Final = ">4siHHiiii"
_ENTRY_BYTES: Final = struct.calcsize(_ENTRY)
_MAX_ENTRIES: Final = 10_000
_NUMBERS: Final = {2: ">u1", 3: ">u2", 4: ">i2", 5: ">i4", 7: ">f4", 8: ">f8", 1: ">u1"}
"""Element types that hold numbers, as numpy types."""


@dataclass(frozen=True)
class _Tag:
    kind: int
    count: int
    offset: int
    """Of the data, bytes."""


def _start(file: BoundedFile) -> int | None:
    """Where a file starts as ABIF does, maybe after the 128 bytes that old Macintosh copies put before."""
    return next((start for start in (0, 128) if file.data[start : start + 4] == b"ABIF"), None)


def read_abif(file: BoundedFile, start: int) -> Trace:
    """The chromatogram of an ABIF file: a header, and a directory of tags with their type, number and place.

    Only the tags that are used are decoded, so that an odd date or comment does no harm.

    Raises BadInputError if the directory or a tag that is needed is missing, damaged or out of bounds; with
    the byte.
    """
    version, tags = _directory(file, start)
    order = _order(file, tags)
    channels = _channels(file, tags, order)
    positions, bases, qualities = _bases(file, tags, channels.shape[1])
    return Trace(
        info=TraceInfo(
            format=f"ABIF {version // 100}.{version % 100:02d}",
            instrument=_text(file, tags, "MODL", 1) or _text(file, tags, "HCFG", 3),
            dye_set=_text(file, tags, "DySN", 1),
            basecaller=_text(file, tags, "SVER", 2),
            mobility_file=_text(file, tags, "PDMF", 1),
        ),
        channels=channels,
        positions=positions,
        bases=bases,
        qualities=qualities,
        raw=_raw(file, tags),
    )


def _directory(file: BoundedFile, start: int) -> tuple[int, dict[tuple[str, int], _Tag]]:
    (version,) = file.unpack(">H", start + 4, "The version")
    if version // 100 != 1:
        file.refuse(f"The version of the format is {version}, not 1xx.", start + 4)
    _, _, _, entry_size, count, _, offset, _ = file.unpack(_ENTRY, start + 6, "The header")
    offset += start
    if entry_size != _ENTRY_BYTES or not 0 < count <= _MAX_ENTRIES:
        file.refuse(f"The directory has {count} entries of {entry_size} bytes.", start + 6)
    file.take(offset, count * _ENTRY_BYTES, "The directory")
    tags: dict[tuple[str, int], _Tag] = {}
    for index in range(count):
        place = offset + index * _ENTRY_BYTES
        name, number, kind, _, elements, size, data, _ = file.unpack(_ENTRY, place, "A directory entry")
        where = place + 20 if size <= 4 else data + start
        tags.setdefault((name.decode("latin-1"), number), _Tag(kind, elements, where))
    return version, tags


def _numbers(
    file: BoundedFile, tags: dict[tuple[str, int], _Tag], name: str, number: int, limit: int
) -> Floats | None:
    """The numbers of a tag; None if the file has no such tag."""
    tag = tags.get((name, number))
    if tag is None:
        return None
    form = _NUMBERS.get(tag.kind)
    if form is None:
        file.refuse(f"{name}{number} has the element type {tag.kind}, which holds no numbers.", tag.offset)
    if not 0 <= tag.count <= limit:
        file.refuse(f"{name}{number} has {tag.count} elements; at most {limit} make sense.", tag.offset)
    needed = tag.count * np.dtype(form).itemsize
    data = file.take(tag.offset, needed, f"{name}{number}")
    values = np.frombuffer(data, dtype=form).astype(np.float64)
    if not np.isfinite(values).all():
        file.refuse(f"{name}{number} holds a value that is no number.", tag.offset)
    return values


def _order(file: BoundedFile, tags: dict[tuple[str, int], _Tag]) -> str:
    tag = tags.get(("FWO_", 1))
    if tag is None:
        file.refuse("The order of the bases (FWO_) is missing.", 0)
    order = file.take(tag.offset, 4, "FWO_1").decode("latin-1").upper()
    if sorted(order) != sorted(BASES):
        file.refuse("The order of the bases (FWO_) is no permutation of ACGT.", tag.offset)
    return order


def _channels(file: BoundedFile, tags: dict[tuple[str, int], _Tag], order: str) -> Floats:
    found: dict[str, Floats] = {}
    for base, number in zip(order, (9, 10, 11, 12), strict=True):
        values = _numbers(file, tags, "DATA", number, MAX_SCANS)
        if values is None:
            file.refuse(f"The processed signal of {base} (DATA{number}) is missing: was it analysed?", 0)
        found[base] = values
    lengths = {len(values) for values in found.values()}
    if len(lengths) != 1 or lengths == {0}:
        offset = tags[("DATA", 9)].offset
        file.refuse(f"The four channels differ in length or are empty: {sorted(lengths)} scans.", offset)
    return np.stack([found[base] for base in BASES])


def _bases(
    file: BoundedFile, tags: dict[tuple[str, int], _Tag], scans: int
) -> tuple[Integers, str, Integers]:
    """Positions, bases and qualities by the basecaller (tags 2) or, if absent, as edited (tags 1).

    Positions that cannot be right are no reason to refuse a file: they are left out and found anew.
    """
    none = np.zeros(0, dtype=np.int64)
    for number in (2, 1):
        found = _numbers(file, tags, "PLOC", number, MAX_BASES)
        tag = tags.get(("PBAS", number))
        if found is None or tag is None:
            continue
        if not 0 <= tag.count <= MAX_BASES:
            file.refuse(f"PBAS{number} has {tag.count} bases; at most {MAX_BASES} make sense.", tag.offset)
        text = _letters(file.take(tag.offset, tag.count, f"PBAS{number}"))
        positions = found.astype(np.int64)
        usable = len(positions) == len(text) and bool(np.all(np.diff(positions) > 0))
        usable = usable and bool(np.all((positions >= 0) & (positions < scans)))
        if not usable:
            continue
        quality = _numbers(file, tags, "PCON", number, MAX_BASES)
        kept = quality is not None and len(quality) == len(text)
        return positions, text, quality.astype(np.int64) if kept and quality is not None else none
    return none, "", none


def _raw(file: BoundedFile, tags: dict[tuple[str, int], _Tag]) -> Floats | None:
    found = [_numbers(file, tags, "DATA", number, MAX_SCANS) for number in (1, 2, 3, 4)]
    kept = [values for values in found if values is not None]
    if len(kept) != 4 or len({len(values) for values in kept}) != 1:
        return None
    return np.stack(kept)


def _text(file: BoundedFile, tags: dict[tuple[str, int], _Tag], name: str, number: int) -> str:
    """A short text of a tag, printable ASCII only; empty if it is absent or out of bounds: none is needed."""
    tag = tags.get((name, number))
    if tag is None or not 0 <= tag.count <= 255 or not 0 <= tag.offset <= len(file.data) - tag.count:
        return ""
    data = file.data[tag.offset : tag.offset + tag.count]
    if tag.kind == 18:
        data = data[1 : 1 + data[0]] if data else b""
    return _printable(data.split(b"\0")[0].decode("latin-1"))


_SCF: Final = b".scf"
_HEADER: Final = ">4s8I4s4I"
_BASE: Final = np.dtype([("peak", ">u4"), ("chance", "u1", 4), ("base", "S1"), ("spare", "u1", 3)])
_MAX_COMMENTS: Final = 100_000


def read_scf(file: BoundedFile) -> Trace:
    """The chromatogram of an SCF file.

    Raises BadInputError if the header, the samples or the bases are damaged or out of bounds; with the byte.
    """
    header = file.unpack(_HEADER, 0, "The header")
    _, samples, samples_at, bases, _, _, bases_at, comments_size, comments_at, version, size, *_ = header
    text = version.decode("latin-1")
    try:
        number = float(text.strip("\0 "))
    except ValueError:
        file.refuse("The version of the format is not a number.", 36)
    if not 1.0 <= number < 4.0:
        file.refuse(f"The version of the format is {number:g}; 1 to 3 are known.", 36)
    size = size or 1
    if size not in (1, 2):
        file.refuse(f"A sample has {size} bytes; 1 or 2 are defined.", 40)
    if not 0 < samples <= MAX_SCANS:
        file.refuse(f"The file has {samples} samples; 1 to {MAX_SCANS} make sense.", 4)
    if bases > MAX_BASES:
        file.refuse(f"The file has {bases} bases; at most {MAX_BASES} make sense.", 12)
    channels = _samples(file, samples_at, samples, size, number >= 3)
    positions, called, qualities = _scf_bases(file, bases_at, bases, samples, number >= 3)
    comments = _comments(file, comments_at, min(comments_size, _MAX_COMMENTS))
    return Trace(
        info=TraceInfo(
            format=f"SCF {number:.2f}",
            instrument=comments.get("MACH", ""),
            dye_set=comments.get("PRIM", "") or comments.get("DYEP", ""),
            basecaller=comments.get("BCSW", ""),
        ),
        channels=channels,
        positions=positions,
        bases=called,
        qualities=qualities,
    )


def _samples(file: BoundedFile, offset: int, count: int, size: int, by_channel: bool) -> Floats:
    data = file.take(offset, 4 * count * size, "The samples")
    form = ">u1" if size == 1 else ">u2"
    values = np.frombuffer(data, dtype=form).astype(np.int64)
    if not by_channel:
        return values.reshape(count, 4).T.astype(np.float64)
    twice = np.cumsum(np.cumsum(values.reshape(4, count), axis=1), axis=1)
    wrapped = twice % (1 << (8 * size))
    return wrapped.astype(np.float64)


def _scf_bases(
    file: BoundedFile, offset: int, count: int, samples: int, by_field: bool
) -> tuple[Integers, str, Integers]:
    data = file.take(offset, 12 * count, "The bases")
    if by_field:
        peaks = np.frombuffer(data, dtype=">u4", count=count).astype(np.int64)
        chances = np.frombuffer(data, dtype="u1", count=4 * count, offset=4 * count).reshape(4, count).T
        called = data[8 * count : 9 * count]
    else:
        rows = np.frombuffer(data, dtype=_BASE, count=count)
        peaks, chances = rows["peak"].astype(np.int64), rows["chance"]
        called = data[8::12][:count]
    letters = _letters(called)
    none = np.zeros(0, dtype=np.int64)
    if np.any(np.diff(peaks) <= 0) or np.any(peaks >= samples):
        return none, "", none
    order = [BASES.find(letter) for letter in letters]
    qualities = np.array(
        [int(row[index]) if index >= 0 else 0 for row, index in zip(chances, order, strict=True)],
        dtype=np.int64,
    )
    return peaks, letters, qualities


def _comments(file: BoundedFile, offset: int, size: int) -> dict[str, str]:
    """The ``KEY=value`` lines of the comments, printable ASCII only; empty where they are out of bounds."""
    if not size or offset + size > len(file.data):
        return {}
    text = file.data[offset : offset + size].split(b"\0")[0].decode("latin-1")
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            found.setdefault(key.strip(), _printable(value[:255]))
    return found


def is_trace(path: Path) -> bool:
    """Whether a file is to be read as a chromatogram, by its first bytes or its name.

    Raises BadInputError if it cannot be read.
    """
    file = read_bounded(path)
    known = file.data.startswith(_SCF) or _start(file) is not None
    return known or path.suffix.lower() in {".ab1", ".abi", ".scf"}


def read_trace(path: Path) -> Trace:
    """Read a chromatogram, ABIF (.ab1) or SCF (.scf), whatever its name.

    Raises BadInputError if the file is neither, or damaged; with the byte.
    """
    file = read_bounded(path)
    if file.data.startswith(_SCF):
        return read_scf(file)
    if (start := _start(file)) is not None:
        return read_abif(file, start)
    file.refuse("The file is neither ABIF nor SCF.", 0)

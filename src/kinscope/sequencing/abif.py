"""ABIF, the format of Applied Biosystems' sequencers (.ab1).

After "Applied Biosystems Genetic Analysis Data File Format" (Applied Biosystems, 2009): a header, and a
directory of 28-byte entries that name a tag, its type, how many elements it has and where they lie; data of
at most four bytes lie in the entry itself. Only the tags that are used are decoded, so that an odd date or
comment in a file does no harm.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from kinscope.sequencing.bounded import MAX_BASES, MAX_SCANS
from kinscope.sequencing.model import BASES, Trace, TraceInfo

if TYPE_CHECKING:
    from kinscope.sequencing.bounded import BoundedFile
    from kinscope.sequencing.model import Floats, Integers

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
    size: int
    """Of the data, bytes."""


def is_abif(file: BoundedFile) -> bool:
    """Whether a file starts as ABIF does, or after the 128 bytes that old Macintosh copies put before."""
    return _start(file) is not None


def _start(file: BoundedFile) -> int | None:
    for start in (0, 128):
        if file.data[start : start + 4] == b"ABIF":
            return start
    return None


def read_abif(file: BoundedFile) -> Trace:
    """The chromatogram of an ABIF file.

    Raises
    ------
    BadInputError
        If the directory or a tag that is needed is missing, damaged or out of bounds; with the byte.
    """
    start = _start(file)
    if start is None:
        file.refuse(f"The file does not start with ABIF but with {file.data[:4]!r}.", 0)
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
        tags.setdefault((name.decode("latin-1"), number), _Tag(kind, elements, where, size))
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
        file.refuse(f"The order of the bases (FWO_) is {order!r}, not a permutation of ACGT.", tag.offset)
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
        text = file.take(tag.offset, tag.count, f"PBAS{number}").decode("latin-1").upper()
        text = "".join(letter if letter in "ACGTRYSWKMBDHVN" else "N" for letter in text)
        positions = found.astype(np.int64)
        usable = len(positions) == len(text) and bool(np.all(np.diff(positions) > 0))
        usable = usable and bool(np.all((positions >= 0) & (positions < scans)))
        if not usable:
            continue
        quality = _numbers(file, tags, "PCON", number, MAX_BASES)
        kept = quality is not None and len(quality) == len(text) and bool(quality.any())
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
    text = data.split(b"\0")[0].decode("latin-1")
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text).strip()

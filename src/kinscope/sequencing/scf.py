"""SCF, the standard chromatogram format of the Staden package, versions 1 to 3.

After Dear S, Staden R 1992, DNA Sequence 3:107, and the format description of the Staden package (version
3.10): a header of 128 bytes, the samples (interleaved up to version 2; by channel and as second differences
in version 3), the bases with their peak positions and four probabilities, and a text of comments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from kinscope.sequencing.bounded import MAX_BASES, MAX_SCANS
from kinscope.sequencing.model import BASES, Trace, TraceInfo

if TYPE_CHECKING:
    from kinscope.sequencing.bounded import BoundedFile
    from kinscope.sequencing.model import Floats, Integers

_HEADER: Final = ">4s8I4s4I"
_BASE: Final = np.dtype([("peak", ">u4"), ("chance", "u1", 4), ("base", "S1"), ("spare", "u1", 3)])
_MAX_COMMENTS: Final = 100_000


def is_scf(file: BoundedFile) -> bool:
    """Whether a file starts as SCF does."""
    return file.data[:4] == b".scf"


def read_scf(file: BoundedFile) -> Trace:
    """The chromatogram of an SCF file.

    Raises
    ------
    BadInputError
        If the header, the samples or the bases are damaged or out of bounds; with the byte.
    """
    header = file.unpack(_HEADER, 0, "The header")
    _, samples, samples_at, bases, _, _, bases_at, comments_size, comments_at, version, size, *_ = header
    text = version.decode("latin-1")
    try:
        number = float(text.strip("\0 "))
    except ValueError:
        file.refuse(f"The version of the format is {text!r}, not a number.", 36)
    if not 1.0 <= number < 4.0:
        file.refuse(f"The version of the format is {text!r}; 1 to 3 are known.", 36)
    size = size or 1
    if size not in (1, 2):
        file.refuse(f"A sample has {size} bytes; 1 or 2 are defined.", 40)
    if not 0 < samples <= MAX_SCANS:
        file.refuse(f"The file has {samples} samples; 1 to {MAX_SCANS} make sense.", 4)
    if bases > MAX_BASES:
        file.refuse(f"The file has {bases} bases; at most {MAX_BASES} make sense.", 12)
    channels = _samples(file, samples_at, samples, size, number >= 3)
    positions, called, qualities = _bases(file, bases_at, bases, samples, number >= 3)
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


def _bases(
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
    letters = called.decode("latin-1").upper()
    letters = "".join(letter if letter in "ACGTRYSWKMBDHVN" else "N" for letter in letters)
    none = np.zeros(0, dtype=np.int64)
    if np.any(np.diff(peaks) <= 0) or np.any(peaks >= samples):
        return none, "", none
    order = [BASES.find(letter) for letter in letters]
    qualities = np.array(
        [int(row[index]) if index >= 0 else 0 for row, index in zip(chances, order, strict=True)],
        dtype=np.int64,
    )
    return peaks, letters, qualities if qualities.any() else none


def _comments(file: BoundedFile, offset: int, size: int) -> dict[str, str]:
    """The ``KEY=value`` lines of the comments, printable ASCII only; empty where they are out of bounds."""
    if not size or offset + size > len(file.data):
        return {}
    text = file.data[offset : offset + size].split(b"\0")[0].decode("latin-1")
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            clean = "".join(letter if " " <= letter <= "~" else "?" for letter in value[:255])
            found.setdefault(key.strip(), clean.strip())
    return found

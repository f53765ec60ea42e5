"""Writing ABIF, so that any reader of sequencers' files can open a simulated run."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from factories.chromatograph.chromatograph import SimulatedRead

_ENTRY: Final = ">4sihhiiii"
_ORDER: Final = "GATC"
"""As most instruments write the channels."""


@dataclass(frozen=True)
class _Tag:
    name: str
    number: int
    kind: int
    size: int
    count: int
    data: bytes


def abif_bytes(read: SimulatedRead, name: str, mobility: str = "simulated.mob") -> bytes:
    """A run as an ABIF 1.01 file that names a sample and a mobility file."""
    tags = [
        *_signal(read),
        _text("FWO_", 1, _ORDER),
        *(_text("PBAS", number, read.bases) for number in (1, 2)),
        *(_shorts("PLOC", number, read.positions) for number in (1, 2)),
        *(
            _text("PCON", number, bytes(read.qualities.astype(np.uint8)).decode("latin-1"))
            for number in (1, 2)
        ),
        _pascal("SMPL", 1, name),
        _text("MODL", 1, "SIM "),
        _pascal("SVER", 1, "kinscope simulator"),
        _pascal("SVER", 2, "kinscope simulator"),
        _zero_ended("DySN", 1, "simulated"),
        *(_pascal("PDMF", number, mobility) for number in (1, 2)),
        _Tag("SPAC", 1, 7, 4, 1, struct.pack(">f", read.spacing)),
        _shorts("S/N%", 1, _levels(read)),
        _shorts("LANE", 1, np.array([1])),
        *(_Tag("RUND", number, 10, 4, 1, struct.pack(">HBB", 2020, 1, 1)) for number in (1, 2)),
        *(_Tag("RUNT", number, 11, 4, 1, struct.pack(">BBBB", 12, 0, 0, 0)) for number in (1, 2)),
        *(_pascal("DyeN", number, dye) for number, dye in enumerate(("dR110", "dR6G", "dTMR", "dROX"), 1)),
    ]
    return _assembled(sorted(tags, key=lambda tag: (tag.name, tag.number)))


def _signal(read: SimulatedRead) -> list[_Tag]:
    processed = [_shorts("DATA", 9 + i, read.channels["ACGT".index(base)]) for i, base in enumerate(_ORDER)]
    raw = [_shorts("DATA", 1 + i, read.raw["ACGT".index(base)]) for i, base in enumerate(_ORDER)]
    return raw + processed


def _levels(read: SimulatedRead) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Mean height of the called peaks of each channel, in the order of the file."""
    at = read.channels[:, read.positions]
    top = at.argmax(axis=0)
    means = [at[lane][top == lane].mean() if (top == lane).any() else 0 for lane in range(4)]
    return np.array([round(means["ACGT".index(base)]) for base in _ORDER], dtype=np.int64)


def _shorts(name: str, number: int, values: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> _Tag:
    data = np.clip(values, -32768, 32767).astype(">i2").tobytes()
    return _Tag(name, number, 4, 2, len(values), data)


def _text(name: str, number: int, text: str) -> _Tag:
    return _Tag(name, number, 2, 1, len(text), text.encode("latin-1"))


def _pascal(name: str, number: int, text: str) -> _Tag:
    data = text.encode("ascii", "replace")[:255]
    return _Tag(name, number, 18, 1, len(data) + 1, bytes([len(data)]) + data)


def _zero_ended(name: str, number: int, text: str) -> _Tag:
    data = text.encode("ascii", "replace") + b"\0"
    return _Tag(name, number, 19, 1, len(data), data)


def _assembled(tags: list[_Tag]) -> bytes:
    """Header, data and directory; data of at most four bytes lie in their entry."""
    body = bytearray(128)
    entries = bytearray()
    for tag in tags:
        if len(tag.data) <= 4:
            (offset,) = struct.unpack(">i", tag.data.ljust(4, b"\0"))
        else:
            offset = len(body)
            body += tag.data
        entries += struct.pack(
            _ENTRY, tag.name.encode(), tag.number, tag.kind, tag.size, tag.count, len(tag.data), offset, 0
        )
    directory = struct.pack(_ENTRY, b"tdir", 1, 1023, 28, len(tags), len(entries), len(body), 0)
    body[: 6 + len(directory)] = b"ABIF" + struct.pack(">h", 101) + directory
    return bytes(body + entries)

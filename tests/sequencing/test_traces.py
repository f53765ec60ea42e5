"""Chromatograms as other programs read them, and what becomes of damaged ones."""

from __future__ import annotations

import contextlib
import os
import random
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.chromatograph import QUALITIES, abif_bytes, amplicon_of, molecules_of, simulate_read
from kinscope.core.errors import BadInputError
from kinscope.sequencing import call_variants, read_trace
from kinscope.targets import load_target

TRACES = os.environ.get("KINSCOPE_TRACES", "")
needs_instruments = pytest.mark.skipif(not TRACES, reason="KINSCOPE_TRACES names no folder of real traces")
ORDER = "GATC"


@pytest.fixture(scope="module")
def simulated() -> bytes:
    pack = load_target()
    molecules = molecules_of([("T315I", 0.3)], pack, amplicon_of(pack))
    return abif_bytes(simulate_read(molecules, "forward", QUALITIES["typical"], seed=4), "somebody")


@pytest.fixture(scope="module")
def short() -> bytes:
    """A run over 300 bases, so that a thousand of them take little time."""
    pack = load_target()
    amplicon = amplicon_of(pack, 900, 1200)
    molecules = molecules_of([("T315I", 0.3)], pack, amplicon)
    return abif_bytes(simulate_read(molecules, "forward", QUALITIES["clean"], seed=4), "somebody")


def biopython(path: Path):  # type: ignore[no-untyped-def]
    from Bio import SeqIO

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SeqIO.read(path, "abi")


def as_biopython_reads(path: Path) -> dict[str, list[int] | str]:
    """The four channels, the places of the peaks, the bases and (where there are any) their qualities."""
    read = biopython(path)
    tags = read.annotations["abif_raw"]
    order = tags["FWO_1"].decode()
    channels = {base: list(tags[f"DATA{number}"]) for number, base in zip(range(9, 13), order, strict=True)}
    qualities = read.letter_annotations["phred_quality"]
    return channels | {
        "positions": list(tags["PLOC2"]),
        "bases": str(read.seq).upper(),
        "qualities": qualities,
    }


def as_kinscope_reads(path: Path) -> dict[str, list[int] | str]:
    trace = read_trace(path)
    channels = {base: trace.channels["ACGT".index(base)].tolist() for base in "ACGT"}
    places = {"positions": np.asarray(trace.positions).tolist(), "bases": trace.bases}
    return channels | places | {"qualities": np.asarray(trace.qualities).tolist()}


def test_a_simulated_file_reads_as_biopython_reads_it(simulated: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trace.ab1"
    path.write_bytes(simulated)
    assert as_kinscope_reads(path) == as_biopython_reads(path)


@needs_instruments
@pytest.mark.parametrize(
    "name", ["310", "3100", "3730", "A6_1-DB3", "empty", "no_smpl1", "nonascii_encoding"]
)
def test_files_of_instruments_read_as_biopython_reads_them(name: str) -> None:
    path = Path(TRACES) / f"{name}.ab1"
    ours, theirs = as_kinscope_reads(path), as_biopython_reads(path)
    if not ours["qualities"]:  # the file holds none, and Biopython fills in
        del ours["qualities"], theirs["qualities"]
    assert ours == theirs


@needs_instruments
def test_a_text_file_named_ab1_is_refused() -> None:
    with pytest.raises(BadInputError, match="neither ABIF nor SCF"):
        read_trace(Path(TRACES) / "fake.ab1")


@needs_instruments
@pytest.mark.parametrize(
    "name", ["310", "3100", "3730", "A6_1-DB3", "empty", "no_smpl1", "nonascii_encoding"]
)
def test_a_trace_of_another_gene_is_said_to_be_one(name: str) -> None:
    trace = read_trace(Path(TRACES) / f"{name}.ab1")
    with pytest.raises(BadInputError, match=r"not of the reference|remain after trimming|peaks that can be"):
        call_variants([trace], load_target())


def test_the_name_in_a_file_is_never_shown_by_accident(simulated: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trace.ab1"
    path.write_bytes(simulated)
    trace = read_trace(path)
    assert "somebody" not in repr(trace)


def scf_bytes(channels: np.ndarray, peaks: np.ndarray, bases: str, version: int, size: int) -> bytes:
    """An SCF file, written as the format's description says and independently of the reader."""
    count, scans = len(bases), channels.shape[1]
    form = ">u1" if size == 1 else ">u2"
    if version == 3:
        twice = np.diff(np.diff(channels.astype(np.int64), axis=1, prepend=0), axis=1, prepend=0)
        body = (twice % (1 << 8 * size)).astype(form).tobytes()
        called = peaks.astype(">u4").tobytes() + bytes([30] * count) * 4 + bases.encode() + bytes(3 * count)
    else:
        body = channels.T.astype(form).tobytes()
        called = b"".join(
            struct.pack(">I4Bc3x", int(peak), 30, 30, 30, 30, base.encode())
            for peak, base in zip(peaks, bases, strict=True)
        )
    comments = b"NAME=somebody\nMACH=tester\n\0"
    text = b"3.00" if version == 3 else b"2.00"
    offset = 128 + len(body)
    header = struct.pack(
        ">4s8I4s4I",
        b".scf",
        scans,
        128,
        count,
        0,
        0,
        offset,
        len(comments),
        offset + len(called),
        text,
        size,
        0,
        0,
        0,
    )
    return header.ljust(128, b"\0") + body + called + comments


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    version=st.sampled_from([2, 3]),
    size=st.sampled_from([1, 2]),
    scans=st.integers(20, 300),
)
def test_scf_of_every_version_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, seed: int, version: int, size: int, scans: int
) -> None:
    rng = np.random.default_rng(seed)
    channels = rng.integers(0, 1 << (8 * size), (4, scans))
    peaks = np.sort(rng.choice(scans, size=10, replace=False))
    bases = "".join(rng.choice(list("ACGTN"), 10))
    path = tmp_path_factory.mktemp("scf") / "trace.scf"
    path.write_bytes(scf_bytes(channels, peaks, bases, version, size))
    trace = read_trace(path)
    np.testing.assert_array_equal(trace.channels, channels)
    np.testing.assert_array_equal(trace.positions, peaks)
    assert trace.bases == bases
    assert trace.info.instrument == "tester"
    assert "somebody" not in repr(trace)


def entry_of(data: bytes, name: str, number: int) -> int:
    """Offset of a directory entry."""
    at = data.index(name.encode() + struct.pack(">i", number), struct.unpack(">i", data[26:30])[0])
    return at


def changed(data: bytes, at: int, form: str, value: object) -> bytes:
    packed = struct.pack(form, value)
    return data[:at] + packed + data[at + len(packed) :]


DAMAGE = {
    "empty file": lambda data: b"",
    "four bytes": lambda data: data[:4],
    "cut header": lambda data: data[:20],
    "cut in the middle": lambda data: data[: len(data) // 2],
    "other version": lambda data: changed(data, 4, ">h", 900),
    "no entries": lambda data: changed(data, 18, ">i", 0),
    "a billion entries": lambda data: changed(data, 18, ">i", 10**9),
    "directory beyond the end": lambda data: changed(data, 26, ">i", 2**31 - 1),
    "negative directory": lambda data: changed(data, 26, ">i", -5),
    "signal beyond the end": lambda data: changed(data, entry_of(data, "DATA", 9) + 20, ">i", 2**31 - 1),
    "a billion samples": lambda data: changed(data, entry_of(data, "DATA", 10) + 12, ">i", 10**9),
    "negative count": lambda data: changed(data, entry_of(data, "DATA", 11) + 12, ">i", -1),
    "signal of text": lambda data: changed(data, entry_of(data, "DATA", 12) + 8, ">h", 18),
    "unequal channels": lambda data: changed(data, entry_of(data, "DATA", 9) + 12, ">i", 100),
    "order of bases": lambda data: changed(data, entry_of(data, "FWO_", 1) + 20, ">4s", b"GATT"),
    "no signal": lambda data: data.replace(b"DATA\0\0\0\x0a", b"DATX\0\0\0\x0a"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_abif_gives_the_byte(simulated: bytes, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "trace.ab1"
    path.write_bytes(DAMAGE[damage](simulated))
    with pytest.raises(BadInputError) as caught:
        read_trace(path)
    assert f"{path}, byte " in caught.value.where
    assert caught.value.remedy


SCF_DAMAGE = {
    "cut header": lambda data: data[:60],
    "cut samples": lambda data: data[:200],
    "cut bases": lambda data: data[:-60],
    "no samples": lambda data: changed(data, 4, ">I", 0),
    "a billion samples": lambda data: changed(data, 4, ">I", 10**9),
    "samples beyond the end": lambda data: changed(data, 8, ">I", 2**32 - 1),
    "a billion bases": lambda data: changed(data, 12, ">I", 10**9),
    "bases beyond the end": lambda data: changed(data, 24, ">I", 2**31),
    "unknown version": lambda data: changed(data, 36, ">4s", b"9.00"),
    "version of letters": lambda data: changed(data, 36, ">4s", b"abcd"),
    "samples of five bytes": lambda data: changed(data, 40, ">I", 5),
}


@pytest.mark.parametrize("damage", SCF_DAMAGE)
def test_damaged_scf_gives_the_byte(tmp_path: Path, damage: str) -> None:
    rng = np.random.default_rng(1)
    data = scf_bytes(rng.integers(0, 999, (4, 100)), np.arange(5, 95, 10), "ACGTACGTA", 3, 2)
    path = tmp_path / "trace.scf"
    path.write_bytes(SCF_DAMAGE[damage](data))
    with pytest.raises(BadInputError, match=r"\w") as caught:
        read_trace(path)
    assert f"{path}, byte " in caught.value.where


def test_positions_that_cannot_be_right_are_found_anew(simulated: bytes, tmp_path: Path) -> None:
    pack = load_target()
    whole = tmp_path / "whole.ab1"
    whole.write_bytes(simulated)
    data = simulated
    for number in (1, 2):
        data = changed(data, entry_of(data, "PLOC", number) + 12, ">i", 3)
    path = tmp_path / "trace.ab1"
    path.write_bytes(data)
    trace = read_trace(path)
    assert len(trace.positions) == 0
    found = call_variants([trace], pack).result
    expected = call_variants([read_trace(whole)], pack).result
    assert found.reads[0].positions_redone
    assert not expected.reads[0].positions_redone
    assert abs(found.reads[0].coding_first - expected.reads[0].coding_first) < 60


def with_qualities(data: bytes, values: bytes) -> bytes:
    """The file with other base qualities, repeated to their number."""
    for number in (1, 2):
        entry = entry_of(data, "PCON", number)
        count, at = (
            struct.unpack(">i", data[entry + 12 : entry + 16])[0],
            struct.unpack(">i", data[entry + 20 : entry + 24])[0],
        )
        data = data[:at] + (values * count)[:count] + data[at + count :]
    return data


@pytest.mark.parametrize(
    "values", [b"\0", b"\1", b"\0\1", b"\xff", b"\x0f", b"\0\xff", b"\0\1\2", b"\x14\xff\x28"]
)
def test_qualities_that_tell_nothing_are_measured_from_the_signal(
    simulated: bytes, tmp_path: Path, values: bytes
) -> None:
    path = tmp_path / "trace.ab1"
    path.write_bytes(simulated)
    (whole,) = call_variants([read_trace(path)], load_target()).result.calls
    path.write_bytes(with_qualities(simulated, values))
    result = call_variants([read_trace(path)], load_target()).result
    assert [call.short for call in result.calls] == [whole.short] == ["p.Thr315Ile"]
    assert result.calls[0].share_percent == pytest.approx(whole.share_percent, abs=3)
    assert any("base qualities tell nothing" in note for note in result.reads[0].notes)


def test_a_file_without_qualities_is_measured_from_the_signal(simulated: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trace.ab1"
    path.write_bytes(simulated.replace(b"PCON", b"PCOX"))
    (call,) = call_variants([read_trace(path)], load_target()).result.calls
    assert call.short == "p.Thr315Ile"


def test_qualities_that_say_something_are_believed(simulated: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trace.ab1"
    path.write_bytes(simulated)
    result = call_variants([read_trace(path)], load_target()).result
    assert not any("qualities" in note for note in result.reads[0].notes)
    path.write_bytes(with_qualities(simulated, b"\3\4\5\6"))
    with pytest.raises(BadInputError, match="trimming by quality"):
        call_variants([read_trace(path)], load_target())


@pytest.mark.parametrize("start", [b"MUSTERMANN", b"\x1b[31mred", b""])
def test_an_unknown_file_is_named_and_not_quoted(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "trace.ab1"
    path.write_bytes(start + bytes(200))
    with pytest.raises(BadInputError) as caught:
        read_trace(path)
    assert "MUST" not in str(caught.value)
    assert "red" not in str(caught.value)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A damaged copy: bytes changed, with a liking for the directory; stretches cut out or zeroed."""
    out = bytearray(data)
    directory = struct.unpack(">i", data[26:30])[0]
    for _ in range(rng.randint(1, 12)):
        low = rng.choice([0, directory, directory, 0])
        at = rng.randrange(low, len(out)) if low < len(out) else rng.randrange(len(out))
        kind = rng.random()
        if kind < 0.6:
            out[at] = rng.randrange(256)
        elif kind < 0.75:
            out[at : at + rng.randint(1, 400)] = b""
        elif kind < 0.9:
            out[at : at + 4] = struct.pack(">i", rng.choice([-1, 0, 1, 2**31 - 1, -(2**31), len(data)]))
        else:
            out[at:at] = bytes(rng.randint(1, 60))
        if len(out) < 40:
            break
    return bytes(out)


def survives(whole: bytes, path: Path, count: int, seed: int) -> int:
    """Number of mutated files that were read; every other one gave an error that kinscope foresees."""
    rng, pack, read = random.Random(seed), load_target(), 0
    for _ in range(count):
        path.write_bytes(mutate(whole, rng))
        with contextlib.suppress(BadInputError):
            call_variants([read_trace(path)], pack)
            read += 1
    return read


def test_mutated_files_crash_nothing(short: bytes, tmp_path: Path) -> None:
    read = survives(short, tmp_path / "trace.ab1", 25, seed=1)
    assert 0 < read < 25


@pytest.mark.slow
def test_a_thousand_mutated_files_crash_nothing(short: bytes, tmp_path: Path) -> None:
    assert 0 < survives(short, tmp_path / "trace.ab1", 1000, seed=2) < 1000

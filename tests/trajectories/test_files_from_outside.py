"""Trajectories and topologies as other programs write, cut and damage them: read as they are, or refused."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from biotite.structure import AtomArray
from biotraj import DCDTrajectoryFile, XTCTrajectoryFile

from factories.helix import SEQUENCE, helix_residues
from factories.trajectory import shipped_model
from kinscope.core.errors import KinscopeError, StructureError
from kinscope.core.residues import three_letter
from kinscope.dynamics.files import decoding
from kinscope.dynamics.files.reading import inspect_trajectory, read_blocks, xtc_frame_ends
from kinscope.structures.io import write_model
from kinscope.targets import load_target
from kinscope.trajectories.passes import PassSettings, Subject, analyse_group
from kinscope.trajectories.sources import user_files, user_source
from kinscope.trajectories.summary import replica_analysis
from kinscope.trajectories.topology import Topology, read_topology

PACK = load_target("abl1")
NAMES = ("N", "CA", "C", "O")
HELIX = np.array(helix_residues()[1]).reshape(-1, 3)
"""Backbone of 24 residues, (96, 3), angstrom: a protein that is not the target."""
Atom = tuple[str, str, str, str, int, str, str, Any]
"""Record, name, residue, chain, number, insertion code, segment, position."""


def helix_atoms(*, chain: str = "A", first: int = 1, segment: str = "", shift: float = 0.0) -> list[Atom]:
    residues = [(number, letter) for number, letter in enumerate(SEQUENCE, start=first) for _ in NAMES]
    return [
        ("ATOM", NAMES[place % 4], three_letter(letter), chain, number, "", segment, HELIX[place] + shift)
        for place, (number, letter) in enumerate(residues)
    ]


def waters(count: int, *, chain: str = "W") -> list[Atom]:
    return [("ATOM", "O", "HOH", chain, at % 10_000, "", "", np.full(3, at % 900)) for at in range(count)]


def pdb(
    path: Path, atoms: list[Atom], serial: Callable[[int], str] = lambda at: f"{(at + 1) % 100_000:5d}"
) -> Path:
    lines = []
    for at, (record, name, residue, chain, number, code, segment, (x, y, z)) in enumerate(atoms):
        lines.append(
            f"{record:<6}{serial(at)} {name:^4} {residue:>3} {chain or ' '}{number:4d}{code or ' '}   "
            f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00      {segment:<4}{name[0]:>2}"
        )
    path.write_text("\n".join([*lines, "END", ""]))
    return path


def swaying(count: int = 6, start: np.ndarray = HELIX) -> np.ndarray:
    """Frames (count, n, 3) in which the molecule wanders as a whole and breathes a little."""
    random_ = np.random.default_rng(3)
    breath = 1 + 0.02 * random_.normal(size=(count, 1, 1))
    return np.asarray(start * breath + random_.normal(0, 2, (count, 1, 3)) + 20)


def xtc(path: Path, frames: np.ndarray, *, box: Any = 0.0, times: Any = None, unit: float = 10.0) -> Path:
    """``box``: edge of a cubic one in angstrom, 0 for none, by frame if it is a list."""
    edges = np.broadcast_to(np.asarray(box, dtype=float), len(frames))
    with XTCTrajectoryFile(str(path), "w") as handle:
        handle.write(
            (frames / unit).astype(np.float32),
            time=np.asarray(np.arange(len(frames)) * 10 if times is None else times, dtype=np.float32),
            step=np.arange(len(frames), dtype=np.int32),
            box=(np.eye(3) * edges[:, None, None] / 10).astype(np.float32),
        )
    return path


def dcd(path: Path, frames: np.ndarray, *, box: float = 0.0) -> Path:
    cell = {"cell_lengths": np.full((len(frames), 3), box), "cell_angles": np.full((len(frames), 3), 90.0)}
    with DCDTrajectoryFile(str(path), "w") as handle:
        handle.write(
            frames.astype(np.float32), **({k: v.astype(np.float32) for k, v in cell.items()} if box else {})
        )
    return path


def records_dcd(
    frames: np.ndarray,
    *,
    form: str = "<i",
    charmm: int = 24,
    cell: Any = None,
    fixed: int = 0,
    told: int | None = None,
) -> bytes:
    """A DCD file record by record: any byte order and mark width, fixed atoms first; X-PLOR: ``charmm`` 0."""
    order = form[0]

    def record(body: bytes) -> bytes:
        mark = struct.pack(form, len(body))
        return mark + body + mark

    words = [0] * 20
    words[0], words[8], words[19] = len(frames) if told is None else told, fixed, charmm
    words[10] = 1 if cell is not None else 0
    if not charmm:  # X-PLOR keeps its time step there, in double precision
        words[9:11] = struct.unpack(f"{order}2i", struct.pack(f"{order}d", 0.02045))
    count = frames.shape[1]
    parts = [record(b"CORD" + struct.pack(f"{order}20i", *words))]
    parts += [
        record(struct.pack(f"{order}i", 1) + b"made for a test".ljust(80)),
        record(struct.pack(f"{order}i", count)),
    ]
    if fixed:
        parts.append(record(np.arange(fixed + 1, count + 1).astype(f"{order}i4").tobytes()))
    for at, frame in enumerate(frames):
        if cell is not None:
            parts.append(record(np.asarray(cell, dtype=f"{order}f8").tobytes()))
        held = frame if not at or not fixed else frame[fixed:]
        parts += [record(held[:, axis].astype(f"{order}f4").tobytes()) for axis in range(3)]
    return b"".join(parts)


@pytest.fixture
def topology(tmp_path: Path) -> Topology:
    return read_topology(pdb(tmp_path / "top.pdb", helix_atoms()), PACK)


def measured(topology: Topology, *paths: Path) -> Any:
    """The first trajectory's analysis."""
    sources = [user_source(topology, [file], variant="as given") for file in user_files(topology, paths)]
    group = analyse_group(sources, Subject(), PassSettings(pocket_frames=0))
    if group.failed:
        raise group.failed[0][1]
    return [replica_analysis(one) for one in group.passes]


def radius(analysis: Any) -> float:
    return next(one.mean for one in analysis.series if one.name == "radius_of_gyration_angstrom")


def codes(analysis: Any) -> set[str]:
    return {one.code for one in analysis.notes} - {"other-protein", "no-landmarks"}


def test_without_a_box_xtc_and_dcd_give_the_same(tmp_path: Path, topology: Topology) -> None:
    frames = swaying()
    ways = [
        xtc(tmp_path / "bare.xtc", frames),
        xtc(tmp_path / "boxed.xtc", frames, box=90.0),
        xtc(tmp_path / "dummy.xtc", frames, box=1.0),
        xtc(tmp_path / "some.xtc", frames, box=[0, 0, 90, 90, 0, 90]),
        dcd(tmp_path / "bare.dcd", frames),
        dcd(tmp_path / "boxed.dcd", frames, box=90.0),
    ]
    found = [measured(topology, path)[0] for path in ways]
    assert [radius(one) for one in found] == pytest.approx([radius(found[0])] * len(ways), abs=2e-3)
    assert [codes(one) for one in found] == [set(), set(), set(), {"box-in-some-frames"}, set(), set()]


def test_a_molecule_cut_by_the_box_is_whole_only_where_the_box_is_told(
    tmp_path: Path, topology: Topology
) -> None:
    frames = swaying()
    cut = np.mod(frames - frames.mean(axis=1, keepdims=True), 60.0)
    whole = measured(topology, xtc(tmp_path / "whole.xtc", frames))[0]
    joined = measured(topology, xtc(tmp_path / "cut.xtc", cut, box=60.0))[0]
    assert radius(joined) == pytest.approx(radius(whole), abs=5e-3)
    with pytest.raises(StructureError, match=r"Frames 0, 1, 2, 3, 4, 5 .* to \d\d") as refused:
        measured(topology, xtc(tmp_path / "bare.xtc", cut))
    assert "where no box is told" in refused.value.remedy
    notes = [codes(one) for one in measured(topology, tmp_path / "whole.xtc", tmp_path / "cut.xtc")]
    assert notes == [{"box-in-some-files"}] * 2


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: dcd(path / "t.dcd", swaying() / 10), "0.15 Å long .* these are nanometres"),
        (lambda path: xtc(path / "t.xtc", swaying(), unit=1.0), "these are ten times those in angstrom"),
        (lambda path: xtc(path / "t.xtc", swaying(), unit=100.0), "these are nanometres"),
        (lambda path: dcd(path / "t.dcd", swaying() * 10), "these are ten times"),
        (lambda path: dcd(path / "t.dcd", swaying() * 1.89), "not possible for this protein"),  # bohr
        (lambda path: xtc(path / "t.xtc", np.roll(swaying(), 2, axis=1)), "not possible"),  # other order
    ],
)  # fmt: skip
def test_bonds_tell_the_unit_and_the_atoms(
    tmp_path: Path, topology: Topology, write: Callable[[Path], Path], words: str
) -> None:
    with pytest.raises(StructureError, match=words):
        measured(topology, write(tmp_path))


@pytest.mark.parametrize("scale", [0.1, 10.0, 0.0])
def test_a_topology_in_another_unit_or_without_a_structure_is_refused(tmp_path: Path, scale: float) -> None:
    atoms = [(*atom[:-1], atom[-1] * scale) for atom in helix_atoms()]
    with pytest.raises(StructureError, match="The topology"):
        read_topology(pdb(tmp_path / "top.pdb", atoms), PACK)


def moved_on(frame: np.ndarray) -> None:
    frame[52:] += 12.0  # from one residue on, as a box in another unit does


def flung(frame: np.ndarray) -> None:
    frame[40] += 400.0


def stretched(frame: np.ndarray) -> None:
    frame[50:] += 4.0
    frame[49] += 4.0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: frame.fill(0.0),
        lambda frame: frame.fill(np.nan),
        lambda frame: frame.__setitem__((7, 1), np.inf),
        lambda frame: frame.__setitem__((7, 1), -1e30),
        flung,
        stretched,
        moved_on,
        lambda frame: np.multiply(frame, 8.0, out=frame),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_frame_that_cannot_be_one_is_named_and_not_averaged_in(
    tmp_path: Path, topology: Topology, place: int, spoil: Callable[[np.ndarray], None]
) -> None:
    frames = swaying()
    spoil(frames[place])
    with pytest.raises(StructureError, match=rf"^Frame {place}\b"):
        measured(topology, dcd(tmp_path / "t.dcd", frames))


@pytest.mark.parametrize(
    ("times", "code", "length_ns"),
    [
        ([0, 10, 20, 30, 40, 50], None, 0.05),
        ([0, 10, 20, 20, 30, 40], "times-go-back", None),
        ([0, 10, 20, 0, 10, 20], "times-go-back", None),
        ([50, 40, 30, 20, 10, 0], "times-go-back", None),
        ([0, 10, np.nan, 30, 40, 50], "times-go-back", None),
        ([0, 10, 20, 30, 40, np.inf], None, None),
        ([0, 0, 0, 0, 0, 0], None, None),
    ],
)  # fmt: skip
def test_times_that_do_not_go_on_are_said_and_not_used(
    tmp_path: Path, topology: Topology, times: list[float], code: str | None, length_ns: float | None
) -> None:
    (found,) = measured(topology, xtc(tmp_path / "t.xtc", swaying(), times=times))
    assert codes(found) == ({code} if code else set())
    assert found.length_ns == (None if length_ns is None else pytest.approx(length_ns))


@pytest.mark.parametrize("form", ["<i", ">i", "<q", ">q"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"charmm": 0},
        {"cell": [90, 90, 90, 90, 90, 90]},
        {"cell": [90, 0, 90, 0, 0, 90]},  # cosines, as NAMD writes them
        {"fixed": 20},
        {"fixed": 95, "cell": [90, 90, 90, 90, 90, 90]},
    ],
)
def test_every_layout_of_dcd_reads_alike(tmp_path: Path, form: str, how: dict[str, Any]) -> None:
    if how == {"charmm": 0} and form.endswith("q"):
        pytest.skip("X-PLOR has marks of 32 bits")
    frames = swaying()
    frames[:, : how.get("fixed", 0)] = frames[0, : how.get("fixed", 0)]
    path = tmp_path / "t.dcd"
    path.write_bytes(records_dcd(frames, form=form, **how))
    found = inspect_trajectory(path)
    assert (found.atoms, found.frames, found.boxed) == (96, 6, "cell" in how)
    blocks = list(read_blocks(found, frames_at_once=4))
    assert np.allclose(np.concatenate([block.coordinates for block in blocks]), frames, atol=1e-4)
    if found.boxed:
        assert np.allclose(np.concatenate([block.boxes for block in blocks]), np.eye(3) * 90, atol=1e-3)
    strided = np.concatenate([block.coordinates for block in read_blocks(found, np.array([95, 2]), stride=4)])
    assert np.allclose(strided, frames[::4][:, [95, 2]], atol=1e-4)


@pytest.mark.parametrize(
    ("told", "said"), [(6, set()), (0, set()), (9, {"other-count"}), (-1, {"other-count"})]
)
def test_a_header_that_tells_another_number_of_frames_is_contradicted(
    tmp_path: Path, topology: Topology, told: int, said: set[str]
) -> None:
    path = tmp_path / "t.dcd"
    path.write_bytes(records_dcd(swaying(), told=told))
    (found,) = measured(topology, path)
    assert (found.frames, codes(found)) == (6, said)
    path.write_bytes(path.read_bytes()[:-700])
    (found,) = measured(topology, path)
    assert (found.frames, "trajectory-cut" in codes(found)) == (5, True)


def int_at(offset: int, value: int, order: str = ">") -> Callable[[bytes], bytes]:
    return lambda body: body[:offset] + struct.pack(f"{order}i", value) + body[offset + 4 :]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("xtc", lambda body: b""),
        ("dcd", lambda body: b""),
        ("dcd", lambda body: body[:276]),
        ("dcd", lambda body: body[:100]),
        ("xtc", lambda body: body[:91]),
        ("xtc", lambda body: b"\0" * 4000),
        ("xtc", int_at(0, 2023)),
        ("xtc", int_at(4, -96)),
        ("xtc", int_at(4, 2**31 - 1)),
        ("xtc", lambda body: int_at(4, 10**9)(int_at(52, 10**9)(body))),
        ("xtc", int_at(56, 0)),  # precision
        ("xtc", int_at(84, 3)),  # below the least size
        ("xtc", int_at(84, 200)),
        ("xtc", int_at(60, 2**31 - 1)),  # the least coordinate above the greatest
        ("xtc", int_at(88, -1)),
        ("dcd", int_at(268, -5, "<")),
        ("dcd", int_at(268, 2**31 - 1, "<")),
        ("dcd", int_at(268, 10**9, "<")),
        ("dcd", int_at(40, 96, "<")),  # every atom fixed
        ("dcd", int_at(40, -1, "<")),
        ("dcd", int_at(92, 2**31 - 1, "<")),  # title
        ("dcd", int_at(92, -4, "<")),
    ],
)
def test_a_header_that_lies_is_refused_before_anything_is_decoded(
    tmp_path: Path, kind: str, change: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"t.{kind}"
    (xtc if kind == "xtc" else dcd)(path, swaying())
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(StructureError) as refused:
        inspect_trajectory(path)
    assert str(path) in refused.value.where


def test_a_length_that_skips_frames_is_damage_and_no_end(tmp_path: Path) -> None:
    path = xtc(tmp_path / "t.xtc", swaying())
    ends = xtc_frame_ends(path)
    path.write_bytes(int_at(ends[1] + 88, 10**8)(path.read_bytes()))
    with pytest.raises(StructureError, match="header of frame 2"):
        inspect_trajectory(path)


def test_another_number_of_atoms_is_told_with_both_and_a_file_given_twice_is_refused(
    tmp_path: Path, topology: Topology
) -> None:
    with pytest.raises(StructureError, match="The frames hold 95 atoms, the topology 96"):
        measured(topology, xtc(tmp_path / "few.xtc", swaying()[:, :95]))
    one = xtc(tmp_path / "one.xtc", swaying())
    copy = tmp_path / "copy.xtc"
    copy.write_bytes(one.read_bytes())
    for pair in ((one, one), (one, copy)):
        with pytest.raises(StructureError, match="byte by byte"):
            measured(topology, *pair)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "decoder died at frame 0 .*SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("import signal, time; signal.alarm(1); time.sleep(60)", "was not decoded within"),
        ("raise SystemExit(3)", "cannot be decoded"),
    ],
)
def test_the_death_of_the_decoder_is_an_error_that_names_the_file(
    tmp_path: Path, topology: Topology, monkeypatch: pytest.MonkeyPatch, end: str, words: str
) -> None:
    path = xtc(tmp_path / "t.xtc", swaying())
    monkeypatch.setattr(decoding, "_idle", [])
    monkeypatch.setattr(decoding, "_START", end)
    with pytest.raises(StructureError, match=words) as refused:
        measured(topology, path)
    assert (refused.value.exit_code, str(path) in refused.value.where) == (2, True)


def test_a_decoder_that_an_earlier_file_harmed_is_replaced(tmp_path: Path) -> None:
    path = xtc(tmp_path / "t.xtc", swaying(40))
    found = inspect_trajectory(path)
    list(read_blocks(found))
    decoding._idle[-1].kill()
    assert sum(len(block.coordinates) for block in read_blocks(found, frames_at_once=7)) == 40


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_decoder_outlives_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    path = xtc(tmp_path / "t.xtc", swaying(3000))
    work = (
        "import sys, time; from pathlib import Path; from kinscope.dynamics.files import decoding, reading\n"
        f"blocks = reading.read_blocks(reading.inspect_trajectory(Path({str(path)!r})))\n"
        "real = decoding._started\n"
        "def started():\n"
        "    child = real(); print(child.pid, flush=True); return child\n"
        "decoding._started = started\n"
        "for _ in blocks: time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", work],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(how, signal.SIG_DFL) if how != signal.SIGKILL else None,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.5)
    parent.send_signal(how)
    parent.wait(120)
    for _ in range(100):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the decoder is still there")


SERIALS: dict[str, Callable[[int], str]] = {
    "repeated": lambda at: f"{min(at, 50):5d}",
    "all the same": lambda at: "    1",
    "falling": lambda at: f"{5000 - at:5d}",
    "stars": lambda at: "*****",
    "none": lambda at: "     ",
    "hexadecimal": lambda at: f"{at + 99_990:5x}",
    "of TER records": lambda at: f"{at + 1 + at // 40:5d}",
}


@pytest.mark.parametrize("serial", SERIALS)
def test_atoms_are_taken_in_the_order_of_the_file(tmp_path: Path, serial: str) -> None:
    atoms = waters(30) + helix_atoms()
    found = read_topology(pdb(tmp_path / "t.pdb", atoms, SERIALS[serial]), PACK)
    assert found.total == len(atoms)
    assert found.places.tolist() == list(range(30, 126))
    assert np.allclose(found.layout.coord, HELIX, atol=1e-3)


def test_a_solvated_system_of_more_atoms_than_numbers(tmp_path: Path) -> None:
    atoms = waters(100_050, chain="") + helix_atoms(chain="")
    found = read_topology(pdb(tmp_path / "t.pdb", atoms), PACK)
    assert (found.total, len(found.places)) == (100_146, 96)
    assert found.places[0] == 100_050
    assert found.layout.backbone.residues.tolist() == list(range(1, 25))


def test_an_mmcif_with_numbers_in_another_order_is_taken_in_file_order(tmp_path: Path) -> None:
    import gemmi

    atoms = shipped_model()
    write_model(tmp_path / "t.cif", atoms)
    document = gemmi.cif.read(str(tmp_path / "t.cif"))
    column = document.sole_block().find_values("_atom_site.id")
    for place in range(len(column)):
        column[place] = str(9000 - place)
    document.write_file(str(tmp_path / "t.cif"))
    found = read_topology(tmp_path / "t.cif", PACK)
    assert np.allclose(atoms.coord[found.places], found.layout.coord, atol=1e-2)


def test_a_residue_without_a_number_is_said(tmp_path: Path) -> None:
    import gemmi

    document = gemmi.read_structure(str(pdb(tmp_path / "t.pdb", helix_atoms()))).make_mmcif_document()
    table = document.sole_block()
    for tag in ("auth_seq_id", "label_seq_id"):
        column = table.find_values(f"_atom_site.{tag}")
        for place in range(8, 12):
            column[place] = "?"
    document.write_file(str(tmp_path / "t.cif"))
    with pytest.raises(StructureError, match="has no number"):
        read_topology(tmp_path / "t.cif", PACK)


CHAINS = {
    "blank": (helix_atoms(chain=""), "", range(96)),
    "blank beside water": (helix_atoms(chain="") + waters(9, chain=""), "", range(96)),
    "by segment": (
        helix_atoms(chain="", segment="PROA") + helix_atoms(chain="", segment="PROB"), "PROB", range(96, 192)
    ),
    "copies of one name": (helix_atoms() + helix_atoms(shift=30.0), "", range(96)),
    "blank copies": (helix_atoms(chain="") + helix_atoms(chain="", shift=30.0), "", range(96)),
    "insertion codes": (
        [(*a[:4], 7, chr(61 + a[4]), *a[6:]) if 4 <= a[4] < 9 else a for a in helix_atoms()], "", range(96)
    ),
    "numbers from 9990": (helix_atoms(first=9970), "", range(96)),
    "hetero records": ([("HETATM", *a[1:]) for a in helix_atoms()], "", range(96)),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHAINS)
def test_a_protein_is_found_however_its_chain_is_named(tmp_path: Path, kind: str) -> None:
    atoms, chain, places = CHAINS[kind]
    found = read_topology(pdb(tmp_path / "t.pdb", atoms), PACK, chain=chain)
    assert found.places.tolist() == list(places)
    assert len(found.layout.backbone.residues) == 24
    assert not found.numbered
    if chain:
        assert found.chain == chain


@pytest.mark.parametrize("chain", ["A", "", "PROX"])
def test_no_protein_is_said(tmp_path: Path, chain: str) -> None:
    with pytest.raises(StructureError, match=r"no protein chain|no chain"):
        read_topology(pdb(tmp_path / "t.pdb", waters(40, chain="A")), PACK, chain=chain)


def test_a_blank_chain_of_the_target_is_numbered(tmp_path: Path) -> None:
    atoms = shipped_model()
    model: AtomArray = atoms[np.isin(atoms.atom_name, NAMES)]
    rows = [
        ("ATOM", str(a.atom_name), str(a.res_name), "", int(a.res_id) - 100, "", "", a.coord)
        for a in model if a.res_name not in ("ACE", "NME")
    ]  # fmt: skip
    found = read_topology(pdb(tmp_path / "t.pdb", rows, SERIALS["stars"]), PACK)
    assert found.numbered
    assert str(found.layout.res_name[found.layout.res_id == 315][0]) == "THR"


def fuzzed(folder: Path, seed: int) -> None:
    """One mutation of each kind of file: it is read whole, or refused by a known error that exits with 2."""
    draw = random.Random(seed)
    frames = swaying(5)
    files = {"t.xtc": xtc(folder / "t.xtc", frames), "t.dcd": dcd(folder / "t.dcd", frames, box=90.0)}
    files["t.pdb"] = pdb(folder / "t.pdb", helix_atoms() + waters(3))
    name = draw.choice(sorted(files))
    if name != "t.pdb":
        pdb(folder / "t.pdb", helix_atoms())
    body = bytearray(files[name].read_bytes())
    whole = len(body)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(body))
        match draw.randrange(6):
            case 0:
                body[at] ^= 1 << draw.randrange(8)
            case 1:
                body[at : at + 4] = draw.choice([b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff"])
            case 2:
                del body[at : at + draw.randint(1, 60)]
            case 3:
                body[at:at] = body[at : at + draw.randint(1, 200)]
            case 4:
                body[at : at + 8] = draw.randbytes(8)
            case 5:
                del body[draw.randrange(len(body)) :]
        if not body:
            break
    files[name].write_bytes(body)
    refused, found = None, None
    try:
        topology = read_topology(folder / "t.pdb", PACK)
        if name != "t.pdb":
            (found,) = measured(topology, files[name])
    except KinscopeError as error:
        refused = error
    if refused is not None:
        assert refused.exit_code == 2
        assert not isinstance(refused, StructureError) or name in refused.where
    elif found is not None and len(body) == whole:
        assert found.frames == 5 or codes(found)
    elif found is not None and found.frames < 5 and name == "t.xtc":
        assert "trajectory-cut" in codes(found) or len(xtc_frame_ends(files[name])) == found.frames


@pytest.mark.parametrize("first", [0])
def test_damage_of_any_kind_is_read_whole_or_refused(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 40):
        fuzzed(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 4000, 500))
def test_three_thousand_kinds_of_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    monkeypatch.setattr(decoding, "PATIENCE_SECONDS", 3)

    def half(number: int) -> int:
        """Most of the time goes to the decoders' own processes: two at once."""
        folder = tmp_path / str(number)
        folder.mkdir()
        for seed in range(first + number, first + 500, 2):
            fuzzed(folder, seed)
        return number

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(half, (0, 1))) == [0, 1]

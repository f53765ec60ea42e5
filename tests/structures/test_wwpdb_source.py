"""Where wwPDB entries come from, and what hostile files meet."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from kinscope.core.errors import ComputationError, StructureError
from kinscope.structures.wwpdb.source import PdbSource, normal_code, parse_structure, read_structure_file

MINIMAL = (
    b"data_1ABC\nloop_\n_atom_site.group_PDB\n_atom_site.id\n_atom_site.type_symbol\n"
    b"_atom_site.label_atom_id\n_atom_site.label_alt_id\n_atom_site.label_comp_id\n"
    b"_atom_site.label_asym_id\n_atom_site.label_entity_id\n_atom_site.label_seq_id\n"
    b"_atom_site.Cartn_x\n_atom_site.Cartn_y\n_atom_site.Cartn_z\n_atom_site.occupancy\n"
    b"_atom_site.B_iso_or_equiv\n_atom_site.auth_seq_id\n_atom_site.auth_asym_id\n"
    b"ATOM 1 C CA . ALA A 1 1 1.0 2.0 3.0 1.0 10.0 1 A\n"
)


@pytest.fixture(autouse=True)
def no_mirror(monkeypatch):
    monkeypatch.delenv("KINSCOPE_PDB_MIRROR", raising=False)


@pytest.mark.parametrize(
    "name",
    [
        "1abc.cif",
        "1ABC.cif.gz",
        "pdb/1abc.cif.gz",
        "mmCIF/ab/1abc.cif.gz",
        "structures/divided/mmCIF/ab/1abc.cif.gz",
        "ab/1abc.cif",
    ],
)
def test_a_mirror_may_be_flat_or_laid_out_as_the_archive(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(MINIMAL) if name.endswith("gz") else MINIMAL)
    source = PdbSource(tmp_path)
    assert source.entry_path("1ABC") == path
    assert source.read_entry("1abc")[0].count_atom_sites() == 1


def test_the_cache_is_read_before_the_mirror(tmp_path):
    for folder in ("cache", "mirror"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1abc.cif").write_bytes(MINIMAL)
    source = PdbSource(tmp_path / "mirror", tmp_path / "cache")
    assert source.entry_path("1abc").parent.name == "cache"


def test_the_environment_names_a_mirror(tmp_path, monkeypatch):
    (tmp_path / "1abc.cif").write_bytes(MINIMAL)
    monkeypatch.setenv("KINSCOPE_PDB_MIRROR", str(tmp_path))
    assert PdbSource().entry_path("1abc").is_file()


@pytest.mark.parametrize(
    "code", ["", "abc", "../../etc/passwd", "12345", "1ab/", "1abc.pdb", "pdb_1", "é1ab"]
)
def test_a_code_that_is_none_is_refused(code):
    with pytest.raises(StructureError, match="not a wwPDB code"):
        normal_code(code)


def test_nothing_is_downloaded_unless_allowed(tmp_path):
    def fetch(url):
        raise AssertionError(url)

    with pytest.raises(StructureError, match="not at hand"):
        PdbSource(cache=tmp_path, fetch=fetch).entry_path("1abc")


def test_a_download_is_checked_and_then_kept(tmp_path):
    asked = []

    def fetch(url):
        asked.append(url)
        return gzip.compress(MINIMAL)

    source = PdbSource(cache=tmp_path / "cache", allow_download=True, fetch=fetch)
    assert source.entry_path("1abc").is_file()
    assert source.entry_path("1abc").is_file()
    assert asked == ["https://files.wwpdb.org/pub/pdb/data/structures/divided/mmCIF/ab/1abc.cif.gz"]


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"", b"\x1f\x8bnot gzip"])
def test_a_download_that_is_no_structure_is_not_kept(tmp_path, body):
    source = PdbSource(cache=tmp_path, allow_download=True, fetch=lambda url: body)
    with pytest.raises(StructureError):
        source.entry_path("1abc")
    assert not list(tmp_path.iterdir())


def test_a_failed_download_says_so(tmp_path):
    def fetch(url):
        raise ComputationError("no route", where=url)

    with pytest.raises(ComputationError, match="no route"):
        PdbSource(cache=tmp_path, allow_download=True, fetch=fetch).entry_path("1abc")


HOSTILE = {
    "empty": b"",
    "noise": bytes(range(256)) * 16,
    "text": b"this is a letter, not a structure\n" * 20,
    "cut gzip": gzip.compress(MINIMAL * 50)[:40],
    "no atom": b"data_1ABC\n_entry.id 1ABC\n",
    "two blocks": MINIMAL + MINIMAL.replace(b"1ABC", b"2ABC"),
    "header only": b"HEADER    TRANSFERASE\nEND\n",
    "broken loop": MINIMAL[:-20],
    "nan": MINIMAL.replace(b"1.0 2.0 3.0", b"x y z"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_file_is_an_error_in_words(tmp_path, name):
    path = tmp_path / "1abc.cif"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(StructureError) as caught:
        read_structure_file(path)
    assert str(path) in str(caught.value)
    assert "to do" in str(caught.value)


def test_a_gzip_bomb_is_cut_off(monkeypatch):
    import kinscope.structures.wwpdb.source as module

    monkeypatch.setattr(module, "MAX_TEXT_BYTES", 10_000)
    with pytest.raises(StructureError, match="larger than"):
        module._inflate(gzip.compress(b" " * 1_000_000), "bomb")


def test_a_missing_mirror_is_said_at_once(tmp_path):
    with pytest.raises(StructureError, match="not a directory"):
        PdbSource(Path(tmp_path / "nowhere"))


def test_plain_pdb_text_is_read():
    line = "ATOM      1  CA  ALA A   1       1.000   2.000   3.000  1.00 10.00           C  \nEND\n"
    assert parse_structure(line.encode(), "here")[0].count_atom_sites() == 1

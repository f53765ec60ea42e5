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
        module.inflated(gzip.compress(b" " * 1_000_000), "bomb")


def test_a_missing_mirror_is_said_at_once(tmp_path):
    with pytest.raises(StructureError, match="not a directory"):
        PdbSource(Path(tmp_path / "nowhere"))


def test_plain_pdb_text_is_read():
    line = "ATOM      1  CA  ALA A   1       1.000   2.000   3.000  1.00 10.00           C  \nEND\n"
    assert parse_structure(line.encode(), "here")[0].count_atom_sites() == 1


COLUMNS = {
    "group_PDB": "ATOM", "id": "1", "type_symbol": "C", "label_atom_id": "CA", "label_alt_id": ".",
    "label_comp_id": "ALA", "label_asym_id": "A", "label_entity_id": "1", "label_seq_id": "7",
    "Cartn_x": "1.0", "Cartn_y": "2.0", "Cartn_z": "3.0", "occupancy": "1.0", "B_iso_or_equiv": "10.0",
    "auth_seq_id": "7", "auth_asym_id": "A", "pdbx_PDB_model_num": "1",
}  # fmt: skip


def mmcif(columns, *rows, name="data_x"):
    tags = "\n".join(f"_atom_site.{column}" for column in columns)
    lines = [" ".join({**columns, **row}[column] for column in columns) for row in (rows or ({},))]
    return f"{name}\nloop_\n{tags}\n" + "\n".join(lines) + "\n"


def only_atom(text):
    structure = parse_structure(text.encode(), "here")
    (site,) = structure[0].all()
    return site.chain.name, str(site.residue.seqid), site.residue.name, site.atom.name, site.atom.element.name


LEFT_OUT = [
    (), ("id",), ("type_symbol",), ("label_alt_id",), ("label_asym_id",), ("auth_asym_id",),
    ("label_seq_id",), ("auth_seq_id",), ("group_PDB",), ("occupancy", "B_iso_or_equiv"),
    ("label_entity_id", "pdbx_PDB_model_num"), ("id", "type_symbol", "label_alt_id"),
    ("auth_seq_id", "auth_asym_id"), ("label_asym_id", "label_seq_id"), ("label_asym_id", "auth_asym_id"),
]  # fmt: skip


@pytest.mark.parametrize("left_out", LEFT_OUT, ids="+".join)
def test_an_mmcif_is_read_by_the_columns_it_has(left_out):
    columns = {name: value for name, value in COLUMNS.items() if name not in left_out}
    assert only_atom(mmcif(columns)) == ("A", "7", "ALA", "CA", "C")


def test_atom_and_residue_names_may_be_the_authors_only():
    columns = {name.replace("label_atom", "auth_atom").replace("label_comp", "auth_comp"): value
               for name, value in COLUMNS.items()}  # fmt: skip
    assert only_atom(mmcif(columns)) == ("A", "7", "ALA", "CA", "C")


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.replace("_atom_site", "_ATOM_SITE"),
        lambda text: "\n".join(line.upper() for line in text.split("\n")),
        lambda text: "# written by a program\n\n" + text,
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace(" CA ", " 'CA' ").replace(" ALA ", "\n;ALA\n;\n"),
        lambda text: "data_comp_LIG\n_chem_comp.id LIG\n" + text,
        lambda text: text + "data_restraints\nloop_\n_restraint.id\n1\n2\n",
        lambda text: "data_global\n_audit.revision_id 1\n" + text + "data_r1abcsf\n_refln.index_h 1\n",
        lambda text: "data_x\n" + "\n".join(f"_atom_site.{name} {value}" for name, value in COLUMNS.items()),
    ],
)
def test_an_mmcif_may_be_written_in_every_way_of_the_format(written):
    assert only_atom(written(mmcif(COLUMNS))) == ("A", "7", "ALA", "CA", "C")


@pytest.mark.parametrize(
    ("atom", "residue", "element"),
    [
        ("CA", "ALA", "C"), ("CA", "CA", "Ca"), ("ZN", "ZN", "Zn"), ("CD", "GLU", "C"), ("CD", "CD", "Cd"),
        ("SE", "MSE", "Se"), ("SD", "MET", "S"), ("HG", "SER", "H"), ("HG", "HG", "Hg"), ("1HB", "ALA", "H"),
        ("CL1", "LIG", "Cl"), ("BR", "LIG", "Br"), ("C11", "LIG", "C"), ("N1", "STI", "N"), ("P", "PTR", "P"),
        ("O5'", "DA", "O"), ("NE", "ARG", "N"), ("NA", "NA", "Na"), ("MG", "MG", "Mg"), ("CL", "CL", "Cl"),
    ],
)  # fmt: skip
def test_an_element_that_is_not_stated_follows_from_the_names(atom, residue, element):
    for symbol in ("?", "."):
        text = mmcif({**COLUMNS, "label_atom_id": atom, "label_comp_id": residue, "type_symbol": symbol})
        assert only_atom(text)[-1] == element


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (mmcif(COLUMNS) + mmcif(COLUMNS, name="data_y"), "2 of its data blocks"),
        ("data_r1abcsf\nloop_\n_refln.index_h\n_refln.F_meas_au\n1 20.5\n", "0 of its data blocks"),
        ("data_salt\n_cell_length_a 5.6\nloop_\n_atom_site_label\n_atom_site_fract_x\nNa1 0.5\n", "0 of its"),
        ("\x83\xa7encoder\x00\xaadataBlocks", "BinaryCIF"),
        ("h\x00e\x00a\x00d", "not text"),
        (mmcif(COLUMNS).replace("_atom_site.group_PDB", "_atdm_site.group_PDB"), "another category"),
    ],
)
def test_a_cif_without_one_set_of_coordinates_is_refused_by_what_it_is(body, reason):
    with pytest.raises(StructureError, match=reason):
        parse_structure(body.encode("latin-1"), "here")


def shared_place(first, second, alternates=("A", "B")):
    """Backbone of a serine and a threonine of the same number, with these occupancies, and of a glycine."""
    rows, place = [], {"SER": 0.0, "THR": 0.2}
    for name, occupancy, letter in (("SER", first, alternates[0]), ("THR", second, alternates[1])):
        for atom, x in (("N", 0.0), ("CA", 1.2), ("C", 2.5)):
            rows.append(
                {"id": str(len(rows) + 1), "type_symbol": atom[0], "label_atom_id": atom,
                 "label_comp_id": name, "label_alt_id": letter, "Cartn_x": str(x + place[name]),
                 "occupancy": str(occupancy)}
            )  # fmt: skip
    return [*rows, {"label_comp_id": "GLY", "auth_seq_id": "8", "label_seq_id": "8", "Cartn_x": "5.0"}]


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [(0.3, 0.7, "THR"), (0.7, 0.3, "SER"), (0.5, 0.5, "SER"), (0.49, 0.51, "THR"), (0.0, 1.0, "THR")],
)
@pytest.mark.parametrize("alternates", [("A", "B"), ("B", "A"), (".", ".")])
@pytest.mark.parametrize("form", ["mmcif", "pdb", "interleaved pdb"])
def test_of_two_residue_types_in_one_place_the_most_occupied_then_a_is_read(
    first, second, kept, alternates, form
):
    rows = shared_place(first, second, alternates)
    text = mmcif(COLUMNS, *rows)
    if form != "mmcif":
        lines = [
            f"ATOM  {n:5}  {row.get('label_atom_id', 'CA'):3}{row.get('label_alt_id', '.').replace('.', ' ')}"
            f"{row['label_comp_id']} A{row.get('auth_seq_id', '7'):>4}    {float(row['Cartn_x']):8.3f}"
            f"   2.000   3.000{float(row.get('occupancy', 1)):6.2f} 10.00\n"
            for n, row in enumerate(rows, start=1)
        ]
        if form == "interleaved pdb":
            lines = [lines[index] for index in (0, 3, 1, 4, 2, 5, 6)]
        text = "".join(lines)
    if first == second and alternates == ("B", "A"):
        kept = "THR"
    residues = [residue.name for residue in parse_structure(text.encode(), "here")[0]["A"]]
    assert residues == [kept, "GLY"]


def test_one_number_in_two_places_is_two_residues():
    rows = shared_place(0.5, 0.5, (".", "."))
    for row in rows[3:6]:
        row["Cartn_x"] = str(float(row["Cartn_x"]) + 20.0)
    residues = [residue.name for residue in parse_structure(mmcif(COLUMNS, *rows).encode(), "here")[0]["A"]]
    assert residues == ["SER", "THR", "GLY"]

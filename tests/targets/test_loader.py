"""Packs from outside: a good one is read, a bad or hostile one is refused in one block."""

from __future__ import annotations

import os
import shutil

import pytest

from kinscope.core.errors import BadInputError
from kinscope.targets import load_target, load_target_directory

TOY = {
    "target.yaml": """
gene: TOY1
name: a toy kinase
uniprot: Q00000
reference_isoform: canonical
transcript:
  accession: NM_000001.1
  protein_accession: NP_000001.1
  chromosome: chr1
  assembly: GRCh38
  genomic_accession: NC_000001.11
  strand: '-'
  exons:
    - {first: 1, last: 5, genomic_first: 1000}
    - {first: 6, last: 12, genomic_first: 900}
  source: made for this test
""",
    "regions.yaml": "- {name: all, label: all, kind: domain, start: 1, end: 3, source: made for this test}\n",
    "cds.fasta": ">toy\nATGAAATGGTAA\n",
    "protein.fasta": ">toy\nMKW\n",
}


@pytest.fixture
def toy(tmp_path):
    for name, text in TOY.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_pack_of_data_alone_is_read(toy):
    pack = load_target_directory(toy)
    assert pack.gene == "TOY1"
    assert pack.transcript.genomic_positions == (1000, 999, 998, 997, 996, 900, 899, 898, 897, 896, 895, 894)
    assert pack.states == ()
    assert pack.drugs == ()


def test_the_shipped_pack_is_read_from_any_directory(tmp_path):
    shipped = load_target("abl1")
    for name in ("target.yaml", "regions.yaml", "cds.fasta", "protein.fasta", "states.yaml"):
        shutil.copy(shipped.directory / name, tmp_path / name)
    pack = load_target_directory(tmp_path)
    assert pack.transcript == shipped.transcript
    assert pack.states == shipped.states
    assert pack.drugs == ()


@pytest.mark.parametrize("listing", ["{body}", "states:\n{body}"])
def test_a_list_may_stand_bare_or_under_the_name_of_its_file(toy, listing):
    body = "- {id: one, label: one, first_residue: 1, last_residue: 3, description: made for this test}\n"
    (toy / "states.yaml").write_text(listing.format(body=body))
    assert load_target_directory(toy).state("one").last_residue == 3


BROKEN = {
    "not YAML": ("target.yaml", "gene: [unclosed", "plain YAML"),
    "code in a tag": ("target.yaml", "gene: !!python/object/apply:os.system [id]", "plain YAML"),
    "an alias bomb": ("regions.yaml", "- &a [x, x]\n- &b [*a, *a]\n- [*b, *b]", "aliases"),
    "a repeated key": ("target.yaml", TOY["target.yaml"] + "gene: TOY2\n", "twice"),
    "an unknown field": ("target.yaml", TOY["target.yaml"] + "colour: red\n", "colour"),
    "a missing field": ("target.yaml", TOY["target.yaml"].replace("uniprot: Q00000", ""), "uniprot"),
    "a scalar": ("target.yaml", "42", "layout"),
    "nothing": ("target.yaml", "", "layout"),
    "deep nesting": ("regions.yaml", "[" * 5000, "nested|plain YAML"),
    "bytes that are no text": ("regions.yaml", b"\xff\xfe\x00", "UTF-8"),
    "a control character": ("regions.yaml", "- \x07", "plain YAML"),
    "a huge file": ("regions.yaml", "#" * 3_000_000, "larger"),
    "a stop inside": ("cds.fasta", ">toy\nATGTAATGGTAA\n", "translate"),
    "no stop": ("cds.fasta", ">toy\nATGAAATGGAAA\n", "translate"),
    "a shorter sequence": ("cds.fasta", ">toy\nATGAAATGG\n", "exon blocks"),
    "a longer sequence": ("cds.fasta", ">toy\nATGAAATGGTAAATG\n", "translate|exon"),
    "an odd base": ("cds.fasta", ">toy\nATGAANTGGTAA\n", "FASTA"),
    "two sequences": ("protein.fasta", ">a\nMKW\n>b\nMKW\n", "FASTA"),
    "another protein": ("protein.fasta", ">toy\nMKY\n", "translate"),
    "a gap between exons": ("target.yaml", TOY["target.yaml"].replace("first: 6", "first: 7"), "exon blocks"),
    "a region outside": ("regions.yaml", TOY["regions.yaml"].replace("end: 3", "end: 30"), "Region all"),
    "a region twice": ("regions.yaml", TOY["regions.yaml"] * 2, "twice"),
    "an odd kind": ("regions.yaml", TOY["regions.yaml"].replace("kind: domain", "kind: blob"), "blob|kind"),
    "an odd strand": ("target.yaml", TOY["target.yaml"].replace("'-'", "up"), "strand"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_pack_is_refused_and_the_file_named(toy, case):
    name, content, word = BROKEN[case]
    path = toy / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInputError) as caught:
        load_target_directory(toy)
    message = str(caught.value)
    assert any(part in message for part in word.split("|"))
    assert str(toy) in message
    assert len(message) < 1500


@pytest.mark.parametrize("name", TOY)
def test_a_missing_file_is_named(toy, name):
    (toy / name).unlink()
    with pytest.raises(BadInputError, match="missing"):
        load_target_directory(toy)


def test_a_pipe_in_place_of_a_file_does_not_hang(toy):
    (toy / "regions.yaml").unlink()
    os.mkfifo(toy / "regions.yaml")
    with pytest.raises(BadInputError):
        load_target_directory(toy)


def test_no_directory_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="directory"):
        load_target_directory(tmp_path / "none")

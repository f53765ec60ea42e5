"""Numbering by alignment: synthetic chains always, and the wwPDB's traps where a mirror is at hand."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.errors import StructureError
from kinscope.core.residues import three_letter
from kinscope.structures.wwpdb.entries import (
    chain_of_structure,
    protein_chains,
    read_chain,
    read_crystal_chain,
    read_ligand,
)
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target

PACK = load_target("abl1")
PROTEIN = PACK.transcript.protein

with_mirror = pytest.mark.skipif(
    not os.environ.get("KINSCOPE_PDB_MIRROR"), reason="needs a mirror of wwPDB entries"
)


def chain_of(letters, author_numbers, breaks=()):
    """A straight chain of backbone atoms; ``breaks`` are indices before which the chain is interrupted."""
    import gemmi

    structure = gemmi.Structure()
    model, chain = gemmi.Model(1), gemmi.Chain("A")
    x = 0.0
    for index, (letter, number) in enumerate(zip(letters, author_numbers, strict=True)):
        x += 3.8 if index not in breaks else 20.0
        residue = gemmi.Residue()
        residue.name = three_letter(letter)
        residue.seqid = gemmi.SeqId(number, " ")
        for name, shift in (("N", 0.0), ("CA", 1.2), ("C", 2.5)):
            atom = gemmi.Atom()
            atom.name, atom.element = name, gemmi.Element(name[0])
            atom.pos = gemmi.Position(x + shift, 0, 0)
            residue.add_atom(atom)
        chain.add_residue(residue)
    model.add_chain(chain)
    structure.add_model(model)
    return structure


def numbers_of(structure):
    return chain_of_structure(structure, "A", PACK, label="test").residues


@settings(max_examples=40, deadline=None)
@given(
    first=st.integers(64, 420),
    length=st.integers(50, 90),
    offset=st.integers(-300, 900),
    gap=st.tuples(st.integers(10, 28), st.integers(1, 12)),
)
def test_author_numbers_and_missing_loops_do_not_matter(first, length, offset, gap):
    start, size = gap
    wanted = [n for n in range(first, first + length) if not first + start <= n < first + start + size]
    structure = chain_of([PROTEIN[n - 1] for n in wanted], [n + offset for n in wanted], breaks={start})
    assert numbers_of(structure) == tuple(wanted)


@settings(max_examples=25, deadline=None)
@given(first=st.integers(80, 400), gap=st.tuples(st.integers(12, 28), st.integers(1, 10)))
def test_a_missing_loop_is_placed_even_where_the_author_numbers_run_on(first, gap):
    start, size = gap
    wanted = [n for n in range(first, first + 70) if not first + start <= n < first + start + size]
    found = numbers_of(chain_of([PROTEIN[n - 1] for n in wanted], range(1, len(wanted) + 1), breaks={start}))
    # A residue at the edge may sit on either side only if the protein repeats its letter there.
    assert all(PROTEIN[a - 1] == PROTEIN[b - 1] for a, b in zip(found, wanted, strict=True))
    assert sum(a != b for a, b in zip(found, wanted, strict=True)) <= 3


def test_tags_are_dropped_and_substitutions_listed():
    letters = list("GAMDPS" + PROTEIN[228:300])
    letters[6 + 40] = "W"
    chain = chain_of_structure(chain_of(letters, range(1, 79)), "A", PACK, label="test")
    assert chain.residues == tuple(range(229, 301))
    assert len(chain.dropped) == 6
    assert chain.differences == (f"{PROTEIN[268]}269W",)


def test_another_protein_is_refused():
    letters = list("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQ")
    with pytest.raises(StructureError, match="not of this protein"):
        numbers_of(chain_of(letters, range(1, len(letters) + 1)))


def test_an_absent_chain_names_those_at_hand():
    with pytest.raises(StructureError, match="no chain 'Z'") as caught:
        chain_of_structure(chain_of(PROTEIN[228:300], range(1, 73)), "Z", PACK, label="test")
    assert "A" in caught.value.remedy


@pytest.fixture(scope="module")
def source():
    return PdbSource()


@with_mirror
@pytest.mark.parametrize(
    ("code", "chain", "first", "last", "differences"),
    [
        ("2GQG", "A", 229, 500, ()),
        ("1OPL", "A", 62, 512, ("D363N",)),
        ("2FO0", "A", 46, 511, ("D363N",)),
        ("1OPK", "A", 64, 512, ("V225I", "N336S", "D363N")),
        ("1OPJ", "B", 229, 512, ("N336S",)),
        ("5MO4", "A", 64, 512, ("T315I", "D363N")),
        ("2V7A", "B", 234, 502, ("T315I",)),
        ("2G2H", "A", 233, 504, ("H396P",)),
        ("4XEY", "B", 122, 504, ()),
    ],
)
def test_isoform_1b_and_construct_numbers_become_1a(source, code, chain, first, last, differences):
    found = read_crystal_chain(source, code, chain, PACK)
    assert (found.residues[0], found.residues[-1]) == (first, last)
    assert found.differences == differences


@with_mirror
def test_residue_404_is_lysine_in_every_entry_that_shows_it(source):
    for code in ("2GQG", "1OPL", "2FO0", "1OPK", "1OPJ", "3CS9", "3UE4", "5MO4", "4XEY"):
        chain = protein_chains(source.read_entry(code), PACK)[0]
        atoms = read_chain(source, code, chain, PACK)
        assert set(atoms.res_name[atoms.res_id == 404]) == {"LYS"}


@with_mirror
def test_phosphotyrosine_is_kept_only_on_request(source):
    plain = read_crystal_chain(source, "2V7A", "A", PACK)
    kept = read_crystal_chain(source, "2V7A", "A", PACK, keep_phosphorylation=True)
    assert set(plain.atoms.res_name[plain.atoms.res_id == 393]) == {"TYR"}
    assert set(kept.atoms.res_name[kept.atoms.res_id == 393]) == {"PTR"}
    assert plain.modified == {393: "PTR393 -> TYR"}


@with_mirror
@pytest.mark.parametrize(
    ("code", "ccd", "count"),
    [("2HYY", "STI", 37), ("2GQG", "1N1", 33), ("3UE4", "DB8", 36), ("5MO4", "AY7", 31), ("1OPJ", "MYR", 15)],
)
def test_ligands_lie_beside_their_chain(source, code, ccd, count):
    ligand = read_ligand(source, code, "A", ccd)
    protein = read_chain(source, code, "A", PACK)
    assert len(ligand) == count
    gaps = np.linalg.norm(protein.coord[:, None] - ligand.coord[None], axis=2)
    assert 2.0 < gaps.min() < 4.5


@with_mirror
def test_an_absent_ligand_lists_those_at_hand(source):
    with pytest.raises(StructureError) as caught:
        read_ligand(source, "2HYY", "A", "XYZ")
    assert "A:STI" in caught.value.remedy

"""What the redocking benchmark docks where, and what it says of it."""

from __future__ import annotations

import gemmi
import pytest

from factories.docking import PACK
from kinscope.core.errors import StructureError
from kinscope.validation.redock import RedockRow, pack_of, summary


def structure_of(sequence: list[str], stated: bool) -> gemmi.Structure:
    """A straight chain of complete backbones in the order given."""
    structure, chain = gemmi.Structure(), gemmi.Chain("A")
    structure.name = "1XXX"
    for number, name in enumerate(sequence, start=1):
        residue = gemmi.Residue()
        residue.name, residue.seqid = name, gemmi.SeqId(number, " ")
        for place, atom_name in enumerate(("N", "CA", "C")):
            atom = gemmi.Atom()
            atom.name, atom.element = atom_name, gemmi.Element(atom_name[0])
            atom.pos = gemmi.Position(3.8 * number + 1.3 * place, 0.0, 0.0)
            residue.add_atom(atom)
        chain.add_residue(residue)
    structure.add_model(gemmi.Model("1"))
    structure[0].add_chain(chain)
    structure.setup_entities()
    structure.entities[0].full_sequence = sequence if stated else []
    return structure


def test_a_chain_of_another_protein_is_numbered_by_its_own_sequence() -> None:
    names = ["MET", "GLY", "SER", "LYS", "TRP"] * 12
    own = pack_of(structure_of(names, stated=True), "A", PACK)
    assert own.transcript.protein == "MGSKW" * 12
    assert own.landmarks is None
    with pytest.raises(StructureError, match="no sequence"):
        pack_of(structure_of(names, stated=False), "A", PACK)


def row(top1: float, top3: float, seconds: float, engine: str = "kinscope") -> RedockRow:
    return RedockRow(
        engine=engine, ligand="OUT1:A:STI", receptor="OUT1:A", own=True, top1_angstrom=top1,
        top3_angstrom=top3, core_angstrom=top1, score_kcal_per_mol=-10.0, cpu_seconds=seconds,
    )  # fmt: skip


def test_the_summary_counts_within_two_angstrom_and_gives_wilson_intervals() -> None:
    """3 of 4: 30 to 95 % (Wilson 1927)."""
    said = summary([row(0.5, 0.5, 10.0), row(2.0, 0.4, 20.0), row(1.9, 1.9, 30.0), row(2.01, 1.0, 40.0)])
    assert "75 % ( 30- 95)   3/4" in said
    assert "100 % ( 51-100)   4/4" in said
    assert "144" in said


def test_engines_are_set_side_by_side_on_what_both_docked() -> None:
    ours = [row(0.5, 0.5, 10.0), row(0.5, 0.5, 999.0).model_copy(update={"ligand": "OUT2:A:STI"})]
    assert "kinscope does 4.0 times as many" in summary([*ours, row(0.5, 0.5, 40.0, "vina-8")])
    assert "times as many" not in summary(ours)

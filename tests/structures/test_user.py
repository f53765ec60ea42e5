"""A structure of the user's: whatever was done to a model on its way, it comes back as it was."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories.user_structure import (
    PACK,
    PROTEIN,
    as_alanine,
    backbone_deviation,
    cif,
    examined,
    moved,
    pdb,
    shipped,
    structure_of,
    without,
)
from kinscope.core.errors import BadInputError, StructureError
from kinscope.core.quoting import plain_name
from kinscope.results.notes import note
from kinscope.results.user_structure import StructureFindings

STATES = ("kinase-dfg-in", "kinase-dfg-out", "closed-dfg-out")
SRC = (
    "LRLEVKLGQGCFGEVWMGTWNGTTRVAIKTLKPGTMSPEAFLQEAQVMKKLRHEKLVQLYAVVSEEPIYIVTEYMSKGSLLDFLKGETGKYLRLPQLVDMAA"
    "QIASGMAYVERMNYVHRDLRAANILVGENLVCKVADFGLARLIEDNEYTARQGAKFPIKWTAPEAALYGRFTIKSDVWSFGILLTELTTKGRVPYPGMVNRE"
    "VLDQVERGYRMPCPPECPESLHDLMCQCWRKEPEERPTFEYLQAFLEDYF"
)
"""Kinase domain of human SRC, UniProt P12931, 270-523."""


@st.composite
def mishaps(draw):
    """What may have happened to a kinase domain on its way into a file."""
    gaps: list[tuple[int, int]] = []
    for _ in range(draw(st.integers(0, 3))):
        first = draw(st.integers(238, 480))
        gap = (first, first + draw(st.integers(0, 9)))
        if gap[1] < 492 and all(gap[0] > other[1] + 12 or gap[1] < other[0] - 12 for other in gaps):
            gaps.append(gap)
    return {
        "gaps": gaps,
        "state": draw(st.sampled_from(STATES[:2])),
        "offset": draw(st.integers(-228, 4000)),
        "jumps": draw(st.lists(st.tuples(st.integers(240, 490), st.integers(1, 40)), max_size=3)),
        "chain": draw(st.sampled_from(["A", "z", "AB", "7"])),
        "format": draw(st.sampled_from([pdb, cif])),
        "waters": draw(st.integers(0, 20)),
        "seed": draw(st.integers(0, 1000)),
    }


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mishaps())
def test_numbers_names_frame_and_missing_residues_do_not_matter(how):
    original = shipped(how["state"])

    def number(residue: int) -> int:
        return residue + how["offset"] + sum(size for at, size in how["jumps"] if residue >= at)

    atoms = moved(without(original, *how["gaps"]), how["seed"])
    structure = structure_of((how["chain"], atoms), number=number, waters=how["waters"])
    found = examined(how["format"](structure), "x")
    numbers = sorted({int(value) for value in found.atoms.res_id})
    built = [
        n
        for gap in found.findings.gaps
        if gap.origin == "built"
        for n in range(gap.first_residue, gap.last_residue + 1)
    ]
    assert numbers == [n for n in range(229, 501) if n not in built]
    assert not found.findings.substituted
    assert found.findings.geometry.dfg == ("in" if how["state"] == "kinase-dfg-in" else "out")
    missing = {n for first, last in how["gaps"] for n in range(first, last + 1)}
    made = {n for gap in found.findings.gaps for n in range(gap.first_residue, gap.last_residue + 1)}
    assert missing <= made <= {n + step for n in missing for step in range(-3, 4)}
    # What was in the file is where it was; what was not comes from the model of the same conformation.
    assert backbone_deviation(found, original, set(numbers) - made) < 0.005
    assert not made - set(built) or backbone_deviation(found, original, made - set(built)) < 0.3


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(236, 492), min_size=1, max_size=8, unique=True), st.integers(0, 100))
def test_every_substitution_of_the_file_is_found(residues, seed):
    chosen = [number for number in residues if PROTEIN[number - 1] not in "GA"]
    atoms = moved(as_alanine(shipped("kinase-dfg-out"), chosen), seed)
    found = examined(pdb(structure_of(("A", atoms))))
    assert set(found.findings.substituted) == {f"{PROTEIN[n - 1]}{n}A" for n in chosen}


def test_the_numbers_of_isoform_1b_and_insertion_codes():
    atoms = shipped("kinase-dfg-in")
    longer = structure_of(("A", atoms), number=lambda n: n + 19)
    found = examined(pdb(longer))
    assert (found.findings.author_first, found.findings.author_last) == ("248", "519")
    assert found.findings.first_residue == 229
    inserted = structure_of(
        ("A", atoms),
        number=lambda n: n if n < 300 else max(300, n - 5),
        insertion=lambda n: " ABCDE"[n - 300] if 300 <= n <= 305 else " ",
    )
    assert backbone_deviation(examined(cif(inserted)), atoms) < 0.005


def test_the_best_chain_is_taken_and_the_one_asked_for():
    whole, part = shipped("kinase-dfg-out"), without(shipped("kinase-dfg-out"), (300, 305))
    structure = structure_of(("A", moved(part)), ("B", moved(whole, 2)), ("C", whole[whole.res_id < 260]))
    found = examined(pdb(structure))
    assert found.findings.chain == "B"
    assert not found.findings.gaps
    assert {item.chain for item in found.findings.candidates} == {"A", "B", "C"}
    asked = examined(pdb(structure), chain="A")
    assert asked.findings.chain == "A"
    assert [(gap.first_residue, gap.last_residue) for gap in asked.findings.gaps] == [(300, 305)]
    with pytest.raises(StructureError, match="% of the kinase domain only"):
        examined(pdb(structure), chain="C")
    with pytest.raises(StructureError, match="no chain 'Q'"):
        examined(pdb(structure), chain="Q")


def test_names_of_other_programs_and_modified_residues_become_ordinary():
    import gemmi

    structure = structure_of(("A", shipped("kinase-dfg-out")))
    renamed = {"HIS": "HSD", "CYS": "CYX", "ASP": "ASH"}
    for residue in structure[0]["A"]:
        residue.name = renamed.get(residue.name, residue.name)
        if residue.name == "ILE":
            next(atom for atom in residue if atom.name == "CD1").name = "CD"
        if residue.seqid.num == 393:
            residue.name = "PTR"
            for name in ("P", "O1P", "O2P", "O3P"):
                atom = gemmi.Atom()
                atom.name, atom.element = name, gemmi.Element(name[0] if name == "P" else "O")
                atom.pos = residue["OH"][0].pos + gemmi.Position(1.2, 0.4, 0.8)
                residue.add_atom(atom)
        if residue.name == "MET" and residue.seqid.num == 290:
            residue.name = "MSE"
            atom = residue["SD"][0]
            atom.name, atom.element = "SE", gemmi.Element("Se")
    found = examined(pdb(structure))
    assert set(found.findings.modified) == {"PTR393 -> TYR", "MSE290 -> MET"}
    assert not found.findings.substituted
    assert not found.findings.incomplete
    assert set(found.atoms.res_name) <= set(shipped("kinase-dfg-out").res_name)


def test_alternates_hydrogens_and_further_models_are_settled_by_rule():
    import gemmi

    structure = structure_of(("A", shipped("kinase-dfg-in")))
    residue = next(r for r in structure[0]["A"] if r.seqid.num == 315)
    right = [atom.pos.tolist() for atom in residue]
    for atom in [atom.clone() for atom in residue]:
        other = atom.clone()
        other.altloc, other.occ = "B", 0.3
        other.pos += gemmi.Position(0.9, 0, 0)
        residue.add_atom(other)
    for atom in list(residue)[: len(right)]:
        atom.altloc, atom.occ = "A", 0.7
    hydrogen = gemmi.Atom()
    hydrogen.name, hydrogen.element = "H", gemmi.Element("H")
    hydrogen.pos = residue["N"][0].pos + gemmi.Position(1, 0, 0)
    residue.add_atom(hydrogen)
    second = structure[0].clone()
    second.num = 2
    for chain in second:
        for other in chain:
            for atom in other:
                atom.pos += gemmi.Position(50, 0, 0)
    structure.add_model(second)
    found = examined(pdb(structure))
    assert found.findings.alternates == (315,)
    assert found.findings.models == 2
    assert note("file-models", models=2) in found.findings.notes
    here = found.atoms[found.atoms.res_id == 315]
    assert np.allclose(sorted(map(tuple, here.coord)), sorted(map(tuple, right)), atol=0.01)
    assert "H" not in set(found.atoms.element)


def test_a_predicted_model_without_header_or_ligand_keeps_its_pocket_by_a_pose_that_fits():
    found = examined(
        pdb(structure_of(("A", moved(shipped("kinase-dfg-out"))), b_factor=91.3)), "AF-P00519.pdb"
    )
    assert found.findings.resolution_angstrom is None
    assert {ligand.site for ligand in found.findings.ligands} == {"atp_site"}
    assert all(ligand.stand_in for ligand in found.findings.ligands)


@pytest.mark.parametrize(
    ("state", "docked", "not_docked"),
    [
        ("kinase-dfg-in", {"dasatinib", "bosutinib"}, {"imatinib", "asciminib"}),
        ("kinase-dfg-out", {"imatinib", "nilotinib", "ponatinib"}, {"dasatinib", "asciminib"}),
        ("closed-dfg-out", {"asciminib"}, {"dasatinib"}),
    ],
)
def test_drugs_go_where_their_site_is(state, docked, not_docked):
    found = examined(cif(structure_of(("A", moved(shipped(state))))))
    assert docked <= set(found.drugs)
    assert not not_docked & set(found.drugs)
    assert {told.values["drug"] for told in found.not_docked} >= not_docked


def test_the_user_may_say_which_state_it_is_like():
    body = pdb(structure_of(("A", shipped("kinase-dfg-in"))))
    found = examined(body, like="kinase-dfg-out")
    assert found.findings.like == "kinase-dfg-out"
    assert "dasatinib" not in found.drugs
    with pytest.raises(BadInputError, match="kinase-dfg-out"):
        examined(body, like="kinase-dfg-up")


def test_a_long_missing_stretch_is_named_with_the_ways_out():
    atoms = without(shipped("kinase-dfg-out"), (383, 400))
    body = pdb(structure_of(("A", moved(atoms))))
    with pytest.raises(StructureError, match="383-400") as raised:
        examined(body)
    assert "--max-gap 18" in raised.value.remedy
    assert "--allow-truncation" in raised.value.remedy
    filled = examined(body, max_gap=18)
    assert [(g.first_residue, g.last_residue, g.origin) for g in filled.findings.gaps] == [
        (383, 400, "grafted")
    ]
    with pytest.raises(StructureError, match="three quarters"):
        examined(body, allow_truncation=True)


def test_a_conformation_that_the_file_does_not_show_is_not_said_to_be_another():
    body = pdb(structure_of(("A", moved(without(shipped("kinase-dfg-out"), (379, 386))))))
    told = {told.code for told in examined(body).findings.notes}
    assert told & {"measured-with-fill", "no-model-alike"} == {"measured-with-fill"}


def test_truncation_keeps_the_kinase_domain():
    atoms = without(shipped("closed-dfg-out"), (120, 140))
    body = pdb(structure_of(("A", moved(atoms))))
    with pytest.raises(StructureError, match="120-140"):
        examined(body)
    found = examined(body, allow_truncation=True)
    assert (found.findings.first_residue, found.findings.last_residue) == (141, 511)
    assert found.findings.cut_off == ("64-119 (beyond a missing stretch)",)


def test_a_stub_at_an_end_is_cut_off_without_being_asked():
    atoms = without(shipped("kinase-dfg-in"), (232, 236))
    found = examined(pdb(structure_of(("A", moved(atoms)))))
    assert found.findings.first_residue == 237
    assert found.findings.cut_off


def test_a_broken_peptide_is_made_anew():
    atoms = shipped("kinase-dfg-in").copy()
    atoms.coord[atoms.res_id == 340] += np.float32(4.0)
    found = examined(pdb(structure_of(("A", atoms))))
    made = {n for gap in found.findings.gaps for n in range(gap.first_residue, gap.last_residue + 1)}
    assert {339, 340} <= made <= set(range(335, 346))
    told = next(told for told in found.findings.notes if told.code == "backbone-remade")
    assert 340 in told.values["residues"]
    assert backbone_deviation(found, shipped("kinase-dfg-in"), {340}) < 0.3


def beside(structure, *molecules):
    """The structure with molecules (name, places, elements) in a chain of their own."""
    import gemmi

    chain = gemmi.Chain("L")
    for name, points, elements in molecules:
        residue = gemmi.Residue()
        residue.name, residue.het_flag = name, "H"
        residue.seqid = gemmi.SeqId(len(chain) + 1, " ")
        for place, (point, element) in enumerate(zip(points, elements, strict=True)):
            atom = gemmi.Atom()
            atom.name, atom.element = f"{element}{place}"[:4], gemmi.Element(element.capitalize())
            atom.pos = gemmi.Position(*map(float, point))
            residue.add_atom(atom)
        chain.add_residue(residue)
    structure[0].add_chain(chain)
    return structure


def imatinib():
    from kinscope.structures.user.ligands import known_poses

    return next(item for item in known_poses(PACK) if item.drug.id == "imatinib")


def test_ligands_ions_and_waters_are_sorted(tmp_path):
    pose = imatinib()
    structure = beside(
        structure_of(("A", shipped("kinase-dfg-out")), waters=7),
        ("STI", pose.coordinates, pose.elements),
        ("GOL", pose.coordinates[:6] + 90.0, ("C", "O", "C", "O", "C", "O")),
        ("MG", pose.coordinates[:1] + 70.0, ("MG",)),
    )
    found = examined(cif(structure))
    assert [(item.name, item.site, item.stand_in) for item in found.findings.ligands] == [
        ("STI", "atp_site", False)
    ]
    assert {"water x 7", "GOL x 1", "MG x 1"} <= set(found.findings.left_out)
    assert len(found.occupants[0]) == len(pose.elements)


def test_a_glycol_and_a_buffer_in_the_site_are_no_inhibitors():
    """PG4 (tetraethylene glycol) and MES where imatinib's middle lies."""
    from kinscope.ligands.library import embed, parse_smiles

    glycol = embed(parse_smiles("OCCOCCOCCOCCO", where="test"), where="test", conformers=1)
    heavy = [atom.GetIdx() for atom in glycol.GetAtoms() if atom.GetAtomicNum() > 1]
    points = glycol.GetConformer().GetPositions()[heavy]
    middle = imatinib().coordinates.mean(axis=0)
    elements = [glycol.GetAtomWithIdx(row).GetSymbol().upper() for row in heavy]
    structure = beside(
        structure_of(("A", shipped("kinase-dfg-out"))),
        ("PG4", points - points.mean(axis=0) + middle, elements),
        ("MES", points[:12] - points[:12].mean(axis=0) + middle, ("C",) * 12),
    )
    found = examined(cif(structure))
    assert {"PG4 x 1", "MES x 1"} <= set(found.findings.left_out)
    assert not [item for item in found.findings.ligands if not item.stand_in]


def src_like():
    """The shipped kinase domain with the sequence of SRC."""
    atoms = shipped("kinase-dfg-in")
    from kinscope.core.residues import three_letter

    kept = atoms[
        (atoms.res_id >= 242)
        & (atoms.res_id < 242 + len(SRC))
        & np.isin(atoms.atom_name, ("N", "CA", "C", "O", "CB"))
    ]
    for number in np.unique(kept.res_id):
        kept.res_name[kept.res_id == number] = three_letter(SRC[int(number) - 242])
    return kept


def test_another_kinase_is_refused_with_its_identity():
    with pytest.raises(StructureError, match=r"[45]\d % identical over 2\d\d residues: not ABL1"):
        examined(pdb(structure_of(("A", src_like()))))


def broken(kind: str) -> bytes:
    atoms = shipped("kinase-dfg-in")
    whole = pdb(structure_of(("A", atoms)))
    if kind == "trace":
        return pdb(structure_of(("A", atoms[atoms.atom_name == "CA"])))
    if kind == "backbone":
        return pdb(structure_of(("A", atoms[np.isin(atoms.atom_name, ("N", "CA", "C", "O", "CB"))])))
    if kind == "nanometres":
        small = atoms.copy()
        small.coord /= 10
        return cif(structure_of(("A", small)))
    if kind == "dna":
        import gemmi

        structure = structure_of(("A", atoms[:0]))
        for place in range(40):
            residue = gemmi.Residue()
            residue.name, residue.seqid = "DA", gemmi.SeqId(place + 1, " ")
            for name in ("P", "C4'", "N9"):
                atom = gemmi.Atom()
                atom.name, atom.element = name, gemmi.Element(name[0])
                atom.pos = gemmi.Position(3.0 * place, 1.0, len(name))
                residue.add_atom(atom)
            structure[0]["A"].add_residue(residue)
        return pdb(structure)
    return {
        "empty": b"",
        "text": b"this is not a structure\n" * 50,
        "binary": b"\x00\x01\x02CDF" * 400,
        "truncated gzip": gzip.compress(whole)[:2000],
        "no number": whole.replace(whole.splitlines()[400][30:38], b"     nan", 1),
        "water only": pdb(structure_of(waters=30)),
        "half a line": whole[:40],
        "two blocks": b"data_a\nloop_\n_atom_site.id\n1\ndata_b\n_cell.length_a 1\n",
        "terminal control": b"ATOM  \x1b[31m\x1b]0;title\x07" + whole[12:900],
        "hostile cif": b"data_x\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1 2 3\n",
    }[kind]


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("trace", "CA atoms only"), ("backbone", "backbone only"), ("nanometres", "bond lengths"),
        ("dna", "No protein"), ("empty", "no atom"), ("text", "no atom"), ("binary", "not text"),
        ("truncated gzip", "damaged"), ("no number", "not a number"), ("water only", "No protein"),
        ("half a line", ""), ("two blocks", ""), ("hostile cif", ""), ("terminal control", ""),
    ],
)  # fmt: skip
def test_what_is_no_kinase_with_its_atoms_is_refused(kind, word):
    with pytest.raises(StructureError) as raised:
        examined(broken(kind), "<script>.pdb")
    assert word in raised.value.what
    assert "<" not in str(raised.value)
    assert str(raised.value).replace("\n", "").isprintable()
    assert raised.value.remedy


def test_half_a_character_in_a_column_is_no_name():
    body = pdb(structure_of(("A", shipped("kinase-dfg-in"))))
    lines = body.split(b"\n")
    lines[100] = lines[100][:21] + "é".encode() + lines[100][22:]
    lines.insert(0, "REMARK   Å".encode("latin-1"))
    assert examined(b"\n".join(lines)).findings.first_residue == 229


def test_sizes_are_bounded(monkeypatch, tmp_path):
    from kinscope.structures.user import file
    from kinscope.structures.wwpdb import source

    body = pdb(structure_of(("A", shipped("kinase-dfg-in"))))
    monkeypatch.setattr(file, "MAX_ATOMS", 1000)
    with pytest.raises(StructureError, match="at most 1000 atoms"):
        examined(body)
    monkeypatch.setattr(source, "MAX_STORED_BYTES", 1000)
    (tmp_path / "x.pdb").write_bytes(body)
    with pytest.raises(StructureError, match="larger than"):
        file.read_user_file(tmp_path / "x.pdb")


def test_residues_that_are_no_amino_acid_of_the_table_have_parents_in_the_file():
    structure = structure_of(("A", shipped("kinase-dfg-in")))
    next(r for r in structure[0]["A"] if r.seqid.num == 450).name = "XQ9"
    lines = pdb(structure).split(b"\n")
    stated = (
        b"MODRES 9ABC XQ9 A  450  "
        + shipped("kinase-dfg-in").res_name[shipped("kinase-dfg-in").res_id == 450][0].encode()
        + b"  STRANGE"
    )
    found = examined(b"\n".join([stated, *lines]))
    assert 450 in set(found.atoms.res_id)
    assert not any(gap.first_residue <= 450 <= gap.last_residue for gap in found.findings.gaps)


def test_names_from_outside_are_harmless_and_the_record_survives_the_disk():
    assert plain_name("../<b>x</b>\x1b[31m.pdb") == "..__b_x__b___31m.pdb"
    assert len(plain_name("x" * 500)) <= 60
    atoms = without(shipped("kinase-dfg-out"), (386, 394))
    body = pdb(structure_of(("A", atoms)))
    body = b"TITLE     <img src=x onerror=alert(1)>\n" + body
    found = examined(body, plain_name("<svg onload=alert(1)>.pdb")).findings
    text = found.model_dump_json()
    assert "<" not in text
    again = StructureFindings.model_validate_json(text)
    assert again.gaps == found.gaps
    assert again.model_dump_json() == text

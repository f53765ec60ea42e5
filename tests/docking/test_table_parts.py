"""The parts of the docking table: strain, side chains out of the way, helix I, relaxed complexes."""

from __future__ import annotations

import numpy as np
import pytest

from factories.docking import PACK, SMALL, docked, model, pose
from kinscope.cli.docking_table import table_lines
from kinscope.docking.known.fit import helix_bend
from kinscope.docking.known.reference import searched_record
from kinscope.docking.poses.strain import pose_strain
from kinscope.docking.records import ReferencePoseRecord
from kinscope.docking.relaxed.compare import Complex, compare_relaxed, residues_near
from kinscope.docking.relaxed.complex_field import ComplexField, Pocket
from kinscope.docking.relaxed.mechanics import mechanics_of
from kinscope.docking.relaxed.starts import made_room, starts
from kinscope.docking.run import with_coordinates
from kinscope.docking.table.differences import Weighed
from kinscope.docking.table.row import Docked, Subject, docked_row
from kinscope.results.docking import DockingRow, RelaxedSettings


def heavy(molecule) -> np.ndarray:  # type: ignore[no-untyped-def, type-arg]
    rows = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() > 1]
    return np.asarray(molecule.GetConformer().GetPositions())[rows]


def test_a_crystal_pose_is_hardly_strained_and_a_twisted_amide_is() -> None:
    from rdkit import Chem
    from rdkit.Chem import rdMolTransforms

    molecule = pose("pd166326")[0]
    before = pose_strain(molecule)
    assert before is not None
    assert 0.0 <= before < 15.0
    drug = pose("asciminib")[0]
    twisted = with_coordinates(drug, np.asarray(drug.GetConformer().GetPositions()))
    amide = twisted.GetSubstructMatch(Chem.MolFromSmarts("O=C-[NX3H]-c"))
    angle = rdMolTransforms.GetDihedralDeg(twisted.GetConformer(), *amide)
    rdMolTransforms.SetDihedralDeg(twisted.GetConformer(), *amide, angle + 90.0)
    first, second = pose_strain(drug), pose_strain(twisted)
    assert first is not None
    assert second is not None
    assert second > first + 5.0  # an amide's barrier is 15 to 20 kcal/mol


def test_strain_does_not_feel_where_the_molecule_is() -> None:
    molecule = pose("pd166326")[0]
    moved = with_coordinates(molecule, np.asarray(molecule.GetConformer().GetPositions()) + 30.0)
    assert pose_strain(moved) == pytest.approx(pose_strain(molecule), abs=0.05)


@pytest.mark.parametrize(
    ("state", "form"),
    [
        ("kinase-dfg-in", "straight"),
        ("kinase-dfg-out", "straight"),
        ("open-dfg-in", "straight"),
        ("closed-dfg-out", "bent"),
        ("closed-dfg-out-folded", "bent"),
    ],
)
def test_helix_i_is_bent_in_the_closed_form_alone(state: str, form: str) -> None:
    # Nagar et al. 2003: myristate bends it; 2FO0 and 5MO4 show it so, 2GQG and 2HZI straight.
    found = helix_bend(PACK, model(state))
    assert found is not None
    assert found.form == form
    if form == "bent":
        assert found.angle_degrees is not None
        assert 60 < found.angle_degrees < 110


def test_nothing_is_turned_where_nothing_is_in_the_way() -> None:
    molecule, record = pose("imatinib")
    protein, turned = made_room(model(record.state), heavy(molecule))
    assert turned == ()
    assert np.array_equal(protein.coord, model(record.state).coord)


def test_a_side_chain_in_the_way_is_turned_and_the_backbone_stays() -> None:
    # 3UE4's bosutinib overlaps Tyr253 of the dasatinib model: its ring is put where that side chain is.
    protein = model("kinase-dfg-in")
    ring = protein.coord[(protein.res_id == 253) & np.isin(protein.atom_name, ["CD1", "CE1", "CZ"])]
    moved, turned = made_room(protein, ring + 0.5)
    assert turned == (253,)
    gaps = np.linalg.norm(
        moved.coord[(moved.res_id == 253) & (moved.atom_name == "CZ")][:, None] - (ring + 0.5)[None], axis=2
    )
    assert gaps.min() > 1.0
    assert len(moved) == len(protein)
    for name in ("N", "CA", "C", "O"):
        one = protein.coord[(protein.res_id == 253) & (protein.atom_name == name)]
        two = moved.coord[(moved.res_id == 253) & (moved.atom_name == name)]
        assert np.allclose(one, two, atol=1e-3)


def test_starts_are_distinct_rotamers_least_overlap_first() -> None:
    molecule, record = pose("ponatinib")
    found = starts(model(record.state), heavy(molecule), {315: "ILE"}, 4)
    assert len({start.label for start in found}) == len(found) == 4
    overlaps = [start.overlap_angstrom2 for start in found]
    assert overlaps == sorted(overlaps)
    for start in found:
        names = set(start.atoms.atom_name[start.atoms.res_id == 315])
        assert {"CG1", "CG2", "CD1"} <= names
        assert "OG1" not in names


def test_a_substitution_far_from_the_drug_is_not_put_into_numbers() -> None:
    molecule, record = pose("imatinib")
    drug = PACK.drug("imatinib")
    mechanics, _ = mechanics_of(PACK, drug)
    assert mechanics is not None
    whole = Complex(model(record.state), molecule, mechanics, RelaxedSettings())
    assert compare_relaxed("imatinib", record.state, "K404E", whole, {404: "GLU"}) is None


def test_a_drug_far_from_the_protein_interacts_with_nothing_and_fixed_atoms_stay() -> None:
    molecule, record = pose("pd166326")
    protein = model(record.state)
    mechanics, _ = mechanics_of(PACK, PACK.drug("pd166326"))
    assert mechanics is not None
    points = np.asarray(molecule.GetConformer().GetPositions())
    near = residues_near(protein, points, 4.0)
    settings = RelaxedSettings(clash_iterations=10, final_iterations=10, first_iterations=2)
    anchor = np.asarray(protein.coord, dtype=np.float64)
    field = ComplexField(protein, molecule, mechanics, Pocket(near, near[:2], anchor), settings)
    begun, _ = field.begin(anchor, points + 100.0)
    moved, _, terms = field.finish(anchor, begun)
    assert abs(terms.interaction) < 0.05
    still = ~np.isin(protein.res_id, near[:2])
    assert np.array_equal(moved[still], anchor[still])
    begun, _ = field.begin(anchor, points)
    assert field.finish(anchor, begun)[2].interaction < -15.0


def row_of(reference: ReferencePoseRecord) -> DockingRow:
    """Dasatinib against a mutant whose searches score 0.5 kcal/mol worse in the mean and better at best."""
    drug = PACK.drug("dasatinib")
    run, poses = docked("dasatinib", SMALL.model_copy(update={"seeds": 3}))
    sides = [
        Docked(
            [model(drug.state)],
            Weighed([run.model_copy(update={"seed_scores_kcal_per_mol": scores})], [0.0]),
            poses[0],
        )
        for scores in ((-10.0, -10.0, -10.0), (-11.0, -9.0, -8.5))
    ]
    subject = Subject(drug, drug.state, "DFG-in", "T315S", {315: "SER"})
    return docked_row(subject, *sides, poses[0], reference, relaxed=None, reach_angstrom=9.0)


def test_columns_of_a_row_differ_by_its_difference() -> None:
    row = row_of(pose("dasatinib")[1])
    assert row.native is not None
    assert row.mutant is not None
    assert row.difference_kcal_per_mol is not None
    columns = row.mutant.score_kcal_per_mol - row.native.score_kcal_per_mol
    assert row.difference_kcal_per_mol.value == pytest.approx(columns) == pytest.approx(0.5)
    assert row.native.rmsd_to_known_angstrom is not None


def test_a_blind_pose_lies_nowhere_from_a_known_one_and_nothing_is_called_on_it() -> None:
    row = row_of(searched_record(PACK.drug("dasatinib"), "kinase-dfg-in"))
    assert row.native is not None
    assert row.native.rmsd_to_known_angstrom is None
    assert row.reference_to_crystal_angstrom is None
    assert row.call is not None
    assert row.call.word == "unresolved"
    text = "\n".join(table_lines([row], "T315S"))
    assert "never measured" in " ".join(text.split())
    assert "nan" not in text

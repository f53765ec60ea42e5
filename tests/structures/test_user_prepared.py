"""Models of users' structures, prepared: minutes. Run with ``pytest -m slow``."""

from __future__ import annotations

import os

import numpy as np
import pytest

from factories.user_structure import (
    PACK,
    PROTEIN,
    as_alanine,
    examined,
    moved,
    pdb,
    shipped,
    structure_of,
    without,
)
from kinscope.core.residues import one_letter
from kinscope.interpretation.words.structures import check_text
from kinscope.structures.forcefield.minimisation import DEFAULT_STAGES
from kinscope.structures.user.prepare import Prepared, prepare, write_prepared

pytestmark = pytest.mark.slow

SHORT = tuple(stage.model_copy(update={"max_iterations": 60}) for stage in DEFAULT_STAGES[:3])
"""Enough to close joints and take overlaps out; a tenth of the time."""


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    """A DFG-out kinase domain that came with alanine at 315 and 455, a gap of six, and no ligand."""
    atoms = as_alanine(without(shipped("kinase-dfg-out"), (275, 280)), [315, 455])
    return prepare(examined(pdb(structure_of(("A", moved(atoms)))), "mine.pdb"), PACK, SHORT)


def test_the_sequence_is_the_targets_and_nothing_is_missing(prepared: Prepared) -> None:
    names = {
        int(n): str(name) for n, name in zip(prepared.atoms.res_id, prepared.atoms.res_name, strict=True)
    }
    assert names.pop(228) == "ACE"
    assert names.pop(501) == "NME"
    assert "".join(one_letter(name) for name in names.values()) == PROTEIN[228:500]
    assert list(names) == list(range(229, 501))
    assert prepared.check.passed, check_text(prepared.check)


def test_the_record_says_where_every_residue_comes_from(prepared: Prepared) -> None:
    origins = {item.residue: item for item in prepared.record.origins}
    assert prepared.record.state == "user"
    assert prepared.record.variant == "native"
    assert origins[315].origin == origins[455].origin == "substituted"
    assert "ALA315" in origins[315].note
    assert origins[277].origin == "grafted"
    assert origins[277].entry == "kinase-dfg-out"
    assert origins[300].origin == "given"
    assert origins[300].entry == "mine.pdb:A"
    assert set(origins) == set(range(229, 501))


def test_it_is_the_model_it_was_made_from(prepared: Prepared) -> None:
    from kinscope.structures.superposition import common_atoms, superpose

    original = shipped("kinase-dfg-out")
    assert superpose(prepared.atoms, original).rmsd_angstrom < 0.35
    transform = superpose(prepared.atoms, original)
    first, second = common_atoms(prepared.atoms, original, (315,), None)
    gap = np.linalg.norm(transform.apply(prepared.atoms.coord[first]) - original.coord[second], axis=1)
    assert len(gap) == 7
    # The buried threonine is found again. Asp455 stands in the solvent, where no rotamer is the right one.
    assert gap.max() < 0.8


def test_its_directory_is_checked_like_any_other_structure(prepared: Prepared, tmp_path) -> None:
    from kinscope.structures.checks.model import check_structures

    write_prepared(prepared, tmp_path / "mine")
    (again,) = check_structures([tmp_path / "mine" / "model.cif"], PACK)
    assert again.passed, check_text(again)


@pytest.mark.skipif(not os.environ.get("KINSCOPE_PDB_MIRROR"), reason="needs a mirror of wwPDB entries")
def test_imatinib_goes_back_into_2hyy_by_the_pose_of_another_crystal() -> None:
    """The shipped pose, laid into the model prepared from 2HYY:A, docks onto 2HYY's own imatinib."""
    from kinscope.docking.known.carried import carried_pose
    from kinscope.docking.poses.crystal_ligand import crystal_coordinates
    from kinscope.docking.poses.rmsd import SymmetricRmsd
    from kinscope.docking.records import DockingSettings
    from kinscope.docking.run import DockingTask, dock
    from kinscope.ligands.library import load_ligand
    from kinscope.results.user_structure import UserStructureOptions
    from kinscope.structures.user.file import find_structure, read_user_file
    from kinscope.structures.user.prepare import examine

    found = examine(read_user_file(find_structure("2hyy")), PACK, UserStructureOptions(chain="A"))
    model = prepare(found, PACK, SHORT)
    drug = PACK.drug("imatinib")
    pose, _ = carried_pose(PACK, drug, model.atoms)
    settings = DockingSettings()
    _, poses = dock(
        DockingTask(
            model.atoms,
            drug,
            load_ligand(drug),
            pose,
            state="user",
            variant="native",
            settings=settings,
            seed=1,
        )
    )
    docked = np.asarray(poses[0].GetConformer().GetPositions(), dtype=np.float64)
    crystal = docked.copy()
    heavy = [atom.GetIdx() for atom in poses[0].GetAtoms() if atom.GetAtomicNum() > 1]
    crystal[heavy] = crystal_coordinates(poses[0], found.occupants[0], where="2HYY")
    assert SymmetricRmsd(poses[0])(docked, crystal) < 2.0

"""Bound systems in measurements, words and page: what was put in, what it lacks, whether it stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from factories.report import study
from factories.trajectory import Floats, moving, shipped_model, write_replica
from kinscope.core.files import write_atomic
from kinscope.docking.known.reference import reference_pose
from kinscope.dynamics.records import PROTEIN_FILE, SYSTEM_RECORD_FILE, BoundLigand, SolvatedSystem
from kinscope.dynamics.settings import SolvationSettings
from kinscope.dynamics.systems.bound import PlacedLigand, place, with_ligands
from kinscope.interpretation.motion import motion_questions, stay_findings
from kinscope.ligands.parameters.shipped import directory_for, load_parameters
from kinscope.results.trajectories import TrajectoryComparison
from kinscope.structures.io import write_model
from kinscope.targets import load_target
from kinscope.targets.loader import controls_directory
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.system import System, measure_system
from kinscope.variants import parse_variant
from kinscope.workflow.stages.bound import (
    missing_bonds,
    read_bound_poses,
    read_crystal_bonds,
    start_bonds,
    write_bound_pose,
)

PACK = load_target("abl1")
STATE = "kinase-dfg-out"
FRAMES = 44
STEP_PS = 25.0


def placed(drug: str = "imatinib") -> PlacedLigand:
    definition = PACK.drug(drug)
    pose, _ = reference_pose(PACK, definition)
    return place(load_parameters(definition, directory_for(PACK, definition)), pose, "the pose that ships")


@pytest.fixture(scope="module")
def solute():
    """The shipped model and pose, with the carboxylate of Glu286 drawn back from the drug's amide."""
    atoms = with_ligands(shipped_model(STATE), [placed()])
    carboxylate = (
        (atoms.res_id == 286) & np.isin(atoms.atom_name, ("CD", "OE1", "OE2")) & (atoms.chain_id != "L")
    )
    oxygen, donor = nearest_to_glutamate(atoms)
    away = atoms.coord[oxygen] - atoms.coord[donor]
    atoms.coord[carboxylate] += 1.5 * away / np.linalg.norm(away)
    return atoms


def nearest_to_glutamate(atoms) -> tuple[int, int]:
    """The oxygen of Glu286's carboxylate and the drug's nitrogen that are nearest to each other."""
    oxygens = np.flatnonzero((atoms.res_id == 286) & np.isin(atoms.atom_name, ("OE1", "OE2")))
    nitrogens = np.flatnonzero((atoms.chain_id == "L") & (atoms.element == "N"))
    gaps = np.linalg.norm(atoms.coord[oxygens][:, None] - atoms.coord[nitrogens][None], axis=2)
    first, second = np.unravel_index(gaps.argmin(), gaps.shape)
    return int(oxygens[first]), int(nitrogens[second])


def gap_in_words(atoms) -> str:
    oxygen, donor = nearest_to_glutamate(atoms)
    return f"Glu286 ({np.linalg.norm(atoms.coord[oxygen] - atoms.coord[donor]):.1f} Å)"


def box(directory: Path, solute, ligand: PlacedLigand) -> Path:
    """A solvated system's record and solute, as far as the study reads them."""
    directory.mkdir(parents=True)
    write_model(directory / PROTEIN_FILE, solute)
    record = ligand.forcefield.record
    bound = BoundLigand(
        name=record.name,
        residue_name=record.residue_name,
        residue=9001,
        first_atom=0,
        atoms=len(record.atoms),
        net_charge_e=record.net_charge_e,
        forcefield_sha256=record.forcefield_sha256,
        pose=ligand.pose,
    )
    system = SolvatedSystem(
        variant="native", model_sha256="", seed=0, settings=SolvationSettings(), atoms=0, solute_atoms=0,
        waters=0, positive_ions=0, negative_ions=0, solute_charge_e=0, box_nm=((1.0, 0.0, 0.0),),
        volume_cubic_nm=1.0, origin="none", equilibration=None, least_image_distance_nm=1.0,
        potential_kcal_per_mol=0.0, system_sha256="", state_sha256="", wall_seconds=0.0, ligands=(bound,),
    )  # fmt: skip
    write_atomic(directory / SYSTEM_RECORD_FILE, system.model_dump_json())
    return directory


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, solute) -> TrajectoryComparison:
    """Imatinib holds in native and leaves the mutant's pocket half way, in 1.1 ns of made-up motion."""
    home = tmp_path_factory.mktemp("bound")
    sides: dict[str, list[Path]] = {"native": [], "mutant": []}
    ligand = solute.chain_id == "L"
    for side, directories in sides.items():
        for number in range(2):
            frames: Floats = moving(solute, FRAMES, seed=number + (10 if side == "native" else 20))
            if side == "mutant":
                frames[FRAMES // 2 :, ligand] += np.array([0.0, 0.0, 40.0])
            directories.append(
                write_replica(home / side / str(number), solute, frames, number, step_ps=STEP_PS)
            )
    boxes = {side: box(home / f"box-{side}", solute, placed()) for side in sides}
    for side, who in (("native", "native"), ("mutant", "K404E")):
        write_bound_pose(boxes[side], PACK, PACK.drug("imatinib"), who)
    bound = read_bound_poses(boxes)
    assert [one.variant for one in bound] == ["native", "K404E"]
    system = System(STATE, tuple(sides["native"]), tuple(sides["mutant"]), "imatinib", bound)
    found = measure_system(system, PACK, "K404E", (404,))
    assert found.comparison is not None
    return found.comparison


def test_the_shipped_model_holds_glutamate_where_the_crystal_does() -> None:
    """2.9 Å in 2HYY, from the carboxylate of helix C to imatinib's amide."""
    atoms = with_ligands(shipped_model(STATE), [placed()])
    oxygen, donor = nearest_to_glutamate(atoms)
    assert np.linalg.norm(atoms.coord[oxygen] - atoms.coord[donor]) == pytest.approx(2.9, abs=0.3)


def test_a_bond_of_the_crystal_that_the_start_lacks_is_missed(solute, tmp_path: Path) -> None:
    bonds = start_bonds(Layout(solute))
    assert {"Met318", "Asp381"} <= set(bonds)
    assert "Glu286" not in bonds
    directory = box(tmp_path / "box", solute, placed())
    write_bound_pose(directory, PACK, PACK.drug("imatinib"), "native")
    (native,) = read_bound_poses({"native": directory})
    assert native.reference == "2HYY:A:STI"
    missing = {text.partition(" (")[0]: text for text in native.missing_bonds}
    assert missing["Glu286"] == gap_in_words(solute)
    assert set(missing) == set(native.crystal_hydrogen_bonds) - set(bonds)
    assert native.charges.startswith("AM1-BCC")
    assert native.terms == "GAFF2"


def test_a_bond_whose_atom_was_substituted_has_no_distance(solute) -> None:
    shown = read_crystal_bonds(controls_directory(PACK))["imatinib"]
    isoleucine = solute[~((solute.res_id == 315) & np.isin(solute.atom_name, ("OG1", "HG1")))]
    found = missing_bonds(Layout(isoleucine), shown)
    assert "Thr315 (substituted)" in found
    assert gap_in_words(solute) in found
    assert not any("nan" in text for text in found)


def test_a_bond_that_the_new_residue_makes_too_is_not_missing(solute) -> None:
    shown = read_crystal_bonds(controls_directory(PACK))["imatinib"]
    named = solute.copy()
    named.res_name[named.res_id == 318] = "SER"
    assert missing_bonds(Layout(named), shown) == missing_bonds(Layout(solute), shown)


def test_glutamate_is_bonded_where_it_reaches(solute) -> None:
    """The same solute with its Glu286 laid on the amide: a bond that the criterion must see."""
    atoms = solute.copy()
    oxygen, donor = nearest_to_glutamate(atoms)
    hydrogens = (atoms.chain_id == "L") & (atoms.element == "H")
    gap = np.linalg.norm(atoms.coord - atoms.coord[donor], axis=1)
    (hydrogen,) = np.flatnonzero(hydrogens & (gap < 1.2))
    along = atoms.coord[hydrogen] - atoms.coord[donor]
    atoms.coord[oxygen] = atoms.coord[donor] + 2.9 * along / np.linalg.norm(along)
    assert "Glu286" in start_bonds(Layout(atoms))


def test_a_drug_that_leaves_is_said_to_leave(compared: TrajectoryComparison) -> None:
    native, mutant = stay_findings(compared, PACK)
    assert native.where.endswith("native")
    assert native.verdict == "not resolved: it holds its place for 1.1 ns, too short to tell a stay"
    assert mutant.verdict == "leaves its pocket in 2 of 2 replicas"
    assert "of replica 1" in mutant.result
    assert mutant.sampling == "2 x 1.1 ns"


def test_what_is_bound_is_said_in_words(compared: TrajectoryComparison, solute) -> None:
    assert [pose.variant for pose in compared.bound] == ["native", "K404E"]
    assert any(gap_in_words(solute) in text for text in compared.bound[0].missing_bonds)
    assert any("parmchk2" in text for text in compared.bound[0].warnings)


def test_a_stay_is_told_from_a_nanosecond_on(compared: TrajectoryComparison) -> None:
    variant = parse_variant("K404E", PACK)
    for length_ns, told in ((0.5, False), (20.0, True)):
        sides = {
            side: tuple(one.model_copy(update={"length_ns": length_ns}) for one in getattr(compared, side))
            for side in ("native", "mutant")
        }
        measured = study().measurements.model_copy(
            update={"trajectories": (compared.model_copy(update=sides),)}
        )
        asked = {question.id: question for question in motion_questions(variant, measured, PACK)}
        assert ("bound" in asked) is told
        if told:
            assert any("leaves its pocket" in item.verdict for item in asked["bound"].findings)

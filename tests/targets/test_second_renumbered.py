"""Nothing in the code knows ABL1: its kinase, renamed and renumbered, must give the same results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from factories.renumbered_pack import DRUG, GENE, LAST_BASE, SHIFT, STATE, renumbered_pack, shifted_text
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.records import DockingSettings
from kinscope.docking.run import DockingTask, dock
from kinscope.ligands.library import load_ligand
from kinscope.results.models import ModelRecord
from kinscope.structures.checks.model import check_model
from kinscope.structures.conformation.classify import classify_state
from kinscope.structures.model import AtomArray
from kinscope.structures.mutants.build import build_mutant
from kinscope.structures.mutants.neighbourhood import neighbourhood
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.network import network_rmsf
from kinscope.structures.reference.build import reference_model
from kinscope.targets import TargetPack, load_target
from kinscope.variants import parse_variant
from kinscope.workflow.packs.check import check_target
from kinscope.workflow.settings import load_preset, with_changes
from kinscope.workflow.study import assess_variant

ABL1 = load_target("abl1")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> TargetPack:
    return renumbered_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="module")
def native(pack: TargetPack) -> tuple[AtomArray, ModelRecord]:
    return reference_model(pack, STATE)


def test_it_is_a_sound_pack(pack: TargetPack) -> None:
    findings = check_target(pack)
    assert not [finding.text for finding in findings if finding.verdict == "fails"]
    assert {finding.part for finding in findings if finding.verdict == "ok"} >= {
        "protein.fasta", "cds.fasta", "target.yaml, landmarks", "regions.yaml", f"models/{STATE}",
        f"drugs.yaml, {DRUG}",
    }  # fmt: skip


def test_a_variant_is_read_on_the_other_strand(pack: TargetPack) -> None:
    variant = parse_variant(f"{GENE} c.3044C>T", pack)
    assert variant.substitutions[0].short == "T1015I"
    change = variant.substitutions[0].coding_changes[0]
    # 3,043 bases before the first one, which is the last on the chromosome; the strand turns C>T into G>A.
    assert change.hgvs_g == f"NC_000001.11:g.{LAST_BASE - 3043}G>A"
    assert parse_variant(change.hgvs_g, pack).positions == (1015,)
    assert parse_variant("short:T315I", pack).positions == (1015,)
    assert variant.hgvs_p_1b == "NP_999998.1:p.Thr315Ile"
    assert "ABL1" not in variant.model_dump_json()


def test_the_conformation_is_measured_alike(pack: TargetPack, native: tuple[AtomArray, ModelRecord]) -> None:
    here = classify_state(native[0], pack.landmarks).model_dump(exclude={"notes"})
    there = classify_state(reference_model(ABL1, STATE)[0], ABL1.landmarks).model_dump(exclude={"notes"})
    np.testing.assert_equal(here, there)


def test_the_checks_find_the_same(pack: TargetPack, native: tuple[AtomArray, ModelRecord]) -> None:
    atoms, record = reference_model(ABL1, STATE)
    here = [(item.name, item.passed) for item in check_model(*native, None, pack).items]
    there = [(item.name, item.passed) for item in check_model(atoms, record, None, ABL1).items]
    assert here == there


def test_neighbours_are_the_same(native: tuple[AtomArray, ModelRecord]) -> None:
    here = [(c.kind, c.partner, c.distance_angstrom) for c in neighbourhood(native[0], 315 + SHIFT)]
    abl1, _ = reference_model(ABL1, STATE)
    there = [(c.kind, c.partner + SHIFT, c.distance_angstrom) for c in neighbourhood(abl1, 315)]
    assert here == there
    assert here


def test_docking_gives_the_same_score(pack: TargetPack, native: tuple[AtomArray, ModelRecord]) -> None:
    settings = DockingSettings(seeds=1, starts=1, steps=1)

    def run(which: TargetPack, receptor: AtomArray) -> tuple[float, tuple[str, ...]]:
        drug = which.drug(DRUG)
        pose, _ = reference_pose(which, drug)
        ligand = load_ligand(drug)
        found, _ = dock(
            DockingTask(
                receptor, drug, ligand, pose, state=STATE, variant="native", settings=settings, seed=7
            )
        )
        return found.score_kcal_per_mol, found.best.interactions

    score, contacts = run(pack, native[0])
    wanted_score, wanted_contacts = run(ABL1, reference_model(ABL1, STATE)[0])
    assert score == pytest.approx(wanted_score, abs=1e-6)
    assert contacts == tuple(shifted_text(text) for text in wanted_contacts)


def test_the_network_is_the_same(native: tuple[AtomArray, ModelRecord]) -> None:
    there, values = network_rmsf(heavy(reference_model(ABL1, STATE)[0]))
    here, again = network_rmsf(heavy(native[0]))
    assert (here == there + SHIFT).all()
    np.testing.assert_allclose(again, values, rtol=1e-3)


def heavy(atoms: AtomArray) -> AtomArray:
    return atoms[atoms.element != "H"]


@pytest.mark.slow
def test_a_mutant_is_built_alike(native: tuple[AtomArray, ModelRecord]) -> None:
    settings = MutationSettings()
    here = build_mutant(*native, [(315 + SHIFT, "I")], settings, 5)
    there = build_mutant(*reference_model(ABL1, STATE), [(315, "I")], settings, 5)
    assert len(here) == len(there)
    for one, other in zip(here, there, strict=True):
        assert np.abs(one.atoms.coord - other.atoms.coord).max() < 0.01


@pytest.mark.slow
def test_a_study_runs_from_end_to_end(
    pack: TargetPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINSCOPE_CACHE", str(tmp_path / "cache"))
    settings = with_changes(
        load_preset("quick"),
        target=str(pack.directory),
        dynamics={"budget_minutes": 0},
        docking={"seeds": 2, "starts": 2, "steps": 2},
    )
    finished = assess_variant(parse_variant("T1015I", pack), settings, tmp_path / "run", cores=1)
    assert finished.complete
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{GENE} T1015I" in page
    for word in ("BCR::ABL1", "isoform 1b", "imatinib", "yristate pocket"):
        assert word not in page.split("<script")[0]

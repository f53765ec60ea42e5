"""SRC, a second kinase made of data alone, against what is known of it; and packs that a user writes."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kinscope.core.errors import BadInputError, StructureError, UnsupportedVariantError, VariantError
from kinscope.docking.known.reference import reference_pose
from kinscope.evidence import lookup
from kinscope.interpretation.words.say import say_all
from kinscope.structures.checks.model import check_model
from kinscope.structures.conformation.classify import classify_state
from kinscope.structures.reference.build import reference_model
from kinscope.structures.superposition import kabsch
from kinscope.structures.wwpdb.entries import aligned_pairs
from kinscope.structures.wwpdb.source import MAX_TEXT_BYTES
from kinscope.targets import load_target, target_reference
from kinscope.variants import parse_variant
from kinscope.variants.build import refget_accession
from kinscope.workflow.packs.check import check_target
from kinscope.workflow.packs.new import write_new_pack
from kinscope.workflow.planning.docking import docking_steps
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.planning.study import Study
from kinscope.workflow.settings import StudySettings, load_preset, with_changes

SRC = load_target("src")
ABL1 = load_target("abl1")
STATE = "kinase-dfg-in"


def test_the_protein_is_the_one_that_refseq_calls_np_938033() -> None:
    # The GA4GH digest that the mapper of MaveDB's scores stores for refseq:NP_938033.1.
    assert refget_accession(SRC.transcript.protein) == "SQ.uJDQo_HaTNFL2-0-6K5dVzVcweigexye"


@pytest.mark.parametrize(
    ("chicken", "human", "what"),
    [
        (295, 298, "K"),  # beta-3 lysine
        (310, 313, "E"),  # helix C
        (338, 341, "T"),  # gatekeeper
        (404, 407, "D"),  # DFG
        (416, 419, "Y"),  # autophosphorylation
        (527, 530, "Y"),  # phosphorylated by CSK
    ],
)
def test_the_numbers_of_the_literature_are_those_of_the_chicken(chicken: int, human: int, what: str) -> None:
    assert SRC.transcript.protein[human - 1] == what
    new = "A" if what != "A" else "G"
    variant = parse_variant(f"chicken:{what}{chicken}{new}", SRC)
    assert variant.positions == (human,)
    assert variant.substitutions[0].position_1b == chicken
    assert variant.hgvs_p_1b.startswith("p.")


def test_a_chicken_number_without_its_label_is_refused_with_the_human_one() -> None:
    with pytest.raises(VariantError) as caught:
        parse_variant("T338I", SRC)
    assert "T341I" in caught.value.remedy


@pytest.mark.parametrize("text", ["c.1022C>T", "NM_198291.3:c.1022C>T", "NC_000020.11:g.37401601C>T"])
def test_bases_are_refused_where_the_pack_has_none(text: str) -> None:
    with pytest.raises(UnsupportedVariantError):
        parse_variant(text, SRC)


@pytest.mark.parametrize("text", ["NM_005157.6:c.944C>T", "ABL1 T315I", "NP_005148.2:p.Thr315Ile"])
def test_abl1_is_not_src(text: str) -> None:
    with pytest.raises(VariantError):
        parse_variant(text, SRC)


@pytest.mark.parametrize("text", ["SRC T341I", "c-Src T341I", "NP_938033.1:p.Thr341Ile"])
def test_a_variant_of_another_shipped_target_says_which(text: str) -> None:
    with pytest.raises(UnsupportedVariantError) as caught:
        parse_variant(text, ABL1)
    assert "--target src" in caught.value.remedy


def test_motifs_stand_where_the_regions_say() -> None:
    def letters(name: str) -> str:
        return "".join(SRC.transcript.protein[number - 1] for number in SRC.region(name).members())

    assert (letters("hrd"), letters("dfg"), letters("ape")) == ("HRD", "DFG", "APE")
    assert letters("p_loop") == "LGQGCFGEV"
    assert letters("catalytic_loop") == "HRDLRAAN"
    assert letters("tail_tyrosine") == "Y"


def test_the_model_is_the_active_kinase_of_the_paper() -> None:
    """1YI6 is active c-Src: DFG-in, helix C in, the loop extended (Breitenlechner et al. 2005)."""
    atoms, record = reference_model(SRC, STATE)
    assert check_model(atoms, record, None, SRC).passed
    geometry = classify_state(atoms, SRC.landmarks)
    assert (geometry.dfg, geometry.helix_c, geometry.activation_loop) == ("in", "in", "extended")
    assert geometry.dfg_cluster == "BLAminus"
    assert geometry.salt_bridge_271_286_angstrom < 3.6


def test_src_and_abl1_have_one_fold_and_one_cis_proline() -> None:
    src, _ = reference_model(SRC, STATE)
    abl1, _ = reference_model(ABL1, STATE)
    domain = ABL1.region("kinase_domain")
    pairs = aligned_pairs(
        ABL1.transcript.protein[domain.start - 1 : domain.end], SRC.transcript.protein, "ABL1"
    )
    numbers = {index + domain.start: number for index, number in pairs}
    assert (numbers[315], numbers[382], numbers[310]) == (341, 408, 336)

    def alpha(atoms: object, wanted: list[int]) -> np.ndarray:
        carbons = atoms[atoms.atom_name == "CA"]  # type: ignore[index,attr-defined]
        rows = {int(number): row for row, number in enumerate(carbons.res_id)}
        return np.asarray(carbons.coord)[[rows[number] for number in wanted]]

    known = [number for number in numbers if number in range(242, 494)]
    first, second = alpha(abl1, known), alpha(src, [numbers[number] for number in known])
    gap = np.linalg.norm(kabsch(first, second).apply(first) - second, axis=1)
    assert np.median(gap) < 1.5
    items = {item.name: item.value for item in check_model(src, None, None, SRC).items}
    assert items["cis prolines"] == "Pro336"


def test_dasatinib_meets_the_hinge_where_the_crystal_of_src_shows_it() -> None:
    """In 3G5D dasatinib is bound to the amide of Met341 in chicken numbers (Getlik et al. 2009)."""
    _, record = reference_pose(SRC, SRC.drug("dasatinib"))
    assert "Met344 hydrogen bond" in record.interactions
    assert any("ABL1" in said and "not a co-crystal of SRC" in said for said in say_all(record.notes))


def test_a_drug_without_a_pose_is_left_out_and_said() -> None:
    planner = Study(SRC, parse_variant("T341I", SRC), _settings("src"))
    plan = plan_study(planner)
    assert plan.drugs == ("dasatinib",)
    assert any(text.startswith("bosutinib:") for text in plan.skipped)


def test_evidence_of_src_is_not_that_of_abl1() -> None:
    assert lookup(parse_variant("E527K", SRC), SRC).hits[0].item.id == "turro-e527k-E527K"
    assert not lookup(parse_variant("K298M", SRC), SRC).options


def test_a_new_pack_finds_what_the_src_pack_knows(tmp_path: Path) -> None:
    said = write_new_pack("SRC", SRC.directory / "protein.fasta", tmp_path / "new")
    pack = load_target(f"{tmp_path}/new")
    assert pack.landmarks is not None
    assert SRC.landmarks is not None
    for name in ("beta3_lysine", "helix_c_glutamate", "dfg_phenylalanine", "hrd_aspartate", "ape_glutamate"):
        assert getattr(pack.landmarks, name) == getattr(SRC.landmarks, name)
    for name in ("p_loop", "helix_c", "gatekeeper", "hinge", "catalytic_loop", "activation_loop", "atp_site"):
        assert pack.region(name).members() == SRC.region(name).members()
    assert pack.transcript.protein_accession == "NP_938033.1"
    assert "270" in said[0]
    assert not [finding for finding in check_target(pack) if finding.verdict == "fails"]
    assert any(finding.verdict == "to do" for finding in check_target(pack))


def test_a_new_pack_of_no_kinase_says_that_it_found_none(tmp_path: Path) -> None:
    fasta = tmp_path / "p.fasta"
    fasta.write_text(">sp|P00000|X\nM" + "GSAEKTLNDQ" * 20 + "\n")
    said = write_new_pack("NOKIN", fasta, tmp_path / "new")
    assert said[0].startswith("No landmarks")
    pack = load_target(f"{tmp_path}/new")
    assert pack.landmarks is None
    assert pack.transcript.protein_accession == "P00000"


def test_a_new_pack_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(BadInputError):
        write_new_pack("SRC", SRC.directory / "protein.fasta", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SRC.directory, tmp_path / "mine"))


def test_a_directory_is_a_target_from_anywhere(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    assert target_reference("./mine") == str(copy)
    assert load_target("./mine").transcript == SRC.transcript
    assert target_reference("SRC") == "src"
    with pytest.raises(BadInputError) as caught:
        target_reference("mine")
    assert "./mine" in caught.value.remedy


def test_a_change_in_a_users_pack_is_other_work(copy: Path) -> None:
    def keys() -> set[str]:
        pack = load_target(str(copy))
        variant = parse_variant("T341I", pack)
        return {step.key for step in docking_steps(Study(pack, variant, _settings(str(copy)))).values()}

    before = keys()
    assert keys() == before
    drugs = copy / "drugs.yaml"
    drugs.write_text(drugs.read_text().replace("name: Dasatinib", "name: Dasatinib hydrate"))
    assert not keys() & before


def test_a_pack_without_models_says_how_to_build_them(copy: Path) -> None:
    shutil.rmtree(copy / "models")
    pack = load_target(str(copy))
    with pytest.raises(UnsupportedVariantError) as caught:
        Study(pack, parse_variant("T341I", pack), _settings(str(copy)))
    assert f"models build --target {copy}" in caught.value.remedy


HOSTILE = {
    "a state that is a path": ("states.yaml", "id: kinase-dfg-in", "id: ../../kinase"),
    "a drug that is a path": ("drugs.yaml", "id: bosutinib", "id: ../bosutinib"),
    "a site that is markup": ("drugs.yaml", "site: atp", "site: <b>"),
    "an entry that is none": ("drugs.yaml", "2GQG:A:1N1", "/etc/passwd"),
    "a landmark outside": ("target.yaml", "dfg_phenylalanine: 408", "dfg_phenylalanine: 4080"),
    "a landmark before the start": ("target.yaml", "beta3_lysine: 298", "beta3_lysine: -3"),
    "a terminal control": ("states.yaml", "label: kinase domain, DFG-in", 'label: "\\e[31mred"'),
    "text that runs backwards": ("states.yaml", "label: kinase domain, DFG-in", 'label: "\\u202ered"'),
    "an isoform with a pattern": ("target.yaml", "name: chicken", 'name: "(a+)+$"'),
    "exons without bases": (
        "target.yaml",
        "chromosome: chr20",
        "exons: [{first: 1, last: 9, genomic_first: 5}]",
    ),
}


@pytest.mark.parametrize(("file", "old", "new"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_pack_is_refused(copy: Path, file: str, old: str, new: str) -> None:
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new))
    with pytest.raises(BadInputError) as caught:
        load_target(str(copy))
    assert "\x1b" not in str(caught.value)


def test_damaged_parts_are_told_one_by_one(copy: Path) -> None:
    (copy / "recipes.yaml").write_text("recipes: [{state: kinase-dfg-in}]")
    (copy / "poses" / "poses.json").write_text('{"poses": 3}')
    (copy / "evidence" / "curated.yaml").write_text("items: 3")
    (copy / "models" / STATE / "model.json").write_text("{}")
    fails = {finding.part for finding in check_target(load_target(str(copy))) if finding.verdict == "fails"}
    assert fails == {
        "recipes.yaml", f"models/{STATE}", "drugs.yaml, dasatinib", "drugs.yaml, bosutinib", "evidence",
    }  # fmt: skip


def test_a_model_that_swells_is_not_read_to_its_end(copy: Path) -> None:
    with gzip.open(copy / "models" / STATE / "model.cif.gz", "wb", compresslevel=1) as handle:
        for _ in range(MAX_TEXT_BYTES // 2**20 + 1):
            handle.write(bytes(2**20))
    with pytest.raises(StructureError) as caught:
        reference_model(load_target(str(copy)), STATE)
    assert "larger than" in caught.value.what


def test_the_commands_take_a_directory(copy: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kinscope", *arguments],
            capture_output=True,
            text=True,
            cwd=copy,
            check=False,
        )

    shown = run("variant", "T341I", "--target", ".", "--json")
    assert json.loads(shown.stdout)["hgvs_p"] == "NP_938033.1:p.Thr341Ile", shown.stderr
    listed = run("targets", "list", "--json")
    assert [row["target"] for row in json.loads(listed.stdout)] == ["abl1", "src"], listed.stderr
    (copy / "regions.yaml").write_text("- {name: x")
    refused = run("assess", "T341I", "--target", ".")
    assert refused.returncode == 2
    assert "regions.yaml" in refused.stderr
    assert "Traceback" not in refused.stderr


def _settings(target: str) -> StudySettings:
    return with_changes(load_preset("quick"), target=target)

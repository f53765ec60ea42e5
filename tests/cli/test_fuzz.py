"""Every reader of files from outside, on damaged ones: it refuses with a clear word, or it reads.

Trajectories are decoded in a process of their own and have a test there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from tempfile import mkdtemp

import pytest
import yaml
from rdkit import Chem
from rdkit.Chem import AllChem

from factories.chromatograph import QUALITIES, abif_bytes, amplicon_of, molecules_of, simulate_read
from factories.fuzz import MARKER, Reader, fault_of, faults
from factories.report import empty_study
from factories.user_structure import cif, pdb, shipped, structure_of
from kinscope.clinic.course.compute import study_case
from kinscope.clinic.karyotype.parse import parse_karyotype
from kinscope.clinic.karyotype.reading import read_karyotype
from kinscope.clinic.phenopacket.open import case_of_text, read_case
from kinscope.clinic.phenopacket.write import phenopacket_json
from kinscope.clinic.qpcr.reading import read_run
from kinscope.clinic.qpcr.run import analyse_run
from kinscope.core.files import sha256_of_file
from kinscope.ligands.user import read_given
from kinscope.sequencing import read_calls, read_trace
from kinscope.structures.user.file import read_user_file
from kinscope.structures.user.prepare import examine
from kinscope.targets import load_target
from kinscope.targets.loader import load_target_directory
from kinscope.variants import parse_variant
from kinscope.workflow.packs.new import write_new_pack
from kinscope.workflow.publication import CRATE_FILE, read_result
from kinscope.workflow.rundir import new_study, open_existing
from kinscope.workflow.settings import load_preset, load_settings

PACK = load_target("abl1")
SHORT, LONG = range(40), range(1000)
EXAMPLES = files("kinscope.clinic.examples")


def typed(read: Callable[[str], object]) -> Callable[[Path], object]:
    """What is typed on the command line comes as the terminal's bytes."""
    return lambda path: read(path.read_bytes().decode("utf-8", "surrogateescape"))


def vcf() -> Reader:
    text = (
        "##fileformat=VCFv4.2\n##reference=GRCh38\n##contig=<ID=chr9>\n"
        '##INFO=<ID=AF,Number=A,Type=Float,Description="share">\n'
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">\n'
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="depths">\n'
        f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{MARKER}\n"
        f"chr9\t130872896\t.\tC\tT\t99\tPASS\tAF=0.45;NAME={MARKER}\tGT:AD\t0/1:55,45\n"
        f"chr9\t130874992\t{MARKER}\tA\tG\t99\tPASS\tAF=0.2\tGT:AD\t0/1:80,20\n"
    )
    return Reader("calls.vcf", text.encode(), lambda path: read_calls(path, PACK))


def table(separator: str, name: str) -> Reader:
    rows = [
        ("sample", "gene", "hgvs_c", "protein", "vaf", "depth", f"{MARKER} note"),
        (MARKER, "ABL1", "c.944C>T", "p.Thr315Ile", "45.2", "1200", MARKER),
        (MARKER, "ABL1", "c.1210A>G", "p.Lys404Glu", "12.5", "900", MARKER),
    ]
    text = "".join(separator.join(row) + "\n" for row in rows)
    return Reader(name, text.encode(), lambda path: read_calls(path, PACK))


def trace() -> Reader:
    read = simulate_read(
        molecules_of([("T315I", 0.4)], PACK, amplicon_of(PACK)), "forward", QUALITIES["typical"], seed=1,
        chemistry=1,
    )  # fmt: skip
    return Reader("trace.ab1", abif_bytes(read, MARKER), read_trace)


def qpcr_table() -> Reader:
    text = EXAMPLES.joinpath("qpcr-relapse-gusb.csv").read_text().replace("relapse", MARKER)
    return Reader("run.csv", text.encode(), lambda path: analyse_run(read_run(path, transcript="e1a2")))


def case_file() -> Reader:
    text = EXAMPLES.joinpath("template.yaml").read_text()
    text = text.replace('name: ""', f'name: "{MARKER}"').replace("Diagnosis,", f"{MARKER},")
    text = text.replace("Sanger sequencing", f"sequenced for {MARKER}").replace("Discharge letter", MARKER)
    return Reader("case.yaml", text.encode(), lambda path: study_case(read_case(path), PACK))


def packet() -> Reader:
    result = study_case(case_of_text(EXAMPLES.joinpath("template.yaml").read_text(), "the template"), PACK)
    data = json.loads(phenopacket_json(result.case, result.schedule, PACK))
    data["subject"]["alternateIds"] = [MARKER]
    data["measurements"][0]["description"] = MARKER
    text = json.dumps(data, indent=1)
    return Reader("case.json", text.encode(), lambda path: study_case(read_case(path), PACK))


ACETANILIDE = "CC(=O)Nc1ccccc1"


def ligands(path: Path) -> object:
    return read_given([path], [], site="atp", state="").bad


def sdf() -> Reader:
    molecule = Chem.AddHs(Chem.MolFromSmiles(ACETANILIDE))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    text = f"{MARKER}\n" + Chem.MolToMolBlock(molecule).partition("\n")[2] + f"> <NAME>\n{MARKER}\n\n$$$$\n"
    return Reader("ligand.sdf", text.encode(), ligands)


def sdf_v3000() -> Reader:
    text = Chem.MolToV3KMolBlock(Chem.MolFromSmiles("C[C@H](N)C(=O)Nc1ccccc1"))
    return Reader("ligand.mol", f"{MARKER}\n{text.partition(chr(10))[2]}".encode(), ligands)


def structure(make: Callable[[object], bytes], name: str) -> Reader:
    atoms = shipped("kinase-dfg-in")
    body = make(structure_of(("A", atoms[(atoms.res_id < 262) & (atoms.element != "H")])))
    head = f"HEADER    {MARKER}\n" if name.endswith("pdb") else f"# {MARKER}\n"
    return Reader(name, head.encode() + body, lambda path: examine(read_user_file(path), PACK))


def pack_file(name: str) -> Reader:
    folder = Path(mkdtemp(prefix="kinscope-pack-"))
    write_new_pack("ABL1", PACK.directory / "protein.fasta", folder)
    sample = (folder / name).read_bytes()

    def read(path: Path) -> object:
        shutil.copy(path, folder / name)
        return load_target_directory(folder)

    return Reader(name, sample, read)


def settings() -> Reader:
    text = yaml.safe_dump(load_preset("quick").model_dump(mode="json"), sort_keys=False)
    return Reader("settings.yaml", text.encode(), load_settings)


def study_file() -> Reader:
    study = new_study(parse_variant("K404E", PACK), load_preset("quick"))
    return Reader(
        "study.json", study.model_dump_json(indent=1).encode(), lambda path: open_existing(path.parent)
    )


def result_file() -> Reader:
    def read(path: Path) -> object:
        """As if the crate agreed, so that the damage is met where the result is read."""
        named = {"@id": path.name, "@type": "File", "sha256": sha256_of_file(path)}
        (path.parent / CRATE_FILE).write_text(json.dumps({"@graph": [named]}))
        return read_result(path.parent)

    return Reader("result.json", empty_study().model_dump_json(indent=1).encode(), read)


READERS: dict[str, Callable[[], Reader]] = {
    "variant": lambda: Reader(
        "variant", b"NM_005157.6(ABL1):c.[763G>A;944C>T] (p.[Glu255Lys;Thr315Ile])",
        typed(lambda text: parse_variant(text, PACK)),
    ),
    "short variant": lambda: Reader("variant", b"E255K/T315I", typed(lambda text: parse_variant(text, PACK))),
    "VCF": vcf,
    "table, CSV": lambda: table(",", "calls.csv"),
    "table, TSV": lambda: table("\t", "calls.tsv"),
    "trace": trace,
    "karyotype": lambda: Reader(
        "karyotype",
        b"46,XX,t(9;22)(q34;q11.2)[12]/47,sl,+8[3]/46,XX[5].nuc ish(ABL1,BCR)x3(ABL1 con BCRx2)[180/200]",
        typed(lambda text: read_karyotype(parse_karyotype(text))),
    ),
    "qPCR table": qpcr_table,
    "case": case_file,
    "Phenopacket": packet,
    "SMILES": lambda: Reader(
        "smiles", ACETANILIDE.encode(), typed(lambda text: read_given([], [text], site="atp", state="").bad)
    ),
    # Too small to be docked, so that sixty of them take no time; the molecules themselves are read above.
    "list of SMILES": lambda: Reader(
        "list.smi", f"CCO {MARKER}\nCC(=O)N {MARKER}2\n".encode(), ligands
    ),
    "SDF": sdf,
    "MOL, V3000": sdf_v3000,
    "mmCIF": lambda: structure(cif, "model.cif"),
    "PDB": lambda: structure(pdb, "model.pdb"),
    "pack: target": lambda: pack_file("target.yaml"),
    "pack: regions": lambda: pack_file("regions.yaml"),
    "pack: states": lambda: pack_file("states.yaml"),
    "settings": settings,
    "study.json": study_file,
    "result.json": result_file,
}  # fmt: skip


@cache
def reader(name: str) -> Reader:
    return READERS[name]()


@pytest.mark.parametrize("name", READERS)
def test_the_whole_file_is_one_that_the_reader_takes(name: str, tmp_path: Path) -> None:
    path = tmp_path / reader(name).name
    path.write_bytes(reader(name).sample)
    assert fault_of(reader(name), path) == ""


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_read_or_refused(name: str, tmp_path: Path) -> None:
    assert list(faults(reader(name), tmp_path, SHORT)) == []


def _faults_of_half(name: str, folder: Path) -> list[str]:
    """Of every second damaged file; a reader of its own, as some keep a folder."""
    folder.mkdir()
    return list(faults(READERS[name](), folder, LONG[int(folder.name) :: 2]))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(READERS.keys() - {"table, TSV", "short variant"}))
def test_a_thousand_damaged_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        halves = pool.map(_faults_of_half, (name, name), (tmp_path / "0", tmp_path / "1"))
        assert [fault for half in halves for fault in half] == []


def test_a_fault_is_seen() -> None:
    """The harness can fail: a reader that repeats, crashes or blames the machine is found out."""
    from kinscope.core.errors import BadInputError, ComputationError

    def refuse(error: Exception) -> Callable[[Path], object]:
        def read(_: Path) -> object:
            raise error

        return read

    wrong = {
        "repeated": BadInputError(f"What is {MARKER}?"),
        "ZeroDivisionError": ZeroDivisionError(),
        "machine": ComputationError("It failed."),
        "characters": BadInputError("x" * 5000),
    }
    for word, error in wrong.items():
        assert word in fault_of(Reader("file", b"", refuse(error)), Path("file"))
    assert not fault_of(Reader("file", b"", refuse(BadInputError("It is empty."))), Path("file"))

"""Bad input ends with what, where and what to do; exit code 2; no traceback; nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

VARIANTS = {
    "wrong reference residue": ("R404E", "Lys"),
    "wrong reference base": ("NM_005157.6:c.1210C>G", "A"),
    "1b number without saying so": ("K423E", "1b"),
    "beyond the protein": ("K4040E", "1130"),
    "stop": ("p.Lys404Ter", ""),
    "stop with a star": ("K404*", ""),
    "frameshift": ("p.Lys404fs", ""),
    "in-frame deletion": ("p.Lys404del", ""),
    "duplication": ("NM_005157.6:c.1210dup", ""),
    "insertion": ("NM_005157.6:c.1210_1211insA", ""),
    "intronic": ("NM_005157.6:c.1423+1G>A", ""),
    "synonymous": ("p.Lys404=", ""),
    "same residue": ("K404K", ""),
    "initiator methionine": ("M1L", ""),
    "unknown amino acid": ("K404B", ""),
    "another gene": ("EGFR T790M", "EGFR"),
    "a fusion transcript in front": ("e13a3 T315I", "--transcript e13a3"),
    "one behind the gene's name": ("BCR::ABL1 B3A3:T315I", "--transcript B3A3"),
    "another gene's transcript": ("NM_005228.5:c.2369C>T", "NM_005228"),
    "empty": ("", ""),
    "blank": ("   ", ""),
    "not a variant": ("imatinib", ""),
    "markup": ("<script>alert(1)</script>", ""),
    "shell": ("K404E; rm -rf /", ""),
    "a novel": ("K404E" * 5000, ""),
    "in trans": ("p.[Glu255Lys];[Thr315Ile]", ""),
    "one residue twice": ("T315I/T315A", ""),
    "c. and p. disagree": ("NM_005157.6:c.1210A>G (p.Lys404Gln)", ""),
    "terminal control": ("K404E\x1b[31m", ""),
    "outside every model": ("T1000A", "model"),
}


def kinscope(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kinscope", *arguments], capture_output=True, text=True, cwd=cwd, check=False
    )


def assert_refused(finished: subprocess.CompletedProcess[str], word: str = "") -> None:
    assert finished.returncode == 2, finished.stderr
    assert "Traceback" not in finished.stderr
    assert "\x1b" not in finished.stderr
    assert finished.stderr.strip()
    assert len(finished.stderr) < 2000
    assert word.lower() in finished.stderr.lower()


@pytest.mark.parametrize(("expression", "word"), VARIANTS.values(), ids=VARIANTS.keys())
def test_a_variant_that_cannot_be_assessed(expression: str, word: str, tmp_path: Path) -> None:
    finished = kinscope("assess", "--quiet", "--", expression, cwd=tmp_path)
    assert_refused(finished, word)
    assert not list(tmp_path.iterdir()), "a refused variant leaves nothing behind"


def test_the_answer_on_a_variant_that_no_model_holds_offers_nothing_more(tmp_path: Path) -> None:
    finished = kinscope("assess", "L2W", "--answer", cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "No model of ABL1 holds L2W" in finished.stdout
    page = (tmp_path / "kinscope-L2W" / "report.html").read_text()
    assert "kinscope resume" not in finished.stdout + page


def yaml_file(directory: Path, text: str) -> str:
    path = directory / "settings.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--preset", "fast"], "quick"),
        (["--drug", "aspirin"], "imatinib"),
        (["--state", "kinase-dfg-up"], "kinase-dfg-in"),
        (["--target", "egfr"], "abl1"),
        (["--target", "../../etc"], ""),
        (["--md-minutes", "-1"], ""),
        (["--md-minutes", "soon"], ""),
        (["--cores", "0"], ""),
        (["--seed", "-5"], ""),
        (["--seed", "99999999999999"], "seed"),
        (["--settings", "missing.yaml"], "missing.yaml"),
        (["--no-such-option"], "no-such-option"),
    ],
)
def test_an_option_that_cannot_be_used(arguments: list[str], word: str, tmp_path: Path) -> None:
    assert_refused(kinscope("assess", "--quiet", "K404E", *arguments, cwd=tmp_path), word)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("docking: {exhaustivenes: 8}", "exhaustivenes"),
        ("dynamics: {replicas: 0}", "replicas"),
        ("dynamics: {protocol: {time_step_fs: 40}}", "time_step_fs"),
        ("- a\n- list", "mapping"),
        ("docking: [", "YAML"),
        ("preset: slow", "slow"),
        ("a: &a [*a, *a]\n", ""),
        ("!!python/object/apply:os.system ['true']", "YAML"),
    ],
)
def test_a_settings_file_that_cannot_be_used(text: str, word: str, tmp_path: Path) -> None:
    arguments = ["assess", "--quiet", "K404E", "--settings", yaml_file(tmp_path, text)]
    assert_refused(kinscope(*arguments, cwd=tmp_path), word)


def test_run_directories_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert_refused(kinscope("assess", "K404E", "--out", ".", cwd=tmp_path), "not empty")
    assert_refused(kinscope("resume", "nowhere", cwd=tmp_path), "not a run directory")
    assert_refused(kinscope("explain", "nowhere", cwd=tmp_path), "not a run directory")
    assert_refused(kinscope("status", ".", cwd=tmp_path), "not a run directory")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "study.json").write_text('{"schema_version": 1}')
    assert_refused(kinscope("resume", "broken", cwd=tmp_path), "cannot be read")
    assert_refused(kinscope("assess", "K404E", "--out", "/proc/kinscope", cwd=tmp_path), "")
    assert (tmp_path / "mine.txt").read_text() == "mine"


STRUCTURES = {
    "missing": ("missing.pdb", [], "no such structure file"),
    "a directory": (".", [], "directory"),
    "a device": ("/dev/zero", [], "no such structure file"),
    "a code that is not at hand": ("9zzz", [], "not at hand"),
    "empty": ("empty.pdb", [], "no atom"),
    "not a structure": ("text.cif", [], ""),
    "binary": ("binary.pdb", [], "not text"),
    "damaged compression": ("half.pdb.gz", [], "compression"),
    "no number": ("nan.pdb", [], "no"),
    "markup in its name": ("<script>.pdb", [], "no such structure file"),
    "a chain that is too long": ("text.cif", ["--chain", "x" * 50], "chain"),
    "a state that is none": ("text.cif", ["--as-state-like", "up"], ""),
    "a gap that is none": ("text.cif", ["--max-gap", "-3"], ""),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_structure_that_cannot_be_used(name: str, tmp_path: Path) -> None:
    # Reading a file is the same code for every command: two share the cases between them.
    command = ["models", "prepare"] if len(name) % 2 else ["assess", "K404E"]
    file, options, word = STRUCTURES[name]
    atom = "ATOM      1  CA  ALA A   1         nan   1.000   1.000  1.00 20.00           C\n"
    (tmp_path / "empty.pdb").write_bytes(b"")
    (tmp_path / "text.cif").write_text("nothing of the kind\n" * 20)
    (tmp_path / "binary.pdb").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "half.pdb.gz").write_bytes(b"\x1f\x8b\x08\x00\x00")
    (tmp_path / "nan.pdb").write_text(atom)
    before = sorted(tmp_path.iterdir())
    flag = ["--structure"] if command[0] == "assess" else []
    assert_refused(kinscope(*command, "--quiet", *flag, file, *options, cwd=tmp_path), word)
    assert sorted(tmp_path.iterdir()) == before, "a refused structure leaves nothing behind"


def test_options_about_a_structure_need_one(tmp_path: Path) -> None:
    finished = kinscope("assess", "--quiet", "K404E", "--chain", "A", cwd=tmp_path)
    assert_refused(finished, "--structure")
    assert not list(tmp_path.iterdir())

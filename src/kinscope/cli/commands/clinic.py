"""The clinic's own: BCR::ABL1 levels (``qpcr``), ISCN (``karyotype``) and a patient's course (``case``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.commands.study import StudyOptions, run_study
from kinscope.cli.console import Console, echo, show, show_json
from kinscope.cli.options import AsCsv, AsJson, Cores, Target, WhereOptions, command_of, pack_of
from kinscope.core.errors import BadInputError

if TYPE_CHECKING:
    from kinscope.clinic.case.model import Case
    from kinscope.clinic.course.result import CaseResult
    from kinscope.clinic.karyotype.model import Clone, Karyotype
    from kinscope.clinic.karyotype.reading import KaryotypeReading
    from kinscope.clinic.qpcr.model import Check, QpcrReport, QpcrResult, StandardCurve
    from kinscope.targets import TargetPack

app = typer.Typer()


@command_of(app, "qpcr", epilog="Example:  kinscope qpcr --example; kinscope qpcr run.csv --control GUSB")
def show_qpcr(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="CSV or TSV with columns sample, target, role (standard, sample, ntc), copies, ct; or YAML.",
        ),
    ] = None,
    transcript: Annotated[
        str, typer.Option("--transcript", help="Fusion transcript: e1a2, e13a2, e14a2, p190 ...")
    ] = "",
    control: Annotated[str, typer.Option(help="Control gene: ABL1, GUSB or BCR.")] = "",
    conversion_factor: Annotated[
        float | None, typer.Option(help="The laboratory's factor to the international scale.")
    ] = None,
    rules: Annotated[str, typer.Option(help="Rules of acceptance: eac, euromrd, or a YAML file.")] = "eac",
    example: Annotated[
        bool,
        typer.Option("--example", help="The relapse of Lewandowski et al. 2025, which ships with kinscope."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """BCR::ABL1 copies from qPCR. Standard curves, intervals, international scale, sensitivity."""
    from importlib.resources import files

    from kinscope.clinic.qpcr.reading import read_run
    from kinscope.clinic.qpcr.run import analyse_run

    if (file is None) != example:
        raise BadInputError("Give a file, or --example, and not both.", where="the command line")
    path = file or Path(str(files("kinscope.clinic.examples"))) / "qpcr-relapse-gusb.csv"
    named = transcript or "e1a2" * example
    run = read_run(path, transcript=named, control_gene=control, conversion_factor=conversion_factor)
    report = analyse_run(run, rules)
    show(report, _qpcr_lines(report), as_json)


def _qpcr_lines(report: QpcrReport) -> Iterator[str]:
    for curve in (report.fusion_curve, report.control_curve):
        if curve is not None:
            yield _curve_line(curve)
    yield from map(_check_line, report.checks)
    for result in report.results:
        yield ""
        yield from _sample_lines(result)
    yield from (f"\nNote: {note}" for note in report.notes)
    yield f"\nRules: {report.rules}. {report.rules_citation}"


def _curve_line(curve: StandardCurve) -> str:
    return (
        f"{curve.target}: Ct = {curve.intercept:.3f} {curve.slope:+.3f} x log10(copies); {curve.wells} "
        f"wells, {curve.lowest_copies:,.0f} to {curve.highest_copies:,.0f} copies, "
        f"residual {curve.residual_sd_ct:.3f} cycles"
    )


def _check_line(check: Check) -> str:
    marks = {True: "met", False: "NOT MET" if check.decisive else "note", None: "not judged"}
    return f"  [{marks[check.passed]}] {check.name}: {check.text}"


def _sample_lines(result: QpcrResult) -> Iterator[str]:
    accepted = "" if result.accepted else "  NOT ACCEPTED by the rules"
    yield f"{result.name}{accepted}"
    yield f"  {result.statement}"
    fusion, control = result.fusion, result.control
    yield (
        f"  BCR::ABL1 {round(fusion.total_copies, 1):,.12g} copies in {fusion.detected_wells} of "
        f"{fusion.wells} wells; {control.target} {control.total_copies:,.0f} copies in {control.wells} wells"
    )
    yield f"  class: {result.molecular_class}; the sample reaches {result.depth or 'no MR4'}"
    yield from (_check_line(check) for check in result.checks if check.passed is not True)


@command_of(app, "karyotype", epilog="Example:  kinscope karyotype '46,XX,t(9;22)(q34;q11.2)[18]/46,XX[2]'")
def show_karyotype(
    iscn: Annotated[str, typer.Argument(metavar="ISCN", help="The karyotype as the report writes it.")],
    transcript: Annotated[
        str, typer.Option("--transcript", help="Also say what this fusion transcript encodes, e.g. e1a2.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Read a karyotype. Clones, the Philadelphia chromosome, additional changes, complexity."""
    from kinscope.clinic.karyotype.parse import parse_karyotype
    from kinscope.clinic.karyotype.reading import read_karyotype
    from kinscope.clinic.measurements import protein_of

    karyotype = parse_karyotype(iscn)
    reading = read_karyotype(karyotype)
    fusion = protein_of(transcript) if transcript else None
    parts, lines = {"karyotype": karyotype, "reading": reading}, [*_karyotype_lines(karyotype, reading)]
    if fusion is not None:
        name, parts = fusion.name or transcript, {**parts, "fusion": fusion}
        told = f"{name}: {fusion.protein}, {fusion.breakpoint_region}; {fusion.note}"
        lines.append(f"fusion transcript       {told}")
    show(parts, lines, as_json)


def _karyotype_lines(karyotype: Karyotype, reading: KaryotypeReading) -> Iterator[str]:
    from kinscope.clinic.karyotype.reading import high_risk_changes

    for number, clone in enumerate(karyotype.clones, start=1):
        side = "" if "//" not in karyotype.text else " (donor)" if clone.donor else " (recipient)"
        yield f"{f'clone {number}{side}':<24}{_clone_line(clone)}"
    for fish in karyotype.fish:
        positive = "" if fish.positive_cells is None else f"{fish.positive_cells} of "
        cells = "" if fish.scored_cells is None else f", {positive}{fish.scored_cells} cells"
        fused = {True: "BCR::ABL1 fusion", False: "no BCR::ABL1 fusion", None: "BCR::ABL1 not said"}
        yield f"{'FISH' + ' (donor)' * fish.donor:<24}{fused[fish.bcr_abl1_fusion]}{cells}: {fish.text}"
    rows = [("Philadelphia chromosome", _philadelphia(reading)), ("complexity", _complexity(reading))]
    rows += [("additional changes", ", ".join(_named(reading)) or "none")]
    rows += [("high risk in CML", ", ".join(high_risk_changes(reading)) or "none")]
    rows += [("note", note) for note in reading.notes]
    yield from (f"{label:<24}{value}" for label, value in rows)


def _named(reading: KaryotypeReading) -> list[str]:
    """Additional changes with their cells; those below ISCN's number of cells are called not clonal."""
    named = []
    for change in (change for change in reading.changes if not change.philadelphia):
        cells = "" if change.cells is None else f" in {change.cells} cells"
        standing = ", not clonal" if change.clonal is False else ""
        named.append(f"{change.name} ({change.group}{cells}{standing})")
    return named


def _clone_line(clone: Clone) -> str:
    from kinscope.clinic.karyotype.changes import ploidy_name

    number = str(clone.low) if clone.low == clone.high else f"{clone.low} to {clone.high}"
    scored = "" if clone.scored is None else f" of {clone.scored}"
    cells = "number of cells not given" if clone.cells is None else f"{clone.cells}{scored} cells"
    parts = [f"{number} chromosomes ({ploidy_name(clone)}), {clone.sex}", cells]
    parts += ["composite"] * clone.composite
    if clone.reference:
        parts.append(f"as {clone.reference}, changes inherited: {len(clone.inherited)}")
    parts += ["normal"] * clone.normal
    changes = ", ".join(change.name for change in clone.abnormalities)
    return "; ".join(parts) + (f": {changes}" if changes else "")


def _philadelphia(reading: KaryotypeReading) -> str:
    if reading.philadelphia in ("not seen", "open"):
        return "open: not seen in what was read" if reading.philadelphia == "open" else "not seen"
    known = None not in (reading.philadelphia_cells, reading.cells)
    cells = f", in {reading.philadelphia_cells} of {reading.cells} cells" if known else ""
    doubt = "" if reading.philadelphia_certain else " (in doubt)"
    return f"{reading.philadelphia_text}{doubt}{cells}"


def _complexity(reading: KaryotypeReading) -> str:
    if reading.philadelphia in ("not seen", "open"):
        return reading.complexity or "open: no cell of the patient's own was read"
    return f"{reading.complexity}; the Philadelphia translocation is counted"


@dataclass(frozen=True)
class CaseOptions:
    """Which case, how it is read, what is written of it, and how its variants go on to ``assess``."""

    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A case as YAML, or a GA4GH Phenopacket v2 as JSON or YAML."),
    ] = None
    out: Annotated[
        Path | None, typer.Option("--out", help="Directory for the page; default: kinscope-case-PSEUDONYM.")
    ] = None
    criteria: Annotated[
        str | None,
        typer.Option(help="Response definitions, e.g. eln-all-2024, nccn-all-2021, esmo-all-2016."),
    ] = None
    redact: Annotated[
        bool, typer.Option("--redact", help="No free text, no dates, no citation; numbers and codes only.")
    ] = False
    relative_dates: Annotated[
        bool, typer.Option("--relative-dates", help="Days from the diagnosis instead of dates.")
    ] = False
    phenopacket: Annotated[
        Path | None, typer.Option(help="Also write the case as a Phenopacket v2 (JSON).")
    ] = None
    salt_file: Annotated[
        Path | None, typer.Option(help="A secret file of at least 16 bytes: stable pseudonyms from it.")
    ] = None
    assess: Annotated[bool, typer.Option("--assess", help="Run `kinscope assess` on each variant found.")] = (
        False
    )
    preset: Annotated[str | None, typer.Option(help="For --assess: quick, standard, paper.")] = None
    md_minutes: Annotated[
        float | None, typer.Option(min=0, help="For --assess: minutes of dynamics; 0: none.")
    ] = None
    example: Annotated[
        bool,
        typer.Option("--example", help="The case of Lewandowski et al. 2025, which ships with kinscope."),
    ] = False
    template: Annotated[
        bool, typer.Option("--template", help="Print a case file to start from, and end.")
    ] = False
    csv: AsCsv = False
    target: Target = "abl1"
    cores: Cores = None


@command_of(app, "case", epilog="Example:  kinscope case --example --out paper-case")
def case(options: CaseOptions, console: Console) -> None:
    """Draw a patient's course. Treatments, responses, mutations, toxicity, and what does not fit."""
    from kinscope.clinic.course.compute import study_case
    from kinscope.clinic.page.output import write_case

    if options.template:
        echo(_shipped("template.yaml"), nl=False)
        return
    if not options.assess and (options.preset or options.md_minutes is not None):
        raise BadInputError("--preset and --md-minutes are for --assess.", where="the command line")
    pack = pack_of(options.target)
    result = study_case(
        _read(options.file, options.example, pack),
        pack,
        criteria=options.criteria or "",
        salt=_salt(options.salt_file),
        redact=options.redact,
        relative_dates=options.relative_dates,
    )
    directory = options.out or Path(f"kinscope-case-{result.pseudonym}")
    write_case(result, directory, with_csv=options.csv)
    if options.phenopacket is not None:
        _write_phenopacket(options.phenopacket, result, pack)
    if console.as_json:
        show_json(result)
    else:
        _print_case(result, directory, options.phenopacket)
    if not options.assess:
        return
    fusion, disease = result.case.fusion, {"ph-all": "ALL", "cml": "CML"}.get(result.case.disease)
    for short, expression in {v.short: v.expression for v in result.variants if not v.problem}.items():
        study = StudyOptions(
            disease=disease,
            transcript=fusion.name or None if fusion else None,
            preset=options.preset,
            out=directory / f"assess-{short.replace('/', '_')}",
            md_minutes=options.md_minutes,
            target=options.target,
            place=WhereOptions(options.cores),
        )
        run_study(expression, study, console)


def _read(file: Path | None, example: bool, pack: TargetPack) -> Case:
    from kinscope.clinic.phenopacket.open import case_of_text, read_case

    if (file is None) != example:
        raise BadInputError(
            "Give a case file, or --example, and not both.",
            where="the command line",
            remedy="`kinscope case --template > case.yaml` writes a file to start from.",
        )
    if file is None:
        return case_of_text(_shipped("lewandowski2025.yaml"), "the shipped example")
    return read_case(file, pack)


def _shipped(name: str) -> str:
    from importlib.resources import files

    return files("kinscope.clinic.examples").joinpath(name).read_text(encoding="utf-8")


def _salt(path: Path | None) -> bytes | None:
    from kinscope.core.files import read_bounded

    if path is None:
        return None
    salt = read_bounded(path, 4096, remedy="32 bytes are enough.")
    if len(salt) < 16:
        raise BadInputError(
            "The salt is shorter than 16 bytes, so pseudonyms could be tried out.",
            where=str(path),
            remedy="Make one with: head -c 32 /dev/urandom > salt",
        )
    return salt


def _write_phenopacket(path: Path, result: CaseResult, pack: TargetPack) -> None:
    from kinscope.clinic.phenopacket.write import phenopacket_json
    from kinscope.core.files import write_atomic

    text = phenopacket_json(result.case, result.schedule, pack)
    try:
        write_atomic(path, text)
    except OSError as error:
        raise BadInputError(
            f"The Phenopacket cannot be written: {error.strerror}.", where=str(path)
        ) from None


def _without(expression: str, problem: str) -> str:
    """What is wrong with an expression, without the words of the expression: they are a patient's."""
    words = sorted(re.findall(r"[\w.]{2,}", expression), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, words)), "…", problem) if words else problem


def _print_case(result: CaseResult, directory: Path, phenopacket: Path | None) -> None:
    echo(f"Case {result.pseudonym}: {result.criteria_title} ({result.criteria_citation})\n")
    for line in result.lines:
        echo(f"Line {line.line}: {line.title}" + (f" to {line.last_title}" * (line.title != line.last_title)))
        for call in line.calls:
            level = f" ({call.level})" if call.level else ""
            echo(f"  {call.at.label():<18} {call.axis:<15} {call.category}{level}")
    differing = [c for c in result.comparisons if c.agreement != "agrees"]
    if result.comparisons:
        agreeing = len(result.comparisons) - len(differing)
        echo(f"\nStated responses: {agreeing} of {len(result.comparisons)} agree with the computed ones")
    for comparison in differing:
        echo(
            f"  {comparison.at.label():<18} stated {comparison.stated}, computed {comparison.computed} "
            f"({comparison.agreement})"
        )
    if result.inconsistencies:
        echo("\nWhat does not fit, and what is left open:")
        for item in result.inconsistencies:
            echo(f"  {item.severity:<14} {item.title}")
    for due in result.testing:
        done = "; ".join(used.statement for used in due.done) or "not recorded"
        echo(f"\nMutation testing due, {due.at.label()}: {due.reason}. Done: {done}")
    for note in result.case.notes:
        echo(f"\nnote: {note}")
    echo(f"\nTimeline: {directory / 'case.html'}")
    if phenopacket is not None:
        echo(f"Phenopacket: {phenopacket}")
    for variant in result.variants:
        if variant.problem:
            echo(f"\nVariant that cannot be used: {_without(variant.expression, variant.problem)}")
        else:
            echo(f"\n{variant.hgvs_p} ({variant.short}) was found. Next:  {variant.command}")
            for note in variant.notes:
                echo(f"  note: {note}")

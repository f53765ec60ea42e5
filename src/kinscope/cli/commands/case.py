"""``kinscope case``: the course of a patient on one page, and the variants it hands to ``assess``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.options import AsJson, Cores, Quiet, Target

if TYPE_CHECKING:
    from kinscope.clinic.case_model import Case
    from kinscope.clinic.case_result import CaseResult


CaseFile = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help="A case as YAML, or a GA4GH Phenopacket v2 as JSON or YAML."),
]
PageDirectory = Annotated[
    Path | None, typer.Option("--out", help="Directory for the page; default: kinscope-case-PSEUDONYM.")
]
Criteria = Annotated[
    str | None,
    typer.Option("--criteria", help="Response definitions, e.g. eln-all-2024, nccn-all-2021, esmo-all-2016."),
]
Redact = Annotated[
    bool, typer.Option("--redact", help="No free text, no dates, no citation; numbers and codes only.")
]
RelativeDates = Annotated[
    bool, typer.Option("--relative-dates", help="Days from the diagnosis instead of dates.")
]
Phenopacket = Annotated[
    Path | None, typer.Option("--phenopacket", help="Also write the case as a Phenopacket v2 (JSON).")
]
SaltFile = Annotated[
    Path | None,
    typer.Option("--salt-file", help="A secret file of at least 16 bytes: stable pseudonyms from it."),
]
Assess = Annotated[bool, typer.Option("--assess", help="Run `kinscope assess` on each variant found.")]
AssessPreset = Annotated[str | None, typer.Option("--preset", help="For --assess: quick, standard, paper.")]
AssessMinutes = Annotated[
    float | None, typer.Option("--md-minutes", min=0, help="For --assess: minutes of dynamics; 0: none.")
]
Example = Annotated[
    bool,
    typer.Option("--example", help="The case of Lewandowski et al. 2025, which ships with kinscope."),
]
Template = Annotated[bool, typer.Option("--template", help="Print a case file to start from, and end.")]
Tables = Annotated[bool, typer.Option("--csv", help="Write the tables as CSV too.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("case", epilog="Example:  kinscope case --example --out paper-case")(case)


def case(
    file: CaseFile = None,
    out: PageDirectory = None,
    criteria: Criteria = None,
    redact: Redact = False,
    relative_dates: RelativeDates = False,
    phenopacket: Phenopacket = None,
    salt_file: SaltFile = None,
    assess: Assess = False,
    preset: AssessPreset = None,
    md_minutes: AssessMinutes = None,
    example: Example = False,
    template: Template = False,
    csv: Tables = False,
    target: Target = "abl1",
    cores: Cores = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw a patient's course: treatments, responses, mutations, toxicity, and what does not fit."""
    from kinscope.clinic.case_course import study_case
    from kinscope.clinic.case_output import write_case
    from kinscope.targets import load_target

    if template:
        typer.echo(_shipped("template.yaml"), nl=False)
        return
    pack = load_target(target)
    entered = _read(file, example)
    result = study_case(
        entered,
        pack,
        criteria=criteria or "",
        salt=_salt(salt_file),
        redact=redact,
        relative_dates=relative_dates,
    )
    directory = out or Path(f"kinscope-case-{result.pseudonym}")
    write_case(result, directory, with_csv=csv)
    if phenopacket is not None:
        _write_phenopacket(phenopacket, result, target)
    if as_json:
        typer.echo(result.model_dump_json(indent=2))
    else:
        _print(result, directory, phenopacket)
    if assess:
        _assess(result, directory, preset, md_minutes, target, cores, as_json, quiet)


def _read(file: Path | None, example: bool) -> Case:
    from kinscope.clinic.phenopacket import case_of_text, read_case
    from kinscope.core.errors import BadInputError

    if (file is None) != example:
        raise BadInputError(
            "Give a case file, or --example, and not both.",
            where="the command line",
            remedy="`kinscope case --template > case.yaml` writes a file to start from.",
        )
    if file is None:
        return case_of_text(_shipped("lewandowski2025.yaml"), "the shipped example")
    return read_case(file)


def _shipped(name: str) -> str:
    from importlib.resources import files

    return files("kinscope.clinic.examples").joinpath(name).read_text(encoding="utf-8")


def _salt(path: Path | None) -> bytes | None:
    from kinscope.core.errors import BadInputError

    if path is None:
        return None
    try:
        with path.open("rb") as handle:
            salt = handle.read(4096)
    except OSError as error:
        raise BadInputError(f"The salt cannot be read: {error.strerror}.", where=str(path)) from None
    if len(salt) < 16:
        raise BadInputError(
            "The salt is shorter than 16 bytes, so pseudonyms could be tried out.",
            where=str(path),
            remedy="Make one with: head -c 32 /dev/urandom > salt",
        )
    return salt


def _write_phenopacket(path: Path, result: CaseResult, target: str) -> None:
    from kinscope.clinic.phenopacket_write import phenopacket_json
    from kinscope.core.errors import BadInputError
    from kinscope.core.files import write_atomic
    from kinscope.targets import load_target

    text = phenopacket_json(result.case, result.schedule, load_target(target))
    try:
        write_atomic(path, text)
    except OSError as error:
        raise BadInputError(
            f"The Phenopacket cannot be written: {error.strerror}.", where=str(path)
        ) from None


def _print(result: CaseResult, directory: Path, phenopacket: Path | None) -> None:
    typer.echo(f"Case {result.pseudonym}: {result.criteria_title} ({result.criteria_citation})\n")
    for line in result.lines:
        typer.echo(
            f"Line {line.line}: {line.title}" + (f" to {line.last_title}" * (line.title != line.last_title))
        )
        for call in line.calls:
            level = f" ({call.level})" if call.level else ""
            typer.echo(f"  {call.at.label():<18} {call.axis:<15} {call.category}{level}")
    differing = [c for c in result.comparisons if c.agreement != "agrees"]
    if result.comparisons:
        agreeing = len(result.comparisons) - len(differing)
        typer.echo(
            f"\nStated responses: {agreeing} of {len(result.comparisons)} agree with the computed ones"
        )
    for comparison in differing:
        typer.echo(
            f"  {comparison.at.label():<18} stated {comparison.stated}, computed {comparison.computed} "
            f"({comparison.agreement})"
        )
    if result.inconsistencies:
        typer.echo("\nWhat does not fit, and what is left open:")
        for item in result.inconsistencies:
            typer.echo(f"  {item.severity:<14} {item.title}")
    for due in result.testing:
        done = "; ".join(used.statement for used in due.done) or "not recorded"
        typer.echo(f"\nMutation testing due, {due.at.label()}: {due.reason}. Done: {done}")
    typer.echo(f"\nTimeline: {directory / 'case.html'}")
    if phenopacket is not None:
        typer.echo(f"Phenopacket: {phenopacket}")
    for variant in result.variants:
        if variant.problem:
            typer.echo(f"\nVariant that cannot be used: {variant.problem}")
        else:
            typer.echo(f"\n{variant.hgvs_p} ({variant.short}) was found. Next:  {variant.command}")


def _assess(
    result: CaseResult,
    directory: Path,
    preset: str | None,
    md_minutes: float | None,
    target: str,
    cores: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Hand every readable variant, once, to ``assess``."""
    from kinscope.cli.commands.assess import assess as run_assess

    readable = {variant.short: variant for variant in result.variants if not variant.problem}
    for short, variant in readable.items():
        run_assess(
            variant.expression,
            preset=preset,
            out=directory / f"assess-{short.replace('/', '_')}",
            md_minutes=md_minutes,
            target=target,
            cores=cores,
            as_json=as_json,
            quiet=quiet,
        )

"""A variant, what is published of it, and its study: assess, resume, status, report, settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinscope.cli.console import Console, echo, show, show_json, used
from kinscope.cli.options import (
    AsCsv,
    AsJson,
    Drugs,
    EngineOfDynamics,
    Expression,
    Out,
    Preset,
    RunDirectory,
    States,
    StructureOptions,
    Target,
    WhereOptions,
    command_of,
    given,
    pack_of,
    variant_of,
)

if TYPE_CHECKING:
    from kinscope.evidence.model import EvidenceSummary
    from kinscope.interpretation.model import StudyResult
    from kinscope.targets import TargetPack
    from kinscope.workflow.settings import StudySettings
    from kinscope.workflow.study import Finished

app = typer.Typer()


@command_of(app, "variant", epilog='Example:  kinscope variant "NM_005157.6:c.1210A>G"')
def show_variant(expression: Expression, target: Target = "abl1", as_json: AsJson = False) -> None:
    """Check a variant against the transcript. Its names, place and regions are printed."""
    from kinscope.variants import describe

    variant, pack = variant_of(expression, target)
    rows = describe(variant, pack)
    width = max(len(label) for label, _ in rows)
    show(variant, (f"{label:<{width}}  {value}" for label, value in rows), as_json)


@command_of(app, "evidence", epilog="Example:  kinscope evidence T315I")
def show_evidence(
    expression: Expression,
    release: Annotated[
        Path | None, typer.Argument(help="With `update` in place of a variant: a CIViC release (TSV).")
    ] = None,
    target: Target = "abl1",
    transcript: Annotated[str, typer.Option("--transcript", help="Fusion transcript, e.g. e14a2.")] = "",
    write: Annotated[
        bool, typer.Option("--write", help="With `update`: write the target pack's table.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What is published of a variant. Or `evidence update FILE`: what a CIViC release changes."""
    from kinscope.evidence import lookup

    if expression == "update" and release is not None:
        _update_evidence(release, pack_of(target), write, as_json)
        return
    if release is not None or expression == "update" or write:
        raise typer.BadParameter("an update is written: kinscope evidence update FILE")
    variant, pack = variant_of(expression, target)
    summary = lookup(variant, pack, _transcript(transcript))
    show(summary, _published(summary, f"{variant.short} ({variant.hgvs_p})"), as_json)


def _transcript(written: str) -> str:
    """As exons are counted today, ``e14a2`` of ``b3a2``; one that no list knows as it was written."""
    from kinscope.clinic.measurements import known_protein
    from kinscope.evidence.matching import checked_transcript

    known = known_protein(written)
    return checked_transcript((known and known.name) or written.lower())


def _published(summary: EvidenceSummary, title: str) -> Iterator[str]:
    from kinscope.evidence.civic import fold_text

    yield f"{title}\n\n{summary.statement}\n"
    for seen in summary.sightings:
        yield f"seen in {seen.patients} of {seen.of} ({seen.setting}; {seen.citation})"
    for line in summary.guidelines:
        part = f"{line.protein_change}: " if line.relation != "exact" else ""
        yield f"{line.name:<10} {part}{line.drug:<14} {line.stance} [{line.citation}]"
    relation = ""
    for hit in summary.hits:
        if hit.relation != relation:
            relation = hit.relation
            yield f"{relation}:"
        item = hit.item
        value = f" {item.bound}{fold_text(item.value)} {item.unit}" if item.value is not None else ""
        tier = f", {item.amp_tier}" if item.amp_tier else ""
        behind = f"; behind it: {', '.join(hit.behind)}" if hit.behind else ""
        yield f"  {item.protein_change:<12} {item.drug or '-':<14} {item.direction}{value} ({item.kind})"
        yield f"    level {item.level}{tier}, {item.dated}{behind}"
        yield f"    {item.summary}"
        yield (f"    {item.citation} [{item.identifier}]" + (f"  Note: {item.caveat}" if item.caveat else ""))
    yield "\nLooked through: " + "; ".join(summary.searched)


def _update_evidence(release: Path, pack: TargetPack, write: bool, as_json: bool) -> None:
    from kinscope.core.files import write_atomic
    from kinscope.evidence.civic import table_text, update_of

    update = update_of(pack, release)
    lines = []
    for word, ids in (("came", update.came), ("changed", update.changed), ("went", update.went)):
        lines += [f"{word}: {len(ids)}", *(f"  {text}" for text in ids)]
    lines.append("What went stays in the table, with a note that the release no longer has it.")
    show(update.model_copy(update={"rows": ()}), lines, as_json)
    if write:
        path = pack.directory / "evidence" / "civic.csv"
        write_atomic(path, table_text(update.rows))
        echo(f"written: {path}", err=True)


@dataclass(frozen=True)
class StudyOptions:
    """What a study computes, where, and from which settings."""

    preset: Annotated[str | None, typer.Option(help="quick, standard or paper.")] = None
    drug: Drugs = None
    state: States = None
    out: Out = None
    md_minutes: Annotated[
        float | None, typer.Option(min=0, help="Minutes for all molecular dynamics; 0: none. [quick: 0]")
    ] = None
    engine: EngineOfDynamics = None
    structure: StructureOptions = field(default_factory=StructureOptions)
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers.")] = None
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="YAML file of settings; see `kinscope settings`.")
    ] = None
    target: Annotated[
        str | None,
        typer.Option(
            help="Target pack: a name that ships (abl1, src), or a directory. [default: the settings', abl1]"
        ),
    ] = None
    place: WhereOptions = field(default_factory=WhereOptions)
    answer: Annotated[bool, typer.Option("--answer", help="Only the first answer; nothing is computed.")] = (
        False
    )
    disease: Annotated[str | None, typer.Option(help="CML or ALL: whose options are named. [both]")] = None
    transcript: Annotated[str | None, typer.Option(help="Fusion transcript, e.g. e13a2 or e13a3.")] = None

    def settings(self, structure: dict[str, Any] | None) -> StudySettings:
        """The preset or the file of settings, changed by what was said beside it.

        Raises BadInputError if something that was said cannot be used.
        """
        from kinscope.targets import target_reference
        from kinscope.workflow.settings import load_preset, load_settings, with_changes

        file = self.settings_file
        settings = load_settings(file) if file else load_preset(self.preset or "quick")
        if file and self.preset and settings.preset != self.preset:
            raise typer.BadParameter(
                "give either --preset or a settings file that names another preset, not both"
            )
        changes = given(
            target=target_reference(self.target or settings.target),
            drugs=tuple(self.drug or ()) or None,
            states=tuple(self.state or ()) or None,
            structure=structure,
            seed=self.seed,
            disease=self.disease and self.disease.upper(),
            transcript=self.transcript and _transcript(self.transcript),
            dynamics=given(budget_minutes=self.md_minutes, engine=self.engine),
        )
        return with_changes(settings, **changes)


@command_of(app, "assess", epilog='Example:  kinscope assess "NM_005157.6(ABL1):c.1210A>G"')
def assess(expression: Expression, study: StudyOptions, console: Console) -> None:
    """Which drugs still act on a variant. The answer comes at once; models and docking refine it."""
    run_study(expression, study, console)


def run_study(expression: str, options: StudyOptions, console: Console) -> None:
    """Print the first answer of a variant, then run its study and print what became of it."""
    from kinscope.workflow.answer import first_answer, keep_answer, why_no_model

    structure, said = options.structure.given()
    settings = options.settings(said)
    variant, pack = variant_of(expression, settings.target)
    directory = options.out or Path(f"kinscope-{variant.slug}")
    first = first_answer(variant, settings, pack)
    if not console.as_json and (options.answer or not console.quiet):
        _print_page(first)
    refused = why_no_model(variant, settings, pack)
    if options.answer:
        keep_answer(directory, first, settings, pack)
        if console.as_json:
            show_json(first)
        else:
            more = refused.what if refused else f"Refine it with:  kinscope resume {directory}"
            echo(f"\nReport: {directory / 'report.html'}\n{more}")
        return
    from kinscope.workflow.study import Run

    if refused is not None:
        raise refused
    console.say(f"\nReport: {directory / 'report.html'}, from now on; what follows refines it.\n")
    with console.watch() as watch:
        run = Run.begin(variant, settings, directory, structure=structure, cores=options.place.where())
        finished = run.finish(watch, first)
    _conclude(finished, console.as_json)


@command_of(app, "resume", epilog="Example:  kinscope resume kinscope-K404E")
def resume(directory: RunDirectory, place: WhereOptions, console: Console) -> None:
    """Go on with a study. Finished steps are not run again."""
    from kinscope.workflow.study import resume_study

    with console.watch() as watch:
        finished = resume_study(directory, cores=place.where(), listener=watch)
    _conclude(finished, console.as_json)


@command_of(app, "status", epilog="Example:  kinscope status kinscope-K404E")
def status(directory: RunDirectory, as_json: AsJson = False) -> None:
    """How far a study is, and what its dynamics still lacks."""
    from kinscope.workflow.engine.driver import read_usage, told_of, work_of
    from kinscope.workflow.engine.lease import is_held
    from kinscope.workflow.study import plan_of
    from kinscope.workflow.trajectory_run import sampled

    study, steps, store = plan_of(directory)
    done = [store.find(step) is not None for step in steps]
    systems, usage = sampled(directory, steps, store), read_usage(directory)
    both = list(zip(steps, done, strict=True))
    if as_json:
        rows = [{"label": step.label, "done": is_done} for step, is_done in both]
        show_json({"variant": study.variant.short, "steps": rows, "dynamics": systems, "usage": usage})
        return
    echo(f"{study.variant.short}, preset {study.settings.preset}: {sum(done)} of {len(done)} steps finished")
    runs = {step.key for step, is_done in both if not is_done and is_held(work_of(directory, step))}
    for step, is_done in both:
        word = f"{told_of(work_of(directory, step))[0]:.0%}" if step.key in runs else "to do"
        word = "done" if is_done else "damaged" if step.key in store.damaged else word
        echo(f"  {word:<7} {step.label}")
    for one in systems:
        done_ns = f"{one.done_ns:.4g} of {one.planned_ns:.4g} ns" if one.planned_ns else "not begun"
        wanted = f"a statement takes {one.missing_ns:,.0f} ns more ({one.wanted})"
        echo(f"dynamics of {one.system}: {done_ns}; {wanted if one.missing_ns else 'enough for a statement'}")
    if said := used(usage, moving=bool(runs)):
        echo(said)
    if not all(done):
        echo(f"Go on with:  kinscope resume {directory}")


@command_of(app, "report", epilog="Example:  kinscope report kinscope-* --tables results")
def report(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR", help="Run directories.")],
    csv: AsCsv = False,
    tables: Annotated[
        Path | None, typer.Option(help="Write all their results as one set of Parquet tables.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the answer of studies again."""
    from kinscope.report.export import export_tables
    from kinscope.workflow.publication import read_result
    from kinscope.workflow.rundir import open_existing

    for directory in directories:
        open_existing(directory)
    if tables is not None:
        export_tables(map(read_result, directories), tables, csv=csv)
        show({"written": tables}, [f"written: {tables}"], as_json)
        return
    for directory in directories:
        result, text = read_result(directory)
        if csv:
            export_tables([(result, text)], directory / "tables", csv=True)
        if as_json:
            echo(f"{text}\n", nl=False)
        else:
            _print_page(result)
            echo(f"\nReport: {directory / 'report.html'}")


@command_of(app, "explain", epilog="Example:  kinscope explain kinscope-K404E drug-dasatinib")
def explain(
    directory: RunDirectory,
    claim: Annotated[str, typer.Argument(metavar="ID", help="E.g. drug-dasatinib.")] = "",
    as_json: AsJson = False,
) -> None:
    """What a verdict or claim rests on. Without ID, every claim is listed."""
    from kinscope.report.claims import chain, claims_of
    from kinscope.workflow.publication import read_result

    result, _ = read_result(directory)
    found = chain(result, claim) if claim else claims_of(result)
    if as_json:
        show_json(found)
        return
    for one in found:
        source = f"  [{one.source}]" if one.source else ""
        echo(f"{'    ' if claim and one.id != claim else ''}{one.id}: {one.text}{source}")


@command_of(app, "settings", epilog="Example:  kinscope settings --preset quick > my.yaml")
def show_settings(preset: Preset = "quick") -> None:
    """Print a preset's settings as YAML. Changed, they are given back by `assess --settings`."""
    import yaml

    from kinscope.workflow.settings import load_preset

    echo(yaml.safe_dump(load_preset(preset).model_dump(mode="json"), sort_keys=False), nl=False)


def _conclude(finished: Finished, as_json: bool) -> None:
    """Print the answer, what failed, and where things lie; exit code 1 if something failed."""
    from kinscope.interpretation.findings import left_out
    from kinscope.workflow.publication import read_result
    from kinscope.workflow.rundir import open_existing

    directory, failed = finished.directory, finished.outcome.failed
    result, _ = read_result(directory)
    if as_json:
        show_json(
            {
                "directory": directory,
                "report": directory / "report.html",
                "complete": finished.complete,
                "failed": [str(error) for error in failed.values()],
                "notes": finished.outcome.notes,
                "answer": result.assessment.answer,
                "verdicts": result.assessment.verdicts,
            }
        )
    else:
        echo()
        _print_page(result)
        from kinscope.interpretation.words.structures import findings_lines

        own = open_existing(directory).structure
        for line in ["", *findings_lines(own.findings)] if own is not None else []:
            echo(line)
        pack = pack_of(str(result.settings["target"]))
        for text in finished.plan.skipped:
            echo(left_out(text, pack))
        echo(f"\nReport: {directory / 'report.html'}")
    if not finished.complete:
        echo(
            f"{len(failed)} step(s) failed; the report says what is missing. "
            f"Try them again with: kinscope resume {directory}",
            err=True,
        )
        raise typer.Exit(1)


def _print_page(result: StudyResult) -> None:
    from kinscope.report.front import as_text, front_page

    echo(as_text(front_page(result, pack_of(str(result.settings["target"])))))

"""``sanger``: traces, a VCF or a table in, variants and shares out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.console import echo, show
from kinscope.cli.options import AsJson, Target, command_of, pack_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kinscope.sequencing import ReportedCalls, SangerResult
    from kinscope.sequencing.model import Call, Phase
    from kinscope.targets import TargetPack

app = typer.Typer()


@dataclass(frozen=True)
class SampleOptions:
    """The files of one sample, and how they are read and written."""

    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILES...", help="Traces of ONE sample (.ab1, .scf), or one VCF or table of calls."
        ),
    ] = None
    control: Annotated[
        list[Path] | None,
        typer.Option("--control", help="Trace of a wild-type sample by the same primer; may be repeated."),
    ] = None
    out: Annotated[Path | None, typer.Option(help="Directory for report.html, JSON, tables and figures.")] = (
        None
    )
    codons: Annotated[
        str, typer.Option(help="Codons to report, e.g. 240-500; default: the kinase domain.")
    ] = ""
    keep_names: Annotated[
        bool, typer.Option("--keep-names", help="Show the files' names; by default they are pseudonyms.")
    ] = False
    cds_start: Annotated[
        int, typer.Option(min=1, help="For a VCF on the transcript: position of the start codon.")
    ] = 1
    example: Annotated[
        bool,
        typer.Option(
            "--example", help="Read simulated traces of T315I at 30 %; default --out sanger-example."
        ),
    ] = False


@command_of(app, "sanger", epilog="Example:  kinscope sanger --example")
def sanger(sample: SampleOptions, target: Target = "abl1", as_json: AsJson = False) -> None:
    """Find variants in Sanger traces.

    Forward and reverse reads of one sample go together. A VCF (GRCh38 or GRCh37) or a table of calls
    from amplicon sequencing is read into the same records; samples by name where there are several.
    """
    from kinscope.core.errors import BadInputError
    from kinscope.sequencing.traces import is_trace

    pack = pack_of(target)
    if bool(sample.files) == sample.example:
        raise BadInputError(
            "Give files, or --example, and not both.",
            where="the command line",
            remedy="Give the traces of one sample, a VCF or a table.",
        )
    if sample.example:
        out = sample.out or Path("sanger-example")
        sample = replace(sample, out=out, files=_example(out))
    files = sample.files or []
    others = len(files) == 1 and not is_trace(files[0])
    of_traces = {"--control": sample.control, "--codons": sample.codons, "--keep-names": sample.keep_names}
    for option, given in (of_traces if others else {"--cds-start": sample.cds_start != 1}).items():
        if given:
            what = "calls that others made" if others else "traces"
            raise BadInputError(f"{option} does nothing for {what}.", where="the command line")
    if others:
        _reported(files[0], sample, pack, as_json)
    else:
        _called(files, sample, pack, as_json)


def _called(files: list[Path], options: SampleOptions, pack: TargetPack, as_json: bool) -> None:
    """Call variants in traces, write and print them."""
    from kinscope.sequencing import call_variants, read_trace
    from kinscope.sequencing.output import write_sample

    sample = call_variants(
        [read_trace(path) for path in files],
        pack,
        controls=[read_trace(path) for path in options.control or []],
        codons=_codons(options.codons, len(pack.transcript.protein)),
        names=[path.name for path in files] if options.keep_names else (),
    )
    written = write_sample(sample, pack, options.out) if options.out is not None else ()
    show(sample.result, _lines(sample.result), as_json)
    if written and not as_json:
        echo(f"\nWritten: {written[0]} and {len(written) - 1} more files beside it")


def _reported(file: Path, options: SampleOptions, pack: TargetPack, as_json: bool) -> None:
    """Read calls that others made, write and print them."""
    from kinscope.core.files import write_atomic
    from kinscope.sequencing import read_calls
    from kinscope.sequencing.output import CALL_COLUMNS, tab_separated

    found, out = read_calls(file, pack, cds_start=options.cds_start), options.out
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_atomic(out / "result.json", found.model_dump_json(indent=2) + "\n")
        columns = (*(("sample",) if found.samples else ()), *CALL_COLUMNS)
        write_atomic(out / "calls.tsv", tab_separated(columns, found.calls))
    show(found, _reported_lines(found), as_json)


def _example(out: Path) -> list[Path]:
    """Lay the traces of the example, T315I in 30 % of the molecules, into a directory."""
    from importlib.resources import files

    from kinscope.core.files import write_atomic

    out.mkdir(parents=True, exist_ok=True)
    for name in ("forward.ab1", "reverse.ab1"):
        write_atomic(out / name, files("kinscope.sequencing").joinpath("examples", name).read_bytes())
    return [out / "forward.ab1", out / "reverse.ab1"]


def _codons(text: str, length: int) -> tuple[int, int] | None:
    """First and last codon of ``240-500``; None for an empty text."""
    from kinscope.core.errors import SettingsError
    from kinscope.core.quoting import quoted

    if not text:
        return None
    found = re.fullmatch("([0-9]{1,6})-([0-9]{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]) <= length:
        raise SettingsError(
            f"{quoted(text, 40)!r} is no range of codons.",
            where="--codons",
            remedy=f"Write e.g. 240-500, between 1 and {length}.",
        )
    return int(found[1]), int(found[2])


def _lines(result: SangerResult) -> Iterator[str]:
    yield from (result.statement, "")
    for call in result.calls:
        yield from _call_lines(call)
    yield from _phase_lines(result.phases)
    for read in result.reads:
        name = f" ({read.name})" if read.name else ""
        yield (
            f"{read.read}{name}: {read.strand}, c.{read.coding_first}-{read.coding_last}, identity "
            f"{read.identity_percent:.1f} %, signal to noise {read.signal_to_noise:.0f}"
            + "".join(f"; {note}" for note in read.notes)
        )
    yield from (f"note: {note}" for note in result.notes)


def _call_lines(call: Call) -> Iterator[str]:
    from kinscope.sequencing.model import percent_text

    share = "" if call.share_percent is None else f"  {percent_text(call.share_percent)} %"
    if call.share_low_percent is not None and call.share_high_percent is not None:
        share += f" ({percent_text(call.share_low_percent)}-{percent_text(call.share_high_percent)} %)"
    name = f"  {call.name}" if call.name else ""
    yield f"{call.short}  {call.hgvs_c}{name}{share}  [{call.status}]"
    for item in call.strands:
        share = percent_text(item.share_percent)
        yield f"  {item.read} {item.strand}: {share} %, {item.z:.0f} SD above its background"
    yield from (f"  {note}" for note in call.notes)
    if call.handover:
        yield f"  go on: {call.handover}"
    yield ""


def _reported_lines(reported: ReportedCalls) -> Iterator[str]:
    for name in reported.samples or ("",):
        calls = [call for call in reported.calls if call.sample == name]
        of = f"Sample {name}: " if name else ""
        noun = "call" if len(calls) == 1 else "calls"
        yield from (f"{of}{len(calls)} {noun} of {reported.target} on {reported.reference}", "")
        for call in calls:
            yield from _call_lines(call)
        yield from _phase_lines([phase for phase in reported.phases if phase.sample == name])
    yield from (f"note: {note}" for note in reported.notes)


def _phase_lines(phases: Sequence[Phase]) -> Iterator[str]:
    """What is known of each pair, then how many pairs are open where they are many."""
    many = len(phases) > 3
    shown = [phase for phase in phases if not many or phase.verdict != "cannot be told"]
    for phase in shown:
        yield f"{phase.verdict}: {phase.explanation}"
        if phase.handover:
            yield f"  go on: {phase.handover}"
    if left := len(phases) - len(shown):
        yield f"cannot be told: whether one molecule carries both, of {left} pairs."
    if phases:
        yield ""

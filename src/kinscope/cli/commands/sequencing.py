"""Sequencing: ``sanger`` (traces, a VCF or a table in, variants and shares out) and ``sanger-simulate``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kinscope.cli.console import echo, show_json
from kinscope.cli.options import AsJson, Target, command_of

if TYPE_CHECKING:
    from kinscope.sequencing import ReportedCalls, SangerResult
    from kinscope.sequencing.model import Call
    from kinscope.targets import TargetPack

app = typer.Typer()


@dataclass(frozen=True)
class SampleOptions:
    """The files of one sample, and how they are read and written."""

    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES...", help="Traces of ONE sample (.ab1, .scf), or one VCF or table of calls."
        ),
    ]
    control: Annotated[
        list[Path] | None,
        typer.Option("--control", help="Trace of a wild-type sample by the same primer; may be repeated."),
    ] = None
    out: Annotated[
        Path | None, typer.Option("--out", help="Directory for report.html, JSON, tables and figures.")
    ] = None
    codons: Annotated[
        str, typer.Option("--codons", help="Codons to report, e.g. 240-500; default: the kinase domain.")
    ] = ""
    keep_names: Annotated[
        bool, typer.Option("--keep-names", help="Show the files' names; by default they are pseudonyms.")
    ] = False
    cds_start: Annotated[
        int,
        typer.Option("--cds-start", min=1, help="For a VCF on the transcript: position of the start codon."),
    ] = 1


@command_of(app, "sanger", epilog="Example:  kinscope sanger forward.ab1 reverse.ab1 --out sanger")
def sanger(sample: SampleOptions, target: Target = "abl1", as_json: AsJson = False) -> None:
    """Find variants in Sanger traces, with their share, and say what would have been seen.

    Forward and reverse reads of one sample go together. A VCF (GRCh38) or a table of calls from amplicon
    sequencing is read into the same records.
    """
    from kinscope.targets import load_target

    pack, files = load_target(target), sample.files
    if len(files) == 1 and files[0].suffix.lower() in {".vcf", ".csv", ".tsv", ".txt", ".gz"}:
        _reported(sample, pack, as_json)
    else:
        _called(sample, pack, as_json)


def _called(options: SampleOptions, pack: TargetPack, as_json: bool) -> None:
    """Call variants in traces, write and print them."""
    from kinscope.sequencing import call_variants, read_trace
    from kinscope.sequencing.output import write_sample

    sample = call_variants(
        [read_trace(path) for path in options.files],
        pack,
        controls=[read_trace(path) for path in options.control or []],
        codons=_codons(options.codons, len(pack.transcript.protein)),
        names=[path.name for path in options.files] if options.keep_names else (),
    )
    written = write_sample(sample, pack, options.out) if options.out is not None else ()
    if as_json:
        show_json(sample.result)
        return
    echo("\n".join(_lines(sample.result)))
    if written:
        echo(f"\nWritten: {written[0]} and {len(written) - 1} more files beside it")


def _reported(options: SampleOptions, pack: TargetPack, as_json: bool) -> None:
    """Read calls that others made, write and print them."""
    from kinscope.core.files import write_atomic
    from kinscope.sequencing import read_calls
    from kinscope.sequencing.output import CALL_COLUMNS, tab_separated

    found, out = read_calls(options.files[0], pack, cds_start=options.cds_start), options.out
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_atomic(out / "result.json", found.model_dump_json(indent=2) + "\n")
        write_atomic(out / "calls.tsv", tab_separated(CALL_COLUMNS, found.calls))
    if as_json:
        show_json(found)
    else:
        echo("\n".join(_reported_lines(found)))


@command_of(app, "sanger-simulate", epilog="Example:  kinscope sanger-simulate K404E --share 20 --out traces")
def simulate(
    variants: Annotated[
        list[str],
        typer.Argument(metavar="VARIANT...", help="What to mix in, e.g. T315I, c.1086_1270del; WT: nothing."),
    ],
    share: Annotated[
        list[float] | None, typer.Option("--share", min=0, max=100, help="Percent, once per variant.")
    ] = None,
    quality: Annotated[str, typer.Option("--quality", help="clean, typical or bad.")] = "typical",
    out: Annotated[Path, typer.Option("--out", help="Directory for forward.ab1 and reverse.ab1.")] = Path(
        "traces"
    ),
    seed: Annotated[int, typer.Option("--seed", min=0)] = 1,
    target: Target = "abl1",
) -> None:
    """Simulate traces of a known mixture, both directions, as ABIF files."""
    from kinscope.core.errors import SettingsError
    from kinscope.core.files import write_atomic
    from kinscope.sequencing.simulation import (
        QUALITIES,
        abif_bytes,
        amplicon_of,
        molecules_of,
        simulate_read,
    )
    from kinscope.targets import load_target

    if quality not in QUALITIES:
        raise SettingsError(
            f"There is no quality {quality!r}.",
            where="--quality",
            remedy=f"Choose from {', '.join(QUALITIES)}.",
        )
    shares = share or [100.0] * len(variants)
    if len(shares) != len(variants):
        raise SettingsError(
            f"{len(variants)} variants were given, and {len(shares)} shares.",
            where="--share",
            remedy="Give --share once per variant.",
        )
    pack = load_target(target)
    mixture = [(text, value / 100) for text, value in zip(variants, shares, strict=True)]
    molecules = molecules_of(mixture, pack, amplicon_of(pack))
    out.mkdir(parents=True, exist_ok=True)
    strands: tuple[Literal["forward", "reverse"], ...] = ("forward", "reverse")
    for strand in strands:
        read = simulate_read(molecules, strand, QUALITIES[quality], seed=seed, chemistry=seed)
        path = out / f"{strand}.ab1"
        write_atomic(path, abif_bytes(read, "simulated"))
        echo(str(path))


def _codons(text: str, length: int) -> tuple[int, int] | None:
    """First and last codon of ``240-500``; None for an empty text."""
    from kinscope.core.errors import SettingsError

    if not text:
        return None
    first, _, last = text.partition("-")
    if not (first.isdigit() and last.isdigit() and 1 <= int(first[:6]) <= int(last[:6]) <= length):
        raise SettingsError(
            f"{text[:40]!r} is no range of codons.",
            where="--codons",
            remedy=f"Write e.g. 240-500, between 1 and {length}.",
        )
    return int(first), int(last)


def _lines(result: SangerResult) -> list[str]:
    lines = [result.statement, ""]
    for call in result.calls:
        lines.extend(_call_lines(call))
    lines.extend(f"{phase.verdict}: {phase.explanation}" for phase in result.phases)
    for read in result.reads:
        name = f" ({read.name})" if read.name else ""
        lines.append(
            f"{read.read}{name}: {read.strand}, c.{read.coding_first}-{read.coding_last}, identity "
            f"{read.identity_percent:.1f} %, signal to noise {read.signal_to_noise:.0f}"
            + "".join(f"; {note}" for note in read.notes)
        )
    lines.extend(f"note: {note}" for note in result.notes)
    return lines


def _call_lines(call: Call) -> list[str]:
    share = "" if call.share_percent is None else f"  {call.share_percent:.0f} %"
    if call.share_low_percent is not None and call.share_high_percent is not None:
        share += f" ({call.share_low_percent:.0f}-{call.share_high_percent:.0f} %)"
    name = f"  {call.name}" if call.name else ""
    lines = [f"{call.short}  {call.hgvs_c}{name}{share}  [{call.status}]"]
    lines += [
        f"  {item.read} {item.strand}: {item.share_percent:.0f} %, {item.z:.0f} SD above its background"
        for item in call.strands
    ]
    lines += [f"  {note}" for note in call.notes]
    if call.handover:
        lines.append(f"  go on: {call.handover}")
    return [*lines, ""]


def _reported_lines(reported: ReportedCalls) -> list[str]:
    lines = [f"{len(reported.calls)} calls of {reported.target} on {reported.reference}", ""]
    for call in reported.calls:
        lines.extend(_call_lines(call))
    lines.extend(f"note: {note}" for note in reported.notes)
    return lines

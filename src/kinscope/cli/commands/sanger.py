"""``kinscope sanger``: traces, a VCF or a table in; variants, shares and what would have been seen out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kinscope.cli.options import AsJson, Target

if TYPE_CHECKING:
    from kinscope.sequencing import ReportedCalls, SangerResult, Trace
    from kinscope.sequencing.model import Call


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("sanger", epilog="Example:  kinscope sanger forward.ab1 reverse.ab1 --out sanger")(sanger)
    app.command("sanger-simulate", epilog="Example:  kinscope sanger-simulate K404E --share 20 --out traces")(
        simulate
    )


def sanger(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES...", help="Traces of ONE sample (.ab1, .scf), or one VCF or table of calls."
        ),
    ],
    control: Annotated[
        list[Path] | None,
        typer.Option("--control", help="Trace of a wild-type sample by the same primer; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Directory for report.html, JSON, tables and figures.")
    ] = None,
    codons: Annotated[
        str, typer.Option("--codons", help="Codons to report, e.g. 240-500; default: the kinase domain.")
    ] = "",
    keep_names: Annotated[
        bool, typer.Option("--keep-names", help="Show the files' names; by default they are pseudonyms.")
    ] = False,
    cds_start: Annotated[
        int,
        typer.Option("--cds-start", min=1, help="For a VCF on the transcript: position of the start codon."),
    ] = 1,
    target: Target = "abl1",
    as_json: AsJson = False,
) -> None:
    """Find variants in Sanger traces, with their share, and say what would have been seen.

    Forward and reverse reads of one sample go together. A VCF (GRCh38) or a table of calls from amplicon
    sequencing is read into the same records.
    """
    from kinscope.targets import load_target

    pack = load_target(target)
    if len(files) == 1 and files[0].suffix.lower() in {".vcf", ".csv", ".tsv", ".txt", ".gz"}:
        from kinscope.sequencing import read_calls

        reported = read_calls(files[0], pack, cds_start=cds_start)
        _write_reported(reported, out)
        typer.echo(reported.model_dump_json(indent=2) if as_json else "\n".join(_reported_lines(reported)))
        return
    from kinscope.sequencing import call_variants
    from kinscope.sequencing.output import write_sample

    sample = call_variants(
        [_trace(path) for path in files],
        pack,
        controls=[_trace(path) for path in control or []],
        codons=_codons(codons, len(pack.transcript.protein)),
        names=[path.name for path in files] if keep_names else (),
    )
    written = write_sample(sample, pack, out) if out is not None else ()
    typer.echo(sample.result.model_dump_json(indent=2) if as_json else "\n".join(_lines(sample.result)))
    if written and not as_json:
        typer.echo(f"\nWritten: {written[0]} and {len(written) - 1} more files beside it")


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
        typer.echo(str(path))


def _trace(path: Path) -> Trace:
    from kinscope.sequencing import read_trace

    return read_trace(path)


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


def _write_reported(reported: ReportedCalls, out: Path | None) -> None:
    from kinscope.core.files import write_atomic
    from kinscope.sequencing.output import calls_table

    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_atomic(out / "result.json", reported.model_dump_json(indent=2) + "\n")
        write_atomic(out / "calls.tsv", calls_table(reported.calls))

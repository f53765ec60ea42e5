"""Calls from a file, VCF or table: bounded, decoded, cut into lines."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING, Final

from kinscope import __version__
from kinscope.core.errors import BadInputError
from kinscope.core.files import decoded
from kinscope.sequencing.model import ReportedCalls
from kinscope.sequencing.reported.table import read_table
from kinscope.sequencing.reported.vcf import is_vcf, read_vcf
from kinscope.sequencing.traces import read_bounded

if TYPE_CHECKING:
    from pathlib import Path

    from kinscope.targets import TargetPack

MAX_TEXT: Final = 64_000_000
MAX_LINE: Final = 200_000


def read_lines(path: Path) -> list[str]:
    """Lines of a text file, gzip unpacked, without line ends.

    Raises
    ------
    BadInputError
        If it is no text, too large, or has a line beyond all reason.
    """
    data = read_bounded(path).data
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as handle:
                data = handle.read(MAX_TEXT + 1)
        except (OSError, EOFError) as error:
            raise BadInputError(
                f"The gzip file is damaged: {error}.", where=str(path), remedy="Copy it again."
            ) from None
    if len(data) > MAX_TEXT:
        raise BadInputError(
            f"The file unpacks to more than {MAX_TEXT:,} bytes.",
            where=str(path),
            remedy="Give the calls of one sample over one gene.",
        )
    lines = decoded(data, path).splitlines()
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE or "\0" in line:
            raise BadInputError(
                "The line is too long or holds zero bytes.",
                where=f"{path}, line {number}",
                remedy="Check that the file is a VCF or a table.",
            )
    return lines


def read_calls(path: Path, pack: TargetPack, *, sample: str = "S", cds_start: int = 1) -> ReportedCalls:
    """Read a VCF (also gzip) or a CSV or TSV table of calls.

    Parameters
    ----------
    path
        The file.
    pack
        The target.
    sample
        Pseudonym of the sample.
    cds_start
        For a VCF on the transcript: the position of the A of the start codon on it.

    Raises
    ------
    BadInputError
        If the file cannot be read; with the line.
    """
    lines = read_lines(path)
    notes: tuple[str, ...] = ()
    if is_vcf(lines):
        calls, notes = read_vcf(lines, path.name, pack, cds_start)
    else:
        calls = read_table(lines, path.name, pack)
    return ReportedCalls(
        sample=sample,
        target=pack.gene,
        reference=pack.transcript.accession,
        source="vcf" if is_vcf(lines) else "table",
        calls=calls,
        notes=notes,
        version=__version__,
    )

"""Calls from a file, VCF or table: bounded, decoded, cut into lines."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import Final

from kinscope import __version__
from kinscope.core.errors import BadInputError
from kinscope.core.files import decoded_export
from kinscope.sequencing.model import ReportedCalls
from kinscope.sequencing.reported.table import read_table
from kinscope.sequencing.reported.vcf import is_vcf, read_vcf
from kinscope.sequencing.traces import read_bounded
from kinscope.targets import TargetPack

MAX_TEXT: Final = 64_000_000
MAX_LINE: Final = 200_000
_OTHER: Final = {
    b"PK\x03\x04": "a workbook (xlsx) or another zip archive: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old workbook (xls): save the sheet as CSV",
    b"BCF": "BCF, a binary form: convert it with `bcftools view`",
    b"BAM\x01": "BAM, aligned reads: give the calls made from them",
    b"%PDF": "a PDF: give the table as CSV",
    b"ABIF": "a chromatogram: give it unpacked, as .ab1",
}
"""First bytes of what is no text, and what to do with it."""


def read_lines(path: Path) -> list[str]:
    """Lines of a text file, gzip unpacked, without line ends.

    Raises BadInputError if it is no text, too large, or has a line beyond all reason.
    """
    data = read_bounded(path).data
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as handle:
                data = handle.read(MAX_TEXT + 1)
        except (OSError, EOFError, zlib.error):
            raise BadInputError("The gzip file is damaged.", where=str(path), remedy="Copy it.") from None
    if len(data) > MAX_TEXT:
        raise BadInputError(
            f"The file unpacks to more than {MAX_TEXT:,} bytes.",
            where=str(path),
            remedy="Give the calls of one sample over one gene.",
        )
    for start, kind in _OTHER.items():
        if data.startswith(start):
            what, _, remedy = kind.partition(": ")
            raise BadInputError(f"The file is {what}.", where=str(path), remedy=f"{remedy.capitalize()}.")
    text = decoded_export(data, path).replace("\r\n", "\n").replace("\r", "\n")
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE or "\0" in line:
            raise BadInputError(
                "The line is too long or holds zero bytes.",
                where=f"{path}, line {number}",
                remedy="Check that the file is a VCF or a table.",
            )
    return lines


def read_calls(path: Path, pack: TargetPack, *, cds_start: int = 1) -> ReportedCalls:
    """Read a VCF (also gzip) or a CSV or TSV table of calls.

    ``cds_start`` says, for a VCF on the transcript, where the start codon begins.

    Raises BadInputError if the file cannot be read, or contradicts itself; with the line.
    """
    lines = read_lines(path)
    vcf = is_vcf(lines, path.name)
    read = read_vcf(lines, path.name, pack, cds_start) if vcf else read_table(lines, path.name, pack)
    calls, phases, samples, notes = read
    return ReportedCalls(
        sample="S",
        samples=samples,
        target=pack.gene,
        reference=pack.transcript.accession,
        source="vcf" if vcf else "table",
        calls=calls,
        phases=phases,
        notes=notes,
        version=__version__,
    )

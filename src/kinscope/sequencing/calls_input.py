"""Calls from a file, whatever its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinscope import __version__
from kinscope.sequencing.call_table import read_table
from kinscope.sequencing.model import ReportedCalls
from kinscope.sequencing.text_input import read_lines
from kinscope.sequencing.vcf import is_vcf, read_vcf

if TYPE_CHECKING:
    from pathlib import Path

    from kinscope.targets import TargetPack


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

"""The report: one HTML file that opens offline."""

from __future__ import annotations

from pathlib import Path

from kinscope.interpretation.model import StudyResult
from kinscope.report.files import ReportFiles


def render_report(result: StudyResult, files: ReportFiles, output: Path) -> None:
    """Write the self-contained HTML report of a study to ``output``, atomically."""
    raise NotImplementedError

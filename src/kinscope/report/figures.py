"""The figures of a study, SVG and PNG, the same bytes for the same result."""

from __future__ import annotations

from pathlib import Path

from kinscope.interpretation.model import StudyResult
from kinscope.report.files import ReportFiles


def write_figures(result: StudyResult, files: ReportFiles, directory: Path) -> list[Path]:
    """Write every figure the result supports into ``directory`` and return the paths."""
    raise NotImplementedError

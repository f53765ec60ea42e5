"""The face of a result: HTML report, figures, JSON and tables. Shows; computes no science."""

from kinscope.report.export import export_tables, result_schema, write_result_json
from kinscope.report.figures import write_figures
from kinscope.report.files import DifferenceTrack, ModelFile, PoseFile, ReportFiles
from kinscope.report.page import render_report

__all__ = [
    "DifferenceTrack",
    "ModelFile",
    "PoseFile",
    "ReportFiles",
    "export_tables",
    "render_report",
    "result_schema",
    "write_figures",
    "write_result_json",
]

"""The answer as files: one page, JSON, tables, figures."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kinscope.core.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment
    from markupsafe import Markup

    from kinscope.sequencing.calling import SampleAnalysis
    from kinscope.sequencing.model import Call, SangerResult
    from kinscope.targets import TargetPack

CALL_COLUMNS = (
    "hgvs_c", "hgvs_p", "kind", "status", "name", "share_percent", "share_low_percent", "share_high_percent",
    "depth", "first_codon", "last_codon", "assess_expression",
)  # fmt: skip
COVERAGE_COLUMNS = (
    "codon", "strands", "detection_limit_percent", "forward_limit_percent", "reverse_limit_percent",
)  # fmt: skip


def write_sample(sample: SampleAnalysis, pack: TargetPack, directory: Path) -> tuple[Path, ...]:
    """Write report.html, result.json, calls.tsv, coverage.tsv and figures/ into a directory.

    Returns
    -------
    The files, the page first.
    """
    figures = directory / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    cds = pack.transcript.cds
    drawn = [_figure(sample, call, cds, "svg") for call in sample.result.calls]
    page = directory / "report.html"
    write_atomic(page, sanger_page(sample, drawn))
    write_atomic(directory / "result.json", sample.result.model_dump_json(indent=2) + "\n")
    write_atomic(directory / "calls.tsv", calls_table(sample.result.calls))
    write_atomic(directory / "coverage.tsv", coverage_table(sample.result))
    written = [page, directory / "result.json", directory / "calls.tsv", directory / "coverage.tsv"]
    for call, svg in zip(sample.result.calls, drawn, strict=True):
        stem = re.sub(r"[^A-Za-z0-9]+", "_", call.hgvs_c.partition(":c.")[2]).strip("_")
        for kind, data in (("svg", svg), ("png", _figure(sample, call, cds, "png"))):
            path = figures / f"c_{stem}.{kind}"
            write_atomic(path, data)
            written.append(path)
    return tuple(written)


def _figure(sample: SampleAnalysis, call: Call, cds: str, kind: str) -> bytes:
    from kinscope.sequencing.figures import call_figure

    return call_figure(sample, call, cds, kind)


def sanger_page(sample: SampleAnalysis, drawn: Sequence[bytes]) -> str:
    """The self-contained page; ``drawn`` are the SVG figures of the calls."""
    from kinscope.sequencing.figures import coverage_figure

    calls = [
        {"call": call, "svg": _inline(svg, f"f{index}")}
        for index, (call, svg) in enumerate(zip(sample.result.calls, drawn, strict=True))
    ]
    return (
        _environment()
        .get_template("sanger.html.j2")
        .render(result=sample.result, calls=calls, coverage_svg=_inline(coverage_figure(sample), "cov"))
    )


def _inline(svg: bytes, prefix: str) -> Markup:
    """Our own SVG for the body of a page: no prologue, no metadata, ids of its own."""
    from markupsafe import Markup

    text = svg.decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(href=")#', rf"\1#{prefix}-", text)
    return Markup(re.sub(r"url\(#", f"url(#{prefix}-", text))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def calls_table(calls: Sequence[Call]) -> str:
    """Calls as tab-separated text with a head line."""
    rows = ["\t".join(CALL_COLUMNS)]
    rows += ["\t".join(_cell(getattr(call, name)) for name in CALL_COLUMNS) for call in calls]
    return "\n".join(rows) + "\n"


def coverage_table(result: SangerResult) -> str:
    """Detection limits by codon as tab-separated text with a head line."""
    rows = ["\t".join(COVERAGE_COLUMNS)]
    rows += ["\t".join(_cell(getattr(item, name)) for name in COVERAGE_COLUMNS) for item in result.coverage]
    return "\n".join(rows) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return re.sub(r"\s+", " ", str(value))

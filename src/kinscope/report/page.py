"""The report: one HTML file that opens offline and can load nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from kinscope.core import pages
from kinscope.core.files import write_atomic
from kinscope.interpretation.model import StudyResult
from kinscope.interpretation.words.say import say, statement
from kinscope.interpretation.words.structures import geometry_lines
from kinscope.report import readings, style, text, views
from kinscope.report.figures import DrawnFigure, draw_figures
from kinscope.report.files import ReportFiles
from kinscope.report.scene import build_scene
from kinscope.report.views import block_spread, class_rows, worded

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class InlineFigure:
    """A figure as the page holds it."""

    caption: str
    svg: Markup


_HERE = Path(__file__).parent
_NOT_ID = re.compile(r"[^A-Za-z0-9_-]")


def render_report(result: StudyResult, files: ReportFiles, output: Path) -> None:
    """Write the self-contained HTML report of a study, atomically.

    The page carries its styles, scripts, figures, models and poses. A Content-Security-Policy forbids every
    network access and every script but the ones written here, which are named by their SHA-256.

    ``files``: models, poses and labels. A file that is missing or damaged is named in the page, not raised.
    """
    write_atomic(output, report_html(result, files))


def report_html(result: StudyResult, files: ReportFiles) -> str:
    """The page of :func:`render_report` as text."""
    scene = build_scene(result, files)
    names = text.Names(files)
    scripts = [_own("page.js")]
    if scene.states:
        scripts = [_vendored(), _own("viewer.js"), *scripts]
    figures = {
        figure.name: InlineFigure(figure.caption, _inline(figure)) for figure in draw_figures(result, files)
    }
    page = _environment().get_template("report.html.j2")
    return page.render(
        result=result,
        files=files,
        variant=result.variant,
        measured=result.measurements,
        assessment=result.assessment,
        evidence=result.evidence,
        names=names,
        figures=figures,
        scene=scene,
        scene_json=text.script_json(scene.model_dump(mode="json")),
        css=Markup(_own("report.css")),
        scripts=[Markup(script) for script in scripts],
        policy=content_security_policy(scripts),
        drug_rows=views.drug_rows(result, files),
        evidence_groups=views.evidence_groups(result.evidence.hits),
        sampling=views.sampling_rows(result.measurements.simulations, names),
        options=views.options(result),
        region_tables=views.region_tables(result.measurements.regions, names),
        pose_in_words=views.pose_in_words,
        words=readings.figure_words(result, files),
        short_runs=readings.too_short(result.measurements),
        pocket_tables=readings.pocket_tables(result, files),
        state_regions=readings.state_region_tables(result.measurements),
        settings=views.settings_text(result.settings),
        colours=style,
    )


def content_security_policy(scripts: list[str]) -> str:
    """Nothing may be loaded; only these inline scripts may run.

    Inline style attributes stay allowed: the SVG figures and the 3D view set them, and they can load nothing
    under ``default-src 'none'``.
    """
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _environment() -> Environment:
    environment = pages.environment(_HERE / "templates")
    environment.filters |= {
        "cite": text.link_citations,
        "say": say,
        "measured": geometry_lines,
        "num": text.number,
        "interval": text.interval,
        "in_words": text.in_words,
        "statement": statement,
        "reference_words": readings.reference_words,
        "sig": text.significant,
        "distance": text.distance,
        "sampled": text.sampled,
        "source": text.source_link,
        "typeset": text.typeset,
        "pvalue": text.p_value,
        "duration": text.duration,
        "method": text.method_name,
        "ranges": views.range_text,
        "origins": views.origin_summary,
        "class_rows": class_rows,
        "block_spread": block_spread,
        "effect": readings.effect,
        "worded": worded,
    }
    return environment


@cache
def _own(name: str) -> str:
    return (_HERE / "templates" / name).read_text(encoding="utf-8")


@cache
def _vendored() -> str:
    return (_HERE / "vendor" / "3Dmol-min.js").read_text(encoding="utf-8")


def _inline(figure: DrawnFigure) -> Markup:
    """SVG for the body of a page: no prologue, no metadata, ids of its own, a name for screen readers."""
    svg = pages.inline_svg(figure.svg.encode(), _NOT_ID.sub("-", figure.name))
    label = Markup('<svg role="img" aria-label="{}" ').format(figure.caption)
    return label + svg.removeprefix("<svg ")

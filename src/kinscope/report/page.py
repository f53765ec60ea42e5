"""The report and its appendix: two HTML files that open offline and can load nothing."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from kinscope.core import pages
from kinscope.core.files import write_atomic
from kinscope.evidence.matching import RELATIONS, STRENGTHS
from kinscope.evidence.model import EvidenceHit
from kinscope.interpretation.model import MobilityQuestion, StudyResult
from kinscope.interpretation.motion import spoken
from kinscope.interpretation.words.statistics import power_of
from kinscope.report import front, style, text
from kinscope.report.appendix import appendix_tables, settings_text
from kinscope.report.figures import DrawnFigure, draw_figures
from kinscope.report.files import Picture, ReportFiles
from kinscope.report.plots.scenes import for_the_page
from kinscope.report.predicted import predicted_line
from kinscope.report.scene import build_scene
from kinscope.results.measured import ContactChange
from kinscope.targets.pack import TargetPack

if TYPE_CHECKING:
    from jinja2 import Environment

APPENDIX_FILE = "appendix.html"
_MOST_HITS = 14
_MOST_READINGS = 3
_IMAGES = "data: blob:"
_HERE = Path(__file__).parent
_NOT_ID = re.compile(r"[^A-Za-z0-9_-]")


def render_report(result: StudyResult, files: ReportFiles, pack: TargetPack, output: Path) -> None:
    """Write the self-contained report of a study, and its appendix beside it, each atomically.

    A page carries its styles, scripts, figures, models and poses. A Content-Security-Policy forbids every
    network access and every script but the ones written here, which are named by their SHA-256.

    ``files``: models, poses and labels. A file that is missing or damaged is named in the page, not raised.
    """
    write_atomic(output.parent / APPENDIX_FILE, appendix_html(result, files))
    write_atomic(output, report_html(result, files, pack))


def report_html(result: StudyResult, files: ReportFiles, pack: TargetPack) -> str:
    """The report as text."""
    scene = build_scene(result, files)
    names = text.Names(files)
    viewer = [_held("vendor/3Dmol-min.js"), _held("templates/viewer.js")] if scene.states else []
    scripts = [*viewer, _held("templates/page.js")]
    hits = weightiest(result.evidence.hits)
    told = spoken(result.measurements)
    figures = {
        one.name: {"caption": one.caption, "image": _inline(one)} for one in draw_figures(result, files)
    }
    figures |= {one.name: {"caption": one.caption, "image": _picture(one)} for one in files.pictures}
    return _rendered(
        "report.html.j2",
        scripts,
        result=result,
        front=front.front_page(result, pack),
        columns=front.COLUMNS,
        nothing=front.NOTHING,
        stage=f"preset {result.preset}" if result.provenance else "no models run",
        files=files,
        measured=told,
        questions=[q for q in result.assessment.questions if q.findings or q.said],
        standing=STANDING,
        power=_power(result),
        options=_offered(result),
        shown_hits=hits,
        more_hits=len(result.evidence.hits) - len(hits),
        changed=changed_contacts(told.contact_changes, names),
        names=names,
        figures=figures,
        scenes=[one.name for one in files.pictures],
        scene=scene,
        scene_json=text.script_json(scene.model_dump(mode="json")),
        colours=style,
    )


def appendix_html(result: StudyResult, files: ReportFiles) -> str:
    """The appendix as text: every table, no picture, no script."""
    return _rendered(
        "appendix.html.j2",
        [],
        title=f"{result.variant.gene} {result.variant.short}",
        tables=appendix_tables(result, files),
        settings=settings_text(result.settings),
    )


def _rendered(template: str, scripts: Sequence[str], **parts: object) -> str:
    """A page with its style and the policy that names its scripts."""
    return (
        _environment()
        .get_template(template)
        .render(
            css=Markup(_held("templates/report.css")),
            scripts=[Markup(script) for script in scripts],
            policy=pages.content_security_policy(scripts, images=_IMAGES),
            **parts,
        )
    )


def weightiest(hits: Sequence[EvidenceHit]) -> list[EvidenceHit]:
    """What the report shows of the evidence: the nearest relations, the strongest of each drug in turn."""
    turns: Counter[tuple[str, str, str]] = Counter()
    keyed: list[tuple[int, int, int, EvidenceHit]] = []
    for hit in sorted(hits, key=_weight):
        drug = (hit.relation, hit.item.drug, hit.item.direction)
        keyed.append((RELATIONS.index(hit.relation), turns[drug], len(keyed), hit))
        turns[drug] += 1
    return [row[3] for row in sorted(keyed, key=lambda row: row[:3])[:_MOST_HITS]]


def _weight(hit: EvidenceHit) -> tuple[int, int, str, str]:
    item = hit.item
    return RELATIONS.index(hit.relation), STRENGTHS.index(item.strength), item.level, item.id


def changed_contacts(changes: Sequence[ContactChange], names: text.Names) -> list[dict[str, str]]:
    """Lost and gained contacts, each once with its states, strong kinds first; bare proximity is left out."""
    found: dict[tuple[int, str, str, str], list[ContactChange]] = {}
    for one in changes:
        contact = one.contact
        if one.change != "kept" and contact.kind != "van der Waals":
            own = f"{contact.residue_name.capitalize()}{contact.residue}"
            who = f"{own} – {contact.partner_name.capitalize()}{contact.partner}"
            key = (text.strength(contact.kind), one.change, who, contact.kind)
            found.setdefault(key, []).append(one)
    return [
        {
            "who": who,
            "kind": kind,
            "change": change,
            "states": ", ".join(dict.fromkeys(names.state(one.state) for one in rows)),
        }
        for (_, change, who, kind), rows in sorted(
            found.items(), key=lambda item: (item[0][0], item[0][1] == "gained", -len(item[1]), item[0][2])
        )
    ][:12]


STANDING = ("preference", "contacts")
"""Questions answered in a sentence of their own; their readings stand in the appendix."""


def readings(question: MobilityQuestion, method: str) -> str:
    """What one instrument says to a question, in a cell."""
    own = [item for item in question.findings if item.method == method]
    if not own:
        return "not tested"
    if question.id == "crystals":
        return "; ".join(f"{item.where}: {item.result}, {item.verdict}" for item in own[:5])
    if len({item.verdict for item in own}) == 1:
        return f"{own[0].verdict} ({len(own)} of {len(own)} readings)" if len(own) > 1 else own[0].verdict
    return "; ".join(f"{item.where}: {item.verdict}" for item in own[:_MOST_READINGS])


def _power(result: StudyResult) -> str:
    """What this study's replicas could find, or what would be wanted where there are none."""
    run = [system for system in spoken(result.measurements).trajectories if system.native]
    if not run:
        return f"finding one takes {power_of(0, 0.0).wanted}"
    length = min(one.length_ns or 0.0 for system in run for one in system.native)
    return power_of(min(len(system.native) for system in run), length).words


def _offered(result: StudyResult) -> list[object]:
    disease = str(result.settings.get("disease") or "")
    return [one for one in front.options(result) if not disease or disease in one.diseases]


@cache
def _environment() -> Environment:
    environment = pages.environment(_HERE / "templates")
    environment.filters |= {
        "cite": text.link_citations,
        "predicted": predicted_line,
        "interval": text.interval,
        "sig": text.significant,
        "source": text.source_link,
        "typeset": text.typeset,
        "readings": readings,
    }
    return environment


@cache
def _held(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _inline(figure: DrawnFigure) -> Markup:
    """SVG for the body of a page: no prologue, no metadata, ids of its own, a name for screen readers."""
    svg = pages.inline_svg(figure.svg.encode(), _NOT_ID.sub("-", figure.name))
    label = Markup('<svg role="img" aria-label="{}" ').format(figure.caption)
    return label + svg.removeprefix("<svg ")


def _picture(picture: Picture) -> Markup:
    data = base64.b64encode(for_the_page(picture)).decode()
    return Markup('<img alt="{}" src="data:image/jpeg;base64,{}">').format(picture.caption, data)

"""The report shows the whole result, carries everything in itself, and lets nothing from outside act."""

from __future__ import annotations

import csv
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from factories.report import (
    REGIONS,
    STATES,
    difference,
    docking,
    empty_study,
    measurements,
    profile,
    report_files,
    study,
    substitution,
    variant,
)
from kinscope.core.errors import BadInputError
from kinscope.interpretation.model import StudyResult
from kinscope.report import page as pages
from kinscope.report.appendix import settings_text
from kinscope.report.claims import chain, claims_of, fhir_bundle, va_statements
from kinscope.report.export import export_tables, result_schema, result_tables, result_text
from kinscope.report.figures import write_figures
from kinscope.report.files import ModelFile, PoseFile, ReportFiles
from kinscope.report.front import options
from kinscope.report.plots.reduced import carrier_of, read_reduced_model, read_reduced_pose
from kinscope.report.scene import build_scene
from kinscope.report.text import (
    interval,
    link_citations,
    number,
    script_json,
    short_citation,
    significant,
    source_link,
)
from kinscope.results.measured import Difference, FluctuationProfile
from kinscope.targets import load_target

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)></script>\u2028$x_{${{7*7}}{% raw %}"
SECTIONS = ("answer", "drugs", "structure", "options", "evidence", "limits")
PACK = load_target("abl1")


def report_html(result: StudyResult, files: ReportFiles) -> str:
    return pages.report_html(result, files, PACK)


class Page(HTMLParser):
    """Every tag with its attributes, and the text of every script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._open = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        self._open = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._open:
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._open = False


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("report")
    pages.render_report(study(), report_files(directory), PACK, directory / "report.html")
    return (directory / "report.html").read_text()


def poison(value: Any) -> Any:
    """Every text of a result made hostile, save the words of a closed vocabulary."""
    closed = {"method", "dfg", "helix_c", "activation_loop", "status", "change", "mode", "tier", "weight",
              "verdict", "confidence", "relation", "direction", "origin", "outcome", "code",
              "strength", "dfg_cluster", "salt_bridge", "loop_n_terminal", "loop_c_terminal", "spine",
              "p_loop", "activity", "sh2_position", "sh3_linker", "basis", "level", "bound",
              "kind"}  # fmt: skip
    if isinstance(value, dict):
        return {
            k: v if k == "diseases" or (k in closed and isinstance(v, str)) else poison(v)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [poison(item) for item in value]
    return HOSTILE if isinstance(value, str) else value


def hostile_study() -> StudyResult:
    data = json.loads(study().model_dump_json())
    for hit in data["evidence"]["hits"]:
        hit["item"]["kind"] = "statement"
    poisoned = poison(data)
    for hit in poisoned["evidence"]["hits"]:
        hit["item"]["kind"] = "statement"
    return StudyResult.model_validate(poisoned)


def test_every_section_is_there_in_order(page: str) -> None:
    places = [page.index(f'<h2 id="{name}"') for name in SECTIONS]
    assert places == sorted(places)


def test_the_page_says_what_it_is_not(page: str) -> None:
    assert "not a prescription" in page


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    result = hostile_study()
    regions = tuple(r.model_copy(update={"label": HOSTILE, "source": HOSTILE}) for r in REGIONS)
    files = report_files(tmp_path).model_copy(update={"regions": regions, "commands": (HOSTILE,)})
    named = tuple(m.model_copy(update={"state": HOSTILE, "variant": v}) for m, v in
                  zip(files.models, ("native", result.variant.short) * 2, strict=True))  # fmt: skip
    html = report_html(result, files.model_copy(update={"models": named}))
    parsed = Page(html)
    assert not [tag for tag, _ in parsed.tags if tag in ("img", "iframe", "object", "base", "form", "link")]
    assert not [a for _, attributes in parsed.tags for a in attributes if a.startswith("on")]
    assert len(parsed.scripts) == 4
    assert html.count("<script") == html.count("</script>") == 4
    assert "alert(2)" not in parsed.scripts[1] + parsed.scripts[2] + parsed.scripts[3]
    assert "\u2028" not in parsed.scripts[0]
    assert json.loads(parsed.scripts[0])["states"][0]["id"] == HOSTILE


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    parsed = Page(page)
    for tag, attributes in parsed.tags:
        assert tag not in ("link", "iframe", "object", "embed", "video", "audio", "base")
        for name in ("src", "srcset", "data", "poster", "action", "background"):
            assert name not in attributes
        if tag != "a":
            for name in ("href", "xlink:href"):
                assert (attributes.get(name) or "#").startswith("#")
    css = re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)
    assert not [text for text in css if "@import" in text or "url(" in text]


def test_the_policy_names_exactly_the_scripts_of_the_page(page: str) -> None:
    import base64
    import hashlib

    parsed = Page(page)
    policy = next(a["content"] for t, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy
    for script in parsed.scripts[1:]:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_links_go_only_to_registers_of_publications(page: str) -> None:
    for tag, attributes in Page(page).tags:
        if tag == "a":
            assert re.match(
                r"#|appendix\.html|https://(pubmed\.ncbi|pmc\.ncbi|doi\.org|clinicaltrials)",
                attributes.get("href") or "",
            )


def test_the_page_is_small(page: str) -> None:
    assert len(page.encode()) < 6_000_000


NONE = difference(None)


def body(html: str) -> str:
    """The page without scripts and tags, white space closed up."""
    text = re.sub(r"<(script|style|svg).*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", text)


def test_what_the_run_adds_to_the_options_is_shown() -> None:
    result = study()
    added = result.evidence.options[0].model_copy(update={"speaks_against": ("Not resolved in this run.",)})
    told = result.model_copy(
        update={"assessment": result.assessment.model_copy(update={"options": (added,)})}
    )
    assert options(result) == result.evidence.options
    assert options(told) == (added,)
    assert "Not resolved in this run." in body(report_html(told, ReportFiles()))


@pytest.mark.parametrize(
    "changes",
    [
        {"docking": ()},
        {"profiles": ()},
        {"simulations": ()},
        {"pockets": ()},
        {"contact_changes": ()},
        {"models": (), "geometries": ()},
        {"regions": ()},
        {"profiles": (profile(STATES[0], "native", 1), profile(STATES[0], "K404E", 1))},
        {"profiles": (profile(STATES[0], "native"),)},
        {"docking": (docking("imatinib", STATES[1], -12.0, float("nan"), difference_kcal_per_mol=NONE),)},
    ],
)  # fmt: skip
def test_a_missing_piece_leaves_the_rest_standing(changes: dict[str, Any]) -> None:
    html = report_html(study(measurements=measurements(**changes)), ReportFiles(regions=REGIONS))
    assert all(f'id="{name}"' in html for name in SECTIONS)
    assert "nan" not in re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL).lower().split()


def test_an_empty_study_renders_and_says_what_is_missing() -> None:
    html = report_html(empty_study(), ReportFiles())
    assert all(f'id="{name}"' in html for name in SECTIONS)
    for words in ("No drug was assessed", "holds nothing on this variant", "No contacts were analysed"):
        assert words in html


def test_a_compound_variant_shows_both_substitutions() -> None:
    two = variant(substitutions=(substitution("E", 255, "K"), substitution("T", 315, "I")))
    html = report_html(study(variant=two), ReportFiles(regions=REGIONS))
    assert "E255K/T315I" in html


def test_damaged_files_are_named_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "bad.cif").write_text("this is no model")
    (tmp_path / "bad.sdf").write_text("nor is this a pose")
    files = report_files(tmp_path)
    models = (*files.models[:2], ModelFile(state="x", variant="native", path=tmp_path / "bad.cif"))
    poses = (PoseFile(drug="imatinib", state=STATES[0], role="native", path=tmp_path / "bad.sdf"),
             PoseFile(drug="imatinib", state=STATES[0], role="mutant", path=tmp_path / "no.sdf"))  # fmt: skip
    scene = build_scene(study(), files.model_copy(update={"models": models, "poses": poses}))
    assert [state.id for state in scene.states] == [STATES[0]]
    assert len(scene.notes) == 3


def test_lost_contacts_end_on_native_atoms_and_gained_ones_on_the_mutants(tmp_path: Path) -> None:
    files = report_files(tmp_path)
    state = build_scene(study(), files).states[0]
    native = read_reduced_model(files.models[0].path)
    lost = next(contact for contact in state.contacts if contact.change == "lost")
    assert lost.start == pytest.approx(carrier_of(native, 404, "NZ"), abs=0.006)
    assert lost.end == pytest.approx(carrier_of(native, 409, "OD1"), abs=0.006)
    mutant = read_reduced_model(files.models[1].path)
    gained = next(contact for contact in state.contacts if contact.change == "gained")
    assert gained.start == pytest.approx(carrier_of(mutant, 404, "OE1"), abs=0.006)


def test_no_hydrogens_travel(tmp_path: Path) -> None:
    files = report_files(tmp_path)
    text = read_reduced_pose(files.poses[0].path)
    assert not re.findall(r" H  ", text)
    names = set(read_reduced_model(files.models[0].path).atom_name)
    assert not [name for name in names if name.startswith("H")]
    assert {"N", "CA", "C", "O", "CB"} <= names


def test_result_json_comes_back_whole() -> None:
    assert StudyResult.model_validate_json(result_text(study())) == study()


def test_schema_knows_every_field() -> None:
    schema = result_schema()
    assert set(schema["properties"]) == set(StudyResult.model_fields)  # type: ignore[call-overload]
    json.dumps(schema)


def written(*results: StudyResult) -> list[tuple[StudyResult, str]]:
    return [(result, result_text(result)) for result in results]


SMALL = empty_study().model_copy(update={"assessment": study().assessment})


def other(residue: int) -> StudyResult:
    """Another variant, of which only verdicts and docking are told."""
    found = docking("imatinib", STATES[1], -9.0, -9.0 + residue / 1000)
    measured = SMALL.measurements.model_copy(update={"docking": (found,)})
    changed = variant(substitutions=(substitution("T", residue, "I"),))
    return SMALL.model_copy(update={"variant": changed, "measurements": measured})


def test_every_value_of_every_result_is_a_cell(tmp_path: Path) -> None:
    results = (study(), other(315))
    paths = export_tables(written(*results, study()), tmp_path, csv=True)  # one given twice counts once
    tables = {name: rows for result in results for name, _, rows in result_tables(result)}
    assert {path.stem for path in paths} == tables.keys()
    for name in tables:
        rows = pq.read_table(tmp_path / f"{name}.parquet").to_pylist()
        held = [(one, {table: rows for table, _, rows in result_tables(one)}[name]) for one in results]
        both = [(one, record) for one, records in held for record in records]
        for cells, (result, record) in zip(rows, both, strict=True):
            assert cells["run_variant"] == result.variant.short
            assert cells["run_sha256"] == sha256(result_text(result).encode()).hexdigest()
            for field, value in record:
                if isinstance(value, str | int | float):
                    assert cells[field] == value, (name, field)
                if isinstance(value, Difference):
                    told = [cells[f"{field}_{part}"] for part in ("value", "low", "high", "unit")]
                    assert told == [value.value, value.low, value.high, value.unit]
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            assert len(list(csv.reader(file))) == len(rows) + 1


def test_the_results_of_a_thousand_runs_are_one_query(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    export_tables(written(*map(other, range(1, 1001))), tmp_path)
    query = f"""
        SELECT run_variant, verdict, level, difference_kcal_per_mol_value
        FROM '{tmp_path}/verdicts.parquet' JOIN '{tmp_path}/docking.parquet'
        USING (run_variant, run_sha256, drug)
        WHERE drug = 'imatinib' AND difference_kcal_per_mol_low > 0.5 ORDER BY run_variant
    """
    found = duckdb.sql(query).fetchall()
    (said,) = (one for one in study().assessment.verdicts if one.drug == "imatinib")
    assert found == sorted(
        (f"T{n}I", said.verdict, said.level, pytest.approx(n / 1000)) for n in range(851, 1001)
    )


def test_csv_does_not_start_formulas(tmp_path: Path) -> None:
    bad = docking("=HYPERLINK(1)", STATES[0], -1.0, -1.0)
    export_tables(written(study(measurements=measurements(docking=(bad,)))), tmp_path, csv=True)
    assert ",'=HYPERLINK(1)," in (tmp_path / "docking.csv").read_text()


def long(who: str) -> FluctuationProfile:
    return profile(STATES[0], who).model_copy(update={"length_ns": 20.0})


def test_figures_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    files = ReportFiles(regions=REGIONS, protein_length=1130)
    small = study(measurements=measurements(profiles=(long("native"), long("K404E"))))
    first = write_figures(small, files, tmp_path / "a")
    write_figures(small, files, tmp_path / "b")
    assert {path.name for path in first} == {
        f"{name}.{kind}" for name in ("domains", "rmsf_md") for kind in ("svg", "png")
    }
    for path in first:
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("PMID:27292104", "https://pubmed.ncbi.nlm.nih.gov/27292104/"),
        ("doi:10.1000/a(b)1.", "https://doi.org/10.1000/a(b"),
        ("https://doi.org/10.1007/s00277-025-06385-z", "https://doi.org/10.1007/s00277-025-06385-z"),
        ("NCT01564784", "https://clinicaltrials.gov/study/NCT01564784"),
    ],
)
def test_identifiers_become_links(text: str, address: str) -> None:
    assert f'href="{address}' in link_citations(text)


def test_a_link_cannot_be_broken_out_of() -> None:
    linked = link_citations('doi:10.1000/x"onmouseover=alert(1) <b>')
    assert 'href="https://doi.org/10.1000/x"' in linked
    assert "&lt;b&gt;" in linked


@pytest.mark.parametrize(
    ("citation", "short"),
    [
        ("Lewandowski et al., Ann Hematol, 2025", "Lewandowski 2025"),
        ("Chiaretti and Foa, Hematology, 2015, 406 (review)", "Chiaretti 2015"),
        (
            "An unnamed table of a laboratory without a date",
            "An unnamed table of a laboratory without a date",
        ),
    ],
)
def test_citations_are_shortened_to_author_and_year(citation: str, short: str) -> None:
    assert short_citation(citation) == short


def test_a_short_citation_cannot_break_out_of_its_title() -> None:
    assert "<img" not in source_link('"><img src=x>, 2020', 'PMID:1"><img src=y>')


def test_prose_gets_true_minus_signs_but_keeps_hyphens_and_identifiers() -> None:
    text = link_citations("beta-3, residues 229-500, -0.05 [-1.2] Å, 8.1 angstrom, doi:10.1000/a-1")
    assert "beta-3, residues 229-500, −0.05 [−1.2] Å, 8.1 Å" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert 'href="https://doi.org/10.1000/a-1"' in text


def test_numbers_carry_their_significant_digits() -> None:
    assert [significant(v, 2) for v in (0.0123, 1.26, 17.3, 1789.1)] == ["0.012", "1.3", "17", "1789"]
    small = difference(-0.0025, 0.0052).model_copy(update={"smallest_meaningful": 0.05})
    assert interval(small) == "−0.003 [−0.008, +0.003]"
    assert interval(difference(None)) == "not computed"


def test_settings_read_as_indented_lines() -> None:
    text = settings_text({"docking": {"seeds": 3, "confirm": True}})
    assert text.splitlines() == ["docking:", "  seeds: 3", "  confirm: true"]


def test_dynamics_of_picoseconds_is_nowhere_in_report_and_appendix(tmp_path: Path) -> None:
    """The factory's replicas are 0.2 ns long: their curves, tables and differences support no sentence."""
    files = report_files(tmp_path)
    short = report_html(study(), files)
    assert "figure-rmsf" not in short
    assert "0.2 ns" not in body(short.partition('id="limits"')[0])
    assert "Fluctuation" not in pages.appendix_html(study(), files)
    told = study(measurements=measurements(profiles=(long("native"), long("K404E"))))
    assert "figure-rmsf_md" in report_html(told, files)


def test_every_row_of_page_one_has_an_anchor_that_explains_itself(page: str) -> None:
    result = study()
    for verdict in result.assessment.verdicts:
        identity = f"drug-{verdict.drug}"
        assert f'<tr id="{identity}">' in page
        assert f'id="why-{verdict.drug}"' in page
        first, *grounds = chain(result, identity)
        assert verdict.verdict in first.text
        assert {one.id for one in grounds} == set(first.rests_on)
    assert any(one.id == "evidence-e2-dasatinib" for one in chain(result, "drug-dasatinib"))
    assert len({one.id for one in claims_of(result)}) == len(claims_of(result))


def test_a_claim_that_is_none_is_refused_with_some_that_are() -> None:
    with pytest.raises(BadInputError, match="no claim 'drug-aspirin'") as refused:
        chain(study(), "drug-aspirin")
    assert "drug-imatinib" in refused.value.remedy


def test_statements_are_those_of_the_ga4gh_library() -> None:
    from ga4gh.va_spec.base.core import Statement

    made = [Statement.model_validate(one) for one in va_statements(study())]
    by_drug = {one.proposition.objectTherapeutic.root.name: one for one in made}
    assert by_drug["imatinib"].proposition.predicate == "predictsResistanceTo"
    assert by_drug["dasatinib"].proposition.predicate == "predictsSensitivityTo"
    assert by_drug["bosutinib"].direction == "neutral"


def test_the_bundle_is_fhir_and_names_no_patient() -> None:
    from fhir.resources.R4B.bundle import Bundle

    bundle = fhir_bundle(study())
    assert "subject" not in json.dumps(bundle)
    Bundle.model_validate(bundle)


def test_contact_lines_end_on_the_carriers_of_named_hydrogens(tmp_path: Path) -> None:
    model = read_reduced_model(report_files(tmp_path).models[0].path)
    assert carrier_of(model, 404, "HZ3") == pytest.approx(carrier_of(model, 404, "NZ"))
    assert carrier_of(model, 404, "HB2") == pytest.approx(carrier_of(model, 404, "CB"))
    assert carrier_of(model, 404, "H") == pytest.approx(carrier_of(model, 404, "N"))


def test_numbers_carry_a_true_minus_and_no_negative_zero() -> None:
    assert number(-1.234, 1) == "\N{MINUS SIGN}1.2"
    assert number(-0.001, 1) == "0.0"
    assert number(float("nan")) == number(None) == "–"


def test_script_json_cannot_close_its_block() -> None:
    text = script_json({"a": HOSTILE})
    assert "<" not in text
    assert json.loads(text) == {"a": HOSTILE}

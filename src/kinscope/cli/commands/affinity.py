"""``kinscope lookup`` and ``kinscope scan``: the atlas of affinity, read and made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinscope.cli.console import Console, echo
from kinscope.cli.options import AsJson, Cores, Drugs, Expression, Quiet, Target, pack_of, variant_of

app = typer.Typer()
Region = Annotated[str, typer.Option("--region", "--residues", help="kinase-domain, or residues as 310-320.")]
All19 = Annotated[bool, typer.Option("--all-19", help="Every residue, not only what one base makes.")]
Work = Annotated[
    Path, typer.Option("--work", help="Where ensembles lie, a file a residue; what is there is taken over.")
]
Write = Annotated[
    bool,
    typer.Option("--write", help="Write what lies in --work, and the atlas of it, into the target pack."),
]
Tier = Annotated[
    int,
    typer.Option(
        "--tier", min=1, max=2, help="2: relaxed complexes of drugs in reach, minutes a pair; slices add up."
    ),
]
Page = Annotated[Path | None, typer.Option("--page", help="Write the shipped atlas as a page.")]
Svg = Annotated[Path | None, typer.Option("--svg", help="Write its heat maps as one SVG.")]


@app.command("lookup", epilog="Example:  kinscope lookup K404E")
def lookup(
    expression: Expression, target: Target = "abl1", drug: Drugs = None, as_json: AsJson = False
) -> None:
    """Predicted loss of affinity, drug by drug. Read from the atlas that ships, with intervals."""
    from kinscope.affinity.atlas import provenance, rows_of_variant
    from kinscope.cli import affinity_table as words

    variant, pack = variant_of(expression, target)
    rows = rows_of_variant(pack, variant, list(dict.fromkeys(pack.drug(name).id for name in drug or ())))
    if as_json:
        echo("[" + ",\n ".join(row.model_dump_json() for row in rows) + "]\n", nl=False)
        return
    names, made = {item.id: item.name for item in pack.drugs}, provenance(pack)
    made = made if not drug else {**made, "drugs": []}
    changes = list(dict.fromkeys(row.change for row in rows))
    for change in changes:
        part = [row for row in rows if row.change == change]
        echo(words.heading(pack.gene, part) + "\n")
        echo(words.table(part, names) + "\n\n" + "\n".join(words.sentences(part, made)) + "\n")
    if len(changes) > 1:
        echo(words.compound(rows, names))


@app.command("scan", epilog="Example:  kinscope scan --region kinase-domain --work scan --page atlas.html")
def scan(
    region: Region = "kinase-domain",
    all_19: All19 = False,
    work: Work = Path("kinscope-scan"),
    write: Write = False,
    page: Page = None,
    svg: Svg = None,
    drug: Drugs = None,
    tier: Tier = 1,
    cores: Cores = None,
    target: Target = "abl1",
    quiet: Quiet = False,
) -> None:
    """Predict a whole stretch anew. Every substitution and drug, in slices that any run takes over."""
    from kinscope.affinity.atlas import all_rows

    pack = pack_of(target)
    drugs = [pack.drug(name).id for name in drug or [item.id for item in pack.drugs]]
    if tier == 2:
        from kinscope.workflow.relaxed_atlas import scan_relaxed

        with Console(quiet=quiet).watch() as watcher:
            told = scan_relaxed(pack, region, drugs, work, cores=cores, write=write, listener=watcher)
        echo(told)
        return
    if write or (page is None and svg is None):
        from kinscope.affinity.scan import scan as run

        echo(run(pack, region, all_19, work, write=write, progress=Console(quiet=quiet).teller()))
    if page is not None or svg is not None:
        from kinscope.core.files import write_atomic
        from kinscope.report.plots.atlas import page_of, svg_of

        rows = [row for row in all_rows(pack) if not drug or row.drug in drugs]
        for path, make in ((page, page_of), (svg, svg_of)):
            if path is not None:
                write_atomic(path, make(rows, pack))
                echo(f"written: {path} ({len(rows)} rows)")

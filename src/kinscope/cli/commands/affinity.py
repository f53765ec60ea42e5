"""``kinscope lookup`` and ``kinscope scan``: the atlas of affinity, read and made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinscope.cli.console import Console, echo
from kinscope.cli.options import AsJson, Drugs, Expression, Mirror, Quiet, Target

app = typer.Typer()


@app.command("lookup", epilog="Example:  kinscope lookup K404E")
def lookup(
    expression: Expression, target: Target = "abl1", drug: Drugs = None, as_json: AsJson = False
) -> None:
    """What a substitution costs every drug, with its interval, from the atlas that ships: at once."""
    from kinscope.affinity.atlas import predicted, provenance
    from kinscope.core.errors import BadInputError
    from kinscope.interpretation.words import affinity as words
    from kinscope.targets import load_target
    from kinscope.variants.parse import parse_variant

    pack = load_target(target)
    variant = parse_variant(expression, pack)
    found = predicted(pack, variant)
    wanted = [pack.drug(name).id for name in drug or ()] or list(found)
    rows = [row for name in wanted for row in found.get(name, ())]
    changes = [f"{s.wild_type}{s.position}{s.mutant}" for s in variant.substitutions]
    missing = [change for change in changes if change not in {row.change for row in rows}]
    if missing:
        raise BadInputError(
            f"The atlas of {pack.gene} does not hold {', '.join(missing)}.",
            where=expression,
            remedy="It holds the substitutions of the kinase domain: `kinscope scan --help`.",
        )
    if as_json:
        echo("[" + ",\n ".join(row.model_dump_json() for row in rows) + "]")
        return
    names = {item.id: item.name for item in pack.drugs}
    far = provenance(pack).get("far_pairs")
    parts = [[row for row in rows if row.change == change] for change in changes]
    for change, part in zip(changes, parts, strict=True):
        echo(
            f"{change} ({pack.gene}): predicted ddG, kcal/mol, positive where affinity is lost; "
            f"tier {part[0].tier}\n"
        )
        echo(words.table(part, names))
        echo("\n" + "\n".join(words.sentences(part, far if isinstance(far, dict) else {})) + "\n")
    if len(parts) > 1:
        echo(words.compound(parts, names))


@app.command("scan", epilog="Example:  kinscope scan --region kinase-domain --work scan --page atlas.html")
def scan(
    region: Annotated[
        str, typer.Option("--region", help="kinase-domain, a region of the target, or residues as 310-320.")
    ] = "kinase-domain",
    all_19: Annotated[
        bool, typer.Option("--all-19", help="Every other residue, not only those that one base makes.")
    ] = False,
    work: Annotated[
        Path,
        typer.Option("--work", help="Where ensembles lie, a file a residue; what is there is taken over."),
    ] = Path("kinscope-scan"),
    write: Annotated[
        bool, typer.Option("--write", help="Write ensembles and atlas into the target pack.")
    ] = False,
    page: Annotated[Path | None, typer.Option("--page", help="Write the shipped atlas as a page.")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write its heat maps as one SVG.")] = None,
    write_complexes: Annotated[
        bool,
        typer.Option("--write-complexes", help="Make the pack's crystal complexes anew from the mirror."),
    ] = False,
    mirror: Mirror = None,
    drug: Drugs = None,
    target: Target = "abl1",
    quiet: Quiet = False,
) -> None:
    """Compute what every substitution of a stretch costs every drug; in slices that any run takes over."""
    from kinscope.affinity.atlas import all_rows, atlas_path
    from kinscope.targets import load_target

    pack = load_target(target)
    if write_complexes:
        from kinscope.affinity.complexes import build_complexes
        from kinscope.structures.wwpdb.source import PdbSource

        echo("written: " + ", ".join(build_complexes(pack, PdbSource(mirror))))
    shown = page is not None or svg is not None
    if write or not shown:
        from kinscope.affinity.scan import scan as run

        echo(run(pack, region, all_19, work, write=write, progress=Console(quiet=quiet).teller()))
    if shown:
        from kinscope.report.atlas_page import page_of, svg_of

        rows = [row for row in all_rows(pack) if not drug or row.drug in drug]
        for path, make in ((page, page_of), (svg, svg_of)):
            if path is not None:
                path.write_text(make(rows, pack))
                echo(f"written: {path} ({atlas_path(pack).name}, {len(rows)} rows)")

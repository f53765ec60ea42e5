"""What ``kinscope models prepare`` does and prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from kinscope.cli.structure_options import structure_path

Options = tuple[str | None, str | None, int | None, bool, Path | None, bool]
"""Chain, state it is like, longest gap, truncation, mirror, download."""


def prepare_structure(
    structure: str,
    options: Options,
    out: Path | None,
    target: str,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Examine a structure, say what was found, and unless that is all, prepare, check and write the model.

    Raises
    ------
    BadInputError
        If the structure cannot be used, or the directory holds something else.
    """
    from kinscope.structures.user import examine, write_prepared
    from kinscope.structures.user import prepare as make
    from kinscope.structures.user_file import read_user_file
    from kinscope.structures.user_records import UserStructureOptions
    from kinscope.targets import load_target

    path, said = structure_path(structure, *options)
    if path is None:  # the argument is required; this is for the type checker
        raise typer.BadParameter("no structure was given")
    pack = load_target(target)
    file = read_user_file(path)
    found = examine(file, pack, UserStructureOptions(**(said or {})))
    directory = out or Path(f"kinscope-{file.name.split('.')[0] or 'structure'}")
    if not dry_run:
        _refuse_other_content(directory)
    if not as_json:
        for line in [*found.findings.in_words(), *_drug_lines(found.drugs, found.not_docked)]:
            typer.echo(line)
    if dry_run:
        if as_json:
            typer.echo(found.findings.model_dump_json(indent=1))
        return
    prepared = make(found, pack, progress=_teller(quiet or as_json))
    write_prepared(prepared, directory)
    if as_json:
        content = {
            "directory": str(directory),
            "findings": json.loads(prepared.findings.model_dump_json()),
            "check": json.loads(prepared.check.model_dump_json()),
            "drugs": found.drugs,
        }
        typer.echo(json.dumps(content, indent=1))
        return
    for line in prepared.record.method[1:]:
        typer.echo(f"  {line}")
    typer.echo(prepared.check.in_words())
    typer.echo(f"\nModel: {directory / 'model.cif'}; what was found and done: model.json, structure.json")


def _refuse_other_content(directory: Path) -> None:
    from kinscope.core.errors import BadInputError
    from kinscope.structures.model import MODEL_FILE, RECORD_FILE
    from kinscope.structures.user import FINDINGS_FILE

    ours = {MODEL_FILE, RECORD_FILE, FINDINGS_FILE}
    if directory.is_dir() and any(path.name not in ours for path in directory.iterdir()):
        raise BadInputError(
            "The directory holds something else.", where=str(directory), remedy="Give another --out."
        )
    if directory.exists() and not directory.is_dir():
        raise BadInputError(
            "There is a file where the model's directory would be.",
            where=str(directory),
            remedy="Give another --out.",
        )


def _drug_lines(drugs: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    lines = [f"  inhibitors that can be docked into it: {', '.join(drugs) or 'none'}"]
    return [*lines, *(f"    not {text}" for text in others)]


def _teller(silent: bool) -> Any:
    said: set[str] = set()

    def tell(fraction: float, text: str) -> None:
        if not silent and text not in said:
            said.add(text)
            typer.echo(f"[{fraction:4.0%}] {text}", err=True)

    return tell

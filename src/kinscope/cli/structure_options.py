"""Options that bring a structure of the user's into a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Structure = Annotated[
    str | None,
    typer.Option(
        "--structure",
        metavar="FILE",
        help="Your own structure of the kinase: PDB or mmCIF (gzip allowed), or a wwPDB code at hand.",
    ),
]
Chain = Annotated[str | None, typer.Option("--chain", help="Chain of your structure; default: the best one.")]
Like = Annotated[
    str | None,
    typer.Option("--as-state-like", metavar="STATE", help="Treat your structure like this shipped state."),
]
MaxGap = Annotated[
    int | None,
    typer.Option("--max-gap", min=0, max=30, help="Longest missing stretch that is filled. [12]"),
]
Truncate = Annotated[
    bool,
    typer.Option("--allow-truncation", help="Cut your structure at longer missing stretches."),
]
Download = Annotated[
    bool, typer.Option("--download", help="Fetch a wwPDB entry that is not at hand from the network.")
]


def structure_path(
    structure: str | None,
    chain: str | None,
    like: str | None,
    max_gap: int | None,
    truncate: bool,
    mirror: Path | None,
    download: bool,
) -> tuple[Path | None, dict[str, Any] | None]:
    """The file that is meant, and what the options say about it as settings; None and None without one.

    Raises
    ------
    BadInputError
        If there is no such file, or an option about it stands alone.
    """
    from pydantic import ValidationError

    from kinscope.core.errors import BadInputError
    from kinscope.structures.user_file import find_structure
    from kinscope.structures.user_records import UserStructureOptions
    from kinscope.workflow.engine.store import default_cache

    said: dict[str, Any] = {}
    if chain is not None:
        said["chain"] = chain
    if like is not None:
        said["like"] = like
    if max_gap is not None:
        said["max_gap"] = max_gap
    if truncate:
        said["allow_truncation"] = True
    if structure is None:
        if said or download:
            raise BadInputError(
                "--chain, --as-state-like, --max-gap, --allow-truncation and --download say how a structure "
                "of yours is read, and none was given.",
                where="--structure",
                remedy="Add --structure FILE.",
            )
        return None, None
    try:
        UserStructureOptions(**said)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInputError(
            f"The option cannot be used: {first['msg']}.",
            where="--" + {"like": "as-state-like"}.get(str(first["loc"][0]), str(first["loc"][0])),
            remedy="`kinscope models prepare --help` says what it takes.",
        ) from None
    cache = default_cache() / "wwpdb"
    return find_structure(structure, mirror=mirror, cache=cache, allow_download=download), said

"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Expression = Annotated[
    str,
    typer.Argument(
        metavar="EXPR", help="The variant, e.g. 'NM_005157.6(ABL1):c.1210A>G', K404E, E255K/T315I."
    ),
]
RunDirectory = Annotated[
    Path, typer.Argument(metavar="DIR", help="A run directory that `kinscope assess` made.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress display.")]
Target = Annotated[
    str, typer.Option("--target", help="Target pack: a name that ships (abl1, src), or a directory.")
]
TargetOrSettings = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="Target pack: a name that ships (abl1, src), or a directory. [default: the settings', abl1]",
    ),
]
Preset = Annotated[str, typer.Option("--preset", help="quick, standard or paper.")]
PresetOrSettings = Annotated[str | None, typer.Option("--preset", help="quick, standard or paper.")]
Drugs = Annotated[list[str] | None, typer.Option("--drug", help="Only this drug; may be repeated.")]
States = Annotated[list[str] | None, typer.Option("--state", help="Only this state; may be repeated.")]
Out = Annotated[Path | None, typer.Option("--out", help="Run directory; default: kinscope-VARIANT.")]
Cores = Annotated[
    int | None, typer.Option("--cores", min=1, max=4096, help="Steps that run at once; default: all cores.")
]
EngineOfDynamics = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="What steps the dynamics: openmm, gromacs (if it is on the machine), or auto: a GPU, else the "
        "faster of the two. [auto]",
    ),
]
Mirror = Annotated[
    Path | None,
    typer.Option(
        "--pdb-mirror",
        envvar="KINSCOPE_PDB_MIRROR",
        help="Directory with wwPDB entries (pdb/1abc.pdb.gz, 1abc.cif.gz and the like).",
    ),
]

"""Options that several commands share, and how a command takes them as records."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from kinscope.targets import TargetPack
    from kinscope.variants import Variant
    from kinscope.workflow.engine.cluster import ClusterFile

Expression = Annotated[
    str,
    typer.Argument(
        metavar="EXPR", help="The variant, e.g. 'NM_005157.6(ABL1):c.1210A>G', K404E, E255K/T315I."
    ),
]
RunDirectory = Annotated[Path, typer.Argument(metavar="DIR", help="Of a study, e.g. kinscope-K404E.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Write the tables as CSV too.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress display.")]
Target = Annotated[
    str, typer.Option("--target", help="Target pack: a name that ships (abl1, src), or a directory.")
]
Preset = Annotated[str, typer.Option("--preset", help="quick, standard or paper.")]
Drugs = Annotated[list[str] | None, typer.Option("--drug", help="Only this drug; may be repeated.")]
States = Annotated[list[str] | None, typer.Option("--state", help="Only this conformation; may be repeated.")]
Out = Annotated[Path | None, typer.Option("--out", help="Directory of the study; default: kinscope-VARIANT.")]
Cores = Annotated[int | None, typer.Option("--cores", min=1, max=4096, help="Cores to use; default: all.")]
EngineOfDynamics = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="Engine of the dynamics: openmm, gromacs (where installed), or auto: on a GPU openmm, else the "
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


def given(**values: Any) -> dict[str, Any]:
    """What was said, of what might have been."""
    return {name: value for name, value in values.items() if value is not None}


@dataclasses.dataclass(frozen=True)
class ReadingOptions:
    """How a structure of the user's is found and read."""

    chain: Annotated[str | None, typer.Option(help="Chain of your structure; default: the best one.")] = None
    as_state_like: Annotated[
        str | None, typer.Option(metavar="STATE", help="Treat your structure like this shipped state.")
    ] = None
    max_gap: Annotated[
        int | None, typer.Option(min=0, max=30, help="Longest missing stretch that is filled. [12]")
    ] = None
    allow_truncation: Annotated[
        bool, typer.Option("--allow-truncation", help="Cut your structure at longer missing stretches.")
    ] = False
    mirror: Mirror = None
    download: Annotated[
        bool, typer.Option("--download", help="Fetch a wwPDB entry that is not at hand from the network.")
    ] = False

    def settings(self) -> dict[str, Any]:
        """What is said of the reading, as settings.

        Raises BadInputError if a value cannot be used.
        """
        from pydantic import ValidationError

        from kinscope.core.errors import BadInputError
        from kinscope.results.user_structure import UserStructureOptions

        said = given(
            chain=self.chain,
            like=self.as_state_like,
            max_gap=self.max_gap,
            allow_truncation=self.allow_truncation or None,
        )
        try:
            UserStructureOptions(**said)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            raise BadInputError(
                f"The option cannot be used: {first['msg']}.",
                where="--" + {"like": "as-state-like"}.get(name, name),
                remedy="`kinscope models prepare --help` says what it takes.",
            ) from None
        return said

    def find(self, structure: str) -> Path:
        """The file that is meant by a path or a wwPDB code.

        Raises BadInputError if there is none.
        """
        from kinscope.structures.user.file import find_structure
        from kinscope.workflow.engine.store import default_cache

        return find_structure(
            structure, mirror=self.mirror, cache=default_cache() / "wwpdb", allow_download=self.download
        )


@dataclasses.dataclass(frozen=True)
class StructureOptions:
    """A structure of the user's in a study."""

    structure: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Your own structure of the kinase: PDB or mmCIF (gzip allowed), or a wwPDB code at hand.",
        ),
    ] = None
    reading: ReadingOptions = dataclasses.field(default_factory=ReadingOptions)

    def given(self) -> tuple[Path | None, dict[str, Any] | None]:
        """The file that is meant, and what the options say about it as settings; None and None without one.

        Raises BadInputError if there is no such file, or an option about it stands alone.
        """
        from kinscope.core.errors import BadInputError

        if self.structure is not None:
            said = self.reading.settings()
            return self.reading.find(self.structure), said
        if dataclasses.replace(self.reading, mirror=None) != ReadingOptions():
            raise BadInputError(
                "--chain, --as-state-like, --max-gap, --allow-truncation and --download say how a structure "
                "of yours is read, and none was given.",
                where="--structure",
                remedy="Add --structure FILE.",
            )
        return None, None


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """Where a stage runs."""

    out: Out = None
    target: Target = "abl1"
    cores: Cores = None


@dataclasses.dataclass(frozen=True)
class WhereOptions:
    """On what the steps of a study run."""

    cores: Cores = None
    cluster: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Run steps in jobs of a cluster that this YAML file describes: provider, queue, gpus.",
        ),
    ] = None

    def where(self) -> int | ClusterFile | None:
        """The same as :data:`kinscope.workflow.study.Where`.

        Raises BadInputError if the cluster's file cannot be used, or cores are named beside it.
        """
        if self.cluster is None:
            return self.cores
        from kinscope.workflow.engine.cluster import read_cluster

        if self.cores is not None:
            raise typer.BadParameter("--cores is of this machine; a cluster's stand in its file")
        return read_cluster(self.cluster)


def pack_of(target: str) -> TargetPack:
    """The target pack that is meant.

    Raises BadInputError if there is none, or it is damaged.
    """
    from kinscope.targets import load_target

    return load_target(target)


def variant_of(expression: str, target: str) -> tuple[Variant, TargetPack]:
    """The variant that is meant, and its target pack.

    Raises BadInputError if either cannot be used.
    """
    from kinscope.variants import parse_variant

    pack = pack_of(target)
    return parse_variant(expression, pack), pack


Command = Callable[..., None]


def command_of(app: typer.Typer, name: str, epilog: str) -> Callable[[Command], Command]:
    """Make a function a command; a parameter that is a dataclass stands for one option per field.

    What comes back is what typer calls: it takes the options one by one.
    """

    def register(function: Command) -> Command:
        flat = _flattened(function)
        app.command(name, epilog=epilog)(flat)
        return flat

    return register


def _flattened(function: Command) -> Command:
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    options = [
        option
        for name, parameter in parameters.items()
        for option in _options(name, hints[name], parameter.default)
    ]
    signature = inspect.Signature(options, return_annotation=None)

    def command(*values: Any, **named: Any) -> None:
        said = signature.bind(*values, **named)
        said.apply_defaults()
        function(**{name: _value(name, hints[name], said.arguments) for name in parameters})

    command.__name__, command.__doc__, command.__module__ = function.__name__, function.__doc__, __name__
    command.__annotations__ = {option.name: option.annotation for option in options}
    command.__signature__ = signature  # type: ignore[attr-defined]
    return command


def _options(name: str, hint: Any, default: Any) -> Iterator[inspect.Parameter]:
    """One parameter, or those of a record's fields in their order; records may hold records."""
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        for field in dataclasses.fields(hint):
            missing = field.default is dataclasses.MISSING
            yield from _options(
                field.name, hints[field.name], inspect.Parameter.empty if missing else field.default
            )
    else:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        yield inspect.Parameter(name, kind, default=default, annotation=hint)


def _value(name: str, hint: Any, said: Mapping[str, Any]) -> Any:
    """The value of an option, or the record of several."""
    if not dataclasses.is_dataclass(hint):
        return said[name]
    hints = get_type_hints(hint, include_extras=True)
    return hint(**{field: _value(field, hints[field], said) for field in hints})  # type: ignore[operator]

"""What a stage computes with, as one digest: every definition that its function reaches, with data files.

A definition is a function, a class or a constant at the top of a module of the package. It reaches what its
body names, through imports too. Wording is left out: comments, docstrings, layout, the text of errors; and so
is where a definition stands, so that code may move. What other packages compute is not seen.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kinscope.core.files import read_own, sha256_of_file, write_atomic
from kinscope.workflow.engine.store import default_cache

_PACKAGE = Path(__file__).parents[2]
_LEFT_OUT = tuple(
    f"{_PACKAGE.name}.{room}"
    for room in (
        "core.errors", "core.files", "core.pages", "core.progress", "core.quoting", "core.tables",
        "interpretation.words", "targets.loader", "workflow.engine",
    )
)  # fmt: skip
"""Words, files and the engine. A pack enters keys by its content as read, so its reader need not."""
_CACHE_FILE = "sources.json"
_UNSAID = ("ctx", "kind", "type_comment")
"""Fields of syntax that say nothing the rest does not."""


class Place(NamedTuple):
    """A definition: module and name; without a name, what the module does when it is imported."""

    module: str
    name: str


class _Module:
    """A module taken apart."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_bytes())
        self.imports: dict[str, list[Place]] = {}
        self.defined: dict[str, list[ast.stmt]] = {"": []}
        for node in ast.walk(tree):
            for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
                module = getattr(node, "module", None)
                place = Place(module, alias.name) if module else Place(alias.name, "*")
                local = alias.asname or (alias.name if module else alias.name.partition(".")[0])
                self.imports.setdefault(local, []).append(place)
        for statement in tree.body:
            for name in _bound(statement) or [""]:
                self.defined.setdefault(name, []).append(statement)


class Sources:
    """The modules of a package, read as far as something asks for them.

    ``root`` is its folder; ``left_out`` names modules and packages in it that no result depends on.
    """

    def __init__(self, root: Path, left_out: Iterable[str] = ()) -> None:
        self.root = root
        self.left_out = tuple(left_out)
        self._module = cache(self._read)
        self._text = cache(self._own_text)

    def digest(self, function: str) -> str:
        """SHA-256 of everything that ``module:function`` reaches."""
        lines = set()
        for place in self.reached(function):
            named = (f"{name}={self._text(to)}" for name, to in self._named(place))
            lines.add(" ".join([self._text(place), *sorted(named)]))
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

    def reached(self, function: str) -> set[Place]:
        """Every definition of the package that ``module:function`` reaches.

        Raises LookupError if there is no such function.
        """
        start = Place(*function.split(":"))
        if start.name not in getattr(self._module(start.module), "defined", ()):
            raise LookupError(function)
        found: set[Place] = set()
        waiting = [start]
        while waiting:
            place = waiting.pop()
            if place not in found and self._module(place.module) is not None:
                found.add(place)
                waiting += [Place(place.module, ""), *(to for _, to in self._named(place))]
        return found

    def _read(self, name: str) -> _Module | None:
        """A module of the package; None for others', for those left out, and for its own front page."""
        first, *parts = name.split(".")
        left_out = any(f"{name}.".startswith(f"{room}.") for room in self.left_out)
        if first != self.root.name or not parts or left_out:
            return None
        file = self.root.joinpath(*parts)
        for path in (file / "__init__.py", file.with_suffix(".py")):
            if path.is_file():
                return _Module(path)
        return None

    def _named(self, place: Place) -> Iterator[tuple[str, Place]]:
        """What a definition names, as it names it, and what that is."""
        module = self._module(place.module)
        if module is None:
            return
        names: dict[str, set[str]] = {}
        for node in _nodes(module.defined.get(place.name, ())):
            if isinstance(node, ast.Name):
                names.setdefault(node.id, set())
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                names.setdefault(node.value.id, set()).add(node.attr)
            elif isinstance(node, ast.Constant) and self._module(str(node.value)) is not None:
                yield from self._all(str(node.value))  # a program of the package that is run
        for name, parts in sorted(names.items()):
            if name in module.defined:
                yield name, Place(place.module, name)
            for to in module.imports.get(name, ()):
                yield from self._followed(name, to, parts)

    def _followed(self, name: str, to: Place, parts: set[str]) -> Iterator[tuple[str, Place]]:
        """Where an imported name leads: through modules that hand it on, and into a module by its parts."""
        whole = to.module if to.name == "*" else f"{to.module}.{to.name}"
        module, inner = self._module(to.module), self._module(whole)
        if module is not None and to.name in module.defined:
            yield name, to
        elif module is not None and to.name in module.imports:
            for further in module.imports[to.name]:
                yield from self._followed(name, further, parts)
        elif inner is None:
            yield name, to if module is None else Place(to.module, "")
        elif not parts:
            yield from self._all(whole)
        for part in sorted(parts) if inner is not None else ():
            yield from self._followed(f"{name}.{part}", Place(whole, part), set())

    def _all(self, name: str) -> Iterator[tuple[str, Place]]:
        module = self._module(name)
        for part in sorted(module.defined) if module is not None else ():
            yield f"{name}.{part}", Place(name, part)

    def _own_text(self, place: Place) -> str:
        """Digest of what a definition says itself and of data it opens; of others' the name."""
        module = self._module(place.module)
        if module is None:
            return f"{place.module}.{place.name}"
        statements = module.defined.get(place.name, [])
        parts = [_meaning(statements)]
        said = {getattr(node, "id", getattr(node, "value", None)) for node in _nodes(statements)}
        room = place.module.split(".")[1]
        if said & {"__file__", f"{self.root.name}.{room}"}:  # all that lies in its room, to be sure
            data = [path for path in _files(self.root / room) if path.suffix != ".py"]
            parts += [f"{path.relative_to(self.root)} {sha256_of_file(path)}" for path in data]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _files(folder: Path) -> list[Path]:
    """Every file below a folder that was not made by running it."""
    return sorted(p for p in folder.rglob("*.*") if "__pycache__" not in p.parts and p.is_file())


def _nodes(statements: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    for statement in statements:
        yield from ast.walk(statement)


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return []
    return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]


def _meaning(node: object) -> str:
    """Syntax as text, the same in every version of Python, without what only people read."""
    if isinstance(node, list):
        return f"[{','.join(filter(None, map(_meaning, node)))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    said = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if said or isinstance(node, ast.Import | ast.ImportFrom):  # where names lead is said beside
        return ""
    if isinstance(node, ast.Raise):
        return f"Raise({_meaning(getattr(node.exc, 'func', node.exc))})"
    fields = ((name, value) for name, value in ast.iter_fields(node) if name not in _UNSAID)
    parts = [f"{name}={_meaning(value)}" for name, value in fields if value is not None and value != []]
    return f"{type(node).__name__}({','.join(parts)})"


@cache
def source_digest(function: str) -> str:
    """SHA-256 of what a stage's ``module:function`` computes with; empty for functions of other packages.

    Taking the package apart lasts seconds, so what was found is remembered in the machine's cache for as long
    as no file of it changes.
    """
    if not function.startswith(f"{_PACKAGE.name}."):
        return ""
    found, file = _remembered()
    if function not in found:
        found[function] = _sources().digest(function)
        with suppress(OSError):  # a cache that cannot be written costs seconds, nothing else
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, json.dumps(found))
    return found[function]


@cache
def _sources() -> Sources:
    return Sources(_PACKAGE, _LEFT_OUT)


@cache
def _remembered() -> tuple[dict[str, str], Path]:
    """Digests by function, the package's own as it stands on disk under no name; where they are kept."""
    file, here = default_cache() / _CACHE_FILE, hashlib.sha256()
    for path in _files(_PACKAGE):
        here.update(f"{path.relative_to(_PACKAGE)} {path.stat().st_size}\n".encode() + path.read_bytes())
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(read_own(file))
        if kept[""] == here.hexdigest():
            return {str(name): str(digest) for name, digest in kept.items()}, file
    return {"": here.hexdigest()}, file

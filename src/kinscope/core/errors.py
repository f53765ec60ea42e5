"""The failures kinscope expects, each telling what was wrong, where, and what to do.

Whose turn it is decides the exit code: the person who typed the input (2) or the machine
that could not finish a computation (1).
"""

from __future__ import annotations

from pathlib import Path

from kinscope.core.quoting import printable


class KinscopeError(Exception):
    """Base of every failure kinscope foresees.

    ``what``: what is wrong, in one sentence. ``where``: the place: an argument, a file with line or offset, a
    residue, a step. ``remedy``: what the reader can do about it.
    """

    exit_code = 1
    kept: Path | None = None
    """The run directory that was worked in: what is finished is kept there."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(printable(what))
        self.what = printable(what)
        self.where = printable(where)
        self.remedy = printable(remedy)

    def __str__(self) -> str:
        """The whole message in one block, as the command line prints it."""
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.remedy:
            lines.append(f"  to do: {self.remedy}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Pickle with the keyword parts, so that an error crosses a process boundary whole."""
        return (_rebuild, (type(self), self.what, self.where, self.remedy))


class Stopped(BaseException):
    """Somebody ended the process by the signal of this ``number``; ``kept`` as of :class:`KinscopeError`."""

    kept: Path | None = None
    lost: tuple[str, ...] = ()
    """Work that has to be begun anew, in words."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _rebuild(kind: type[KinscopeError], what: str, where: str, remedy: str) -> KinscopeError:
    return kind(what, where=where, remedy=remedy)


class BadInputError(KinscopeError, ValueError):
    """Something the user gave cannot be used as it is."""

    exit_code = 2


class VariantError(BadInputError):
    """A variant expression that cannot be read, or that contradicts the transcript."""


class UnsupportedVariantError(VariantError):
    """A variant that is understood but that kinscope cannot model."""


class StructureError(BadInputError):
    """A structure file that is damaged, incomplete or not of this kinase."""


class LigandError(BadInputError):
    """A ligand that cannot be prepared for docking or dynamics."""


class SettingsError(BadInputError):
    """A setting out of bounds or unknown."""


class RunDirectoryError(BadInputError):
    """A run directory that is missing, in use, or made by an incompatible version."""


class ComputationError(KinscopeError, RuntimeError):
    """A computation that started on good input and failed."""

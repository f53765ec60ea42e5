"""Ligands that a user names on the command line, each read by itself: a bad one costs no other.

A file is an SDF or MOL of one molecule (``.sdf``, ``.mol``, ``.sd``) or a list of SMILES with names, one a
line (``.smi``, ``.smiles``, ``.txt``; ``#`` begins a comment). On the command line ``NAME=SMILES`` or a
SMILES alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kinscope.core.errors import LigandError
from kinscope.ligands.user import UserLigand, ligand_from_sdf, ligand_from_smiles
from kinscope.targets.pack import DrugDefinition

LIST_SUFFIXES = (".smi", ".smiles", ".txt")
MAXIMUM_LIST_BYTES = 200_000
MAXIMUM_LIGANDS = 200
GIVEN = "given"
"""Binding type of a ligand of which nothing is known."""
_NAMED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9 _.-]{0,39})=(?=\S)(.+)$", re.DOTALL)


@dataclass
class GivenLigands:
    """What could be read, and what could not."""

    good: list[DrugDefinition] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bad: list[LigandError] = field(default_factory=list)


def read_given(
    files: Sequence[Path], smiles: Sequence[str], *, site: str, state: str, taken: Sequence[str] = ()
) -> GivenLigands:
    """Every ligand named, as definitions of the kind that the library holds.

    Parameters
    ----------
    files, smiles
        As the module says.
    site, state
        Where they are to be docked.
    taken
        Ids that are not free: the library's.
    """
    found = GivenLigands()
    used = set(taken)

    def take(name: str, read: Callable[[], UserLigand]) -> None:
        try:
            ligand = read()
        except LigandError as error:
            found.bad.append(error)
            return
        identifier = _free(name, used)
        found.good.append(_definition(ligand, name, identifier, site, state))
        found.notes += [f"{identifier}: {note}" for note in ligand.notes]

    for path in files:
        if path.suffix.lower() in LIST_SUFFIXES:
            try:
                entries = _list_entries(path)
            except LigandError as error:
                found.bad.append(error)
                continue
            for place, text, name in entries:
                take(name, lambda text=text, name=name, place=place: _at(place, text, name))  # type: ignore[misc]
        else:
            take(path.stem, lambda path=path: ligand_from_sdf(path))  # type: ignore[misc]
    for number, given in enumerate(smiles, start=1):
        named = _NAMED.match(given)
        name, text = (named[1], named[2]) if named else (f"ligand-{number}", given)
        take(name, lambda text=text, name=name: ligand_from_smiles(text, name))  # type: ignore[misc]
    return found


def _at(place: str, text: str, name: str) -> UserLigand:
    """A line of a list; an error says which line."""
    try:
        return ligand_from_smiles(text, name)
    except LigandError as error:
        raise LigandError(error.what, where=f"{place}: {text[:60]!r}", remedy=error.remedy) from None


def _list_entries(path: Path) -> list[tuple[str, str, str]]:
    """Place, SMILES and name of each line."""
    try:
        if path.stat().st_size > MAXIMUM_LIST_BYTES:
            raise LigandError(
                "The list is larger than 200 kB.", where=str(path), remedy="Give fewer ligands at a time."
            )
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LigandError(
            f"The list cannot be read ({getattr(error, 'strerror', None) or 'it is not text'}).",
            where=str(path),
            remedy="Give a text file with a SMILES and a name on each line.",
        ) from None
    entries = []
    for number, line in enumerate(lines, start=1):
        words = [] if line.lstrip().startswith("#") else line.split()  # a SMILES may hold a "#"
        if words:
            name = " ".join(words[1:])[:40] or f"{path.stem}-{number}"
            entries.append((f"{path}, line {number}", words[0], name))
    if not entries or len(entries) > MAXIMUM_LIGANDS:
        raise LigandError(
            f"The list holds {len(entries)} ligands.",
            where=str(path),
            remedy=f"Give 1 to {MAXIMUM_LIGANDS}, a SMILES and a name on each line.",
        )
    return entries


def _free(name: str, used: set[str]) -> str:
    """A lower-case id that nothing else has."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "ligand"
    identifier, number = stem, 2
    while identifier in used:
        identifier, number = f"{stem}-{number}", number + 1
    used.add(identifier)
    return identifier


def _definition(ligand: UserLigand, name: str, identifier: str, site: str, state: str) -> DrugDefinition:
    return DrugDefinition(
        id=identifier, name=name[:40], ccd="",
        smiles=ligand.identity.smiles, smiles_ph74=ligand.identity.smiles,
        protonation_reason="As the user gave it.", identifiers={"InChIKey": ligand.identity.inchikey},
        binding_type=GIVEN, site=site, state=state, reference_entry="", sources=("given by the user",),
    )  # fmt: skip

"""What was done to a user's structure, in words for its model's record."""

from __future__ import annotations

from kinscope.structures.completion import CompleteModel
from kinscope.structures.model import AtomArray, ResidueOrigin
from kinscope.structures.model_words import occupant_words
from kinscope.structures.occupants import Occupant
from kinscope.structures.reference import POCKET_KCAL_PER_MOL_ANGSTROM2
from kinscope.structures.user_records import PocketLigand, StructureFindings


def method_words(
    found: StructureFindings,
    complete: CompleteModel,
    renamed: list[str],
    held: tuple[AtomArray | Occupant, ...],
) -> list[str]:
    """How the structure was read and completed, and around what it was relaxed.

    Parameters
    ----------
    found
        What the file holds, its gaps as they were filled.
    complete
        The model before relaxation.
    renamed
        Residues set back to the target's without any atom moving, in words.
    held
        What stood in the pockets, in the order of the findings' ligands.
    """
    words = [
        f"Prepared from the user's file {found.file} (SHA-256 {found.sha256[:16]}), chain {found.chain}, "
        f"residues {found.author_first} to {found.author_last} there, by alignment {found.first_residue}-"
        f"{found.last_residue} of the target."
    ]
    if found.modified:
        words.append("Modified residues: " + ", ".join(found.modified) + ".")
    if found.alternates:
        words.append(
            "Of alternate conformations the most occupied, then A: "
            + ", ".join(map(str, found.alternates))
            + "."
        )
    words += [f"Missing stretch {gap.in_words()}." for gap in found.gaps]
    words += [f"Cut off: {text}." for text in found.cut_off]
    if complete.built:
        listed = "; ".join(f"{number}: {' '.join(names)}" for number, names in complete.built.items())
        words.append(f"Heavy atoms the file does not show, built by PDBFixer: {listed}.")
    words += [f"{text}." for text in renamed]
    if complete.turned:
        words.append("Side chains turned round for a hydrogen bond: " + ", ".join(complete.turned) + ".")
    words += occupant_words(
        [_occupant(ligand) for ligand in found.ligands], held, POCKET_KCAL_PER_MOL_ANGSTROM2
    )
    words += [f"Note: {note}." for note in found.notes]
    return words


def residue_origins(
    found: StructureFindings, complete: CompleteModel, renamed: list[str]
) -> tuple[ResidueOrigin, ...]:
    """The origin of every residue: the file, a shipped model, or built; see :func:`method_words`."""
    label = f"{found.file}:{found.chain}"
    filled = {number: gap for gap in found.gaps for number in range(gap.first_residue, gap.last_residue + 1)}
    flipped = {int(name[3:]) for name in complete.turned}
    substituted = {int(text.split()[0][3:]): text for text in renamed}
    origins = []
    for number in range(found.first_residue, found.last_residue + 1):
        notes = []
        if number in complete.built:
            notes.append("built atoms: " + " ".join(complete.built[number]))
        if number in flipped:
            notes.append("side chain turned round")
        origin: str = "given"
        entry = label
        gap = filled.get(number)
        if gap is not None:
            notes.append(gap.in_words() if gap.origin == "grafted" else "")
            origin, entry = gap.origin, gap.state
        elif number in substituted:
            notes.append(substituted[number])
            origin = "substituted"
        origins.append(
            ResidueOrigin.model_validate(
                {"residue": number, "origin": origin, "entry": entry, "note": "; ".join(filter(None, notes))}
            )
        )
    return tuple(origins)


def _occupant(ligand: PocketLigand) -> str:
    return f"the reference pose of {ligand.name}" if ligand.stand_in else f"the file's {ligand.name}"

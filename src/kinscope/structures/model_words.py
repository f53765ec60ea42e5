"""What was done to a reference model, in words for its record."""

from __future__ import annotations

from kinscope.structures.assembly import Assembly
from kinscope.structures.grafting import joints_of
from kinscope.structures.model import AtomArray, ResidueOrigin
from kinscope.structures.occupants import Occupant
from kinscope.structures.recipes import BuiltStretch, CrystalPart, StateRecipe


def repacked_words(repacked: dict[int, str]) -> list[str]:
    """Side chains that were given another rotamer."""
    if not repacked:
        return []
    return [
        "Side chains of different crystals that did not fit together, given another rotamer: "
        + ", ".join(f"{number} {label}" for number, label in sorted(repacked.items()))
        + "."
    ]


def guest_words(
    recipe: StateRecipe, occupants: tuple[AtomArray | Occupant, ...] = (), pocket: float = 0.0
) -> list[str]:
    """The ligands of a recipe around which a model was relaxed, as :func:`occupant_words`."""
    names = [f"{code} of the base crystal" for code in recipe.ligands]
    names += [f"{guest.ccd} of {guest.entry.upper()}" for guest in recipe.guests]
    return occupant_words(names, occupants, pocket)


def occupant_words(names: list[str], occupants: tuple[AtomArray | Occupant, ...], pocket: float) -> list[str]:
    """The ligands around which a model was relaxed, how they stood there, and what was held beside them.

    Parameters
    ----------
    names
        In words.
    occupants
        In the same order; those that carry parameters were charged.
    pocket
        Restraint of the side chains that touch these, kcal/mol/angstrom^2.
    """
    if not names:
        return []
    charged = {place: held.description for place, held in enumerate(occupants) if isinstance(held, Occupant)}
    ways = [
        f"{names[place]} in place with its own charges ({description}), heavy atoms fixed, hydrogens free"
        for place, description in charged.items()
    ]
    if spheres := [name for place, name in enumerate(names) if place not in charged]:
        ways.append(f"{' and '.join(spheres)} in place as fixed uncharged spheres")
    words = [f"Relaxed with {' and '.join(ways)}, so that pockets keep their shape; the model holds none."]
    if charged and pocket > 0.0:
        words.append(
            f"Side chains that touch a ligand were held by {pocket:g} kcal/mol/angstrom^2 to their crystal's "
            "places in every stage that would hold them less."
        )
    return words


def joint_words(before: AtomArray, after: AtomArray, recipe: StateRecipe) -> list[str]:
    """Length and planarity of the peptide bonds where parts meet, before and after relaxation."""
    words = []
    parts: tuple[CrystalPart | BuiltStretch, ...] = (*recipe.grafts, *recipe.placements, *recipe.built)
    for part in parts:
        for (left, length, turn), (_, relaxed, planar) in zip(
            joints_of(before, part), joints_of(after, part), strict=True
        ):
            words.append(
                f"{left}/{left + 1} {length:.2f} -> {relaxed:.2f} angstrom, "
                f"omega {turn:.0f} -> {planar:.0f} degrees"
            )
    if not words:
        return []
    return ["Peptide bonds where parts meet, before and after relaxation: " + "; ".join(words) + "."]


def built_words(built: dict[int, tuple[str, ...]], turned: tuple[str, ...]) -> list[str]:
    """Side-chain atoms that were built, and side chains that were turned round."""
    words = []
    if built:
        listed = "; ".join(f"{number}: {' '.join(names)}" for number, names in built.items())
        words.append(f"Heavy atoms the crystal does not show, built by PDBFixer: {listed}.")
    if turned:
        words.append(
            "Side chains turned round because that gains at least one hydrogen bond: "
            + ", ".join(turned)
            + "."
        )
    return words


def residue_origins(
    assembly: Assembly,
    built: dict[int, tuple[str, ...]],
    turned: tuple[str, ...],
    repacked: dict[int, str],
) -> tuple[ResidueOrigin, ...]:
    """The origin of every residue, with what preparation did to it."""
    flipped = {int(name[3:]) for name in turned}
    origins = []
    for origin in assembly.origins:
        notes = [origin.note] if origin.note else []
        if origin.residue in built:
            notes.append("built atoms: " + " ".join(built[origin.residue]))
        if origin.residue in flipped:
            notes.append("side chain turned round")
        if origin.residue in repacked:
            notes.append(f"side chain in another rotamer ({repacked[origin.residue]})")
        origins.append(origin.model_copy(update={"note": "; ".join(notes)}))
    return tuple(origins)

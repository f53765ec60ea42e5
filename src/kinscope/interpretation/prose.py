"""Small help for sentences."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.targets.pack import DrugDefinition, TargetPack


def join(names: Sequence[str]) -> str:
    """Names as a list in prose, each once: ``a``, ``a and b``, ``a, b and c``."""
    unique = list(dict.fromkeys(names))
    if len(unique) < 2:
        return "".join(unique)
    return f"{', '.join(unique[:-1])} and {unique[-1]}"


def state_label(pack: TargetPack, identifier: str) -> str:
    """The state in words; its id for a structure the user brought."""
    return next((state.label for state in pack.states if state.id == identifier), identifier)


def region_label(pack: TargetPack, name: str) -> str:
    """The region in words; its name if the pack does not know it."""
    return next((region.label for region in pack.regions if region.name == name), name.replace("_", " "))


def in_prose(drug: DrugDefinition) -> str:
    """The drug's name within a sentence: generic names in lower case, codes (PD166326, ATP) as they are."""
    coded = drug.name.isupper() or any(character.isdigit() for character in drug.name)
    return drug.name if coded else drug.name.lower()


def left_out(reason: str, pack: TargetPack) -> str:
    """``atp: it binds ...`` as a sentence with the drug's name."""
    identifier, colon, rest = reason.partition(":")
    known = next((drug for drug in pack.drugs if drug.id == identifier), None)
    return f"Left out: {in_prose(known) if known else identifier}{colon}{rest}."

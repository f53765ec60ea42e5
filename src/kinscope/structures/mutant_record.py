"""What a mutant's record says: what was done, the new charge, and what deserves suspicion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kinscope.core.residues import one_letter
from kinscope.structures.model import AtomArray, ModelRecord, ResidueOrigin
from kinscope.structures.packing_sites import Residue, residues_of
from kinscope.structures.rotamers import dihedral_degrees

if TYPE_CHECKING:
    from kinscope.structures.candidates import Packed
    from kinscope.structures.mutation import MutationSettings

_PROLINE_PHI = (-110.0, -35.0)
"""Range that holds nearly all trans prolines (MacArthur & Thornton, J. Mol. Biol. 1991, 218, 397)."""


def mutant_record(
    native: AtomArray,
    mutant: AtomArray,
    native_record: ModelRecord,
    wanted: dict[int, str],
    packing: Packed,
    alternative: int,
    relative_energy_kcal_per_mol: float,
    settings: MutationSettings,
) -> ModelRecord:
    """The record of one alternative of a mutant."""
    old, new = residues_of(native), residues_of(mutant)
    short = "/".join(f"{one_letter(old[n].name)}{n}{one_letter(name)}" for n, name in wanted.items())
    method = [*native_record.method, f"Substituted {short}."]
    method += [
        f"Residue {number}: rotamer {label} of {name.capitalize()}, found by dead-end elimination and branch "
        f"and bound together with the side chains within {settings.repack_radius_angstrom:g} A."
        for (number, name), label in zip(wanted.items(), packing.labels, strict=True)
    ]
    if not packing.move.is_native:
        method.append(
            f"Backbone: residue {packing.move.residue} turned by {packing.move.degrees:+g} degrees about the "
            "line through its neighbours' CA (backrub) before packing, for the native backbone packs worse."
        )
    if packing.repacked:
        changed = ", ".join(
            f"{old[n].name.capitalize()}{n} to {label}" for n, label in packing.repacked.items()
        )
        method.append(f"Neighbours that left their native rotamer: {changed}.")
    method.append(
        f"Relaxed in ff14SB: new atoms and side chains without solvent, then the shell within "
        f"{settings.shell_radius_angstrom:g} A in implicit solvent (OBC II) with backbone restraints of "
        f"{settings.backbone_restraint_kcal_per_mol_angstrom2:g} kcal/mol/A^2; all other atoms fixed."
    )
    for number, name in wanted.items():
        method += cautions(old, number, name)
    method.append(f"Net charge {net_charge(new):+d} e (native {net_charge(old):+d} e).")
    protonation = {k: v for k, v in native_record.protonation.items() if _number_in(k) not in wanted}
    for number, name in wanted.items():
        if name == "HIS":
            protonation[f"HIS{number}"] = histidine_state(new[number])
    origins = tuple(
        ResidueOrigin(
            residue=o.residue, origin="substituted", entry=o.entry, note=f"was {old[o.residue].name}"
        )
        if o.residue in wanted
        else o
        for o in native_record.origins
    )
    return native_record.model_copy(
        update={
            "variant": short,
            "alternative": alternative,
            "relative_energy_kcal_per_mol": float(relative_energy_kcal_per_mol),
            "origins": origins,
            "method": tuple(method),
            "protonation": protonation,
        }
    )


def cautions(residues: dict[int, Residue], number: int, name: str) -> list[str]:
    """What is special about a substitution: proline, glycine, cysteine, lost or gained hydrogens."""
    old = residues[number]
    phi = _phi(residues, number)
    notes = []
    if name == "PRO":
        notes.append(
            f"Residue {number}: proline has no NH; a hydrogen bond of the native's is lost if it made one."
        )
        if phi is not None and not _PROLINE_PHI[0] <= phi <= _PROLINE_PHI[1]:
            notes.append(
                f"Residue {number}: native phi {phi:.0f} degrees lies outside a proline's range "
                f"({_PROLINE_PHI[0]:.0f} to {_PROLINE_PHI[1]:.0f}): the backbone is strained or would move "
                "further than this model lets it."
            )
    if old.name == "PRO":
        notes.append(
            f"Residue {number}: the amide hydrogen a proline lacks was added; the backbone may gain freedom."
        )
    if old.name == "GLY" and phi is not None and phi > 0:
        notes.append(f"Residue {number}: glycine had phi {phi:.0f} degrees, which strains any other residue.")
    if name == "GLY":
        notes.append(f"Residue {number}: glycine makes the backbone more flexible than this model shows.")
    if name == "CYS":
        notes.append(f"Residue {number}: a free thiol; no disulphide was made, whatever stands near.")
    return notes


def _phi(residues: dict[int, Residue], number: int) -> float | None:
    before, here = residues.get(number - 1), residues[number]
    if before is None or "C" not in before.atom_names:
        return None
    return float(dihedral_degrees(before.at("C"), here.at("N"), here.at("CA"), here.at("C")))


def net_charge(residues: dict[int, Residue]) -> int:
    """Net charge of a model, e, from its hydrogens (ff14SB charges, rounded)."""
    from kinscope.structures.packing_energy import residue_types

    return round(float(sum(np.sum(residue_types(r.name, r.atom_names).charge) for r in residues.values())))


def histidine_state(residue: Residue) -> str:
    """``HID``, ``HIE`` or ``HIP`` by the hydrogens there are."""
    delta, epsilon = "HD1" in residue.atom_names, "HE2" in residue.atom_names
    return "HIP" if delta and epsilon else "HID" if delta else "HIE"


def _number_in(key: str) -> int:
    digits = "".join(character for character in key if character.isdigit())
    return int(digits) if digits else -1

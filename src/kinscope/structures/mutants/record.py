"""What a mutant's record says: what was done, the new charge, and what deserves suspicion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kinscope.core.residues import one_letter
from kinscope.results.models import ModelRecord, ResidueOrigin
from kinscope.structures.model import AtomArray
from kinscope.structures.mutants.strain import PROLINE_PHI, phi_of, strain_left
from kinscope.structures.side_chains.rotamers import dihedral_degrees
from kinscope.structures.side_chains.sites import Residue, backbone_angles, residues_of, rotamers_at

if TYPE_CHECKING:
    from kinscope.structures.mutants.candidates import Packed
    from kinscope.structures.mutants.settings import MutationSettings
    from kinscope.structures.mutants.strain import Relief


_HELICAL_PSI = (-75.0, -15.0)
"""Rare in the residue before proline (same paper; Schimmel & Flory, J. Mol. Biol. 1968, 34, 105)."""
_CROWDED_ANGSTROM = 3.1
"""Less than carbon and oxygen touch at (3.2 A with Bondi's radii)."""
_HBOND_ANGSTROM, _HBOND_DEGREES = 2.5, 120.0


def mutant_record(
    native: AtomArray,
    mutant: AtomArray,
    native_record: ModelRecord,
    wanted: dict[int, str],
    packing: Packed,
    alternative: int,
    relative_energy_kcal_per_mol: float,
    settings: MutationSettings,
    relief: Relief | None = None,
) -> ModelRecord:
    """The record of one alternative of a mutant."""
    old, new = residues_of(native), residues_of(mutant)
    short = "/".join(f"{one_letter(old[n].name)}{n}{one_letter(name)}" for n, name in wanted.items())
    method = [*native_record.method, f"Substituted {short}."]
    method += _done(old, new, wanted, packing, settings)
    if relief is not None:
        method.append(relief.in_words)
    method += _suspicious(native, mutant, old, new, wanted)
    method.append(_charge_in_words(net_charge(old), net_charge(new)))
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


def _done(
    old: dict[int, Residue],
    new: dict[int, Residue],
    wanted: dict[int, str],
    packing: Packed,
    settings: MutationSettings,
) -> list[str]:
    """What was packed and relaxed, in words."""
    method = [
        f"Residue {number}: rotamer {label}{_share_in_words(new, number, label)}, found by dead-end "
        "elimination and branch and bound together with the side chains within "
        f"{settings.repack_radius_angstrom:g} A."
        for number, label in zip(wanted, packing.labels, strict=True)
    ]
    method += [
        f"Backbone: residue {move.residue} turned by {move.degrees:+g} degrees about the line through its "
        "neighbours' CA (backrub) before packing, for the native backbone packs worse."
        for move in packing.moves
    ]
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
    return method


def _suspicious(
    native: AtomArray,
    mutant: AtomArray,
    old: dict[int, Residue],
    new: dict[int, Residue],
    wanted: dict[int, str],
) -> list[str]:
    """What deserves suspicion: special residues, and what is left strained."""
    words = []
    for number, name in wanted.items():
        words += cautions(old, number, name)
        if name == "PRO":
            words += proline_fit(old, new, number)
    strained = strain_left(native, mutant, list(wanted))
    if strained:
        words.append(
            f"Left strained after relaxation: {'; '.join(strained)}. The native's conformation does not suit "
            "this substitution; the kinase would move further than this model lets it."
        )
    return words


def cautions(residues: dict[int, Residue], number: int, name: str) -> list[str]:
    """What is special about a substitution: proline, glycine, cysteine, lost or gained hydrogens."""
    old = residues[number]
    phi = phi_of(residues, number)
    notes = []
    if name == "PRO":
        partner = amide_partner(residues, number)
        lost = "the native's makes no hydrogen bond" if partner is None else f"{partner} loses its bond to it"
        notes.append(f"Residue {number}: proline has no NH; {lost}.")
        if phi is not None and not PROLINE_PHI[0] <= phi <= PROLINE_PHI[1]:
            notes.append(
                f"Residue {number}: native phi {phi:.0f} degrees lies outside a proline's range "
                f"({PROLINE_PHI[0]:.0f} to {PROLINE_PHI[1]:.0f}): the backbone is strained or would move "
                "further than this model lets it."
            )
    if old.name == "PRO":
        notes.append(
            f"Residue {number}: the amide hydrogen a proline lacks was added; the backbone may gain freedom."
        )
    if old.name == "GLY" and phi is not None and phi > 0:
        notes.append(
            f"Residue {number}: glycine had phi {phi:.0f} degrees, which strains any other residue (Asn, Asp "
            "least); the backbone may turn further than this model lets it."
        )
    if name == "GLY":
        notes.append(f"Residue {number}: glycine makes the backbone more flexible than this model shows.")
    if name == "CYS":
        notes.append(f"Residue {number}: a free thiol; no disulphide was made, whatever stands near.")
    return notes


def amide_partner(residues: dict[int, Residue], number: int) -> str | None:
    """The acceptor of a residue's N-H in the model, such as ``O of Gln300 (2.0 A)``, if there is one.

    H...A up to 2.5 angstrom and an angle at the hydrogen of at least 120 degrees (Baker & Hubbard, Prog.
    Biophys. Mol. Biol. 1984, 44, 97).
    """
    here = residues[number]
    if "H" not in here.atom_names:
        return None
    hydrogen, nitrogen = here.at("H"), here.at("N")
    found: list[tuple[float, str]] = []
    for other in residues.values():
        if abs(other.number - number) < 2:
            continue
        for atom, place in zip(other.atom_names, other.coord, strict=True):
            if atom[0] != "O":
                continue
            arm = place - hydrogen
            distance = float(np.linalg.norm(arm))
            if distance <= _HBOND_ANGSTROM and _angle(nitrogen - hydrogen, arm) >= _HBOND_DEGREES:
                name = f"{other.name.capitalize()}{other.number}"
                found.append((distance, f"{atom} of {name} ({distance:.1f} A)"))
    return min(found)[1] if found else None


def proline_fit(old: dict[int, Residue], new: dict[int, Residue], number: int) -> list[str]:
    """How a new proline suits its place: the residue before it, what stands where NH was, cis or trans."""
    notes = []
    before = old.get(number - 1)
    if before is not None and before.name != "ACE":
        phi, psi = backbone_angles(old, number - 1)
        if phi is not None and psi is not None and phi < 0 and _HELICAL_PSI[0] <= psi <= _HELICAL_PSI[1]:
            notes.append(
                f"Residue {number}: the residue before has phi {phi:.0f} and psi {psi:.0f} degrees, helical: "
                "rare before proline, whose CD meets it there."
            )
    ring = new[number].at("CD")
    for other in new.values():
        if abs(other.number - number) < 2 or "O" not in other.atom_names:
            continue
        gap = float(np.linalg.norm(other.at("O") - ring))
        if gap < _CROWDED_ANGSTROM:
            notes.append(
                f"Residue {number}: the ring's CD stands {gap:.1f} A from the carbonyl oxygen of "
                f"{other.name.capitalize()}{other.number}."
            )
    if before is not None:
        first = new[number - 1].at("CH3" if before.name == "ACE" else "CA")
        here = new[number]
        turn = float(dihedral_degrees(first, new[number - 1].at("C"), here.at("N"), here.at("CA")))
        kind = "trans" if abs(turn) > 90 else "cis"
        notes.append(
            f"Residue {number}: the peptide bond before proline is {kind} (omega {turn:.0f} degrees) as in "
            "the native; about 6 % of those before proline are cis in crystals, which was not tried."
        )
    return notes


def _share_in_words(residues: dict[int, Residue], number: int, label: str) -> str:
    """How common the rotamer is on the model's backbone, with the library's name as its licence asks."""
    name = residues[number].name
    shares = {rotamer.name: rotamer.share_percent for rotamer in rotamers_at(residues, number, name)}
    if label.split()[-1] not in shares:
        return f" of {name.capitalize()}"
    share = shares[label.split()[-1]]
    return f" of {name.capitalize()} ({share:.0f} % on such a backbone; Shapovalov & Dunbrack 2011)"


def _charge_in_words(native: int, mutant: int) -> str:
    change = mutant - native
    told = f"; {change:+d} e, and the ions of a water box follow" if change else ""
    return f"Net charge {mutant:+d} e (native {native:+d} e{told})."


def _angle(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def net_charge(residues: dict[int, Residue]) -> int:
    """Net charge of a model, e, from its hydrogens (ff14SB charges, rounded)."""
    from kinscope.structures.side_chains.energy import residue_types

    return round(float(sum(np.sum(residue_types(r.name, r.atom_names).charge) for r in residues.values())))


def histidine_state(residue: Residue) -> str:
    """``HID``, ``HIE`` or ``HIP`` by the hydrogens there are."""
    delta, epsilon = "HD1" in residue.atom_names, "HE2" in residue.atom_names
    return "HIP" if delta and epsilon else "HID" if delta else "HIE"


def _number_in(key: str) -> int:
    digits = "".join(character for character in key if character.isdigit())
    return int(digits) if digits else -1

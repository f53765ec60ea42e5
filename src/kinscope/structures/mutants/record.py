"""What a mutant's record says: what was done, the new charge, and what deserves suspicion."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from kinscope.core.residues import one_letter
from kinscope.results.models import ModelRecord, ResidueOrigin
from kinscope.results.notes import Note, note
from kinscope.structures.model import AtomArray
from kinscope.structures.mutants.backbone_moves import angle_at
from kinscope.structures.mutants.strain import PROLINE_PHI, strain_left
from kinscope.structures.side_chains.sites import Residue, backbone_angles, residues_of, rotamers_at
from kinscope.structures.stereochemistry import dihedrals

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
    native_record: ModelRecord,
    wanted: dict[int, str],
    packing: Packed,
    settings: MutationSettings,
    relief: Relief | None = None,
) -> ModelRecord:
    """The record of a mutant whose packing holds the relaxed atoms; which alternative it is remains open."""
    old, new = residues_of(native), residues_of(packing.atoms)
    short = "/".join(f"{one_letter(old[n].name)}{n}{one_letter(name)}" for n, name in wanted.items())
    method = [*native_record.method, note("substituted", variant=short)]
    method += _done(old, new, wanted, packing, settings)
    if relief is not None:
        method.append(relief.noted)
    for number, name in wanted.items():
        method += cautions(old, number, name)
        if name == "PRO":
            method += proline_fit(old, new, number)
    if strained := strain_left(native, packing.atoms, list(wanted)):
        method.append(strained)
    method.append(note("net-charge", native_e=net_charge(old), mutant_e=net_charge(new)))
    kept = native_record.protonation.items()
    protonation = {key: state for key, state in kept if int(re.sub(r"\D", "", key)) not in wanted}
    protonation |= {f"HIS{n}": histidine_state(new[n]) for n, name in wanted.items() if name == "HIS"}
    origins = tuple(
        ResidueOrigin(
            residue=o.residue, origin="substituted", entry=o.entry, note=f"was {old[o.residue].name}"
        )
        if o.residue in wanted
        else o
        for o in native_record.origins
    )
    return native_record.model_copy(
        update={"variant": short, "origins": origins, "method": tuple(method), "protonation": protonation}
    )


def _done(
    old: dict[int, Residue],
    new: dict[int, Residue],
    wanted: dict[int, str],
    packing: Packed,
    settings: MutationSettings,
) -> list[Note]:
    method = [
        note(
            "rotamer-chosen",
            residue=number,
            rotamer=label,
            amino_acid=new[number].name.capitalize(),
            share_percent=_share_percent(new, number, label),
            radius_angstrom=settings.repack_radius_angstrom,
        )
        for number, label in zip(wanted, packing.labels, strict=True)
    ]
    method += [note("backbone-turned", residue=move.residue, degrees=move.degrees) for move in packing.moves]
    if packing.repacked:
        changed = (f"{old[n].name.capitalize()}{n} to {label}" for n, label in packing.repacked.items())
        method.append(note("neighbours-repacked", changed=tuple(changed)))
    restraint = settings.backbone_restraint_kcal_per_mol_angstrom2
    held = {"radius_angstrom": settings.shell_radius_angstrom, "restraint_kcal_per_mol_angstrom2": restraint}
    return [*method, note("shell-relaxed", **held)]


def cautions(residues: dict[int, Residue], number: int, name: str) -> list[Note]:
    """What is special about a substitution: proline, glycine, cysteine, lost or gained hydrogens."""
    old = residues[number]
    phi, _ = backbone_angles(residues, number)
    notes = []
    if name == "PRO":
        acceptor, gap = amide_partner(residues, number) or (None, None)
        notes.append(note("proline-without-amide", residue=number, acceptor=acceptor, gap_angstrom=gap))
        low, high = PROLINE_PHI
        if phi is not None and not low <= phi <= high:
            notes.append(
                note("proline-phi", residue=number, phi_degrees=phi, low_degrees=low, high_degrees=high)
            )
    if old.name == "PRO":
        notes.append(note("proline-lost", residue=number))
    if old.name == "GLY" and phi is not None and phi > 0:
        notes.append(note("glycine-lost", residue=number, phi_degrees=phi))
    if name == "GLY":
        notes.append(note("glycine-gained", residue=number))
    if name == "CYS":
        notes.append(note("cysteine-gained", residue=number))
    return notes


def amide_partner(residues: dict[int, Residue], number: int) -> tuple[str, float] | None:
    """The acceptor of a residue's N-H, such as ``O of Gln300``, and its distance (angstrom), if any.

    H...A up to 2.5 angstrom and an angle at the hydrogen of at least 120 degrees (Baker & Hubbard, Prog.
    Biophys. Mol. Biol. 1984, 44, 97).
    """
    here = residues[number]
    if "H" not in here.atom_names:
        return None
    hydrogen, nitrogen = here.at("H"), here.at("N")
    found: list[tuple[float, str]] = []
    for other in residues.values():
        for atom, place in zip(other.atom_names, other.coord, strict=True):
            distance = float(np.linalg.norm(place - hydrogen))
            if atom[0] != "O" or abs(other.number - number) < 2 or distance > _HBOND_ANGSTROM:
                continue
            if angle_at(nitrogen, hydrogen, place) >= _HBOND_DEGREES:
                found.append((distance, f"{atom} of {other.name.capitalize()}{other.number}"))
    return min(found)[::-1] if found else None


def proline_fit(old: dict[int, Residue], new: dict[int, Residue], number: int) -> list[Note]:
    """How a new proline suits its place: the residue before it, what stands where NH was, cis or trans."""
    notes = []
    before = old.get(number - 1)
    if before is not None and before.name != "ACE":
        phi, psi = backbone_angles(old, number - 1)
        if phi is not None and psi is not None and phi < 0 and _HELICAL_PSI[0] <= psi <= _HELICAL_PSI[1]:
            notes.append(
                note("helical-before-proline", residue=number, phi_degrees=float(phi), psi_degrees=float(psi))
            )
    ring = new[number].at("CD")
    for other in new.values():
        if abs(other.number - number) < 2 or "O" not in other.atom_names:
            continue
        gap = float(np.linalg.norm(other.at("O") - ring))
        if gap < _CROWDED_ANGSTROM:
            name = f"{other.name.capitalize()}{other.number}"
            notes.append(note("proline-crowded", residue=number, gap_angstrom=gap, other=name))
    if before is not None:
        first = new[number - 1].at("CH3" if before.name == "ACE" else "CA")
        here = new[number]
        turn = float(dihedrals(first, new[number - 1].at("C"), here.at("N"), here.at("CA")))
        kind = "trans" if abs(turn) > 90 else "cis"
        notes.append(note("proline-peptide", residue=number, kind=kind, omega_degrees=turn))
    return notes


def _share_percent(residues: dict[int, Residue], number: int, label: str) -> float | None:
    """How common the rotamer is on the model's backbone; None where the library does not know it."""
    found = rotamers_at(residues, number, residues[number].name)
    return next((float(r.share_percent) for r in found if r.name == label.split()[-1]), None)


def net_charge(residues: dict[int, Residue]) -> int:
    """Net charge of a model, e, from its hydrogens (ff14SB charges, rounded)."""
    from kinscope.structures.side_chains.energy import residue_types

    return round(float(sum(np.sum(residue_types(r.name, r.atom_names).charge) for r in residues.values())))


def histidine_state(residue: Residue) -> str:
    """``HID``, ``HIE`` or ``HIP`` by the hydrogens there are."""
    delta, epsilon = "HD1" in residue.atom_names, "HE2" in residue.atom_names
    return "HIP" if delta and epsilon else "HID" if delta else "HIE"

"""The interactions of one residue with those around it, and what a substitution does to them.

Definitions and detection are ProLIF's (Bouysset & Fiorucci, J. Cheminform. 2021, 13, 72) on explicit
hydrogens: hydrogen bonds by donor-acceptor distance up to 3.5 A and a D-H...A angle of at least 130 degrees,
hydrophobic contacts up to 4.5 A, stacking and cation-pi by distance and plane angles, van der Waals contacts
by Bondi-like radii. Salt bridges are held to the 4.0 A of Barlow & Thornton (J. Mol. Biol. 1983, 168, 867).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis.results import Contact, ContactChange
from kinscope.core.errors import StructureError
from kinscope.structures.model import AtomArray

SALT_BRIDGE_ANGSTROM = 4.0
_REACH_ANGSTROM = 7.5
"""Beyond every definition's longest distance between atoms or ring centres and an atom of the ring."""

KINDS = {
    "HBDonor": "hydrogen bond",
    "HBAcceptor": "hydrogen bond",
    "Cationic": "salt bridge",
    "Anionic": "salt bridge",
    "CationPi": "cation-pi",
    "PiCation": "cation-pi",
    "PiStacking": "pi stacking",
    "Hydrophobic": "hydrophobic",
    "VdWContact": "van der Waals",
}
"""ProLIF's names of interactions and ours, strongest kinds first."""
_ORDER = tuple(dict.fromkeys(KINDS.values()))
_ATOM_KINDS = ("hydrogen bond", "salt bridge")
_TRIVIAL_BETWEEN_BONDED = ("hydrophobic", "van der Waals")


def neighbourhood(atoms: AtomArray, residue: int) -> list[Contact]:
    """Every interaction of a residue with the rest of a model.

    Parameters
    ----------
    atoms
        Model with all hydrogens (conventions of :mod:`kinscope.structures.model`).
    residue
        Its number.

    Returns
    -------
    list of Contact
        Strongest kinds first, nearest first within a kind. Each hydrogen bond and salt bridge stands for
        itself (one per pair of residues for a salt bridge); of the other kinds there is one per partner, the
        nearest. Contacts that chain neighbours have only because they are bonded are left out.

    Raises
    ------
    StructureError
        If the residue is not in the model.
    """
    here = _of_residue(atoms, residue)
    near = atoms[_near_residues(atoms, here)]
    found: dict[tuple[int, str, str], Contact] = {}
    for partner, kind, distance, label in _interactions(near, residue):
        if abs(partner - residue) == 1 and kind in _TRIVIAL_BETWEEN_BONDED:
            continue
        key = (partner, kind, label if kind == "hydrogen bond" else "")
        if key not in found or distance < found[key].distance_angstrom:
            found[key] = Contact(
                residue=residue,
                residue_name=str(atoms.res_name[here][0]).capitalize(),
                partner=partner,
                partner_name=str(near.res_name[near.res_id == partner][0]).capitalize(),
                kind=kind,
                distance_angstrom=round(distance, 2),
                atoms=label,
            )
    return sorted(found.values(), key=lambda c: (_ORDER.index(c.kind), c.distance_angstrom, c.partner))


def compare_neighbourhoods(
    state: str, native_contacts: Sequence[Contact], mutants_contacts: Sequence[Sequence[Contact]]
) -> list[ContactChange]:
    """What a substitution keeps, loses and gains, over the mutant's alternative models.

    A contact is kept where some alternative has one of the same kind with the same partner; the residue
    itself has changed, so atoms are not compared. ``fraction_of_alternatives`` says in how many
    alternatives the change stands: a kept or gained contact is there, a lost one is missing.

    Parameters
    ----------
    state
        Id of the state.
    native_contacts
        Of the residue in the native model.
    mutants_contacts
        Of the residue in each alternative.

    Returns
    -------
    list of ContactChange
        Lost first, then gained, then kept. A native contact that only some alternatives keep appears twice,
        kept in its share and lost in the rest.
    """
    native = _nearest_by_key(native_contacts)
    mutants = [_nearest_by_key(contacts) for contacts in mutants_contacts]
    if not mutants:
        return []
    changes = []
    for key in sorted({*native, *(key for mutant in mutants for key in mutant)}, key=_key_order):
        having = [mutant[key] for mutant in mutants if key in mutant]
        share = len(having) / len(mutants)
        if key not in native:
            changes.append(_change(state, having[0], "gained", share))
            continue
        if having:
            changes.append(_change(state, native[key], "kept", share))
        if share < 1.0:
            changes.append(_change(state, native[key], "lost", 1.0 - share))
    return sorted(changes, key=lambda change: ("lost", "gained", "kept").index(change.change))


def _change(state: str, contact: Contact, change: Any, share: float) -> ContactChange:
    return ContactChange(state=state, contact=contact, change=change, fraction_of_alternatives=share)


def _nearest_by_key(contacts: Sequence[Contact]) -> dict[tuple[str, int], Contact]:
    nearest: dict[tuple[str, int], Contact] = {}
    for contact in contacts:
        key = (contact.kind, contact.partner)
        if key not in nearest or contact.distance_angstrom < nearest[key].distance_angstrom:
            nearest[key] = contact
    return nearest


def _key_order(key: tuple[str, int]) -> tuple[int, int]:
    return (_ORDER.index(key[0]) if key[0] in _ORDER else len(_ORDER), key[1])


def _of_residue(atoms: AtomArray, residue: int) -> NDArray[np.bool_]:
    here: NDArray[np.bool_] = np.asarray(atoms.res_id) == residue
    if not here.any():
        raise StructureError(
            f"Residue {residue} is not in this model.",
            where=f"residue {residue}",
            remedy="Choose a state whose model holds the residue (kinscope models list).",
        )
    return here


def _near_residues(atoms: AtomArray, here: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whole residues with an atom near, without the caps."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(atoms.coord[here]).query(atoms.coord, distance_upper_bound=_REACH_ANGSTROM)
    numbers = np.unique(np.asarray(atoms.res_id)[np.isfinite(distance)])
    chosen: NDArray[np.bool_] = np.isin(atoms.res_id, numbers) & ~np.isin(atoms.res_name, ["ACE", "NME"])
    return chosen


def _interactions(near: AtomArray, residue: int) -> Iterator[tuple[int, str, float, str]]:
    """Partner, kind, distance and atoms of each interaction ProLIF sees."""
    import prolif

    names = [str(name) for name in near.atom_name]
    molecule = prolif.Molecule.from_rdkit(rdkit_molecule(near))
    fingerprint = prolif.Fingerprint(
        list(KINDS),
        parameters={
            "Cationic": {"distance": SALT_BRIDGE_ANGSTROM},
            "Anionic": {"distance": SALT_BRIDGE_ANGSTROM},
        },
        count=True,
    )
    ours = next(part for part in molecule.residues.values() if part.resid.number == residue)
    for partner in molecule.residues.values():
        if partner.resid.number == residue:
            continue
        for name, sightings in fingerprint.metadata(ours, partner).items():
            for sighting in sightings:
                ends = sighting["parent_indices"]
                label = " - ".join(
                    "/".join(names[i] for i in ends[side] if names[i][0] != "H" or name == "VdWContact")
                    for side in ("ligand", "protein")
                )
                yield int(partner.resid.number), KINDS[name], float(sighting["distance"]), label


def rdkit_molecule(atoms: AtomArray) -> Any:
    """An RDKit molecule of residues with explicit hydrogens, formal charges read from the hydrogens."""
    import biotite.structure as struc
    from biotite.interface import rdkit as interface
    from rdkit import Chem

    part = atoms.copy()
    if "charge" not in part.get_annotation_categories():
        part.add_annotation("charge", dtype=int)
    part.charge[:] = 0
    part.bonds = struc.connect_via_residue_names(part)
    names, numbers = np.asarray(part.atom_name), np.asarray(part.res_id)
    for number in np.unique(numbers):
        index = {str(names[i]): int(i) for i in np.flatnonzero(numbers == number)}
        _set_charges(part, str(part.res_name[numbers == number][0]), index)
    molecule = interface.to_mol(part, explicit_hydrogen=True)
    Chem.SanitizeMol(molecule)
    return molecule


def _set_charges(part: AtomArray, name: str, index: dict[str, int]) -> None:
    """Formal charges of one residue; a delta tautomer's double bond moves with its hydrogen."""
    from biotite.structure import BondType

    charged = {
        "LYS": ("NZ", 1, {"HZ1", "HZ2", "HZ3"} <= index.keys()),
        "ARG": ("NH2", 1, {"HH11", "HH12", "HH21", "HH22"} <= index.keys()),
        "ASP": ("OD2", -1, not {"HD1", "HD2"} & index.keys()),
        "GLU": ("OE2", -1, not {"HE1", "HE2"} & index.keys()),
        "HIS": ("ND1", 1, {"HD1", "HE2"} <= index.keys()),
    }
    if name in charged:
        atom, charge, there = charged[name]
        if there and atom in index:
            part.charge[index[atom]] = charge
    if name == "HIS" and "HD1" in index and "HE2" not in index:
        part.bonds.remove_bond(index["CE1"], index["ND1"])
        part.bonds.remove_bond(index["CE1"], index["NE2"])
        part.bonds.add_bond(index["CE1"], index["ND1"], BondType.SINGLE)
        part.bonds.add_bond(index["CE1"], index["NE2"], BondType.DOUBLE)

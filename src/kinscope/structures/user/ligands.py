"""What stands beside the kinase in a user's structure, what keeps its pockets, and which drugs fit there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from kinscope.core.files import write_atomic
from kinscope.core.quoting import plain_name
from kinscope.core.records import Record
from kinscope.results.notes import Note, note
from kinscope.results.user_structure import PocketLigand
from kinscope.structures.model import AtomArray
from kinscope.structures.superposition import SiteFit, fit_site
from kinscope.structures.user.file import WATER
from kinscope.structures.user.gaps import Donor
from kinscope.structures.wwpdb.entries import AtomRow, atom_array
from kinscope.targets.pack import DrugDefinition, TargetPack

POSES_DIRECTORY = "poses"
TOUCH_ANGSTROM = 4.5
"""A residue with a heavy atom this near a ligand's is in contact with it, as in the pack's pocket regions."""
MIN_POCKET_CONTACTS = 4
MIN_HEAVY_ATOMS = 8
"""Smaller molecules (glycerol, sulphate, DMSO) are the crystal's, not the pocket's."""
MAX_HEAVY_ATOMS = 150
MAX_SITE_RMSD = 2.0
"""CA atoms around a ligand, angstrom: beyond it the pocket is another one. Helix I bent by myristate or
straight differs by more; two crystals of one state by 0.3-0.8."""
STAND_IN_CLEARANCE = 2.6
"""A reference pose is laid into an empty pocket only if no heavy atom of the protein is nearer than this."""
# What crystals hold of the solution that they grew in; kinds as in BioLiP's artefacts (Yang, Roy & Zhang,
# Nucleic Acids Res. 2013, 41, D1096). Glycols are known by their shape: every length has a code of its own.
# HEPES, MES, MOPS, PIPES, CAPS, CHES, bicine, Tris, Bis-Tris, Bis-Tris propane
_BUFFERS = "EPE MES MPO PIN CXS NHE BCN TRS BTB B3P"
# citrate, tartrate, succinate, malate, malonate
_ACIDS = "CIT FLC TLA TAR SRT SIN MLT MLI"
# methylpentanediol, hexanediol, Jeffamine, glycerol, ethylene glycol, DMSO, sucrose, trehalose
_SOLVENTS = "MPD MRD HEZ JEF GOL EDO DMS SUC TRE"
# octyl glucoside, dodecyl maltoside, LDAO, dodecyl sulphate, C8E4, CHAPS, monoolein
_DETERGENTS = "BOG LMT LDA SDS C8E CPS OLC"
# dithiothreitol, TCEP, mercaptoethanol, spermine, spermidine
_OTHERS = "DTT TCE BME SPM SPD"
_CODES = frozenset(f"{_BUFFERS} {_ACIDS} {_SOLVENTS} {_DETERGENTS} {_OTHERS}".split())
_BONDED_ANGSTROM = 1.9
"""Between carbons and oxygens: bonds are 1.2-1.6, the next neighbours 2.2 and more."""
_ELEMENTS = {"C", "N", "O", "S", "P", "F", "CL", "BR", "I", "B", "SE", "SI"}


@dataclass(frozen=True)
class Surroundings:
    """Everything of the file that is not the chosen chain's protein."""

    ligands: tuple[PocketLigand, ...]
    occupants: tuple[AtomArray, ...]
    """Heavy atoms of those ligands, in the file's frame."""
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class KnownPose:
    """A reference pose of the pack: heavy atoms only."""

    drug: DrugDefinition
    elements: tuple[str, ...]
    coordinates: NDArray[np.float64]
    """In the frame of the drug's own state, angstrom, shape (n, 3)."""


def surroundings(
    structure: Any, chain: str, protein: AtomArray, pack: TargetPack, dropped: int
) -> Surroundings:
    """Sort what the first model holds beside the chosen chain.

    ``protein`` is the chosen chain's heavy atoms in the target's numbering; ``dropped`` counts residues of
    its expression tags.
    """
    counts: Counter[str] = Counter()
    ligands: list[PocketLigand] = []
    occupants: list[AtomArray] = []
    others: Counter[str] = Counter()
    for part in structure[0]:
        for residue in part:
            if residue.name.upper() in WATER:
                counts["water"] += 1
                continue
            if _is_polymer(residue):
                if part.name != chain:
                    others[plain_name(part.name, 8)] += 1
                continue
            found = _in_pocket(residue, protein, pack)
            if found is None:
                counts[plain_name(residue.name, 8)] += 1
            else:
                ligands.append(found[0])
                occupants.append(found[1])
    left_out = [f"{dropped} residue(s) of tags"] if dropped else []
    left_out += [f"chain {name} ({number} residues)" for name, number in others.most_common(12)]
    if len(others) > 12:
        left_out.append(f"{len(others) - 12} more chains")
    left_out += [f"{name} x {number}" for name, number in counts.most_common(20)]
    return Surroundings(tuple(ligands), tuple(occupants), tuple(left_out))


def known_poses(pack: TargetPack) -> list[KnownPose]:
    """The reference poses that ship with the pack."""
    from rdkit import Chem

    found = []
    for drug in pack.drugs:
        path = pack.directory / POSES_DIRECTORY / f"{drug.id}.sdf"
        if path.is_file():
            molecule = next(iter(Chem.SDMolSupplier(str(path), removeHs=True)))
            elements = tuple(atom.GetSymbol().upper() for atom in molecule.GetAtoms())
            coordinates = np.asarray(molecule.GetConformer().GetPositions(), dtype=np.float64)
            found.append(KnownPose(drug, elements, coordinates))
    return found


def whole_drugs(around: Surroundings, poses: list[KnownPose]) -> set[str]:
    """Codes of the pack's drugs that stand in the structure's pockets with all their heavy atoms."""
    atoms = {pose.drug.ccd: sorted(pose.elements) for pose in poses}
    return {
        ligand.name
        for ligand, occupant in zip(around.ligands, around.occupants, strict=True)
        if atoms.get(ligand.name) == sorted(str(element) for element in occupant.element)
    }


def site_of(pose: KnownPose, sources: list[Donor], atoms: AtomArray) -> SiteFit | None:
    """How the shipped model that a pose lies in fits a structure around it; None where there is no way."""
    homes = (donor.atoms for donor in sources if donor.state == pose.drug.state)
    return next((fit_site(home, atoms, pose.coordinates) for home in homes), None)


def stand_ins(
    atoms: AtomArray,
    taken: tuple[PocketLigand, ...],
    drugs: tuple[str, ...],
    poses: list[KnownPose],
    sources: list[Donor],
    pack: TargetPack,
) -> tuple[list[PocketLigand], list[AtomArray]]:
    """For each pocket that the file shows empty, the largest reference pose that fits as it stands.

    A pocket closes on the vacuum that a ligand leaves while a model is relaxed; a pose that meets no atom
    keeps it as the file shows it, and cannot open it.
    """
    from scipy.spatial import cKDTree

    occupied, tree = {ligand.site for ligand in taken}, cKDTree(atoms.coord)
    ligands: list[PocketLigand] = []
    occupants: list[AtomArray] = []
    for pose in sorted(poses, key=lambda item: -len(item.elements)):
        fit = site_of(pose, sources, atoms) if pose.drug.id in drugs else None
        if fit is None:
            continue
        laid = occupant_array(pose.drug.ccd, list(pose.elements), fit.transform.apply(pose.coordinates))
        site, touched = _site(laid.coord, atoms, pack)
        if not site or site in occupied or tree.query(laid.coord)[0].min() < STAND_IN_CLEARANCE:
            continue
        occupied.add(site)
        ligands.append(
            PocketLigand(
                name=pose.drug.name, site=site, heavy_atoms=len(laid), residues=touched, stand_in=True
            )
        )
        occupants.append(laid)
    return ligands, occupants


def _is_polymer(residue: Any) -> bool:
    """Whether a residue is of a protein or nucleic acid (a calcium ion is called CA too, but is a HETATM)."""
    names = {atom.name for atom in residue}
    alone = "CA" in names and residue.het_flag != "H"
    return alone or {"N", "CA", "C"} <= names or {"P", "C4'"} <= names


def _in_pocket(residue: Any, protein: AtomArray, pack: TargetPack) -> tuple[PocketLigand, AtomArray] | None:
    atoms = [atom for atom in residue.first_conformer() if not atom.is_hydrogen()]
    if not MIN_HEAVY_ATOMS <= len(atoms) <= MAX_HEAVY_ATOMS:
        return None
    coordinates = np.array([atom.pos.tolist() for atom in atoms])
    elements = [atom.element.name for atom in atoms]
    site, touched = _site(coordinates, protein, pack)
    if not site or is_additive(residue.name, elements, coordinates):
        return None
    name = plain_name(residue.name, 8)
    laid = occupant_array(name, elements, coordinates)
    return PocketLigand(name=name, site=site, heavy_atoms=len(atoms), residues=touched), laid


def _site(coordinates: NDArray[Any], protein: AtomArray, pack: TargetPack) -> tuple[str, int]:
    """The pocket whose residues a molecule touches most, and how many of them; empty if too few."""
    from scipy.spatial import cKDTree

    distance = cKDTree(coordinates).query(protein.coord, distance_upper_bound=TOUCH_ANGSTROM)[0]
    touched = {int(number) for number in protein.res_id[np.isfinite(distance)]}
    binding = {drug.site for drug in pack.drugs}
    best = ("", 0)
    for region in pack.regions:
        if region.kind == "pocket" and any(region.name.startswith(site) for site in binding):
            number = len(touched & set(region.members()))
            best = max(best, (region.name, number), key=lambda item: item[1])
    return best if best[1] >= MIN_POCKET_CONTACTS else ("", 0)


def occupant_array(name: str, elements: list[str], coordinates: NDArray[Any]) -> AtomArray:
    """Heavy atoms of a molecule of a pocket; an element that is none of a drug's counts as carbon."""
    rows: list[AtomRow] = []
    for at, (element, place) in enumerate(zip(elements, coordinates, strict=True), start=1):
        symbol = element.upper()
        known = symbol if symbol in _ELEMENTS else "C"
        rows.append((f"{symbol}{elements[:at].count(element)}"[:4], known, place, 1, name[:3]))
    atoms = atom_array(rows)
    atoms.chain_id[:], atoms.hetero[:] = "L", True
    return atoms


class Occupant(Record):
    """A molecule of a pocket: heavy atoms in the model's frame."""

    ligand: PocketLigand
    elements: tuple[str, ...]
    coordinates_angstrom: tuple[tuple[float, float, float], ...]


_OCCUPANTS = TypeAdapter(list[Occupant])


def write_occupants(path: Path, ligands: tuple[PocketLigand, ...], occupants: tuple[AtomArray, ...]) -> None:
    """Write the molecules of the pockets as JSON."""
    rows = [
        Occupant(
            ligand=ligand,
            elements=tuple(str(element) for element in atoms.element),
            coordinates_angstrom=tuple(
                (round(float(x), 3), round(float(y), 3), round(float(z), 3)) for x, y, z in atoms.coord
            ),
        )
        for ligand, atoms in zip(ligands, occupants, strict=True)
    ]
    write_atomic(path, _OCCUPANTS.dump_json(rows, indent=1))


def read_occupants(path: Path) -> dict[str, AtomArray]:
    """The molecules that the file itself showed, by their Chemical Component codes; the first of each."""
    found: dict[str, AtomArray] = {}
    for row in _OCCUPANTS.validate_json(path.read_bytes()):
        if not row.ligand.stand_in and row.ligand.name not in found:
            coordinates = np.array(row.coordinates_angstrom, dtype=np.float64)
            found[row.ligand.name] = occupant_array(row.ligand.name, list(row.elements), coordinates)
    return found


def dockable(
    atoms: AtomArray,
    dfg: str,
    like: str,
    held: set[str],
    poses: list[KnownPose],
    sources: list[Donor],
    pack: TargetPack,
) -> tuple[tuple[str, ...], tuple[Note, ...]]:
    """Drugs whose known pose can be laid into a structure, and for each other drug why it cannot.

    A drug fits whose own state has the DFG class that was measured (or that of the state the user says the
    structure is like) and whose site the structure shows in that shape; and every drug that the structure
    itself holds.

    ``dfg`` is the measured class; a state id in ``like`` takes its place. ``held`` are Chemical Component
    codes of the drugs that stand in the structure whole; ``sources`` the shipped models that the poses lie
    in.
    """
    wanted = pack.state(like).dfg if like else dfg
    found: list[str] = []
    reasons: list[Note] = []
    posed = {pose.drug.id: pose for pose in poses}
    for drug in pack.drugs:
        own = pack.state(drug.state)
        pose = posed.get(drug.id)
        if pose is None:
            reasons.append(note("no-reference-pose", drug=drug.id))
            continue
        if drug.ccd in held:
            found.append(drug.id)
            continue
        if drug.state != like and (own.dfg != wanted or wanted not in ("in", "out", "inter")):
            reasons.append(note("binds-elsewhere", drug=drug.id, state=own.label, dfg=dfg, like=like))
            continue
        fit = site_of(pose, sources, atoms)
        if fit is None:
            reasons.append(note("site-not-shown", drug=drug.id))
        elif fit.lacking:
            reasons.append(note("site-lacks", drug=drug.id, residues=fit.lacking[:8]))
        elif fit.near_rmsd_angstrom > MAX_SITE_RMSD:
            rmsd, most = fit.near_rmsd_angstrom, MAX_SITE_RMSD
            bound: dict[str, str | float] = {"state": drug.state, "limit_angstrom": most}
            reasons.append(note("site-differs", drug=drug.id, rmsd_angstrom=rmsd, **bound))
        else:
            found.append(drug.id)
    return tuple(found), tuple(reasons)


def is_additive(code: str, elements: Sequence[str], coordinates: NDArray[np.float64]) -> bool:
    """Whether a molecule is of the crystal's solution.

    ``code``: in the Chemical Component Dictionary. ``elements``, ``coordinates``: of its heavy atoms,
    (n_atoms, 3) in angstrom.
    """
    return code.upper() in _CODES or _is_glycol([element.upper() for element in elements], coordinates)


def _is_glycol(elements: Sequence[str], coordinates: NDArray[np.float64]) -> bool:
    """An unbranched, open chain of carbons and oxygens: no two oxygens and no three carbons in a row."""
    if len(elements) < 4 or set(elements) != {"C", "O"}:
        return False
    gaps = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2)
    bonded = (gaps < _BONDED_ANGSTROM) & (gaps > 0.0)
    carbons = np.array([element == "C" for element in elements])
    alike = bonded & (carbons[:, None] == carbons[None])
    chain = bonded.sum() == 2 * (len(elements) - 1) and bonded.sum(axis=1).max() <= 2
    return bool(chain and not alike[~carbons].any() and alike[carbons].sum(axis=1).max() <= 1)

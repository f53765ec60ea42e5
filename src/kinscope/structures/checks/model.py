"""Is a model sound? Completeness, ends, stereochemistry, overlaps, conformation, distance from its crystals.

Bounds and the reasons for them: ``docs/why/structures.md``.

A side chain is an outlier where no rotamer has all of its chi angles within 45 degrees, or where the nearest
rotamer has a share below 0.3 % on that backbone. Rotamers are those of Lovell et al. (Proteins 2000, 40,
389); their shares and mean angles on a backbone those of Shapovalov & Dunbrack (Structure 2011, 19, 844).
The last chi of a planar group (Asn, Asp, Gln, Glu, His, Phe, Trp, Tyr), which turns widely in its well, may
be twice as far. The share is the one at which MolProbity draws its outlier contour (Hintze et al., Proteins
2016, 84, 1177), but the libraries give rotamers, not densities, so the two counts are not the same.
Proline's ring and side chains with missing atoms are left out.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.core.errors import StructureError
from kinscope.core.records import Record
from kinscope.core.residues import one_letter
from kinscope.results.measured import StateGeometry
from kinscope.results.models import ModelRecord
from kinscope.structures.completion.heavy_atoms import missing_atoms
from kinscope.structures.conformation.classify import classify_state
from kinscope.structures.conformation.literature import ASPECTS, LabelComparison, compare_labels
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.build import available_states, reference_model
from kinscope.structures.side_chains.rotamers import (
    CHI_ATOMS,
    chi_angles,
    chi_difference_degrees,
    rotamers_on,
)
from kinscope.structures.side_chains.sites import backbone_angles, residues_of
from kinscope.structures.stereochemistry import (
    BackboneTable,
    angle_deviations,
    backbone_table,
    bond_deviations,
    heavy_atom_overlaps,
    inverted_centres,
    omega,
    ramachandran_outliers,
)
from kinscope.structures.superposition import deviations
from kinscope.structures.wwpdb.entries import chain_of_structure, protein_chains
from kinscope.structures.wwpdb.source import MIRROR_VARIABLE, PdbSource, read_structure_file
from kinscope.targets.loader import load_target, target_names
from kinscope.targets.pack import TargetPack


class CrystalDeviation(Record):
    """How far the part of a model that comes from one crystal stands from it."""

    entry: str
    residues: int
    backbone_rmsd_angstrom: float
    """N, CA, C, O, superposed on the same atoms."""
    heavy_rmsd_angstrom: float
    """Every heavy atom both have, after the backbone's superposition."""


def crystal_deviations(
    atoms: AtomArray, record: ModelRecord, source: PdbSource, pack: TargetPack
) -> tuple[CrystalDeviation, ...]:
    """Each crystal's part of a model laid on that crystal by its backbone."""
    from kinscope.structures.wwpdb.entries import read_chain

    members: dict[str, list[int]] = defaultdict(list)
    for origin in record.origins:
        if origin.entry:
            members[origin.entry].append(origin.residue)
    found = []
    for label, residues in members.items():
        code, _, chain = label.partition(":")
        backbone, heavy = deviations(read_chain(source, code, chain, pack), atoms, residues)
        apart = {"backbone_rmsd_angstrom": backbone, "heavy_rmsd_angstrom": heavy}
        found.append(CrystalDeviation(entry=label, residues=len(residues), **apart))
    return tuple(found)


DISULPHIDE_ANGSTROM = 2.5
"""Sulphurs of a disulphide stand 2.05 angstrom apart; two thiols do not come nearer than 3.3."""


MAX_BOND_RMSD = 0.02
MAX_ANGLE_RMSD = 2.5
MAX_RAMACHANDRAN_OUTLIERS = 0.02
MAX_ROTAMER_OUTLIERS = 0.05
MAX_CLASHES_PER_1000 = 1.0
MAX_BACKBONE_RMSD = 0.6
CIS, TRANS = 30.0, 150.0


class CheckItem(Record):
    """One property of a model against its bound."""

    name: str
    value: str
    bound: str
    passed: bool
    times_bound: float | None = None
    """Its value over its bound; None where it is no number."""
    demanded: bool = True
    """Whether a structure that is beyond it fails; a crystal may lack what a model must have."""


class ModelCheck(Record):
    """Everything that was checked of one model."""

    name: str
    target: str = ""
    """Gene of the target whose numbering and landmarks were used."""
    items: tuple[CheckItem, ...]
    geometry: StateGeometry
    crystals: tuple[CrystalDeviation, ...] = ()
    overlaps: tuple[str, ...] = ()
    """The worst ones, e.g. ``ALA 12 CB - LEU 40 CD1: 0.52 angstrom``."""
    literature: tuple[LabelComparison, ...] = ()
    """What the literature calls the conformation of this entry (of a model: of its crystals), and whether the
    measurement bears it out."""

    @property
    def passed(self) -> bool:
        """Whether everything that is demanded of it is within its bound."""
        return all(item.passed or not item.demanded for item in self.items)


def check_model(
    atoms: AtomArray,
    record: ModelRecord | None = None,
    source: PdbSource | None = None,
    pack: TargetPack | None = None,
    *,
    name: str = "model",
    entry: str = "",
    crystal: bool = False,
) -> ModelCheck:
    """Check a model, or what an experiment left (``crystal``), which is judged on what it holds.

    The record gives the range the model should cover and its crystals, from which it is measured where there
    is a source; the pack the sequence and the landmarks of the conformation. ``entry`` is the wwPDB entry and
    chain, ``3UE4:A``, whose labels in the literature are compared; by default those of the record: of the
    crystal that gave the DFG motif and of the one that gave most of the rest.
    """
    geometry = classify_state(atoms, pack.landmarks if pack is not None else None)
    overlaps = heavy_atom_overlaps(atoms)
    crystals = crystal_deviations(atoms, record, source, pack) if record and source and pack else ()
    items = [*_what_is_there(atoms, record, pack), *_stereochemistry(atoms, len(overlaps))]
    if record is not None:
        items += _conformation(record, geometry, pack)
    items += [
        _at_most(
            f"backbone RMSD to {crystal.entry}", crystal.backbone_rmsd_angstrom, MAX_BACKBONE_RMSD, "angstrom"
        )
        for crystal in crystals
        if crystal.residues >= 30
    ]
    return ModelCheck(
        name=name,
        target=pack.gene if pack is not None else "",
        items=tuple(map(_of_crystal, items) if crystal else items),
        geometry=geometry,
        crystals=crystals,
        overlaps=tuple(f"{one} - {two}: {size:.2f} angstrom" for one, two, size in overlaps[:5]),
        literature=_literature(pack, entry, record, geometry),
    )


_OVERLAPS = "heavy-atom overlaps above 0.4 angstrom per 1000 atoms"
_CIS, _TWISTED = "cis peptides other than before proline", "twisted peptides (omega 30-150 degrees)"
_SEQUENCE = "differences from the target's sequence"
_CRYSTAL_SLACK = {
    "completeness": np.inf, _SEQUENCE: np.inf, _CIS: np.inf, _TWISTED: np.inf,
    "Ramachandran outliers": 5.0, "rotamer outliers": 5.0, _OVERLAPS: 5.0,
}  # fmt: skip
"""How many times a model's bound a crystal may have before it fails: what it may lack, its sequence and
single peptides are only told. Of 52 chains in 26 crystals of ABL1 the worst are at 4.4 times the bound
(Ramachandran), 1.9 (rotamers) and 4.6 (overlaps)."""


def _of_crystal(item: CheckItem) -> CheckItem:
    slack = _CRYSTAL_SLACK.get(item.name)
    told = slack is not None and (item.times_bound or 0.0) <= slack
    return item.model_copy(update={"demanded": False}) if told else item


def _what_is_there(
    atoms: AtomArray, record: ModelRecord | None, pack: TargetPack | None
) -> Iterator[CheckItem]:
    """Residues, sequence, templates, ends and bonds between cysteines."""
    yield _completeness(atoms, record)
    if pack is not None:
        yield _sequence(atoms, record, pack)
    if (atoms.element == "H").any():
        yield _force_field(atoms)
    if record is not None:
        ends = {"ACE": "N-terminus", "NME": "C-terminus"}
        yield _listed("ends without a cap", [end for cap, end in ends.items() if cap not in atoms.res_name])
    yield _disulphides(atoms)


def _stereochemistry(atoms: AtomArray, overlaps: int) -> Iterator[CheckItem]:
    """Bonds, angles, centres, peptides, backbone and side-chain angles, overlaps."""
    table = backbone_table(atoms)
    heavy = int((atoms.element != "H").sum())
    yield _at_most("backbone bonds, RMS deviation", _rms(bond_deviations(table)), MAX_BOND_RMSD, "angstrom")
    yield _at_most("backbone angles, RMS deviation", _rms(angle_deviations(table)), MAX_ANGLE_RMSD, "degrees")
    yield _listed("inverted centres", [str(number) for number in inverted_centres(atoms)])
    yield from _peptides(table)
    yield _ramachandran(atoms, table)
    yield _rotamers(atoms)
    yield _at_most(_OVERLAPS, 1000.0 * overlaps / max(heavy, 1), MAX_CLASHES_PER_1000)


def _literature(
    pack: TargetPack | None, entry: str, record: ModelRecord | None, geometry: StateGeometry
) -> tuple[LabelComparison, ...]:
    """Labels of the entry; of a native model, those of its crystals, each for the part it gave."""
    if pack is None:
        return ()
    loop = ("dfg", "activation_loop", "activity")
    crystals: dict[str, tuple[str, ...]] = {}
    if entry:
        crystals = {entry: ASPECTS}
    elif record is not None and record.variant == "native" and pack.landmarks is not None:
        counts = Counter(origin.entry for origin in record.origins if origin.entry)
        dfg = pack.landmarks.dfg_phenylalanine
        crystals = {name: tuple(set(ASPECTS) - set(loop)) for name, _ in counts.most_common(1)}
        for origin in record.origins:
            if origin.residue == dfg and origin.entry:
                crystals[origin.entry] = (*crystals.get(origin.entry, ()), *loop)
    found: list[LabelComparison] = []
    for name, aspects in crystals.items():
        code, _, chain = name.partition(":")
        compared = compare_labels(pack, code, chain, geometry)
        found += [comparison for comparison in compared if comparison.aspect in aspects]
    return tuple(found)


def _rms(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.sqrt(np.nanmean(values**2)))


def _at_most(name: str, value: float, bound: float, unit: str = "") -> CheckItem:
    return CheckItem(
        name=name,
        value=f"{value:.3g} {unit}".strip(),
        bound=f"at most {bound:g} {unit}".strip(),
        passed=bool(value <= bound),
        times_bound=value / bound,
    )


def _listed(name: str, found: list[str]) -> CheckItem:
    return CheckItem(name=name, value=", ".join(found) or "none", bound="none", passed=not found)


def _completeness(atoms: AtomArray, record: ModelRecord | None) -> CheckItem:
    protein = atoms[~np.isin(atoms.res_name, ("ACE", "NME"))]
    present = {int(number) for number in protein.res_id}
    first, last = (record.first_residue, record.last_residue) if record else (min(present), max(present))
    lacking = [str(number) for number in range(first, last + 1) if number not in present]
    partial = [f"{number} ({' '.join(names)})" for number, names in missing_atoms(protein).items()]
    value = f"residues {first}-{last}"
    if lacking:
        value += f", lacking {', '.join(lacking)}"
    if partial:
        value += f", atoms lacking in {', '.join(partial)}"
    return CheckItem(
        name="completeness",
        value=value,
        bound="every residue and heavy atom",
        passed=not lacking and not partial,
    )


def _sequence(atoms: AtomArray, record: ModelRecord | None, pack: TargetPack) -> CheckItem:
    protein = dict(enumerate(pack.transcript.protein, start=1))
    found = []
    for number, name in sorted(set(zip(atoms.res_id.tolist(), atoms.res_name.tolist(), strict=True))):
        letter = {"PTR": "Y", "SEP": "S", "TPO": "T"}.get(name, one_letter(name))
        if name not in ("ACE", "NME") and protein.get(number) != letter:
            found.append(f"{protein.get(number, '?')}{number}{letter}")
    native = record is None or record.variant == "native"
    return CheckItem(
        name=_SEQUENCE,
        value=", ".join(found) or "none",
        bound="none" if native else f"those of {record.variant if record else ''}",
        passed=not found or not native,
    )


def _disulphides(atoms: AtomArray) -> CheckItem:
    """Cysteines at bonding distance must be bonded: no thiol hydrogen left on either."""
    cysteines = atoms[atoms.res_name == "CYS"]
    sulphurs = cysteines[cysteines.atom_name == "SG"]
    thiols = set(cysteines.res_id[cysteines.atom_name == "HG"].tolist())
    gaps = [
        (float(np.linalg.norm(one.coord - other.coord)), int(one.res_id), int(other.res_id))
        for one, other in combinations(sulphurs, 2)
    ]
    bonded = [gap for gap in gaps if gap[0] < DISULPHIDE_ANGSTROM]
    value = ", ".join(f"Cys{one}-Cys{other} {apart:.2f} angstrom" for apart, one, other in bonded) or "none"
    if gaps and not bonded:
        value += f"; nearest sulphurs {min(gaps)[0]:.1f} angstrom apart"
    return CheckItem(
        name="disulphides",
        value=value,
        bound="no thiol hydrogen on a bonded pair",
        passed=not any(thiols & {one, other} for _, one, other in bonded),
    )


def _force_field(atoms: AtomArray) -> CheckItem:
    from kinscope.structures.forcefield.system import protein_forcefield
    from kinscope.structures.io import to_openmm

    topology, _ = to_openmm(atoms)
    unmatched = protein_forcefield().getUnmatchedResidues(topology)
    return _listed(
        "residues that ff14SB does not know", [f"{residue.name}{residue.id}" for residue in unmatched]
    )


def _peptides(table: BackboneTable) -> list[CheckItem]:
    bonds = zip(table.residues[1:].tolist(), table.names[1:], omega(table), strict=True)
    following = [one for one, joined in zip(bonds, np.diff(table.residues) == 1, strict=True) if joined]
    cis = [(number, name) for number, name, angle in following if abs(angle) < CIS]
    twisted = [f"{number} ({angle:.0f})" for number, _, angle in following if CIS <= abs(angle) <= TRANS]
    other = [f"{name.capitalize()}{number}" for number, name in cis if name != "PRO"]
    proline = [f"Pro{number}" for number, name in cis if name == "PRO"]
    return [
        _listed(_CIS, other),
        CheckItem(
            name="cis prolines", value=", ".join(proline) or "none", bound="stated, not bounded", passed=True
        ),
        _listed(_TWISTED, twisted),
    ]


def _ramachandran(atoms: AtomArray, table: BackboneTable) -> CheckItem:
    outliers, favoured = ramachandran_outliers(table)
    residues = max(len(np.unique(atoms.res_id)), 1)
    listed = f" ({', '.join(map(str, outliers))})" if outliers else ""
    return CheckItem(
        name="Ramachandran outliers",
        value=f"{100.0 * len(outliers) / residues:.1f} %{listed}; favoured {100.0 * favoured:.1f} %",
        bound=f"at most {100.0 * MAX_RAMACHANDRAN_OUTLIERS:g} %",
        passed=len(outliers) <= MAX_RAMACHANDRAN_OUTLIERS * residues,
        times_bound=len(outliers) / (MAX_RAMACHANDRAN_OUTLIERS * residues),
    )


def _rotamers(atoms: AtomArray) -> CheckItem:
    judged, outliers = rotamer_outliers(atoms)
    share = len(outliers) / max(judged, 1)
    worst = ", ".join([*(f"{name}{number}" for number, name in outliers[:8]), *["..."][: len(outliers[8:])]])
    listed = f" ({worst})" if worst else ""
    return CheckItem(
        name="rotamer outliers",
        value=f"{100.0 * share:.1f} %{listed} of {judged} side chains",
        bound=f"at most {100.0 * MAX_ROTAMER_OUTLIERS:g} %",
        passed=share <= MAX_ROTAMER_OUTLIERS,
        times_bound=share / MAX_ROTAMER_OUTLIERS,
    )


def _conformation(record: ModelRecord, geometry: StateGeometry, pack: TargetPack | None) -> list[CheckItem]:
    """The measurement must give the class that the pack demands of the state, or that its name states."""
    _, _, label = record.state.partition("dfg-")
    demanded = {state.id: state.dfg for state in pack.states} if pack is not None else {}
    expected = demanded.get(record.state) or label.split("-")[0]
    passed = geometry.dfg == expected
    item = CheckItem(name="DFG class by D1 and D2", value=geometry.dfg, bound=expected, passed=passed)
    return [item] if expected in ("in", "out", "inter") else []


TOLERANCE_DEGREES = 45.0
LEAST_SHARE_PERCENT = 0.3
PLANAR_FACTOR = 2.0
_PLANAR = frozenset({"ASN", "ASP", "GLN", "GLU", "HIS", "PHE", "TRP", "TYR"})


def rotamer_outliers(atoms: AtomArray) -> tuple[int, tuple[tuple[int, str], ...]]:
    """Judge every side chain of a structure that has every chi atom: how many there are, and the outliers.

    These are residue numbers and names (``Leu``) of those too far from every rotamer, or in one that their
    backbone hardly allows; farthest first.
    """
    residues = {n: one for n, one in residues_of(atoms).items() if one.name not in ("ACE", "NME")}
    judged, found = 0, []
    for number, residue in residues.items():
        name = residue.name
        chi = chi_angles(name, residue.atom_names, residue.coord)
        if name == "PRO" or not chi or len(chi) < len(CHI_ATOMS[name]):
            continue
        judged += 1
        distance, percent = nearest_rotamer(name, chi, *backbone_angles(residues, number))
        if distance > TOLERANCE_DEGREES or percent < LEAST_SHARE_PERCENT:
            found.append((distance, number, name.capitalize()))
    return judged, tuple(one[1:] for one in sorted(found, key=lambda one: -one[0]))


def nearest_rotamer(
    name: str, chi: tuple[float, ...], phi: float | None = None, psi: float | None = None
) -> tuple[float, float]:
    """Distance (degrees) of chi angles from the nearest rotamer, and that rotamer's share (per cent).

    Every chi angle is given. The backbone-independent library answers if phi or psi is None.
    """
    fits = []
    for rotamer in rotamers_on(name, phi, psi):
        differences = list(chi_difference_degrees(name, chi, rotamer.chi_degrees))
        if name in _PLANAR:
            differences[-1] /= PLANAR_FACTOR
        fits.append((max(differences), rotamer.share_percent))
    return min(fits)


def check_shipped(
    pack: TargetPack, states: Sequence[str] | None = None, mirror: Path | None = None
) -> list[ModelCheck]:
    """Check the shipped models of a pack, against their crystals too where a mirror is at hand.

    Every shipped state if none is named; the mirror is ``KINSCOPE_PDB_MIRROR`` if None.

    Raises StructureError if a named state has no model.
    """
    source = PdbSource(mirror) if mirror is not None or os.environ.get(MIRROR_VARIABLE) else None
    checks = []
    for state_id in states or available_states(pack):
        atoms, record = reference_model(pack, state_id)
        checks.append(check_model(atoms, record, source, pack, name=state_id))
    return checks


def check_structures(paths: Sequence[Path], pack: TargetPack | None = None) -> list[ModelCheck]:
    """Check every chain of a target in structure files from anywhere (PDB or mmCIF, gzip allowed).

    ``pack``: the target; if None the first shipped one that each file holds. A file without hydrogens is
    judged as a crystal, on what it holds.

    Raises StructureError if a file cannot be read or holds no chain of the target; the error names the
    shipped target that it holds.
    """
    checks = []
    for path in paths:
        structure = read_structure_file(path)
        found, chains = target_of(structure, path, pack)
        named = (dict(structure.info).get("_entry.id", "") or structure.name).strip().upper()
        code = named if re.fullmatch(r"[0-9][A-Z0-9]{3}", named) else ""
        for chain in chains:
            label = f"{path.name}:{chain}"
            atoms = chain_of_structure(structure, chain, found, label=label).atoms
            entry = f"{code}:{chain}"
            bare = not any(atom.is_hydrogen() for residue in structure[0][chain] for atom in residue)
            checks.append(check_model(atoms, pack=found, name=label, entry=entry, crystal=bare))
    return checks


def target_of(structure: Any, path: Path, pack: TargetPack | None) -> tuple[TargetPack, tuple[str, ...]]:
    """The target that a ``gemmi.Structure`` holds, and its chains.

    ``pack``: whose chains are looked for; if None, those of each shipped one until there are some.

    Raises StructureError if it holds none of it, and names the shipped target that it does hold.
    """
    if pack is not None and (chains := protein_chains(structure, pack)):
        return pack, chains
    wanted = pack.gene if pack is not None else "a shipped target"
    what = ""
    remedy = "Give a structure that holds the kinase, or a target pack of your own with --target DIR."
    for other in map(load_target, target_names()):
        if chains := protein_chains(structure, other):
            if pack is None:
                return other, chains
            what, remedy = f"; chain {chains[0]} is of {other.gene}", f"Give --target {other.directory.name}."
            break
    raise StructureError(f"No chain of this structure is of {wanted}{what}.", where=str(path), remedy=remedy)

"""Drug and protein relaxed together: what a substitution near a drug changes in their interaction.

Docking into a rigid mutant asks the drug to bear what the side chains would take over. Here both sides,
native and mutant, go through one protocol: the substituted residue stands in each of its likely rotamers with
the drug in place (the native residue too), drug and pocket are relaxed together in the force field with
implicit solvent, and the members are weighted by the energy of the whole complex. A side's answer is the
weighted interaction energy: of the complex less its two parts as they stand in it (the one-trajectory form
of MM-GBSA: Srinivasan et al., J Am Chem Soc 1998, 120, 9401; relaxed parts add more noise than signal, see
docs/decisions/0171). Entropy is left out. The rule knows no residue and no drug.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis.results import Difference
from kinscope.docking.complex_field import ComplexField, LigandMechanics, Terms
from kinscope.docking.engine import Box, Coordinates, Mol
from kinscope.docking.relaxed_records import (
    ComplexMember,
    ComplexSide,
    RelaxedComparison,
    RelaxedSettings,
)
from kinscope.docking.rmsd import SymmetricRmsd
from kinscope.docking.rotamer_starts import Start, made_room, starts
from kinscope.docking.run import with_coordinates
from kinscope.docking.vina_engine import VinaEngine
from kinscope.structures.model import AtomArray

REPEAT_KCAL_PER_MOL = 0.5
"""Standard deviation of one side's interaction energy when the same complex is relaxed from another start
(docs/decisions/0171); in every interval, once for each side."""
SMALLEST_MEANINGFUL_KCAL_PER_MOL = 1.4
"""RT ln 10 at 37 C: a tenfold change of affinity, what resistance is called by (Hauser et al. 2018)."""
_BOX_PADDING_ANGSTROM = 5.0
_Z = 1.96


@dataclass(frozen=True)
class _Relaxed:
    """One member before it is weighted."""

    start: Start
    terms: Terms
    moved_angstrom: float
    vina: float


def compare_relaxed(
    drug: str,
    state: str,
    variant: str,
    native: AtomArray,
    pose: Mol,
    substitutions: dict[int, str],
    mechanics: LigandMechanics,
    settings: RelaxedSettings,
) -> RelaxedComparison | None:
    """The interaction of a drug with the relaxed mutant against that with the relaxed native.

    Parameters
    ----------
    drug, state, variant
        For the record.
    native
        The native model (n_atoms).
    pose
        The drug in it (all hydrogens).
    substitutions
        Three-letter name of the new residue by number.
    mechanics
        Force-field parameters of the drug.
    settings
        What moves, what counts, how many rotamers.

    Returns
    -------
    RelaxedComparison, or None if no substituted residue lies within ``settings.surroundings_angstrom`` of the
    drug: then nothing that enters the energy differs.
    """
    began = time.process_time()
    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    included = residues_near(native, points, settings.surroundings_angstrom)
    present = {number: name for number, name in substitutions.items() if number in included}
    if not present:
        return None
    moving = set(residues_near(native, points, settings.near_angstrom)) | set(present)
    for number in present:
        touched = residues_near(native, native.coord[native.res_id == number], settings.touching_angstrom)
        moving |= set(touched)
    included = sorted(set(included) | moving)
    residues = sorted(moving)
    names = {number: str(native.res_name[native.res_id == number][0]) for number in present}
    heavy = [atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
    base, turned = made_room(native, points[heavy])
    residues = sorted({*residues, *turned})
    included = sorted({*included, *turned})
    sides = []
    placed = points
    atoms = 0
    for wanted in (names, present):
        field, relaxed = _members(
            base, placed, pose, wanted, mechanics, included, residues, settings, as_it_is=wanted is names
        )
        sides.append(_side(relaxed, settings.weight_kcal_per_mol))
        atoms = field.atoms
    first, second = sides
    repeat = math.sqrt(2.0) * REPEAT_KCAL_PER_MOL
    return RelaxedComparison(
        drug=drug, state=state, variant=variant, settings=settings,
        force_field=f"ff14SB and GBSA-OBC; drug: {mechanics.description}",
        atoms=atoms, moving_residues=tuple(residues), native=first, mutant=second,
        difference_kcal_per_mol=_difference(
            first.interaction_kcal_per_mol, second.interaction_kcal_per_mol,
            (first.error_kcal_per_mol, second.error_kcal_per_mol, repeat),
            (len(first.members), len(second.members)), SMALLEST_MEANINGFUL_KCAL_PER_MOL,
        ),
        vina_difference_kcal_per_mol=_difference(
            first.vina_kcal_per_mol, second.vina_kcal_per_mol,
            (first.vina_spread_kcal_per_mol, second.vina_spread_kcal_per_mol),
            (len(first.members), len(second.members)), 1.0,
        ),
        cpu_seconds=round(time.process_time() - began, 1),
        notes=(f"Side chains turned out of the drug's way first: {', '.join(map(str, turned))}.",)
        if turned
        else (),
    )  # fmt: skip


def residues_near(atoms: AtomArray, points: NDArray[np.floating], cutoff: float) -> list[int]:
    """Numbers of the residues with an atom within ``cutoff`` angstrom of any point (n, 3)."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(points).query(atoms.coord, distance_upper_bound=cutoff)
    return sorted({int(number) for number in atoms.res_id[np.isfinite(distance)]})


def _members(
    base: AtomArray, ligand: Coordinates, pose: Mol, wanted: dict[int, str], mechanics: LigandMechanics,
    included: list[int], moving: list[int], settings: RelaxedSettings, *, as_it_is: bool,
) -> tuple[ComplexField, list[_Relaxed]]:  # fmt: skip
    """Every start of one side relaxed; the native side's first start is the model as it is."""
    heavy = [atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
    chosen = starts(base, ligand[heavy], wanted, settings.rotamers)
    if as_it_is:
        chosen = [Start(base, "as in the model", 0.0), *chosen[: settings.rotamers - 1]]
    field = ComplexField(
        chosen[-1].atoms, pose, mechanics, included=included, moving=moving,
        anchor=_anchor(base, chosen[-1].atoms), settings=settings,
    )  # fmt: skip
    measure = SymmetricRmsd(pose)
    begun = []
    for start in chosen:
        order = _order(start.atoms, chosen[-1].atoms)
        whole = np.asarray(start.atoms.coord[order], dtype=np.float64)
        begun.append((start, whole, *field.begin(whole, ligand)))
    limit = min(energy for *_, energy in begun) + settings.hopeless_kcal_per_mol
    relaxed = []
    for start, whole, points, energy in begun:
        if energy > limit:
            continue
        coordinates, drug, terms = field.finish(whole, points)
        protein = chosen[-1].atoms.copy()
        protein.coord = coordinates.astype(np.float32)
        vina = _vina(protein, with_coordinates(pose, drug))
        relaxed.append(_Relaxed(start, terms, round(measure(drug, ligand), 2), vina))
    return field, relaxed


def _order(atoms: AtomArray, like: AtomArray) -> NDArray[np.intp]:
    """Rows of ``atoms`` in the order of ``like``: the same atoms, named alike."""
    place = {
        (int(number), str(name)): row
        for row, (number, name) in enumerate(zip(atoms.res_id, atoms.atom_name, strict=True))
    }
    return np.array(
        [place[int(number), str(name)] for number, name in zip(like.res_id, like.atom_name, strict=True)],
        dtype=np.intp,
    )


def _anchor(native: AtomArray, atoms: AtomArray) -> NDArray[np.float64]:
    """Native places (n_atoms, 3) of the atoms that the native has; the others' own."""
    places = {
        (int(number), str(name)): row
        for row, (number, name) in enumerate(zip(native.res_id, native.atom_name, strict=True))
    }
    anchor = np.array(atoms.coord, dtype=np.float64)
    for row, key in enumerate(zip(atoms.res_id, atoms.atom_name, strict=True)):
        at = places.get((int(key[0]), str(key[1])))
        if at is not None:
            anchor[row] = native.coord[at]
    return anchor


def _vina(protein: AtomArray, drug: Mol) -> float:
    points = np.asarray(drug.GetConformer().GetPositions(), dtype=np.float64)
    system = VinaEngine().bind(protein, drug, Box.around(points, _BOX_PADDING_ANGSTROM))
    return float(system.minimise(points[None])[0].score_kcal_per_mol)


def _side(relaxed: Sequence[_Relaxed], width: float) -> ComplexSide:
    energies = np.array([member.terms.complex for member in relaxed])
    weights = np.exp(-(energies - energies.min()) / width)
    weights /= weights.sum()
    interaction, spread = _weighted([member.terms.interaction for member in relaxed], weights)
    vina, vina_spread = _weighted([member.vina for member in relaxed], weights)
    members = tuple(
        ComplexMember(
            rotamers=member.start.label,
            overlap_angstrom2=member.start.overlap_angstrom2,
            energy_kcal_per_mol=round(float(energy - energies.min()), 2),
            weight=round(float(weight), 3),
            interaction_kcal_per_mol=round(member.terms.interaction, 2),
            drug_moved_angstrom=member.moved_angstrom,
            vina_kcal_per_mol=round(member.vina, 2),
        )
        for member, energy, weight in zip(relaxed, energies, weights, strict=True)
    )
    return ComplexSide(
        members=tuple(sorted(members, key=lambda member: member.energy_kcal_per_mol)),
        interaction_kcal_per_mol=round(interaction, 2), spread_kcal_per_mol=round(spread, 2),
        error_kcal_per_mol=round(spread * float(np.sqrt((weights**2).sum())), 2),
        vina_kcal_per_mol=round(vina, 2), vina_spread_kcal_per_mol=round(vina_spread, 2),
    )  # fmt: skip


def _weighted(values: Sequence[float], weights: NDArray[np.float64]) -> tuple[float, float]:
    points = np.array(values)
    mean = float(weights @ points)
    return mean, math.sqrt(float(weights @ (points - mean) ** 2))


def _difference(
    native: float, mutant: float, deviations: Sequence[float], members: tuple[int, int], smallest: float
) -> Difference:
    """Mutant less native with a 95 % interval of what the members and a repeat vary by."""
    value = mutant - native
    half = _Z * math.sqrt(sum(deviation**2 for deviation in deviations))
    low, high = value - half, value + half
    resolved = (low > 0 or high < 0) and abs(value) >= smallest
    words = f"{value:+.1f} [{low:+.1f}, {high:+.1f}] kcal/mol"
    return Difference(
        value=round(value, 2), low=round(low, 2), high=round(high, 2),
        native_replicas=members[0], mutant_replicas=members[1], resolved=resolved,
        statement=words if resolved else f"within the noise: {words}", unit="kcal/mol",
        smallest_meaningful=smallest,
        sampling=f"{members[0]} native and {members[1]} mutant conformations relaxed with the drug",
    )  # fmt: skip

"""Drug and protein relaxed together: what a substitution near a drug changes in their interaction.

Docking into a rigid mutant asks the drug to bear what the side chains would take over. Here both sides,
native and mutant, go through one protocol: the substituted residue stands in each of its likely rotamers with
the drug in place (the native residue too), and drug and pocket are relaxed together in the force field with
implicit solvent. The rotamers that count are then built again several times, each repeat from coordinates and
velocities of its own; in each they are weighted by the energy of the whole complex. A repeat's
answer is the weighted interaction energy: of the complex less its two parts as they stand in it (the
one-trajectory form of MM-GBSA: Srinivasan et al., J Am Chem Soc 1998, 120, 9401; relaxed parts add more noise
than signal, see docs/why/docking.md). A side's answer is the mean of its repeats, and the interval of the
difference is Welch's over them: many short independent runs rather than a long one (Genheden & Ryde, J Comput
Chem 2010, 31, 837; docs/why/docking.md). Entropy is left out. The rule knows no residue and no drug.

Where a model's pocket is another drug's, the rigid minimum of a docking function lies off the crystal's pose;
what the force field relaxes, with side chains first turned out of the way, stays near it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis.statistics import difference, energy_shares, weighted_difference, weighted_spread
from kinscope.core.seeds import derive_seed
from kinscope.docking.engine import Box, Coordinates, Mol
from kinscope.docking.geometry import rows_by_name
from kinscope.docking.poses.rmsd import SymmetricRmsd
from kinscope.docking.relaxed.complex_field import ComplexField, LigandMechanics, Pocket, Terms
from kinscope.docking.relaxed.starts import Start, made_room, starts
from kinscope.docking.run import with_coordinates
from kinscope.docking.vina.engine import VinaEngine
from kinscope.results.docking import (
    ComplexMember,
    ComplexRepeat,
    ComplexSide,
    RelaxedComparison,
    RelaxedSettings,
)
from kinscope.results.notes import note
from kinscope.structures.model import AtomArray

SMALLEST_MEANINGFUL_KCAL_PER_MOL = 1.4
"""RT ln 10 at 37 C: a tenfold change of affinity, what resistance is called by (Hauser et al. 2018)."""
_BOX_PADDING_ANGSTROM = 5.0
_SAME_ANGSTROM = 0.5
"""Two members whose substituted side chains end nearer than this (heavy atoms, RMSD) are one conformation."""


@dataclass(frozen=True)
class Complex:
    """A drug in a native model, and how the two are relaxed."""

    native: AtomArray
    """The model (n_atoms)."""
    pose: Mol
    """The drug in it, with all hydrogens."""
    mechanics: LigandMechanics
    settings: RelaxedSettings

    @cached_property
    def points(self) -> Coordinates:
        """The drug's atoms (n, 3), angstrom."""
        return np.asarray(self.pose.GetConformer().GetPositions(), dtype=np.float64)

    @cached_property
    def heavy(self) -> Coordinates:
        """Its heavy atoms (n, 3), angstrom."""
        return self.points[[atom.GetIdx() for atom in self.pose.GetAtoms() if atom.GetAtomicNum() > 1]]

    @cached_property
    def measure(self) -> SymmetricRmsd:
        """Between poses of the drug."""
        return SymmetricRmsd(self.pose)


@dataclass(frozen=True)
class _Relaxed:
    """One member before it is weighted."""

    start: Start
    begun: Coordinates
    """Of the protein before it was relaxed (n_atoms, 3), and after:"""
    protein: Coordinates
    terms: Terms
    moved_angstrom: float
    vina: float


def compare_relaxed(
    drug: str, state: str, variant: str, whole: Complex, substitutions: dict[int, str], seed: int = 1
) -> RelaxedComparison | None:
    """The interaction of a drug with the relaxed mutant against that with the relaxed native.

    ``substitutions``: three-letter name of the new residue by number. ``seed``: the two sides' repeats draw
    their own from it. None if no substituted residue lies within
    ``settings.surroundings_angstrom`` of the drug: then nothing that enters the energy differs.
    """
    first = relaxed_side(whole, own_names(whole.native, substitutions), derive_seed(seed, "native"))
    second = relaxed_side(whole, substitutions, derive_seed(seed, "mutant"))
    if first is None or second is None:
        return None
    return compare_sides(drug, state, variant, first, second, whole.settings)


def own_names(native: AtomArray, numbers: Sequence[int] | dict[int, str]) -> dict[int, str]:
    """Three-letter names that residues have in the native model, of those that it holds."""
    held = set(native.res_id.tolist())
    return {number: str(native.res_name[native.res_id == number][0]) for number in numbers if number in held}


def compare_sides(
    drug: str, state: str, variant: str, native: ComplexSide, mutant: ComplexSide, settings: RelaxedSettings
) -> RelaxedComparison:
    """Two sides of one drug in one state set against each other."""
    values = [[repeat.interaction_kcal_per_mol for repeat in side.repeats] for side in (native, mutant)]
    return RelaxedComparison(
        drug=drug, state=state, variant=variant, settings=settings,
        force_field=mutant.force_field, atoms=mutant.atoms, moving_residues=mutant.moving_residues,
        native=native, mutant=mutant,
        difference_kcal_per_mol=difference(
            values[0], values[1], unit="kcal/mol", smallest_meaningful=SMALLEST_MEANINGFUL_KCAL_PER_MOL,
            sampling=f"{len(values[0])} native and {len(values[1])} mutant repeats of complexes relaxed with "
            "the drug",
        ),
        vina_difference_kcal_per_mol=weighted_difference(
            *((
                [member.vina_kcal_per_mol for member in side.members],
                [member.weight for member in side.members],
            ) for side in (native, mutant)),
            unit="kcal/mol", smallest_meaningful=1.0,
            sampling=f"{len(native.members)} native and {len(mutant.members)} mutant conformations",
        ),
        cpu_seconds=round(native.cpu_seconds + mutant.cpu_seconds, 1), notes=mutant.notes,
    )  # fmt: skip


def relaxed_side(whole: Complex, residues: dict[int, str], seed: int) -> ComplexSide | None:
    """One side: the native model with residues put in, their own or others, relaxed with the drug.

    What moves and what counts depends on the positions alone, so that any two sides of the same positions
    compare. ``residues``: three-letter name wanted by number. ``seed``: the repeats' seeds derive from it.
    None if none of the residues lies within ``settings.surroundings_angstrom`` of the drug.
    """
    began = time.process_time()
    native, points, settings = whole.native, whole.points, whole.settings
    near = residues_near(native, points, settings.surroundings_angstrom)
    present = {number: name for number, name in residues.items() if number in near}
    if not present:
        return None
    base, turned = made_room(native, whole.heavy)
    moving = sorted({*_free(native, points, present, settings), *turned})
    chosen = _starts(base, whole.heavy, present, settings.rotamers)
    like = chosen[-1].atoms
    pocket = Pocket(
        sorted({*near, *moving}), moving, _anchor(base, like),
        np.asarray(native.coord[np.isin(native.res_id, list(present))], dtype=np.float64),
    )  # fmt: skip
    field = ComplexField(like, whole.pose, whole.mechanics, pocket, settings)
    members = _members(field, chosen, whole)
    side_chains = np.isin(like.res_id, list(present)) & (like.element != "H")
    counting = _counting(members, side_chains, settings)
    repeats = _repeats(field, counting, whole, np.isin(like.res_id, moving), seed)
    return _side(members, repeats, settings.weight_kcal_per_mol).model_copy(
        update={
            "force_field": f"ff14SB and GBSA-OBC; drug: {whole.mechanics.description}",
            "atoms": field.atoms, "moving_residues": tuple(moving),
            "cpu_seconds": round(time.process_time() - began, 1),
            "notes": (note("side-chains-made-room", residues=tuple(turned)),) if turned else (),
        }
    )  # fmt: skip


def _starts(base: AtomArray, drug: Coordinates, present: dict[int, str], most: int) -> list[Start]:
    """The side's starts, all of the same atoms: energies of two tautomers of a histidine do not compare."""
    tautomers = "HIS" in present.values()
    found = starts(base, drug, present, 2 * most if tautomers else most)
    atoms = rows_by_name(found[0].atoms).keys()
    return [start for start in found if rows_by_name(start.atoms).keys() == atoms][:most]


def _free(
    native: AtomArray, drug: Coordinates, replaced: Iterable[int], settings: RelaxedSettings
) -> set[int]:
    """Residues that move: near the drug's atoms (n, 3), replaced, or touching one that is."""
    free = {*residues_near(native, drug, settings.near_angstrom), *replaced}
    for number in replaced:
        own = native.coord[native.res_id == number]
        free.update(residues_near(native, own, settings.touching_angstrom))
    return free


def residues_near(atoms: AtomArray, points: NDArray[np.floating], cutoff: float) -> list[int]:
    """Numbers of the residues with an atom within ``cutoff`` angstrom of any point (n, 3)."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(points).query(atoms.coord, distance_upper_bound=cutoff)
    return sorted({int(number) for number in atoms.res_id[np.isfinite(distance)]})


def _members(field: ComplexField, chosen: Sequence[Start], whole: Complex) -> list[_Relaxed]:
    """Every start of one side relaxed, the hopeless ones dropped on the way."""
    like = chosen[-1].atoms
    begun = []
    for start in chosen:
        atoms = np.asarray(start.atoms.coord[_order(start.atoms, like)], dtype=np.float64)
        begun.append((start, atoms, *field.begin(atoms, whole.points)))
    limit = min(energy for *_, energy in begun) + whole.settings.hopeless_kcal_per_mol
    relaxed = []
    for start, atoms, points, energy in begun:
        if energy > limit:
            continue
        coordinates, drug, terms = field.finish(atoms, points)
        protein = like.copy()
        protein.coord = coordinates.astype(np.float32)
        vina = _vina(protein, with_coordinates(whole.pose, drug))
        moved = round(whole.measure(drug, whole.points), 2)
        relaxed.append(_Relaxed(start, atoms, coordinates, terms, moved, vina))
    return relaxed


def _repeats(
    field: ComplexField, counting: Sequence[_Relaxed], whole: Complex, moving: NDArray[np.bool_], seed: int
) -> list[ComplexRepeat]:
    """The rotamers that count, each repeat built from scattered coordinates, shaken and relaxed by itself.

    ``moving``: which atoms (n_atoms) may move.
    """
    lowest, scatter = counting[0].terms.complex, whole.settings.scatter_angstrom
    repeats = []
    for number in range(whole.settings.repeats):
        own = derive_seed(seed, number)
        ends = []
        for member in counting:
            draw = np.random.default_rng(derive_seed(own, "coordinates", member.start.label))
            atoms, points = member.begun.copy(), whole.points.copy()
            atoms[moving] += draw.normal(scale=scatter, size=atoms[moving].shape)
            points += draw.normal(scale=scatter, size=points.shape)
            shaken = field.shaken(field.begin(atoms, points)[0], derive_seed(own, member.start.label))
            ends.append(field.finish(atoms, shaken)[1:])
        energies = [terms.complex for _, terms in ends]
        shares = energy_shares(energies, whole.settings.weight_kcal_per_mol)
        most = int(np.argmax(shares))
        repeats.append(
            ComplexRepeat(
                seed=own,
                interaction_kcal_per_mol=round(float(shares @ [t.interaction for _, t in ends]), 2),
                energy_kcal_per_mol=round(min(energies) - lowest, 2), rotamers=counting[most].start.label,
                drug_moved_angstrom=round(whole.measure(ends[most][0], whole.points), 2),
            )
        )  # fmt: skip
    return repeats


def _counting(
    members: Sequence[_Relaxed], turned: NDArray[np.bool_], settings: RelaxedSettings
) -> list[_Relaxed]:
    """The members with weight, lowest energy first, each conformation of the turned atoms once."""
    ordered = sorted(members, key=lambda member: member.terms.complex)
    weights = energy_shares([member.terms.complex for member in ordered], settings.weight_kcal_per_mol)
    kept: list[_Relaxed] = []
    for member, weight in zip(ordered, weights, strict=True):
        apart = [
            math.sqrt(float(((member.protein - other.protein)[turned] ** 2).sum(axis=1).mean()))
            for other in kept
        ]
        if weight >= settings.repeat_weight and all(gap > _SAME_ANGSTROM for gap in apart):
            kept.append(member)
    return kept


def _order(atoms: AtomArray, like: AtomArray) -> NDArray[np.intp]:
    """Rows of ``atoms`` in the order of ``like``: the same atoms, named alike."""
    place = rows_by_name(atoms)
    return np.array([place[key] for key in rows_by_name(like)], dtype=np.intp)


def _anchor(native: AtomArray, atoms: AtomArray) -> NDArray[np.float64]:
    """Native places (n_atoms, 3) of the atoms that the native has; the others' own."""
    places = rows_by_name(native)
    anchor = np.array(atoms.coord, dtype=np.float64)
    for key, row in rows_by_name(atoms).items():
        if key in places:
            anchor[row] = native.coord[places[key]]
    return anchor


def _vina(protein: AtomArray, drug: Mol) -> float:
    points = np.asarray(drug.GetConformer().GetPositions(), dtype=np.float64)
    system = VinaEngine().bind(protein, drug, Box.around(points, _BOX_PADDING_ANGSTROM))
    return float(system.minimise(points[None])[0].score_kcal_per_mol)


def _side(relaxed: Sequence[_Relaxed], repeats: Sequence[ComplexRepeat], width: float) -> ComplexSide:
    energies = np.array([member.terms.complex for member in relaxed])
    weights = energy_shares(energies, width)
    scores = [member.vina for member in relaxed]
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
    values = [repeat.interaction_kcal_per_mol for repeat in repeats]
    return ComplexSide(
        members=tuple(sorted(members, key=lambda member: member.energy_kcal_per_mol)),
        repeats=tuple(repeats),
        interaction_kcal_per_mol=round(float(np.mean(values)), 2),
        spread_kcal_per_mol=round(float(np.std(values, ddof=1)), 2),
        vina_kcal_per_mol=round(float(weights @ scores), 2),
        vina_spread_kcal_per_mol=round(weighted_spread(scores, weights), 2),
    )  # fmt: skip


def relaxed_pose(whole: Complex) -> Mol:
    """A pose relaxed together with the protein, and nothing substituted."""
    points, settings = whole.points, whole.settings
    base, turned = made_room(whole.native, whole.heavy)
    moving = sorted({*residues_near(base, points, settings.near_angstrom), *turned})
    included = sorted({*residues_near(base, points, settings.surroundings_angstrom), *turned})
    anchor = np.asarray(base.coord, dtype=np.float64)
    field = ComplexField(base, whole.pose, whole.mechanics, Pocket(included, moving, anchor), settings)
    begun, _ = field.begin(anchor, points)
    return with_coordinates(whole.pose, field.finish(anchor, begun)[1])

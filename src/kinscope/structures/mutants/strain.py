"""What a substitution leaves strained after relaxation, and a second relaxation with more freedom for it.

The first holds the backbone near the crystal's, so that alternatives compare. Where that leaves a twisted
peptide, an overlap, or phi and psi that crystals do not visit, the residue is steered across the barrier by
short dynamics (a proline's phi to a proline's range, the peptides about it planar), relaxed with a wider
shell and a freer backbone, and kept if less is left strained.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError
from kinscope.results.notes import Note, note
from kinscope.structures.forcefield.relaxation import Relaxer
from kinscope.structures.forcefield.system import cpu_platform
from kinscope.structures.model import AtomArray
from kinscope.structures.side_chains.sites import backbone_angles, residues_of, rows_of
from kinscope.structures.stereochemistry import (
    CLASH_OVERLAP,
    backbone_table,
    dihedrals,
    heavy_atom_overlaps,
    inverted_centres,
    omega,
    ramachandran_outliers,
)

PROLINE_PHI = (-110.0, -35.0)
"""Range that holds nearly all trans prolines (MacArthur & Thornton, J. Mol. Biol. 1991, 218, 397)."""


PROLINE_PHI_DEGREES = -70.0
"""Mean phi of trans prolines (MacArthur & Thornton, J. Mol. Biol. 1991, 218, 397: -70 and -61 in the two
puckers' regions)."""
_PHI_KCAL_PER_MOL, _OMEGA_KCAL_PER_MOL = 50.0, 50.0
"""Half the height of the steering terms, k (1 - cos(angle - target)): several times the barrier of an alanine
dipeptide's phi, and of the force field's own omega."""
_PEPTIDES_EACH_SIDE = 3
_RAMPS, _COOLINGS, _STEPS_EACH = 20, 10, 200
_KELVIN = (400.0, 50.0)


def steer(
    relaxer: Relaxer, atoms: AtomArray, prolines: Sequence[int], about: Sequence[int], seed: int
) -> NDArray[np.float32]:
    """Turn prolines' phi to where prolines have it, keep the peptides about them planar, and cool.

    Langevin dynamics (1 fs) of the shell without solvent: phi is steered over 4 ps at 400 K with a force
    that grows, then the shell cools to 50 K in 2 ps. The peptides are held planar throughout.

    The relaxer's restraints on neighbours' side chains stay on. Planar are the peptides of the residues
    ``about`` and of three residues on each side. Returns coordinates (n_atoms, 3), angstrom; atoms outside
    the shell bit for bit as given.

    Raises ComputationError if the dynamics diverges.
    """
    from openmm import Context, LangevinMiddleIntegrator, unit

    system = deepcopy(relaxer.soft)
    system.addForce(_steering_terms(relaxer, atoms, prolines, about))
    shell = relaxer.region.shell[relaxer.kept]
    for index, mass in enumerate(relaxer.masses):
        system.setParticleMass(index, float(mass) if shell[index] else 0.0)
    integrator = LangevinMiddleIntegrator(_KELVIN[0], 5.0, 0.001)
    integrator.setRandomNumberSeed(seed % 2**31)
    platform, properties = cpu_platform(1)
    context = Context(system, integrator, platform, properties)
    points = np.asarray(atoms.coord, dtype=np.float64)
    context.setPositions(points[relaxer.kept] / 10.0)
    for scale in np.linspace(1.0 / _RAMPS, 1.0, _RAMPS):
        context.setParameter("steering", float(scale))
        integrator.step(_STEPS_EACH)
    for kelvin in np.linspace(*_KELVIN, _COOLINGS):
        integrator.setTemperature(float(kelvin))
        integrator.step(_STEPS_EACH)
    found = context.getState(getPositions=True).getPositions(asNumpy=True).value_in_unit(unit.angstrom)
    if not np.isfinite(found).all():
        raise ComputationError(
            "The steered dynamics of the mutant diverged.",
            where="relaxation of the mutant",
            remedy="Check the native model for clashes near the residue (kinscope models check).",
        )
    result = np.array(atoms.coord, dtype=np.float32)
    result[relaxer.kept[shell]] = np.asarray(found)[shell]
    return result


def _steering_terms(relaxer: Relaxer, atoms: AtomArray, prolines: Sequence[int], about: Sequence[int]) -> Any:
    from openmm import CustomTorsionForce

    row = rows_of(atoms)
    place = {int(old): new for new, old in enumerate(relaxer.kept)}
    force = CustomTorsionForce("(1-ramped+ramped*steering)*k*(1-cos(theta-target))")
    force.addGlobalParameter("steering", 0.0)
    for name in ("k", "target", "ramped"):
        force.addPerTorsionParameter(name)

    def add(names: Sequence[tuple[int, str]], half_height: float, degrees: float, ramped: bool) -> None:
        rows = [place.get(row.get(name, -1), -1) for name in names]
        if -1 not in rows:
            force.addTorsion(*rows, [half_height * 4.184, float(np.radians(degrees)), float(ramped)])

    for number in prolines:
        phi = [(number - 1, "C"), (number, "N"), (number, "CA"), (number, "C")]
        add(phi, _PHI_KCAL_PER_MOL, PROLINE_PHI_DEGREES, True)
    near = {n + step for n in about for step in range(-_PEPTIDES_EACH_SIDE, _PEPTIDES_EACH_SIDE)}
    for number in sorted(near):
        omega = [(number, "CA"), (number, "C"), (number + 1, "N"), (number + 1, "CA")]
        cis = _is_cis(atoms, [row.get(name) for name in omega])
        add(omega, _OMEGA_KCAL_PER_MOL, 0.0 if cis else 180.0, False)
    return force


def _is_cis(atoms: AtomArray, rows: Sequence[int | None]) -> bool:
    if None in rows:
        return False
    points = np.asarray(atoms.coord, dtype=np.float64)[[index for index in rows if index is not None]]
    return abs(float(dihedrals(*points))) < 90.0


TWISTED_DEGREES = 30.0
"""A peptide bond further from planar is an outlier (as in `kinscope models check`)."""
_NEAR_ANGSTROM = 15.0


def strain_left(native: AtomArray, mutant: AtomArray, numbers: Sequence[int]) -> Note | None:
    """What the mutant has about the substituted residues that the native has not.

    ``numbers`` are the substituted residues. Twisted peptide bonds, phi and psi that crystals do not visit,
    overlaps of heavy atoms above 0.4 angstrom; None where there are none.
    """
    twisted, unvisited, overlaps = _strains(native, mutant, numbers)
    if not (twisted or overlaps or unvisited):
        return None
    return note(
        "left-strained",
        twisted=tuple(f"{number}/{number + 1}" for number, _ in twisted),
        twists_degrees=tuple(twist for _, twist in twisted),
        unvisited=tuple(unvisited),
        overlapping=tuple(f"{one} and {two}" for one, two, _ in overlaps),
        overlaps_angstrom=tuple(float(size) for _, _, size in overlaps),
    )


def strain_amount(native: AtomArray, mutant: AtomArray, numbers: Sequence[int]) -> float:
    """One number for what :func:`strain_left` lists, to compare two relaxations of one mutant.

    Degrees beyond planar / 10, overlap beyond 0.4 angstrom x 10, and 1 for each residue outside the
    Ramachandran regions: ten degrees, a tenth of an angstrom and one outlier weigh alike.
    """
    twisted, unvisited, overlaps = _strains(native, mutant, numbers)
    twists = sum((twist - TWISTED_DEGREES) / 10.0 for _, twist in twisted)
    return float(twists + sum((size - CLASH_OVERLAP) * 10.0 for _, _, size in overlaps) + len(unvisited))


def turned_peptides(native: AtomArray, mutant: AtomArray) -> list[int]:
    """Residues before a peptide that is cis in one model and trans in the other."""
    table = backbone_table(mutant)
    was, now = (np.abs(omega(backbone_table(atoms))) < 90.0 for atoms in (native, mutant))
    return [int(number) for number in table.residues[:-1][was != now]]


def _strains(
    native: AtomArray, mutant: AtomArray, numbers: Sequence[int]
) -> tuple[list[tuple[int, float]], list[int], list[tuple[str, str, float]]]:
    """Twisted peptides (degrees), residues off the Ramachandran map and overlaps (angstrom), all new."""
    tables = [backbone_table(atoms) for atoms in (native, mutant)]
    before, after = (np.abs(omega(table)) for table in tables)
    was, now = np.minimum(before, 180.0 - before), np.minimum(after, 180.0 - after)
    turned = np.flatnonzero((now > TWISTED_DEGREES) & (was <= TWISTED_DEGREES))
    twisted = [(int(tables[1].residues[row]), float(now[row])) for row in turned]
    old, new = (set(ramachandran_outliers(table)[0]) for table in tables)
    known = {row[:2] for row in heavy_atom_overlaps(_about(native, numbers))}
    overlaps = [row for row in heavy_atom_overlaps(_about(mutant, numbers)) if row[:2] not in known]
    return twisted, sorted(new - old), overlaps


def _about(atoms: AtomArray, numbers: Sequence[int]) -> AtomArray:
    residues = np.asarray(atoms.res_id)
    centres = np.asarray(atoms.coord)[np.isin(residues, numbers) & (np.asarray(atoms.atom_name) == "CA")]
    gaps = np.linalg.norm(np.asarray(atoms.coord)[:, None] - centres[None], axis=-1).min(axis=1)
    return atoms[np.isin(residues, residues[gaps < _NEAR_ANGSTROM])]


ATTEMPTS = 3
"""Steered dynamics with other velocities, until nothing is left strained."""


@dataclass(frozen=True)
class Relief:
    """A mutant relaxed a second time."""

    atoms: AtomArray
    moved_ca_angstrom: float
    """How far the CA that went furthest is from its native place."""
    steered: tuple[int, ...]
    """Prolines whose phi was steered."""

    @property
    def noted(self) -> Note:
        """For the model's record."""
        return note("relaxed-again", steered=self.steered, moved_ca_angstrom=self.moved_ca_angstrom)


def relieve(
    native: AtomArray, first: AtomArray, relaxer: Relaxer, wanted: dict[int, str], seed: int
) -> Relief | None:
    """Steer and relax a strained mutant.

    The relaxer has the wider shell and the freer backbone; ``wanted`` are the new residues' three-letter
    names by number. None where no attempt left less strained without turning over a peptide or a centre.
    """
    numbers = list(wanted)
    residues = residues_of(first)
    phis = {number: backbone_angles(residues, number)[0] for number, name in wanted.items() if name == "PRO"}
    off = [n for n, phi in phis.items() if phi is not None and not PROLINE_PHI[0] <= phi <= PROLINE_PHI[1]]
    least, best = strain_amount(native, first, numbers), None
    for attempt in range(ATTEMPTS):
        atoms = first.copy()
        atoms.coord = relaxer.relax(steer(relaxer, first, off, numbers, seed + attempt)).coord
        if turned_peptides(native, atoms) or inverted_centres(atoms) != inverted_centres(first):
            continue
        left = strain_amount(native, atoms, numbers)
        if left < least:
            least, best = left, Relief(atoms, _furthest_ca(native, atoms), tuple(off))
        if left == 0.0:
            break
    return best


def _furthest_ca(native: AtomArray, atoms: AtomArray) -> float:
    one, two = (np.asarray(a.coord)[np.asarray(a.atom_name) == "CA"] for a in (native, atoms))
    return float(np.linalg.norm(one - two, axis=1).max())

"""An OpenMM System as a GROMACS topology: the same numbers, term by term, none typed anew.

Nothing is looked up in a force field: masses, charges, radii, bonded terms, constraints, exclusions and
scaled 1-4 pairs are those of the System, so that a replica on GROMACS has the Hamiltonian of one on OpenMM.
Exclusions and pairs are listed (``nrexcl`` is 0, pairs are not generated). Format: GROMACS reference manual,
"Topology file".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError
from kinscope.structures.forcefield.system import bonded_terms

RESTRAINT_MACRO = "RESTRAINT"
"""Force constant of the position restraints, kJ/mol/nm^2; without it the topology has none."""
SOLUTE = "SOLUTE"
_FUDGE_QQ = 5.0 / 6.0
"""Amber's scale of 1-4 charges; a pair with another is written with its own product."""
_ROUNDING = 1e-6
_SAME_TYPE_DECIMALS = 12
_BONDED = {"HarmonicBondForce", "HarmonicAngleForce", "PeriodicTorsionForce"}
_UNDERSTOOD = _BONDED | {"NonbondedForce", "CMMotionRemover"}


Row = tuple[Any, ...]
"""The atoms of a term, then its numbers."""


@dataclass
class _Terms:
    """What the System says of its particles, in GROMACS's units, which are OpenMM's but for degrees."""

    masses: list[float]
    charges: NDArray[np.float64]
    sigmas: NDArray[np.float64]
    epsilons: NDArray[np.float64]
    rows: dict[str, dict[int, list[Row]]] = field(
        default_factory=lambda: defaultdict(partial(defaultdict, list))
    )
    """By kind and lowest atom, so that a molecule's terms are found without a search."""

    def add(self, kind: str, atoms: Sequence[int], *numbers: float) -> None:
        """Take up a term."""
        self.rows[kind][min(atoms)].append((*atoms, *numbers))


@dataclass(frozen=True)
class Nonbonded:
    """How the System computes what is not bonded."""

    cutoff_nm: float
    ewald_tolerance: float
    dispersion_correction: bool


def nonbonded_of(system: Any) -> Nonbonded:
    """Cutoff, tolerance of PME and whether dispersion beyond the cutoff counts.

    Raises ComputationError if the System does not use PME with plainly cut Lennard-Jones forces.
    """
    from openmm import NonbondedForce

    force = next(item for item in system.getForces() if isinstance(item, NonbondedForce))
    if force.getNonbondedMethod() != NonbondedForce.PME or force.getUseSwitchingFunction():
        raise _untranslatable("a nonbonded force other than PME with a plain Lennard-Jones cutoff")
    return Nonbonded(
        cutoff_nm=float(force.getCutoffDistance()._value),
        ewald_tolerance=float(force.getEwaldErrorTolerance()),
        dispersion_correction=bool(force.getUseDispersionCorrection()),
    )


def topology_of(system: Any, solute_atoms: int, restrained: Sequence[int] = ()) -> str:
    """The topology: one molecule of the first ``solute_atoms`` atoms, then what stands free in the box.

    ``system``: an OpenMM System with harmonic bonds and angles, periodic torsions, constraints and PME.
    ``solute_atoms``: how many atoms, from the first, make one molecule (a protein with what is bound to it).
    Every connected group of the others is a molecule of its own; waters of three constraints are settled.
    ``restrained``: atoms of the solute that :data:`RESTRAINT_MACRO` holds.

    Raises ComputationError if the System holds a force that has no counterpart here.
    """
    terms = _terms_of(system)
    types = _atom_types(terms)
    lines = ["[ defaults ]", f"1 2 no 1.0 {_FUDGE_QQ:.16g}", "", "[ atomtypes ]"]
    lines += [f"T{number} 0 0.0 0.0 A {one:.12g} {two:.12g}" for (one, two), number in types.items()]
    molecules: dict[str, list[str]] = {}
    order: list[str] = []
    shapes: dict[tuple[str, ...], str] = {}
    for first, last in _molecules(terms, solute_atoms):
        body = tuple(_molecule(terms, types, first, last))
        name = shapes.setdefault(body, SOLUTE if first == 0 and solute_atoms else f"M{len(shapes)}")
        if name not in molecules:
            held = restrained if name == SOLUTE else ()
            molecules[name] = ["", "[ moleculetype ]", f"{name} 0", *body, *_restraints(held)]
        order.append(name)
    lines += [*chain.from_iterable(molecules.values()), "", "[ system ]", "kinscope", "", "[ molecules ]"]
    lines += [f"{name} {len(list(same))}" for name, same in groupby(order)]
    return "\n".join(lines) + "\n"


def first_atoms(system: Any, solute_atoms: int) -> NDArray[np.int64]:
    """The first atom of each atom's molecule, (n,), molecules as in :func:`topology_of`."""
    count = system.getNumParticles()
    found = np.arange(count)
    for index in range(system.getNumConstraints()):
        low, high = sorted(system.getConstraintParameters(index)[:2])
        found[high] = min(found[high], found[low])
    found[:solute_atoms] = 0
    return found


def _terms_of(system: Any) -> _Terms:
    forces = {type(force).__name__: force for force in system.getForces()}
    if len(forces) != system.getNumForces() or not forces.keys() <= _UNDERSTOOD:
        raise _untranslatable(", ".join(sorted(forces.keys() - _UNDERSTOOD)) or "a kind of force twice")
    count = system.getNumParticles()
    nonbonded = forces["NonbondedForce"]
    parameters = np.array(
        [[value._value for value in nonbonded.getParticleParameters(index)] for index in range(count)]
    ).reshape(count, 3)
    terms = _Terms(
        [float(system.getParticleMass(index)._value) for index in range(count)],
        parameters[:, 0],
        np.where(parameters[:, 2] == 0.0, 0.0, parameters[:, 1]),
        parameters[:, 2],
    )
    for index in range(system.getNumConstraints()):
        *atoms, distance = system.getConstraintParameters(index)
        terms.add("constraints", atoms, distance._value)
    for index in range(nonbonded.getNumExceptions()):
        one, two, *values = nonbonded.getExceptionParameters(index)
        terms.add("exceptions", sorted((one, two)), *(value._value for value in values))
    for *atoms, length, strength in bonded_terms(forces.get("HarmonicBondForce")):
        terms.add("bonds", atoms, length._value, strength._value)
    for *atoms, angle, strength in bonded_terms(forces.get("HarmonicAngleForce")):
        terms.add("angles", atoms, float(np.degrees(angle._value)), strength._value)
    for *atoms, periodicity, phase, strength in bonded_terms(forces.get("PeriodicTorsionForce")):
        if strength._value:
            terms.add("torsions", atoms, periodicity, float(np.degrees(phase._value)), strength._value)
    return terms


def _atom_types(terms: _Terms) -> dict[tuple[float, float], int]:
    """A number for each pair of sigma and epsilon that occurs."""
    types: dict[tuple[float, float], int] = {}
    for key in zip(terms.sigmas, terms.epsilons, strict=True):
        types.setdefault(_type_key(*key), len(types))
    return types


def _type_key(sigma: float, epsilon: float) -> tuple[float, float]:
    return round(float(sigma), _SAME_TYPE_DECIMALS), round(float(epsilon), _SAME_TYPE_DECIMALS)


def _molecules(terms: _Terms, solute_atoms: int) -> Iterator[tuple[int, int]]:
    """First atom and the one after the last of every molecule, in the order of the atoms."""
    if solute_atoms:
        yield 0, solute_atoms
    ends = list(range(1, len(terms.masses) + 1))
    joined = [*terms.rows["bonds"].items(), *terms.rows["constraints"].items()]
    for low, high in ((low, max(row[:2])) for low, rows in joined for row in rows):
        if low < solute_atoms <= high:
            raise _untranslatable("a bond between the solute and what is not")
        ends[low] = max(ends[low], high + 1)
    first = solute_atoms
    while first < len(ends):
        end, atom = ends[first], first
        while atom < end:
            end = max(end, ends[atom])
            atom += 1
        yield first, end
        first = end


def _molecule(terms: _Terms, types: dict[tuple[float, float], int], first: int, last: int) -> Iterator[str]:
    """The lines of one molecule, atoms counted from 1."""

    def rows(kind: str) -> list[Row]:
        return [row for atom in range(first, last) for row in terms.rows[kind].get(atom, ())]

    def own(atoms: Iterable[int]) -> str:
        return " ".join(str(atom - first + 1) for atom in atoms)

    yield "[ atoms ]"
    for number, atom in enumerate(range(first, last), 1):
        kind = types[_type_key(terms.sigmas[atom], terms.epsilons[atom])]
        yield f"{number} T{kind} 1 RES A {number} {terms.charges[atom]:.12g} {terms.masses[atom]:.12g}"
    held, exceptions = rows("constraints"), rows("exceptions")
    water = _water_lengths(held, first, last)
    if water is not None:
        yield from ("[ settles ]", f"1 1 {water[0]:.12g} {water[1]:.12g}")
    else:
        yield from _section("constraints", [f"{own(row[:2])} 1 {row[2]:.12g}" for row in held])
    for section, width in (("bonds", 2), ("angles", 3)):
        yield from _section(
            section, [f"{own(row[:width])} 1 {row[-2]:.12g} {row[-1]:.12g}" for row in rows(section)]
        )
    yield from _section(
        "dihedrals",
        [
            f"{own(four)} 9 {phase:.12g} {strength:.12g} {periodicity}"
            for *four, periodicity, phase, strength in rows("torsions")
        ],
    )
    pairs = [_pair(terms, row, own(row[:2])) for row in exceptions if row[2] or row[4]]
    yield from _section("pairs", pairs)
    yield from _section("exclusions", [own(row[:2]) for row in exceptions])


def _section(name: str, lines: list[str]) -> list[str]:
    return [f"[ {name} ]", *lines] if lines else []


def _pair(terms: _Terms, row: Row, atoms: str) -> str:
    one, two, product, sigma, epsilon = row
    usual = _FUDGE_QQ * terms.charges[one] * terms.charges[two]
    if abs(product - usual) < _ROUNDING:
        return f"{atoms} 1 {sigma:.12g} {epsilon:.12g}"
    return f"{atoms} 2 1.0 {product:.12g} 1.0 {sigma:.12g} {epsilon:.12g}"


def _water_lengths(constraints: list[Row], first: int, last: int) -> tuple[float, float] | None:
    """O-H and H-H of three atoms that three distances hold, the first as far from one as from the other."""
    lengths = {frozenset((one - first, two - first)): length for one, two, length in constraints}
    if last - first != 3 or len(lengths) != 3:
        return None
    one, two, across = (lengths[frozenset(pair)] for pair in ((0, 1), (0, 2), (1, 2)))
    return (one, across) if np.isclose(one, two) else None


def _restraints(atoms: Sequence[int]) -> Iterator[str]:
    if not len(atoms):
        return
    yield f"#ifdef {RESTRAINT_MACRO}"
    yield "[ position_restraints ]"
    yield from (f"{atom + 1} 1 {' '.join([RESTRAINT_MACRO] * 3)}" for atom in atoms)
    yield "#endif"


def _untranslatable(what: str) -> ComputationError:
    return ComputationError(
        f"This system cannot be written for GROMACS: it holds {what}.",
        where="dynamics.engine",
        remedy="Use OpenMM: dynamics.engine: openmm (--engine openmm).",
    )

"""GAFF2 for one molecule: types from antechamber, missing terms from parmchk2, mended, the rest from tleap.

GAFF2: Wang, Wolf, Caldwell, Kollman & Case, J. Comput. Chem. 2004, 25, 1157, second generation as AmberTools
ships it. What comes out are the explicit terms of the molecule, taken from tleap's own topology.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kinscope.core.errors import ComputationError
from kinscope.ligands.parameters.programs import AmberTools
from kinscope.ligands.parameters.shipped import EstimatedTerm
from kinscope.results.notes import Note, note

POOR_PENALTY = 100.0
"""parmchk2's penalty from which a dihedral is looked up again as an aromatic one."""
NOTED_PENALTY = 10.0
_AROMATIC = {"cp": "ca", "cq": "ca"}
"""Carbons at an aryl-aryl bond: within their own ring they are aromatic carbons like any other."""
_SECTIONS = {"BOND": "bond", "ANGLE": "angle", "DIHE": "dihedral", "IMPROPER": "improper"}
_TYPE = r"[A-Za-z0-9+*]{1,2} ?"
_PENALTY = re.compile(r"penalty score=\s*([0-9.]+)")

PRMTOP, INPCRD = "ligand.prmtop", "ligand.inpcrd"


@dataclass(frozen=True)
class Torsion:
    """One term k (1 + cos(n phi - phase)) over four atoms."""

    atoms: tuple[int, int, int, int]
    periodicity: int
    phase: float
    """Radians."""
    k: float
    """kJ/mol."""


@dataclass(frozen=True)
class Terms:
    """Every term of a molecule in OpenMM's units (nm, kJ/mol, radians); indices are atoms."""

    types: tuple[str, ...]
    masses: tuple[float, ...]
    sigma_nm: tuple[float, ...]
    epsilon_kj_per_mol: tuple[float, ...]
    bonds: tuple[tuple[int, int, float, float], ...]
    angles: tuple[tuple[int, int, int, float, float], ...]
    propers: tuple[Torsion, ...]
    impropers: tuple[Torsion, ...]
    """Atoms in tleap's order: the central one third."""


def gaff2_terms(
    charges: Sequence[float], names: Sequence[str], tools: AmberTools, directory: Path
) -> tuple[Terms, tuple[EstimatedTerm, ...], tuple[Note, ...]]:
    """The terms of the molecule that antechamber typed in ``directory / "antechamber"``.

    Charges and names (n_atoms,) go into the topology, which stays in ``directory`` as an Amber topology.
    Returns the terms, what parmchk2 took from similar chemistry at a penalty above :data:`NOTED_PENALTY`, and
    what was mended.

    Raises ComputationError if a program fails, or a term has no parameters at all.
    """
    source = directory / "antechamber" / "ligand.mol2"
    rewrite_mol2(source, directory / "ligand.mol2", charges, names)
    options = ["-i", "ligand.mol2", "-f", "mol2", "-o", "ligand.frcmod", "-s", "gaff2"]
    tools.run("parmchk2", options, directory)
    frcmod = directory / "ligand.frcmod"
    text, notes = mended(frcmod.read_text(), aromatic_dihedrals(tools.gaff2))
    frcmod.write_text(text)
    estimated = estimated_terms(text)
    script = (
        "source leaprc.gaff2\nloadAmberParams ligand.frcmod\nligand = loadMol2 ligand.mol2\n"
        f"check ligand\nsaveAmberParm ligand {PRMTOP} {INPCRD}\nquit\n"
    )
    (directory / "leap.in").write_text(script)
    said = tools.run("tleap", ["-f", "leap.in"], directory)
    if not (directory / PRMTOP).is_file() or "Could not find" in said:
        lines = [line for line in said.splitlines() if "ould not find" in line or "rror" in line]
        raise ComputationError(
            f"tleap made no topology ({'; '.join(lines)[:400]}).",
            where="tleap",
            remedy="GAFF2 covers organic molecules of H, C, N, O, S, P and halogens.",
        )
    return read_terms(directory / PRMTOP), estimated, notes


def rewrite_mol2(source: Path, target: Path, charges: Sequence[float], names: Sequence[str]) -> None:
    """A mol2 file with names and charges replaced."""
    lines, section, number = [], "", 0
    for line in source.read_text().splitlines():
        if line.startswith("@"):
            section = line.strip()
        elif section == "@<TRIPOS>ATOM" and len(line.split()) >= 9:
            words = line.split()
            x, y, z = (float(word) for word in words[2:5])
            line = (
                f"{number + 1:7d} {names[number]:<8s} {x:10.4f} {y:10.4f} {z:10.4f} {words[5]:<5s}"
                f" 1 LIG {charges[number]:11.6f}"
            )
            number += 1
        lines.append(line)
    if number != len(charges):
        raise ComputationError("antechamber lost atoms of the molecule.", where=str(source.name))
    target.write_text("\n".join(lines) + "\n")


def aromatic_dihedrals(gaff2: Path) -> dict[tuple[str, str], str]:
    """The general dihedrals ``X-a-b-X`` of GAFF2: inner types to the numbers, as written."""
    found = {}
    pattern = re.compile(rf"^X -({_TYPE})-({_TYPE})-X \s+(\d+\s+-?[0-9.]+\s+-?[0-9.]+\s+-?[0-9.]+)")
    for line in gaff2.read_text(errors="replace").splitlines():
        if match := pattern.match(line):
            one, other = match[1].strip(), match[2].strip()
            found[one, other] = found[other, one] = match[3]
    return found


def mended(frcmod: str, general: dict[tuple[str, str], str]) -> tuple[str, tuple[Note, ...]]:
    """A frcmod whose worst dihedrals inside aromatic rings are those of the ring.

    parmchk2 has no general term for a ring bond at the carbon of an aryl-aryl bond (types cp, cq) and falls
    back on an unrelated one of a tenth of the strength, which lets a pyrimidine fold. That carbon is read as
    any aromatic carbon (ca), for which GAFF2 does list the bond.

    Raises ComputationError if a term is left that parmchk2 could not estimate (marked for revision).
    """
    lines, notes, section = [], [], ""
    for line in frcmod.splitlines():
        word = line.strip()
        if word in _SECTIONS or word in ("MASS", "NONBON"):
            section = word
        elif section == "DIHE" and (penalty := _penalty(line)) >= POOR_PENALTY:
            kinds = [kind.strip() for kind in line[:11].split("-")]
            inner = (_AROMATIC.get(kinds[1], kinds[1]), _AROMATIC.get(kinds[2], kinds[2]))
            if inner != (kinds[1], kinds[2]) and inner in general:
                line = f"{line[:11]}   {general[inner]}      as X-{inner[0]}-{inner[1]}-X"
                notes.append(
                    note("dihedral-replaced", types="-".join(kinds), penalty=penalty, inner="-".join(inner))
                )
        if "ATTN" in line:
            raise ComputationError(
                f"GAFF2 has no parameters for a term of this molecule: {' '.join(line.split())}.",
                where="parmchk2",
                remedy="The chemistry is outside GAFF2; parametrise it elsewhere.",
            )
        lines.append(line)
    return "\n".join(lines) + "\n", tuple(notes)


def estimated_terms(frcmod: str) -> tuple[EstimatedTerm, ...]:
    """The terms of a frcmod with a penalty above :data:`NOTED_PENALTY`."""
    found, section = [], ""
    for line in frcmod.splitlines():
        if line.strip() in _SECTIONS:
            section = line.strip()
        elif section and (penalty := _penalty(line)) > NOTED_PENALTY:
            width = {"BOND": 5, "ANGLE": 8}.get(section, 11)
            source = re.search(r"(same as|Same as|Using general improper torsional angle)\s*(.+?),", line)
            found.append(
                EstimatedTerm(
                    kind=_SECTIONS[section],
                    atom_types="-".join(kind.strip() for kind in line[:width].split("-")),
                    source="-".join(part.strip() for part in source.group(2).split("-")) if source else "",
                    penalty=penalty,
                )
            )
    return tuple(found)


def _penalty(line: str) -> float:
    match = _PENALTY.search(line)
    return float(match.group(1)) if match else 0.0


def read_terms(prmtop: Path) -> Terms:
    """Every term of an Amber topology of one molecule."""
    from openmm import HarmonicAngleForce, HarmonicBondForce, NonbondedForce, PeriodicTorsionForce, app

    amber = app.AmberPrmtopFile(str(prmtop))
    system = amber.createSystem(nonbondedMethod=app.NoCutoff, constraints=None, removeCMMotion=False)
    forces = {type(force): force for force in system.getForces()}
    count = system.getNumParticles()
    nonbonded, bonds, angles = (
        forces[kind] for kind in (NonbondedForce, HarmonicBondForce, HarmonicAngleForce)
    )
    particles = [nonbonded.getParticleParameters(index) for index in range(count)]
    joined = {frozenset((bond[0].index, bond[1].index)) for bond in amber.topology.bonds()}
    periodic = forces[PeriodicTorsionForce]
    torsions = []
    for index in range(periodic.getNumTorsions()):
        i, j, k, m, periodicity, phase, strength = periodic.getTorsionParameters(index)
        torsions.append(Torsion((i, j, k, m), int(periodicity), phase._value, strength._value))
    types = amber._prmtop._raw_data["AMBER_ATOM_TYPE"]
    return Terms(
        tuple(str(kind).strip() for kind in types),
        tuple(float(system.getParticleMass(index)._value) for index in range(count)),
        tuple(float(sigma._value) for _, sigma, _ in particles),
        tuple(float(epsilon._value) for _, _, epsilon in particles),
        tuple(_plain(bonds.getBondParameters(index)) for index in range(bonds.getNumBonds())),
        tuple(_plain(angles.getAngleParameters(index)) for index in range(angles.getNumAngles())),
        tuple(torsion for torsion in torsions if _is_chain(torsion, joined)),
        tuple(_central_third(torsion, joined) for torsion in torsions if not _is_chain(torsion, joined)),
    )


def _is_chain(torsion: Torsion, joined: set[frozenset[int]]) -> bool:
    i, j, k, l = torsion.atoms  # noqa: E741
    return {frozenset((i, j)), frozenset((j, k)), frozenset((k, l))} <= joined


def _central_third(torsion: Torsion, joined: set[frozenset[int]]) -> Torsion:
    """An improper with the atom that is bonded to all others third.

    tleap writes it third, but turns the order round where the last atom would be number 0, whose sign cannot
    mark an improper.
    """
    for atoms in (torsion.atoms, torsion.atoms[::-1]):
        i, j, centre, m = atoms
        if {frozenset((centre, other)) for other in (i, j, m)} <= joined:
            return replace(torsion, atoms=(i, j, centre, m))
    raise ComputationError("tleap wrote an improper about no atom.", where=f"atoms {torsion.atoms}")


def _plain(values: Any) -> Any:
    return tuple(getattr(value, "_value", value) for value in values)

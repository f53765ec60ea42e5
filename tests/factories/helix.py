"""An ideal helix that substitutions are built on."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kinscope.core.residues import three_letter
from kinscope.results.models import ModelRecord, ResidueOrigin
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.side_chains.sites import Residue, residues_of, substituted_residue

SEQUENCE = "AEKLRQFSTHNWDVYMCIGAKELA"


FIRST = 301


QUICK = MutationSettings(
    candidates=1,
    backrub_degrees=(),
    neighbour_backrub_degrees=(),
    clash_iterations=60,
    final_iterations=60,
    shell_radius_angstrom=5.0,
    surroundings_angstrom=8.0,
)


VDW = {"C": 1.7, "N": 1.55, "O": 1.52, "S": 1.8}


def place(a, b, c, length, angle, torsion):
    """The atom bonded to c with that angle at c and torsion about b-c (degrees)."""
    bc = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, bc)
    normal /= np.linalg.norm(normal)
    angle, torsion = np.radians(angle), np.radians(torsion)
    local = np.array([-np.cos(angle), np.sin(angle) * np.cos(torsion), np.sin(angle) * np.sin(torsion)])
    return c + length * (np.column_stack([bc, np.cross(normal, bc), normal]) @ local)


def helix_residues():
    """Residues of an ideal alpha helix, caps included, side chains in their commonest helical rotamer."""
    points = [np.array([0.0, 0, 0]), np.array([1.52, 0, 0]), np.array([2.1, 1.2, 0])]
    points = [points[0], points[1], place(np.array([0, 1.0, 0]), points[0], points[1], 1.335, 116.6, 180)]
    chain = [(points[0], points[1])]  # CH3 and C of the acetyl
    ca_before, c_before, n = points[0], points[1], points[2]
    found = []
    for _ in SEQUENCE:
        ca = place(ca_before, c_before, n, 1.458, 121.7, 180)
        c = place(c_before, n, ca, 1.525, 111.0, -62)
        n_next = place(n, ca, c, 1.335, 116.6, -42)
        found.append((n, ca, c, place(n, ca, c, 1.23, 120.5, 138)))
        ca_before, c_before, n = ca, c, n_next
    methyl = place(ca_before, c_before, n, 1.458, 121.7, 180)
    return chain[0], found, (n, methyl, ca_before, c_before)


@lru_cache(maxsize=1)
def helix():
    """The minimised helix and its record."""
    import biotite.structure as struc
    from openmm import Context, LocalEnergyMinimizer, VerletIntegrator, unit

    from kinscope.structures.forcefield.system import cpu_platform, create_system
    from kinscope.structures.io import to_openmm

    (methyl, acetyl), frames, (n_last, last_methyl, ca_last, c_last) = helix_residues()
    rows = []
    oxygen = place(frames[0][1], frames[0][0], acetyl, 1.23, 122.0, 0)
    hydrogens = [place(oxygen, acetyl, methyl, 1.09, 109.5, t) for t in (60, 180, 300)]
    for name, xyz in zip(
        ("CH3", "C", "O", "H1", "H2", "H3"), (methyl, acetyl, oxygen, *hydrogens), strict=True
    ):
        rows.append((FIRST - 1, "ACE", name, xyz))
    before = Residue(FIRST - 1, "ACE", ("C",), np.array([acetyl]))
    for index, (letter, frame) in enumerate(zip(SEQUENCE, frames, strict=True)):
        old = Residue(FIRST + index, "GLY", ("N", "CA", "C", "O"), np.array(frame))
        new = substituted_residue(old, before, three_letter(letter), "HIE" if letter == "H" else "")
        rows += [(new.number, new.name, a, x) for a, x in zip(new.atom_names, new.coord, strict=True)]
        before = old
    amide = place(ca_last, c_last, n_last, 1.01, 119.0, 0)
    hydrogens = [place(c_last, n_last, last_methyl, 1.09, 109.5, t) for t in (60, 180, 300)]
    for name, xyz in zip(
        ("N", "H", "C", "H1", "H2", "H3"), (n_last, amide, last_methyl, *hydrogens), strict=True
    ):
        rows.append((FIRST + len(SEQUENCE), "NME", name, xyz))
    atoms = struc.AtomArray(len(rows))
    for index, (number, residue, name, xyz) in enumerate(rows):
        atoms.chain_id[index], atoms.res_id[index], atoms.res_name[index] = "A", number, residue
        atoms.atom_name[index], atoms.element[index], atoms.coord[index] = name, name[0], xyz
    topology, positions = to_openmm(atoms)
    platform, properties = cpu_platform()
    context = Context(create_system(topology), VerletIntegrator(0.001), platform, properties)
    context.setPositions(positions)
    LocalEnergyMinimizer.minimize(context, 5.0, 500)
    found = context.getState(getPositions=True).getPositions(asNumpy=True).value_in_unit(unit.angstrom)
    atoms.coord = np.asarray(found, dtype=np.float32)
    last = FIRST + len(SEQUENCE) - 1
    origins = tuple(ResidueOrigin(residue=n, origin="built") for n in range(FIRST, last + 1))
    record = ModelRecord(
        target="test", state="user", variant="native", first_residue=FIRST, last_residue=last,
        origins=origins, method=("Ideal helix.",),
    )  # fmt: skip
    return atoms, record


def assert_sound(native, mutant, numbers):
    """No clash, no inverted centre, no broken chain, complete for ff14SB, the rest in its place."""
    from kinscope.structures.forcefield.system import create_system
    from kinscope.structures.io import to_openmm

    residues = residues_of(mutant)
    create_system(to_openmm(mutant)[0], implicit_solvent=False)  # raises where an atom is missing or too many
    for number, residue in residues.items():
        if residue.name in {"ACE", "NME"}:
            continue
        if number + 1 in residues:
            assert 1.2 < np.linalg.norm(residue.at("C") - residues[number + 1].at("N")) < 1.5
        if "CB" in residue.atom_names:
            n, ca, c, cb = (residue.at(atom) for atom in ("N", "CA", "C", "CB"))
            assert np.dot(np.cross(n - ca, c - ca), cb - ca) > 1.0  # L
    for number in numbers:
        assert worst_overlap(mutant, number) < 0.4
    moved = residues_of(native)
    for number, residue in moved.items():
        gaps = [np.linalg.norm(residue.at("C") - residues[n].at("C")) for n in numbers]
        if min(gaps) > 18:
            assert np.abs(residue.coord - residues[number].coord).max() < 0.05


def worst_overlap(atoms, number):
    """Deepest overlap of van der Waals spheres with non-neighbours, hydrogen bonds allowed for."""
    heavy = atoms[atoms.element != "H"]
    mine, others = heavy[heavy.res_id == number], heavy[np.abs(heavy.res_id - number) > 1]
    gaps = np.linalg.norm(mine.coord[:, None] - others.coord[None], axis=-1)
    polar = np.isin(mine.element, ["N", "O"])[:, None] & np.isin(others.element, ["N", "O"])[None]
    allowed = (
        np.array([VDW[e] for e in mine.element])[:, None] + np.array([VDW[e] for e in others.element])[None]
    )
    return float((allowed - 0.45 * polar - gaps).max())  # N-H...O at 2.6 A is no clash

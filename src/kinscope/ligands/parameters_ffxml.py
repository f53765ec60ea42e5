"""A ligand's terms as a force-field file of OpenMM.

Every atom gets a type of its own, so that the file says of each term which atoms it belongs to and nothing is
left to matching rules; impropers are written for the ``amber`` ordering, which then keeps tleap's order.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from kinscope.ligands.parameters import LigandAtom
from kinscope.ligands.parameters_gaff import Terms, Torsion

_COULOMB_14, _LENNARD_JONES_14 = "0.8333333333333334", "0.5"
"""Amber's scaling of 1-4 pairs, as OpenMM's Amber files write it: they must agree to be used together."""


def forcefield_xml(
    name: str, atoms: Sequence[LigandAtom], terms: Terms, bonded: Sequence[tuple[int, int]], about: str
) -> str:
    """The text of the file.

    Parameters
    ----------
    name
        Of the residue template and, with atom names, of the types.
    atoms
        (n_atoms,) with names and charges.
    terms
        Of the molecule.
    bonded
        Pairs of bonded atoms.
    about
        Put into a comment.
    """
    types = [f"{name}-{atom.name}" for atom in atoms]
    lines = ["<ForceField>", f" <!-- {about.replace('--', '-')} -->", " <AtomTypes>"]
    for kind, atom, mass in zip(types, atoms, terms.masses, strict=True):
        lines.append(
            f'  <Type name={quoteattr(kind)} class={quoteattr(kind)} element="{atom.element}" '
            f'mass="{mass:.4f}"/>'
        )
    lines += [" </AtomTypes>", " <Residues>", f"  <Residue name={quoteattr(name)}>"]
    for kind, atom in zip(types, atoms, strict=True):
        lines.append(
            f'   <Atom name={quoteattr(atom.name)} type={quoteattr(kind)} charge="{atom.charge_e:.6f}"/>'
        )
    for first, second in bonded:
        lines.append(
            f"   <Bond atomName1={quoteattr(atoms[first].name)} atomName2={quoteattr(atoms[second].name)}/>"
        )
    lines += ["  </Residue>", " </Residues>", " <HarmonicBondForce>"]
    for i, j, length, k in terms.bonds:
        lines.append(f'  <Bond {_named(types, (i, j))} length="{length:.10g}" k="{k:.10g}"/>')
    lines += [" </HarmonicBondForce>", " <HarmonicAngleForce>"]
    for i, j, m, angle, k in terms.angles:
        lines.append(f'  <Angle {_named(types, (i, j, m))} angle="{angle:.12g}" k="{k:.10g}"/>')
    lines += [" </HarmonicAngleForce>", ' <PeriodicTorsionForce ordering="amber">']
    lines += _torsions("Proper", terms.propers, types)
    lines += _torsions("Improper", terms.impropers, types)
    lines += [
        " </PeriodicTorsionForce>",
        f' <NonbondedForce coulomb14scale="{_COULOMB_14}" lj14scale="{_LENNARD_JONES_14}">',
        '  <UseAttributeFromResidue name="charge"/>',
    ]
    for kind, sigma, epsilon in zip(types, terms.sigma_nm, terms.epsilon_kj_per_mol, strict=True):
        lines.append(f'  <Atom type={quoteattr(kind)} sigma="{sigma:.12g}" epsilon="{epsilon:.12g}"/>')
    lines += [" </NonbondedForce>", "</ForceField>"]
    return "\n".join(lines) + "\n"


def _torsions(tag: str, torsions: Sequence[Torsion], types: Sequence[str]) -> list[str]:
    """One element for each set of four atoms, its terms numbered."""
    grouped: dict[tuple[int, int, int, int], list[Torsion]] = {}
    for torsion in torsions:
        i, j, k, m = torsion.atoms
        # OpenMM's files name the central atom of an improper first; tleap puts it third.
        order = (k, i, j, m) if tag == "Improper" else min((i, j, k, m), (m, k, j, i))
        if torsion.k:
            grouped.setdefault(order, []).append(torsion)
    lines = []
    for order, members in sorted(grouped.items()):
        values = " ".join(
            f'periodicity{n}="{one.periodicity}" phase{n}="{one.phase:.12g}" k{n}="{one.k:.10g}"'
            for n, one in enumerate(members, start=1)
        )
        lines.append(f"  <{tag} {_named(types, order)} {values}/>")
    return lines


def _named(types: Sequence[str], atoms: Sequence[int]) -> str:
    return " ".join(f"type{n}={quoteattr(types[atom])}" for n, atom in enumerate(atoms, start=1))

"""OpenMM systems of a ligand from its force-field file."""

from __future__ import annotations


def topology_of(forcefield):
    from openmm import app

    topology = app.Topology()
    residue = topology.addResidue("LIG", topology.addChain("L"))
    atoms = [
        topology.addAtom(atom.name, app.Element.getBySymbol(atom.element), residue)
        for atom in forcefield.record.atoms
    ]
    for bond in forcefield.molecule().GetBonds():
        topology.addBond(atoms[bond.GetBeginAtomIdx()], atoms[bond.GetEndAtomIdx()])
    return topology


def system_of(forcefield):
    from openmm import app

    field = app.ForceField("amber14/protein.ff14SB.xml", "amber14/tip3p.xml", str(forcefield.xml_path))
    return field.createSystem(topology_of(forcefield), nonbondedMethod=app.NoCutoff, removeCMMotion=False)

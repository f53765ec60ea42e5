"""Side chains of a native model chosen anew, where parts of several crystals do not fit together.

The rotamers, energies and search are those of the mutants (:mod:`kinscope.structures.packing_sites`); nothing
is substituted and the backbone stays.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kinscope.structures.model import AtomArray
from kinscope.structures.packing import PackingProblem
from kinscope.structures.packing_sites import is_bridged, native_side_chain, prune, residues_of
from kinscope.structures.surroundings import Surroundings

_FIXED = frozenset({"GLY", "ALA", "PRO", "ACE", "NME", "PTR", "SEP", "TPO"})
_KEEP_BONUS = 2.0
"""kcal/mol by which another rotamer must beat the one a crystal shows."""
_FORGET_COST = 5.0
"""kcal/mol charged to the arbitrary rotamer that a built side chain starts from."""


def repack_side_chains(
    atoms: AtomArray, residues: Sequence[int], *, forget: Collection[int] = (), seed: int = 1
) -> tuple[AtomArray, dict[int, str]]:
    """Choose the side chains of some residues together, the rest of the model held.

    Parameters
    ----------
    atoms
        Model with all hydrogens.
    residues
        Numbers of the residues; those without rotamers and bridged cysteines stay as they are.
    forget
        Those among them whose present rotamer means nothing.
    seed
        For the annealing that replaces the exact search of a large problem.

    Returns
    -------
    tuple
        A copy of the model, and the new rotamer of each residue that left its present one.
    """
    present = residues_of(atoms)
    wanted = [
        number
        for number in residues
        if present[number].name not in _FIXED and not is_bridged(present[number], present.values())
    ]
    if not wanted:
        return atoms.copy(), {}
    positions = [
        native_side_chain(present[number], -_FORGET_COST if number in forget else _KEEP_BONUS)
        for number in wanted
    ]
    moving = {p.residue: frozenset(name for names in p.atom_names for name in names) for p in positions}
    around = Surroundings(present, moving)
    problem = PackingProblem([prune(around.added_to(position), 25.0, 60) for position in positions])
    choice = problem.solve(seed=seed).choice
    packed, changed = atoms.copy(), {}
    for position, conformer in zip(problem.positions, choice, strict=True):
        places = dict(zip(position.atom_names[conformer], position.coord[conformer], strict=True))
        for row in (packed.res_id == position.residue).nonzero()[0]:
            name = str(packed.atom_name[row])
            if name in places:
                packed.coord[row] = places[name]
        if position.labels[conformer] != "native":
            changed[position.residue] = position.labels[conformer]
    return packed, changed

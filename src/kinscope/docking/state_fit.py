"""Whether a drug's known binding mode fits a conformation that it was not seen in.

A drug is docked into the state whose crystal shows it. What it would meet in the other states is measured
here rather than assumed: its known pose is laid into the other state's model by the site's CA atoms, what it
runs into is counted, and a local minimisation says whether a mode of the kind exists there at all.
"""

from __future__ import annotations

import re

import numpy as np

from kinscope.analysis.results import StateFit
from kinscope.docking.crystal_start import superpose_site
from kinscope.docking.engine import Box, Mol
from kinscope.docking.rmsd import SymmetricRmsd
from kinscope.docking.run import with_coordinates
from kinscope.docking.validity import close_pairs
from kinscope.docking.vina_engine import VinaEngine
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition

KEPT_ANGSTROM = 2.0
LOST_KCAL_PER_MOL = 3.0
"""A mode that scores so much worse than in the drug's own state is not the mode: three times what is called a
difference at all (docs/decisions/0042)."""
_PADDING_ANGSTROM = 5.0


def state_fit(
    drug: DrugDefinition, pose: Mol, home: AtomArray, other: AtomArray, other_state: str
) -> StateFit | None:
    """How a drug's known pose fares in another state; see :func:`fit_in_state`."""
    found = fit_in_state(drug, pose, home, other, other_state)
    return None if found is None else found[0]


def fit_in_state(
    drug: DrugDefinition, pose: Mol, home: AtomArray, other: AtomArray, other_state: str
) -> tuple[StateFit, Mol] | None:
    """How a drug's known pose fares in another state, and the pose there.

    Parameters
    ----------
    drug
        The drug.
    pose
        Its known pose in ``home``.
    home, other
        Native models (n_atoms) of the drug's own state and of the other.
    other_state
        Id of the other state.

    Returns
    -------
    The measurement and the pose after a local minimisation there, or None if the other model does not hold
    the site.
    """
    from kinscope.core.errors import StructureError

    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    try:
        transform, _, site_rmsd = superpose_site(home, other, points, drug.id)
    except StructureError:
        return None
    laid = np.asarray(transform.apply(points), dtype=np.float64)
    carried = with_coordinates(pose, laid)
    clashes = close_pairs(other, carried, laid)
    engine = VinaEngine()
    own = engine.bind(home, pose, Box.around(points, _PADDING_ANGSTROM)).minimise(points[None])[0]
    system = engine.bind(other, carried, Box.around(laid, _PADDING_ANGSTROM))
    settled = system.minimise(laid[None])[0]
    moved = SymmetricRmsd(pose)(settled.coordinates, laid)
    lost = settled.score_kcal_per_mol - own.score_kcal_per_mol
    fits = moved <= KEPT_ANGSTROM and lost <= LOST_KCAL_PER_MOL
    residues = _residues(clashes)
    measured = StateFit(
        drug=drug.id,
        own_state=drug.state,
        state=other_state,
        site_rmsd_angstrom=round(site_rmsd, 2),
        clashes=len(clashes),
        clashing_residues=residues,
        score_kcal_per_mol=round(settled.score_kcal_per_mol, 2),
        own_score_kcal_per_mol=round(own.score_kcal_per_mol, 2),
        moved_angstrom=round(moved, 2),
        fits=fits,
        statement=_statement(fits, len(clashes), residues, moved, lost),
    )
    return measured, with_coordinates(pose, settled.coordinates)


def _residues(clashes: list[str]) -> tuple[str, ...]:
    """The residues of clashes, those with most first."""
    names = [match.group(1) for text in clashes if (match := re.search(r" to (\w+\d+) ", text))]
    return tuple(sorted(dict.fromkeys(names), key=lambda name: -names.count(name)))


def _statement(fits: bool, clashes: int, residues: tuple[str, ...], moved: float, lost: float) -> str:
    where = (
        f"{clashes} overlap{'' if clashes == 1 else 's'}, with {', '.join(residues[:3])}"
        if clashes
        else "no overlap"
    )
    after = f"after relaxing {moved:.1f} angstrom away and {lost:+.1f} kcal/mol from its own state's score"
    return f"{'fits' if fits else 'does not fit'}: {where}; {after}"

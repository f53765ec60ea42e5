"""A second definition of a pocket's volume, by a library of others: the room that alpha spheres find.

An alpha sphere touches the centres of four atoms and holds none (Liang, Edelsbrunner & Woodward, Protein Sci.
1998, 7, 1884); those of 3 to 6 angstrom lie where a ligand could (fpocket: Le Guilloux, Schmidtke & Tuffery,
BMC Bioinformatics 2009, 10, 168). pocketeer finds them. As a finder it would divide space anew in every
structure; here its spheres, less the radius of the atoms that they touch, are counted within a region that
stays the same. No grid of ours, no radii per element and no probe enter: where both definitions say one thing
of a mutant's pocket, it does not hang on the definition (docs/decisions/0152).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kinscope.analysis.superposition import FloatArray

if TYPE_CHECKING:
    from kinscope.analysis.pockets import InclusionRegion

SMALLEST_ANGSTROM, LARGEST_ANGSTROM = 3.0, 6.0
"""Radii of the alpha spheres that count: smaller ones lie inside the packed protein, larger outside it."""
ATOM_ANGSTROM = 1.7
"""What of a sphere its atoms fill: carbon's radius (Bondi, J. Phys. Chem. 1964, 68, 441)."""
REACH_ANGSTROM = 2 * LARGEST_ANGSTROM
"""Atoms farther from the region touch no sphere that reaches into it."""


def alpha_sphere_volume(coord: FloatArray, region: InclusionRegion) -> float:
    """Volume of the region within alpha spheres, less the atoms' radius, in cubic angstrom.

    Parameters
    ----------
    coord
        Heavy atoms of the protein, in the frame of the region, shape (n_atoms, 3), angstrom.
    region
        Where to measure.
    """
    from pocketeer.core import compute_alpha_spheres
    from pocketeer.utils.exceptions import TessellationError

    away, _ = region.tree.query(coord, distance_upper_bound=REACH_ANGSTROM)
    near = np.asarray(coord[np.isfinite(away)], dtype=np.float64)
    try:
        spheres = compute_alpha_spheres(near, r_min=SMALLEST_ANGSTROM, r_max=LARGEST_ANGSTROM)
    except TessellationError:  # atoms in one plane or one place, as a broken frame has them, enclose nothing
        return 0.0
    covered = np.zeros(region.tree.n, dtype=bool)
    if spheres:
        centres = np.array([sphere.center for sphere in spheres])
        room = np.array([sphere.radius for sphere in spheres]) - ATOM_ANGSTROM
        for within in region.tree.query_ball_point(centres, room):
            covered[within] = True
    return float(covered.sum()) * region.spacing_angstrom**3

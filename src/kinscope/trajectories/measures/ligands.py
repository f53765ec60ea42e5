"""How a ligand holds its place: deviation, drift, and the contacts of the start that are kept.

Frames are laid on the protein's rigid core, never on the ligand, so that leaving the pocket shows.
"""

from __future__ import annotations

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray, pair_distances, reachable_pairs
from kinscope.trajectories.frames import Chunk, Float32Array
from kinscope.trajectories.measures.motion import Series

CONTACT_ANGSTROM = 4.5
"""Heavy atoms of ligand and residue this near are in contact."""
LEFT_SHARE = 0.25
"""A ligand with fewer of its first contacts than this share has left its pocket."""


class LigandPose(Series):
    """RMSD, drift of the centre, and share of kept contacts of one ligand.

    ``ligand``: places of its heavy atoms, shape (n,). ``protein``: places of the protein's heavy atoms, shape
    (m,). ``residues``: residue number of each of those, shape (m,). ``start``: coordinates of the starting
    structure, laid on the reference of the fit, shape (n_atoms, 3), angstrom.
    """

    names = ("ligand_rmsd_angstrom", "ligand_drift_angstrom", "ligand_contacts_kept_percent")

    def __init__(self, ligand: IntArray, protein: IntArray, residues: IntArray, start: FloatArray) -> None:
        super().__init__()
        self._ligand = np.asarray(ligand, dtype=np.intp)
        self._start = start[self._ligand]
        gap = np.linalg.norm(start[protein][:, None] - self._start[None], axis=2).min(axis=1)
        self.first_contacts = np.unique(residues[gap <= CONTACT_ANGSTROM])
        near = np.isin(residues, self.first_contacts)
        self._lining, self._owners = np.asarray(protein)[near], np.asarray(residues)[near]
        self.left_at_frame: int | None = None
        """The frame from which on the ligand stays away; None if it is there at the end."""

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        before = self.moments.count
        placed = chunk.placed(self._ligand)
        shift = placed - self._start
        deviation = np.sqrt((shift**2).sum(axis=2).mean(axis=1))
        drift = np.linalg.norm(shift.mean(axis=1), axis=1)
        kept = self._still_held(placed, chunk)
        self.add(np.stack([deviation, drift, kept], axis=1))
        # It has left for good only if it never comes back.
        last = max(np.flatnonzero(kept >= LEFT_SHARE), default=-1)
        if last == len(chunk) - 1:
            self.left_at_frame = None
        elif last >= 0 or self.left_at_frame is None:
            self.left_at_frame = before + int(last) + 1

    def _still_held(self, placed: Float32Array, chunk: Chunk) -> FloatArray:
        if not len(self.first_contacts):
            return np.zeros(len(placed))
        lining = chunk.placed(self._lining)
        pairs = reachable_pairs(lining, placed, CONTACT_ANGSTROM)
        touching = pair_distances(lining, placed, pairs) <= CONTACT_ANGSTROM
        owners = self._owners[pairs[0]]
        held = np.stack([touching[:, owners == number].any(axis=1) for number in self.first_contacts], axis=1)
        return np.asarray(held.mean(axis=1))

"""The physical terms of one substitution and one drug; each rises as affinity is expected to fall.

Every term of the place is a difference of two ensembles (mutant less native kind), over the drug's
structures; every term that does not itself vanish far from the drug is gated by nearness. None sees a
measurement.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from kinscope.affinity.ensemble import SiteRow
from kinscope.core.errors import ComputationError
from kinscope.core.records import Record

NAMES = ("contact", "bonds", "ring", "charge", "volume", "state", "mobile", "balance", "near")
NEAR_ANGSTROM = 6.0
"""Nearer than this, a residue counts as near (FEP and crystals speak of the first shell)."""
ENSEMBLE_ANGSTROM = 12.0
"""Further than this no ensemble is computed: contact, bonds and ring are nothing there."""
_GATE_ANGSTROM, _GATE_WIDTH = 8.0, 1.5
_CONTACT_SCALE = 3.0
"""kcal/mol: beyond it contact counts by its logarithm, for clashes of rigid structures are overrated."""
_SOFT = 2.0
"""kcal/mol over which structures of a drug are told apart."""
_STATE_LIMIT = 3.0
_STILL_ANGSTROM, _MOVED_ANGSTROM = 0.6, 1.8
_CHARGE = {"K": 1, "R": 1, "D": -1, "E": -1}
_VOLUME = {
    "G": 60.1, "A": 88.6, "S": 89.0, "C": 108.5, "D": 111.1, "P": 112.7, "N": 114.1, "T": 116.1, "E": 138.4,
    "V": 140.0, "Q": 143.8, "H": 153.2, "M": 162.9, "I": 166.7, "L": 166.7, "K": 168.6, "R": 173.4,
    "F": 189.9, "Y": 193.6, "W": 227.8,
}  # fmt: skip
"""Cubic angstrom of a residue (Zamyatnin, Prog. Biophys. Mol. Biol. 1972, 24, 107)."""


class PlaceRow(Record):
    """Where a residue lies in a complex, or how its backbone differs between two states."""

    complex: str
    residue: int
    reach_angstrom: float = 0.0
    """Shortest distance of heavy atoms to the drug's; 0 without a drug."""
    moved_angstrom: float = 0.0
    """Without a drug: how far seven residues about it lie from where the active state has them, RMSD."""
    alpha_angstrom: tuple[float, ...] = ()
    """Without a drug: where the active state has its CA."""


class Terms(Record):
    """The terms of one pair."""

    reach_angstrom: float
    """Mean over the drug's structures."""
    contact: float
    """kcal/mol of the drug's contact with the place that is lost, large values by their logarithm."""
    bonds: float
    """Hydrogen bonds of the side chain to the drug that are lost."""
    ring: float
    """Aromatic contact that is lost, 0 to 1."""
    charge: float
    """Elementary charges gained, gated."""
    volume: float
    """50 cubic angstrom gained, gated."""
    state: float
    """kcal/mol by which the substitution packs worse in the drug's state than in the active one, gated."""
    mobile: float
    """1 where a drug of an inactive state lies on backbone that stands elsewhere in the active one, gated."""
    balance: float
    """The same out of reach: a substitution there shifts the balance of states, however far the drug."""
    near: float
    """The gate itself, 0 to 1."""

    def vector(self) -> list[float]:
        """In the order of :data:`NAMES`."""
        return [float(getattr(self, name)) for name in NAMES]


@dataclass(frozen=True)
class DrugPlaces:
    """Which complexes are a drug's."""

    complexes: tuple[str, ...]
    inactive: str = ""
    """The state without drug whose backbone it needs; empty: it needs none that the active state lacks."""


class Sites:
    """All ensembles, by complex, place and kind; ``active`` is the active state without drug."""

    def __init__(
        self,
        rows: Iterable[SiteRow],
        places: Iterable[PlaceRow],
        drugs: Mapping[str, DrugPlaces],
        active: str,
    ) -> None:
        self.rows = {(row.complex, row.residue, row.kind): row for row in rows}
        self._places = {(row.complex, row.residue): row for row in places}
        self.drugs, self.active = dict(drugs), active

    def terms(
        self, drug: str, residue: int, wild: str, mutant: str, inactive: str | None = None
    ) -> Terms | None:
        """The terms of a pair; None where no structure of the drug shows the residue.

        ``inactive``: the state without drug that it needs where that is another than in ABL1.

        Raises ComputationError if an ensemble was not computed that the drug reaches.
        """
        its = self.drugs[drug]
        inactive = its.inactive if inactive is None else inactive
        here = [self._places[c, residue] for c in its.complexes if (c, residue) in self._places]
        if not here:
            return None
        reach = float(np.mean([place.reach_angstrom for place in here]))
        near, changes = gate(reach), np.array([self._change(place, wild, mutant) for place in here])
        mobile = self._mobile(inactive, residue)
        return Terms(
            reach_angstrom=reach, contact=_softest(changes[:, 0]), bonds=float(changes[:, 1].mean()),
            ring=float(changes[:, 2].mean()), near=near,
            charge=near * (_CHARGE.get(mutant, 0) - _CHARGE.get(wild, 0)),
            volume=near * (_VOLUME[mutant] - _VOLUME[wild]) / 50.0,
            state=near * self._state(inactive, residue, wild, mutant),
            mobile=near * mobile, balance=(1.0 - near) * mobile,
        )  # fmt: skip

    def _change(self, place: PlaceRow, wild: str, mutant: str) -> tuple[float, float, float]:
        if place.reach_angstrom > ENSEMBLE_ANGSTROM:
            return 0.0, 0.0, 0.0
        try:
            old, new = (self.rows[place.complex, place.residue, kind] for kind in (wild, mutant))
        except KeyError as error:
            what = f"{error.args[0][2]} at residue {place.residue} was not computed in {place.complex}."
            remedy = "Compute it with: kinscope scan --all-19"
            raise ComputationError(what, where="terms of affinity", remedy=remedy) from None
        contact = (new.pull_kcal_per_mol - old.pull_kcal_per_mol) / _CONTACT_SCALE
        return _CONTACT_SCALE * math.asinh(contact), old.bonds - new.bonds, old.ring - new.ring

    def _state(self, inactive: str, residue: int, wild: str, mutant: str) -> float:
        found = [self.rows.get((s, residue, k)) for s in (inactive, self.active) for k in (mutant, wild)]
        energy = [row.packing_kcal_per_mol for row in found if row is not None]
        if len(energy) < 4:  # of no inactive state, or out of reach
            return 0.0
        cost = energy[0] - energy[1] - (energy[2] - energy[3])
        return _STATE_LIMIT * math.tanh(cost / _STATE_LIMIT)

    def _mobile(self, inactive: str, residue: int) -> float:
        place = self._places.get((inactive, residue))
        moved = place.moved_angstrom if place else 0.0
        return float(np.clip((moved - _STILL_ANGSTROM) / (_MOVED_ANGSTROM - _STILL_ANGSTROM), 0.0, 1.0))

    def between(self, first: int, second: int) -> float:
        """Distance of two CA atoms in the active state, angstrom; inf where it does not show them."""
        one, two = (self._places.get((self.active, residue)) for residue in (first, second))
        return math.dist(one.alpha_angstrom, two.alpha_angstrom) if one and two else math.inf


def _softest(values: np.ndarray) -> float:
    """A mean of several structures that leans to the one where the substitution fits best.

    Rigid backbones and discrete rotamers overrate clashes, so the lowest is nearest to the truth.
    """
    return float(-_SOFT * math.log(np.mean(np.exp(-values / _SOFT))))


def gate(reach_angstrom: float) -> float:
    """Nearness, 0 to 1: a half at 8 angstrom, 0.02 at 14."""
    return 1.0 / (1.0 + math.exp((reach_angstrom - _GATE_ANGSTROM) / _GATE_WIDTH))

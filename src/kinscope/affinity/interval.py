"""How wrong a prediction may be: signed conformal quantiles of what models missed on residues left out.

Residuals are divided by a scale that grows with the predicted loss, for errors do. Near and far pairs are
calibrated apart. Where no measured residue lies about a place the residuals are those of whole regions left
out. (Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World, 2005; one-sided ranks on each side.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kinscope.affinity.atlas import LOST_KCAL_PER_MOL, Interval
from kinscope.affinity.model import OWN, AffinityModel, Example, fit
from kinscope.affinity.terms import NEAR_ANGSTROM, Sites, Terms

NEIGHBOUR_ANGSTROM = 8.0
"""A measured residue whose CA comes this near speaks for a place."""
_REGIONS = {"P-loop": range(248, 257), "pocket": range(292, 318), "N-lobe": range(1, 292)}


@dataclass(frozen=True)
class Calibrated:
    """A model and its residuals on what it had not seen."""

    model: AffinityModel
    residuals: dict[tuple[str, bool], list[float]]
    """Scaled, sorted; by ``seen`` or ``unseen`` and whether near."""
    suspect_above: float
    """kcal/mol: on residues left out, as many pairs are predicted above this as lost affinity tenfold."""
    residues: frozenset[int]
    """Measured residues that the model has seen."""
    sites: Sites

    def predict(self, drug: str, residue: int, terms: Terms) -> Interval:
        """The prediction for a pair."""
        value, about = self.model.predict(drug, terms), "seen" if self.speaks_for(residue) else "unseen"
        known, size = self.residuals[about, terms.reach_angstrom < NEAR_ANGSTROM], scale(value)
        ends = [value + size * quantile(known, level) for level in (0.1, 0.9, 0.05, 0.95, 0.95)]
        above = sum(value + size * item > LOST_KCAL_PER_MOL for item in known)
        numbers = [value, *ends, (above + 0.5) / (len(known) + 1.0), self.suspect_above]
        return Interval(**dict(zip(Interval.model_fields, numbers, strict=True)))

    def speaks_for(self, residue: int) -> bool:
        """Whether a residue that was measured lies about a place."""
        return any(self.sites.between(residue, other) < NEIGHBOUR_ANGSTROM for other in self.residues)


def calibrate(examples: Sequence[Example], sites: Sites) -> Calibrated:
    """The model of some examples and its errors on residues and regions left out of them.

    Only ABL1's own pairs are counted as errors; other kinases' pairs at a place left out are left out too.
    """
    own = [example for example in examples if example.kinase == OWN]
    residuals: dict[tuple[str, bool], list[float]] = {}
    predicted: dict[str, list[float]] = {"seen": [], "unseen": []}
    groups: dict[str, Callable[[Example], object]] = {"seen": residue_of, "unseen": region_of}
    for about, group in groups.items():
        left = {group(example) for example in own}
        models = {one: fit([example for example in examples if group(example) != one]) for one in left}
        residuals |= {(about, near): [] for near in (True, False)}
        for example in own:
            value = models[group(example)].predict(example.drug, example.terms)
            predicted[about].append(value)
            missed = (example.ddg_kcal_per_mol - value) / scale(value)
            residuals[about, example.terms.reach_angstrom < NEAR_ANGSTROM].append(missed)
    ordered = {key: sorted(values) for key, values in residuals.items()}
    seen = frozenset(example.residue for example in own)
    return Calibrated(fit(examples), ordered, suspicion(own, predicted["seen"]), seen, sites)


def suspicion(own: Sequence[Example], predicted: Sequence[float]) -> float:
    """The value that as many predictions exceed as measurements exceed a tenfold loss, kcal/mol.

    Predictions are shrunken towards the mean, so that fewer of them exceed 1.36.
    """
    lost = sum(example.ddg_kcal_per_mol > LOST_KCAL_PER_MOL for example in own)
    about = sorted(predicted, reverse=True)[max(lost - 1, 0) : lost + 1]
    return sum(about) / len(about)


def residue_of(example: Example) -> int:
    """What is left out together: a residue, in every kinase."""
    return example.residue


def region_of(example: Example) -> str:
    """The same for P-loop, the pocket's 292-317, the rest of the N-lobe, and the C-lobe."""
    return next((name for name, members in _REGIONS.items() if example.residue in members), "C-lobe")


def scale(value: float) -> float:
    """How large errors are beside a predicted ddG: half a kcal/mol, and half of a predicted loss."""
    return 0.5 + 0.5 * max(value, 0.0)


def quantile(ordered: Sequence[float], level: float) -> float:
    """The conformal quantile of sorted residuals; infinite where they are too few for the level.

    The rank is that of n + 1 values, so that one more from the same source lies below with that probability.
    """
    if level < 0.5:
        return -quantile([-item for item in reversed(ordered)], 1.0 - level)
    rank = math.ceil((len(ordered) + 1) * level)
    return float(ordered[rank - 1]) if rank <= len(ordered) else math.inf

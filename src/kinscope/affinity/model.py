"""A linear model of ddG over the terms, with weak physical priors and shrunken effects of each drug.

Closed form: with noise s and a normal prior (mean m, standard deviations t) the weights are
(X'WX/s^2 + T^-2)^-1 (X'Wy/s^2 + T^-2 m). Priors, noise and weights of examples were written down before the
first score; docs/why/affinity.md counts what changed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.affinity.terms import NAMES, Terms

Floats = NDArray[np.float64]

OWN = "ABL1"
"""The kinase whose own effects are learned; others lend theirs in part."""
PRIORS = {
    "contact": (0.2, 0.1), "bonds": (0.8, 0.4), "ring": (0.5, 0.4), "charge": (0.4, 0.3),
    "volume": (0.0, 0.2), "state": (0.1, 0.1), "mobile": (0.6, 0.4), "balance": (0.4, 0.3),
    "near": (0.2, 0.3),
}  # fmt: skip
"""Mean and standard deviation of each weight, kcal/mol per unit of the term."""
_INTERCEPT = (0.1, 0.1)
"""A far residue's mean: what assays differ by where nothing binds differently."""
_DRUG_NEAR, _DRUG_FAR, _DRUG_SLOPE = 0.4, 0.1, 0.3
"""Standard deviations of a drug's own mean near and far, and of its own scale of the physical terms."""
_SHARED = 0.5
"""Of these variances, what all kinases share; the rest is of a drug in one kinase."""
_NOISE = 0.65
"""kcal/mol: two laboratories differ by 0.45, terms that are missing add to it."""
_CEILING = 3.0
"""kcal/mol: greater losses count as this in training; assays end there."""
_MEANS = np.array([PRIORS[name][0] for name in NAMES])


@dataclass(frozen=True)
class Example:
    """One measured pair."""

    drug: str
    """``imatinib``; in another kinase, where its own effects are others, ``imatinib@KIT``."""
    residue: int
    """Of ABL1, by alignment where the kinase is another."""
    terms: Terms
    ddg_kcal_per_mol: float
    weight: float = 1.0
    kinase: str = OWN
    change: str = ""
    limit: bool = False
    """Whether the assay's ceiling was reached: the loss is at least this."""


@dataclass(frozen=True)
class AffinityModel:
    """Weights of one fit."""

    drugs: tuple[str, ...]
    weights: Floats

    def predict(self, drug: str, terms: Terms) -> float:
        """ddG, kcal/mol; positive where affinity is lost. A drug that was not seen has the mean effect."""
        return float(_row(drug, terms, self.drugs) @ self.weights)

    def shares(self, drug: str, terms: Terms) -> dict[str, float]:
        """What each term adds to the prediction, kcal/mol; the drug's own effects are ``drug``."""
        row = _row(drug, terms, self.drugs) * self.weights
        count = len(NAMES)
        shares = dict(zip(NAMES, row[1 : count + 1].tolist(), strict=True))
        return {"base": float(row[0]), **shares, "drug": float(row[count + 1 :].sum())}


def fit(examples: Sequence[Example]) -> AffinityModel:
    """The posterior mean of the weights."""
    drugs = tuple(sorted({name for example in examples for name in _effects_of(example.drug)}))
    rows = np.array([_row(example.drug, example.terms, drugs) for example in examples])
    values = np.minimum([example.ddg_kcal_per_mol for example in examples], _CEILING)
    trust = np.array([example.weight for example in examples]) / _NOISE**2
    effects = np.array([_DRUG_FAR, _DRUG_NEAR, _DRUG_SLOPE] * len(drugs)) * _SHARED**0.5
    mean = np.array([_INTERCEPT[0], *_MEANS, *(0.0 for _ in effects)])
    spread = np.array([_INTERCEPT[1], *(PRIORS[name][1] for name in NAMES), *effects])
    precision = rows.T @ (trust[:, None] * rows) + np.diag(spread**-2)
    weights = np.linalg.solve(precision, rows.T @ (trust * values) + mean / spread**2)
    return AffinityModel(drugs, weights)


def _effects_of(drug: str) -> tuple[str, str]:
    """Whose effects add up in a pair: the drug's in any kinase, and the drug's in this one."""
    name, _, kinase = drug.partition("@")
    return f"{name}@", f"{name}@{kinase or OWN}"


def _row(drug: str, terms: Terms, drugs: tuple[str, ...]) -> Floats:
    vector = np.array(terms.vector())
    row = [1.0, *vector]
    physical = float(_MEANS @ vector)
    for name in drugs:
        row += [1.0, terms.near, physical] if name in _effects_of(drug) else [0.0, 0.0, 0.0]
    return np.array(row)

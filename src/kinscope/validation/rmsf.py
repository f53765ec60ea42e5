"""Profiles of fluctuation beside one another: networks, crystals' B factors, others' dynamics.

B factors hold lattice disorder and refinement, and a crystal's contacts hold loops still, so a perfect
simulation would not correlate perfectly either.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from kinscope.analysis.superposition import FloatArray, IntArray, b_factor_rmsf
from kinscope.core.errors import BadInputError
from kinscope.core.files import decoded, read_bounded
from kinscope.core.records import Record
from kinscope.core.seeds import derive_seed
from kinscope.structures.conformation.classify import EntryGeometry
from kinscope.structures.wwpdb.entries import CrystalChain
from kinscope.structures.wwpdb.source import PdbSource

BLOCK_RESIDUES = 10
"""Residues drawn together: longer than a turn of helix or a loop's tip, over which mobility is alike."""
_DRAWS = 1000


class Correlation(Record):
    """A correlation with its interval at 95 %."""

    value: float
    low: float
    high: float

    def words(self) -> str:
        """E.g. ``0.78 (0.65 to 0.86)``."""
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


class Agreement(Record):
    """Two profiles beside one another."""

    first: str
    second: str
    residues: int
    pearson: Correlation
    spearman: Correlation


def agreement(
    first: Mapping[int, float], second: Mapping[int, float], *, names: tuple[str, str]
) -> Agreement | None:
    """Compare two profiles by residue; None if they share too few.

    The intervals come from drawing blocks of consecutive residues with replacement (moving blocks; Kuensch,
    Ann. Stat. 1989, 17, 1217).

    ``first``, ``second``: RMSF, or anything that grows with it, by residue number. ``names``: what the two
    are; they seed the draws.
    """
    shared = sorted(set(first) & set(second))
    if len(shared) < 3 * BLOCK_RESIDUES:
        return None
    pairs = np.array([[first[number], second[number]] for number in shared])
    draws = _blocks(np.random.default_rng(derive_seed(1, *names)), len(shared))
    return Agreement(
        first=names[0],
        second=names[1],
        residues=len(shared),
        pearson=_correlation(pairs, draws),
        spearman=_correlation(_ranks(pairs), draws),
    )


def _blocks(random: np.random.Generator, count: int) -> IntArray:
    """Draws (n_draws, count) of consecutive residues."""
    starts = random.integers(0, count - BLOCK_RESIDUES + 1, (_DRAWS, -(-count // BLOCK_RESIDUES)))
    drawn: IntArray = (starts[..., None] + np.arange(BLOCK_RESIDUES)).reshape(_DRAWS, -1)[:, :count]
    return drawn


def _correlation(pairs: FloatArray, draws: IntArray) -> Correlation:
    """Of (n, 2) values, with the interval over draws (n_draws, n) of them."""
    low, high = np.nanpercentile(_pearson(pairs[draws]), [2.5, 97.5])
    return Correlation(value=float(_pearson(pairs)), low=float(low), high=float(high))


def _pearson(pairs: FloatArray) -> FloatArray:
    """Correlation of pairs (..., n, 2), shape (...); nan where one side does not vary."""
    centred = pairs - pairs.mean(axis=-2, keepdims=True)
    scale = np.sqrt((centred**2).sum(axis=-2).prod(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: FloatArray = (centred[..., 0] * centred[..., 1]).sum(axis=-1) / scale
    return found


def _ranks(pairs: FloatArray) -> FloatArray:
    ranks: FloatArray = rankdata(pairs, axis=0)
    return ranks


Profile = dict[int, float]
_END_RESIDUES = 4
"""Left out at each end of a chain: a crystal's ends are ill determined, a model's are cut."""
_MAX_BYTES = 4_000_000
_COLUMNS = ("system", "resid", "rmsf_CA_A_mean", "matches_P00519")


def b_factor_profile(source: PdbSource, item: EntryGeometry, chain: CrystalChain) -> Profile:
    """RMSF (angstrom) by residue from the B factors of a chain's CA atoms."""
    by_author = {author: number for number, author in chain.author_numbers.items()}
    values: Profile = {}
    for residue in source.read_entry(item.entry)[0][item.chain]:
        number = by_author.get(str(residue.seqid).strip())
        atom = next((one for one in residue if one.name == "CA" and one.element.name == "C"), None)
        if number is not None and atom is not None:
            values.setdefault(number, float(b_factor_rmsf(np.array(atom.b_iso))))
    return values


def panels(folder: Path) -> dict[str, Profile]:
    """Others' dynamics by system, without residues that are not the protein's (tags) and four at each end."""
    found: dict[str, Profile] = {}
    paths = sorted(folder.glob("md_rmsf_reference_*.csv"))
    for path in paths:
        for row in _rows(path):
            if row["matches_P00519"] == "True":
                found.setdefault(row["system"], {})[int(row["resid"])] = float(row["rmsf_CA_A_mean"])
    if not found:
        raise BadInputError(
            "No table of residues' RMSF was found.",
            where=str(folder),
            remedy=f"Give a folder with md_rmsf_reference_*.csv of columns {', '.join(_COLUMNS)}.",
        )
    return {
        system: {number: values[number] for number in sorted(values)[_END_RESIDUES:-_END_RESIDUES]}
        for system, values in found.items()
    }


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a table that has the columns; other tables of that name (of regions) give none."""
    remedy = "Give the table of one reference."
    reader = csv.DictReader(io.StringIO(decoded(read_bounded(path, _MAX_BYTES, remedy=remedy), path)))
    if not set(_COLUMNS) <= set(reader.fieldnames or ()):
        return
    for line, row in enumerate(reader, start=2):
        try:
            int(row["resid"]), float(row["rmsf_CA_A_mean"])
        except (TypeError, ValueError):
            raise BadInputError("A row holds no number.", where=f"{path}, line {line}") from None
        yield row


def agreement_words(row: Agreement) -> str:
    """Two lines; the scales of a network and of B factors are arbitrary, so their ratio is not told."""
    return (
        f"  {row.first} | {row.second}\n    {row.residues} residues: Pearson {row.pearson.words()}, Spearman "
        f"{row.spearman.words()}"
    )

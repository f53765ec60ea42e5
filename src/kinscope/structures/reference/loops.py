"""Residues that no crystal shows, built: backbones sampled, side chains packed, the best candidate kept.

Sampling and closure are in :mod:`kinscope.structures.reference.closure`. The closed backbones that overlap
the protein least are completed with side chains and hydrogens, relaxed in ff14SB with implicit solvent while
the rest of the model stands still, and the lowest in energy is kept. What is built is a guess: its spread
over the candidates is stated beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kinscope.core.errors import StructureError
from kinscope.core.progress import Progress, silent
from kinscope.core.records import Settings
from kinscope.core.residues import three_letter
from kinscope.results.notes import Note, Value, note
from kinscope.structures.completion.heavy_atoms import cap_ends, complete_heavy_atoms, in_template_order
from kinscope.structures.completion.hydrogens import add_hydrogens
from kinscope.structures.forcefield.minimisation import minimise_part
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.closure import Backbones, sample_backbones
from kinscope.structures.side_chains.surroundings import repack_side_chains
from kinscope.structures.wwpdb.entries import AtomRow, atom_array

_NAMES = ("N", "CA", "C", "O", "CB")
_TOUCH_ANGSTROM = 3.4
_POLAR_TOUCH_ANGSTROM = 2.7
"""Heavy atoms that are not bonded and come nearer than this overlap; N and O may share a hydrogen."""
_OVERLAP_WEIGHT = 12.0
_SURROUNDINGS_ANGSTROM = 14.0
"""What is further from the backbone of every candidate does not enter the energy."""


class LoopSettings(Settings):
    """How stretches are built."""

    samples: int = Field(default=2000, ge=50, le=100_000)
    candidates: int = Field(default=5, ge=1, le=50)
    apart_angstrom: float = Field(default=1.5, ge=0.0, le=10.0)
    """Backbone RMSD that two candidates differ by at least."""
    iterations: int = Field(default=100, ge=10, le=5000)
    """Minimiser iterations of each of the two stages of a candidate."""
    seed: int = 1


@dataclass(frozen=True)
class BuiltLoop:
    """One stretch and how sure it is."""

    first: int
    last: int
    closed: int
    energies_kcal_per_mol: tuple[float, ...]
    """Of the relaxed candidates above the lowest, ascending, the first 0."""
    spread_angstrom: float
    """Mean backbone RMSD of the other candidates from the one kept, without superposition of the stretch."""

    def noted(self, reason: str = "", tried: Value = None) -> Note:
        """For a model's record; ``reason`` or the shipped models that were ``tried`` say why it was built."""
        return note("loop-built", reason=reason, tried=tried, **asdict(self))


def build_loops(
    atoms: AtomArray,
    stretches: Sequence[tuple[int, int]],
    protein: str,
    settings: LoopSettings | None = None,
    progress: Progress = silent,
) -> tuple[AtomArray, tuple[BuiltLoop, ...]]:
    """Build stretches that a model lacks.

    Heavy atoms of standard residues in the target's numbering, both neighbours of each stretch among them;
    stretches include both ends. Returns the heavy atoms with the stretches in them (what was there has not
    moved), and a description of each.

    Raises StructureError if a neighbour is missing or no backbone closes without running through the protein.
    """
    settings = settings or LoopSettings()
    shortlists = []
    current = atoms
    for first, last in stretches:
        shortlist, closed = _shortlist(current, first, last, protein, settings)
        shortlists.append((shortlist, closed))
        current = _with_stretch(current, first, last, protein, shortlist[0])
    built = []
    for index, ((first, last), (shortlist, closed)) in enumerate(zip(stretches, shortlists, strict=True)):
        around = _surroundings(current, shortlist)
        candidates = []
        for place, coord in enumerate(shortlist):
            done = (index + place / len(shortlist)) / len(stretches)
            progress(done, f"building {first}-{last}: candidate {place + 1} of {len(shortlist)}")
            whole = _with_stretch(current, first, last, protein, coord)
            candidates.append(_completed(whole, first, last, around, settings))
        candidates.sort(key=lambda candidate: candidate[0])
        lowest, best = candidates[0]
        current = _replaced(current, best, first, last)
        built.append(
            BuiltLoop(
                first=first,
                last=last,
                closed=closed,
                energies_kcal_per_mol=tuple(energy - lowest for energy, _ in candidates),
                spread_angstrom=_spread([part for _, part in candidates]),
            )
        )
    return in_template_order(current), tuple(built)


def _surroundings(atoms: AtomArray, shortlist: Sequence[NDArray[np.float64]]) -> list[int]:
    """Residues near any candidate of a stretch: the same for all, so that their energies compare."""
    from scipy.spatial import cKDTree

    gap, _ = cKDTree(np.concatenate(shortlist).reshape(-1, 3)).query(np.asarray(atoms.coord, dtype=float))
    return [int(number) for number in np.unique(atoms.res_id[gap < _SURROUNDINGS_ANGSTROM])]


def _shortlist(
    atoms: AtomArray, first: int, last: int, protein: str, settings: LoopSettings
) -> tuple[list[NDArray[np.float64]], int]:
    """The most plausible distinct backbones, best first, and how many closed."""
    names = tuple(three_letter(protein[number - 1]) for number in range(first, last + 1))
    sampled = sample_backbones(
        _anchor(atoms, first - 1, ("N", "CA", "C", "O")),
        _anchor(atoms, last + 1, ("N", "CA", "C")),
        names,
        three_letter(protein[last]),
        samples=settings.samples,
        seed=settings.seed,
    )
    if len(sampled.coord) == 0:
        raise StructureError(
            f"No backbone of {last - first + 1} residues joins residue {first - 1} to residue {last + 1}.",
            where=f"residues {first}-{last}",
            remedy="Build a longer stretch, or check where its neighbours stand.",
        )
    score = _OVERLAP_WEIGHT * _overlaps(sampled, atoms, first, last) - 0.6 * sampled.log_likelihood
    chosen: list[int] = []
    for candidate in np.argsort(score, kind="stable"):
        apart = ((sampled.coord[chosen] - sampled.coord[candidate]) ** 2).sum(axis=-1).mean(axis=(1, 2))
        if (np.sqrt(apart) >= settings.apart_angstrom).all():
            chosen.append(int(candidate))
        if len(chosen) == settings.candidates:
            break
    return [sampled.coord[candidate] for candidate in chosen], len(sampled.coord)


def _anchor(atoms: AtomArray, number: int, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Atoms (n, 3) of a residue beside a stretch, angstrom."""
    residue = atoms[atoms.res_id == number]
    lacking = [name for name in names if name not in residue.atom_name]
    if lacking:
        raise StructureError(
            f"Residue {number}, beside a stretch that is to be built, has no {lacking[0]}.",
            where=f"residue {number}",
            remedy="Build the stretch between two residues with complete backbones.",
        )
    return np.array([residue.coord[residue.atom_name == name][0] for name in names], dtype=np.float64)


def _overlaps(sampled: Backbones, atoms: AtomArray, first: int, last: int) -> NDArray[np.float64]:
    """Summed squared overlap of each backbone with the protein and with itself, shape (n_samples,)."""
    from scipy.spatial import cKDTree

    outside = atoms[(atoms.res_id < first - 1) | (atoms.res_id > last + 1)]
    tree = cKDTree(np.asarray(outside.coord, dtype=np.float64))
    polar_outside = np.isin(outside.element, ("N", "O"))
    samples, residues = sampled.coord.shape[:2]
    owner = np.repeat(np.arange(residues), len(_NAMES))
    polar = np.tile([name in ("N", "O") for name in _NAMES], residues)
    apart = np.abs(owner[:, None] - owner[None]) >= 2
    own_touch = np.where(polar[:, None] & polar[None], _POLAR_TOUCH_ANGSTROM, _TOUCH_ANGSTROM)
    total = np.zeros(samples)
    for index, coord in enumerate(sampled.coord.reshape(samples, -1, 3)):
        near = cKDTree(coord).sparse_distance_matrix(tree, _TOUCH_ANGSTROM, output_type="ndarray")
        both = polar[near["i"]] & polar_outside[near["j"]]
        touch = np.where(both, _POLAR_TOUCH_ANGSTROM, _TOUCH_ANGSTROM)
        own = own_touch - np.linalg.norm(coord[:, None] - coord[None], axis=-1)
        total[index] = (np.maximum(0.0, touch - near["v"]) ** 2).sum()
        total[index] += (np.maximum(0.0, own[apart]) ** 2).sum() / 2
    return total


def _with_stretch(
    atoms: AtomArray, first: int, last: int, protein: str, coord: NDArray[np.float64]
) -> AtomArray:
    """The model with a bare backbone (N, CA, C, O, CB) as the stretch."""
    rows: list[AtomRow] = []
    for number, residue in zip(range(first, last + 1), coord, strict=True):
        name = three_letter(protein[number - 1])
        rows += [
            (atom, atom[0], place, number, name)
            for atom, place in zip(_NAMES, residue.tolist(), strict=True)
            if not (name == "GLY" and atom == "CB")
        ]
    return in_template_order(_replaced(atoms, atom_array(rows), first, last))


def _replaced(atoms: AtomArray, part: AtomArray, first: int, last: int) -> AtomArray:
    outside = atoms[(atoms.res_id < first) | (atoms.res_id > last)]
    return outside + part


def _completed(
    atoms: AtomArray, first: int, last: int, around: list[int], settings: LoopSettings
) -> tuple[float, AtomArray]:
    """Energy (kcal/mol) and heavy atoms of the stretch, after packing and relaxation in its surroundings."""
    stretch = list(range(first, last + 1))
    whole = cap_ends(complete_heavy_atoms(atoms)[0])
    # Every histidine alike, so that candidates hold the same atoms.
    histidines = np.unique(whole.res_id[whole.res_name == "HIS"])
    model = add_hydrogens(whole, {int(number): "HIE" for number in histidines})
    model, _ = repack_side_chains(model, stretch, forget=stretch, seed=settings.seed)
    movable = np.isin(model.res_id, stretch)
    included = np.isin(model.res_id, around)
    for solvent in (False, True):
        model, energy = minimise_part(
            model, movable, included=included, implicit_solvent=solvent, max_iterations=settings.iterations
        )
    return energy, model[movable & (model.element != "H")]


def _spread(parts: Sequence[AtomArray]) -> float:
    backbone = [part.coord[np.isin(part.atom_name, _NAMES[:4])] for part in parts]
    apart = [float(np.sqrt(((other - backbone[0]) ** 2).sum(axis=1).mean())) for other in backbone[1:]]
    return float(np.mean(apart)) if apart else 0.0

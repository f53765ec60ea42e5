"""From the heavy atoms that a source shows to all atoms of a model: one way for every native model.

Side chains that lack atoms are built, amides and histidines turned to their hydrogen bonds, protonation is
chosen (PROPKA 3: Olsson et al., J. Chem. Theory Comput. 2011, 7, 525; with ligands, Sondergaard et al., same
journal 2011, 7, 2284), ends are capped and hydrogens added. Nothing is relaxed here.
"""

from __future__ import annotations

import contextlib
import io
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinscope.core.errors import ComputationError
from kinscope.core.progress import Progress
from kinscope.results.notes import Note, note
from kinscope.structures.completion.heavy_atoms import cap_ends, complete_heavy_atoms, pdb_text
from kinscope.structures.completion.hydrogen_bonds import flip_side_chains, histidine_tautomer
from kinscope.structures.model import AtomArray
from kinscope.structures.stereochemistry import unit

_PROTONATED = {"ASP": "ASH", "GLU": "GLH", "HIS": "HIP"}
"""OpenMM's variant where the pKa lies above the pH."""
PKA_MARGIN = 0.8
"""How far the pKa must lie beyond the pH before an unusual state is chosen: PROPKA 3's own root-mean-square
error for Asp and Glu is 0.79 (Olsson et al. 2011), so less decides nothing, and the usual state stands."""
_CARBON_HYDROGEN = 1.09
"""Angstrom."""
PH = 7.4
"""That models are protonated at."""


@dataclass(frozen=True)
class Protonation:
    """The chosen state of every titratable residue."""

    variants: dict[int, str]
    """OpenMM variant by residue number, only where it is not the default, and for every histidine."""
    pka: dict[int, float]
    """By residue number."""
    method: tuple[Note, ...]


def predict_pka(atoms: AtomArray, ligands: tuple[AtomArray, ...] = ()) -> dict[int, float]:
    """PROPKA's pKa of every titratable side chain, by residue number, ligands in place.

    Raises ComputationError if PROPKA cannot read the model.
    """
    from propka import run

    text = pdb_text(atoms, ligands)
    try:
        with _quiet():
            molecule = run.single("model.pdb", ("--quiet",), stream=io.StringIO(text), write_pka=False)
        groups = molecule.conformations["AVR"].groups
    except Exception as error:
        raise ComputationError(
            f"PROPKA could not predict pKa values ({error}).",
            where="protonation",
            remedy="Check that the model's residues are complete.",
        ) from error
    return {
        int(group.atom.res_num): float(group.pka_value)
        for group in groups
        if group.residue_type in ("ASP", "GLU", "HIS", "CYS", "TYR", "LYS", "ARG")
        and group.atom.chain_id == "A"
    }


def choose_protonation(
    atoms: AtomArray, ligands: tuple[AtomArray, ...] = (), *, ph: float = PH
) -> Protonation:
    """The protonation state of every titratable residue at a pH.

    An acid or a histidine is protonated where PROPKA's pKa exceeds the pH by more than its error, with the
    ligands in place and without them alike, for the model is used both ways. A neutral histidine takes the
    tautomer that its hydrogen bonds ask for. Lysine, arginine, tyrosine and cysteine keep their usual
    states: a predicted departure from these is stated, not followed, for PROPKA overstates burial there
    and ff14SB has no thiolate in a chain.
    """
    pka = predict_pka(atoms, ligands)
    empty = predict_pka(atoms) if ligands else pka
    names = {int(number): str(name) for number, name in zip(atoms.res_id, atoms.res_name, strict=True)}
    variants: dict[int, str] = {}
    stated: list[int] = []
    for number, name in names.items():
        if (value := pka.get(number)) is None:
            continue
        protonated = min(value, empty.get(number, value)) > ph + PKA_MARGIN
        if name == "HIS":
            variants[number] = "HIP" if protonated else histidine_tautomer(atoms, number, ligands)
        elif name in ("ASP", "GLU") and protonated:
            variants[number] = _PROTONATED[name]
        elif name in ("LYS", "ARG", "TYR", "CYS") and value < ph:
            stated.append(number)
    within = sorted(number for number, value in pka.items() if abs(value - ph) < 1.0 and number in names)

    def named(numbers: list[int]) -> dict[str, tuple[str | float, ...]]:
        residues = tuple(f"{names[number].capitalize()}{number}" for number in numbers)
        return {"residues": residues, "pka": tuple(pka[number] for number in numbers)}

    method = [note("protonation", ph=ph, ligands=len(ligands))]
    if within:
        method.append(note("pka-near-ph", **named(within)))
    if stated:
        method.append(note("usual-state-kept", **named(stated)))
    return Protonation(variants=variants, pka=pka, method=tuple(method))


def add_hydrogens(atoms: AtomArray, variants: dict[int, str], *, ph: float = PH) -> AtomArray:
    """All hydrogens of a capped heavy-atom model, by OpenMM's Modeller on the named CPU platform.

    ``variants`` are OpenMM's (``HID``, ``HIE``, ``HIP``, ``ASH``, ``GLH``) by residue number; the pH decides
    the rest.
    """
    from openmm import app

    from kinscope.structures.forcefield.system import cpu_platform, protein_forcefield
    from kinscope.structures.io import from_openmm, to_openmm

    topology, positions = to_openmm(atoms)
    modeller = app.Modeller(topology, positions)
    chosen = [variants.get(int(residue.id)) for residue in topology.residues()]
    platform, _ = cpu_platform()
    try:
        with _repeatable(platform):
            modeller.addHydrogens(protein_forcefield(), pH=ph, variants=chosen, platform=platform)
    except ValueError as error:
        raise ComputationError(
            f"OpenMM could not add hydrogens ({error}).",
            where="hydrogens",
            remedy="The residues named must be standard amino acids with all their heavy atoms.",
        ) from error
    added = from_openmm(modeller.topology, modeller.positions)
    pairs = [(one.index, other.index) for one, other in modeller.topology.bonds()]
    return methines_righted(added, pairs)


def methines_righted(atoms: AtomArray, bonds: list[tuple[int, int]]) -> AtomArray:
    """Put a hydrogen that stands among its carbon's three heavy neighbours on the carbon's free side.

    Modeller finds places for hydrogens from random directions; now and then, in a crowd, one ends on the
    wrong side of its carbon, and the first minimisation then turns the carbon over.

    ``bonds`` are pairs of atom indices.
    """
    neighbours: dict[int, list[int]] = {}
    for one, other in bonds:
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    righted = atoms.copy()
    for centre, around in neighbours.items():
        hydrogens = [row for row in around if atoms.element[row] == "H"]
        if atoms.element[centre] != "C" or len(around) != 4 or len(hydrogens) != 1:
            continue
        place = np.asarray(atoms.coord[centre], dtype=np.float64)
        others = [row for row in around if row not in hydrogens]
        outward = unit(-unit(np.asarray(atoms.coord[others], dtype=np.float64) - place).sum(axis=0))
        if float(outward @ (atoms.coord[hydrogens[0]] - place)) < 0.0:
            righted.coord[hydrogens[0]] = place + _CARBON_HYDROGEN * outward
    return righted


@contextlib.contextmanager
def _quiet() -> Iterator[Any]:
    """PROPKA logs through the root logger of its package; keep it out of ours."""
    logger = logging.getLogger("propka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def _repeatable(platform: Any) -> Iterator[None]:
    """One thread and a seed for Modeller; both are given back as they were.

    It takes no platform properties, and several threads sum forces in any order; it jitters new hydrogens
    with Python's own generator.
    """
    state, threads = random.getstate(), platform.getPropertyDefaultValue("Threads")
    random.seed(1)
    platform.setPropertyDefaultValue("Threads", "1")
    try:
        yield
    finally:
        random.setstate(state)
        platform.setPropertyDefaultValue("Threads", threads)


@dataclass(frozen=True)
class CompleteModel:
    """All atoms of a model before it is relaxed, and what was done to have them."""

    atoms: AtomArray
    """Hydrogens and caps among them."""
    heavy: AtomArray
    """Before hydrogens and caps."""
    built: dict[int, tuple[str, ...]]
    """Names of the heavy atoms that were built, by residue."""
    turned: tuple[str, ...]
    protonation: Protonation

    @property
    def hydrogen_notes(self) -> tuple[Note, ...]:
        """How protonation was chosen and where hydrogens come from, for the model's record."""
        return (*self.protonation.method, note("hydrogens-added"))

    def recorded_protonation(self) -> dict[str, str]:
        """Every histidine and every unusual state with its pKa, for the model's record."""
        found = {}
        for number, variant in sorted(self.protonation.variants.items()):
            name = str(self.heavy.res_name[self.heavy.res_id == number][0]).capitalize()
            found[f"{name}{number}"] = f"{variant} (pKa {self.protonation.pka[number]:.1f})"
        return found

    def done_to(self, residue: int) -> list[str]:
        """What was done to a residue's side chain, for its origin in the model's record."""
        built = [f"built atoms: {' '.join(self.built[residue])}"] if residue in self.built else []
        return built + ["side chain turned round"] * any(int(name[3:]) == residue for name in self.turned)


def complete_model(heavy: AtomArray, ligands: tuple[AtomArray, ...], progress: Progress) -> CompleteModel:
    """Complete a model whose backbone is whole, at :data:`PH`.

    Residues are standard ones (and PTR, SEP, TPO). Ligands are heavy atoms of what stands in the pockets:
    side chains turn to it, and PROPKA sees it.

    Raises ComputationError if PROPKA cannot read the model.
    """
    whole, built = complete_heavy_atoms(heavy)
    turned_atoms, turned = flip_side_chains(whole, ligands)
    progress(0.05, "predicting protonation")
    protonation = choose_protonation(turned_atoms, ligands)
    atoms = add_hydrogens(cap_ends(turned_atoms), protonation.variants)
    return CompleteModel(atoms, turned_atoms, built, turned, protonation)

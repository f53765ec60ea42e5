"""The conformation of a kinase domain by measured, published definitions.

- DFG: two distances of the DFG phenylalanine (Modi & Dunbrack, PNAS 2019, 116, 6818), thresholds of 11 and
  14 angstrom as their Kincore applies them.
- Helix C and the salt bridge: CB-CB of the beta-3 lysine and the helix-C glutamate, and NZ to the nearer
  carboxylate oxygen (Kincore: in at 10 and at 3.6 angstrom).
- Activation loop: Kincore's N-terminal criterion (a backbone hydrogen bond, 3.6 angstrom, of the sixth
  residue of the loop with the residue before HRD) for the extended loop of active kinases (Faezov and
  Dunbrack 2023, doi 10.1101/2023.07.21.550125); for the folded loop of ABL1, in which Tyr393 stands in the
  catalytic site as a substrate would (Schindler et al., Science 2000, 289, 1938), its distance from the
  catalytic aspartate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis.results import StateGeometry
from kinscope.core.errors import BadInputError
from kinscope.core.records import Record
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import KinaseLandmarks

if TYPE_CHECKING:
    from kinscope.structures.source import PdbSource
    from kinscope.targets.pack import TargetPack

DFG_IN_D1 = 11.0
DFG_IN_D2 = 11.0
DFG_OUT_D2 = 14.0
HELIX_C_IN = 10.0
HYDROGEN_BOND = 3.6
FOLDED_LOOP = 10.5
"""CA of the loop's tyrosine to CG of the catalytic aspartate. In ABL1 crystals it is 8.3-8.6 where the
tyrosine's hydroxyl meets the aspartate and 13.4 or more elsewhere."""
BORDERLINE = 0.75
"""A distance this near a threshold is called borderline in the notes: coordinate error at 2.4 angstrom
resolution moves a side chain's tip by about half an angstrom."""


NOT_CLASSIFIED = "not classified: the target pack names no landmarks to measure"


def classify_state(atoms: AtomArray, landmarks: KinaseLandmarks | None) -> StateGeometry:
    """Measure and classify the conformation of a kinase domain.

    Parameters
    ----------
    atoms
        A model or crystal chain in the target's numbering; hydrogens are not needed.
    landmarks
        The residues to measure, from the target pack (:attr:`TargetPack.landmarks`). None: nothing is
        measured, and the notes say so.

    Returns
    -------
    StateGeometry
        Distances are NaN and classes ``unassigned`` where atoms are missing.
    """
    if landmarks is None:
        return _unclassified()
    at = _Atoms(atoms)
    phenylalanine = (landmarks.dfg_phenylalanine, "CZ")
    d1 = at.distance(phenylalanine, (landmarks.helix_c_plus_four, "CA"))
    d2 = at.distance(phenylalanine, (landmarks.beta3_lysine, "CA"))
    bridge = min(
        at.distance((landmarks.beta3_lysine, "NZ"), (landmarks.helix_c_glutamate, oxygen))
        for oxygen in ("OE1", "OE2")
    )
    beta = at.distance((landmarks.beta3_lysine, "CB"), (landmarks.helix_c_glutamate, "CB"))
    loop, loop_notes = _activation_loop(at, landmarks)
    notes = [f"CB-CB of the beta-3 lysine and the helix-C glutamate: {beta:.1f} angstrom", *loop_notes]
    notes += _borderline(d1, d2)
    if bridge > HYDROGEN_BOND and beta <= HELIX_C_IN:
        notes.append(f"helix C is in, but its salt bridge is open ({bridge:.1f} angstrom)")
    return StateGeometry(
        dfg_d1_angstrom=d1,
        dfg_d2_angstrom=d2,
        dfg=classify_dfg(d1, d2),
        salt_bridge_271_286_angstrom=bridge,
        helix_c="unassigned" if np.isnan(beta) else ("in" if beta <= HELIX_C_IN else "out"),
        activation_loop=loop,
        notes=tuple(notes),
    )


def classify_dfg(d1: float, d2: float) -> Literal["in", "out", "inter", "unassigned"]:
    """Class of the DFG phenylalanine from its distances (angstrom) to helix C (D1) and to beta 3 (D2)."""
    if np.isnan(d1) or np.isnan(d2):
        return "unassigned"
    if d1 <= DFG_IN_D1:
        return "in" if d2 >= DFG_IN_D2 else "inter"
    return "out" if d2 <= DFG_OUT_D2 else "unassigned"


class EntryGeometry(Record):
    """The conformation of one chain of one wwPDB entry."""

    entry: str
    chain: str
    first_residue: int
    last_residue: int
    geometry: StateGeometry

    def in_words(self) -> str:
        """One line for the command line."""
        shape = self.geometry
        borderline = [note for note in shape.notes if note.startswith("borderline")]
        return (
            f"{self.entry}:{self.chain} {self.first_residue}-{self.last_residue} DFG-{shape.dfg} "
            f"(D1 {shape.dfg_d1_angstrom:.1f}, D2 {shape.dfg_d2_angstrom:.1f}), helix C {shape.helix_c}, "
            f"bridge {shape.salt_bridge_271_286_angstrom:.1f}, loop {shape.activation_loop}"
            + "".join(f"; {note}" for note in borderline)
        )


def classify_entries(
    source: PdbSource,
    pack: TargetPack,
    codes: tuple[str, ...] | None = None,
) -> tuple[EntryGeometry, ...]:
    """Classify every chain of wwPDB entries that is of the target and holds its kinase domain.

    Parameters
    ----------
    source
        Where entries come from.
    pack
        The target; its protein gives the numbering, its landmarks what is measured.
    codes
        The entries; every one that lies in the source's mirror and cache if None.

    Raises
    ------
    BadInputError
        If the pack names no landmarks.
    """
    from kinscope.structures.entries import chain_of_structure, protein_chains

    if pack.landmarks is None:
        raise BadInputError(
            f"The conformation of {pack.gene} cannot be classified: its target pack names no landmarks.",
            where=str(pack.directory / "target.yaml"),
            remedy="Add landmarks (see the target.yaml of the abl1 pack).",
        )
    found = []
    for code in source.codes() if codes is None else codes:
        structure = source.read_entry(code)
        for name in protein_chains(structure, pack):
            chain = chain_of_structure(structure, name, pack, label=f"{code.upper()}:{name}")
            if pack.landmarks.dfg_phenylalanine not in chain.residues:
                continue
            found.append(
                EntryGeometry(
                    entry=code.upper(),
                    chain=name,
                    first_residue=chain.residues[0],
                    last_residue=chain.residues[-1],
                    geometry=classify_state(chain.atoms, pack.landmarks),
                )
            )
    return tuple(found)


def _unclassified() -> StateGeometry:
    missing = float("nan")
    return StateGeometry(
        dfg_d1_angstrom=missing,
        dfg_d2_angstrom=missing,
        dfg="unassigned",
        salt_bridge_271_286_angstrom=missing,
        helix_c="unassigned",
        activation_loop="unassigned",
        notes=(NOT_CLASSIFIED,),
    )


class _Atoms:
    """Distances by (residue, atom name), NaN where an atom is missing."""

    def __init__(self, atoms: AtomArray) -> None:
        self._positions: dict[tuple[int, str], NDArray[Any]] = {
            (int(residue), str(name)): position
            for residue, name, position in zip(atoms.res_id, atoms.atom_name, atoms.coord, strict=True)
        }

    def distance(self, first: tuple[int, str], second: tuple[int, str]) -> float:
        one, two = self._positions.get(first), self._positions.get(second)
        if one is None or two is None:
            return float("nan")
        return float(np.linalg.norm(np.asarray(one, dtype=np.float64) - two))


def _activation_loop(
    at: _Atoms, landmarks: KinaseLandmarks
) -> tuple[Literal["extended", "folded", "intermediate", "unassigned"], list[str]]:
    sixth, before = landmarks.loop_sixth, landmarks.before_hrd
    strand = np.fmin(at.distance((sixth, "N"), (before, "O")), at.distance((sixth, "O"), (before, "N")))
    tyrosine = (
        at.distance((landmarks.loop_tyrosine, "CA"), (landmarks.hrd_aspartate, "CG"))
        if landmarks.loop_tyrosine is not None
        else float("nan")
    )
    notes = [
        f"activation loop: N or O of {sixth} to O or N of {before} {strand:.1f} angstrom"
        + (
            ""
            if np.isnan(tyrosine)
            else f", CA of Tyr{landmarks.loop_tyrosine} to the catalytic aspartate {tyrosine:.1f} angstrom"
        )
    ]
    if not np.isnan(tyrosine) and tyrosine <= FOLDED_LOOP:
        return "folded", notes
    if np.isnan(strand):
        return "unassigned", notes
    return ("extended" if strand <= HYDROGEN_BOND else "intermediate"), notes


def _borderline(d1: float, d2: float) -> list[str]:
    near = []
    if abs(d1 - DFG_IN_D1) < BORDERLINE:
        near.append(f"D1 {d1:.1f} of {DFG_IN_D1:.0f}")
    if d1 <= DFG_IN_D1 + BORDERLINE and abs(d2 - DFG_IN_D2) < BORDERLINE:
        near.append(f"D2 {d2:.1f} of {DFG_IN_D2:.0f}")
    return [f"borderline: {' and '.join(near)} angstrom"] if near else []

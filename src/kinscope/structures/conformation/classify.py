"""The conformation of a kinase domain by measured, published definitions.

What is measured, and by whose definition, is said in :mod:`kinscope.structures.conformation.parts`. Which
residues carry a definition comes from the target pack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record
from kinscope.results.measured import StateGeometry
from kinscope.results.notes import Note, note
from kinscope.structures.conformation import parts
from kinscope.structures.conformation.atoms import AtomTable, Floats, Labels, finite
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import KinaseLandmarks

if TYPE_CHECKING:
    from kinscope.structures.wwpdb.source import PdbSource
    from kinscope.targets.pack import TargetPack


@dataclass(frozen=True)
class Shapes:
    """What the frames of a table measure and are called."""

    numbers: dict[str, Floats]
    """By the names of :class:`~kinscope.results.measured.StateGeometry`, each (n_frames,); NaN: missing."""
    words: dict[str, Labels]
    """Each (n_frames,)."""
    spine: Floats
    """Gaps (n_gaps, n_frames), angstrom."""
    dihedrals: Floats
    """Of the DFG motif, (n_frames, 7), degrees."""
    lacking: tuple[str, ...]
    """What the kinase domain does not show of what was asked for."""


def measure_shapes(table: AtomTable, landmarks: KinaseLandmarks) -> Shapes:
    """Measure and classify the conformation of a kinase domain in every frame."""
    d1, d2 = parts.measure_distances(table, landmarks)
    spatial = parts.classify_dfg(d1, d2)
    angles = parts.measure_dihedrals(table, landmarks)
    cluster, separation = parts.classify_dihedrals(spatial, angles)
    numbers = {
        "dfg_d1_angstrom": d1,
        "dfg_d2_angstrom": d2,
        "dfg_cluster_distance": separation,
        **parts.measure_helix_c(table, landmarks),
        **parts.measure_loop(table, landmarks),
    }
    spine = parts.measure_spine(table, landmarks)
    numbers["p_loop_angstrom"] = tip = parts.measure_p_loop(table, landmarks)
    lacking = table.lacking
    domains, placed = parts.measure_domains(table, landmarks.regulatory)
    bridge = parts.within(numbers["salt_bridge_271_286_angstrom"], parts.HYDROGEN_BOND, "closed", "open")
    start = parts.within(numbers["loop_n_terminal_angstrom"], parts.HYDROGEN_BOND)
    end = parts.within(numbers["loop_c_terminal_angstrom"], landmarks.loop_c_terminal_cutoff_angstrom)
    words = {
        "dfg": spatial,
        "dfg_cluster": cluster,
        "helix_c": parts.within(numbers["helix_c_beta_distance_angstrom"], parts.HELIX_C_IN),
        "salt_bridge": bridge,
        "activation_loop": parts.classify_loop(numbers),
        "loop_n_terminal": start,
        "loop_c_terminal": end,
        "spine": parts.classify_spine(spine),
        "p_loop": parts.classify_p_loop(tip),
        "activity": _activity(
            (spatial, "in"), (cluster, "BLAminus"), (bridge, "closed"), (start, "in"), (end, "in")
        ),
    }
    return Shapes({**numbers, **domains}, {**words, **placed}, spine, angles, lacking)


def classify_state(atoms: AtomArray, landmarks: KinaseLandmarks | None) -> StateGeometry:
    """Measure and classify the conformation of a kinase domain.

    Hydrogens are not needed. Distances are None and classes ``unassigned`` where atoms are missing;
    without landmarks nothing is measured, and the notes say so.
    """
    if landmarks is None:
        return _unclassified()
    found = measure_shapes(AtomTable(atoms), landmarks)
    spine, angles = found.spine[:, 0], found.dihedrals[0]
    geometry = StateGeometry.model_validate(
        {name: finite(values[0]) for name, values in found.numbers.items()}
        | {aspect: str(labels[0]) for aspect, labels in found.words.items()}
        | {
            "dfg_dihedrals_degrees": () if np.isnan(angles).any() else tuple(angles.tolist()),
            "spine_distances_angstrom": () if np.isnan(spine).any() else tuple(spine.tolist()),
            "missing_atoms": found.lacking,
        }
    )
    return geometry.model_copy(update={"notes": _noted(geometry)})


class EntryGeometry(Record):
    """The conformation of one chain of one wwPDB entry."""

    entry: str
    chain: str
    first_residue: int
    last_residue: int
    geometry: StateGeometry
    resolution_angstrom: float | None = None
    missing_residues: tuple[int, ...] = ()
    """Numbers between the first and the last residue that the chain does not show."""


def classify_entries(
    source: PdbSource, pack: TargetPack, codes: tuple[str, ...] | None = None
) -> tuple[EntryGeometry, ...]:
    """Classify every chain of wwPDB entries that is of the target and holds its kinase domain.

    Every entry that lies in the source's mirror and cache if no code is named.

    Raises BadInputError if the pack names no landmarks.
    """
    from kinscope.structures.wwpdb.entries import chain_of_structure, protein_chains

    landmarks, found = landmarks_of(pack), []
    for code in source.codes() if codes is None else codes:
        structure = source.read_entry(code)
        for name in protein_chains(structure, pack):
            chain = chain_of_structure(structure, name, pack, label=f"{code.upper()}:{name}")
            if landmarks.dfg_phenylalanine not in chain.residues:
                continue
            first, last = chain.residues[0], chain.residues[-1]
            found.append(
                EntryGeometry(
                    entry=code.upper(),
                    chain=name,
                    first_residue=first,
                    last_residue=last,
                    geometry=classify_state(chain.atoms, landmarks),
                    resolution_angstrom=chain.resolution_angstrom,
                    missing_residues=tuple(sorted(set(range(first, last + 1)) - set(chain.residues))),
                )
            )
    return tuple(found)


def landmarks_of(pack: TargetPack) -> KinaseLandmarks:
    """The landmarks of a pack.

    Raises BadInputError if it names none.
    """
    if pack.landmarks is None:
        raise BadInputError(
            f"The conformation of {pack.gene} cannot be classified: its target pack names no landmarks.",
            where=str(pack.directory / "target.yaml"),
            remedy="Add landmarks (see the target.yaml of the abl1 pack).",
        )
    return pack.landmarks


def _activity(*states: tuple[Labels, str]) -> Labels:
    """Kincore's label: every criterion of an active kinase holds, or one fails, or one is unknown."""
    holds = np.all([labels == wanted for labels, wanted in states], axis=0)
    fails = np.any([(labels != wanted) & (labels != "unassigned") for labels, wanted in states], axis=0)
    return np.where(fails, "inactive", np.where(holds, "active", "unassigned"))


def _noted(shape: StateGeometry) -> tuple[Note, ...]:
    notes = []
    if shape.dfg_dihedrals_degrees and shape.dfg_cluster in ("noise", "unassigned"):
        nearest, distance = parts.nearest_of_all(shape.dfg_dihedrals_degrees)
        bound = parts.CLUSTER_CUTOFF
        notes.append(note("no-dfg-cluster", dfg=shape.dfg, nearest=nearest, distance=distance, bound=bound))
    if shape.salt_bridge == "open" and shape.helix_c == "in":
        notes.append(note("open-bridge", gap_angstrom=shape.salt_bridge_271_286_angstrom))
    d1, d2 = shape.dfg_d1_angstrom, shape.dfg_d2_angstrom
    return (*notes, *(() if d1 is None or d2 is None else parts.borderline(d1, d2)))


def _unclassified() -> StateGeometry:
    return StateGeometry(
        dfg_d1_angstrom=None,
        dfg_d2_angstrom=None,
        dfg="unassigned",
        salt_bridge_271_286_angstrom=None,
        helix_c="unassigned",
        activation_loop="unassigned",
        notes=(note("not-classified"),),
    )

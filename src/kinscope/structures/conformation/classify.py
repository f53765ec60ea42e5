"""The conformation of a kinase domain by measured, published definitions.

What is measured, and by whose definition, is said in :mod:`kinscope.structures.conformation.dfg` (DFG by
distances and by dihedral clusters), :mod:`~kinscope.structures.conformation.parts` (helix C, activation loop,
regulatory spine, P-loop) and :mod:`~kinscope.structures.conformation.parts` (SH2 and SH3). Which residues
carry a definition comes from the target pack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record
from kinscope.results.measured import StateGeometry
from kinscope.results.notes import Note, note
from kinscope.structures.conformation import dfg, parts
from kinscope.structures.conformation.atoms import AtomTable, finite
from kinscope.structures.conformation.dfg import classify_dfg
from kinscope.structures.conformation.parts import measure_domains
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import KinaseLandmarks

if TYPE_CHECKING:
    from kinscope.structures.wwpdb.source import PdbSource
    from kinscope.targets.pack import TargetPack

__all__ = ["EntryGeometry", "classify_dfg", "classify_entries", "classify_state"]


def classify_state(atoms: AtomArray, landmarks: KinaseLandmarks | None) -> StateGeometry:
    """Measure and classify the conformation of a kinase domain.

    Hydrogens are not needed. Distances are None and classes ``unassigned`` where atoms are missing;
    without landmarks nothing is measured, and the notes say so.
    """
    if landmarks is None:
        return _unclassified()
    table = AtomTable(atoms)
    d1, d2 = dfg.measure_distances(table, landmarks)
    spatial = dfg.classify_dfg(d1, d2)
    angles = dfg.measure_dihedrals(table, landmarks)
    cluster, separation = dfg.classify_dihedrals(spatial, angles)
    helix = parts.measure_helix_c(table, landmarks)
    loop = parts.measure_loop(table, landmarks)
    spine = parts.measure_spine(table, landmarks)
    tip = parts.measure_p_loop(table, landmarks)
    lacking = table.lacking
    domains = measure_domains(table, landmarks.regulatory)
    complete = not any(finite(angle) is None for angle in angles)
    geometry = StateGeometry(
        dfg_d1_angstrom=d1,
        dfg_d2_angstrom=d2,
        dfg=spatial,
        salt_bridge_271_286_angstrom=helix.bridge,
        helix_c=helix.position,
        activation_loop=loop.shape,
        dfg_cluster=cluster,
        dfg_cluster_distance=finite(separation),
        dfg_dihedrals_degrees=angles if complete else (),
        salt_bridge=helix.salt_bridge,
        helix_c_beta_distance_angstrom=finite(helix.beta_distance),
        helix_c_rotation_degrees=finite(helix.rotation),
        helix_c_distance_angstrom=finite(helix.axis_distance),
        helix_c_to_helix_e_degrees=finite(helix.to_helix_e),
        loop_n_terminal=loop.n_terminal,
        loop_n_terminal_angstrom=finite(loop.n_terminal_gap),
        loop_c_terminal=loop.c_terminal,
        loop_c_terminal_angstrom=finite(loop.c_terminal_gap),
        loop_tyrosine_angstrom=finite(loop.tyrosine_gap),
        spine=parts.classify_spine(spine),
        spine_distances_angstrom=spine if not any(finite(gap) is None for gap in spine) else (),
        p_loop=parts.classify_p_loop(tip),
        p_loop_angstrom=finite(tip),
        activity=_activity(spatial, cluster, helix.salt_bridge, loop),
        sh2_position=domains.sh2,
        sh2_to_n_lobe_angstrom=finite(domains.sh2_to_n_lobe),
        sh2_to_c_lobe_angstrom=finite(domains.sh2_to_c_lobe),
        sh2_angle_degrees=finite(domains.sh2_angle),
        sh3_linker=domains.sh3,
        sh3_linker_angstrom=finite(domains.sh3_gap),
        missing_atoms=lacking,
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
            first, last = chain.residues[0], chain.residues[-1]
            found.append(
                EntryGeometry(
                    entry=code.upper(),
                    chain=name,
                    first_residue=first,
                    last_residue=last,
                    geometry=classify_state(chain.atoms, pack.landmarks),
                    resolution_angstrom=chain.resolution_angstrom,
                    missing_residues=tuple(sorted(set(range(first, last + 1)) - set(chain.residues))),
                )
            )
    return tuple(found)


def _activity(
    spatial: dfg.DfgClass, cluster: str, bridge: str, loop: parts.Loop
) -> Literal["active", "inactive", "unassigned"]:
    """Kincore's label: every criterion of an active kinase holds, or one fails, or one is unknown."""
    states = (
        (spatial, "in"),
        (cluster, "BLAminus"),
        (bridge, "closed"),
        (loop.n_terminal, "in"),
        (loop.c_terminal, "in"),
    )
    if any(state not in (wanted, "unassigned") for state, wanted in states):
        return "inactive"
    return "active" if all(state == wanted for state, wanted in states) else "unassigned"


def _noted(shape: StateGeometry) -> tuple[Note, ...]:
    notes = []
    if shape.dfg_dihedrals_degrees and shape.dfg_cluster in ("noise", "unassigned"):
        nearest, distance = dfg.nearest_of_all(shape.dfg_dihedrals_degrees)
        bound = dfg.CLUSTER_CUTOFF
        notes.append(note("no-dfg-cluster", dfg=shape.dfg, nearest=nearest, distance=distance, bound=bound))
    if shape.salt_bridge == "open" and shape.helix_c == "in":
        notes.append(note("open-bridge", gap_angstrom=shape.salt_bridge_271_286_angstrom))
    d1, d2 = shape.dfg_d1_angstrom, shape.dfg_d2_angstrom
    return (*notes, *(() if d1 is None or d2 is None else dfg.borderline(d1, d2)))


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

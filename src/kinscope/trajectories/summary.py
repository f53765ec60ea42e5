"""What the passes found, as typed records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis.statistics import effective_sample_size, standard_error
from kinscope.results.trajectories import (
    ClassPercent,
    ContactOccupancy,
    LigandStay,
    MeasuredSeries,
    PrincipalMotion,
    PrincipalProjection,
    ReplicaAnalysis,
    ResidueStructure,
)
from kinscope.trajectories.measures.motion import Series
from kinscope.trajectories.measures.principal import cosine_content
from kinscope.trajectories.measures.secondary_structure import HELIX, STRAND
from kinscope.trajectories.passes import GroupPass, TrajectoryPass

Floats = NDArray[np.float64]
SHOWN = 200
"""Values of a series and frames of a projection that a record keeps."""

LABELS = {
    "rmsd_angstrom": "RMSD of the CA atoms from the start",
    "radius_of_gyration_angstrom": "radius of gyration",
    "helix_percent": "residues in helix",
    "strand_percent": "residues in strand",
    "dfg_d1_angstrom": "DFG: D1, Phe to helix C",
    "dfg_d2_angstrom": "DFG: D2, Phe to beta 3",
    "helix_c_beta_distance_angstrom": "helix C: CB-CB of lysine and glutamate",
    "salt_bridge_271_286_angstrom": "salt bridge of beta 3 and helix C",
    "helix_c_rotation_degrees": "helix C about its axis",
    "loop_n_terminal_angstrom": "activation loop, start",
    "loop_c_terminal_angstrom": "activation loop, end",
    "loop_tyrosine_angstrom": "activation loop, tyrosine to the catalytic aspartate",
    "spine_widest_angstrom": "regulatory spine, widest gap",
    "p_loop_angstrom": "P-loop tip to beta 3",
    "sh2_to_n_lobe_angstrom": "SH2 to N-lobe",
    "sh2_to_c_lobe_angstrom": "SH2 to C-lobe",
    "sh2_angle_degrees": "SH2: angle to the lobes' axis",
    "sh3_linker_angstrom": "SH3 groove to linker",
    "ligand_rmsd_angstrom": "RMSD from the start, protein superposed",
    "ligand_drift_angstrom": "drift of the centre",
    "ligand_contacts_kept_percent": "contacts of the start that are kept",
    "volume_cubic_angstrom": "volume",
}


def unit_of(name: str) -> str:
    """The unit that ends a measure's name, as printed."""
    for ending, unit in (("_cubic_angstrom", "Å³"), ("_angstrom", "Å"), ("_degrees", "°"), ("_percent", "%")):
        if name.endswith(ending):
            return unit
    return ""


def replica_analysis(one: TrajectoryPass) -> ReplicaAnalysis:
    """The record of one trajectory."""
    source = one.source
    shares = 100.0 * one.structure.per_residue()
    step, length = _clock(one)
    return ReplicaAnalysis(
        name=source.name,
        state=source.state,
        variant=source.variant,
        replica=source.replica,
        frames=one.frames,
        length_ns=length,
        atoms=len(source.places),
        superposition=one.fit.words,
        residues=tuple(one.residues.tolist()),
        rmsf_angstrom=rounded(one.fluctuation.result(), 4),
        structure=ResidueStructure(
            residues=tuple(source.layout.backbone.residues.tolist()),
            helix_percent=rounded(shares[HELIX], 2),
            strand_percent=rounded(shares[STRAND], 2),
        ),
        series=tuple(row for of, part in one.series for row in _series(part, of)),
        classes=tuple(_classes(one)),
        dfg_changes=None if one.states is None else one.states.dfg_changes,
        contacts=tuple(_contacts(one, step)),
        ligands=tuple(
            LigandStay(
                ligand=name,
                first_contacts=tuple(pose.first_contacts.tolist()),
                left_at_percent=None
                if pose.left_at_frame is None
                else 100.0 * pose.left_at_frame / max(1, one.frames),
            )
            for name, pose in one.ligands.items()
        ),
        notes=tuple(item for at, item in enumerate(one.notes) if item not in one.notes[:at]),
    )


def principal_motion(group: GroupPass, state: str) -> PrincipalMotion | None:
    """The shared principal motions, and every replica along the first two; None below two axes."""
    motions = group.motions
    if motions is None or motions.total_variance <= 0 or len(motions.axes) < 2:
        return None
    rows = []
    for one in group.passes:
        along = motions.project(one.thinned.result())
        shown = along[:: max(1, -(-len(along) // SHOWN))]
        rows.append(
            PrincipalProjection(
                variant=one.source.variant,
                replica=one.source.replica,
                first_angstrom=rounded(shown[:, 0], 3),
                second_angstrom=rounded(shown[:, 1], 3),
                cosine_content=cosine_content(along[:, 0]),
            )
        )
    spread = np.linalg.norm(motions.axes[0], axis=1) * np.sqrt(motions.variances[0])
    return PrincipalMotion(
        state=state,
        residues=tuple(group.passes[0].residues.tolist()),
        explained_percent=rounded(100.0 * motions.variances / motions.total_variance, 2),
        first_axis_angstrom=rounded(spread, 4),
        projections=tuple(rows),
        superposition=group.passes[0].fit.words,
    )


def _series(series: Series, of: str) -> Iterator[MeasuredSeries]:
    """A record for each column; none where nothing finite was measured."""
    moments, blocks = series.moments, series.result()
    if not moments.count:
        return
    for column, name in enumerate(series.names):
        scale = 100.0 if name.endswith("_percent") else 1.0
        values = scale * blocks.reshape(len(blocks), -1)[:, column]
        if not np.isfinite(values).all():
            continue
        squares, error = np.ravel(moments.squares)[column], standard_error(values)
        yield MeasuredSeries(
            name=f"{of}/{name}" if of else name,
            label=LABELS[name],
            unit=unit_of(name),
            mean=scale * float(np.ravel(moments.mean)[column]),
            standard_deviation=scale * float(np.sqrt(squares / max(1, moments.count - 1))),
            standard_error=error if np.isfinite(error) else None,
            effective_frames=effective_sample_size(values),
            values=rounded(_shortened(values), 4),
        )


def _shortened(values: Floats) -> Floats:
    """Means of consecutive blocks of equal length, :data:`SHOWN` at most; the rest of a block is left out."""
    block = -(-len(values) // SHOWN)
    kept = len(values) // block * block
    return np.asarray(values[:kept].reshape(-1, block).mean(axis=1))


def _classes(one: TrajectoryPass) -> Iterator[ClassPercent]:
    counts = {} if one.states is None else one.states.counts
    for (aspect, label), count in sorted(counts.items(), key=lambda row: (row[0][0], -row[1])):
        yield ClassPercent(aspect=aspect, label=label, percent=100.0 * count / max(1, one.frames))


def _contacts(one: TrajectoryPass, step_ps: float | None) -> Iterator[ContactOccupancy]:
    for name, found in one.contacts.items():
        for row in found.result():
            yield ContactOccupancy(
                of=name or str(row.residue),
                kind=row.kind,
                partner=row.partner,
                partner_name=row.partner_name.capitalize(),
                percent=100.0 * row.share,
                halves_percent=None if row.halves is None else (100 * row.halves[0], 100 * row.halves[1]),
                stretches=row.stretches,
                mean_stay_ps=None if step_ps is None else step_ps * row.frames / row.stretches,
                longest_stay_ps=None if step_ps is None else step_ps * row.longest,
            )


def _clock(one: TrajectoryPass) -> tuple[float | None, float | None]:
    """Picoseconds from frame to frame, and nanoseconds in all; None where no time is known."""
    known = one.source.length_ns
    times = one.times.result()
    span = float(times[-1] - times[0])
    if not all(file.ordered for file in one.source.files) or not 0 < span < np.inf:
        return (1000.0 * known / one.frames, known) if known else (None, None)
    step = span / (len(times) - 1) / one.times.block_frames
    return step, known if known is not None else step * (one.frames - 1) / 1000.0


def rounded(values: Sequence[float] | NDArray[np.float64], digits: int) -> tuple[float, ...]:
    """Numbers for a record, rounded to so many decimals."""
    return tuple(np.round(np.asarray(values, dtype=np.float64), digits).tolist())

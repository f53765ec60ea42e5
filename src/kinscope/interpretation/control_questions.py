"""The variant beside variants with published behaviour, read on the same instrument.

A positive control that is not seen either takes the weight from what is not seen of the variant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinscope.analysis.controls import ControlVariant, MobilityControls
from kinscope.analysis.results import RegionComparison
from kinscope.interpretation.findings import not_asked, of_region, summary, verdict_of, with_interval
from kinscope.interpretation.model import Measurements, MobilityFinding, MobilityQuestion
from kinscope.interpretation.prose import join, region_label, state_label
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant


def control_questions(
    variant: Variant, measurements: Measurements, pack: TargetPack, controls: MobilityControls | None
) -> Iterator[MobilityQuestion]:
    """Ask, of each positive control, whether the variant does what the control is reported to do."""
    if controls is None:
        return
    for control in controls.provenance.controls:
        if not control.positive:
            continue
        findings, missing = _findings(control, variant, measurements, pack, controls)
        places = join([state_label(pack, state) for state in control.states])
        regions = join([region_label(pack, name) for name in control.regions])
        itself = variant.short == control.variant
        asked = (
            f"Is {control.variant} seen to do what is reported of it ({regions}; {places})?"
            if itself
            else f"Does {variant.short} change {regions} ({places}) as {control.variant} is reported to?"
        )
        answer = summary(findings) if findings else not_asked("no state of these was studied")
        if missing:
            answer += (
                f" {join([state_label(pack, state) for state in missing])}: not read in this run; "
                f"`{'--state ' + ' --state '.join(missing)}` reads it."
            )
        yield MobilityQuestion(
            id=f"control {control.variant}",
            question=asked,
            answer=answer,
            findings=tuple(findings),
            control=_control_words(control, variant, controls, pack),
        )


def _findings(
    control: ControlVariant,
    variant: Variant,
    measurements: Measurements,
    pack: TargetPack,
    controls: MobilityControls,
) -> tuple[list[MobilityFinding], list[str]]:
    """The variant's readings of the control's regions, this run's before shipped ones; states without any."""
    found, missing = [], []
    for state in control.states:
        rows = [r for r in measurements.regions if r.state == state and r.region in control.regions]
        here = any(row.method == "normal_modes" for row in rows)
        shipped = None if here else controls.reading(variant.short, state)
        earlier = [] if shipped is None else [r for r in shipped.regions if r.region in control.regions]
        found += [of_region(row, pack, earlier=True) for row in earlier]
        found += [of_region(row, pack) for row in sorted(rows, key=lambda row: row.method == "md")]
        if not rows and not earlier:
            missing.append(state)
    return found, missing


def _control_words(
    control: ControlVariant, variant: Variant, controls: MobilityControls, pack: TargetPack
) -> str:
    """What is published of the control, how it reads here, and what follows for the variant."""
    readings = {
        state: [row for row in reading.regions if row.region in control.regions]
        for state in control.states
        if (reading := controls.reading(control.variant, state)) is not None
    }
    words = f"{control.variant} {control.reported} ({control.citation})."
    if not readings:
        return " ".join((words, *controls.notes)) if controls.notes else f"{words} It was not read here."
    parts = [_read(rows, state, pack) for state, rows in readings.items()]
    seen = any(row.difference_angstrom.resolved for rows in readings.values() for row in rows)
    words += f" Its normal modes, on the same models: {'; '.join(parts)}."
    if seen:
        return f"{words} So normal modes see it, and would see as much in another variant."
    who = "its effect" if variant.short == control.variant else "a like effect"
    return (
        f"{words} So normal modes do not see this control: that they see nothing of {variant.short} does not "
        f"speak against {who}, which may lie in motions or equilibria that small vibrations of one model do "
        "not hold."
    )


def _read(rows: Sequence[RegionComparison], state: str, pack: TargetPack) -> str:
    """The readings of one state."""
    texts = [
        f"{region_label(pack, row.region)} {with_interval(row.difference_angstrom)}, "
        f"{verdict_of(row.difference_angstrom)}"
        for row in rows
    ]
    return f"{state_label(pack, state)}: {'; '.join(texts)}"

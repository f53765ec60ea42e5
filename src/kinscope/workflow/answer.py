"""The answer before anything is computed: from what is published, from kin and from what lies where.

It takes a second, so that it is printed and laid out at once; results replace it as they come.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from kinscope import __version__
from kinscope.affinity import atlas
from kinscope.core.errors import UnsupportedVariantError
from kinscope.core.files import write_atomic
from kinscope.evidence import lookup
from kinscope.evidence.model import TrackRecord
from kinscope.interpretation.assessment import assess
from kinscope.interpretation.findings import left_out
from kinscope.interpretation.model import Measurements, Predicted, StudyResult
from kinscope.targets.loader import crystal_flexibility
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant
from kinscope.workflow.planning.choices import choose_states
from kinscope.workflow.planning.reach import reach_of
from kinscope.workflow.publication import REPORT_FILE, RESULT_FILE, commands_again, describe
from kinscope.workflow.rundir import locked, new_study, open_or_create
from kinscope.workflow.settings import StudySettings

_OPEN_ONLY = (
    "Models are run of two drugs at most: approved, near the variant, and decided by nothing else; `--drug` "
    "names others."
)


def first_answer(variant: Variant, settings: StudySettings, pack: TargetPack) -> StudyResult:
    """What can be said of a variant at once.

    Raises BadInputError if an evidence table of the pack is damaged, or the settings name what it lacks.
    """
    settings.checked(pack)
    nothing = dict.fromkeys(Measurements.model_fields, ())
    measurements = Measurements.model_validate({**nothing, "reach": reach_of(pack, variant)})
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return interpreted(variant, settings, pack, measurements).model_copy(update={"created": today})


def interpreted(
    variant: Variant,
    settings: StudySettings,
    pack: TargetPack,
    measurements: Measurements,
    *,
    skipped: tuple[str, ...] = (),
) -> StudyResult:
    """Measurements beside the evidence, judged; date, versions and provenance are the caller's to add."""
    evidence = lookup(variant, pack, transcript=settings.transcript)
    predicted = predictions(pack, variant)
    found = assess(variant, measurements, evidence, pack, crystal_flexibility(pack), predicted=predicted)
    told = tuple(left_out(text, pack) for text in skipped)
    if settings.docked == "open" and why_no_model(variant, settings, pack) is None:
        told = (*told, _OPEN_ONLY)
    return StudyResult(
        kinscope_version=__version__,
        created="",
        target=pack.gene,
        variant=variant,
        preset=settings.preset,
        settings=settings.told(),
        measurements=measurements,
        evidence=evidence,
        assessment=found.model_copy(update={"limits": (*told, *found.limits)}),
        versions={"kinscope": __version__},
        provenance=(),
    )


def why_no_model(
    variant: Variant, settings: StudySettings, pack: TargetPack
) -> UnsupportedVariantError | None:
    """Why nothing can be computed of a variant; None where a model or the user's structure holds it."""
    try:
        if settings.structure is None:
            choose_states(pack, variant, settings, [])
    except UnsupportedVariantError as error:
        return error
    return None


def predictions(pack: TargetPack, variant: Variant) -> dict[str, Predicted]:
    """What the atlas predicts, by drug; of several substitutions only what may be lost by the worst alone."""
    several = len(variant.substitutions) > 1
    made = atlas.provenance(pack)
    track = made.get("track", {})
    found = {}
    for drug, rows in atlas.predicted(pack, variant).items():
        row = max(rows, key=lambda one: one.ddg_kcal_per_mol)
        if row.call == "not calibrated" or (several and row.call not in ("lost", "loss suspected")):
            continue
        right, total = track.get(row.call, (0, 0))
        record = TrackRecord(
            kind=f"predicted, {row.call}", right=right, total=total, threshold_fold=10.0, how="residue hidden"
        )
        found[drug] = Predicted(
            drug=drug,
            part=row.change if several else "",
            ddg_kcal_mol=row.ddg_kcal_per_mol,
            low=row.low_90,
            high=row.high_90,
            probability_lost=row.p_lost,
            nearest_residue=row.nearest_measured,
            reach_angstrom=row.reach_angstrom,
            call=row.call,
            track=record if total else None,
            drivers=row.drivers,
            measured_kcal_mol=row.measured_kcal_per_mol,
            fold_rule=row.fold_rule,
            packing_excess_kcal_mol=row.packing_excess,
            fold_tested=made.get("fold_tested", (0, 0)),
        )
    return found


def lay_out_answer(directory: Path, result: StudyResult, settings: StudySettings, pack: TargetPack) -> None:
    """Write report and result of a first answer into a run directory that holds no result yet."""
    if (directory / RESULT_FILE).exists():
        return
    from kinscope.report.export import result_text
    from kinscope.report.files import ReportFiles
    from kinscope.report.page import APPENDIX_FILE, render_report

    commands = commands_again(result.variant, settings)
    if why_no_model(result.variant, settings, pack) is not None:
        commands = (f"{commands[0]} --answer",)
    render_report(result, ReportFiles.of(pack, commands=commands), pack, directory / REPORT_FILE)
    write_atomic(directory / RESULT_FILE, result_text(result))
    describe(directory, [REPORT_FILE, APPENDIX_FILE, RESULT_FILE], result.variant, settings)


def keep_answer(directory: Path, result: StudyResult, settings: StudySettings, pack: TargetPack) -> None:
    """Begin a run directory with a first answer; where a model holds the variant, `resume` goes on.

    Raises RunDirectoryError if the directory is in use or holds something else.
    """
    study = open_or_create(directory, new_study(result.variant, settings))
    with locked(directory):
        lay_out_answer(directory, result, study.settings, pack)

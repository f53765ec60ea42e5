"""What this run's verdicts add to the treatment options on either side. Never a prescription."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.evidence.model import TreatmentOption
from kinscope.interpretation.model import DrugVerdict
from kinscope.interpretation.prose import in_prose
from kinscope.targets.pack import TargetPack


def weigh_options(
    options: Sequence[TreatmentOption], verdicts: Sequence[DrugVerdict], pack: TargetPack
) -> tuple[TreatmentOption, ...]:
    """The options, with computed findings on their drugs marked as computed.

    Published evidence is in the options already; a verdict that rests on it adds nothing here.
    """
    by_drug = {verdict.drug: verdict for verdict in verdicts}
    return tuple(_weigh(option, by_drug, pack) for option in options)


def _weigh(option: TreatmentOption, verdicts: dict[str, DrugVerdict], pack: TargetPack) -> TreatmentOption:
    speaks_for, speaks_against = list(option.speaks_for), list(option.speaks_against)
    for identifier in option.drugs:
        verdict = verdicts.get(identifier)
        if verdict is None:
            continue
        name = in_prose(pack.drug(identifier))
        computed_against = any(
            r.tier == "computed" and r.weight != "weak" for r in verdict.reasons_against_binding
        )
        if verdict.verdict == "no loss of binding detected":
            speaks_for.append(
                f"Computed: no loss of {name} binding detected ({verdict.confidence} confidence)."
            )
        elif verdict.verdict == "not resolved":
            speaks_against.append(f"Whether {name} still acts on this variant is not resolved.")
        elif verdict.verdict == "reduced binding expected" and computed_against:
            speaks_against.append(
                f"Computed: {name} binds less well in the mutant model ({verdict.mechanism})."
            )
    return option.model_copy(
        update={"speaks_for": tuple(speaks_for), "speaks_against": tuple(speaks_against)}
    )

"""The international scale and the class of molecular response.

Hughes T et al. Blood 2006;108:28-37 (doi:10.1182/blood-2006-01-0092): a laboratory's factor is 0.1 % over
its own value that corresponds to a major molecular response; it multiplies the laboratory's percentages.
"""

from __future__ import annotations

from kinscope.clinic.measurements_fusion import FusionTranscript, known_protein
from kinscope.clinic.qpcr_depth import DepthLevel, deepest_by_level
from kinscope.clinic.qpcr_model import ScaleResult

ON_SCALE_CONTROLS = ("ABL1", "GUSB", "BCR")


def conversion_factor(major_response_equivalent_percent: float) -> float:
    """The factor of a laboratory whose own value for a major molecular response is this, per cent."""
    return 0.1 / major_response_equivalent_percent


def to_international_scale(
    percent: float | None,
    interval: tuple[float, float],
    transcript: str,
    control_gene: str,
    factor: float | None,
) -> ScaleResult:
    """Convert a percentage, or say why it cannot be converted.

    The factor's own uncertainty is not part of the interval.
    """
    refusal = _refusal(transcript, control_gene, factor)
    if refusal or factor is None:
        return ScaleResult(applies=False, reason=refusal)
    low, high = interval
    return ScaleResult(
        applies=True,
        percent=None if percent is None else percent * factor,
        low_percent=low * factor,
        high_percent=high * factor,
    )


def _refusal(transcript: str, control_gene: str, factor: float | None) -> str:
    fusion = known_protein(transcript)
    if fusion is None:
        said = f"{transcript!r} is not a known transcript" if transcript else "the transcript is not given"
        return f"{said}; the scale is for e13a2 and e14a2 (p210) only"
    if not _on_scale(fusion):
        named = f"{fusion.name} ({fusion.protein})" if fusion.name else fusion.protein
        return f"not defined for {named}"
    if control_gene not in ON_SCALE_CONTROLS:
        return f"not defined with {control_gene} as control gene"
    return "no conversion factor of this laboratory is given" if factor is None else ""


def _on_scale(fusion: FusionTranscript) -> bool:
    return fusion.protein == "p210" and (fusion.common or not fusion.name)


def molecular_class(
    percent: float | None, scale: ScaleResult, depth: DepthLevel | None, transcript: str
) -> str:
    """The class of response that this one sample shows, as reports word it.

    Parameters
    ----------
    percent
        Normalised copy number, per cent; None where no transcript was detected.
    scale
        The same on the international scale, where it applies.
    depth
        Deepest level the sample's control transcripts allow.
    transcript
        Fusion transcript as given.
    """
    if percent is None:
        if depth is None:
            return "undetectable, but the sample does not reach a sensitivity of MR4"
        complete = " (a complete molecular response in Ph+ ALL)" if not scale.applies else ""
        return f"undetectable at a sensitivity of {depth.name}{complete}"
    if not scale.applies or scale.percent is None:
        return "detectable"
    reached = deepest_by_level(scale.percent)
    if reached is None:
        return "no major molecular response (above 0.1 % on the international scale)"
    if reached.name != "MMR" and (depth is None or depth.log < reached.log):
        allowed = depth.name if depth else "MMR"
        return f"{allowed}: the level is that of {reached.name}, the control transcripts allow no more"
    return reached.name

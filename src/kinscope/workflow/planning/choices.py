"""Which states are modelled and simulated, and which drugs are docked, in a study."""

from __future__ import annotations

from collections.abc import Collection

from kinscope.core.errors import UnsupportedVariantError
from kinscope.ligands.parameters.shipped import directory_for, has_parameters
from kinscope.results.user_structure import USER_STATE
from kinscope.targets.pack import TargetPack
from kinscope.variants import modelled_states
from kinscope.variants.model import Variant
from kinscope.workflow.settings import StudySettings

_TAKEN = {
    "quick": ("always",),
    "standard": ("always", "thorough"),
    "paper": ("always", "thorough", "exhaustive"),
}
"""What a preset takes of what the pack marks; settings of another name take what ``standard`` does."""


def choose_states(
    pack: TargetPack, variant: Variant, settings: StudySettings, skipped: list[str]
) -> tuple[str, ...]:
    """The states of a study; what was asked for and cannot be is added to ``skipped``, in words.

    A user's structure is the only state unless others are named beside it.

    Raises UnsupportedVariantError if none of them has a model that holds the variant.
    """
    possible = modelled_states(variant, pack)
    own = (USER_STATE,) if settings.structure is not None else ()
    wanted = own + tuple(state for state in settings.states if state not in own)
    wanted = wanted or _of_preset(pack, settings)
    built = tuple(state for state in wanted if state in own or (pack.directory / "models" / state).is_dir())
    if not built:
        raise UnsupportedVariantError(
            f"The target pack of {pack.gene} holds no model"
            + (f" of {', '.join(wanted)}." if wanted else "."),
            where=str(pack.directory / "models"),
            remedy=f"Build its models with: kinscope models build --target {settings.target} "
            f"--pdb-mirror DIR --out {pack.directory}",
        )
    chosen = tuple(state for state in built if state in possible)
    for state in built:
        if state not in possible:
            skipped.append(
                f"{pack.state(state).label}: the model does not hold {variant.short}, so nothing is built"
            )
    if not chosen or (own and USER_STATE not in chosen):
        raise _holds_not(pack, variant, own)
    return chosen


def choose_drugs(
    pack: TargetPack,
    states: tuple[str, ...],
    settings: StudySettings,
    skipped: list[str],
    undecided: Collection[str] | None,
) -> tuple[str, ...]:
    """The drugs that are docked, each into its state; why others are not is added to ``skipped``.

    ``undecided``: the drugs worth it where none is named; None: all.
    """
    wanted = undecided if not settings.drugs and settings.structure is None else None
    available = [drug.id for drug in pack.drugs if (pack.directory / "poses" / f"{drug.id}.sdf").exists()]
    chosen = []
    # A study of the pack's own models says of every drug why it is not docked.
    all_of_them = available if settings.structure is not None else [drug.id for drug in pack.drugs]
    for drug in settings.drugs or all_of_them:
        state = pack.drug(drug).state
        if drug not in available:
            skipped.append(f"{drug}: the target pack has no reference pose of it, so it is not docked")
        elif state not in states:
            if settings.structure is None:
                skipped.append(f"{drug}: it binds {pack.state(state).label}, which is not part of this study")
        elif wanted is None or drug in wanted:
            chosen.append(drug)
    return tuple(chosen)


def dynamics_states(pack: TargetPack, states: tuple[str, ...], settings: StudySettings) -> tuple[str, ...]:
    """The states of a study that are simulated."""
    if settings.dynamics.budget_minutes == 0:
        return ()
    marks = (True, *_taken(settings))
    wanted = settings.dynamics.states or tuple(state.id for state in pack.states if state.dynamics in marks)
    return tuple(state for state in wanted if state in states)


def dynamics_ligands(
    pack: TargetPack, states: tuple[str, ...], settings: StudySettings, skipped: list[str]
) -> tuple[str, ...]:
    """The drugs that are simulated bound, each in the state it binds; why others are not goes to ``skipped``.

    ``states`` are those that are simulated.
    """
    chosen = []
    named = settings.dynamics.ligands
    marked = tuple(drug.id for drug in pack.drugs if drug.simulated in _taken(settings))
    for drug in (marked if named is None else named) if states else ():
        definition = next((known for known in pack.drugs if known.id == drug), None)
        if definition is None:
            skipped.append(f"{drug}: the target pack has no such drug, so it is not simulated bound")
        elif not (pack.directory / "poses" / f"{drug}.sdf").exists():
            skipped.append(
                f"{drug}: the target pack has no reference pose of it, so it is not simulated bound"
            )
        elif not has_parameters(definition, directory_for(pack, definition)):
            skipped.append(
                f"{drug}: no force-field parameters of this form of it ship, so it is not simulated bound"
            )
        elif definition.state not in states:
            label = pack.state(definition.state).label
            skipped.append(f"{drug}: {label}, which it binds, is not simulated here, so neither is it bound")
        elif drug not in chosen:
            chosen.append(drug)
    return tuple(chosen)


def _of_preset(pack: TargetPack, settings: StudySettings) -> tuple[str, ...]:
    """What the pack studies unless states are named: the long presets take more."""
    return tuple(state.id for state in pack.states if state.studied in _taken(settings))


def _taken(settings: StudySettings) -> tuple[str, ...]:
    return _TAKEN.get(settings.preset, _TAKEN["standard"])


def _holds_not(pack: TargetPack, variant: Variant, own: tuple[str, ...]) -> UnsupportedVariantError:
    states = [pack.state(USER_STATE)] if own else pack.states
    ranges = dict.fromkeys(f"{state.first_residue}-{state.last_residue}" for state in states)
    return UnsupportedVariantError(
        (
            f"Your structure does not hold {variant.short}"
            if own
            else f"No model of {pack.gene} holds {variant.short}"
        )
        + ", so it cannot be modelled.",
        where=variant.text,
        remedy=f"Modelled residues (isoform {pack.reference_isoform}): {', '.join(ranges)}. "
        f"What can be said without a model: kinscope assess {variant.short} --answer",
    )

"""Drug and pocket relaxed together: a side a step, so that a native side serves every variant there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kinscope.core.residues import three_letter
from kinscope.docking.engine import Mol
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.records import ReferencePoseRecord
from kinscope.docking.relaxed.compare import Complex, compare_sides, own_names, relaxed_side
from kinscope.docking.relaxed.mechanics import mechanics_of
from kinscope.docking.table.differences import distance_to_residues
from kinscope.results.docking import ComplexSide, RelaxedComparison, RelaxedSettings
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.variants.model import Variant
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.planning.user_state import study_pack
from kinscope.workflow.stages.files import read_models, read_records, write_records

SIDE = "side.json"


def relax_side(context: StepContext) -> None:
    """One side of the comparison; an empty record where nothing substituted is near the drug."""
    pack = study_pack(context.parameters)
    drug = pack.drug(context.parameters["drug"])
    native = read_models(context.input("native"))[0][0]
    pose, _ = known_pose(pack, drug, context.parameters["state"], context.inputs.get("pose"))
    mechanics, _ = mechanics_of(pack, drug)
    put_in = {int(number): letter for number, letter in context.parameters["residues"]}
    native_side = context.parameters["side"] == "native"
    wanted = own_names(native, put_in) if native_side else {n: three_letter(aa) for n, aa in put_in.items()}
    found = None
    if mechanics is not None:
        settings = RelaxedSettings.model_validate(context.parameters["settings"])
        whole = Complex(native, pose, mechanics, settings)
        found = relaxed_side(whole, wanted, context.parameters["seed"])
    write_records(context.output / SIDE, [] if found is None else [found])


def known_pose(
    pack: TargetPack, drug: DrugDefinition, state: str, carried: Path | None
) -> tuple[Mol, ReferencePoseRecord]:
    """The pose in the state's native model: the pack's, or the one carried into a user's structure."""
    if state in drug.further_states:
        return reference_pose(pack, drug, state=state)
    return reference_pose(pack, drug, carried)


def compared(
    drug: DrugDefinition,
    state: str,
    variant: Variant,
    native: AtomArray,
    sides: Mapping[str, Path],
    known: tuple[Mol, ReferencePoseRecord],
) -> RelaxedComparison | None:
    """The comparison of two sides that steps left; None where nothing substituted is near the drug.

    ``drug``, ``state``, ``variant``: what it is about. ``native``: the native model of the state (n_atoms).
    ``sides``: directories of ``native`` and ``mutant``. ``known``: the pose in the state's native model, and
    its record.
    """
    found = {side: read_records(path / SIDE, ComplexSide) for side, path in sides.items()}
    if not all(found.get(side) for side in ("native", "mutant")):
        return None
    pose, record = known
    comparison = compare_sides(
        drug.id, state, variant.short, found["native"][0], found["mutant"][0], RelaxedSettings()
    )
    return comparison.model_copy(
        update={
            "reference": record.crystal,
            "reference_to_crystal_angstrom": record.rmsd_to_crystal_angstrom,
            "distance_to_variant_angstrom": distance_to_residues(native, pose, variant.positions),
        }
    )

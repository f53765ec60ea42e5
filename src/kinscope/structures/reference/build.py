"""Reference models: built from wwPDB entries by recipe, shipped with the target pack, read back by state."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from kinscope.core.errors import BadInputError, StructureError
from kinscope.core.files import write_atomic
from kinscope.core.progress import Progress, silent
from kinscope.results.models import ModelRecord, ResidueOrigin
from kinscope.results.notes import Note, note
from kinscope.structures.completion.hydrogens import PH, CompleteModel, complete_model
from kinscope.structures.forcefield.minimisation import BRIEF_STAGES, DEFAULT_STAGES, MEDIUM_STAGES, minimise
from kinscope.structures.forcefield.system import Occupant, Parametrise
from kinscope.structures.io import read_model, write_model
from kinscope.structures.model import RECORD_FILE, AtomArray
from kinscope.structures.reference.assembly import Assembly, assemble, joints_of
from kinscope.structures.reference.loops import build_loops
from kinscope.structures.reference.recipes import BuiltStretch, CrystalPart, StateRecipe, recipe_of
from kinscope.structures.side_chains.surroundings import repack_side_chains
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.pack import TargetPack

_STAGES = {"full": DEFAULT_STAGES, "medium": MEDIUM_STAGES, "brief": BRIEF_STAGES}
SHIPPED_MODEL_FILE = "model.cif.gz"
MODELS_DIRECTORY = "models"
POCKET_KCAL_PER_MOL_ANGSTROM2 = 10.0
"""kT over the square of 0.25 angstrom, the coordinate error of a crystal at 2.0-2.4 angstrom: what touches a
ligand may go as far as the crystal leaves open. Implicit solvent overrates salt bridges (Geney et al., J.
Chem. Theory Comput. 2006, 2, 115), and turns Glu286 from the ligand to Lys271 with both its oxygens."""


def build_model(
    pack: TargetPack,
    state_id: str,
    source: PdbSource,
    out_dir: Path,
    progress: Progress = silent,
    parametrise: Parametrise | None = None,
) -> ModelRecord:
    """Build and write the native model of one state, as :func:`build_reference_model`.

    It goes to ``out_dir/<state>/model.cif.gz`` with ``model.json`` beside it, complete or not at all.
    """
    atoms, record = build_reference_model(
        pack, state_id, source, lambda done, text: progress(done, f"{state_id}: {text}"), parametrise
    )
    directory = out_dir / state_id
    directory.mkdir(parents=True, exist_ok=True)
    write_model(directory / SHIPPED_MODEL_FILE, atoms, record)
    write_atomic(directory / RECORD_FILE, record.model_dump_json(indent=1))
    return record


def build_reference_model(
    pack: TargetPack,
    state_id: str,
    source: PdbSource,
    progress: Progress = silent,
    parametrise: Parametrise | None = None,
) -> tuple[AtomArray, ModelRecord]:
    """Build the native model of one state from wwPDB entries.

    ``parametrise`` gives ligands their force field; it is needed where the recipe wants them charged. Returns
    the model, in the base crystal's frame and in kinscope's model conventions, and its record.

    Raises StructureError if an entry is not at hand, or the recipe does not fit it; BadInputError if the
    recipe wants charged ligands and nothing gives them charges; ComputationError if a computation fails.
    """
    state, recipe = pack.state(state_id), recipe_of(pack, state_id)
    progress(0.0, "assembling crystals")
    assembly = assemble(pack, recipe, source)
    whole, loops = _with_loops(assembly.atoms, recipe, pack, progress)
    complete = complete_model(whole, assembly.ligands, progress)
    packed, repacked = repack_side_chains(complete.atoms, recipe.repack)
    occupants = _occupants(assembly.ligands, recipe, parametrise)
    # Only charged ligands are known to belong where they stand.
    pocket = POCKET_KCAL_PER_MOL_ANGSTROM2 if recipe.occupants == "charged" else 0.0
    relaxed, relaxation = minimise(
        packed,
        _STAGES[recipe.relaxation],
        ligands=occupants,
        pocket_kcal_per_mol_angstrom2=pocket,
        progress=lambda fraction, text: progress(0.1 + 0.9 * fraction, text),
    )
    changed = tuple(f"{number} {label}" for number, label in sorted(repacked.items()))
    guests = [f"{code} of the base crystal" for code in recipe.ligands]
    guests += [f"{guest.ccd} of {guest.entry.upper()}" for guest in recipe.guests]
    record = ModelRecord(
        target=pack.gene,
        state=state_id,
        variant="native",
        first_residue=state.first_residue,
        last_residue=state.last_residue,
        origins=residue_origins(assembly, complete, repacked),
        method=(
            *assembly.method,
            *loops,
            *built_notes("crystal", complete),
            *complete.hydrogen_notes,
            *([note("crystals-repacked", changed=changed)] if changed else []),
            *occupant_notes(guests, occupants, pocket),
            *(stage.noted() for stage in relaxation),
            *joint_notes(complete.atoms, relaxed, recipe),
        ),
        ph=PH,
        protonation=complete.recorded_protonation(),
    )
    progress(1.0, "done")
    return relaxed, record


def _with_loops(
    atoms: AtomArray, recipe: StateRecipe, pack: TargetPack, say: Progress
) -> tuple[AtomArray, list[Note]]:
    """The heavy atoms with every stretch of the recipe that is to be built, and what was done."""
    stretches = [(stretch.first_residue, stretch.last_residue) for stretch in recipe.built]
    if not stretches:
        return atoms, []
    whole, built = build_loops(
        atoms, stretches, pack.transcript.protein, progress=lambda done, text: say(0.05 * done, text)
    )
    return whole, [loop.noted(part.reason) for loop, part in zip(built, recipe.built, strict=True)]


def _occupants(
    ligands: tuple[AtomArray, ...], recipe: StateRecipe, parametrise: Parametrise | None
) -> tuple[AtomArray | Occupant, ...]:
    """What stands in the pockets: charged where the recipe says so and parameters are at hand."""
    if recipe.occupants == "spheres":
        return ligands
    if parametrise is None:
        raise BadInputError(
            "The recipe wants ligands with their charges, and nothing was given that knows these.",
            where=f"state {recipe.state}",
            remedy="Build it with: kinscope models build",
        )
    return tuple(parametrise(ligand) or ligand for ligand in ligands)


def occupant_notes(
    names: list[str], occupants: tuple[AtomArray | Occupant, ...], pocket: float
) -> list[Note]:
    """The ligands around which a model was relaxed, how they stood there, and what was held beside them.

    ``names`` says what each is and where it comes from; occupants, in the same order, were charged where they
    carry parameters; ``pocket`` is the restraint of the side chains that touch these, kcal/mol/angstrom^2.
    """
    if not names:
        return []
    charged = {place: held.description for place, held in enumerate(occupants) if isinstance(held, Occupant)}
    notes = [
        note(
            "relaxed-around",
            charged=tuple(names[place] for place in charged),
            parameters=tuple(charged.values()),
            spheres=tuple(name for place, name in enumerate(names) if place not in charged),
        )
    ]
    if charged and pocket > 0.0:
        notes.append(note("pocket-held", restraint_kcal_per_mol_angstrom2=pocket))
    return notes


def joint_notes(before: AtomArray, after: AtomArray, recipe: StateRecipe) -> list[Note]:
    """Length and planarity of the peptide bonds where parts meet, before and after relaxation."""
    parts: tuple[CrystalPart | BuiltStretch, ...] = (*recipe.grafts, *recipe.placements, *recipe.built)
    joints = [
        (f"{row[0]}/{row[0] + 1}", *row[1:], *joint[1:])
        for part in parts
        for row, joint in zip(joints_of(before, part), joints_of(after, part), strict=True)
    ]
    if not joints:
        return []
    names = ("bonds", "before_angstrom", "before_degrees", "after_angstrom", "after_degrees")
    columns = dict(zip(names, zip(*joints, strict=True), strict=True))
    return [note("joints", **columns)]


def built_notes(source: str, complete: CompleteModel) -> list[Note]:
    """Side-chain atoms that the ``crystal`` or ``file`` does not show, and side chains that were turned."""
    atoms = tuple(f"{number}: {' '.join(names)}" for number, names in complete.built.items())
    notes = [note("atoms-built", source=source, atoms=atoms)] if atoms else []
    return notes + ([note("side-chains-turned", names=complete.turned)] if complete.turned else [])


def residue_origins(
    assembly: Assembly, complete: CompleteModel, repacked: dict[int, str]
) -> tuple[ResidueOrigin, ...]:
    """The origin of every residue, with what preparation did to it."""
    turned = {number: f"side chain in another rotamer ({label})" for number, label in repacked.items()}
    origins = []
    for origin in assembly.origins:
        notes = [origin.note, *complete.done_to(origin.residue), turned.get(origin.residue, "")]
        origins.append(origin.model_copy(update={"note": "; ".join(filter(None, notes))}))
    return tuple(origins)


def reference_model(
    pack: TargetPack, state_id: str, directory: Path | None = None
) -> tuple[AtomArray, ModelRecord]:
    """The native model of a state that ships with the pack (or lies in ``directory``).

    Raises BadInputError if the pack has no such state; StructureError if its model is absent or damaged.
    """
    pack.state(state_id)
    home = (directory or pack.directory / MODELS_DIRECTORY) / state_id
    remedy = f"Build it with: kinscope models build --state {state_id} --pdb-mirror DIR"
    path, record_file = home / SHIPPED_MODEL_FILE, home / RECORD_FILE
    if not path.is_file() or not record_file.is_file():
        raise StructureError(
            f"The model of the state {state_id!r} has not been built.", where=str(home), remedy=remedy
        )
    try:
        record = ModelRecord.model_validate_json(record_file.read_text())
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise StructureError(
            f"The record of a model cannot be read ({error}).", where=str(record_file), remedy=remedy
        ) from error
    return read_model(path), record


def available_states(pack: TargetPack) -> tuple[str, ...]:
    """Ids of the states whose models are at hand."""
    home = pack.directory / MODELS_DIRECTORY
    return tuple(state.id for state in pack.states if (home / state.id / SHIPPED_MODEL_FILE).is_file())

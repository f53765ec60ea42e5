"""Reference models: built from wwPDB entries by recipe, shipped with the target pack, read back by state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from kinscope.core.errors import BadInputError, StructureError
from kinscope.core.files import write_atomic
from kinscope.core.progress import Progress, silent
from kinscope.core.records import Settings
from kinscope.results.models import ModelRecord, ResidueOrigin
from kinscope.results.notes import Note, note
from kinscope.structures.completion.hydrogens import CompleteModel, complete_model
from kinscope.structures.forcefield.minimisation import (
    BRIEF_STAGES,
    DEFAULT_STAGES,
    MEDIUM_STAGES,
    Stage,
    minimise,
)
from kinscope.structures.forcefield.occupants import Occupant, Parametrise
from kinscope.structures.io import read_model, write_model
from kinscope.structures.model import RECORD_FILE, AtomArray
from kinscope.structures.reference.assembly import Assembly, assemble, joints_of
from kinscope.structures.reference.loops import LoopSettings, build_loops
from kinscope.structures.reference.recipes import BuiltStretch, CrystalPart, StateRecipe, recipe_of
from kinscope.structures.side_chains.surroundings import repack_side_chains
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.pack import TargetPack


def repacked_notes(repacked: dict[int, str]) -> list[Note]:
    """Side chains that were given another rotamer."""
    changed = tuple(f"{number} {label}" for number, label in sorted(repacked.items()))
    return [note("crystals-repacked", changed=changed)] if repacked else []


def guest_notes(
    recipe: StateRecipe, occupants: tuple[AtomArray | Occupant, ...] = (), pocket: float = 0.0
) -> list[Note]:
    """The ligands of a recipe around which a model was relaxed, as :func:`occupant_notes`."""
    names = [f"{code} of the base crystal" for code in recipe.ligands]
    names += [f"{guest.ccd} of {guest.entry.upper()}" for guest in recipe.guests]
    return occupant_notes(names, occupants, pocket)


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
    notes = []
    if complete.built:
        atoms = tuple(f"{number}: {' '.join(names)}" for number, names in complete.built.items())
        notes.append(note("atoms-built", source=source, atoms=atoms))
    if complete.turned:
        notes.append(note("side-chains-turned", names=complete.turned))
    return notes


def residue_origins(
    assembly: Assembly,
    built: dict[int, tuple[str, ...]],
    turned: tuple[str, ...],
    repacked: dict[int, str],
) -> tuple[ResidueOrigin, ...]:
    """The origin of every residue, with what preparation did to it."""
    flipped = {int(name[3:]) for name in turned}
    origins = []
    for origin in assembly.origins:
        notes = [origin.note] if origin.note else []
        if origin.residue in built:
            notes.append("built atoms: " + " ".join(built[origin.residue]))
        if origin.residue in flipped:
            notes.append("side chain turned round")
        if origin.residue in repacked:
            notes.append(f"side chain in another rotamer ({repacked[origin.residue]})")
        origins.append(origin.model_copy(update={"note": "; ".join(notes)}))
    return tuple(origins)


SHIPPED_MODEL_FILE = "model.cif.gz"
MODELS_DIRECTORY = "models"
POCKET_KCAL_PER_MOL_ANGSTROM2 = 10.0
"""kT over the square of 0.25 angstrom, the coordinate error of a crystal at 2.0-2.4 angstrom: what touches a
ligand may go as far as the crystal leaves open. Implicit solvent overrates salt bridges (Geney et al., J.
Chem. Theory Comput. 2006, 2, 115), and turns Glu286 from the ligand to Lys271 with both its oxygens."""


class BuildSettings(Settings):
    """How a reference model is built."""

    ph: float = Field(default=7.4, ge=4.0, le=10.0)
    keep_phosphorylation: bool = False
    """Keep every phosphate of the crystals, not only those that the recipe names."""
    stages: tuple[Stage, ...] = DEFAULT_STAGES
    loops: LoopSettings = LoopSettings()
    threads: int = Field(default=1, ge=1)


def build_reference_model(
    pack: TargetPack,
    state_id: str,
    source: PdbSource,
    progress: Progress | None = None,
    parametrise: Parametrise | None = None,
) -> tuple[AtomArray, ModelRecord]:
    """Build the native model of one state from wwPDB entries.

    ``parametrise`` gives ligands their force field; it is needed where the recipe wants them charged. Returns
    the model, in the base crystal's frame and in kinscope's model conventions, and its record.

    Raises StructureError if an entry is not at hand, or the recipe does not fit it; BadInputError if the
    recipe wants charged ligands and nothing gives them charges; ComputationError if a computation fails.
    """
    settings = BuildSettings()
    say = progress or silent
    state = pack.state(state_id)
    recipe = recipe_of(pack, state_id)
    unrelaxed = _unrelaxed(pack, recipe, source, settings, say)
    relaxed, relaxation = _relaxed(unrelaxed, recipe, settings, parametrise, say)
    record = ModelRecord(
        target=pack.gene,
        state=state_id,
        variant="native",
        first_residue=state.first_residue,
        last_residue=state.last_residue,
        origins=unrelaxed.origins,
        method=(*unrelaxed.notes, *relaxation, *joint_notes(unrelaxed.complete.atoms, relaxed, recipe)),
        ph=settings.ph,
        protonation=unrelaxed.complete.recorded_protonation(),
    )
    say(1.0, "done")
    return relaxed, record


def build_models(
    pack: TargetPack,
    states: tuple[str, ...],
    source: PdbSource,
    out_dir: Path,
    progress: Progress | None = None,
    parametrise: Parametrise | None = None,
) -> dict[str, ModelRecord]:
    """Build and write the models of several states (all of the pack's if none is named).

    Each goes to ``out_dir/<state>/model.cif.gz`` with ``model.json`` beside it, complete or not at all.
    """
    chosen = states or tuple(state.id for state in pack.states)
    records = {}
    for index, state_id in enumerate(chosen):

        def say(fraction: float, text: str, index: int = index, state_id: str = state_id) -> None:
            if progress is not None:
                progress((index + fraction) / len(chosen), f"{state_id}: {text}")

        atoms, record = build_reference_model(pack, state_id, source, say, parametrise)
        directory = out_dir / state_id
        directory.mkdir(parents=True, exist_ok=True)
        write_model(directory / SHIPPED_MODEL_FILE, atoms, record)
        write_atomic(directory / RECORD_FILE, record.model_dump_json(indent=1))
        records[state_id] = record
    return records


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


@dataclass(frozen=True)
class _Unrelaxed:
    """All atoms of a state from its crystals, before any force acts on them."""

    assembly: Assembly
    loops: list[Note]
    """The stretches that were built."""
    complete: CompleteModel
    atoms: AtomArray
    """The complete model with side chains of different crystals that did not fit together repacked."""
    repacked: dict[int, str]
    """Their rotamers by residue."""

    @property
    def origins(self) -> tuple[ResidueOrigin, ...]:
        """Of every residue, for the model's record."""
        return residue_origins(self.assembly, self.complete.built, self.complete.turned, self.repacked)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was done so far, for the model's record."""
        return (
            *self.assembly.method,
            *self.loops,
            *built_notes("crystal", self.complete),
            *self.complete.hydrogen_notes,
            *repacked_notes(self.repacked),
        )


def _unrelaxed(
    pack: TargetPack, recipe: StateRecipe, source: PdbSource, settings: BuildSettings, say: Progress
) -> _Unrelaxed:
    say(0.0, "assembling crystals")
    assembly = assemble(pack, recipe, source, keep_phosphorylation=settings.keep_phosphorylation)
    whole, loops = _with_loops(assembly.atoms, recipe, pack, settings, say)
    complete = complete_model(whole, assembly.ligands, settings.ph, say)
    packed, repacked = repack_side_chains(complete.atoms, recipe.repack)
    return _Unrelaxed(assembly, loops, complete, packed, repacked)


def _relaxed(
    unrelaxed: _Unrelaxed,
    recipe: StateRecipe,
    settings: BuildSettings,
    parametrise: Parametrise | None,
    say: Progress,
) -> tuple[AtomArray, list[Note]]:
    """The model relaxed around what stands in its pockets, and how."""
    occupants = _occupants(unrelaxed.assembly.ligands, recipe, parametrise)
    pocket = _pocket(recipe)
    stages = _stages(settings, recipe)
    relaxed, results = minimise(
        unrelaxed.atoms,
        stages,
        ligands=occupants,
        pocket_kcal_per_mol_angstrom2=pocket,
        threads=settings.threads,
        progress=lambda fraction, text: say(0.1 + 0.9 * fraction, text),
    )
    notes = guest_notes(recipe, occupants, pocket)
    return relaxed, notes + [result.noted(stage) for result, stage in zip(results, stages, strict=True)]


def _stages(settings: BuildSettings, recipe: StateRecipe) -> tuple[Stage, ...]:
    if settings.stages != DEFAULT_STAGES:
        return settings.stages
    return {"full": DEFAULT_STAGES, "medium": MEDIUM_STAGES, "brief": BRIEF_STAGES}[recipe.relaxation]


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


def _pocket(recipe: StateRecipe) -> float:
    """How firmly side chains that touch a ligand are held; only charged ligands are known to belong there."""
    return POCKET_KCAL_PER_MOL_ANGSTROM2 if recipe.occupants == "charged" else 0.0


def _with_loops(
    atoms: AtomArray, recipe: StateRecipe, pack: TargetPack, settings: BuildSettings, say: Progress
) -> tuple[AtomArray, list[Note]]:
    """The heavy atoms with every stretch of the recipe that is to be built, and what was done."""
    if not recipe.built:
        return atoms, []
    stretches = [(stretch.first_residue, stretch.last_residue) for stretch in recipe.built]
    whole, built = build_loops(
        atoms,
        stretches,
        pack.transcript.protein,
        settings.loops.model_copy(update={"threads": settings.threads}),
        lambda fraction, text: say(0.05 * fraction, text),
    )
    return whole, [loop.noted(part.reason) for loop, part in zip(built, recipe.built, strict=True)]

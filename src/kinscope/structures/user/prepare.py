"""A user's own structure of the kinase, examined and made a model like those that ship.

:func:`examine` reads the file and decides everything that can be decided without computing: the chain, the
numbering, what is missing and where it will come from, what is left out, which inhibitors fit.
:func:`prepare` then completes, protonates and relaxes it by the same machinery as the shipped models, and
sets the sequence back to the target's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinscope.core.files import write_atomic
from kinscope.core.progress import Progress, silent
from kinscope.core.quoting import plain_name
from kinscope.results.models import ModelRecord, ResidueOrigin
from kinscope.results.notes import Note, note
from kinscope.results.user_structure import USER_STATE, StructureFindings, UserStructureOptions
from kinscope.structures.checks.model import ModelCheck, check_model
from kinscope.structures.completion.heavy_atoms import missing_atoms
from kinscope.structures.completion.hydrogens import PH, CompleteModel, complete_model
from kinscope.structures.forcefield.minimisation import DEFAULT_STAGES, Stage, minimise
from kinscope.structures.forcefield.system import Occupant, Parametrise
from kinscope.structures.io import write_model
from kinscope.structures.model import MODEL_FILE, RECORD_FILE, AtomArray
from kinscope.structures.reference.build import POCKET_KCAL_PER_MOL_ANGSTROM2, built_notes, occupant_notes
from kinscope.structures.user.file import UserFile, parse_user_file
from kinscope.structures.user.gaps import build_missing
from kinscope.structures.user.ligands import dockable, known_poses, stand_ins, surroundings, whole_drugs
from kinscope.structures.user.stretch import (
    FilledStretch,
    Stretch,
    choose_stretch,
    fill_stretch,
    renamed_isosteres,
    reverted,
)
from kinscope.targets.pack import StateDefinition, TargetPack


def method_notes(
    found: StructureFindings,
    complete: CompleteModel,
    renamed: list[Note],
    held: tuple[AtomArray | Occupant, ...],
) -> list[Note]:
    """How the structure was read and completed (gaps as filled), and relaxed around what (``held``)."""
    notes = [
        note(
            "prepared-from-file",
            file=found.file,
            sha256=found.sha256[:16],
            chain=found.chain,
            author_first=found.author_first,
            author_last=found.author_last,
            first=found.first_residue,
            last=found.last_residue,
        )
    ]
    if found.modified:
        notes.append(note("modified-residues", names=found.modified))
    if found.alternates:
        notes.append(note("alternates-chosen", residues=found.alternates))
    for gap in found.gaps:
        if gap.origin == "grafted":
            ends, rmsd = {"first": gap.first_residue, "last": gap.last_residue}, gap.flank_rmsd_angstrom
            notes.append(note("stretch-grafted", **ends, state=gap.state, flank_rmsd_angstrom=rmsd))
        notes += [gap.note] if gap.note else []
    notes += [note("cut-off", stretch=text) for text in found.cut_off]
    notes += built_notes("file", complete)
    notes += renamed
    names = [
        f"the reference pose of {ligand.name}" if ligand.stand_in else f"the file's {ligand.name}"
        for ligand in found.ligands
    ]
    return [*notes, *occupant_notes(names, held, POCKET_KCAL_PER_MOL_ANGSTROM2), *found.notes]


def residue_origins(
    found: StructureFindings, complete: CompleteModel, renamed: list[Note]
) -> tuple[ResidueOrigin, ...]:
    """The origin of every residue: the file, a shipped model, or built; see :func:`method_notes`."""
    label = f"{found.file}:{found.chain}"
    filled = {number: gap for gap in found.gaps for number in range(gap.first_residue, gap.last_residue + 1)}
    substituted = {one.values["residue"] for one in renamed}
    origins = []
    for number in range(found.first_residue, found.last_residue + 1):
        notes = complete.done_to(number)
        origin, entry = "given", label
        if gap := filled.get(number):
            if gap.flank_rmsd_angstrom is not None:
                notes.append(f"flanks {gap.flank_rmsd_angstrom:.2f} A")
            origin, entry = gap.origin, gap.state
        elif number in substituted:
            notes.append("isosteric")
            origin = "substituted"
        origins.append(
            ResidueOrigin.model_validate(
                {"residue": number, "origin": origin, "entry": entry, "note": "; ".join(notes)}
            )
        )
    return tuple(origins)


USER_STAGES = (*DEFAULT_STAGES[:-1], DEFAULT_STAGES[-1].model_copy(update={"max_iterations": 200}))
"""As for the shipped models, but half the iterations of the last stage, which takes most of the time."""
FINDINGS_FILE = "structure.json"


@dataclass(frozen=True)
class Examined:
    """A user's structure before anything is computed."""

    findings: StructureFindings
    atoms: AtomArray
    """Heavy atoms of the chain, grafts in place, target numbering, the file's own sequence and frame."""
    occupants: tuple[AtomArray, ...]
    """What keeps its pockets open while it is relaxed."""
    drugs: tuple[str, ...]
    """Ids of the inhibitors that can be docked into it."""
    not_docked: tuple[Note, ...]
    """Why each of the others cannot."""

    def definition(self) -> StateDefinition:
        """The state that the structure adds to the pack."""
        found = self.findings
        dfg = "" if found.geometry.dfg == "unassigned" else found.geometry.dfg
        return StateDefinition(
            id=USER_STATE,
            label=f"your structure {found.file}{dfg and f', DFG-{dfg}'}",
            first_residue=found.first_residue,
            last_residue=found.last_residue,
            description=f"Prepared from {found.file} (SHA-256 {found.sha256[:12]}), chain {found.chain}.",
            dynamics=True,
            dfg=dfg,
        )


@dataclass(frozen=True)
class Prepared:
    """The model of a user's structure."""

    atoms: AtomArray
    record: ModelRecord
    findings: StructureFindings
    check: ModelCheck


def examine(file: UserFile, pack: TargetPack, options: UserStructureOptions | None = None) -> Examined:
    """Read a user's structure and decide what becomes of it.

    Raises StructureError if it cannot be read, is not of the target, or lacks too much, and BadInputError
    if the options name a state that the pack has not.
    """
    options = options or UserStructureOptions()
    if options.like:
        pack.state(options.like)
    structure = parse_user_file(file)
    stretch = choose_stretch(structure, pack, options, file.name)
    filled = fill_stretch(stretch, pack, options.like, file.name)
    atoms, sources = filled.atoms, filled.sources
    around = surroundings(structure, stretch.name, stretch.atoms, pack, len(stretch.chain.dropped))
    poses = known_poses(pack)
    held = whole_drugs(around, poses)
    drugs, not_docked = dockable(atoms, filled.geometry.dfg, options.like, held, poses, sources, pack)
    extra, laid = stand_ins(atoms, around.ligands, drugs, poses, sources, pack)
    findings = StructureFindings(
        file=file.name,
        sha256=file.sha256,
        title=_title(structure),
        resolution_angstrom=stretch.chain.resolution_angstrom,
        models=len(structure),
        chain=plain_name(stretch.name, 8),
        candidates=stretch.candidates,
        first_residue=stretch.first,
        last_residue=stretch.last,
        author_first=stretch.author_ends[0],
        author_last=stretch.author_ends[1],
        substituted=stretch.substituted,
        modified=stretch.modified,
        alternates=stretch.alternates,
        gaps=filled.gaps,
        incomplete=tuple(missing_atoms(atoms)),
        cut_off=stretch.cut_off,
        left_out=around.left_out,
        ligands=(*around.ligands, *extra),
        geometry=filled.geometry,
        like=options.like,
        notes=_notes(structure, stretch, filled),
    )
    return Examined(findings, atoms, (*around.occupants, *laid), drugs, not_docked)


def prepare(
    examined: Examined,
    pack: TargetPack,
    stages: tuple[Stage, ...] = USER_STAGES,
    progress: Progress = silent,
    parametrise: Parametrise | None = None,
) -> Prepared:
    """Make the model: complete side chains, protonate, relax by stages, set the sequence back.

    ``parametrise`` gives the file's own ligands their force field, where they are drugs that have one. Raises
    ComputationError if a computation fails.
    """
    found = examined.findings
    progress(0.0, "completing the chain")
    whole, gaps = build_missing(examined.atoms, found.gaps, pack, found.file)
    found = found.model_copy(update={"gaps": gaps})
    heavy, renamed = renamed_isosteres(whole, pack.transcript.protein)
    complete = complete_model(heavy, examined.occupants, progress)
    # A pose that was laid in is a guess, and stays without charges.
    held = tuple(
        atoms if parametrise is None or ligand.stand_in else parametrise(atoms) or atoms
        for ligand, atoms in zip(found.ligands, examined.occupants, strict=True)
    )
    relaxed, relaxation = minimise(
        complete.atoms,
        stages,
        ligands=held,
        pocket_kcal_per_mol_angstrom2=POCKET_KCAL_PER_MOL_ANGSTROM2,
        progress=lambda fraction, text: progress(0.1 + 0.7 * fraction, text),
    )
    record = ModelRecord(
        target=pack.gene,
        state=USER_STATE,
        variant="native",
        first_residue=found.first_residue,
        last_residue=found.last_residue,
        origins=residue_origins(found, complete, renamed),
        method=(
            *method_notes(found, complete, renamed, held),
            *complete.hydrogen_notes,
            *(stage.noted() for stage in relaxation),
        ),
        ph=PH,
        protonation=complete.recorded_protonation(),
    )
    progress(0.8, "setting the sequence back")
    atoms, record = reverted(relaxed, record, examined.occupants, pack.transcript.protein)
    progress(0.95, "checking")
    check = check_model(atoms, record, None, pack, name=found.file)
    missed = tuple(f"{item.name}: {item.value}" for item in check.items if not item.passed)
    if missed:
        caution = note("bounds-missed", items=missed)
        record = record.model_copy(update={"method": (*record.method, caution)})
    progress(1.0, "done")
    return Prepared(atoms, record, found, check)


def write_prepared(prepared: Prepared, directory: Path) -> None:
    """Write the model, its record and the findings as ``model.cif``, ``model.json``, ``structure.json``."""
    directory.mkdir(parents=True, exist_ok=True)
    write_model(directory / MODEL_FILE, prepared.atoms, prepared.record)
    write_atomic(directory / RECORD_FILE, prepared.record.model_dump_json(indent=1))
    write_atomic(directory / FINDINGS_FILE, prepared.findings.model_dump_json(indent=1))


def _title(structure: Any) -> str:
    named = dict(structure.info)
    title = " ".join(str(named.get(key, "")).strip() for key in ("_entry.id", "_struct.title")).strip()
    return re.sub(r"[^A-Za-z0-9 .,;:+()/'-]", "?", title)[:120]


def _notes(structure: Any, stretch: Stretch, filled: FilledStretch) -> tuple[Note, ...]:
    notes = []
    if len(structure) > 1:
        notes.append(note("file-models", models=len(structure)))
    here = tuple(int(number) for number in stretch.broken if number in stretch)
    if here:
        notes.append(note("backbone-remade", residues=here))
    if filled.gaps and not any(donor.preferred for donor in filled.sources):
        notes.append(note("no-model-alike"))
    empty = sum(site.atom.occ == 0.0 and not site.atom.is_hydrogen() for site in structure[0].all())
    if empty and empty < structure[0].count_atom_sites():
        notes.append(note("atoms-unoccupied", atoms=empty))
    if len(stretch.chain.dropped) > 40:
        notes.append(note("not-of-target", residues=len(stretch.chain.dropped)))
    if not filled.measured:
        unknown = filled.geometry.dfg == "unassigned"
        notes.append(note("not-measurable") if unknown else note("measured-with-fill"))
    return tuple(notes)

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
from kinscope.structures.checks import ModelCheck, check_model
from kinscope.structures.entries import CrystalChain
from kinscope.structures.geometry import classify_state
from kinscope.structures.hydrogen_bonds import flip_side_chains
from kinscope.structures.io import write_model
from kinscope.structures.minimisation import DEFAULT_STAGES, Progress, minimise
from kinscope.structures.model import AtomArray, ModelRecord, ResidueOrigin, model_path, record_path
from kinscope.structures.model_words import occupant_words
from kinscope.structures.occupants import Occupant, Parametrise
from kinscope.structures.preparation import cap_ends, complete_heavy_atoms, in_template_order, missing_atoms
from kinscope.structures.protonation import add_hydrogens, choose_protonation
from kinscope.structures.reference import POCKET_KCAL_PER_MOL_ANGSTROM2, BuildSettings
from kinscope.structures.user_chain import choose_chain, kinase_domain
from kinscope.structures.user_file import UserFile, harmless, parse_user_file
from kinscope.structures.user_gaps import Donor, build_missing, donors, fill, fitting_range, without_breaks
from kinscope.structures.user_ligands import known_poses, stand_ins, surroundings, whole_drugs
from kinscope.structures.user_records import (
    USER_STATE,
    FilledGap,
    PocketLigand,
    StructureFindings,
    UserStructureOptions,
)
from kinscope.structures.user_sequence import renamed_isosteres, reverted
from kinscope.structures.user_sites import dockable
from kinscope.targets.pack import StateDefinition, TargetPack

USER_STAGES = (*DEFAULT_STAGES[:-1], DEFAULT_STAGES[-1].model_copy(update={"max_iterations": 200}))
"""As for the shipped models, but half the iterations of the last stage, which takes most of the time."""
_UNMEASURED = (
    "residues that the conformation is measured on are missing from the file; it was measured with what "
    "fills the gap",
    "the conformation cannot be measured; say with --as-state-like which shipped state it is like",
)
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
    not_docked: tuple[str, ...]
    """Why each of the others cannot."""

    def definition(self, pack: TargetPack) -> StateDefinition:
        """The state that the structure adds to the pack."""
        found = self.findings
        shape = "" if found.geometry.dfg == "unassigned" else f", DFG-{found.geometry.dfg}"
        return StateDefinition(
            id=USER_STATE,
            label=f"your structure {found.file}{shape}",
            first_residue=found.first_residue,
            last_residue=found.last_residue,
            description=f"Prepared from {found.file} (SHA-256 {found.sha256[:12]}), chain {found.chain}.",
            dynamics=True,
            dfg="" if found.geometry.dfg == "unassigned" else found.geometry.dfg,
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

    Parameters
    ----------
    file
        From :func:`kinscope.structures.user_file.read_user_file`.
    pack
        The target.
    options
        The default ones if None.

    Raises
    ------
    StructureError
        If it cannot be read, is not of the target, or lacks too much.
    BadInputError
        If the options name a state that the pack has not.
    """
    options = options or UserStructureOptions()
    if options.like:
        pack.state(options.like)
    structure = parse_user_file(file)
    actual, chain, candidates = choose_chain(structure, pack, options, file.name)
    whole, broken = without_breaks(chain.atoms)
    first, last, cut = fitting_range(whole, kinase_domain(pack), options, file.name)
    kept = whole[(whole.res_id >= first) & (whole.res_id <= last)]
    geometry = classify_state(kept, pack.landmarks)
    dfg = geometry.dfg if geometry.dfg != "unassigned" else ""
    sources = donors(pack, dfg, options.like)
    atoms, gaps = fill(in_template_order(kept), sources, file.name)
    measured = geometry.dfg != "unassigned"
    if not measured and gaps:  # a landmark is missing from the file: measured with what fills the gap
        geometry = classify_state(atoms, pack.landmarks)
    around = surroundings(structure, actual, kept, pack, len(chain.dropped))
    poses = known_poses(pack)
    held = whole_drugs(around, poses)
    drugs, not_docked = dockable(atoms, geometry.dfg, options.like, held, poses, sources, pack)
    extra, laid = stand_ins(atoms, around.ligands, drugs, poses, sources, pack)
    inside = [number for number in chain.author_numbers if first <= number <= last]
    findings = StructureFindings(
        file=file.name,
        sha256=file.sha256,
        title=_title(structure),
        resolution_angstrom=chain.resolution_angstrom,
        models=len(structure),
        chain=harmless(actual, 8),
        candidates=candidates,
        first_residue=first,
        last_residue=last,
        author_first=chain.author_numbers[min(inside)],
        author_last=chain.author_numbers[max(inside)],
        substituted=tuple(item for item in chain.differences if first <= int(item[1:-1]) <= last),
        modified=tuple(note for number, note in chain.modified.items() if first <= number <= last),
        alternates=tuple(number for number in chain.alternates if first <= number <= last),
        gaps=gaps,
        incomplete=tuple(number for number in missing_atoms(atoms)),
        cut_off=cut,
        left_out=around.left_out,
        ligands=(*around.ligands, *extra),
        geometry=geometry,
        like=options.like,
        notes=(
            *_notes(structure, chain, broken, sources, gaps, (first, last)),
            *(() if measured else (_UNMEASURED[geometry.dfg == "unassigned"],)),
        ),
    )
    return Examined(findings, atoms, (*around.occupants, *laid), drugs, not_docked)


def prepare(
    examined: Examined,
    pack: TargetPack,
    settings: BuildSettings | None = None,
    progress: Progress | None = None,
    parametrise: Parametrise | None = None,
) -> Prepared:
    """Make the model: complete side chains, protonate, relax by stages, set the sequence back.

    Parameters
    ----------
    examined
        From :func:`examine`.
    pack
        The target.
    settings
        As for the shipped models; with :data:`USER_STAGES` if None.
    progress
        Told the fraction done and what runs.
    parametrise
        Gives the file's own ligands their force field, where they are drugs that have one.

    Raises
    ------
    ComputationError
        If a computation fails.
    """
    settings = settings or BuildSettings(stages=USER_STAGES)
    say = progress or _silent
    found = examined.findings
    say(0.0, "completing the chain")
    whole, gaps = build_missing(examined.atoms, found.gaps, pack, found.file)
    found = found.model_copy(update={"gaps": gaps})
    heavy, renamed = renamed_isosteres(whole, pack.transcript.protein)
    completed = complete_heavy_atoms(heavy)
    turned_atoms, turned = flip_side_chains(completed.atoms, examined.occupants)
    say(0.05, "predicting protonation")
    protonation = choose_protonation(turned_atoms, examined.occupants, ph=settings.ph)
    hydrogenated = add_hydrogens(cap_ends(turned_atoms), protonation.variants, ph=settings.ph)
    held = _held(examined, parametrise)
    relaxed, results = minimise(
        hydrogenated,
        settings.stages,
        ligands=held,
        pocket_kcal_per_mol_angstrom2=POCKET_KCAL_PER_MOL_ANGSTROM2,
        threads=settings.threads,
        progress=lambda fraction, text: say(0.1 + 0.7 * fraction, text),
    )
    method = [
        *_method(found, completed.built, turned, renamed, held),
        *protonation.method,
        "Hydrogens by OpenMM's Modeller on the CPU platform; ends capped with ACE and NME.",
        *(result.describe(stage) for result, stage in zip(results, settings.stages, strict=True)),
    ]
    record = ModelRecord(
        target=pack.gene,
        state=USER_STATE,
        variant="native",
        first_residue=found.first_residue,
        last_residue=found.last_residue,
        origins=_origins(found, completed.built, turned, renamed),
        method=tuple(method),
        ph=settings.ph,
        protonation=protonation.recorded(turned_atoms),
    )
    say(0.8, "setting the sequence back")
    atoms, record = reverted(relaxed, record, examined.occupants, pack.transcript.protein)
    say(0.95, "checking")
    check = check_model(atoms, record, None, pack, name=found.file)
    failed = [f"{item.name}: {item.value}" for item in check.items if not item.passed]
    if failed:
        caution = "Outside the bounds that the shipped models keep: " + "; ".join(failed) + "."
        record = record.model_copy(update={"method": (*record.method, caution)})
    say(1.0, "done")
    return Prepared(atoms, record, found, check)


def write_prepared(prepared: Prepared, directory: Path) -> None:
    """Write the model, its record and the findings as ``model.cif``, ``model.json``, ``structure.json``."""
    directory.mkdir(parents=True, exist_ok=True)
    write_model(model_path(directory), prepared.atoms, prepared.record)
    write_atomic(record_path(directory), prepared.record.model_dump_json(indent=1))
    write_atomic(directory / FINDINGS_FILE, prepared.findings.model_dump_json(indent=1))


def _title(structure: Any) -> str:
    named = dict(structure.info)
    title = " ".join(str(named.get(key, "")).strip() for key in ("_entry.id", "_struct.title")).strip()
    return re.sub(r"[^A-Za-z0-9 .,;:+()/'-]", "?", title)[:120]


def _notes(
    structure: Any,
    chain: CrystalChain,
    broken: tuple[int, ...],
    sources: list[Donor],
    gaps: tuple[FilledGap, ...],
    ends: tuple[int, int],
) -> tuple[str, ...]:
    notes = []
    if len(structure) > 1:
        notes.append(f"the file holds {len(structure)} models; the first is used")
    here = [number for number in broken if ends[0] <= number <= ends[1]]
    if here:
        notes.append(
            "made anew because their backbone is broken or incomplete in the file: "
            + ", ".join(map(str, here))
        )
    if gaps and not any(donor.preferred for donor in sources):
        notes.append("no shipped model has this conformation; stretches come from others")
    empty = int(sum(1 for site in structure[0].all() if site.atom.occ == 0.0 and not site.atom.is_hydrogen()))
    if empty and empty < structure[0].count_atom_sites():
        notes.append(f"{empty} atoms of the file have no occupancy and are used as they are")
    if len(chain.dropped) > 40:
        notes.append(f"{len(chain.dropped)} residues of the chain are not of the target")
    return tuple(notes)


def _method(
    found: StructureFindings,
    built: dict[int, tuple[str, ...]],
    turned: tuple[str, ...],
    renamed: list[str],
    held: tuple[AtomArray | Occupant, ...],
) -> list[str]:
    words = [
        f"Prepared from the user's file {found.file} (SHA-256 {found.sha256[:16]}), chain {found.chain}, "
        f"residues {found.author_first} to {found.author_last} there, by alignment {found.first_residue}-"
        f"{found.last_residue} of the target."
    ]
    if found.modified:
        words.append("Modified residues: " + ", ".join(found.modified) + ".")
    if found.alternates:
        words.append(
            "Of alternate conformations the most occupied, then A: "
            + ", ".join(map(str, found.alternates))
            + "."
        )
    words += [f"Missing stretch {gap.in_words()}." for gap in found.gaps]
    words += [f"Cut off: {text}." for text in found.cut_off]
    if built:
        listed = "; ".join(f"{number}: {' '.join(names)}" for number, names in built.items())
        words.append(f"Heavy atoms the file does not show, built by PDBFixer: {listed}.")
    words += [f"{text}." for text in renamed]
    if turned:
        words.append("Side chains turned round for a hydrogen bond: " + ", ".join(turned) + ".")
    words += occupant_words(
        [_occupant(ligand) for ligand in found.ligands], held, POCKET_KCAL_PER_MOL_ANGSTROM2
    )
    words += [f"Note: {note}." for note in found.notes]
    return words


def _held(examined: Examined, parametrise: Parametrise | None) -> tuple[AtomArray | Occupant, ...]:
    """What stands in the pockets; a pose that was laid in is a guess, and stays without charges."""
    if parametrise is None:
        return examined.occupants
    return tuple(
        atoms if ligand.stand_in else parametrise(atoms) or atoms
        for ligand, atoms in zip(examined.findings.ligands, examined.occupants, strict=True)
    )


def _occupant(ligand: PocketLigand) -> str:
    return f"the reference pose of {ligand.name}" if ligand.stand_in else f"the file's {ligand.name}"


def _origins(
    found: StructureFindings,
    built: dict[int, tuple[str, ...]],
    turned: tuple[str, ...],
    renamed: list[str],
) -> tuple[ResidueOrigin, ...]:
    label = f"{found.file}:{found.chain}"
    filled = {number: gap for gap in found.gaps for number in range(gap.first_residue, gap.last_residue + 1)}
    flipped = {int(name[3:]) for name in turned}
    substituted = {int(text.split()[0][3:]): text for text in renamed}
    origins = []
    for number in range(found.first_residue, found.last_residue + 1):
        notes = []
        if number in built:
            notes.append("built atoms: " + " ".join(built[number]))
        if number in flipped:
            notes.append("side chain turned round")
        origin: str = "given"
        entry = label
        gap = filled.get(number)
        if gap is not None:
            notes.append(gap.in_words() if gap.origin == "grafted" else "")
            origin, entry = gap.origin, gap.state
        elif number in substituted:
            notes.append(substituted[number])
            origin = "substituted"
        origins.append(
            ResidueOrigin.model_validate(
                {"residue": number, "origin": origin, "entry": entry, "note": "; ".join(filter(None, notes))}
            )
        )
    return tuple(origins)


def _silent(fraction: float, text: str) -> None:
    """Report to nobody."""

"""What a target pack holds, what is sound, and what is still to do: file by file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kinscope.core.errors import KinscopeError
from kinscope.core.files import read_text
from kinscope.core.records import Record
from kinscope.docking.known.reference import reference_pose
from kinscope.evidence.knowledge import load_evidence
from kinscope.ligands.library import load_ligand
from kinscope.structures.checks.model import check_model
from kinscope.structures.reference.build import available_states, reference_model
from kinscope.structures.reference.recipes import RECIPES_FILE, StateRecipe, load_recipes
from kinscope.targets import TargetPack
from kinscope.workflow.packs.new import FILL_IN

Verdict = Literal["ok", "note", "to do", "fails"]


class PackFinding(Record):
    """One thing that was looked at."""

    part: str
    """The file or folder of the pack."""
    verdict: Verdict
    """``note``: works, with less than a complete pack; ``to do``: not filled in; ``fails``: wrong."""
    text: str


def check_target(pack: TargetPack) -> list[PackFinding]:
    """Everything `kinscope targets check` says of a pack that could be read.

    Reading it (:func:`kinscope.targets.load_target`) has already refused files that contradict each other.
    """
    parts = (_identity, _landmarks, _regions, _states, _drugs, _evidence, _to_fill_in)
    return [finding for part in parts for finding in part(pack)]


def _found(part: str, verdict: Verdict, text: str) -> PackFinding:
    return PackFinding(part=part, verdict=verdict, text=text)


def _identity(pack: TargetPack) -> Iterator[PackFinding]:
    transcript = pack.transcript
    sequence = f"{pack.gene}, {transcript.protein_accession}, {len(transcript.protein)} residues"
    yield _found("protein.fasta", "ok", sequence)
    if not transcript.cds:
        text = "none: protein changes are read, c. and g. descriptions are refused"
        yield _found("cds.fasta", "note", text)
    elif not transcript.exons:
        text = f"translates to the protein ({len(transcript.cds)} bases); no exons, so g. is refused"
        yield _found("cds.fasta", "note", text)
    else:
        text = f"translates to the protein; {len(transcript.exons)} exons on {transcript.genomic_accession}"
        yield _found("cds.fasta", "ok", text)


def _landmarks(pack: TargetPack) -> Iterator[PackFinding]:
    marks, protein = pack.landmarks, pack.transcript.protein
    if marks is None:
        yield _found("target.yaml, landmarks", "note", "none: the conformation of models is not classified")
        return
    motif = protein[marks.dfg_phenylalanine - 2 : marks.dfg_phenylalanine + 1]
    catalytic = protein[marks.hrd_aspartate - 3 : marks.hrd_aspartate]
    shown = (
        f"{protein[marks.beta3_lysine - 1]}{marks.beta3_lysine}, "
        f"{protein[marks.helix_c_glutamate - 1]}{marks.helix_c_glutamate}, "
        f"{catalytic} before {marks.hrd_aspartate + 1}, {motif} around {marks.dfg_phenylalanine}"
    )
    usual = (
        protein[marks.beta3_lysine - 1] == "K"
        and protein[marks.helix_c_glutamate - 1] == "E"
        and catalytic.endswith("D")
        and (motif[0], motif[2:]) == ("D", "G")
    )
    odd = "" if usual else ": not the residues of most kinases; are the numbers right?"
    yield _found("target.yaml, landmarks", "ok" if usual else "note", shown + odd)


def _regions(pack: TargetPack) -> Iterator[PackFinding]:
    pockets = [region.name for region in pack.drug_pockets]
    text = f"{len(pack.regions)} regions; pockets compared: {', '.join(pockets) or 'none'}"
    yield _found("regions.yaml", "ok" if pockets else "note", text)


def _states(pack: TargetPack) -> Iterator[PackFinding]:
    if not pack.states:
        yield _found("states.yaml", "note", "no states: nothing is modelled")
        return
    recipes: dict[str, StateRecipe] = {}
    try:
        if (pack.directory / RECIPES_FILE).exists():
            recipes = load_recipes(pack)
        else:
            yield _found("recipes.yaml", "note", "none: models can be used, not rebuilt")
    except KinscopeError as error:
        yield _found("recipes.yaml", "fails", error.what)
    for name in sorted(recipes.keys() - {state.id for state in pack.states}):
        yield _found("recipes.yaml", "fails", f"{name} is no state of states.yaml")
    built = available_states(pack)
    for state in pack.states:
        part = f"models/{state.id}"
        if state.id not in built:
            how = (
                "build it with `kinscope models build`" if state.id in recipes else "it has no recipe either"
            )
            yield _found(part, "to do", f"no model; {how}")
            continue
        try:
            atoms, record = reference_model(pack, state.id)
            check = check_model(atoms, record, None, pack, name=state.id)
        except KinscopeError as error:
            yield _found(part, "fails", error.what)
            continue
        verdict: Verdict = "ok" if check.passed else "fails"
        words = "passes every bound" if check.passed else "fails a bound: see `kinscope models check`"
        yield _found(part, verdict, words)


def _drugs(pack: TargetPack) -> Iterator[PackFinding]:
    if not pack.drugs:
        yield _found("drugs.yaml", "note", "no drugs: nothing is docked")
    for drug in pack.drugs:
        part = f"drugs.yaml, {drug.id}"
        try:
            load_ligand(drug)
            _, record = reference_pose(pack, drug)
        except KinscopeError as error:
            verdict: Verdict = "note" if "no reference pose" in error.what else "fails"
            yield _found(part, verdict, error.what)
            continue
        source = f"co-crystal {drug.reference_entry}"
        if drug.reference_protein:
            source += f" with {drug.reference_protein}, not with {pack.gene}"
        away = record.rmsd_to_crystal_angstrom
        measured = "not measured how far" if away is None else f"{away:.2f} angstrom"
        yield _found(part, "ok", f"pose {measured} from {source}")


def _evidence(pack: TargetPack) -> Iterator[PackFinding]:
    try:
        base = load_evidence(pack)
    except KinscopeError as error:
        yield _found("evidence", "fails", f"{error.what} ({error.where})")
        return
    said = "what was searched is said" if base.searched else "evidence/searched.yaml is missing"
    text = f"{len(base.items)} items, {len(base.options)} options of treatment; {said}"
    yield _found("evidence", "ok" if base.items else "note", text)


def _to_fill_in(pack: TargetPack) -> Iterator[PackFinding]:
    for path in sorted(pack.directory.rglob("*.yaml")):
        count = read_text(path).count(FILL_IN)
        if count:
            name = path.relative_to(pack.directory).as_posix()
            yield _found(name, "to do", f"{count} places say {FILL_IN!r}")

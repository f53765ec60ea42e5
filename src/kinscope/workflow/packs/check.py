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
    findings = [
        *_identity(pack),
        *_landmarks(pack),
        *_regions(pack),
        *_states(pack),
        *_drugs(pack),
        *_evidence(pack),
    ]
    findings += _to_fill_in(pack)
    return findings


def _identity(pack: TargetPack) -> Iterator[PackFinding]:
    transcript = pack.transcript
    yield PackFinding(
        part="protein.fasta",
        verdict="ok",
        text=f"{pack.gene}, {transcript.protein_accession}, {len(transcript.protein)} residues",
    )
    if not transcript.cds:
        text = "none: protein changes are read, c. and g. descriptions are refused"
        yield PackFinding(part="cds.fasta", verdict="note", text=text)
    elif not transcript.exons:
        text = f"translates to the protein ({len(transcript.cds)} bases); no exons, so g. is refused"
        yield PackFinding(part="cds.fasta", verdict="note", text=text)
    else:
        text = f"translates to the protein; {len(transcript.exons)} exons on {transcript.genomic_accession}"
        yield PackFinding(part="cds.fasta", verdict="ok", text=text)


def _landmarks(pack: TargetPack) -> Iterator[PackFinding]:
    marks, protein = pack.landmarks, pack.transcript.protein
    if marks is None:
        text = "none: the conformation of models is not classified"
        yield PackFinding(part="target.yaml, landmarks", verdict="note", text=text)
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
    yield PackFinding(
        part="target.yaml, landmarks",
        verdict="ok" if usual else "note",
        text=shown if usual else f"{shown}: not the residues of most kinases; are the numbers right?",
    )


def _regions(pack: TargetPack) -> Iterator[PackFinding]:
    pockets = [region.name for region in pack.drug_pockets]
    yield PackFinding(
        part="regions.yaml",
        verdict="ok" if pockets else "note",
        text=f"{len(pack.regions)} regions; pockets compared: {', '.join(pockets) or 'none'}",
    )


def _states(pack: TargetPack) -> Iterator[PackFinding]:
    if not pack.states:
        yield PackFinding(part="states.yaml", verdict="note", text="no states: nothing is modelled")
        return
    recipes: dict[str, StateRecipe] = {}
    try:
        if (pack.directory / RECIPES_FILE).exists():
            recipes = load_recipes(pack)
        else:
            text = "none: models can be used, not rebuilt"
            yield PackFinding(part="recipes.yaml", verdict="note", text=text)
    except KinscopeError as error:
        yield PackFinding(part="recipes.yaml", verdict="fails", text=error.what)
    for name in sorted(recipes.keys() - {state.id for state in pack.states}):
        yield PackFinding(part="recipes.yaml", verdict="fails", text=f"{name} is no state of states.yaml")
    built = available_states(pack)
    for state in pack.states:
        part = f"models/{state.id}"
        if state.id not in built:
            how = (
                "build it with `kinscope models build`" if state.id in recipes else "it has no recipe either"
            )
            yield PackFinding(part=part, verdict="to do", text=f"no model; {how}")
            continue
        try:
            atoms, record = reference_model(pack, state.id)
            check = check_model(atoms, record, None, pack, name=state.id)
        except KinscopeError as error:
            yield PackFinding(part=part, verdict="fails", text=error.what)
            continue
        verdict: Verdict = "ok" if check.passed else "fails"
        words = "passes every bound" if check.passed else "fails a bound: see `kinscope models check`"
        yield PackFinding(part=part, verdict=verdict, text=words)


def _drugs(pack: TargetPack) -> Iterator[PackFinding]:
    if not pack.drugs:
        yield PackFinding(part="drugs.yaml", verdict="note", text="no drugs: nothing is docked")
    for drug in pack.drugs:
        part = f"drugs.yaml, {drug.id}"
        try:
            load_ligand(drug)
            _, record = reference_pose(pack, drug)
        except KinscopeError as error:
            verdict: Verdict = "note" if "no reference pose" in error.what else "fails"
            yield PackFinding(part=part, verdict=verdict, text=error.what)
            continue
        source = f"co-crystal {drug.reference_entry}"
        if drug.reference_protein:
            source += f" with {drug.reference_protein}, not with {pack.gene}"
        text = f"pose {record.rmsd_to_crystal_angstrom:.2f} angstrom from {source}"
        yield PackFinding(part=part, verdict="ok", text=text)


def _evidence(pack: TargetPack) -> Iterator[PackFinding]:
    try:
        base = load_evidence(pack)
    except KinscopeError as error:
        yield PackFinding(part="evidence", verdict="fails", text=f"{error.what} ({error.where})")
        return
    yield PackFinding(
        part="evidence",
        verdict="ok" if base.items else "note",
        text=f"{len(base.items)} items, {len(base.options)} options of treatment; "
        + ("what was searched is said" if base.searched else "evidence/searched.yaml is missing"),
    )


def _to_fill_in(pack: TargetPack) -> Iterator[PackFinding]:
    for path in sorted(pack.directory.rglob("*.yaml")):
        count = read_text(path).count(FILL_IN)
        if count:
            name = path.relative_to(pack.directory).as_posix()
            yield PackFinding(part=name, verdict="to do", text=f"{count} places say {FILL_IN!r}")

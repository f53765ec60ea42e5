"""Lines about structures: what a file holds, how a chain measures, what a check found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kinscope.interpretation.words.say import say
from kinscope.results.measured import StateGeometry
from kinscope.results.user_structure import FilledGap, PocketLigand, StructureFindings
from kinscope.structures.checks.model import ModelCheck
from kinscope.structures.conformation.literature import LabelComparison, reasons_of
from kinscope.structures.conformation.parts import HELIX_C_IN, HYDROGEN_BOND

_MOST_LISTED = 30
_ASPECTS = {
    "dfg": "DFG-{}",
    "helix_c": "helix C {}",
    "activation_loop": "activation loop {}",
    "activity": "{}",
    "sh2_position": "SH2 {}",
    "sh3_linker": "SH3 and linker {}",
}


def findings_lines(found: StructureFindings) -> list[str]:
    """What a user's file holds and what is done with it."""
    shape = found.geometry
    lines = [
        f"{found.file}, chain {found.chain}"
        + (f": {found.title}" if found.title else "")
        + (f" ({found.resolution_angstrom:.2f} A)" if found.resolution_angstrom else ""),
        f"  residues {found.first_residue}-{found.last_residue} "
        f"({found.author_first}-{found.author_last} in the file)",
        f"  conformation: {_dfg(shape)}, helix C {_told(shape.helix_c)}, activation loop "
        f"{_told(shape.activation_loop)}" + (f"; treated like {found.like}" if found.like else ""),
    ]
    others = [
        f"{item.chain} ({item.note or f'{item.kinase_domain_percent:.0f} % of the kinase domain'})"
        for item in found.candidates
        if item.chain != found.chain
    ]
    for label, items in (
        ("other chains", others),
        ("differs from the target, set back", found.substituted),
        ("modified residues", found.modified),
        ("one of several conformations chosen", [str(number) for number in found.alternates]),
        ("missing stretches", [_gap(gap) for gap in found.gaps]),
        ("atoms missing, built", [str(number) for number in found.incomplete]),
        ("cut off", found.cut_off),
        ("pockets kept open by", [_ligand_words(ligand) for ligand in found.ligands]),
        ("left out", found.left_out),
    ):
        if items:
            lines.append(f"  {label}: {_bounded(list(items))}")
    return [*lines, *(f"  note: {say(note)}" for note in found.notes)]


def _ligand_words(ligand: PocketLigand) -> str:
    site = ligand.site.replace("_", " ")
    return f"{ligand.name} in the {site}" + (" (reference pose laid in)" if ligand.stand_in else "")


def _bounded(items: list[str]) -> str:
    shown = items[:_MOST_LISTED]
    rest = len(items) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def _missing(atoms: Iterable[str]) -> list[str]:
    """Atoms of one residue together, ``Lys271 CE NZ``; whole residues first."""
    found: dict[str, list[str]] = {}
    for text in sorted(atoms, key=lambda text: not text.startswith("residue")):
        residue, _, name = text.partition(" ")
        found.setdefault(residue, []).append(name)
    return [" ".join((residue, *names)) for residue, names in found.items()]


def _gap(gap: FilledGap) -> str:
    where = f"{gap.first_residue}-{gap.last_residue}" if gap.length > 1 else str(gap.first_residue)
    extra = say(gap.note) if gap.note else ""
    if gap.origin == "built":
        return f"{where} built ({extra})"
    joined = f"; {extra}" if extra else ""
    return f"{where} from the shipped model {gap.state}, flanks {gap.flank_rmsd_angstrom:.2f} A{joined}"


def label_line(compared: LabelComparison) -> str:
    """Whether a measurement bears a published label out."""
    label, measured = (_ASPECTS[compared.aspect].format(word) for word in (compared.label, compared.measured))
    text = f"{compared.entry}:{compared.chain} is called {label} ({compared.citation})"
    if compared.outcome == "agrees":
        return f"{text}, and measures so"
    if compared.outcome == "not measured":
        return f"{text}, which cannot be measured: the residues are not there"
    reasons = "; ".join(say(note) for note in compared.reasons)
    return f"{text}, but measures {measured}" + (f": {reasons}" if reasons else "")


def check_text(check: ModelCheck) -> str:
    """Everything that was checked of one model."""
    remarks = sum(not item.passed for item in check.items)
    said = f", {remarks} remark{'s' if remarks > 1 else ''}" if remarks else ""
    verdict = f"passes{said}" if check.passed else "FAILS"
    lines = [f"{check.name}{f' ({check.target})' if check.target else ''}: {verdict}"]
    for item in check.items:
        word = "ok  " if item.passed else "FAIL" if item.demanded else "note"
        lines.append(f"  {word} {item.name}: {item.value} (bound: {item.bound})")
    below = [
        *_conformation(check.geometry, check.literature),
        *(
            f"{crystal.entry}, {crystal.residues} residues: RMSD {crystal.backbone_rmsd_angstrom:.2f} "
            f"(backbone), {crystal.heavy_rmsd_angstrom:.2f} (heavy atoms) angstrom"
            for crystal in check.crystals
        ),
        *map(label_line, check.literature),
        *(f"overlap {overlap}" for overlap in check.overlaps),
    ]
    return "\n".join([*lines, *(f"       {line}" for line in below)])


def _conformation(shape: StateGeometry, labels: Iterable[LabelComparison]) -> list[str]:
    if _nothing_told(shape):
        head = "conformation: not classified, the kinase domain's landmarks are not there"
        return [head, *geometry_lines(shape)]
    named = [one for one in labels if one.aspect == "helix_c" and "KLIFS" in one.citation]
    klifs = ", ".join(f"{one.label} ({one.entry})" for one in named) or "no label of it is at hand"
    return [
        f"conformation: {_dfg(shape)}, activation loop {_told(shape.activation_loop)}; by "
        f"Kincore's criteria {_told(shape.activity)} ({say(reasons_of('activity', shape)[0])})",
        f"helix C: {_told(shape.helix_c)} by Kincore's rule (CB-CB of Lys and Glu "
        f"{_length(shape.helix_c_beta_distance_angstrom)}, in up to {HELIX_C_IN:.0f} angstrom); their bridge "
        f"{_told(shape.salt_bridge)} ({_length(shape.salt_bridge_271_286_angstrom)}, closed up to "
        f"{HYDROGEN_BOND:.1f}); by KLIFS, whose rule is another: {klifs}",
        *geometry_lines(shape),
    ]


def _nothing_told(shape: StateGeometry) -> bool:
    return {shape.dfg, shape.helix_c, shape.activation_loop} == {"unassigned"}


def _dfg(shape: StateGeometry) -> str:
    d1, d2 = shape.dfg_d1_angstrom, shape.dfg_d2_angstrom
    word = "DFG: cannot tell" if d1 is None or d2 is None else f"DFG-{shape.dfg}"
    return f"{word} (D1 {_length(d1)}, D2 {_length(d2)} angstrom)"


def _told(word: str) -> str:
    return "cannot tell" if word == "unassigned" else word


def _length(gap_angstrom: float | None) -> str:
    return "unknown" if gap_angstrom is None else f"{gap_angstrom:.1f}"


def geometry_lines(shape: StateGeometry) -> list[str]:
    """What the classes of a conformation rest on, and what is to be known of them; each once."""
    return list(dict.fromkeys([*_measured(shape), *map(say, shape.notes)]))


def _measured(shape: StateGeometry) -> Iterator[str]:
    """What the classes rest on, of the parts that the structure shows."""
    if shape.dfg_cluster not in ("noise", "unassigned"):
        yield f"DFG dihedrals {shape.dfg_cluster} ({shape.dfg_cluster_distance:.2f})"
    if shape.helix_c_beta_distance_angstrom is not None:
        turn = shape.helix_c_rotation_degrees
        turned = "" if turn is None else f", Glu-Lys {turn:.0f} degrees about the helix"
        yield f"helix C: CB-CB {shape.helix_c_beta_distance_angstrom:.1f} angstrom{turned}"
    loop = {
        "start": shape.loop_n_terminal_angstrom,
        "end": shape.loop_c_terminal_angstrom,
        "tyrosine to the catalytic aspartate": shape.loop_tyrosine_angstrom,
    }
    said = [f"{part} {gap:.1f}" for part, gap in loop.items() if gap is not None]
    if said:
        yield f"activation loop: {', '.join(said)} angstrom"
    if shape.spine_distances_angstrom:
        gaps = ", ".join(f"{gap:.1f}" for gap in shape.spine_distances_angstrom)
        yield f"regulatory spine {shape.spine}: gaps {gaps} angstrom"
    if shape.missing_atoms and not _nothing_told(shape):
        lacking = _bounded(_missing(shape.missing_atoms))
        yield f"missing, so that what rests on them cannot be told: {lacking}"
    if shape.p_loop_angstrom is not None:
        yield f"P-loop {shape.p_loop}: tip {shape.p_loop_angstrom:.1f} angstrom from beta 3"
    if shape.sh2_position != "not modelled":
        yield (
            f"SH2 {shape.sh2_position}: {shape.sh2_to_n_lobe_angstrom:.0f} angstrom from the N-lobe, "
            f"{shape.sh2_to_c_lobe_angstrom:.0f} from the C-lobe (centres)"
        )
    if shape.sh3_linker != "not modelled":
        yield f"SH3 and linker {shape.sh3_linker}: {shape.sh3_linker_angstrom:.1f} angstrom"

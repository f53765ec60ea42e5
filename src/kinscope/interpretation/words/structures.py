"""Lines about structures: what a file holds, how a chain measures, what a check found."""

from __future__ import annotations

from collections.abc import Iterator

from kinscope.interpretation.words.say import say
from kinscope.results.measured import StateGeometry
from kinscope.results.user_structure import FilledGap, PocketLigand, StructureFindings
from kinscope.structures.checks.model import ModelCheck
from kinscope.structures.conformation.classify import EntryGeometry
from kinscope.structures.conformation.literature import LabelComparison

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
        f"  conformation: DFG-{shape.dfg} (D1 {shape.dfg_d1_angstrom:.1f}, D2 "
        f"{shape.dfg_d2_angstrom:.1f} A), helix C {shape.helix_c}, activation loop "
        f"{shape.activation_loop}" + (f"; treated like {found.like}" if found.like else ""),
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


def _gap(gap: FilledGap) -> str:
    where = f"{gap.first_residue}-{gap.last_residue}" if gap.length > 1 else str(gap.first_residue)
    extra = say(gap.note) if gap.note else ""
    if gap.origin == "built":
        return f"{where} built ({extra})"
    joined = f"; {extra}" if extra else ""
    return f"{where} from the shipped model {gap.state}, flanks {gap.flank_rmsd_angstrom:.2f} A{joined}"


def entry_line(entry: EntryGeometry) -> str:
    """How one chain of a wwPDB entry measures."""
    shape = entry.geometry
    return (
        f"{entry.entry}:{entry.chain} {entry.first_residue}-{entry.last_residue} DFG-{shape.dfg} "
        f"(D1 {shape.dfg_d1_angstrom:.1f}, D2 {shape.dfg_d2_angstrom:.1f}, {shape.dfg_cluster}), "
        f"helix C {shape.helix_c}, bridge {shape.salt_bridge_271_286_angstrom:.1f}, "
        f"loop {shape.activation_loop}, spine {shape.spine}, P-loop {shape.p_loop}, {shape.activity}"
        + ("" if shape.sh2_position == "not modelled" else f", SH2 {shape.sh2_position}")
        + "".join(f"; {say(note)}" for note in shape.notes if note.code == "borderline")
    )


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
    lines = [f"{check.name}: {'passes' if check.passed else 'FAILS'}"]
    for item in check.items:
        lines.append(f"  {'ok  ' if item.passed else 'FAIL'} {item.name}: {item.value} (bound: {item.bound})")
    below = [
        *_conformation(check.geometry),
        *(
            f"{crystal.entry}, {crystal.residues} residues: RMSD {crystal.backbone_rmsd_angstrom:.2f} "
            f"(backbone), {crystal.heavy_rmsd_angstrom:.2f} (heavy atoms) angstrom"
            for crystal in check.crystals
        ),
        *map(label_line, check.literature),
        *(f"overlap {overlap}" for overlap in check.overlaps),
    ]
    return "\n".join([*lines, *(f"       {line}" for line in below)])


def _conformation(shape: StateGeometry) -> list[str]:
    if {shape.dfg, shape.helix_c, shape.activation_loop} == {"unassigned"}:
        head = "conformation: not classified, the kinase domain's landmarks are not there"
    else:
        head = (
            f"conformation: DFG-{shape.dfg} (D1 {shape.dfg_d1_angstrom:.1f}, D2 "
            f"{shape.dfg_d2_angstrom:.1f} angstrom), helix C {shape.helix_c}, Lys-Glu bridge "
            f"{shape.salt_bridge_271_286_angstrom:.1f} angstrom, activation loop {shape.activation_loop}, "
            f"{shape.activity} by Kincore's criteria"
        )
    return [head, *geometry_lines(shape)]


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
    if shape.p_loop_angstrom is not None:
        yield f"P-loop {shape.p_loop}: tip {shape.p_loop_angstrom:.1f} angstrom from beta 3"
    if shape.sh2_position != "not modelled":
        yield (
            f"SH2 {shape.sh2_position}: {shape.sh2_to_n_lobe_angstrom:.0f} angstrom from the N-lobe, "
            f"{shape.sh2_to_c_lobe_angstrom:.0f} from the C-lobe (centres)"
        )
    if shape.sh3_linker != "not modelled":
        yield f"SH3 and linker {shape.sh3_linker}: {shape.sh3_linker_angstrom:.1f} angstrom"

"""A target pack to fill in for another kinase: regions and landmarks by alignment with ABL1.

Kinase domains share their fold, and their motifs line up. What the alignment gives is written with its source
and is to be confirmed; what it does not give is left out, and the list of it is returned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from kinscope.core.errors import BadInputError, StructureError
from kinscope.core.files import read_text, write_atomic
from kinscope.structures.wwpdb.entries import aligned_pairs
from kinscope.targets import Region, TargetPack, load_target
from kinscope.targets.loader import AMINO_ACIDS, BASES, MAX_RESIDUES, read_fasta

_TEMPLATE = Path(str(files("kinscope.workflow.packs"))) / "template"
"""The files of a pack with places for what is found; braces that stay are doubled."""
FILL_IN = "FILL IN"
"""What marks a place that only the author of the pack can fill; `kinscope targets check` counts them."""
_GENE = re.compile(r"[A-Za-z0-9-]{1,20}")
_ACCESSION = re.compile(r"[A-Z][A-Z0-9_]{2,15}(\.\d{1,3})?(-\d{1,2})?")
_SEQUENCE_OWN = frozenset({"paper_window", "activation_loop_tyrosine", "myristate_pocket"})
"""Regions of ABL1 inside the kinase domain that other kinases need not have."""
_EXPECTED = {
    "beta3_lysine": "K",
    "helix_c_glutamate": "E",
    "dfg_phenylalanine": "FLWYM",
    "hrd_aspartate": "D",
    "ape_glutamate": "E",
    "spine_beta4": AMINO_ACIDS,
    "p_loop_glycine": "G",
}
"""Landmarks carried over, and what may stand there; a kinase with another residue needs a look."""
_NEEDED = ("beta3_lysine", "helix_c_glutamate", "dfg_phenylalanine", "hrd_aspartate")


def write_new_pack(gene: str, protein_file: Path, out: Path, *, cds_file: Path | None = None) -> list[str]:
    """Write a pack to fill in, and say in words what was found and what was not.

    The files are FASTA: the reference isoform, and the coding sequence from ATG to the stop codon, without
    which the pack reads no c. and g.

    Raises BadInputError if the gene is not a symbol, a sequence is not readable, the two sequences do not fit
    each other, or the directory holds something.
    """
    if not _GENE.fullmatch(gene):
        raise BadInputError(
            "A gene symbol is up to 20 letters, digits and hyphens.", where="gene", remedy="E.g. EGFR."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInputError(
            "The directory exists and is not empty.", where=str(out), remedy="Name a new one."
        )
    protein = read_fasta(protein_file, AMINO_ACIDS, MAX_RESIDUES)
    cds = read_fasta(cds_file, BASES, 3 * (MAX_RESIDUES + 1)) if cds_file else ""
    model = load_target("abl1")
    numbers, said = _numbers(model, protein, protein_file)
    accession = _accession(read_text(protein_file).splitlines()[0])
    landmarks = _landmarks(model, numbers, protein, said)
    first, last = _span(model, numbers, protein)
    values = {"gene": gene, "accession": accession, "landmarks": landmarks, "first": first, "last": last}
    values["regions"] = _regions(model, numbers, protein, said)
    texts = {
        path.relative_to(_TEMPLATE).as_posix(): path.read_text().format(**values)
        for path in _TEMPLATE.rglob("*.yaml")
    }
    texts["protein.fasta"] = _fasta(f"{accession} {gene}", protein)
    if cds:
        texts["cds.fasta"] = _fasta(f"{gene} coding sequence", cds)
    for name, text in texts.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(out / name, text)
    return said


def _numbers(model: TargetPack, protein: str, where: Path) -> tuple[dict[int, int], list[str]]:
    """Residue of ABL1's kinase domain to residue of the new protein, and how well they agree."""
    domain = model.region("kinase_domain")
    letters = model.transcript.protein[domain.start - 1 : domain.end]
    try:
        pairs = aligned_pairs(letters, protein, str(where))
    except StructureError as error:
        return {}, [f"No landmarks and no regions: {error.what} Write them by hand."]
    same = sum(letters[index] == protein[number - 1] for index, number in pairs)
    said = [
        f"Kinase domain found at residues {pairs[0][1]}-{pairs[-1][1]}: {same} of {len(pairs)} aligned "
        "residues are those of ABL1."
    ]
    return {index + domain.start: number for index, number in pairs}, said


def _landmarks(model: TargetPack, numbers: Mapping[int, int], protein: str, said: list[str]) -> str:
    known = model.landmarks.model_dump() if model.landmarks else {}
    lines, lacking = [], []
    for name, allowed in _EXPECTED.items():
        number = numbers.get(known.get(name) or 0)
        if number and protein[number - 1] in allowed:
            lines.append(f"  {name}: {number}  # {protein[number - 1]}{number}")
        else:
            lacking.append(name)
    if lacking:
        said.append("Landmarks not found: " + ", ".join(lacking) + ".")
    if set(lacking) & set(_NEEDED):
        return (
            "# landmarks: not all were found by alignment; without them the conformation is not classified\n"
        )
    return "landmarks:\n" + "\n".join(lines) + "\n"


def _regions(model: TargetPack, numbers: Mapping[int, int], protein: str, said: list[str]) -> str:
    domain = model.region("kinase_domain")
    lines, lacking = [], []
    for region in model.regions:
        inside = domain.start <= region.start and region.end <= domain.end
        if not inside or region.name in _SEQUENCE_OWN:
            continue
        text = _region(region, numbers)
        if text:
            lines.append(text)
        else:
            lacking.append(region.name)
    if lacking:
        said.append("Regions of ABL1 that the alignment does not carry over: " + ", ".join(lacking) + ".")
    if not lines:
        lines.append(
            f"- {{name: whole, label: whole protein, kind: domain, start: 1, end: {len(protein)}, "
            f'source: "{FILL_IN}: the domains, with their source"}}'
        )
    return "\n".join(lines)


def _region(region: Region, numbers: Mapping[int, int]) -> str:
    """One region carried over; empty if an end of it (or most of a pocket) has no partner."""
    label = json.dumps(re.sub(r" \([A-Z][a-z]{2}\d+\)", "", region.label))
    if region.residues:
        members = [numbers[number] for number in region.residues if number in numbers]
        if 4 * len(members) < 3 * len(region.residues):
            return ""
        place = f"residues: [{', '.join(map(str, members))}]"
        was = f"{len(members)} of its {len(region.residues)} residues"
    elif region.start in numbers and region.end in numbers:
        place = f"start: {numbers[region.start]}, end: {numbers[region.end]}"
        was = f"residues {region.start}-{region.end}"
    else:
        return ""
    return (
        f"- {{name: {region.name}, label: {label}, kind: {region.kind}, {place},\n"
        f'   source: "By alignment with {was} of ABL1; {FILL_IN}: confirmed by"}}'
    )


def _span(model: TargetPack, numbers: Mapping[int, int], protein: str) -> tuple[int, int]:
    """The kinase domain and its flanks as the abl1 pack models them."""
    if not numbers:
        return 1, len(protein)
    domain, state = model.region("kinase_domain"), model.state("kinase-dfg-in")
    before, after = domain.start - state.first_residue, state.last_residue - domain.end
    return max(1, min(numbers.values()) - before), min(len(protein), max(numbers.values()) + after)


def _accession(header: str) -> str:
    """The accession in a FASTA header of RefSeq (``>NP_005219.2``) or UniProt (``>sp|P00533|EGFR_HUMAN``)."""
    for word in re.split(r"[|\s]+", header.lstrip("> ")):
        if _ACCESSION.fullmatch(word) and any(letter.isdigit() for letter in word):
            return word
    return "protein"


def _fasta(header: str, sequence: str) -> str:
    rows = [sequence[index : index + 60] for index in range(0, len(sequence), 60)]
    return "\n".join([f">{header}", *rows, ""])

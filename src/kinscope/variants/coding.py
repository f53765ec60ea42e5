"""Between bases and residues, on the transcript of a target pack."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinscope.core.errors import UnsupportedVariantError, VariantError
from kinscope.core.residues import CODONS, ONE_TO_THREE, reverse_complement
from kinscope.targets import TargetPack, Transcript
from kinscope.targets.pack import Isoform
from kinscope.variants.hgvs import BaseChange, initiator_error, stop_error, synonymous_error
from kinscope.variants.model import CodingChange
from kinscope.variants.text import unreadable, unsupported


def to_reference_bases(change: BaseChange, frame: Isoform, pack: TargetPack) -> BaseChange:
    """A coding change of an isoform in the numbers of the reference transcript.

    Raises VariantError if the position is past the stop codon, or the text names a base that is not there;
    UnsupportedVariantError if the base lies in the part that the isoforms do not share, or the pack holds no
    coding sequence.
    """
    text = f"c.{change.label}"
    if not pack.transcript.cds or not frame.transcript_accession:
        raise no_bases(text, "coding sequence", pack)
    shift = 3 * frame.offset
    length = len(pack.transcript.cds)
    if change.first < 1 or change.last - shift > length:
        raise unreadable(
            text,
            f"is outside the coding sequence of {frame.transcript_accession}, c.1 to c.{length + shift}.",
            "Check the position and the transcript.",
        )
    if change.first - shift < frame.first_base:
        raise unsupported(
            text,
            f"lies in the first exon of isoform {frame.name}, which {pack.reference_isoform} does not have.",
            f"kinscope knows {frame.transcript_accession} from c.{frame.first_base + shift} on.",
        )
    found = BaseChange(change.first - shift, change.last - shift, change.deleted, change.inserted)
    _check_bases(found, f"{frame.transcript_accession}:{text}", pack)
    return found


def no_bases(text: str, lacking: str, pack: TargetPack) -> UnsupportedVariantError:
    """The error for a description that needs what the pack does not hold."""
    what = f"cannot be read: the target pack of {pack.gene} holds no {lacking}."
    return unsupported(text, what, "Give the protein change, such as p.Lys404Glu.")


def _check_bases(change: BaseChange, label: str, pack: TargetPack) -> None:
    """Refuse a change, in the numbers of the reference, that names other bases than are there."""
    there = pack.transcript.cds[change.first - 1 : change.last]
    if not change.deleted or change.deleted == there:
        return
    remedy = "Check the position, the bases and which sequence it is numbered on."
    if label.startswith(pack.transcript.accession):
        remedy += _other_isoform_fits(change, pack)
    told = change.deleted
    if ":g." in label and pack.transcript.strand == "-":
        there, told = map(reverse_complement, (there, told))
    raise VariantError(f"{label} has {there}, not {told}.", where=label, remedy=remedy)


def _other_isoform_fits(change: BaseChange, pack: TargetPack) -> str:
    """A hint where the bases fit the same number on the transcript of another isoform."""
    for isoform in pack.isoforms:
        first, last = (base - 3 * isoform.offset for base in (change.first, change.last))
        if first > 0 and pack.transcript.cds[first - 1 : last] == change.deleted:
            other = isoform.transcript_accession
            return f" (c.{change.label} of {other} is c.{first} here and has that base.)"
    return ""


def from_genomic(change: BaseChange, sequence: str, pack: TargetPack) -> BaseChange:
    """A genomic change on the pack's chromosome, or on a sequence of its ``shifts``, as a coding one.

    Raises VariantError if the text names a base that is not there; UnsupportedVariantError if a base of it is
    not coding, or the pack does not hold where the exons are.
    """
    transcript = pack.transcript
    if not transcript.genomic_positions:
        raise no_bases(f"g.{change.label}", "position of the exons in the genome", pack)
    index = {position: number for number, position in enumerate(transcript.genomic_positions, start=1)}
    shift = change.first - lifted(change.first, sequence, pack)
    bases = [index.get(position - shift, 0) for position in range(change.first, change.last + 1)]
    if 0 in bases or sorted(bases) != list(range(min(bases), max(bases) + 1)):
        first, last = (limit(transcript.genomic_positions) + shift for limit in (min, max))
        inside = first <= change.first and change.last <= last
        place = f"in an intron of {pack.gene}" if inside else f"outside the coding part of {pack.gene}"
        raise unsupported(
            f"{sequence}:g.{change.label}",
            f"lies {place}.",
            f"The coding part is between g.{first} and g.{last} there. Check the assembly.",
        )
    deleted, inserted = change.deleted, change.inserted
    if transcript.strand == "-":
        deleted, inserted = map(reverse_complement, (deleted, inserted))
    found = BaseChange(min(bases), max(bases), deleted, inserted)
    _check_bases(found, f"{sequence}:g.{change.label}", pack)
    return found


_BUILDS = {
    "GRCh38": r"grch38|hg38|hs38|assembly38|(?<![a-z0-9])b38|length=(?:248956422|138394717|64444167)\b"
    r"|gcf_000001405\.(?:2[6-9]|[34])|gca_000001405\.(?:1[5-9]|2)",
    "GRCh37": r"grch37|hg19|hs37|assembly19|(?<![a-z0-9])b37|g1k_v37"
    r"|length=(?:249250621|141213431|63025520)\b|gcf_000001405\.(?:1[3-9]|2[0-5])|gca_000001405\.(?:[1-9]|1[0-4])(?!\d)",
    "NCBI36": r"hg18|ncbi36|(?<![a-z0-9])b36|length=(?:247249719|140273252|62435964)\b",
    "T2T-CHM13": r"chm13|t2t|(?<![a-z0-9])hs1(?![a-z0-9])|length=(?:248387328|150617247|66210255)\b",
}
"""Names of builds in headers, and the lengths of chromosomes 1, 9 and 20 in them."""


def builds_named(text: str) -> list[str]:
    """The builds that a text names in any spelling (``hg19``, ``hs37d5.fa``, ``GRCh37.p13``)."""
    return [build for build, pattern in _BUILDS.items() if re.search(pattern, text.lower())]


def chromosome_in(assembly: str, pack: TargetPack) -> str:
    """The accession of the target's chromosome in an assembly of any spelling; other texts as they are."""
    transcript = pack.transcript
    known = {name: accession for accession, name in transcript.other_assemblies.items()}
    known[transcript.assembly] = transcript.genomic_accession
    return known.get("".join(builds_named(assembly)[:1]), assembly)


def lifted(position: int, sequence: str, pack: TargetPack) -> int:
    """A position (from 1) on another genomic sequence as one on the pack's own, right for every coding base.

    The sequence is an accession or the name of an assembly.

    Raises UnsupportedVariantError if the pack does not hold how that sequence lies.
    """
    transcript = pack.transcript
    accession = chromosome_in(sequence, pack)
    if accession == transcript.genomic_accession:
        return position
    if accession not in transcript.shifts:
        raise unsupported(
            transcript.other_assemblies.get(accession, sequence),
            "coordinates are not converted.",
            f"Give {transcript.genomic_accession}:g. ({transcript.assembly}) or the c. description.",
        )
    return position - transcript.shifts[accession]


def apply(changes: Sequence[BaseChange], pack: TargetPack) -> dict[int, str]:
    """Codons after all of the changes in cis: residue number to new codon.

    Raises VariantError if one base is changed twice.
    """
    cds = list(pack.transcript.cds)
    touched: set[int] = set()
    for change in changes:
        bases = set(range(change.first, change.last + 1))
        if touched & bases:
            raise unreadable(f"c.{min(touched & bases)}", "is changed twice.", "Name every change once.")
        touched |= bases
        cds[change.first - 1 : change.last] = change.inserted
    numbers = sorted({(base - 1) // 3 + 1 for base in touched})
    return {number: "".join(cds[3 * number - 3 : 3 * number]) for number in numbers}


def changed_residues(codons: dict[int, str], pack: TargetPack, text: str) -> dict[int, str]:
    """Residue number to new residue, for the codons whose residue differs.

    Raises UnsupportedVariantError if none differs, or the initiator or a stop codon is concerned.
    """
    protein = pack.transcript.protein + "*"
    after = {number: CODONS[codon] for number, codon in codons.items()}
    changed = {number: residue for number, residue in after.items() if residue != protein[number - 1]}
    if not changed:
        number = min(codons)
        name = ONE_TO_THREE.get(protein[number - 1], "Ter")
        raise synonymous_error(f"{text} (p.{name}{number}=)")
    if 1 in changed:
        raise initiator_error(text)
    if "*" in changed.values() or len(protein) in changed:
        raise stop_error(text)
    return changed


def coding_changes(number: int, mutant: str, given: str, pack: TargetPack) -> tuple[CodingChange, ...]:
    """Every single-base change that makes a substitution of a residue of the reference isoform.

    ``given`` is the codon that the user's text makes, empty if it names no bases; it comes first if it takes
    more bases. None if the pack holds no coding sequence.
    """
    wild = pack.transcript.cds[3 * number - 3 : 3 * number]
    if not wild:
        return ()
    single = (wild[:at] + base + wild[at + 1 :] for at in range(3) for base in "ACGT" if base != wild[at])
    codons = [codon for codon in single if CODONS[codon] == mutant]
    if given and given not in codons:
        codons.insert(0, given)
    return tuple(_coding_change(number, wild, codon, codon == given, pack.transcript) for codon in codons)


def _coding_change(number: int, wild: str, codon: str, given: bool, transcript: Transcript) -> CodingChange:
    differing = [index for index in range(3) if wild[index] != codon[index]]
    first, last = 3 * number - 2 + differing[0], 3 * number - 2 + differing[-1]
    before, after = (sequence[differing[0] : differing[-1] + 1] for sequence in (wild, codon))
    return CodingChange(
        hgvs_c=f"{transcript.accession}:c.{_change(first, last, before, after)}",
        codon_reference=wild,
        codon_variant=codon,
        hgvs_g=_genomic(first, last, before, after, transcript),
        given=given,
    )


def _change(first: int, last: int, before: str, after: str) -> str:
    if first == last:
        return f"{first}{before}>{after}"
    return f"{first}_{last}delins{after}"


def _genomic(first: int, last: int, before: str, after: str, transcript: Transcript) -> str:
    """The change on the chromosome; two parts in cis where an intron lies between the bases.

    Empty where the pack does not say where the exons are.
    """
    positions = list(transcript.genomic_positions[first - 1 : last])
    if not positions:
        return ""
    if transcript.strand == "-":
        positions.reverse()
        before, after = map(reverse_complement, (before, after))
    if positions[-1] - positions[0] == len(positions) - 1:
        text = _change(positions[0], positions[-1], before, after)
    else:
        parts = [
            _change(position, position, old, new)
            for position, old, new in zip(positions, before, after, strict=True)
            if old != new
        ]
        text = f"[{';'.join(parts)}]" if len(parts) > 1 else parts[0]
    return f"{transcript.genomic_accession}:g.{text}"

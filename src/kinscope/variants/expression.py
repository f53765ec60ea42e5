"""From the many ways of writing a variant to statements ``isoform, coordinate, body``.

Only what stands around HGVS is taken apart here: gene names, isoform labels, accessions, short forms,
pairs of a coding and a protein description, and compounds joined by a slash or plus. HGVS itself is
read by :mod:`kinscope.variants.hgvs`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby

from kinscope.core.errors import UnsupportedVariantError, VariantError
from kinscope.core.quoting import quoted
from kinscope.core.residues import THREE_TO_ONE
from kinscope.targets import TargetPack
from kinscope.targets.pack import Isoform
from kinscope.variants.coding import chromosome_in, lifted, no_bases
from kinscope.variants.isoforms import Statement, isoforms, other_target, reference_isoform, resolve_accession
from kinscope.variants.text import unreadable, unsupported

_BARE = re.compile(r"[(\[]*[ACGT]\d+[ACGT][)\]]*")
_HEADS = r"(?:[\w.]+(?:\([^()]*\))?:)*"
"""What may stand before ``c.`` or ``p.`` without a blank: ``ABL1:NM_005157.6(ABL1):``."""
_PAIR = re.compile(
    rf"(?:\s-\s|[\s,;]*[\s(,;])\s*(?=\(?(?:{_HEADS}[cgpCGP]\.\S|[Cc]hr\d))"
    r"|(?<![.\[])\s*\((?=[A-Za-z]{1,3}\d+[A-Za-z]{1,3}\)$)"
)
_CHROMOSOME = re.compile(
    r"(?:(?P<build>(?![cgp]\.)[A-Za-z][\w./-]*)[\s:]+)?(?:chr(?:omosome)?\s?)?(?P<name>\d{1,2}|[XY])"
    r"(?:\s?\((?P<inner>[\w./-]+)\))?[\s:_-]+(?P<hgvs>g\.\s*)?(?=(?P<first>\d[\d,]{4,11}))",
    re.IGNORECASE,
)
_ALLELES = re.compile(
    r"[\d,]+[\s:_-]*(?P<old>[ACGT]+)(?:[\s:>_-]+|(?<=_[ACGT])/)(?P<new>[ACGT]+)(?=$|[\s,;()])", re.IGNORECASE
)
_SPDI = re.compile(r"(N[CGMP]_\d+\.\d+):(\d+):(?P<old>\d+|[A-Z]*):(?P<new>[A-Z]*)(?=$|[\s,;()])")
_COMPOUND = re.compile(
    r"\s*(?:[/&]|\band\b)\s*(?=[A-Za-z(\[]|\d+[_ACGTacgt])|\s*\+\s*(?=[A-Za-z(\[])|;\s*(?=[A-Za-z])"
)
_ACCESSION = re.compile(
    r"((?:[NXA][MPCGRT]_|ENS[TPG]|LRG_|chr)[\w.]+|[OPQ]\d[A-Z0-9]{3}\d(?:-\d+)?)(?:\(([^()]*)\))?"
    r"(?:\s*:\s*|\s+(?=\S))",
    re.IGNORECASE,
)
_FUSION = re.compile(r"([eb]\d{1,2}a\d)(?:\s*[:_-]\s*|\s+)(?=\S)", re.IGNORECASE)
_GENE = re.compile(
    r"((?![A-Za-z]{1,3}\d+[A-Za-z]{1,3}[/\s])[A-Za-z][A-Za-z0-9-]{1,14}(?:(?:::|/)[A-Za-z][A-Za-z0-9-]{1,14})?)"
    r"(?:\s*:\s*|\s+)(?=\S)"
)
_THREE = re.compile("|".join([*THREE_TO_ONE, "Ter", "Xaa", "Sec"]), re.IGNORECASE)
_EXAMPLES = "Examples: K404E, p.Lys404Glu, c.1210A>G, NM_005157.6:c.1210A>G, p.[Glu255Lys;Thr315Ile]."


def read_statements(text: str, pack: TargetPack) -> tuple[tuple[Statement, ...], ...]:
    """The alternatives of a cleaned text (its coding and its protein description), each in cis.

    Raises VariantError, UnsupportedVariantError if it names another gene or sequence, or more than one
    allele.
    """
    if text.rstrip(" :").upper() in _gene_names(pack):
        raise unreadable(text, "names the gene and no variant.", _EXAMPLES)
    if re.search(r"\b(?:rs|COS[MV]|[VR]CV|CA|EID)\d+(?:\.\d+)?\b", text, re.IGNORECASE):
        raise unreadable(text, "holds an identifier of a database, which kinscope does not ask.", _EXAMPLES)
    if any(text.count(one) != text.count(other) for one, other in ("()", "[]")):
        raise unreadable(text, "has brackets that do not balance.", "Close every bracket that is opened.")
    refuse_other_alleles(text)
    plain = _label_first(re.sub(r"\s+(?:mutation|mutant|variant|substitution)$", "", text), pack)
    head, rest = _read_head(Statement(reference_isoform(pack)), plain, pack)
    pieces = _split_pair(rest)
    if not pieces:
        raise unreadable(text, "names no change.", _EXAMPLES)
    alternatives = []
    for piece in pieces:
        alternatives.append(_read_compound(head, piece, pack))
        head = Statement(alternatives[-1][-1].frame)
    return tuple(alternatives)


def _isoform_label(pack: TargetPack) -> str:
    """A regular expression for the name of an isoform: ``1b``, ``isoform 1b``, ``ABL1b``."""
    before = "|".join(map(re.escape, ("isoform", *_gene_names(pack))))
    return f"(?:(?:{before})[ _-]?)?({'|'.join(re.escape(one.name) for one in isoforms(pack))})"


def _label_first(text: str, pack: TargetPack) -> str:
    """``K423E (1b)`` and ``K423E (ABL1b)`` as ``1b:K423E``."""
    found = re.search(rf"\s*\({_isoform_label(pack)}\)", text, re.IGNORECASE)
    return text if found is None else f"{found[1]}:{text[: found.start()]}{text[found.end() :]}"


def refuse_other_alleles(text: str) -> None:
    """Refuse what names two alleles, an unknown phase, or a share of cells: they are no single protein."""
    trans = "are in trans, on two alleles: two proteins, thus two variants"
    for pattern, what in (
        (r"\]\s*;\s*\[\s*\(?(?:=|\d+=|[A-Za-z]+\d+=|0|\?)", "names a second, unchanged or unknown allele"),
        (r"\]\s*;\s*\[", trans),
        (r"\(;\)", "leaves the phase unknown: in cis or in trans"),
        (r"=\s*/|/\s*/|/\s*=", "describes a mosaic or chimaeric sample"),
        (r"\b(?:het|hom|hemi)(?:ero|o)?(?:zygous|zygote)?\b|\bmosaic\b|\b\d+ ?%", "states a zygosity"),
        (r"^[^/]*\d+ ?[ACGTacgt]/[ACGTacgt]$", "is a genotype of two alleles"),
        (r"^[^/]*[A-Za-z]\d+[A-Za-z]{1,3}/(?:[A-Za-z]|[A-Z][a-z]{2})$", "is a genotype of two alleles"),
    ):
        if re.search(pattern, text, re.IGNORECASE if "zygous" in pattern else 0):
            raise unsupported(
                text,
                f"{what if what != trans else 'holds changes that ' + trans}.",
                "Give the change of one protein: assess the variants one by one, "
                "or as p.[Glu255Lys;Thr315Ile] if they are on one molecule.",
            )


def _split_pair(text: str) -> list[str]:
    """The descriptions of one variant that a text holds, mostly of its bases and of its residues."""
    text = re.sub(r"([cgp]\.\(?[^\s:/,;(]+):(?=[cgp]\.)", r"\1 ", re.sub(r"\s*/\s*", "/", text))
    pieces = [
        "/".join(group)
        for part in _PAIR.split(text)
        for _, group in groupby(re.split(rf"/(?={_HEADS}[cgp]\.)", part), key=_coordinate_in)
    ]
    balanced = []
    for piece in pieces:
        piece = piece.strip(" ,;")
        while piece.endswith(")") and piece.count(")") > piece.count("("):
            piece = piece[:-1].rstrip()
        while piece.startswith("(") and piece.count("(") > piece.count(")"):
            piece = piece[1:].lstrip()
        balanced.append(piece)
    return [piece for piece in balanced if piece]


def _coordinate_in(text: str) -> str:
    found = re.search(r"(?<![A-Za-z])[cgp](?=\.)", text)
    return found[0] if found else "p"


def _read_compound(context: Statement, text: str, pack: TargetPack) -> tuple[Statement, ...]:
    inner = re.fullmatch(r"\[([A-Za-z][^][]*)\]", text)
    parts = [text] if "[" in text and not inner else _COMPOUND.split(inner[1] if inner else text)
    if "," in text or re.search(r"\d[A-Za-z]{1,3}\)? \(?[A-Za-z]{1,3}\d", text):
        raise unreadable(
            text,
            "lists variants with a comma or a blank.",
            "Join changes of one molecule with a slash, E255K/T315I; assess others one by one.",
        )
    statements: list[Statement] = []
    for part in parts:
        head, body = _read_head(context, part, pack)
        statements.append(_read_body(head, body, part or text))
        told = "" if re.match(r"[A-Za-z]\s*\.", body) is None else statements[-1].coordinate
        context = replace(head, coordinate=told or head.coordinate, notes=())
    return tuple(statements)


def _read_head(context: Statement, text: str, pack: TargetPack) -> tuple[Statement, str]:
    """Take gene, isoform label, accession and coordinate letter off the front of a text."""
    found, rest = context, text.strip()
    while True:
        before = rest
        found, rest = _as_hgvs(found, rest, pack)
        found, rest = _take_isoform(found, rest, pack)
        found, rest = _take_accession(found, rest, pack)
        found, rest = _take_exon(found, rest)
        rest = _take_gene(rest, pack)
        if rest == before:
            return found, rest


def _as_hgvs(found: Statement, text: str, pack: TargetPack) -> tuple[Statement, str]:
    """``chr9-130872896-C-T``, ``hg38 chr9:130872896C>T`` and SPDI at the front of a text, in HGVS.

    SPDI: Holmes JB et al. 2020, Bioinformatics 36:1902, doi 10.1093/bioinformatics/btz856; it counts from 0.
    """
    if change := _SPDI.match(text):
        if change[1].startswith("NM_"):
            what = "counts from the first base of a transcript, of which kinscope holds the coding part only."
            raise unsupported(text, what, "Give the c. description.")
        return found, change[1] + _replaced(int(change[2]) + 1, change) + text[change.end() :]
    place = _CHROMOSOME.match(text)
    change = place and _ALLELES.match(text, place.end())
    if not place or not (change or place["hgvs"]) or (place["build"] or "").upper() in _gene_names(pack):
        return found, text
    first = int(place["first"].replace(",", ""))
    name, notes = _chromosome(place["name"], place["build"] or place["inner"] or "", first, pack)
    change_text = _replaced(first, change) + text[change.end() :] if change else f":g.{text[place.end() :]}"
    return replace(found, notes=(*found.notes, *notes)), name + change_text


def _replaced(first: int, change: re.Match[str]) -> str:
    """HGVS, with its colon, of old letters (or their number) replaced by new ones."""
    old, new = change["old"].upper(), change["new"].upper()
    length, old = (int(old), "") if old.isdecimal() else (len(old), old)
    last = first + length - 1
    if change[1].startswith("NP_"):
        return f":p.{old[:1]}{first}_{old[-1:]}{last}delins{new}"
    if not length:
        return f":g.{last}_{first}ins{new}"
    place = first if first == last else f"{first}_{last}"
    return f":g.{place}del{old}ins{new}" if new else f":g.{place}del"


def _chromosome(name: str, build: str, position: int, pack: TargetPack) -> tuple[str, tuple[str, ...]]:
    """The accession of a chromosome; a note where no assembly is named and the position has to tell it."""
    transcript = pack.transcript
    place = f"{transcript.chromosome}:{position}"
    if name.upper() != transcript.chromosome.removeprefix("chr"):
        raise unsupported(f"Chromosome {name}", f"does not hold the target {pack.gene}.", "Check the gene.")
    if not transcript.genomic_positions:
        raise no_bases(place, "position of the exons in the genome", pack)
    if build:
        lifted(position, build, pack)
        return chromosome_in(build, pack), ()
    for assembly in (transcript.assembly, *transcript.other_assemblies.values()):
        accession = chromosome_in(assembly, pack)
        held = accession in {transcript.genomic_accession, *transcript.shifts}
        if held and lifted(position, accession, pack) in transcript.genomic_positions:
            note = f"No assembly is named; {position} is coding in {pack.gene} on {assembly} only."
            return accession, (note,)
    raise unsupported(
        place,
        f"is coding in {pack.gene} on no assembly that kinscope knows.",
        f"Name the assembly, e.g. {transcript.genomic_accession}:g. for {transcript.assembly}.",
    )


def _take_isoform(found: Statement, rest: str, pack: TargetPack) -> tuple[Statement, str]:
    match = re.match(rf"{_isoform_label(pack)}\s*(?::|\s)\s*(?=\S)", rest, re.IGNORECASE)
    if match is None:
        return found, rest
    frame = next(one for one in isoforms(pack) if one.name.lower() == match[1].lower())
    _refuse_two_isoforms(found, frame, rest)
    return replace(found, frame=frame, labelled=True), rest[match.end() :]


def _refuse_two_isoforms(found: Statement, frame: Isoform, rest: str) -> None:
    if found.labelled and frame != found.frame:
        what = f"is of isoform {found.frame.name} and isoform {frame.name} at once."
        raise unreadable(rest, what, "Name one isoform.")


def _take_accession(found: Statement, rest: str, pack: TargetPack) -> tuple[Statement, str]:
    match = _ACCESSION.match(rest)
    if match is None:
        return found, rest
    accession, selector = match[1], (match[2] or "").strip()
    reference = resolve_accession(accession, pack)
    if selector and _ACCESSION.match(selector + ":"):
        reference = resolve_accession(selector, pack)
    elif selector and re.sub(r"_[vi]\d+$", "", selector).upper() not in _gene_names(pack):
        raise _other_gene(selector, pack)
    if reference.coordinate != "g":
        _refuse_two_isoforms(found, reference.frame, rest)
    notes = (*found.notes, *reference.notes)
    return replace(reference, labelled=True, notes=notes), rest[match.end() :]


def _take_exon(found: Statement, rest: str) -> tuple[Statement, str]:
    match = re.match(r"(?:exon|ex)[ _.]?(\d+)\s*(?::|\s)\s*(?=\S)", rest, re.IGNORECASE)
    if match is None:
        return found, rest
    note = f"The exon number {match[1]} was not checked: exons are numbered in several ways."
    return replace(found, notes=(*found.notes, note)), rest[match.end() :]


def _take_gene(rest: str, pack: TargetPack) -> str:
    if (fusion := _FUSION.match(rest)) and fusion[1].upper() not in _gene_names(pack):
        what = "is a fusion transcript, which no name of a variant holds."
        remedy = f"Leave it out; assess and evidence take it as --transcript {fusion[1]}."
        raise unsupported(fusion[1], what, remedy)
    for name in sorted(_gene_names(pack), key=len, reverse=True):
        match = re.match(rf"{re.escape(name)}(?:\s*[:_-]\s*|\s+|(?=\())", rest, re.IGNORECASE)
        if match and rest[match.end() :]:
            inner = re.match(r"\(([^()]+)\)\s*:", rest[match.end() :])
            return rest[match.end() :] if inner is None else f"{inner[1]}:{rest[match.end() + inner.end() :]}"
    match = _GENE.match(rest)
    if match and re.match(r"[cgpnmr]\.|\(?[A-Za-z]{1,3}\d+|[A-Za-z]+_\d", rest[match.end() :]):
        raise _other_gene(match[1], pack)
    return rest


def _gene_names(pack: TargetPack) -> set[str]:
    return {pack.gene.upper(), *(alias.upper() for alias in pack.aliases)}


def _other_gene(name: str, pack: TargetPack) -> UnsupportedVariantError:
    return unsupported(
        name,
        f"is another gene: the target is {pack.gene}.",
        other_target(name, pack) or "The same letters in another gene are another variant.",
    )


def _read_body(head: Statement, text: str, whole: str) -> Statement:
    """The coordinate letter and the body in HGVS case."""
    match = re.match(r"([A-Za-z])\s*\.\s*", text)
    letter = match[1].lower() if match else ""
    body = text[match.end() :] if match else text
    short_form = re.match(r"\(?[A-Za-z]{1,3}\d+|\[?\(?[A-Za-z]{1,3}\d+[A-Za-z*=]", body) is not None
    coordinate = letter or head.coordinate or ("p" if short_form else "")
    if not coordinate or coordinate not in "cgp" or (coordinate == "p" and not letter and not short_form):
        raise _unreadable(text, whole, letter)
    if not letter and head.coordinate in {"c", "g"} and short_form:
        raise unreadable(
            whole,
            "stands after the accession of a nucleotide sequence without c. or p.",
            f"Write {head.frame.protein_accession}:p.{quoted(text, 30)} for a residue, c. for bases.",
        )
    if letter and head.coordinate and letter != head.coordinate:
        raise unreadable(whole, f"does not fit what stands before it ({head.coordinate}.).", _EXAMPLES)
    if coordinate == "p" and re.search(r"(?<![A-Za-z])[A-Z]\d+l(?![A-Za-z])", body):
        raise unreadable(whole, "ends in a small l among capitals: I or L?", "Write Ile or Leu in full.")
    if coordinate == "g" and not head.sequence:
        raise unreadable(whole, "names no chromosome or assembly.", "Write e.g. GRCh38 chr9:130874992A>G.")
    cased = (_residue_case(body) if coordinate == "p" else _base_case(body)).replace(" ", "")
    bare = not letter and not head.coordinate and _BARE.fullmatch(cased) is not None
    return replace(head, coordinate=coordinate, body=cased, bare=bare)


def _unreadable(text: str, whole: str, letter: str) -> VariantError:
    if letter in {"n", "m", "r", "o"}:
        what = f"is an {letter}. description; kinscope reads c., g. and p."
    elif re.match(r"\d+[ACGTacgt]|\d+_", text):
        what = f"does not say what it counts; coding bases are written c.{quoted(text, 30)}."
    else:
        what = "is not a variant expression."
    return unreadable(whole, what, _EXAMPLES)


def as_bases(statement: Statement) -> Statement:
    """A bare statement read as bases, ``932T>C``."""
    return replace(statement, coordinate="c", body=_base_case(statement.body.strip("()[]")))


def _residue_case(body: str) -> str:
    """``lys404glu`` to ``Lys404Glu``, ``k404e`` to ``K404E``; words such as ``del`` stay."""
    body = re.sub(r"^(\(?[A-Za-z]{1,3}\d+)-?>(?=[A-Za-z]{1,3}\)?$)", r"\1", body)  # K404>E
    one_letter = re.search(r"(?i:delins)([A-Z*]+|[a-z*]+)(?![A-Za-z])", body)
    if one_letter and re.match(r"[(\[;]*[A-Za-z]\d", body):  # E255_I257delinsSER is no serine
        rest = _residue_case(body[one_letter.end() :])
        return f"{_residue_case(body[: one_letter.start()])}delins{one_letter[1].upper()}{rest}"
    single = re.sub(
        r"(?<![A-Za-z])[a-z](?=\d)|(?<=\d)[a-z](?![A-Za-z])", lambda found: found[0].upper(), body
    )
    return _THREE.sub(lambda found: found[0].capitalize(), single)


def _base_case(body: str) -> str:
    """Bases in upper case, words such as ``delins`` in lower case, ``A1210G`` as ``1210A>G``."""
    body = re.sub(r"^([ACGTacgt])(\d+)>?([ACGTacgt])$", r"\2\1>\3", body.replace("->", ">"))
    return re.sub(
        r"(?i)(delins|del|ins|dup|inv|con)|([acgtun]+)",
        lambda found: found[1].lower() if found[1] else found[2].upper(),
        body,
    )

"""wwPDB entries: from a cache, from a local mirror, or from the wwPDB itself when that is allowed.

Every file is treated as hostile: its size is bounded before and after decompression, and it must
parse to at least one atom before anything else sees it.

What other programs call residues, atoms and elements is made ordinary: CHARMM, GROMACS and Amber name
protonation states, ends and phosphates in ways of their own; old programs and docking tools leave elements
out, or shift the names that would tell them.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from kinscope.core.errors import ComputationError, StructureError
from kinscope.core.files import read_bounded, write_atomic
from kinscope.core.residues import PROTONATION_VARIANTS, one_letter

MIRROR_VARIABLE = "KINSCOPE_PDB_MIRROR"
"""Environment variable that names a local mirror directory."""

ARCHIVE_URL = "https://files.wwpdb.org/pub/pdb/data/structures/divided/mmCIF/{middle}/{code}.cif.gz"
"""The archive's own layout (https://www.wwpdb.org/ftp/pdb-ftp-sites)."""

MAX_STORED_BYTES = 64 * 2**20
MAX_TEXT_BYTES = 256 * 2**20
"""A whole ribosome is 50 MB of mmCIF; anything larger than this is no kinase."""
_SMALLER = "Give a file that holds the kinase only."

_ONE_PLACE_ANGSTROM = 2.0
"""CA atoms of one number this near each other are of residue types that share a place."""

_FILE_NAME = re.compile(r"(?:pdb)?([0-9][a-z0-9]{3})\.(?:cif|pdb|ent)(?:\.gz)?")

Fetch = Callable[[str], bytes]
"""Takes a URL, gives the body. Replaced by a fake in tests."""


class PdbSource:
    """Where wwPDB entries come from, in this order: cache, mirror, download.

    The mirror (``KINSCOPE_PDB_MIRROR`` if None) holds ``pdb/1abc.pdb.gz``, flat files, or the archive's
    divided layout; PDB or mmCIF, gzip or not. The cache receives downloads. ``fetch`` downloads, by default
    by the standard library with a time limit and a size limit.
    """

    def __init__(
        self,
        mirror: Path | None = None,
        cache: Path | None = None,
        *,
        allow_download: bool = False,
        fetch: Fetch | None = None,
    ) -> None:
        named = os.environ.get(MIRROR_VARIABLE)
        self.mirror = mirror if mirror is not None else (Path(named) if named else None)
        self.cache = cache
        self.allow_download = allow_download
        self._fetch = fetch or _download
        self._entries: dict[str, Any] = {}
        if self.mirror is not None and not self.mirror.is_dir():
            raise StructureError(
                "The mirror of wwPDB entries is not a directory.",
                where=str(self.mirror),
                remedy=f"Give --pdb-mirror or {MIRROR_VARIABLE} a directory that exists.",
            )

    def entry_path(self, code: str) -> Path:
        """The file of an entry, downloaded into the cache first if need be and allowed.

        Raises StructureError if the code is malformed or the entry is nowhere at hand, and ComputationError
        if the download fails.
        """
        code = normal_code(code)
        places = [place for place in (self.cache, self.mirror) if place is not None]
        candidates = (path for place in places for path in _candidates(place, code))
        if found := next((path for path in candidates if path.is_file()), None):
            return found
        if self.allow_download:
            return self._download_entry(code)
        raise StructureError(
            f"The wwPDB entry {code.upper()} is not at hand.",
            where=" and ".join(map(str, places)) or "no mirror and no cache are set",
            remedy=f"Name a mirror with --pdb-mirror or {MIRROR_VARIABLE}, or allow the download.",
        )

    def read_entry(self, code: str) -> Any:
        """The ``gemmi.Structure`` of an entry, entities set up; parsed once per source.

        Raises StructureError as :meth:`entry_path` and :func:`read_structure_file`.
        """
        code = normal_code(code)
        if code not in self._entries:
            self._entries[code] = read_structure_file(self.entry_path(code))
        return self._entries[code]

    def codes(self) -> tuple[str, ...]:
        """Codes of the entries in the cache and the mirror (four-character ones), sorted."""
        places = [place for place in (self.cache, self.mirror) if place is not None and place.is_dir()]
        paths = (path for place in places for path in place.rglob("*"))
        named = ((path, _FILE_NAME.fullmatch(path.name.lower())) for path in paths)
        return tuple(sorted({match[1] for path, match in named if match and path.is_file()}))

    def _download_entry(self, code: str) -> Path:
        if self.cache is None:
            raise StructureError(
                f"The wwPDB entry {code.upper()} would be downloaded, but there is no cache to keep it in.",
                where=code.upper(),
                remedy="Name a cache directory.",
            )
        url = ARCHIVE_URL.format(middle=code[-3:-1], code=code)
        body = self._fetch(url)
        parse_structure(inflated(body, url), url)
        self.cache.mkdir(parents=True, exist_ok=True)
        path = self.cache / f"{code}.cif.gz"
        write_atomic(path, body)
        return path


def normal_code(code: str) -> str:
    """A wwPDB code in lower case.

    Raises StructureError if it is neither a four-character code nor an extended ``pdb_`` one.
    """
    lower = code.strip().lower()
    if not re.fullmatch(r"[0-9][a-z0-9]{3}|pdb_[0-9a-z]{8}", lower):
        raise StructureError(
            f"{code[:40]!r} is not a wwPDB code.",
            where="entry code",
            remedy="A code is a digit and three letters or digits, such as 2GQG.",
        )
    return lower


def read_structure_file(path: Path) -> Any:
    """Read any PDB or mmCIF file (gzip allowed) into a ``gemmi.Structure`` with entities set up.

    Raises StructureError if the file is missing, too large, damaged, of another format, or holds no atom.
    """
    return parse_structure(read_body(path), str(path))


def read_stored(path: Path) -> bytes:
    """The content of a structure file as it is, of bounded size.

    Raises StructureError if it cannot be read or is too large.
    """
    return read_bounded(path, MAX_STORED_BYTES, remedy=_SMALLER, kind=StructureError)


def read_body(path: Path) -> bytes:
    """The content of a structure file, decompressed if it is gzip.

    Raises StructureError as :func:`read_stored` and :func:`inflated`.
    """
    return inflated(read_stored(path), str(path))


def parse_structure(body: bytes, where: str) -> Any:
    """Parse uncompressed PDB or mmCIF text into a ``gemmi.Structure`` with entities set up.

    Raises StructureError if it is neither format or holds no atom.
    """
    import gemmi

    text = _ascii(body, where)
    try:
        if re.search(r"^\s*data_", text, re.MULTILINE | re.IGNORECASE):
            structure = gemmi.make_structure_from_block(_atoms_of(gemmi.cif.read_string(text)))
        else:
            text = with_short_names(text)
            structure = gemmi.read_pdb_string(text)
            if any(_twice(residue) for model in structure for chain in model for residue in chain):
                # A letter that comes again after TER is of another molecule.
                structure = gemmi.read_pdb_string(text, split_chain_on_ter=True)
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        raise _unreadable(where, (str(error).splitlines() or ["it is damaged"])[0][:200]) from None
    if len(structure) == 0 or structure[0].count_atom_sites() == 0:
        raise _unreadable(where, "it holds no atom")
    # gemmi reads a coordinate that is no number as NaN.
    if any(not isfinite(site.atom.pos.length()) for site in structure[0].all()):
        raise _unreadable(where, "a coordinate is not a number")
    structure.merge_chain_parts()
    for model in structure:
        for chain in model:
            for residue in chain:
                make_ordinary(residue)
            _one_type_a_place(chain)
    structure.setup_entities()
    return structure


def _atoms_of(document: Any) -> Any:
    """The block of a CIF that holds atoms, with the columns that gemmi needs and the file does without."""
    blocks = [block for block in document if block.find_values("_atom_site.Cartn_x")]
    if len(blocks) != 1:
        raise ValueError(f"{len(blocks)} of its data blocks hold coordinates of atoms (_atom_site.Cartn_x)")
    columns = {name.lower(): values for name, values in blocks[0].get_mmcif_category("_atom_site.").items()}
    if "cartn_x" not in columns:
        raise ValueError("its loop of atoms holds columns of another category")
    count = len(columns["cartn_x"])
    if {"id", "label_alt_id", "label_asym_id", "type_symbol"} - set(columns):
        columns["id"] = [str(number) for number in range(1, count + 1)]
        columns.setdefault("label_alt_id", [False] * count)
        columns.setdefault("label_asym_id", columns.get("auth_asym_id") or ["A"] * count)
        columns.setdefault("type_symbol", ["X"] * count)
        blocks[0].set_mmcif_category("_atom_site.", columns)
    return blocks[0]


def _twice(residue: Any) -> bool:
    """Whether two amino acids are mixed: one has a single CA of each letter."""
    letters = [atom.altloc for atom in residue if atom.name == "CA"]
    return len(set(letters)) < len(letters)


def _one_type_a_place(chain: Any) -> None:
    """Of residue types that share one place, the most occupied stays, then A."""
    places: dict[str, int] = {}
    losers = []
    for index, residue in enumerate(chain):
        alpha = residue.find_atom("CA", "*")
        if alpha is None:
            continue
        rival = places.setdefault(str(residue.seqid), index)
        if rival == index or alpha.pos.dist(chain[rival].find_atom("CA", "*").pos) > _ONE_PLACE_ANGSTROM:
            continue
        better, worse = sorted((rival, index), key=lambda at: _rank(chain[at]))
        places[str(residue.seqid)] = better
        losers.append(worse)
        for atom in chain[better]:
            atom.altloc = "A" if atom.altloc == "\0" else atom.altloc
    for index in sorted(losers, reverse=True):
        del chain[index]


def _rank(residue: Any) -> tuple[float, str]:
    return -round(sum(atom.occ for atom in residue) / len(residue), 3), residue[0].altloc


def _ascii(body: bytes, where: str) -> str:
    """The text of a file, each character outside ASCII a question mark.

    Coordinates and names are ASCII; remarks of old programs are Latin-1. Columns of a PDB file are bytes, and
    half a character of more than one byte is a name that cannot be read.
    """
    if b"\0" in body[:4096]:
        raise _unreadable(where, "it is BinaryCIF" if b"dataBlocks" in body else "it is not text")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    return re.sub(r"\r\n?", "\n", text).encode("ascii", errors="replace").decode("ascii")


def _candidates(directory: Path, code: str) -> Iterator[Path]:
    middle = code[-3:-1]
    divided = [
        f"{above}{form}/{middle}" for above in ("", "structures/divided/") for form in ("mmCIF", "pdb")
    ]
    for folder in (directory / name for name in ("", "pdb", "mmCIF", middle, *divided)):
        for name in (code, code.upper()):
            for ending in (".cif.gz", ".pdb.gz", ".cif", ".pdb", ".ent", ".ent.gz"):
                yield folder / f"{name}{ending}"
        yield folder / f"pdb{code}.ent.gz"
        yield folder / f"pdb{code}.ent"


def inflated(body: bytes, where: str) -> bytes:
    """The content of a file, decompressed if it is gzip, of bounded size.

    Raises StructureError if it is too large, or its compression is damaged.
    """
    if len(body) > MAX_STORED_BYTES:
        raise _too_large(where)
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        with gzip.open(io.BytesIO(body)) as handle:
            text = handle.read(MAX_TEXT_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(where, f"its compression is damaged: {error}") from None
    if len(text) > MAX_TEXT_BYTES:
        raise _too_large(where)
    return text


def _download(url: str) -> bytes:
    request = Request(url, headers={"User-Agent": "kinscope"})
    try:
        with urlopen(request, timeout=60) as answer:
            body: bytes = answer.read(MAX_STORED_BYTES + 1)
    except (URLError, TimeoutError, OSError) as error:
        raise ComputationError(
            f"The wwPDB entry could not be downloaded ({error}).",
            where=url,
            remedy="Check the network, or give a mirror directory with --pdb-mirror.",
        ) from error
    return body


def _too_large(where: str) -> StructureError:
    return StructureError(
        f"The structure file is larger than {MAX_STORED_BYTES // 2**20} MiB "
        f"({MAX_TEXT_BYTES // 2**20} MiB uncompressed).",
        where=where,
        remedy=_SMALLER,
    )


def _unreadable(where: str, why: str) -> StructureError:
    return StructureError(
        # A parser quotes the file, which may hold what a terminal obeys.
        f"This is not a structure that can be read: {re.sub(r'[^ -~]', '?', why)}.",
        where=where,
        remedy="Give a complete PDB or mmCIF file.",
    )


_OF_OTHERS = {
    "HSD": "HIS", "HSE": "HIS", "HSP": "HIS", "HISD": "HIS", "HISE": "HIS", "HISH": "HIS", "HIN": "HIS",
    "CYS2": "CYS", "CSS": "CYS", "LYP": "LYS", "LSN": "LYS", "LYSH": "LYS", "ASPH": "ASP", "ASPP": "ASP",
    "GLUH": "GLU", "GLUP": "GLU", "ARN": "ARG", "ARGN": "ARG", "TYM": "TYR", "Y1P": "PTR",
    "TIP3": "HOH", "TIP4": "HOH",
}  # fmt: skip
"""Names of CHARMM, GROMACS, Amber and others which :data:`PROTONATION_VARIANTS` does not cover."""
_ATOMS_OF_OTHERS = {("ILE", "CD"): "CD1", ("*", "OT1"): "O", ("*", "OT2"): "OXT"}
"""Atom names of CHARMM; likewise OC1 and OC2 of GROMACS below."""
_ENDS = {"OC1": "O", "OC2": "OXT"}
_OF_PROTEINS = {"H", "D", "C", "N", "O", "S", "Se", "P"}
_FOUR = re.compile(r"^((?:ATOM  |HETATM).{11})([A-Za-z0-9]{4})", re.MULTILINE)


def standard_name(name: str) -> str:
    """The wwPDB's name of a residue that others call ``HSD`` or ``NALA``, say; else the name."""
    upper = name.strip().upper()
    known = PROTONATION_VARIANTS.get(upper) or _OF_OTHERS.get(upper, upper)
    if len(known) == 4 and known[0] in "NC" and one_letter(standard_name(known[1:])) != "X":
        return standard_name(known[1:])
    return known if known != upper or one_letter(upper) != "X" else name


def with_short_names(text: str) -> str:
    """A PDB file's text with known names of four letters, which reach into the chain's columns, shortened.

    Where other residues have a letter there too, it is the chain's, which has two.
    """
    standard = {name: standard_name(name) for name in {found[1] for found in _FOUR.findall(text)}}
    if any(one_letter(name[:3]) != "X" and len(short) == 4 for name, short in standard.items()):
        return text
    return _FOUR.sub(lambda found: found[1] + standard[found[2]].ljust(4), text)


def make_ordinary(residue: Any) -> None:
    """Standard names and elements for a ``gemmi.Residue``, in place; no atom comes or goes."""
    import gemmi

    residue.name = standard_name(residue.name)
    protein = one_letter(residue.name) != "X"
    names = {atom.name for atom in residue}
    for atom in residue:
        if atom.element.name == "X" or (protein and atom.element.name not in _OF_PROTEINS):
            atom.element = gemmi.Element(_element(atom.name, residue.name))
        new = _ATOMS_OF_OTHERS.get((residue.name, atom.name)) or _ATOMS_OF_OTHERS.get(("*", atom.name))
        if new is None and {"OC1", "OC2"} <= names:
            new = _ENDS.get(atom.name)
        if new is not None and new not in names:
            atom.name = new


def _element(name: str, residue: str) -> str:
    """The element of an atom whose file does not say it, by its name and the residue's."""
    import gemmi

    letters = re.sub(r"[^A-Z]", "", name.upper())
    known = gemmi.find_tabulated_residue(residue)
    polymer = known.is_amino_acid() or known.is_nucleic_acid()
    alone = letters and re.sub(r"[^A-Z]", "", residue.upper()) == letters
    two = letters[:2] == "SE" if polymer else alone or letters[:2] in ("CL", "BR", "SE", "SI")
    return letters[: 2 if two else 1] or "X"

"""Identifiers computed by the GA4GH Variation Representation Specification 2.0.

The digest is the SHA-512 of the canonical JSON, cut to 24 bytes and written in the URL-safe alphabet
(Hart RK, Prlic A 2020, PLoS One 15:e0239883, doi 10.1371/journal.pone.0239883; vrs.ga4gh.org).
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def sha512t24u(data: bytes) -> str:
    """The truncated digest of the specification: 32 characters."""
    return base64.urlsafe_b64encode(hashlib.sha512(data).digest()[:24]).decode("ascii")


def refget_accession(sequence: str) -> str:
    """The refget accession of a sequence, e.g. ``SQ.`` and 32 characters."""
    return f"SQ.{sha512t24u(sequence.encode('ascii'))}"


def allele_id(refget: str, start: int, end: int, sequence: str) -> str:
    """The identifier of the allele that has ``sequence`` in place of residues ``start`` to ``end``.

    Parameters
    ----------
    refget
        Accession of the reference sequence, see :func:`refget_accession`.
    start, end
        Interbase coordinates, counted from 0, the end excluded.
    sequence
        The new letters.
    """
    location = {
        "end": end,
        "sequenceReference": {"refgetAccession": refget, "type": "SequenceReference"},
        "start": start,
        "type": "SequenceLocation",
    }
    allele = {
        "location": _digest(location),
        "state": {"sequence": sequence, "type": "LiteralSequenceExpression"},
        "type": "Allele",
    }
    return f"ga4gh:VA.{_digest(allele)}"


def _digest(thing: Mapping[str, object]) -> str:
    return sha512t24u(json.dumps(thing, sort_keys=True, separators=(",", ":")).encode("utf-8"))

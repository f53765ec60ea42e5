"""What a result depends on in a target pack besides its models."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from kinscope.core.files import sha256_of_file
from kinscope.targets.pack import TargetPack


def pack_digest(pack: TargetPack) -> str:
    """Digest of the pack's small text files: evidence, drugs, regions."""
    files = sorted(
        path for path in Path(pack.directory).rglob("*") if path.suffix in (".yaml", ".csv", ".fasta")
    )
    content = {path.relative_to(pack.directory).as_posix(): sha256_of_file(path) for path in files}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

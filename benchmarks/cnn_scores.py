"""The published CNN's word on native and mutant poses (rustina; decision 0173).

    python benchmarks/cnn_scores.py RUN T315I --drug imatinib --drug ponatinib

RUN is the directory of a `kinscope dock` that built the mutant's models. Each drug's known pose is minimised
by Vina's function in the native model and in every alternative of the mutant, and scored there by the bundled
fast CNN. Needs `pip install rustina`, which kinscope does not.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from kinscope.docking.engine import Box
from kinscope.docking.ligand_pdbqt import prepare_ligand
from kinscope.docking.receptor import prepare_receptor
from kinscope.docking.reference import reference_pose
from kinscope.docking.vina_engine import VinaEngine
from kinscope.structures.reference import reference_model
from kinscope.targets import load_target
from kinscope.workflow.stages.files import read_models


def main() -> None:
    import rustina

    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("variant")
    parser.add_argument("--drug", action="append", required=True)
    given = parser.parse_args()
    pack = load_target("abl1")
    mutants = {}
    for record in given.run.glob("artefacts/mutant-model/*/artefact.json"):
        about = json.loads(record.read_text())["parameters"]
        if about["variant"] == given.variant:
            mutants[about["state"]] = [atoms for atoms, _ in read_models(record.parent)]
    for name in given.drug:
        pose, known = reference_pose(pack, pack.drug(name))
        points = np.array(pose.GetConformer().GetPositions())
        models = [("native", reference_model(pack, known.state)[0])]
        models += [(f"{given.variant} {i}", atoms) for i, atoms in enumerate(mutants[known.state])]
        for label, atoms in models:
            best = VinaEngine().bind(atoms, pose, Box.around(points, 5.0)).minimise(points[None])[0]
            said = rustina.score_cnn(
                prepare_receptor(atoms).pdbqt, prepare_ligand(pose).pdbqt(best.coordinates)
            )
            print(
                f"{name:<15}{label:<9} Vina {best.score_kcal_per_mol:7.2f}  "
                f"CNN score {said['cnn_score']:.2f}  pK {said['cnn_affinity']:.2f}"
            )


if __name__ == "__main__":
    main()

"""Relaxed complexes against published fold changes.

    python benchmarks/relaxed_calls.py T315I F317L [--drug imatinib] [--members]

For each variant and drug with a known pose and parameters: the interaction energy of the relaxed mutant
complex less that of the native one, the call, and beside it the median published fold change in the evidence
table that ships (RT ln fold at 37 C, kcal/mol). A line each as it is finished; 20 to 40 CPU seconds a pair.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics

from kinscope.core.residues import three_letter
from kinscope.docking.calls import call
from kinscope.docking.ligand_mechanics import mechanics_of
from kinscope.docking.reference import reference_pose
from kinscope.docking.relaxed import compare_relaxed
from kinscope.docking.relaxed_records import RelaxedSettings
from kinscope.docking.run import aligned_reference
from kinscope.ligands.library import load_ligand
from kinscope.structures.reference import reference_model
from kinscope.targets import load_target

RT = 0.0019872 * 310.15


def published(pack, variant: str, drug: str) -> float | None:
    """Median published change of affinity by cell IC50, kcal/mol."""
    with (pack.directory / "evidence" / "measured.csv").open() as file:
        folds = [
            float(row["value"])
            for row in csv.DictReader(file)
            if row["protein_change"] == variant and row["drug"] == drug and row["unit"] == "fold"
        ]
    return RT * math.log(statistics.median(folds)) if folds else None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("variants", nargs="+")
    parser.add_argument("--drug", action="append", default=[])
    parser.add_argument("--members", action="store_true")
    given = parser.parse_args()
    pack, settings = load_target("abl1"), RelaxedSettings()
    for variant in given.variants:
        for drug in (pack.drug(name) for name in given.drug) if given.drug else pack.drugs:
            mechanics, _ = mechanics_of(drug)
            if mechanics is None or not drug.reference_entry:
                continue
            for state in (drug.state, *drug.further_states):
                try:
                    pose, record = reference_pose(pack, drug, state="" if state == drug.state else state)
                except Exception as error:  # a drug without a known pose is not part of the comparison
                    print(f"{drug.id}: {error}")
                    continue
                found = compare_relaxed(
                    drug.id, state, variant, reference_model(pack, state)[0],
                    aligned_reference(load_ligand(drug), pose),
                    {int(variant[1:-1]): three_letter(variant[-1])}, mechanics, settings,
                )  # fmt: skip
                known = published(pack, variant, drug.id)
                text = "not published" if known is None else f"published {known:+.2f}"
                if found is None:
                    print(f"{variant:<7}{drug.id:<15}{state:<18}beyond reach; {text}", flush=True)
                    continue
                word = call(
                    None, found, mode_kept=True, distance_angstrom=0.0, reach_angstrom=9.0,
                    known_to_crystal_angstrom=record.rmsd_to_crystal_angstrom,
                ).word  # fmt: skip
                item, vina = found.difference_kcal_per_mol, found.vina_difference_kcal_per_mol
                print(
                    f"{variant:<7}{drug.id:<15}{state:<18}"
                    f"{item.value:+6.2f} [{item.low:+.1f}, {item.high:+.1f}] {word:<11} "
                    f"ensemble Vina {vina.value:+.2f}; {text}; {found.cpu_seconds:.0f} s",
                    flush=True,
                )
                if given.members:
                    for side, members in (("native", found.native), ("mutant", found.mutant)):
                        for item in members.members:
                            print(f"    {side} {item.model_dump_json()}", flush=True)


if __name__ == "__main__":
    main()

"""Compute the controls of mobility that ship with ABL1: normal modes of variants with published behaviour.

    nice python benchmarks/mobility_controls.py --runs DIR [--cores 1] [--agreement rmsf.json]
        [--out src/kinscope/targets/abl1/controls]

Builds every control in every state of ``STATES`` with the settings of the quick preset and compares its
normal modes with native's. ``DIR/VARIANT`` may be a run directory of `kinscope assess VARIANT`: what it holds
is taken over. About twelve minutes of one core per control where nothing is at hand. ``--agreement`` adds how
far native modes follow crystals, from `kinscope benchmark rmsf --pdb-mirror MIRROR --json`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
from pathlib import Path

from kinscope import __version__
from kinscope.analysis.controls import (
    ControlProvenance,
    ControlVariant,
    ModesAgreement,
    means_of,
    write_controls,
)
from kinscope.core.files import sha256_of_file
from kinscope.results.measured import FluctuationProfile
from kinscope.targets import TargetPack, load_target
from kinscope.variants import parse_variant
from kinscope.workflow.engine.local import LocalEngine
from kinscope.workflow.engine.store import Store, default_cache
from kinscope.workflow.native_results import shipped_store
from kinscope.workflow.planning.models import modes
from kinscope.workflow.planning.study import Study
from kinscope.workflow.settings import load_preset, with_changes
from kinscope.workflow.stages.files import PROFILE

STATES = ("kinase-dfg-in", "kinase-dfg-out", "closed-dfg-out", "open-dfg-in")
FEWEST_RESIDUES = 3
CONTROLS = (
    ControlVariant(
        variant="M244V",
        positive=True,
        reported="is reported to hold the kinase in its active, open form by contacts of helix C, which is "
        "how it escapes asciminib",
        citation="Leyte-Vidal et al., Blood, 2024, PMID:38643492",
        states=("open-dfg-in", "kinase-dfg-in"),
        regions=("helix_c", "n_lobe", "sh2_kinase_linker"),
    ),
    ControlVariant(
        variant="T315I",
        positive=True,
        reported="is reported to steady the regulatory spine and so to favour the active state",
        citation="Azam et al., Nat Struct Mol Biol, 2008, doi:10.1038/nsmb.1486",
        states=("kinase-dfg-in",),
        regions=("regulatory_spine", "helix_c"),
    ),
    ControlVariant(
        variant="K404E",
        positive=False,
        reported="is reported, by simulations, not to change the flexibility of the open form",
        citation="Lewandowski et al., Ann Hematol, 2025, doi:10.1007/s00277-025-06385-z",
        states=("open-dfg-in",),
        regions=("helix_c", "n_lobe", "sh2_kinase_linker"),
    ),
)


def profiles(pack: TargetPack, variant: str, runs: Path, cores: int) -> list[FluctuationProfile]:
    """Normal modes of native and variant in every state."""
    settings = with_changes(load_preset("quick"), states=STATES)
    study = Study(pack, parse_variant(variant, pack), settings)
    steps = [modes(study, side, state) for state in STATES for side in ("native", "mutant")]
    cache = Store(default_cache() / "artefacts")
    engine = LocalEngine(runs / variant, cache, shipped=shipped_store(pack), cores=cores)
    outcome = engine.run(steps)
    for error in outcome.failed.values():
        raise error
    return [
        FluctuationProfile.model_validate_json((engine.store.path(step) / PROFILE).read_bytes())
        for step in steps
    ]


def agreements(path: Path, pack: TargetPack) -> tuple[ModesAgreement, ...]:
    """Native modes beside crystals, out of what `kinscope benchmark rmsf --json` printed."""
    found = json.loads(path.read_text())
    among = {
        name: (middle, low, high, count) for name, middle, low, high, count in found["crystals_and_crystals"]
    }
    rows = []
    for item in found["ours_and_crystals"]:
        state = item["first"].removeprefix("normal modes, ")
        if state in {known.id for known in pack.states}:
            group = item["second"].partition(" crystals, ")[2]
            alike = among.get(f"crystals, {group}")
            rows.append(
                ModesAgreement(
                    state=state,
                    crystals=item["second"],
                    residues=item["residues"],
                    pearson=round(item["pearson"]["value"], 3),
                    pearson_low=round(item["pearson"]["low"], 3),
                    pearson_high=round(item["pearson"]["high"], 3),
                    spearman=round(item["spearman"]["value"], 3),
                    among_crystals=""
                    if alike is None
                    else f"such crystals of different entries correlate by {alike[0]:.2f} in the median "
                    f"({alike[1]:.2f} to {alike[2]:.2f}, {alike[3]} pairs)",
                )
            )
    return tuple(rows)


def main() -> None:
    """Compute, compare, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--agreement", type=Path)
    given = parser.parse_args()
    pack = load_target("abl1")
    regions = {
        region.name: region.members() for region in pack.regions if len(region.members()) >= FEWEST_RESIDUES
    }
    means = {}
    for control in CONTROLS:
        for profile in profiles(pack, control.variant, given.runs, given.cores):
            for row in means_of(profile, regions):
                if len(row.residues) >= FEWEST_RESIDUES:
                    means[row.state, row.variant, row.region] = row
        print(f"{control.variant}: done", flush=True)
    provenance = ControlProvenance(
        kinscope_version=__version__,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        command="python benchmarks/mobility_controls.py --runs DIR",
        machine=f"{platform.machine()}, OpenMM platform CPU, one thread per step",
        settings=load_preset("quick").normal_modes.model_dump(mode="json"),
        models={s: sha256_of_file(pack.directory / "models" / s / "model.cif.gz") for s in STATES},
        controls=CONTROLS,
        agreement=agreements(given.agreement, pack) if given.agreement else (),
        agreement_command="kinscope benchmark rmsf --pdb-mirror MIRROR --json" if given.agreement else "",
    )
    write_controls(given.out or pack.directory / "controls", means.values(), provenance)


if __name__ == "__main__":
    main()

"""Bring the native results that ship with the target packs under the keys that studies ask for now.

    python benchmarks/native_results.py [--target abl1] [--anew] [--cores 2]

To be run, and what it changes committed, whenever `tests/workflow/test_study.py` says that a shipped result
is not found: the source or the pack that it rests on has changed. Of every stage and of every state the
cheapest result is computed again. Where its numbers are those that ship, the others of that stage and state
are taken over under their new keys; everything else is computed anew, and so is all with --anew.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from compare_results import leaves

from kinscope.targets import load_target, target_names
from kinscope.targets.pack import TargetPack
from kinscope.workflow.engine.driver import Driver
from kinscope.workflow.engine.processes import Processes
from kinscope.workflow.engine.sources import source_digest
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import ArtefactRecord, Store, read_record
from kinscope.workflow.packs.native_results import SHIPPED_STORE, native_steps

_CONTENT = ("pack_sha256", "library_sha256")
"""Parameters that say what the pack held: whether that matters is what computing again shows."""
_ALIKE = 2e-3
"""Relative and absolute: numbers of one machine are equal, those of another differ in the last digits."""

Shipped = tuple[Path, ArtefactRecord]


def shipped_before(root: Path, steps: Iterable[Step]) -> dict[str, Shipped]:
    """What ships under another key of the same stage, label and parameters, by a step's key."""
    held = {}
    for step in steps:
        for folder in sorted((root / step.name).iterdir()) if (root / step.name).is_dir() else ():
            record = read_record(folder)
            if record and record.label == step.label and _asked(record.parameters) == _asked(step.parameters):
                held[step.key] = (folder, record)
    return held


def _asked(parameters: object) -> dict[str, object]:
    content = json.loads(json.dumps(parameters))
    return {name: value for name, value in content.items() if name not in _CONTENT}


def parts(step: Step) -> set[tuple[str, str]]:
    """What a result vouches for: its stage and its state."""
    return {("stage", step.name), ("state", str(step.parameters["state"]))}


def samples(steps: Iterable[Step], before: dict[str, Shipped]) -> list[Step]:
    """The cheapest results that together are of every stage and every state."""
    chosen: list[Step] = []
    for step in sorted(steps, key=lambda step: before[step.key][1].wall_seconds):
        if not parts(step) <= {part for one in chosen for part in parts(one)}:
            chosen.append(step)
    return chosen


def same_numbers(one: Path, other: Path) -> bool:
    """Whether the JSON files of two artefacts hold the same, times aside."""
    names = sorted(path.name for path in one.glob("*.json") if path.name != "artefact.json")
    for name in names:
        sides = [dict(leaves(json.loads((folder / name).read_text()))) for folder in (one, other)]
        sides = [{key: v for key, v in side.items() if not key.endswith("seconds")} for side in sides]
        if sides[0].keys() != sides[1].keys():
            return False
        for key, value in sides[0].items():
            pair = (value, sides[1][key])
            number = all(isinstance(item, float) for item in pair)
            if not (math.isclose(*pair, rel_tol=_ALIKE, abs_tol=_ALIKE) if number else pair[0] == pair[1]):
                print(f"  {name}, {key}: {pair[0]} ships, {pair[1]} now")
                return False
    return bool(names)


def take_over(store: Store, step: Step, shipped: Shipped) -> None:
    """Put what ships into the store under a step's key."""
    folder, record = shipped
    named = record.model_copy(
        update={
            "key": step.key,
            "source": source_digest(step.stage.function),
            "parameters": dict(step.parameters),
            "inputs": {role: source.key for role, source in step.inputs.items()},
        }
    )
    with tempfile.TemporaryDirectory(dir=store.root) as scratch:
        copy = Path(scratch) / "artefact"
        shutil.copytree(folder, copy)
        store.put(step, copy, named)


def update(pack: TargetPack, cores: int, *, anew: bool) -> None:
    """Bring the native results of one pack up to date."""
    store = Store(pack.directory / SHIPPED_STORE)
    steps = native_steps(pack)
    missing = [step for step in steps if anew or store.find(step) is None]
    print(f"{pack.gene}: {len(steps) - len(missing)} of {len(steps)} native results are found")
    before = {} if anew else shipped_before(store.root, missing)
    with tempfile.TemporaryDirectory() as scratch:
        engine = Driver(Path(scratch), None, Processes(cores))

        def compute(wanted: list[Step]) -> None:
            for error in engine.run(wanted).failed.values():
                raise error

        tried = samples([step for step in missing if step.key in before], before)
        compute(tried)
        vouched: dict[tuple[str, str], bool] = {}
        for step in tried:
            same = same_numbers(before[step.key][0], engine.store.path(step))
            print(f"  {step.label}: {'as it ships' if same else 'another result'}")
            vouched |= {part: same and vouched.get(part, True) for part in parts(step)}
        kept = [s for s in missing if s.key in before and all(vouched.get(part) for part in parts(s))]
        rest = [step for step in missing if step not in kept]
        compute(rest)
        for step in kept:
            take_over(store, step, before[step.key])
        for step in rest:
            store.copy_from(engine.store, step)
    wanted = {store.path(step) for step in steps}
    for name in {step.name for step in steps}:
        for folder in (store.root / name).iterdir():
            if folder not in wanted:
                shutil.rmtree(folder)
    print(f"  {len(kept)} taken over, {len(rest)} computed anew")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--target", action="append", choices=target_names(), help="default: all")
    parser.add_argument("--anew", action="store_true", help="compute everything again")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    for target in given.target or target_names():
        update(load_target(target), given.cores, anew=given.anew)


if __name__ == "__main__":
    main()

"""Ligands of the redocking benchmark: their protonation, and that the command's own search docks them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from factories.docking import PACK, model, pose
from kinscope.docking.known import site as known_site
from kinscope.docking.run import aligned_reference
from kinscope.ligands.library import load_ligand, parse_smiles
from kinscope.validation import redock
from kinscope.workflow.settings import load_preset
from kinscope.workflow.stages import docking as stage

AMINES = {
    "benzylpiperazine": "CN1CCN(Cc2ccccc2)CC1",
    "imatinib": PACK.drug("imatinib").smiles,
    "two rings": "C1CNCCN1CCN1CCOCC1",
    "diazabicycle": "CC1CN(CCO)CC2CCCN12",
}


@lru_cache
def neutral(name: str) -> Any:
    return parse_smiles(AMINES[name], where="test")


@given(st.sampled_from(sorted(AMINES)), st.randoms(use_true_random=False))
def test_protonation_does_not_depend_on_the_order_of_the_atoms(name: str, random: Any) -> None:
    molecule = neutral(name)
    order = list(range(molecule.GetNumAtoms()))
    random.shuffle(order)
    shuffled = Chem.RenumberAtoms(molecule, order)
    assert Chem.MolToSmiles(redock._charged(shuffled)) == Chem.MolToSmiles(redock._charged(molecule))


@pytest.mark.parametrize("name", ["benzylpiperazine", "imatinib"])
def test_the_methylated_amine_is_protonated_and_not_the_benzylic_one(name: str) -> None:
    """pKa of imatinib: 8.1 (N-methyl) and 3.7 (Szakacs et al., J Med Chem 2005, 48, 249)."""
    charged = redock._charged(neutral(name))
    assert charged.HasSubstructMatch(Chem.MolFromSmarts("[CH3][NH+]"))
    assert Chem.GetFormalCharge(charged) == 1


class _SeenError(Exception):
    """What a search was asked for."""


def test_the_benchmark_calls_the_search_of_the_command_with_its_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drug = PACK.drug("dasatinib")
    asked: list[Any] = []

    def seen(task: Any) -> None:
        asked.append(task)
        raise _SeenError

    monkeypatch.setattr(known_site, "dock", seen)
    ligand, receptor = load_ligand(drug), model(drug.state)
    points = aligned_reference(ligand, pose("dasatinib")[0]).GetConformer().GetPositions()
    bench = redock.Bench(SimpleNamespace(), PACK)  # type: ignore[arg-type]
    bench.case, bench.receptor = lambda _: (ligand, points), lambda *_: receptor
    complex_ = redock.Complex(entry="2GQG", chain="A", ccd="1N1")
    with pytest.raises(_SeenError):
        redock.dock_row(bench, complex_, "kinscope")
    context = SimpleNamespace(
        parameters={
            "ligand": drug.model_dump(mode="json"), "state": drug.state, "seed": 1, "target": "abl1",
            "settings": load_preset("quick").docking.model_dump(mode="json"),
        },
        inputs={}, input=lambda *_: tmp_path, output=tmp_path, progress=lambda *_: None,
    )  # fmt: skip
    monkeypatch.setattr(stage, "read_models", lambda _: [(receptor, None)])
    monkeypatch.setattr(stage, "study_pack", lambda _: PACK)
    with pytest.raises(_SeenError):
        stage.dock_given(context)  # type: ignore[arg-type]
    benchmark, command = asked
    assert benchmark.settings == command.settings
    assert benchmark.settings.mode == "global"
    assert command.reference_pose is None

"""DOCKSTRING beside our own search: what it is given, and what is made of what it returns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinscope.cli.commands.benchmark import redock
from kinscope.core.errors import BadInputError
from kinscope.docking import dockstring_engine
from kinscope.docking.engine import Box
from kinscope.docking.rmsd import SymmetricRmsd
from kinscope.ligands.library import embed, parse_smiles


def test_a_pose_comes_back_in_the_order_of_our_atoms() -> None:
    from rdkit import Chem

    ours = embed(parse_smiles("Cc1ccc(O)nc1", where="test"), where="test", conformers=1)
    points = np.asarray(ours.GetConformer().GetPositions())
    bare = Chem.RemoveHs(ours)
    turned = Chem.RenumberAtoms(bare, list(reversed(range(bare.GetNumAtoms()))))
    (pose,) = dockstring_engine._poses(ours, turned)
    assert SymmetricRmsd(ours)(pose, points) == pytest.approx(0.0, abs=1e-6)


def test_the_box_is_written_as_vina_reads_it() -> None:
    text = dockstring_engine._box_text(Box((1.0, -2.0, 3.5), (22.0, 20.0, 18.0)))
    assert dict(line.split(" = ") for line in text.splitlines()) == {
        "center_x": "1.000", "size_x": "22.000", "center_y": "-2.000", "size_y": "20.000",
        "center_z": "3.500", "size_z": "18.000",
    }  # fmt: skip


def test_where_it_is_not_installed_the_benchmark_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dockstring_engine, "why_not", lambda: "the package dockstring is not installed")
    with pytest.raises(BadInputError, match="not installed"):
        redock(mirror=tmp_path, engine=["dockstring"])

"""Hydrogen bonds of co-crystals, as they ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinscope.core.errors import BadInputError
from kinscope.targets import load_target
from kinscope.targets.loader import controls_directory
from kinscope.workflow.stages.bound import CRYSTAL_BONDS_FILE, read_crystal_bonds

PACK = load_target("abl1")


def test_co_crystals_show_the_bonds_that_are_published() -> None:
    """Imatinib: Met318, Thr315, Glu286, Asp381; its piperazine on Ile360 and His361 (Nagar et al. 2002)."""
    bonds = read_crystal_bonds(controls_directory(PACK))
    named = {drug: {bond.residue for bond in rows} for drug, rows in bonds.items()}
    assert named["imatinib"] == {"Met318", "Thr315", "Glu286", "Asp381", "Ile360", "His361"}
    assert {"Met318", "Thr315"} <= named["dasatinib"]
    assert {"Met318", "Glu286", "Asp381"} <= named["ponatinib"]
    assert all(2.4 < bond.distance_angstrom <= 3.5 for rows in bonds.values() for bond in rows)


def test_a_damaged_table_of_bonds_is_told(tmp_path: Path) -> None:
    assert read_crystal_bonds(tmp_path) == {}
    (tmp_path / CRYSTAL_BONDS_FILE).write_text("drug,crystal\nimatinib,2HYY:A:STI\n")
    with pytest.raises(BadInputError, match="hydrogen bonds"):
        read_crystal_bonds(tmp_path)

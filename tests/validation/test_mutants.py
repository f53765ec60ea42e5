"""The benchmark's own parts: intervals, resuming, comparison with crystals."""

from __future__ import annotations

import numpy as np
import pytest
from mutant_crystals import Case, CrystalComparison, compare_with_crystals, on_own_backbone
from side_chain_recovery import (
    KINSCOPE,
    KINSCOPE_BARE,
    CrystalModel,
    RecoveryPlan,
    chi_right,
    residues_to_rebuild,
    run_recovery,
    side_chain_rmsd,
)
from states import share

from factories.helix import FIRST, QUICK, SEQUENCE, helix
from kinscope.core.errors import BadInputError
from kinscope.sequencing.reported.calls import wilson
from kinscope.structures.mutants.build import MutantModel
from kinscope.structures.side_chains.sites import Residue


def crystal():
    atoms, record = helix()
    numbers = frozenset(range(FIRST, FIRST + len(SEQUENCE)))
    return CrystalModel("helix:A", atoms, record, numbers - {FIRST + 5})


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0.0, 16.11), (1, 29, 0.61, 17.18)],
)
def test_intervals_are_wilsons(hits, count, low, high):
    """Newcombe, Stat. Med. 1998, 17, 857, Table I, method 3."""
    assert wilson(hits, count) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))
    said = share([True] * hits + [False] * (count - hits))
    assert said.startswith(f"{100 * hits / count:5.1f} (")


def test_a_share_of_nothing_says_nothing():
    assert share([]) == "  0.0 (0.0-100.0)"


def test_every_side_chain_with_a_chi_that_the_crystal_shows_is_rebuilt():
    tasks = residues_to_rebuild(crystal())
    expected = {FIRST + i for i, letter in enumerate(SEQUENCE) if letter not in "GAP"} - {FIRST + 5}
    assert {task.residue for task in tasks} == expected
    assert 0.4 < np.mean([task.buried for task in tasks]) < 0.7
    few = residues_to_rebuild(crystal(), 4, seed=3)
    assert len(few) == 4
    assert few == residues_to_rebuild(crystal(), 4, seed=3)


def test_a_run_goes_on_where_it_stopped_and_refuses_other_settings(tmp_path):
    table = tmp_path / "rows.csv"
    said = []
    plan = RecoveryPlan((crystal(),), QUICK, residues=2)
    first = run_recovery(plan, table, progress=lambda fraction, what: said.append((fraction, what)))
    assert [row.packer for row in first] == [KINSCOPE] * 2 + [KINSCOPE_BARE] * 2
    assert [fraction for fraction, _ in said] == [0.25, 0.5, 0.75, 1.0]
    said.clear()
    assert run_recovery(plan, table, progress=lambda fraction, what: said.append(what)) == first
    assert said == []
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[:-1]) + "\n")  # killed before the last row
    assert run_recovery(plan, table, progress=lambda fraction, what: said.append(what)) == first
    assert len(said) == 1
    with pytest.raises(BadInputError, match="other settings"):
        run_recovery(RecoveryPlan((crystal(),), QUICK, seed=2, residues=2), table)
    table.write_text(table.read_text().replace(",True,", ",perhaps,"))
    with pytest.raises(BadInputError, match="cannot be read") as caught:
        run_recovery(plan, table)
    assert "line 2" in caught.value.where


def test_symmetric_rings_and_wrong_rotamers():
    kind = next(r for r in residues_to_rebuild(crystal()) if r.residue == FIRST + 6)  # phenylalanine
    from kinscope.structures.side_chains.rotamers import build_conformers, chi_angles
    from kinscope.structures.side_chains.sites import residues_of

    truth = residues_of(helix()[0])[kind.residue]
    chi1, chi2 = chi_angles(truth.name, truth.atom_names, truth.coord)

    def turned(*angles):
        coord = build_conformers(truth.name, truth.atom_names, truth.coord, [angles])[0]
        return Residue(truth.number, truth.name, truth.atom_names, coord)

    flipped = turned(chi1, chi2 + 180.0)
    assert chi_right(flipped, truth) == (True, True)
    assert side_chain_rmsd(flipped, truth, flipped.coord) < 0.2  # the ring is relaxed, not ideal
    assert chi_right(turned(chi1, chi2 + 60.0), truth) == (True, False)
    assert chi_right(turned(chi1 + 120.0, chi2), truth) == (False, False)
    assert side_chain_rmsd(turned(chi1 + 120.0, chi2), truth, turned(chi1 + 120.0, chi2).coord) > 2.0


def test_a_mutants_crystal_is_found_among_the_alternatives_by_all_its_chi():
    atoms, record = helix()
    number = FIRST + 4  # arginine: not the letter of the crystal is left out
    letter = SEQUENCE[4]
    model = MutantModel(atoms, record.model_copy(update={"relative_energy_kcal_per_mol": 0.0}), -1.0)
    case = Case("helix:A", (number, letter), (("HELX", "A"),))
    (same,) = compare_with_crystals(case, [model], [crystal()])
    assert same.place == 0
    assert same.side_chain_rmsd_angstrom[0] < 1e-3
    assert same.backbone_rmsd_angstrom < 1e-3
    assert compare_with_crystals(Case("helix:A", (number, "W"), ()), [model], [crystal()]) == []


def test_place_counts_from_the_best_and_is_none_where_no_alternative_fits():
    row = CrystalComparison(
        native="a", crystal="b", substitution="315I", chi_crystal_degrees=(-54.0, -174.0),
        chi_alternatives_degrees=((61.0, 153.0), (-51.0, 80.0), (-50.0, 178.0)),
        relative_energies_kcal_per_mol=(0.0, 1.0, 2.0), side_chain_rmsd_angstrom=(2.0, 1.0, 0.3),
        backbone_rmsd_angstrom=0.4,
    )  # fmt: skip
    assert row.place == 2
    assert [row.chi_right(i) for i in range(3)] == [0, 1, 2]
    assert row.model_copy(update={"chi_crystal_degrees": (180.0, 60.0)}).place is None


def test_a_rotamer_is_found_again_on_its_own_backbone():
    number = FIRST + 11  # tryptophan
    found = on_own_backbone(crystal(), (number, "W"), QUICK, 1)
    assert found is not None
    assert found.above_best_kcal_per_mol is not None
    assert 0.0 <= found.above_best_kcal_per_mol < 15.0
    assert on_own_backbone(crystal(), (number, "I"), QUICK, 1) is None

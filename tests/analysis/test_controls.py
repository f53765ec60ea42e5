"""Controls of mobility: read back, when they are the same instrument, and what follows from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.interpretation import measurements, region, variant
from kinscope.analysis.controls import (
    CRYSTAL_BONDS_FILE,
    PROVENANCE_FILE,
    READINGS_FILE,
    ControlProvenance,
    ControlVariant,
    RegionMeans,
    means_of,
    read_controls,
    read_crystal_bonds,
    same_instrument,
    write_controls,
)
from kinscope.core.errors import BadInputError
from kinscope.interpretation.questions import mobility_questions
from kinscope.interpretation.words.say import say
from kinscope.results.measured import FluctuationProfile
from kinscope.targets import load_target
from kinscope.targets.loader import controls_directory, mobility_controls, model_digests
from kinscope.workflow.settings import load_preset

PACK = load_target("abl1")
STATE = "open-dfg-in"
SETTINGS = {"replicas": 3, "dielectric": 4.0}


def provenance() -> ControlProvenance:
    control = ControlVariant(
        variant="M244V",
        positive=True,
        reported="is said to do something to helix C",
        citation="Nobody, Test, 2000",
        states=(STATE,),
        regions=("helix_c",),
    )
    return ControlProvenance(
        kinscope_version="0",
        created="2026-01-01",
        command="none",
        machine="none",
        settings=SETTINGS,
        models={STATE: "a" * 64},
        controls=(control,),
    )


def means(mutant_shift: float) -> list[RegionMeans]:
    """Helix C three times in native and in M244V, which moves more by a known amount; a loop that stays."""
    noise = np.array([-0.004, 0.0, 0.004])
    rows = []
    for who, shift in (("native", 0.0), ("M244V", mutant_shift)):
        for name, numbers, value in (("helix_c", range(279, 293), 0.3), ("p_loop", range(248, 257), 0.5)):
            moved = shift if name == "helix_c" else 0.0
            rows.append(
                RegionMeans(
                    state=STATE,
                    variant=who,
                    region=name,
                    residues=tuple(numbers),
                    rmsf_angstrom=tuple((value + moved + noise).tolist()),
                )
            )
    return rows


def test_what_is_written_is_compared_as_any_variant_is(tmp_path: Path) -> None:
    write_controls(tmp_path, means(0.2), provenance())
    found = read_controls(tmp_path)
    assert found is not None
    assert found.provenance == provenance()
    reading = found.reading("M244V", STATE)
    assert reading is not None
    helix, loop = (next(r for r in reading.regions if r.region == name) for name in ("helix_c", "p_loop"))
    assert helix.difference_angstrom.value == pytest.approx(0.2)
    assert helix.difference_angstrom.resolved
    assert helix.residues == tuple(range(279, 293))
    assert not loop.difference_angstrom.resolved
    assert loop.difference_angstrom.outcome == "no-change"


def test_means_are_those_of_the_profile() -> None:
    values = np.random.default_rng(1).uniform(0.1, 1.0, (3, 30))
    profile = FluctuationProfile(
        method="normal_modes",
        state=STATE,
        variant="native",
        residues=tuple(range(270, 300)),
        rmsf_angstrom=tuple(map(tuple, values.tolist())),
        length_ns=0.0,
        superposition="",
    )
    (row,) = means_of(profile, {"helix_c": range(279, 293), "elsewhere": (1, 2, 3)})
    assert row.rmsf_angstrom == pytest.approx(values[:, 9:23].mean(axis=1), abs=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.sets(st.integers(1, 1200), min_size=1, max_size=60))
def test_residues_survive_the_table(tmp_path_factory: pytest.TempPathFactory, numbers: set[int]) -> None:
    directory = tmp_path_factory.mktemp("controls")
    rows = [
        RegionMeans(
            state=STATE, variant=who, region="r", residues=tuple(sorted(numbers)), rmsf_angstrom=(1.0, 2.0)
        )
        for who in ("native", "M244V")
    ]
    write_controls(directory, rows, provenance())
    found = read_controls(directory)
    assert found is not None
    assert found.readings[0].regions[0].residues == tuple(sorted(numbers))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (READINGS_FILE, "state,variant\nopen,native\n"),
        (READINGS_FILE, "state,variant,region,residues,rmsf_angstrom\nopen,native,r,1-x,0.1\n"),
        (READINGS_FILE, "state,variant,region,residues,rmsf_angstrom\nopen,native,r,1,many\n"),
        (PROVENANCE_FILE, "settings: ["),
        (PROVENANCE_FILE, "created: 1\n"),
        (READINGS_FILE, b"\xff\xfe\x00"),
    ],
)
def test_damage_is_told(tmp_path: Path, file: str, text: str | bytes) -> None:
    write_controls(tmp_path, means(0.1), provenance())
    (tmp_path / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadInputError, match="controls"):
        read_controls(tmp_path)


def test_another_model_or_setting_is_another_instrument(tmp_path: Path) -> None:
    write_controls(tmp_path, means(0.1), provenance())
    found = read_controls(tmp_path)
    assert found is not None
    assert same_instrument(found, SETTINGS, {STATE: "a" * 64}) == found
    other = same_instrument(found, SETTINGS, {STATE: "b" * 64})
    assert other.readings == ()
    assert "another model" in say(other.notes[0])
    other = same_instrument(found, SETTINGS | {"dielectric": 2.0}, {STATE: "a" * 64})
    assert other.readings == ()
    assert "settings" in say(other.notes[0])


@pytest.mark.parametrize(
    ("shift", "words"), [(0.2, "So normal modes see it"), (0.0, "So normal modes do not see this control")]
)
def test_a_control_that_is_not_seen_takes_the_weight_from_silence(
    tmp_path: Path, shift: float, words: str
) -> None:
    write_controls(tmp_path, means(shift), provenance())
    controls = read_controls(tmp_path)
    own = measurements(regions=(region("helix_c", state=STATE),))
    asked = {q.id: q for q in mobility_questions(variant("K404E"), own, PACK, controls)}
    question = asked["control M244V"]
    assert words in question.control
    assert "Nobody, Test, 2000" in question.control
    assert len(question.findings) == 1
    assert not question.findings[0].earlier
    # A variant that was read before and is not read now is shown as read before.
    asked = {q.id: q for q in mobility_questions(variant("M244V"), measurements(), PACK, controls)}
    assert all(finding.earlier for finding in asked["control M244V"].findings)
    assert asked["control M244V"].question.startswith("Is M244V seen")
    # One that never was is told how to be read.
    asked = {q.id: q for q in mobility_questions(variant("E255K"), measurements(), PACK, controls)}
    assert not asked["control M244V"].findings
    assert f"--state {STATE}" in asked["control M244V"].answer


def test_without_controls_nothing_is_said_of_them() -> None:
    assert not any(
        q.id.startswith("control") for q in mobility_questions(variant("K404E"), measurements(), PACK)
    )


def test_what_ships_was_read_on_the_models_and_settings_that_ship() -> None:
    """Fails when models or settings change: make the controls anew with benchmarks/mobility_controls.py."""
    controls = mobility_controls(PACK)
    assert controls is not None
    used = load_preset("quick").normal_modes.model_dump(mode="json")
    assert same_instrument(controls, used, model_digests(PACK)).readings == controls.readings
    for name in ("M244V", "T315I", "K404E"):
        for state in ("kinase-dfg-in", "kinase-dfg-out", "closed-dfg-out", "open-dfg-in"):
            reading = controls.reading(name, state)
            assert reading is not None
            held = {row.region for row in reading.regions}
            assert {"helix_c", "p_loop", "hinge", "activation_loop", "paper_window", "p_plus_1_loop"} <= held
            assert {"myristate_pocket", "helix_i"} <= held
            assert ("sh2" in held) == (state in ("closed-dfg-out", "open-dfg-in"))
            assert all(row.difference_angstrom.native_replicas == 3 for row in reading.regions)
    assert mobility_controls(load_target("src")) is None


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

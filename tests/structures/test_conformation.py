"""Conformations by published definitions: known answers, invariances, missing atoms."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.interpretation.words.structures import label_line
from kinscope.structures.conformation.atoms import AtomTable
from kinscope.structures.conformation.classify import classify_entries, classify_state
from kinscope.structures.conformation.literature import compare_labels, literature_of
from kinscope.structures.conformation.parts import (
    CENTRES,
    CLUSTER_CUTOFF,
    classify_dihedrals,
    classify_spine,
    cluster_distances,
    measure_dihedrals,
)
from kinscope.structures.reference.build import available_states, reference_model
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target

PACK = load_target("abl1")
NEEDS_MIRROR = pytest.mark.skipif(
    not os.environ.get("KINSCOPE_PDB_MIRROR"), reason="needs a mirror of wwPDB entries"
)

# What Kincore itself prints (README and test output of DunbrackLab/Kincore-standalone3 and -standalone2):
# phi, psi of X, Asp, Phe and chi1 of Phe, all of them DFGin-BLAminus.
KINCORE_BLAMINUS = {
    "1OL5": (-139.20, -172.08, 52.22, 80.16, -90.83, 24.66, 282.61),
    "AKT1": (-114.62, -167.38, 40.57, 67.78, -78.23, 20.61, 301.26),
    "CSNK1D": (-133.52, 176.85, 64.10, 66.27, -77.63, 11.73, 293.67),
    "PINK1": (-131.40, 170.11, 65.48, 83.36, -88.40, 10.85, 283.16),
    "SRC": (-119.99, -160.43, 36.59, 68.62, -80.84, 15.85, 293.28),
}


def cluster_of(spatial, angles):
    names, distances = classify_dihedrals(np.array([spatial]), np.array([angles]))
    return names[0], distances[0]


def cluster_distance(first, second):
    return cluster_distances(np.array([first]), [second])[0, 0]


@pytest.mark.parametrize("kinase", KINCORE_BLAMINUS)
def test_angles_that_kincore_calls_blaminus_are_blaminus(kinase):
    cluster, distance = cluster_of("in", KINCORE_BLAMINUS[kinase])
    assert cluster == "BLAminus"
    assert distance < CLUSTER_CUTOFF


def test_a_cluster_is_assigned_only_within_its_spatial_class():
    angles = KINCORE_BLAMINUS["1OL5"]
    assert cluster_of("out", angles)[0] == "noise"
    assert cluster_of("inter", angles)[0] == "noise"
    assert cluster_of("unassigned", angles)[0] == "unassigned"


@given(st.sampled_from([(kind, name) for kind, found in CENTRES.items() for name in found]))
def test_every_centre_is_its_own_cluster_at_distance_zero(place):
    kind, name = place
    assert cluster_of(kind, CENTRES[kind][name]) == (name, pytest.approx(0.0, abs=1e-9))


angle = st.floats(-180, 180)


@given(st.tuples(*[angle] * 7), st.tuples(*[angle] * 7), st.integers(-3, 3))
def test_the_dihedral_distance_is_a_bounded_symmetric_periodic_measure(first, second, turns):
    distance = cluster_distance(first, second)
    assert -1e-12 <= distance <= 4.0 + 1e-12
    assert cluster_distance(second, first) == pytest.approx(distance, abs=1e-9)
    turned = tuple(value + 360.0 * turns for value in first)
    assert cluster_distance(turned, second) == pytest.approx(distance, abs=1e-9)


def test_an_unknown_angle_leaves_the_cluster_unassigned():
    angles = (float("nan"), *KINCORE_BLAMINUS["1OL5"][1:])
    assert cluster_of("in", angles)[0] == "unassigned"


@pytest.mark.parametrize(
    ("gaps", "state"),
    [
        ((3.59, 3.51, 3.91), "assembled"),  # 1OL5, Spine-in by Kincore
        ((8.1, 8.7, 4.1), "broken"),
        ((float("nan"), 3.5, 3.9), "unassigned"),
        ((float("nan"), 8.7, 3.9), "broken"),
    ],
)
def test_the_spine_is_broken_by_one_gap_and_unassigned_without_all(gaps, state):
    assert classify_spine(np.array(gaps)[:, None]) == [state]


def test_the_active_and_the_imatinib_model_are_in_the_clusters_of_modi_and_dunbrack():
    shapes = {
        state: classify_state(reference_model(PACK, state)[0], PACK.landmarks)
        for state in ("kinase-dfg-in", "kinase-dfg-out")
    }
    active, inactive = shapes["kinase-dfg-in"], shapes["kinase-dfg-out"]
    assert (active.dfg_cluster, active.spine, active.activity) == ("BLAminus", "assembled", "active")
    assert (inactive.dfg_cluster, inactive.spine, inactive.activity) == ("BBAminus", "broken", "inactive")
    assert (active.loop_n_terminal, inactive.loop_n_terminal) == ("in", "out")
    assert active.sh2_position == inactive.sh2_position == "not modelled"


def test_the_closed_assembly_has_sh2_on_the_c_lobe_and_sh3_on_the_linker():
    shape = classify_state(reference_model(PACK, "closed-dfg-out")[0], PACK.landmarks)
    assert (shape.sh2_position, shape.sh3_linker) == ("on the C-lobe", "docked")
    assert shape.sh2_to_c_lobe_angstrom < shape.sh2_to_n_lobe_angstrom


def test_an_sh3_moved_away_is_apart_and_an_sh2_moved_away_too():
    atoms = reference_model(PACK, "closed-dfg-out")[0].copy()
    atoms.coord[atoms.res_id < 122] += np.float32(40.0)
    assert classify_state(atoms, PACK.landmarks).sh3_linker == "apart"
    moved = reference_model(PACK, "closed-dfg-out")[0].copy()
    sh2 = (moved.res_id >= 127) & (moved.res_id <= 217)
    centre = moved.coord[moved.res_id > 241].mean(axis=0)
    away = moved.coord[sh2].mean(axis=0) - centre
    moved.coord[sh2] += (away / np.linalg.norm(away) * 30).astype(np.float32)
    assert classify_state(moved, PACK.landmarks).sh2_position == "apart"


def test_src_as_a_pack_of_data_is_classified_by_its_own_landmarks():
    pack = load_target("src")
    found = [
        classify_state(reference_model(pack, state)[0], pack.landmarks) for state in available_states(pack)
    ]
    assert found
    assert all("unassigned" not in (shape.dfg, shape.helix_c, shape.spine, shape.activity) for shape in found)


def numbers(shape):
    fields = shape.model_dump(exclude={"notes"})
    flat = []
    for value in fields.values():
        flat += list(value) if isinstance(value, tuple | list) else [value]
    return [value for value in flat if isinstance(value, float)]


def classes(shape):
    return [value for value in shape.model_dump(exclude={"notes"}).values() if isinstance(value, str)]


CLOSED = reference_model(PACK, "closed-dfg-out")[0]
CLOSED = CLOSED[CLOSED.element != "H"]
MEASURED = classify_state(CLOSED, PACK.landmarks)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(-3, 3), min_size=4, max_size=4).filter(lambda q: sum(x * x for x in q) > 0.1),
    st.lists(st.floats(-80, 80), min_size=3, max_size=3),
)
def test_no_measurement_depends_on_where_the_molecule_lies(quaternion, shift):
    w, x, y, z = np.array(quaternion) / np.linalg.norm(quaternion)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    moved = CLOSED.copy()
    moved.coord = (CLOSED.coord @ rotation.T + np.array(shift)).astype(np.float32)
    shape = classify_state(moved, PACK.landmarks)
    assert classes(shape) == classes(MEASURED)
    assert np.allclose(numbers(shape), numbers(MEASURED), atol=0.02)


def test_hydrogens_and_the_order_of_residues_change_nothing():
    whole = reference_model(PACK, "closed-dfg-out")[0]
    assert classify_state(whole, PACK.landmarks) == MEASURED
    backwards = np.argsort(-CLOSED.res_id, kind="stable")
    assert classes(classify_state(CLOSED[backwards], PACK.landmarks)) == classes(MEASURED)


def test_the_mirror_image_turns_the_signed_angles_round():
    mirrored = CLOSED.copy()
    mirrored.coord[:, 0] *= -1
    shape = classify_state(mirrored, PACK.landmarks)
    assert shape.dfg_d1_angstrom == pytest.approx(MEASURED.dfg_d1_angstrom, abs=1e-3)
    assert shape.dfg_dihedrals_degrees == pytest.approx(
        [-angle for angle in MEASURED.dfg_dihedrals_degrees], abs=0.01
    )
    assert shape.helix_c_rotation_degrees == pytest.approx(-MEASURED.helix_c_rotation_degrees, abs=0.01)


@pytest.mark.parametrize(
    ("residue", "fields"),
    [
        (382, ("dfg", "dfg_cluster")),
        (271, ("dfg", "helix_c", "salt_bridge", "p_loop")),
        (286, ("helix_c", "salt_bridge")),
        (386, ("loop_n_terminal",)),
        (401, ("loop_c_terminal",)),
        (301, ()),
        (250, ("p_loop",)),
    ],
)
def test_what_rests_on_a_missing_residue_is_unassigned_and_its_number_absent(residue, fields):
    shape = classify_state(CLOSED[CLOSED.res_id != residue], PACK.landmarks)
    for field in fields:
        assert getattr(shape, field) == "unassigned", field
    untouched = (
        set(classes_by_name(MEASURED)) - set(fields) - {"spine", "activity", "activation_loop", "dfg_cluster"}
    )
    for field in untouched:
        assert getattr(shape, field) == getattr(MEASURED, field), field


def classes_by_name(shape):
    return {name: value for name, value in shape.model_dump().items() if isinstance(value, str)}


def test_a_record_written_before_these_fields_existed_still_loads():
    old = {
        "dfg_d1_angstrom": 6.6,
        "dfg_d2_angstrom": 14.0,
        "dfg": "in",
        "salt_bridge_271_286_angstrom": 2.9,
        "helix_c": "in",
        "activation_loop": "extended",
    }
    shape = type(MEASURED).model_validate(old)
    assert (shape.dfg_cluster, shape.spine, shape.sh2_position) == (
        "unassigned",
        "unassigned",
        "not modelled",
    )
    assert type(shape).model_validate_json(MEASURED.model_dump_json()) == MEASURED


def test_a_structure_moved_as_a_whole_measures_the_same():
    table = AtomTable(CLOSED)
    elsewhere = CLOSED.copy()
    elsewhere.coord += np.float32(5.0)
    moved = AtomTable(elsewhere)
    assert measure_dihedrals(moved, PACK.landmarks) == pytest.approx(
        measure_dihedrals(table, PACK.landmarks), abs=0.01
    )
    assert np.isnan(table.distance((1, "CA"), (2, "CA")))
    assert np.isnan(table.gap(table.heavy([1]), table.heavy([300])))


def test_landmarks_are_the_residues_that_their_names_say():
    protein, marks = PACK.transcript.protein, PACK.landmarks
    motif = protein[marks.hrd_histidine - 1 : marks.hrd_aspartate]
    assert motif == "HRD"
    assert protein[marks.dfg_phenylalanine - 2 : marks.dfg_phenylalanine + 1] == "DFG"
    assert protein[marks.ape_glutamate - 3 : marks.ape_glutamate] == "APE"
    assert protein[marks.p_loop_glycine - 1 : marks.p_loop_glycine + 5] == "GGGQYG"
    assert protein[marks.beta3_lysine - 1] + protein[marks.helix_c_glutamate - 1] == "KE"
    spine = {marks.hrd_histidine, marks.dfg_phenylalanine, marks.helix_c_plus_four, marks.spine_beta4}
    assert spine < set(PACK.region("regulatory_spine").members())
    assert all(protein[number - 1] == "P" for number in marks.regulatory.linker_prolines)
    for stretch, region in (("sh2", "sh2"), ("n_lobe", "n_lobe"), ("c_lobe", "c_lobe")):
        found = PACK.region(region)
        assert getattr(marks.regulatory, stretch) == (found.start, found.end)


def test_every_label_of_the_literature_cites_a_source_of_its_table():
    literature = literature_of(PACK)
    assert literature.labels
    assert all(label.source in literature.sources and label.stated() for label in literature.labels)


def test_a_label_that_the_measurement_contradicts_is_said_with_numbers():
    shape = MEASURED.model_copy(update={"dfg": "out", "dfg_d1_angstrom": 11.5, "dfg_d2_angstrom": 10.1})
    comparison = next(c for c in compare_labels(PACK, "3ue4", "A", shape) if c.aspect == "dfg")
    assert comparison.outcome == "differs"
    words = label_line(comparison)
    assert "called DFG-in (Lewandowski" in words
    assert "measures DFG-out: D1 11.5" in words
    assert "borderline" in words


# entry, chain: cluster, helix C, loop, activity, SH2. The papers' labels: 2G1T the Src-like inactive form
# (Levinson 2006; BLBplus is that form's cluster, Modi & Dunbrack 2019), 2GQG active (Tokarski 2006), 1IEP and
# 2HYY imatinib's, 1OPK and 2FO0 closed (Nagar 2003, 2006), 4XEY with SH2 on the N-lobe (Lorenz 2015).
PUBLISHED = {
    ("2GQG", "A"): ("BLAminus", "in", "extended", "active", "not modelled"),
    ("2V7A", "A"): ("BLAminus", "in", "extended", "active", "not modelled"),
    ("2HYY", "A"): ("BBAminus", "in", "folded", "inactive", "not modelled"),
    ("1IEP", "A"): ("BBAminus", "in", "folded", "inactive", "not modelled"),
    ("2G1T", "A"): ("BLBplus", "out", "intermediate", "inactive", "not modelled"),
    ("1OPK", "A"): ("noise", "in", "intermediate", "inactive", "on the C-lobe"),
    ("2FO0", "A"): ("noise", "in", "intermediate", "inactive", "on the C-lobe"),
    ("1OPL", "B"): ("noise", "in", "intermediate", "inactive", "on the N-lobe"),
    ("4XEY", "B"): ("BABtrans", "in", "intermediate", "inactive", "on the N-lobe"),
}


@NEEDS_MIRROR
def test_crystals_measure_what_their_papers_say():
    codes = tuple(sorted({code.lower() for code, _ in PUBLISHED}))
    found = {(item.entry, item.chain): item.geometry for item in classify_entries(PdbSource(), PACK, codes)}
    for key, expected in PUBLISHED.items():
        shape = found[key]
        measured = (
            shape.dfg_cluster, shape.helix_c, shape.activation_loop, shape.activity, shape.sh2_position,
        )  # fmt: skip
        assert measured == expected, key
    turned = found["2G1T", "A"].helix_c_rotation_degrees - found["2GQG", "A"].helix_c_rotation_degrees
    assert turned > 25.0
    assert found["1OPK", "A"].sh3_linker == "docked"
    assert (found["2HYY", "A"].p_loop, found["2V7A", "A"].p_loop) == ("kinked", "stretched")

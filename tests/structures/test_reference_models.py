"""The shipped models: human, complete, protonated, unstrained, of the conformation their name says."""

from __future__ import annotations

import os

import numpy as np
import pytest

from factories.net_charge import net_charge
from kinscope.core.errors import BadInputError, StructureError
from kinscope.core.residues import one_letter
from kinscope.interpretation.words.structures import check_text
from kinscope.structures.checks.model import check_model
from kinscope.structures.conformation.classify import classify_state
from kinscope.structures.io import to_openmm
from kinscope.structures.reference.build import available_states, reference_model
from kinscope.structures.reference.recipes import load_recipes
from kinscope.structures.superposition import superpose
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target

PACK = load_target("abl1")
STATES = [state.id for state in PACK.states]


@pytest.fixture(scope="module", params=STATES)
def shipped(request):
    return request.param, *reference_model(PACK, request.param)


def residue_names(atoms):
    return {int(n): str(name) for n, name in zip(atoms.res_id, atoms.res_name, strict=True)}


def test_every_state_of_the_pack_ships():
    assert available_states(PACK) == tuple(STATES)
    assert {"kinase-dfg-in", "kinase-dfg-out", "closed-dfg-out"} <= set(STATES)


def test_the_sequence_is_the_human_one_over_the_whole_range(shipped):
    state_id, atoms, record = shipped
    state = PACK.state(state_id)
    names = residue_names(atoms)
    assert names.pop(state.first_residue - 1) == "ACE"
    assert names.pop(state.last_residue + 1) == "NME"
    assert list(names) == list(range(state.first_residue, state.last_residue + 1))
    letters = "".join("Y" if name == "PTR" else one_letter(name) for name in names.values())
    assert letters == PACK.transcript.protein[state.first_residue - 1 : state.last_residue]
    assert (record.first_residue, record.last_residue) == (state.first_residue, state.last_residue)


def test_engineered_mouse_and_modified_residues_are_human_again(shipped):
    state_id, atoms, _ = shipped
    names = residue_names(atoms)
    assert names[363] == "ASP"
    assert names[336] == "ASN"
    assert names[315] == "THR"
    assert names[393] == ("PTR" if "ptr393" in state_id else "TYR")
    assert names[396] == "HIS"
    assert names[404] == "LYS"


def test_ff14sb_knows_every_residue_and_the_charge_is_whole(shipped):
    from openmm import NonbondedForce, unit

    from kinscope.structures.forcefield.system import create_system

    atoms = shipped[1]
    topology, _ = to_openmm(atoms)
    system = create_system(topology, implicit_solvent=False)
    force = next(f for f in system.getForces() if isinstance(f, NonbondedForce))
    charges = [
        force.getParticleParameters(i)[0].value_in_unit(unit.elementary_charge) for i in range(len(atoms))
    ]
    assert sum(charges) == pytest.approx(net_charge(atoms), abs=1e-3)


def test_the_model_is_at_a_minimum_of_its_energy_but_for_weak_restraints(shipped):
    from openmm import Context, VerletIntegrator, unit

    from kinscope.structures.forcefield.system import cpu_platform, create_system

    topology, positions = to_openmm(shipped[1])
    platform, properties = cpu_platform()
    context = Context(create_system(topology, cutoff_nm=None), VerletIntegrator(0.001), platform, properties)
    context.setPositions(positions)
    forces = context.getState(getForces=True).getForces(asNumpy=True)
    per_degree = np.asarray(forces.value_in_unit(unit.kilocalorie_per_mole / unit.angstrom))
    # The model was relaxed around a ligand that it does not hold: what lines the pockets leans on it.
    state_id, pack = shipped[0], load_target("abl1")
    lining = {*pack.region("atp_site").members(), *pack.region("myristate_pocket").members()}
    elsewhere = ~np.isin(shipped[1].res_id, list(lining))
    bound = 0.12 if load_recipes(pack)[state_id].relaxation == "full" else 0.3
    assert np.sqrt((per_degree[elsewhere] ** 2).mean()) < bound


def test_the_checks_pass(shipped):
    state_id, atoms, record = shipped
    check = check_model(atoms, record, None, PACK, name=state_id)
    assert check.passed, check_text(check)
    assert check_text(check).startswith(f"{state_id} (ABL1): passes")


def test_the_conformation_is_the_one_of_the_name(shipped):
    state_id, atoms, _ = shipped
    shape = classify_state(atoms, PACK.landmarks)
    state = PACK.state(state_id)
    assert not state.dfg or shape.dfg == state.dfg
    for label in ("in", "out", "inter"):
        if state_id.partition("dfg-")[2].split("-")[0] == label:
            assert shape.dfg == label
    if state_id not in ("kinase-src-like", "kinase-dfg-inter"):
        assert shape.helix_c == "in"
        assert shape.salt_bridge_271_286_angstrom < 3.6
    assert np.isfinite([shape.dfg_d1_angstrom, shape.dfg_d2_angstrom]).all()


def test_the_kinase_domain_states_show_the_two_loops():
    loops = {
        state: classify_state(reference_model(PACK, state)[0], PACK.landmarks).activation_loop
        for state in ("kinase-dfg-in", "kinase-dfg-out")
    }
    assert loops == {"kinase-dfg-in": "extended", "kinase-dfg-out": "folded"}


def test_proline_310_is_cis_as_in_every_good_crystal(shipped):
    state_id, atoms, record = shipped
    check = check_model(atoms, record, None, PACK, name=state_id)
    cis = next(item for item in check.items if item.name == "cis prolines")
    assert "Pro310" in cis.value


def test_every_residue_has_an_origin(shipped):
    _, _, record = shipped
    assert [origin.residue for origin in record.origins] == list(
        range(record.first_residue, record.last_residue + 1)
    )
    assert all(origin.entry or origin.origin == "built" for origin in record.origins)
    assert record.variant == "native"
    assert all(f"His{n}" in record.protonation for n in (246, 295, 361, 375, 396, 490))


def test_the_two_kinase_domain_states_cover_the_same_atoms():
    first = reference_model(PACK, "kinase-dfg-in")[0]
    second = reference_model(PACK, "kinase-dfg-out")[0]
    heavy = [
        [
            (int(n), str(name))
            for n, name, element in zip(atoms.res_id, atoms.atom_name, atoms.element, strict=True)
            if element != "H"
        ]
        for atoms in (first, second)
    ]
    assert heavy[0] == heavy[1]


def test_a_damaged_model_fails_its_checks(shipped):
    _, atoms, record = shipped
    broken = atoms.copy()
    broken.coord[(broken.res_id == 300) & (broken.atom_name == "CB")] += np.float32(2.5)
    assert not check_model(broken, record, None, PACK).passed
    mirrored = atoms.copy()
    mirrored.coord[:, 0] *= -1
    inverted = next(
        i for i in check_model(mirrored, record, None, PACK).items if i.name == "inverted centres"
    )
    assert not inverted.passed
    assert not check_model(atoms[atoms.res_id != 320], record, None, PACK).passed


def test_an_unknown_state_is_refused_and_an_absent_model_says_how_to_build_it(tmp_path):
    with pytest.raises(BadInputError, match="no state"):
        reference_model(PACK, "kinase-dfg-sideways")
    with pytest.raises(StructureError, match="has not been built") as caught:
        reference_model(PACK, "kinase-dfg-in", tmp_path)
    assert "kinscope models build --state kinase-dfg-in" in caught.value.remedy


@pytest.mark.skipif(not os.environ.get("KINSCOPE_PDB_MIRROR"), reason="needs a mirror of wwPDB entries")
def test_models_stay_near_their_crystals(shipped):
    state_id, atoms, record = shipped
    check = check_model(atoms, record, PdbSource(), PACK, name=state_id)
    assert check.passed, check_text(check)
    largest = max(check.crystals, key=lambda crystal: crystal.residues)
    assert largest.backbone_rmsd_angstrom < 0.5


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("KINSCOPE_PDB_MIRROR"), reason="needs a mirror of wwPDB entries")
def test_a_model_can_be_rebuilt(tmp_path):
    from kinscope.docking.relaxed.mechanics import parametriser
    from kinscope.structures.reference.build import build_model

    build_model(PACK, "kinase-dfg-in", PdbSource(), tmp_path, parametrise=parametriser(PACK))
    built, record = reference_model(PACK, "kinase-dfg-in", tmp_path)
    shipped, shipped_record = reference_model(PACK, "kinase-dfg-in")
    assert superpose(built, shipped).rmsd_angstrom < 0.1
    assert record.protonation == shipped_record.protonation
    came_from, ships = (
        [(origin.residue, origin.origin, origin.entry) for origin in side.origins]
        for side in (record, shipped_record)
    )
    assert came_from == ships


def test_asp381_is_protonated_only_where_it_is_buried():
    """2FO0 holds its carboxylate against the carbonyl of Val299; the two kinase-domain models do not."""
    protonated = {}
    for state in ("kinase-dfg-in", "kinase-dfg-out", "closed-dfg-out"):
        atoms = reference_model(PACK, state)[0]
        here = set(atoms.atom_name[atoms.res_id == 381])
        protonated[state] = "HD2" in here or "HD1" in here
    assert protonated == {"kinase-dfg-in": False, "kinase-dfg-out": False, "closed-dfg-out": True}

"""The states beyond the first three: what crystals show of each, and what was done where they show nothing.

Positions of domains are compared with the crystals' own, measured on wwPDB files and written here as
constants; the tests that measure them again need a mirror.
"""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest

from factories.net_charge import net_charge
from kinscope.interpretation.words.say import say
from kinscope.structures.completion.hydrogens import add_hydrogens
from kinscope.structures.conformation.classify import classify_state
from kinscope.structures.reference.assembly import assemble, joints_of
from kinscope.structures.reference.build import available_states, reference_model
from kinscope.structures.reference.recipes import load_recipes
from kinscope.structures.stereochemistry import backbone_table, dihedrals, heavy_atom_overlaps, phi_psi
from kinscope.structures.superposition import superpose
from kinscope.structures.wwpdb.entries import read_chain
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target

PACK = load_target("abl1")
RECIPES = load_recipes(PACK)
SHIPPED = set(available_states(PACK))

OPEN_SH2_TO_N_LOBE, OPEN_SH2_TO_C_LOBE = 26.8, 48.3
"""Angstrom between the mean CA of 122-218 and of 242-315, and of 320-495, in 4XEY:B (1OPL:B: 26.7, 49.2)."""
CLOSED_SH2_TO_N_LOBE, CLOSED_SH2_TO_C_LOBE = 42.5, 34.4
"""The same in 2FO0:A."""
SH2, N_LOBE, C_LOBE = (122, 218), (242, 315), (320, 495)

needs_mirror = pytest.mark.skipif(
    not os.environ.get("KINSCOPE_PDB_MIRROR"), reason="needs a mirror of wwPDB entries"
)


@cache
def shipped(state):
    return reference_model(PACK, state)


def model_of(state):
    return shipped(state)[0]


def centre(atoms, stretch):
    first, last = stretch
    chosen = (atoms.atom_name == "CA") & (atoms.res_id >= first) & (atoms.res_id <= last)
    return atoms.coord[chosen].astype(float).mean(axis=0)


def apart(atoms, one, other):
    return float(np.linalg.norm(centre(atoms, one) - centre(atoms, other)))


def test_every_state_has_a_recipe_and_every_recipe_a_state():
    assert set(RECIPES) == {state.id for state in PACK.states} == SHIPPED


def test_parts_of_recipes_lie_within_their_states():
    for state_id, recipe in RECIPES.items():
        state = PACK.state(state_id)
        for part in (recipe.base, *recipe.grafts, *recipe.placements, *recipe.built):
            assert state.first_residue <= part.first_residue <= part.last_residue <= state.last_residue
            assert getattr(part, "reason", "x")


def test_a_study_takes_three_states_always_and_two_more_when_thorough():
    always = {state.id for state in PACK.states if state.studied == "always"}
    thorough = {state.id for state in PACK.states if state.studied == "thorough"}
    assert always == {"kinase-dfg-in", "kinase-dfg-out", "closed-dfg-out"}
    assert thorough == {"closed-dfg-in", "open-dfg-in"}


def test_the_measured_class_is_the_one_that_the_pack_demands():
    for state in PACK.states:
        if state.dfg:
            shape = classify_state(model_of(state.id), PACK.landmarks)
            assert shape.dfg == state.dfg, state.id


def test_recorded_origins_are_those_of_the_recipe():
    for state_id, recipe in RECIPES.items():
        record = shipped(state_id)[1]
        origin = {item.residue: item for item in record.origins}
        for part in (*recipe.grafts, *recipe.placements):
            inside = [origin[n] for n in range(part.first_residue, part.last_residue + 1)]
            assert {item.entry for item in inside} == {part.label}
        for stretch in recipe.built:
            inside = [origin[n] for n in range(stretch.first_residue, stretch.last_residue + 1)]
            assert all(item.origin == "built" and not item.entry and item.note for item in inside)


class TestOpen:
    """SH2 on the N-lobe, as 4XEY:B and 1OPL:B have it."""

    def test_sh2_stands_on_the_n_lobe(self):
        atoms = model_of("open-dfg-in")
        assert apart(atoms, SH2, N_LOBE) == pytest.approx(OPEN_SH2_TO_N_LOBE, abs=1.5)
        assert apart(atoms, SH2, C_LOBE) == pytest.approx(OPEN_SH2_TO_C_LOBE, abs=2.5)

    def test_ile145_of_sh2_meets_the_beta_sheet_of_the_n_lobe(self):
        """Ile164 in isoform 1b: I164E breaks this interface (Filippakopoulos et al., Cell 2008, 134, 793)."""
        atoms = model_of("open-dfg-in")
        ile = atoms.coord[(atoms.res_id == 145) & np.isin(atoms.atom_name, ("CB", "CG1", "CG2", "CD1"))]
        sheet = atoms.coord[np.isin(atoms.res_id, (272, 310, 312)) & (atoms.element != "H")]
        assert np.linalg.norm(ile[:, None] - sheet[None], axis=-1).min() < 4.5

    def test_the_kinase_is_active(self):
        shape = classify_state(model_of("open-dfg-in"), PACK.landmarks)
        assert (shape.dfg, shape.helix_c, shape.activation_loop) == ("in", "in", "extended")

    def test_the_linker_is_built_whole_and_joined(self):
        atoms, record = shipped("open-dfg-in")
        (stretch,) = RECIPES["open-dfg-in"].built
        assert (stretch.first_residue, stretch.last_residue) == (219, 232)
        for _, length, turn in joints_of(atoms, stretch):
            assert length == pytest.approx(1.34, abs=0.04)
            assert abs(turn) > 150.0
        part = atoms[(atoms.res_id >= 215) & (atoms.res_id <= 236)]
        table = backbone_table(part)
        gaps = np.linalg.norm(table.positions["C"][:-1] - table.positions["N"][1:], axis=1)
        assert gaps == pytest.approx(np.full(21, 1.34), abs=0.04)
        assert any("possible conformations" in say(step) for step in record.method)

    def test_the_linker_runs_through_nothing(self):
        overlaps = heavy_atom_overlaps(model_of("open-dfg-in"))
        inside = {str(number) for number in range(219, 233)}
        touching = [pair for pair in overlaps if any(name.split()[0][3:] in inside for name in pair[:2])]
        assert touching == []


class TestClosed:
    """SH3 and SH2 behind the kinase, as 2FO0 has them."""

    @pytest.mark.parametrize("state", sorted(state for state in SHIPPED if state.startswith("closed")))
    def test_sh2_stands_on_the_c_lobe(self, state):
        atoms = model_of(state)
        assert apart(atoms, SH2, N_LOBE) == pytest.approx(CLOSED_SH2_TO_N_LOBE, abs=1.5)
        assert apart(atoms, SH2, C_LOBE) == pytest.approx(CLOSED_SH2_TO_C_LOBE, abs=1.5)

    @pytest.mark.parametrize("state", sorted(state for state in SHIPPED if state.startswith("closed")))
    def test_helix_i_is_bent_towards_sh2(self, state):
        """From CA 485 to CA 511: 32.7-33.1 angstrom in closed crystals, 38.5 and 39.4 in straight ones."""
        atoms = model_of(state)
        ends = [atoms.coord[(atoms.res_id == n) & (atoms.atom_name == "CA")][0] for n in (485, 511)]
        assert np.linalg.norm(ends[0] - ends[1]) == pytest.approx(33.0, abs=1.0)

    def test_the_loops_are_those_asked_for(self):
        loops = {
            state: classify_state(model_of(state), PACK.landmarks).activation_loop
            for state in ("closed-dfg-in", "closed-dfg-out-folded", "closed-1opl-3cs9")
        }
        assert loops["closed-dfg-in"] in ("extended", "intermediate")
        assert loops["closed-dfg-out-folded"] == loops["closed-1opl-3cs9"] == "folded"

    def test_the_papers_extended_loop_is_not_called_dfg_in(self):
        """3UE4, called DFG-in in the study of Lys404, measures out; so does its loop on 1OPL."""
        state = PACK.state("closed-1opl-3ue4")
        assert state.dfg == "out"
        assert "dfg-in" not in state.id
        shape = classify_state(model_of(state.id), PACK.landmarks)
        assert shape.dfg_d1_angstrom > 11.5
        assert shape.activation_loop == "intermediate"


class TestIntermediate:
    """States between active and DFG-out that crystals show."""

    def test_the_src_like_state_has_helix_c_out(self):
        shape = classify_state(model_of("kinase-src-like"), PACK.landmarks)
        assert (shape.dfg, shape.helix_c) == ("in", "out")
        assert shape.salt_bridge_271_286_angstrom > 10.0

    def test_the_inter_state_has_its_bridge_open_and_histidine_396(self):
        atoms, record = shipped("kinase-dfg-inter")
        shape = classify_state(atoms, PACK.landmarks)
        assert shape.dfg == "inter"
        assert 7.0 < shape.salt_bridge_271_286_angstrom < 10.0
        assert set(atoms.res_name[atoms.res_id == 396]) == {"HIS"}
        (origin,) = [item for item in record.origins if item.residue == 396]
        assert origin.origin == "substituted"


class TestPhosphotyrosine:
    """Phosphotyrosine 393: parameters, hydrogens, charge, and its two partners."""

    @pytest.fixture(scope="class")
    def atoms(self):
        return model_of("kinase-dfg-in-ptr393")

    def test_it_carries_two_charges_and_no_proton_on_its_phosphate(self, atoms):
        names = set(atoms.atom_name[atoms.res_id == 393])
        assert {"P", "O1P", "O2P", "O3P"} <= names
        assert not {name for name in names if name.startswith("H") and "P" in name}
        plain = model_of("kinase-dfg-in")
        assert net_charge(atoms) == net_charge(plain) - 2

    def test_the_force_field_agrees_on_the_charge(self, atoms):
        from openmm import NonbondedForce, unit

        from kinscope.structures.forcefield.system import create_system
        from kinscope.structures.io import to_openmm

        system = create_system(to_openmm(atoms)[0], implicit_solvent=False)
        force = next(f for f in system.getForces() if isinstance(f, NonbondedForce))
        total = sum(
            force.getParticleParameters(row)[0].value_in_unit(unit.elementary_charge)
            for row in range(len(atoms))
        )
        assert total == pytest.approx(net_charge(atoms), abs=1e-3)

    def test_the_phosphate_is_a_phosphate(self, atoms):
        """P-O 1.48-1.53 and P-O(aryl) 1.59-1.65 angstrom in phenyl phosphates; the ring is flat."""
        at = {
            str(name): coord.astype(float)
            for name, coord in zip(
                atoms.atom_name[atoms.res_id == 393], atoms.coord[atoms.res_id == 393], strict=True
            )
        }
        for oxygen in ("O1P", "O2P", "O3P"):
            assert np.linalg.norm(at["P"] - at[oxygen]) == pytest.approx(1.50, abs=0.03)
        assert np.linalg.norm(at["P"] - at["OH"]) == pytest.approx(1.61, abs=0.04)
        turn = dihedrals(*(at[name][None] for name in ("CG", "CD1", "CE1", "CZ")))[0]
        assert abs(turn) < 8.0

    def test_it_meets_arg386_as_in_2v7a(self, atoms):
        oxygens = atoms.coord[(atoms.res_id == 393) & np.isin(atoms.atom_name, ("O1P", "O2P", "O3P"))]
        guanidinium = atoms.coord[(atoms.res_id == 386) & np.isin(atoms.atom_name, ("NE", "NH1", "NH2"))]
        assert np.linalg.norm(oxygens[:, None] - guanidinium[None], axis=-1).min() < 3.6

    def test_its_neighbour_can_be_substituted(self):
        from kinscope.structures.mutants.build import build_mutant
        from kinscope.structures.mutants.settings import MutationSettings

        atoms, record = shipped("kinase-dfg-in-ptr393")
        quick = MutationSettings(candidates=1, backrub_degrees=(), final_iterations=30)
        mutant = build_mutant(atoms, record, [(394, "A")], quick, 1)[0].atoms
        assert set(mutant.res_name[mutant.res_id == 394]) == {"ALA"}
        assert net_charge(mutant) == net_charge(atoms)
        assert heavy_atom_overlaps(mutant) == ()

    def test_hydrogens_go_on_again(self, atoms):
        part = atoms[(atoms.res_id >= 390) & (atoms.res_id <= 396)]
        from kinscope.structures.completion.heavy_atoms import cap_ends

        bare = part[part.element != "H"]
        again = add_hydrogens(cap_ends(bare), {396: "HIE"})
        assert set(again.atom_name[again.res_id == 393]) == set(part.atom_name[part.res_id == 393])


@needs_mirror
class TestCrystals:
    """What the choices of crystals rest on, measured on the entries again."""

    @pytest.fixture(scope="class")
    def source(self):
        return PdbSource()

    @pytest.mark.parametrize(
        ("label", "n_lobe", "c_lobe"),
        [("4XEY:B", 26.8, 48.3), ("1OPL:B", 26.7, 49.2), ("2FO0:A", 42.5, 34.4), ("5MO4:A", 41.5, 33.2)],
    )
    def test_where_sh2_stands(self, source, label, n_lobe, c_lobe):
        code, _, chain = label.partition(":")
        atoms = read_chain(source, code, chain, PACK)
        assert apart(atoms, SH2, N_LOBE) == pytest.approx(n_lobe, abs=1.0)
        assert apart(atoms, SH2, C_LOBE) == pytest.approx(c_lobe, abs=1.0)

    @pytest.mark.parametrize("label", ["2HZI:A", "1IEP:A", "2Z60:A", "3OXZ:A", "2G1T:C", "1OPL:B"])
    def test_a_straight_helix_i_runs_into_sh2_of_the_closed_form(self, source, label):
        """Every chain without a ligand in the myristate pocket: over a hundred pairs below 3 angstrom."""
        code, _, chain = label.partition(":")
        closed = read_chain(source, "2FO0", "A", PACK)
        other = read_chain(source, code, chain, PACK)
        laid = superpose(other, closed, range(450, 487)).applied_to(other)
        helix, sh2 = laid[laid.res_id >= 490], closed[closed.res_id <= 232]
        gaps = np.linalg.norm(helix.coord[:, None] - sh2.coord[None], axis=-1)
        assert (gaps < 3.0).sum() > 100

    @pytest.mark.parametrize(
        ("base", "donor", "nearest"),
        [
            ("2FO0", "1OPJ", 1.2), ("1OPL", "1OPJ", 1.6), ("1OPK", "1OPJ", 1.5), ("5MO4", "1OPJ", 3.8),
            ("2FO0", "3CS9", 0.9), ("1OPL", "3CS9", 1.3), ("1OPK", "3CS9", 1.2), ("5MO4", "3CS9", 3.6),
        ],
    )  # fmt: skip
    def test_only_5mo4_has_room_for_the_folded_loop(self, source, base, donor, nearest):
        """Phe382 of a folded loop meets Tyr253 of the P-loop of 2FO0 and 1OPL: their lobes are closer."""
        closed = read_chain(source, base, "A", PACK)
        folded = read_chain(source, donor, "A", PACK)
        laid = superpose(folded, closed, [*range(373, 379), *range(404, 410)]).applied_to(folded)
        phe, tyr = laid[laid.res_id == 382], closed[closed.res_id == 253]
        gaps = np.linalg.norm(phe.coord[:, None] - tyr.coord[None], axis=-1)
        assert gaps.min() == pytest.approx(nearest, abs=0.15)

    def test_1opl_is_1opk_at_lower_resolution(self, source):
        one, other = (read_chain(source, code, "A", PACK) for code in ("1OPL", "1OPK"))
        assert superpose(one, other, range(242, 316)).rmsd_angstrom < 0.01
        assert superpose(one, other, range(121, 219)).rmsd_angstrom < 0.1
        assert superpose(one, other, range(64, 512)).rmsd_angstrom == pytest.approx(0.39, abs=0.02)

    @pytest.mark.parametrize("state", sorted(RECIPES))
    def test_an_assembly_overlaps_little_before_it_is_relaxed(self, source, state):
        found = assemble(PACK, RECIPES[state], source)
        backbone = {"N", "CA", "C", "O", "CB"}
        hard = [
            pair
            for pair in heavy_atom_overlaps(found.atoms)
            if {pair[0].split()[1], pair[1].split()[1]} <= backbone
        ]
        assert hard == []

    def test_the_phi_of_residue_396_suits_a_histidine(self, source):
        """H396P relieves a strained phi; in 2G2H:A, reverted, phi stays within what proline has."""
        table = backbone_table(read_chain(source, "2G2H", "A", PACK))
        phi = phi_psi(table)[0][list(table.residues).index(396) - 1]
        assert -110.0 < phi < -40.0

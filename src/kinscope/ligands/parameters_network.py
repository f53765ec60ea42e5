"""A second opinion on charges: OpenFF's graph network for AM1-BCC, read and run with numpy alone.

The network (openff-gnn-am1bcc 1.0.0, Open Force Field NAGL) was trained on AM1-BCC ELF10 charges of another
program than AmberTools, so it knows nothing of how antechamber chooses bond types. Its weights come with the
package ``openff-nagl-models`` (CC-BY-4.0); the file is a zip of arrays beside a pickle, which is read here by
an unpickler that knows no class but the ones below and calls nothing.
"""

from __future__ import annotations

import collections
import pickle
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError, LigandError

Mol = Any
FloatArray = NDArray[np.float64]

MODEL = "openff-gnn-am1bcc-1.0.0"
_FILE = f"models/am1bcc/{MODEL}.pt"
_ELEMENTS = ("C", "O", "H", "N", "S", "F", "Br", "Cl", "I", "P")
_CONNECTIVITY = 7
_RINGS = (3, 4, 5, 6)
_FEATURES = len(_ELEMENTS) + _CONNECTIVITY + 1 + len(_RINGS)
_LAYERS = 6
_MAXIMUM_BYTES = 200_000_000
_MAXIMUM_RESONANCE_FORMS = 200


@dataclass(frozen=True)
class ChargeNetwork:
    """Weights of the network."""

    convolutions: tuple[tuple[FloatArray, FloatArray, FloatArray], ...]
    """Of each layer: weights of the neighbours' mean, of the atom itself, and biases."""
    hidden: tuple[FloatArray, FloatArray]
    last: tuple[FloatArray, FloatArray]

    def charges(self, molecule: Mol) -> FloatArray:
        """Charges (n_atoms) in e of a molecule with all hydrogens; they add up to its formal charge.

        GraphSAGE layers with the mean as aggregator (Hamilton et al., NeurIPS 2017), then prior charge,
        electronegativity and hardness of each atom, and charges that equalise the electronegativity
        (Gilson et al., J. Chem. Inf. Comput. Sci. 2003, 43, 1982; Wang et al., arXiv:1909.07903, eq. 15).

        Raises
        ------
        LigandError
            For an element that the network was not trained on.
        """
        from rdkit import Chem

        state = features(molecule)
        adjacency = np.asarray(Chem.GetAdjacencyMatrix(molecule), dtype=np.float64)
        mean = adjacency / np.maximum(adjacency.sum(axis=1, keepdims=True), 1.0)
        for neighbours, own, bias in self.convolutions:
            state = np.maximum(state @ own.T + bias + mean @ state @ neighbours.T, 0.0)
        hidden = 1.0 / (1.0 + np.exp(-(state @ self.hidden[0].T + self.hidden[1])))
        prior, electronegativity, hardness = (hidden @ self.last[0].T + self.last[1]).T
        softness = 1.0 / hardness
        total = float(Chem.GetFormalCharge(molecule))
        excess = (prior.sum() - total - (electronegativity * softness).sum()) / softness.sum()
        found: FloatArray = prior - electronegativity * softness - softness * excess
        return found


def features(molecule: Mol) -> FloatArray:
    """What the network sees of each atom (n_atoms, 22): element, bonds, averaged formal charge, rings."""
    rows = np.zeros((molecule.GetNumAtoms(), _FEATURES))
    charges = averaged_formal_charges(molecule)
    rings = molecule.GetRingInfo()
    for index, atom in enumerate(molecule.GetAtoms()):
        if atom.GetSymbol() not in _ELEMENTS:
            raise LigandError(
                f"The charge network does not know {atom.GetSymbol()}.", where=f"atom {index + 1}"
            )
        rows[index, _ELEMENTS.index(atom.GetSymbol())] = 1.0
        rows[index, len(_ELEMENTS) + min(atom.GetDegree(), _CONNECTIVITY - 1)] = 1.0
        rows[index, len(_ELEMENTS) + _CONNECTIVITY] = charges[index]
        for place, size in enumerate(_RINGS):
            rows[index, len(_ELEMENTS) + _CONNECTIVITY + 1 + place] = rings.IsAtomInRingOfSize(index, size)
    return rows


def averaged_formal_charges(molecule: Mol) -> FloatArray:
    """Formal charge of each atom (n_atoms), averaged over the resonance forms that share it out."""
    from rdkit import Chem

    own = np.array([atom.GetFormalCharge() for atom in molecule.GetAtoms()], dtype=np.float64)
    if not own.any():
        return own
    forms = [
        [atom.GetFormalCharge() for atom in form.GetAtoms()]
        for form in Chem.ResonanceMolSupplier(molecule, maxStructs=_MAXIMUM_RESONANCE_FORMS)
        if form is not None
    ]
    # Forms that part charges are no alternatives of the one that does not.
    least = min((np.abs(form).sum() for form in forms), default=0)
    kept = [form for form in forms if np.abs(form).sum() == least]
    return np.mean(kept, axis=0, dtype=np.float64) if kept else own


def weights_file() -> Path | None:
    """Where the weights are installed, or None."""
    try:
        spec = find_spec("openff.nagl_models")
    except ModuleNotFoundError:
        return None
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(place) / _FILE
        if path.is_file() and path.stat().st_size < _MAXIMUM_BYTES:
            return path
    return None


def read_network(path: Path) -> ChargeNetwork:
    """The network of a weights file.

    Raises
    ------
    ComputationError
        If the file is not one of this network.
    """
    try:
        arrays = _read_arrays(path)
        layers = []
        for number in range(_LAYERS):
            stem = f"convolution_module.gcn_layers.{number}"
            layers.append(
                (
                    arrays[f"{stem}.fc_neigh.weight"],
                    arrays[f"{stem}.fc_self.weight"],
                    arrays[f"{stem}.fc_self.bias"],
                )
            )
        stem = "readout_modules.am1bcc_charges.readout_layers"
        hidden, last = (
            (arrays[f"{stem}.{place}.weight"], arrays[f"{stem}.{place}.bias"]) for place in (0, 3)
        )
        if layers[0][0].shape[1] != _FEATURES or last[0].shape[0] != 3:
            raise ValueError("the layers have other shapes")
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise ComputationError(
            f"The weights of the charge network cannot be read ({error}).",
            where=str(path),
            remedy="Install openff-nagl-models anew.",
        ) from error
    return ChargeNetwork(tuple(layers), hidden, last)


class _Inert(dict[Any, Any]):
    """Stands for every class of the file that is of no use here; takes whatever it is given, does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        """Forget it."""


@dataclass(frozen=True)
class _Stored:
    key: str
    offset: int
    shape: tuple[int, ...]


def _tensor(storage: str, offset: int, shape: tuple[int, ...], *_: Any) -> _Stored:
    return _Stored(storage, offset, shape)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """No class of the file's own is ever loaded."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        return _Inert

    def persistent_load(self, pid: Any) -> str:
        """The name of a tensor's data in the archive."""
        return str(pid[2])


def _read_arrays(path: Path) -> dict[str, FloatArray]:
    """Every array of the state dictionary, float32 little-endian in the file."""
    with zipfile.ZipFile(path) as archive:
        pickled = next((name for name in archive.namelist() if name.endswith("/data.pkl")), "")
        root = pickled.removesuffix("data.pkl")
        with archive.open(pickled) as handle:
            state = _Unpickler(handle).load()["state_dict"]
        arrays = {}
        for name, stored in state.items():
            raw = np.frombuffer(archive.read(f"{root}data/{stored.key}"), dtype="<f4")
            count = int(np.prod(stored.shape))
            values = raw[stored.offset : stored.offset + count]
            arrays[str(name)] = values.reshape(stored.shape).astype(np.float64)
    return arrays

"""Models to and from mmCIF, biotite arrays and OpenMM."""

from __future__ import annotations

import gzip
import io
import warnings
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.core.errors import StructureError
from kinscope.core.files import write_atomic
from kinscope.results.models import ModelRecord
from kinscope.structures.model import AtomArray
from kinscope.structures.wwpdb.entries import atom_array
from kinscope.structures.wwpdb.source import read_body

_DATA = Path(str(files("kinscope.structures"))) / "data"


@lru_cache(maxsize=1)
def know_phosphotyrosine() -> None:
    """Tell OpenMM the bonds and hydrogens of PTR, which its own tables lack."""
    from openmm import app

    app.Topology.loadBondDefinitions(str(_DATA / "phosphotyrosine_bonds.xml"))
    app.Modeller.loadHydrogenDefinitions(str(_DATA / "phosphotyrosine_hydrogens.xml"))


def read_model(path: Path) -> AtomArray:
    """Read a model of kinscope (mmCIF, gzip allowed) into a biotite AtomArray (n_atoms), angstrom.

    Raises StructureError if the file is missing or is not a readable mmCIF file.
    """
    from biotite.structure.io import pdbx

    body = read_body(path)
    try:
        text = body.decode()
        with warnings.catch_warnings():
            # Our own models carry no formal charges; biotite says so each time and fills in zeros.
            warnings.filterwarnings("ignore", message="Missing 'pdbx_formal_charge'")
            return pdbx.get_structure(pdbx.CIFFile.read(io.StringIO(text)), model=1, extra_fields=["charge"])
    except Exception as error:
        raise StructureError(
            f"This is not an mmCIF file that can be read ({error}).",
            where=str(path),
            remedy="Give a complete mmCIF file.",
        ) from error


def write_model(path: Path, atoms: AtomArray, record: ModelRecord | None = None) -> None:
    """Write a biotite AtomArray (n_atoms) as mmCIF, with each residue's origin where a record is given."""
    from biotite.structure.io import pdbx

    file = pdbx.CIFFile()
    pdbx.set_structure(file, atoms, data_block="kinscope")
    if record is not None:
        file.block["kinscope_residue_origin"] = pdbx.CIFCategory(
            {
                "auth_seq_id": [str(origin.residue) for origin in record.origins],
                "origin": [origin.origin for origin in record.origins],
                "entry": [origin.entry or "?" for origin in record.origins],
                "note": [origin.note or "?" for origin in record.origins],
            }
        )
    buffer = io.StringIO()
    file.write(buffer)
    data = buffer.getvalue().encode()
    write_atomic(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def to_openmm(atoms: AtomArray) -> tuple[Any, Any]:
    """OpenMM topology and positions (nanometre quantities) of a model, atoms in the same order.

    Bonds come from OpenMM's own residue definitions, disulphides included.
    """
    from openmm import app, unit

    elements = {symbol.upper(): app.Element.getBySymbol(symbol.capitalize()) for symbol in set(atoms.element)}
    topology = app.Topology()
    chain = topology.addChain("A")
    residue = None
    last: tuple[int, str] | None = None
    for res_id, res_name, name, element in zip(
        atoms.res_id, atoms.res_name, atoms.atom_name, atoms.element, strict=True
    ):
        if (int(res_id), str(res_name)) != last:
            residue = topology.addResidue(str(res_name), chain, id=str(res_id))
            last = (int(res_id), str(res_name))
        topology.addAtom(str(name), elements[str(element).upper()], residue)
    if "PTR" in atoms.res_name:
        know_phosphotyrosine()
    topology.createStandardBonds()
    positions = (np.asarray(atoms.coord, dtype=np.float64) / 10.0) * unit.nanometer
    topology.createDisulfideBonds(positions)
    return topology, positions


def from_openmm(topology: Any, positions: Any) -> AtomArray:
    """A biotite AtomArray (n_atoms, angstrom) of an OpenMM topology whose residue ids are numbers."""
    from openmm import unit

    places = np.asarray(positions.value_in_unit(unit.angstrom))
    return atom_array(
        [
            (atom.name, atom.element.symbol.upper(), place, int(atom.residue.id), atom.residue.name)
            for atom, place in zip(topology.atoms(), places, strict=True)
        ]
    )

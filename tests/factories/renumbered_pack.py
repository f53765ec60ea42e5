"""A target pack for tests: the kinase of the abl1 pack under another name, every number 700 higher.

Nothing about the molecule changes, so whatever kinscope computes of it must be what it computes of ABL1, with
the numbers shifted: code that knows a residue of ABL1 by its number, or ABL1 by its name, shows here. The 700
residues in front are an invented tail of alanines; the gene lies on the minus strand, in one exon.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import yaml

from kinscope.core.files import write_atomic
from kinscope.docking.records import ReferencePoseSet
from kinscope.results.notes import Note
from kinscope.structures.io import read_model, write_model
from kinscope.structures.reference.build import reference_model
from kinscope.targets import TargetPack, load_target, load_target_directory

SHIFT = 700
STATE = "kinase-dfg-in"
DRUG = "dasatinib"
GENE = "TESTK9"
LAST_BASE = 50_000_000
_ONLY_ABL1 = {"myristate_pocket", "paper_window"}
_NOT_NUMBERS = {"loop_c_terminal_cutoff_angstrom"}


def renumbered_pack(directory: Path) -> TargetPack:
    """Write the pack into an empty directory and read it."""
    abl1 = load_target("abl1")
    protein = "M" + "A" * (SHIFT - 1) + abl1.transcript.protein
    cds = "ATG" + "GCC" * (SHIFT - 1) + abl1.transcript.cds
    _fasta(directory / "protein.fasta", protein)
    _fasta(directory / "cds.fasta", cds)
    _yaml(directory / "target.yaml", _target(abl1, len(cds)))
    kept = [region for region in abl1.regions if region.name not in _ONLY_ABL1]
    _yaml(directory / "regions.yaml", [_region(region.model_dump()) for region in kept])
    state = _shifted(abl1.state(STATE).model_dump(mode="json"), ("first_residue", "last_residue"))
    _yaml(directory / "states.yaml", [{**state, "description": "the abl1 pack's, renumbered"}])
    _yaml(directory / "drugs.yaml", [abl1.drug(DRUG).model_dump(mode="json")])
    _model(abl1, directory)
    _pose(abl1, directory)
    return load_target_directory(directory)


def shifted_text(text: str) -> str:
    """``Met318 hydrogen bond`` as ``Met1018 hydrogen bond``."""
    return re.sub(r"(?<=[A-Z][a-z]{2})\d+", lambda found: str(int(found.group()) + SHIFT), text)


def _target(abl1: TargetPack, bases: int) -> dict[str, Any]:
    assert abl1.landmarks is not None
    return {
        "gene": GENE,
        "name": "the kinase of the tests",
        "uniprot": "Q99999-1",
        "reference_isoform": "long",
        "landmarks": _landmarks(abl1.landmarks.model_dump(exclude_none=True)),
        "transcript": {
            "accession": "NM_999999.1",
            "protein_accession": "NP_999999.1",
            "chromosome": "chr1",
            "assembly": "GRCh38",
            "genomic_accession": "NC_000001.11",
            "strand": "-",
            "exons": [{"first": 1, "last": bases, "genomic_first": LAST_BASE}],
            "source": "the abl1 pack's, renumbered",
        },
        "isoforms": [
            {
                "name": "short",
                "transcript_accession": "NM_999998.1",
                "protein_accession": "NP_999998.1",
                "offset": -SHIFT,
                "valid_from": SHIFT + 1,
            }
        ],
    }


def _landmarks(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _landmarks(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_landmarks(item, name) for item in value]
    return value + SHIFT if isinstance(value, int) and name not in _NOT_NUMBERS else value


def _region(region: dict[str, Any]) -> dict[str, Any]:
    moved = _shifted(region, ("start", "end"))
    return {
        **moved,
        "label": shifted_text(region["label"]),
        "residues": [number + SHIFT for number in region["residues"]],
        "source": "the abl1 pack's, renumbered",
    }


def _shifted(record: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {**record, **{name: record[name] + SHIFT for name in names}}


def _model(abl1: TargetPack, directory: Path) -> None:
    atoms, record = reference_model(abl1, STATE)
    atoms.res_id[:] += SHIFT
    record = record.model_copy(
        update={
            "target": GENE,
            "first_residue": record.first_residue + SHIFT,
            "last_residue": record.last_residue + SHIFT,
            "origins": tuple(
                origin.model_copy(update={"residue": origin.residue + SHIFT}) for origin in record.origins
            ),
            "protonation": {shifted_text(name): state for name, state in record.protonation.items()},
            "method": (Note.model_validate("The abl1 pack's model, renumbered."),),
        }
    )
    home = directory / "models" / STATE
    home.mkdir(parents=True)
    write_model(home / "model.cif.gz", atoms, record)
    write_atomic(home / "model.json", record.model_dump_json())
    assert (read_model(home / "model.cif.gz").res_id == atoms.res_id).all()


def _pose(abl1: TargetPack, directory: Path) -> None:
    (directory / "poses").mkdir()
    shutil.copy(abl1.directory / "poses" / f"{DRUG}.sdf", directory / "poses")
    shipped = ReferencePoseSet.model_validate_json((abl1.directory / "poses" / "poses.json").read_text())
    kept = tuple(
        pose.model_copy(update={"interactions": tuple(shifted_text(text) for text in pose.interactions)})
        for pose in shipped.poses
        if pose.drug == DRUG
    )
    record = ReferencePoseSet(target=GENE, poses=kept)
    write_atomic(directory / "poses" / "poses.json", record.model_dump_json())


def _yaml(path: Path, content: Any) -> None:
    plain = yaml.safe_load(yaml.safe_dump(_plain(content), sort_keys=False))

    class _NoAliases(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    path.write_text(yaml.dump(plain, Dumper=_NoAliases, sort_keys=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _fasta(path: Path, sequence: str) -> None:
    path.write_text(f">{GENE}\n{sequence}\n")

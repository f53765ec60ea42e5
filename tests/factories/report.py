"""A made-up study for the report's tests: every number is invented, none is a result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kinscope.evidence.model import EvidenceHit, EvidenceItem, EvidenceSummary, TreatmentOption
from kinscope.interpretation.model import (
    Answer,
    Assessment,
    DrugVerdict,
    Measurements,
    Reason,
    StepProvenance,
    StudyResult,
)
from kinscope.report.files import ModelFile, PoseFile, ReportFiles
from kinscope.results.measured import (
    Contact,
    ContactChange,
    Difference,
    DockingComparison,
    FluctuationProfile,
    ModelGeometry,
    PocketComparison,
    RegionComparison,
    SimulationSummary,
    StateGeometry,
)
from kinscope.results.models import ModelRecord, ResidueOrigin
from kinscope.targets.pack import Region
from kinscope.variants.model import CodingChange, Substitution, Variant

STATES = ("kinase-dfg-in", "kinase-dfg-out")
SOURCE = "invented for the tests"


def region(name: str, label: str, start: int, end: int, kind: str, residues: tuple[int, ...] = ()) -> Region:
    return Region(name=name, label=label, start=start, end=end, kind=kind, residues=residues, source=SOURCE)


REGIONS = (
    region("sh3", "SH3 domain", 61, 121, "domain"),
    region("sh2", "SH2 domain", 127, 217, "domain"),
    region("kinase", "kinase domain", 242, 493, "domain"),
    region("p_loop", "P-loop", 248, 257, "segment"),
    region("helix_c", "helix C", 279, 293, "segment"),
    region("hinge", "hinge", 316, 322, "segment"),
    region("hrd", "catalytic loop", 359, 368, "segment"),
    region("activation_loop", "activation loop", 381, 402, "segment"),
    region("p1_loop", "P+1 loop", 399, 406, "segment"),
    region(
        "atp_site", "ATP site", 248, 382, "pocket", (248, 256, 269, 271, 286, 315, 317, 318, 321, 370, 381)
    ),
    region(
        "myristate_pocket", "myristate pocket", 338, 529, "pocket", (341, 345, 356, 359, 360, 363, 448, 452)
    ),
)


def substitution(wild: str = "K", position: int = 404, mutant: str = "E") -> Substitution:
    return Substitution(
        wild_type=wild,
        position=position,
        mutant=mutant,
        position_1b=position + 19,
        coding_changes=(
            CodingChange(
                hgvs_c="NM_005157.6:c.1210A>G",
                codon_reference="AAG",
                codon_variant="GAG",
                hgvs_g="NC_000009.12:g.130874992A>G",
                given=True,
            ),
        ),
        domain="kinase",
        regions=("kinase", "p1_loop"),
    )


def variant(**changes: Any) -> Variant:
    fields: dict[str, Any] = {
        "text": "NM_005157.6(ABL1):c.1210A>G",
        "gene": "ABL1",
        "substitutions": (substitution(),),
        "hgvs_p": "NP_005148.2:p.Lys404Glu",
        "hgvs_p_1b": "NP_009297.2:p.Lys423Glu",
        "notes": ("Isoform 1b calls the residue 423.",),
    }
    return Variant(**(fields | changes))


def difference(
    value: float | None = -0.12, half: float | None = 0.4, *, resolved: bool = False
) -> Difference:
    known = value is not None and half is not None
    return Difference(
        value=value,
        low=value - half if known else None,
        high=value + half if known else None,
        native_replicas=3,
        mutant_replicas=3,
        p_value=0.42,
        adjusted_p_value=0.8,
        resolved=resolved,
        outcome=("higher" if (value or 0.0) > 0 else "lower") if resolved else "unresolved",
        sampling="3 runs on each side (invented)",
    )


def docking(drug: str, state: str, native: float, mutant: float, **changes: Any) -> DockingComparison:
    fields: dict[str, Any] = {
        "drug": drug,
        "site": "atp",
        "state": state,
        "mode": "from known pose",
        "native_score_kcal_per_mol": native,
        "native_spread_kcal_per_mol": 0.15,
        "mutant_score_kcal_per_mol": mutant,
        "mutant_spread_kcal_per_mol": 0.22,
        "difference_kcal_per_mol": difference(mutant - native, 0.35),
        "native_rmsd_to_reference_angstrom": 0.62,
        "mutant_rmsd_to_reference_angstrom": 0.71,
        "reference": "2HYY:A:STI",
        "reference_to_crystal_rmsd_angstrom": 0.31,
        "native_rmsd_to_crystal_angstrom": None,
        "distance_to_variant_angstrom": 21.4,
        "interactions_native": ("Met318 hydrogen bond", "Thr315 hydrogen bond", "Glu286 hydrogen bond"),
        "interactions_mutant": ("Met318 hydrogen bond", "Thr315 hydrogen bond"),
        "contacts_lost": ("Glu286 hydrogen bond",),
        "contacts_gained": (),
        "pose_valid": True,
        "notes": ("Every number here is invented.",),
    }
    return DockingComparison(**(fields | changes))


def profile(state: str, name: str, replicas: int = 3) -> FluctuationProfile:
    residues = (*range(240, 382), *range(386, 500))
    rng = np.random.default_rng(len(state) + len(name) + replicas)
    x = np.asarray(residues)
    base = 0.6 + 0.9 * np.exp(-(((x - 392) / 9.0) ** 2)) + 0.5 * np.exp(-(((x - 252) / 5.0) ** 2))
    base = (
        base
        + 0.3 * np.sin(x / 6.0) ** 2
        + (0.25 * np.exp(-(((x - 400) / 8.0) ** 2)) if name != "native" else 0)
    )
    rows = tuple(tuple((base * rng.normal(1, 0.1, len(x)).clip(0.5)).tolist()) for _ in range(replicas))
    return FluctuationProfile(
        state=state,
        variant=name,
        residues=residues,
        rmsf_angstrom=rows,
        length_ns=0.2,
        superposition="C-alpha of residues 242-493 on the mean structure (invented)",
    )


def contact(
    partner: int, name: str, kind: str, distance: float, change: str, state: str, atoms: str = ""
) -> Any:
    return ContactChange(
        state=state,
        contact=Contact(
            residue=404,
            residue_name="LYS" if change == "lost" else "GLU",
            partner=partner,
            partner_name=name,
            kind=kind,
            distance_angstrom=distance,
            atoms=atoms,
        ),
        change=change,
        fraction_of_alternatives=0.5 if change == "gained" else 1.0,
    )


def contacts() -> tuple[ContactChange, ...]:
    rows = []
    for state in STATES:
        rows += [
            contact(409, "ASP", "salt bridge", 2.9, "lost", state, "NZ - OD1"),
            contact(408, "SER", "hydrogen bond", 3.1, "kept", state, "N - OG"),
            contact(403, "VAL", "van der Waals", 3.6, "kept", state),
            contact(405, "TRP", "hydrophobic", 3.9, "kept", state),
            contact(419, "LYS", "salt bridge", 3.4, "gained", state, "OE1 - NZ"),
        ]
    return tuple(rows)


def geometry(state: str, name: str) -> ModelGeometry:
    return ModelGeometry(
        state=state,
        variant=name,
        alternative=0,
        geometry=StateGeometry(
            dfg_d1_angstrom=6.1 if state.endswith("in") else 10.9,
            dfg_d2_angstrom=15.2,
            dfg="in" if state.endswith("in") else "out",
            salt_bridge_271_286_angstrom=2.9,
            helix_c="in",
            activation_loop="extended",
            notes=("invented",),
        ),
    )


def model_record(state: str, name: str) -> ModelRecord:
    origins = [ResidueOrigin(residue=r, origin="crystal", entry="2HYY:A") for r in range(240, 386)]
    origins += [ResidueOrigin(residue=r, origin="built") for r in range(386, 390)]
    origins += [ResidueOrigin(residue=r, origin="grafted", entry="3CS9:A") for r in range(390, 403)]
    origins += [ResidueOrigin(residue=r, origin="crystal", entry="2HYY:A") for r in range(403, 500)]
    return ModelRecord(
        target="abl1",
        state=state,
        variant=name,
        first_residue=240,
        last_residue=499,
        origins=tuple(origins),
        method=("taken from 2HYY chain A", "relaxed with restraints of 5 kcal/mol/angstrom^2 (invented)"),
        protonation={"HIS361": "HIE", "ASP381": "ASH"},
    )


def reason(
    text: str, tier: str = "computed", weight: str = "moderate", source: str = "docking step"
) -> Reason:
    return Reason(tier=tier, text=text, source=source, weight=weight)


def verdict(drug: str, word: str, mechanism: str = "none seen") -> DrugVerdict:
    return DrugVerdict(
        drug=drug,
        verdict=word,
        confidence="low",
        mechanism=mechanism,
        reasons_for_binding=(
            reason("The docked pose keeps the hinge hydrogen bond (invented)."),
            reason("No loss of score beyond the spread (invented).", weight="weak"),
        ),
        reasons_against_binding=(
            reason(
                "A case report (invented).", "published", "weak", "Nobody, J Invent 2020, doi:10.1000/xyz.123"
            ),
        ),
        summary=f"{drug}: an invented summary in one sentence.",
    )


def evidence() -> EvidenceSummary:
    def item(key: str, change: str, drug: str, tier: str, **more: Any) -> EvidenceItem:
        fields: dict[str, Any] = {
            "id": key,
            "protein_change": change,
            "drug": drug,
            "kind": "statement",
            "direction": "resistant",
            "summary": f"Invented observation of {change}.",
            "citation": "Nobody, J Invent 2020",
            "identifier": "PMID:12345678",
            "tier": tier,
        }
        return EvidenceItem(**(fields | more))

    return EvidenceSummary(
        hits=(
            EvidenceHit(
                item=item("e1", "K404E", "imatinib", "published", kind="case report"), relation="exact"
            ),
            EvidenceHit(
                item=item(
                    "e2", "K404E", "dasatinib", "measured", kind="cell IC50 fold", direction="sensitive",
                    value=1.3, unit="fold", identifier="doi:10.1000/xyz(1)", caveat="One cell line.",
                ),
                relation="exact",
            ),
            EvidenceHit(item=item("e3", "K404R", "nilotinib", "measured", value=2.0, unit="fold"),
                        relation="same residue"),
            EvidenceHit(item=item("e4", "T406I", "", "published"), relation="same residue"),
        ),
        options=(
            TreatmentOption(
                id="stamp", name="STAMP inhibitor", mode_of_action="myristate pocket of ABL1",
                depends_on_abl1_binding=True, drugs=("asciminib",), evidence="Invented response rate.",
                speaks_for=("The myristate pocket is far from the variant (invented).",),
                speaks_against=("Resistance at A337, P465, V468 is known (invented).",),
                citations=("Nobody, J Invent 2021, doi:10.1000/abc",),
            ),
            TreatmentOption(
                id="cd22", name="CD22-directed antibody conjugate", mode_of_action="CD22 on the blast",
                depends_on_abl1_binding=False, drugs=(), evidence="Invented CR rate.",
                speaks_for=("Does not bind ABL1.",), speaks_against=(),
                citations=("PMID:27292104", "NCT01564784"),
            ),
        ),
        searched=("Invented database, 2026-01-01", "Hand search, 2026-01-02"),
        statement="One invented case report speaks of K404E itself; nothing measured its binding.",
    )  # fmt: skip


def measurements(**changes: Any) -> Measurements:
    names = ("native", "K404E")
    fields: dict[str, Any] = {
        "models": tuple(model_record(state, name) for state in STATES for name in names),
        "geometries": tuple(geometry(state, name) for state in STATES for name in names),
        "contact_changes": contacts(),
        "docking": (
            docking("imatinib", "kinase-dfg-out", -12.6, -12.4),
            docking("nilotinib", "kinase-dfg-out", -13.1, -12.2),
            docking("ponatinib", "kinase-dfg-out", -13.4, -13.5),
            docking("dasatinib", "kinase-dfg-in", -11.0, -11.1, mode="global"),
            docking("bosutinib", "kinase-dfg-in", -10.4, -10.3, pose_valid=False),
        ),
        "profiles": tuple(profile(state, name) for state in STATES for name in names),
        "regions": tuple(
            RegionComparison(
                state=state,
                region=name,
                residues=tuple(range(381, 403)),
                native_rmsf_angstrom=1.21,
                mutant_rmsf_angstrom=1.39,
                difference_angstrom=difference(0.18, 0.1, resolved=True),
            )
            for state in STATES
            for name in ("activation_loop", "helix_c", "p1_loop")
        ),
        "pockets": (
            PocketComparison(
                pocket="myristate_pocket",
                state="kinase-dfg-out",
                residues=(341, 345, 356),
                native_volume_cubic_angstrom=412.0,
                mutant_volume_cubic_angstrom=408.5,
                volume_difference_cubic_angstrom=difference(-3.5, 12.0),
                backbone_rmsd_angstrom=0.11,
                side_chain_rmsd_angstrom=0.34,
            ),
        ),
        "simulations": tuple(
            SimulationSummary(
                state=state,
                variant=name,
                replica=replica,
                seed=1000 + replica,
                platform="CPU",
                atoms=41234,
                length_ns=0.2,
                timestep_fs=4.0,
                temperature_mean_k=309.8,
                backbone_rmsd_final_angstrom=1.2,
                status="finished",
            )
            for state in STATES
            for name in names
            for replica in range(3)
        ),
    }
    return Measurements(**(fields | changes))


def assessment(**changes: Any) -> Assessment:
    fields: dict[str, Any] = {
        "answer": Answer(
            sentences=(
                "Nothing computed here shows that K404E keeps any inhibitor from binding (invented).",
                "No laboratory has measured binding to K404E; one case reports a relapse (invented).",
                "What was sampled cannot exclude an effect on the activation loop (invented).",
            ),
            confidence="low",
            confidence_reason="Short sampling, and no measurement of this variant (invented).",
        ),
        "verdicts": (
            verdict("imatinib", "resistance reported", "shift towards the active conformation"),
            verdict("nilotinib", "reduced binding expected", "lost contact"),
            verdict("dasatinib", "sensitivity reported"),
            verdict("bosutinib", "not resolved", "not resolved"),
            verdict("ponatinib", "no loss of binding detected"),
            verdict("asciminib", "no loss of binding detected"),
        ),
        "limits": (
            "Docking scores are not binding free energies.",
            "0.2 ns per replica samples side chains only.",
        ),
    }
    return Assessment(**(fields | changes))


def study(**changes: Any) -> StudyResult:
    fields: dict[str, Any] = {
        "kinscope_version": "0.1.0",
        "created": "2026-01-01",
        "target": "abl1",
        "variant": variant(),
        "preset": "quick",
        "settings": {"seed": 2025, "docking": {"exhaustiveness": 8, "runs": 3}, "states": ["a", "b"]},
        "measurements": measurements(),
        "evidence": evidence(),
        "assessment": assessment(),
        "versions": {"kinscope": "0.1.0", "openmm": "8.2", "vina": "1.2.6"},
        "provenance": (
            StepProvenance(step="model", label="native, DFG-in", key="ab" * 32, reused=True, seed=None,
                           wall_seconds=0.2, platform="CPU"),
            StepProvenance(step="dock", label="imatinib", key="cd" * 32, reused=False, seed=7,
                           wall_seconds=321.0, platform="CPU"),
        ),
    }  # fmt: skip
    return StudyResult(**(fields | changes))


def empty_study(**changes: Any) -> StudyResult:
    """A study in which nothing was computed and nothing is published."""
    nothing = dict.fromkeys(Measurements.model_fields, ())
    return study(
        measurements=Measurements(**nothing),
        evidence=EvidenceSummary(hits=(), options=(), searched=(), statement=""),
        assessment=assessment(verdicts=(), limits=()),
        versions={},
        provenance=(),
        settings={},
        **changes,
    )


def write_peptide(path: Path, mutant: bool = False) -> None:
    """A helix-like stretch of residues 395 to 425 with side chains, coordinates invented."""
    import biotite.structure as struc

    from kinscope.structures.io import write_model

    atoms = []
    for index, residue in enumerate(range(395, 426)):
        name = {404: "GLU" if mutant else "LYS", 409: "ASP", 419: "LYS"}.get(residue, "ALA")
        side = {"LYS": ["CB", "NZ"], "GLU": ["CB", "OE1"], "ASP": ["CB", "OD1"]}.get(name, ["CB"])
        angle, rise = 1.745 * index, 1.5 * index
        for j, atom in enumerate(["N", "CA", "C", "O", *side, "H", "HA"]):
            radius = {"H": 1.3, "HA": 2.9}.get(atom, 2.3 + 0.6 * max(j - 3, 0))
            turn = angle + 0.35 * j
            atoms.append(
                struc.Atom(
                    [radius * np.cos(turn), radius * np.sin(turn), rise + 0.4 * j],
                    chain_id="A", res_id=residue, res_name=name, atom_name=atom, element=atom[0],
                )
            )  # fmt: skip
    write_model(path, struc.array(atoms))


def write_pose(path: Path) -> None:
    """Ethanol with all hydrogens, in three dimensions."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    molecule = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    path.write_text(Chem.MolToMolBlock(molecule) + "$$$$\n")


def report_files(directory: Path) -> ReportFiles:
    """Regions, two models and a pose for each state."""
    write_peptide(directory / "native.cif")
    write_peptide(directory / "mutant.cif", mutant=True)
    write_pose(directory / "pose.sdf")
    return ReportFiles(
        regions=REGIONS,
        protein_length=1130,
        models=tuple(
            ModelFile(state=state, variant=name, path=directory / file)
            for state in STATES
            for name, file in (("native", "native.cif"), ("K404E", "mutant.cif"))
        ),
        poses=tuple(
            PoseFile(drug="imatinib", state="kinase-dfg-out", role=role, path=directory / "pose.sdf")
            for role in ("reference", "native", "mutant")
        ),
    )

"""Synthetic variants and measurements for the tests of evidence and interpretation."""

from __future__ import annotations

from typing import Any

from kinscope.core.residues import ONE_TO_THREE
from kinscope.evidence.model import EvidenceItem
from kinscope.interpretation.model import Measurements
from kinscope.results.measured import (
    Difference,
    DockingComparison,
    ModelGeometry,
    PocketComparison,
    RegionComparison,
    StateGeometry,
)
from kinscope.targets.loader import load_target
from kinscope.variants.model import Substitution, Variant


def variant(text: str) -> Variant:
    """A variant by its short name, e.g. ``E255K/T315I``, without going through the HGVS reader."""
    pack = load_target("abl1")
    substitutions = []
    for part in text.split("/"):
        position = int(part[1:-1])
        regions = pack.regions_of(position)
        substitutions.append(
            Substitution(
                wild_type=part[0],
                position=position,
                mutant=part[-1],
                position_1b=position + 19,
                coding_changes=(),
                domain=next((region.name for region in regions if region.kind == "domain"), ""),
                regions=tuple(region.name for region in regions),
            )
        )
    names = ";".join(
        f"{ONE_TO_THREE[s.wild_type]}{s.position}{ONE_TO_THREE[s.mutant]}" for s in substitutions
    )
    return Variant(
        text=text,
        gene="ABL1",
        substitutions=tuple(substitutions),
        hgvs_p=f"NP_005148.2:p.{names}",
        hgvs_p_1b="",
    )


def difference(
    value: float | None = 0.1, low: float | None = -0.1, high: float | None = 0.3, resolved: bool = False
) -> Difference:
    return Difference(
        value=value,
        low=low,
        high=high,
        native_replicas=3,
        mutant_replicas=3,
        resolved=resolved,
        outcome=("higher" if (value or 0.0) > 0 else "lower") if resolved else "unresolved",
    )


def docking(drug: str = "imatinib", **changes: Any) -> DockingComparison:
    """One comparison in the drug's own state; by default far from the variant and unchanged."""
    definition = load_target("abl1").drug(drug)
    fields: dict[str, Any] = {
        "drug": drug,
        "site": definition.site,
        "state": definition.state,
        "mode": "from known pose",
        "native_score_kcal_per_mol": -10.0,
        "native_spread_kcal_per_mol": 0.1,
        "mutant_score_kcal_per_mol": -9.9,
        "mutant_spread_kcal_per_mol": 0.1,
        "difference_kcal_per_mol": difference(),
        "native_rmsd_to_reference_angstrom": 0.4,
        "mutant_rmsd_to_reference_angstrom": 0.5,
        "reference": definition.reference_entry,
        "reference_to_crystal_rmsd_angstrom": 0.3,
        "distance_to_variant_angstrom": 14.0,
        "interactions_native": ("Met318 hydrogen bond",),
        "interactions_mutant": ("Met318 hydrogen bond",),
        "contacts_lost": (),
        "contacts_gained": (),
        "pose_valid": True,
    }
    return DockingComparison.model_validate(fields | changes)


def region(name: str = "activation_loop", **changes: Any) -> RegionComparison:
    fields: dict[str, Any] = {
        "method": "md",
        "state": "kinase-dfg-out",
        "region": name,
        "residues": (381, 382),
        "native_rmsf_angstrom": 1.0,
        "mutant_rmsf_angstrom": 1.1,
        "difference_angstrom": difference(),
    }
    return RegionComparison.model_validate(fields | changes)


def geometry(variant_name: str, state: str = "kinase-dfg-out", **changes: Any) -> ModelGeometry:
    fields: dict[str, Any] = {
        "dfg_d1_angstrom": 12.0,
        "dfg_d2_angstrom": 6.0,
        "dfg": "out",
        "salt_bridge_271_286_angstrom": 3.0,
        "helix_c": "in",
        "activation_loop": "folded",
    }
    return ModelGeometry(
        state=state,
        variant=variant_name,
        alternative=0,
        geometry=StateGeometry.model_validate(fields | changes),
    )


def pocket(state: str = "closed-dfg-out", resolved: bool = False) -> PocketComparison:
    return PocketComparison(
        pocket="myristate_pocket",
        state=state,
        residues=(337, 340),
        native_volume_cubic_angstrom=400.0,
        mutant_volume_cubic_angstrom=402.0,
        volume_difference_cubic_angstrom=difference(2.0, -10.0, 14.0, resolved),
        backbone_rmsd_angstrom=0.1,
        side_chain_rmsd_angstrom=0.2,
    )


def measurements(**parts: Any) -> Measurements:
    names = (
        "models",
        "geometries",
        "contact_changes",
        "docking",
        "profiles",
        "regions",
        "pockets",
        "simulations",
    )
    return Measurements.model_validate({name: parts.get(name, ()) for name in names})


def far_and_unchanged() -> Measurements:
    """Every inhibitor keeps its pose, far from the variant, with no resolved difference."""
    pack = load_target("abl1")
    drugs = [drug.id for drug in pack.drugs if drug.binding_type != "natural ligand"]
    return measurements(
        docking=tuple(docking(drug) for drug in drugs), regions=(region(),), pockets=(pocket(),)
    )


def item(change: str = "T315I", drug: str = "imatinib", **changes: Any) -> EvidenceItem:
    fields: dict[str, Any] = {
        "id": f"test-{drug}-{change}",
        "protein_change": change,
        "drug": drug,
        "kind": "clinical resistance",
        "direction": "resistant",
        "summary": "Seen.",
        "citation": "Nobody et al., Test, 2000",
        "identifier": "PMID:1",
        "tier": "published",
    }
    return EvidenceItem.model_validate(fields | changes)

"""A variant in lines for people."""

from __future__ import annotations

from kinscope.targets import TargetPack
from kinscope.variants.model import Substitution, Variant


def modelled_states(variant: Variant, pack: TargetPack) -> tuple[str, ...]:
    """Ids of the states whose model holds every residue of the variant; none: evidence only."""
    return tuple(state.id for state in pack.states_covering(variant.positions))


def describe(variant: Variant, pack: TargetPack) -> list[tuple[str, str]]:
    """Label and value of each line that tells what the variant is, in the order to print them."""
    lines = [
        ("variant", f"{variant.gene} {variant.short}"),
        ("protein", f"{variant.hgvs_p} (isoform {pack.reference_isoform})"),
    ]
    if variant.hgvs_p_1b:
        other = pack.isoforms[0]
        label = f"isoform {other.name}" if other.protein_accession else f"{other.name} numbering"
        lines.append((label, variant.hgvs_p_1b))
    for substitution in variant.substitutions:
        lines.extend(_substitution(substitution, len(variant.substitutions) > 1, pack))
    if variant.vrs_id:
        lines.append(("GA4GH VRS", variant.vrs_id))
    modelled = [state.label for state in pack.states_covering(variant.positions)]
    lines.append(("models", "; ".join(modelled) or "none: published evidence only"))
    lines.extend(("note", note) for note in variant.notes)
    return lines


def _substitution(item: Substitution, several: bool, pack: TargetPack) -> list[tuple[str, str]]:
    prefix = f"{item.short} " if several else ""
    wild = pack.transcript.cds[3 * item.position - 3 : 3 * item.position]
    lines = []
    for change in item.coding_changes:
        origin = "given" if change.given else "derived"
        lines.append(
            (
                f"{prefix}coding",
                f"{change.hgvs_c} ({origin}), codon {change.codon_reference} to {change.codon_variant}",
            )
        )
        if change.hgvs_g:
            lines.append((f"{prefix}{pack.transcript.assembly}", change.hgvs_g))
    if wild and not item.coding_changes:
        lines.append((f"{prefix}coding", f"codon {wild}; no single base change makes it"))
    regions = [pack.region(name) for name in item.regions]
    domain = next((region.label for region in regions if region.name == item.domain), "none")
    others = "; ".join(region.label for region in regions if region.name != item.domain)
    lines.append((f"{prefix}domain", domain))
    if others:
        lines.append((f"{prefix}regions", others))
    return lines

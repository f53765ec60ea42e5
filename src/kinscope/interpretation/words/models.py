"""What was done to a model, and what deserves suspicion in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def _from_crystal(
    resolution_angstrom: float | None, modified: Sequence[str], alternates: Sequence[int], **values: Any
) -> str:
    text = "Residues {first}-{last} from {entry}".format(**values)
    text += "" if resolution_angstrom is None else f" ({resolution_angstrom:.2f} angstrom)"
    if modified:
        text += "; modified residues: " + ", ".join(modified)
    if alternates:
        text += "; of alternate conformations the most occupied, then A: " + ", ".join(map(str, alternates))
    return text + "."


def _relaxed_around(charged: Sequence[str], parameters: Sequence[str], spheres: Sequence[str]) -> str:
    ways = [
        f"{name} in place with its own charges ({own}), heavy atoms fixed, hydrogens free"
        for name, own in zip(charged, parameters, strict=True)
    ]
    if spheres:
        ways.append(f"{' and '.join(spheres)} in place as fixed uncharged spheres")
    return f"Relaxed with {' and '.join(ways)}, so that pockets keep their shape; the model holds none."


def _loop_built(
    reason: str, tried: Sequence[str] | None, energies_kcal_per_mol: Sequence[float], **values: Any
) -> str:
    why = reason if tried is None else _not_grafted(tried)
    others = ", ".join(f"{energy:.0f}" for energy in energies_kcal_per_mol[1:]) or "none"
    return (
        "Residues {first}-{last} built{why}: {closed} sampled backbones closed, {completed} distinct ones "
        "completed and relaxed, the lowest in energy kept (the others {others} kcal/mol above it). Their "
        "backbones differ from it by {spread_angstrom:.1f} angstrom on average: one of many possible "
        "conformations."
    ).format(why=f" ({why})" if why else "", completed=len(energies_kcal_per_mol), others=others, **values)


def _not_grafted(tried: Sequence[str]) -> str:
    return f"no shipped model fits: {', '.join(tried)}" if tried else "no shipped model shows it"


def _grafted_with(beside: Sequence[int], other_conformation: int) -> str:
    said = ["of another conformation"] if other_conformation else []
    if beside:
        said.append(f"with {', '.join(map(str, beside))} of it, for the file's do not join")
    return "; ".join(said)


def _minimised(implicit_solvent: int, charge_scale: float, cutoff_nm: float | None, **values: Any) -> str:
    solvent = "OBC implicit solvent" if implicit_solvent else "no solvent"
    if charge_scale != 1.0:
        solvent += f", charges times {charge_scale:g}"
    cutoff = "all pairs" if cutoff_nm is None else f"cutoff {cutoff_nm:.1f} nm"
    return (
        "Minimised ({label}): ff14SB, {solvent}, {cutoff}, restraints {backbone_kcal_per_mol_angstrom2:g} "
        "(backbone) and {side_chain_kcal_per_mol_angstrom2:g} (side chains) kcal/mol/angstrom^2; energy "
        "{energy_kcal_per_mol:.0f} kcal/mol, RMS gradient {rms_gradient_kcal_per_mol_angstrom:.3f} "
        "kcal/mol/angstrom, RMSD to the assembled crystals {backbone_rmsd_angstrom:.2f} (backbone) and "
        "{heavy_rmsd_angstrom:.2f} (heavy atoms) angstrom."
    ).format(solvent=solvent, cutoff=cutoff, **values)


def _rotamer_chosen(share_percent: float | None, **values: Any) -> str:
    share = ""
    if share_percent is not None:  # glycine and alanine have none; the library's licence asks for its name
        share = f" ({share_percent:.0f} % on such a backbone; Shapovalov & Dunbrack 2011)"
    return (
        "Residue {residue}: rotamer {rotamer} of {amino_acid}{share}, found by dead-end elimination and "
        "branch and bound together with the side chains within {radius_angstrom:g} A."
    ).format(share=share, **values)


def _relaxed_again(steered: Sequence[int], moved_ca_angstrom: float) -> str:
    prolines = ", ".join(f"Pro{number}" for number in steered)
    turned = f"phi of {prolines} steered to a proline's range, " if steered else ""
    return (
        "Relaxed a second time, for the native backbone does not suit the substitution: "
        f"{turned}peptides about it held planar in 6 ps of dynamics without solvent, then a wider shell "
        f"minimised with a freer backbone; a CA went as far as {moved_ca_angstrom:.1f} A. Such a "
        "move is a guess at one way out."
    )


def _left_strained(unvisited: Sequence[int], **values: Any) -> str:
    twists = zip(values["twisted"], values["twists_degrees"], strict=True)
    overlaps = zip(values["overlapping"], values["overlaps_angstrom"], strict=True)
    told = [f"the peptide bond {bond} is {angle:.0f} degrees from planar" for bond, angle in twists]
    told += [f"phi and psi of residue {number} are not seen in crystals" for number in unvisited]
    told += [f"{pair} overlap by {depth:.1f} A" for pair, depth in overlaps]
    return (
        f"Left strained after relaxation: {'; '.join(told)}. The native's conformation does not suit this "
        "substitution; the kinase would move further than this model lets it."
    )


def _proline_without_amide(residue: int, acceptor: str | None, gap_angstrom: float | None) -> str:
    lost = (
        "the native's makes no hydrogen bond"
        if acceptor is None
        else f"{acceptor} ({gap_angstrom:.1f} A) loses its bond to it"
    )
    return f"Residue {residue}: proline has no NH; {lost}."


def _binds_elsewhere(drug: str, state: str, dfg: str, like: str) -> str:
    taken = f", taken as {like}" if like else ""
    return f"{drug}: it binds {state}, and the structure is DFG-{dfg}{taken}"


def _known(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f}"


def _helix_measured(gap_angstrom: float | None, in_angstrom: float) -> str:
    return f"CB-CB {_known(gap_angstrom)} angstrom (in up to {in_angstrom:.0f})"


def _loop_measured(
    start_angstrom: float | None,
    bond_angstrom: float,
    tyrosine_angstrom: float | None,
    folded_angstrom: float,
) -> str:
    return (
        f"its start is {_known(start_angstrom)} angstrom from its hydrogen bond (extended up to "
        f"{bond_angstrom}), its tyrosine {_known(tyrosine_angstrom)} from the catalytic aspartate (folded up "
        f"to {folded_angstrom})"
    )


def _protonation_as_given(charge_e: int) -> str:
    charge = f"net charge {charge_e:+d}" if charge_e else "neutral"
    return f"Protonation as given: {charge}; state it for pH 7.4 yourself."


def _bond_uncorrected(bond: str, types: Sequence[str], kind: str, aromatic_taken: int) -> str:
    done = "none was applied."
    if aromatic_taken:
        done = "that of the aromatic bond between carbon and nitrogen was applied."
    return (
        f"AmberTools' table has no charge correction for the bond {bond} (types {', '.join(types)}, bond "
        f"{kind}): {done}"
    )


def _net_charge(native_e: int, mutant_e: int) -> str:
    change = mutant_e - native_e
    told = f"; {change:+d} e, and the ions of a water box follow" if change else ""
    return f"Net charge {mutant_e:+d} e (native {native_e:+d} e{told})."


SENTENCES: Mapping[str, Callable[..., str]] = {
    "from-crystal": _from_crystal,
    "loop-built": _loop_built,
    "relaxed-around": _relaxed_around,
    "minimised": _minimised,
    "rotamer-chosen": _rotamer_chosen,
    "relaxed-again": _relaxed_again,
    "left-strained": _left_strained,
    "proline-without-amide": _proline_without_amide,
    "net-charge": _net_charge,
    "grafted-with": _grafted_with,
    "not-grafted": _not_grafted,
    "binds-elsewhere": _binds_elsewhere,
    "protonation-as-given": _protonation_as_given,
    "bond-uncorrected": _bond_uncorrected,
    "helix-c-measured": _helix_measured,
    "loop-measured": _loop_measured,
}

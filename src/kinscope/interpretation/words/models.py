"""What was done to a model, and what deserves suspicion in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def _listing(sentence: str, separator: str = ", ", form: str = "", row: str = "") -> Callable[..., str]:
    """A sentence that names every item of its lists, in ``form``, or by ``row`` from all lists."""

    def said(**values: Any) -> str:
        lists = {name: value for name, value in values.items() if isinstance(value, tuple)}
        if row:
            rows = zip(*lists.values(), strict=True)
            return sentence.format(
                rows=separator.join(row.format(**dict(zip(lists, r, strict=True))) for r in rows)
            )
        joined = {name: separator.join(format(item, form) for item in items) for name, items in lists.items()}
        return sentence.format(**{**values, **joined})

    return said


def _from_crystal(
    resolution_angstrom: float | None, modified: Sequence[str], alternates: Sequence[int], **values: Any
) -> str:
    text = "Residues {first}-{last} from {entry}".format(**values)
    text += "" if resolution_angstrom is None else f" ({resolution_angstrom:.2f} angstrom)"
    if modified:
        text += "; modified residues: " + ", ".join(modified)
    if alternates:
        text += f"; o{_ALTERNATES[1:]}" + ", ".join(map(str, alternates))
    return text + "."


_ALTERNATES = "Of alternate conformations the most occupied, then A: "


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
    # The library's licence asks for its name.
    library = f" ({share_percent:.0f} % on such a backbone; Shapovalov & Dunbrack 2011)"
    return (
        "Residue {residue}: rotamer {rotamer} of {amino_acid}{share}, found by dead-end elimination and "
        "branch and bound together with the side chains within {radius_angstrom:g} A."
    ).format(share="" if share_percent is None else library, **values)


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


SENTENCES: Mapping[str, str | Callable[..., str]] = {
    "from-crystal": _from_crystal,
    "grafted": _listing(
        "residues {first}-{last} from {entry}, laid on the backbone of {fit} with RMSD {rmsd_angstrom:.2f} "
        "angstrom; peptide bonds at the joints before relaxation {joints_angstrom} angstrom: {reason}.",
        form=".2f",
    ),
    "domain-placed": (
        "residues {first}-{last} from {entry}, laid on the backbone of {fit} of {frame} with RMSD "
        "{rmsd_angstrom:.2f} angstrom, after that crystal was laid on the model over {frame_fit} with RMSD "
        "{frame_rmsd_angstrom:.2f} angstrom; then moved as a whole by {shift_angstrom:.1f} angstrom and "
        "turned by {turn_degrees:.0f} degrees, which takes the overlap with the rest from "
        "{overlap_before_angstrom2:.1f} to {overlap_after_angstrom2:.1f} square angstrom: {reason}."
    ),
    "ligand-laid": (
        "{ligand} of {entry} laid into the model over {fit} with RMSD {rmsd_angstrom:.2f} angstrom."
    ),
    "isosteric": "{here}{residue} of the {source} set back to {wanted} (isosteric).",
    "side-chain-donated": (
        "side chain of {name}{residue} from {entry}, laid on the backbone of {first}-{last} with RMSD "
        "{rmsd_angstrom:.2f} angstrom ({reason})."
    ),
    "crystals-repacked": _listing(
        "Side chains of different crystals that did not fit together, given another rotamer: {changed}."
    ),
    "loop-built": _loop_built,
    "atoms-built": _listing("Heavy atoms the {source} does not show, built by PDBFixer: {atoms}.", "; "),
    "side-chains-turned": _listing(
        "Side chains turned round because that gains at least one hydrogen bond: {names}."
    ),
    "protonation": "Protonation at pH {ph:.1f} by PROPKA 3 with {ligands} ligand(s) in place.",
    "pka-near-ph": _listing(
        "Within one unit of the pH, hence uncertain: {rows}.", row="{residues} {pka:.1f}"
    ),
    "usual-state-kept": _listing(
        "Stated but not followed: {rows}.", "; ", row="{residues} (pKa {pka:.1f}) kept in its usual state"
    ),
    "hydrogens-added": "Hydrogens by OpenMM's Modeller on the CPU platform; ends capped with ACE and NME.",
    "relaxed-around": _relaxed_around,
    "pocket-held": (
        "Side chains that touch a ligand were held by {restraint_kcal_per_mol_angstrom2:g} "
        "kcal/mol/angstrom^2 to their crystal's places in every stage that would hold them less."
    ),
    "minimised": _minimised,
    "joints": _listing(
        "Peptide bonds where parts meet, before and after relaxation: {rows}.",
        "; ",
        row="{bonds} {before_angstrom:.2f} -> {after_angstrom:.2f} angstrom, omega "
        "{before_degrees:.0f} -> {after_degrees:.0f} degrees",
    ),
    "substituted": "Substituted {variant}.",
    "rotamer-chosen": _rotamer_chosen,
    "backbone-turned": (
        "Backbone: residue {residue} turned by {degrees:+g} degrees about the line through its neighbours' "
        "CA (backrub) before packing, for the native backbone packs worse."
    ),
    "neighbours-repacked": _listing("Neighbours that left their native rotamer: {changed}."),
    "shell-relaxed": (
        "Relaxed in ff14SB: new atoms and side chains without solvent, then the shell within "
        "{radius_angstrom:g} A in implicit solvent (OBC II) with backbone restraints of "
        "{restraint_kcal_per_mol_angstrom2:g} kcal/mol/A^2; all other atoms fixed."
    ),
    "relaxed-again": _relaxed_again,
    "left-strained": _left_strained,
    "proline-without-amide": _proline_without_amide,
    "proline-phi": (
        "Residue {residue}: native phi {phi_degrees:.0f} degrees lies outside a proline's range "
        "({low_degrees:.0f} to {high_degrees:.0f}): the backbone is strained or would move further than this "
        "model lets it."
    ),
    "proline-lost": (
        "Residue {residue}: the amide hydrogen a proline lacks was added; the backbone may gain freedom."
    ),
    "glycine-lost": (
        "Residue {residue}: glycine had phi {phi_degrees:.0f} degrees, which strains any other residue (Asn, "
        "Asp least); the backbone may turn further than this model lets it."
    ),
    "glycine-gained": "Residue {residue}: glycine makes the backbone more flexible than this model shows.",
    "cysteine-gained": "Residue {residue}: a free thiol; no disulphide was made, whatever stands near.",
    "helical-before-proline": (
        "Residue {residue}: the residue before has phi {phi_degrees:.0f} and psi {psi_degrees:.0f} degrees, "
        "helical: rare before proline, whose CD meets it there."
    ),
    "proline-crowded": (
        "Residue {residue}: the ring's CD stands {gap_angstrom:.1f} A from the carbonyl oxygen of {other}."
    ),
    "proline-peptide": (
        "Residue {residue}: the peptide bond before proline is {kind} (omega {omega_degrees:.0f} degrees) as "
        "in the native; about 6 % of those before proline are cis in crystals, which was not tried."
    ),
    "net-charge": _net_charge,
    "prepared-from-file": (
        "Prepared from the user's file {file} (SHA-256 {sha256}), chain {chain}, residues {author_first} to "
        "{author_last} there, by alignment {first}-{last} of the target."
    ),
    "modified-residues": _listing("Modified residues: {names}."),
    "alternates-chosen": _listing(_ALTERNATES + "{residues}."),
    "stretch-grafted": (
        "Missing stretch {first}-{last} from the shipped model {state}, flanks {flank_rmsd_angstrom:.2f} A."
    ),
    "grafted-with": _grafted_with,
    "not-grafted": _not_grafted,
    "cut-off": "Cut off: {stretch}.",
    "set-back": "{here}{residue} of the file set back to {wanted} by the mutant builder.",
    "bounds-missed": _listing("Outside the bounds that the shipped models keep: {items}.", "; "),
    "file-models": "The file holds {models} models; the first is used.",
    "backbone-remade": _listing(
        "Made anew because their backbone is broken or incomplete in the file: {residues}."
    ),
    "no-model-alike": "No shipped model has this conformation; stretches come from others.",
    "atoms-unoccupied": "{atoms} atoms of the file have no occupancy and are used as they are.",
    "not-of-target": "{residues} residues of the chain are not of the target.",
    "measured-with-fill": (
        "Residues that the conformation is measured on are missing from the file; it was measured with what "
        "fills the gap."
    ),
    "not-measurable": (
        "The conformation cannot be measured; say with --as-state-like which shipped state it is like."
    ),
    "variant-in-file": (
        "{variant} is in the file already: the native model is made by setting it back, and the mutant is "
        "built from that native like any other."
    ),
    "no-reference-pose": "{drug}: the target pack has no reference pose of it",
    "binds-elsewhere": _binds_elsewhere,
    "site-not-shown": "{drug}: the structure does not show its site",
    "site-lacks": _listing("{drug}: the structure lacks {residues} of its site"),
    "site-differs": (
        "{drug}: its site has another shape in the structure (CA atoms {rmsd_angstrom:.1f} A from those of "
        "{state}, at most {limit_angstrom:g})"
    ),
    "ligand-hydrogens-added": (
        "{hydrogens} hydrogens were added to complete the valences; the charges are those of the file."
    ),
    "isotopes-dropped": _listing("Isotope labels ({labels}) were dropped: docking does not feel them."),
    "ligand-flat": "The file is flat: three-dimensional coordinates were built.",
    "chiral-flag-unset": (
        "The file's chiral flag is not set, which can mean a racemate: what was drawn was docked, alone."
    ),
    "configuration-passing": _listing(
        "The configuration at {bonds} is not stated. It changes by itself; the lowest in energy was built."
    ),
    "protonation-as-given": _protonation_as_given,
    "bond-uncorrected": _bond_uncorrected,
    "dihedral-replaced": (
        "dihedral {types}: parmchk2's guess (penalty {penalty:.0f}) was replaced by GAFF2's X-{inner}-X, the "
        "same bond of the same ring"
    ),
    "not-classified": "not classified: the target pack names no landmarks to measure",
    "borderline": _listing("borderline: {near} angstrom", " and "),
    "no-dfg-cluster": (
        "DFG dihedrals in no cluster of DFG-{dfg} (nearest of all: {nearest}, {distance:.2f}; bound "
        "{bound:g})"
    ),
    "dfg-measured": "D1 {d1_angstrom:.1f} (in up to {in_angstrom:.0f}), D2 {d2_angstrom:.1f} angstrom",
    "helix-c-measured": _helix_measured,
    "loop-measured": _loop_measured,
    "activity-measured": ("DFG-{dfg}, {cluster}, salt bridge {bridge}, loop's start {start}, its end {end}"),
    "open-bridge": "helix C is in, but its salt bridge is open ({gap_angstrom:.1f} angstrom)",
}

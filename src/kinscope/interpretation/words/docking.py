"""What to know of poses, scores and simulated systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kinscope.results.docking import HelixBend
from kinscope.results.measured import StateFit


def helix_in_words(helix: HelixBend) -> str:
    """E.g. ``bent by 84 degrees at 494-500``."""
    if helix.form == "too short":
        return f"modelled only to {helix.last_residue}"
    if helix.form == "straight":
        return f"straight to {helix.last_residue}"
    angle = "" if helix.angle_degrees is None else f" by {helix.angle_degrees:.0f} degrees"
    return f"bent{angle} at {helix.broken_at[0]}-{helix.broken_at[-1]}"


def fit_in_words(fit: StateFit) -> str:
    """Whether a known pose fits a state, what it runs into, and how far it moved and lost."""
    where = "no overlap"
    if fit.clashes:
        several = "" if fit.clashes == 1 else "s"
        where = f"{fit.clashes} overlap{several}, with {', '.join(fit.clashing_residues[:3])}"
    lost = fit.score_kcal_per_mol - fit.own_score_kcal_per_mol
    return (
        f"{'fits' if fit.fits else 'does not fit'}: {where}; after relaxing {fit.moved_angstrom:.1f} "
        f"angstrom away and {lost:+.1f} kcal/mol from its own state's score"
    )


def _measured(
    value_kcal_per_mol: float | None,
    low_kcal_per_mol: float | None = None,
    high_kcal_per_mol: float | None = None,
) -> str:
    if value_kcal_per_mol is None:
        return "not measured"
    interval = "" if low_kcal_per_mol is None else f" [{low_kcal_per_mol:+.1f}, {high_kcal_per_mol:+.1f}]"
    return f"{value_kcal_per_mol:+.1f}{interval} kcal/mol"


def _beyond(distance_angstrom: float | None) -> str:
    away = "" if distance_angstrom is None else f" ({distance_angstrom:.0f} A away)"
    return f"the substitution lies beyond the drug's surroundings{away}: its pose does not feel it"


def _far(away_angstrom: float | None, **difference: float | None) -> str:
    relaxed = f"; relaxed {_measured(**difference)}" if difference else ""
    if away_angstrom is None:
        return f"the pose was never measured against a co-crystal, so nothing is called on it{relaxed}"
    away = f"{away_angstrom:.1f} A from the co-crystal's"
    return f"this model holds the known pose {away}, too far for a call{relaxed}"


def _to_known_pose(to_crystal_angstrom: float | None) -> str:
    away = "" if to_crystal_angstrom is None else f", {to_crystal_angstrom:.2f} A from the co-crystal's"
    return f"RMSD is to the known pose in the native model{away}."


def _disagrees(word: str, **difference: float | None) -> str:
    return f"rigid docking alone says {word}{f' ({_measured(**difference)})' if difference else ''}"


def _too_near(
    pairs: int,
    ligand_atoms: tuple[str, ...],
    protein_atoms: tuple[str, ...],
    distances_angstrom: tuple[float, ...],
) -> str:
    nearest = zip(ligand_atoms, protein_atoms, distances_angstrom, strict=True)
    named = ", ".join(f"{one} to {other} {gap:.2f} A" for one, other, gap in nearest)
    more = pairs - len(ligand_atoms)
    return f"too near the protein: {named}{f' and {more} more' if more else ''}"


def _blind(crystal: str) -> str:
    why = f"The pose of {crystal} does not hold in the model of its state" if crystal else "No co-crystal"
    return f"{why}: the pose is the best of a blind search, and may be wrong."


def _packed(atoms: int, copies: tuple[int, ...], ns_per_day: tuple[float, ...]) -> str:
    said = ", ".join(f"{n} at once {rate:.3g}" for n, rate in zip(copies, ns_per_day, strict=True))
    return f"measured, ns/day together at {atoms:,} atoms: {said}"


_APART = (
    "the sides fall on either side of the bound; their scores differ by {change_kcal_per_mol:+.1f} kcal/mol, "
)
_NOISE = "the noise of two receptors ({noise_kcal_per_mol:.1f})"

SENTENCES: Mapping[str, str | Callable[..., str]] = {
    # of a pose
    "impossible-bond-lengths": "{pairs} impossible bond lengths",
    "impossible-bond-angles": "{pairs} impossible bond angles",
    "clashes-within-ligand": "{pairs} clashes within the ligand",
    "too-near-protein": _too_near,
    "volume-inside-protein": lambda share: f"{100 * share:.0f} % of its volume lies inside the protein",
    # of a known pose
    "laid-on-relative": "Laid on the atoms shared with {relative}: not a co-crystal of this drug.",
    "carried-from-relative": (
        "Carried over from the co-crystal with {protein} by alignment: not a co-crystal of {gene}."
    ),
    "relaxed-with-pocket": (
        "Relaxed by the force field together with the pocket; the rigid model scores it as it is."
    ),
    "crystal-pose-not-held": (
        "The native model does not hold the crystal's pose: the nearest minimum is {away_angstrom:.1f} A "
        "away, so docking from it says little of this drug."
    ),
    "pose-not-held-here": (
        "This structure does not hold the known pose: the nearest minimum is {away_angstrom:.1f} A "
        "away, so docking from it says little of this drug."
    ),
    "found-by-blind-search": _blind,
    "best-form-of-site": "Of the states docked into, this ligand ranks best in this one, {state}.",
    "ranks-behind-form": (
        "It ranks best in {state}; this state is {behind_kcal_per_mol:.1f} kcal/mol of rank behind."
    ),
    "laid-in-from-state": "Known from {state}; laid into this state by the site and minimised there.",
    # of a run and its score
    "program-confirms": "Best pose confirmed by the engine's own program: {score_kcal_per_mol:.3f} kcal/mol.",
    "program-differs": (
        "{of}: The engine's own program scores the best pose {score_kcal_per_mol:.3f} kcal/mol, "
        "{apart_kcal_per_mol:+.3f} apart."
    ),
    "known-mode-lost": (
        "{of}: No minimum lies within {radius_angstrom:g} A of the known pose: the binding mode is lost, and "
        "the score is that of another pose."
    ),
    "another-pose-better": (
        "{of}: Another pose, more than {radius_angstrom:g} A away, scores {score_kcal_per_mol:.2f} kcal/mol, "
        "{better_kcal_per_mol:.2f} better than the known binding mode."
    ),
    "rigid-receptors": (
        "Rigid receptors: a difference below {smallest_kcal_per_mol:g} kcal/mol is within their noise."
    ),
    # of a row of the table
    "rmsd-to-known-pose": _to_known_pose,
    "crystal-rmsd-not-measured": "RMSD to the co-crystal not measured: {why}",
    "site-not-modelled": "The model of this state does not hold the {site} site.",
    "fits-apart-within-noise": f"{_APART}within {_NOISE}",
    "fits-apart-beyond-noise": f"{_APART}beyond {_NOISE}",
    # of frames
    "mode-not-in-native": (
        "the native itself holds the known mode in {percent:.0f} % of its frames, so these do not tell what "
        "a mutant loses ({sampling})"
    ),
    # of relaxed complexes
    "side-chains-made-room": lambda residues: (
        f"Side chains turned out of the drug's way first: {', '.join(map(str, residues))}."
    ),
    "no-second-opinion": "No second opinion: {why}",
    "not-relaxed-far-from-crystal": "Complexes are not relaxed from a pose that is not the crystal's.",
    "nothing-substituted-near": (
        "No substituted residue lies within {within_angstrom:g} A of the drug: the relaxed "
        "complexes do not differ."
    ),
    # of a call
    "beyond-surroundings": _beyond,
    "pose-far-from-crystal": _far,
    "relaxed-difference": lambda **values: (
        f"interaction energy of the relaxed complexes {_measured(**values)}"
    ),
    "rigid-difference": lambda **it: f"rigid docking {_measured(**it)}",
    "rigid-docking-disagrees": _disagrees,
    "known-mode-gone": "the known binding mode is gone",
    "no-score": "no score",
    # of what steps the dynamics
    "set-up": "set-up",
    "platform-asked-for": "asked for",
    "device-named": "{variable} names it",
    "ran-a-trial": "ran a trial",
    "no-working-gpu": "no working GPU was found",
    "gromacs-build": "{simd}, {precision} precision",
    "packing-measured": _packed,
    "no-packing-ran": "one, as no trial at this size ran",
    "one-at-once": "one at once",
}
"""A format string, or a function of the note's values, by code; ``of`` is the run that is spoken of."""

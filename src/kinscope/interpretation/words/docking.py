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


SENTENCES: Mapping[str, Callable[..., str]] = {
    "too-near-protein": _too_near,
    "volume-inside-protein": lambda share: f"{100 * share:.0f} % of its volume lies inside the protein",
    "found-by-blind-search": _blind,
    "rmsd-to-known-pose": _to_known_pose,
    "beyond-surroundings": _beyond,
    "pose-far-from-crystal": _far,
    "relaxed-difference": lambda **values: (
        f"interaction energy of the relaxed complexes {_measured(**values)}"
    ),
    "rigid-difference": lambda **it: f"rigid docking {_measured(**it)}",
    "rigid-docking-disagrees": _disagrees,
    "packing-measured": _packed,
}
"""Functions of a note's values, by code: what takes more than a sentence of ``sentences.yaml``."""

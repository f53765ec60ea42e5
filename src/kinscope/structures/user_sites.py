"""Which inhibitors of the pack can be docked into a user's structure."""

from __future__ import annotations

from kinscope.structures.model import AtomArray
from kinscope.structures.user_gaps import Donor
from kinscope.structures.user_ligands import MAX_SITE_RMSD, KnownPose, site_of
from kinscope.targets.pack import TargetPack


def dockable(
    atoms: AtomArray,
    dfg: str,
    like: str,
    held: set[str],
    poses: list[KnownPose],
    sources: list[Donor],
    pack: TargetPack,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Drugs whose known pose can be laid into a structure, and for each other drug why it cannot.

    A drug fits whose own state has the DFG class that was measured (or that of the state the user says the
    structure is like) and whose site the structure shows in that shape; and every drug that the structure
    itself holds.

    Parameters
    ----------
    atoms
        Heavy atoms in the target's numbering.
    dfg
        The measured class.
    like
        State id that takes the place of the measurement; empty: the measurement holds.
    held
        Chemical Component codes of the drugs that stand in the structure whole.
    poses
        The pack's reference poses.
    sources
        The shipped models they lie in.
    pack
        The target.
    """
    wanted = pack.state(like).dfg if like else dfg
    found: list[str] = []
    reasons: list[str] = []
    posed = {pose.drug.id: pose for pose in poses}
    for drug in pack.drugs:
        own = pack.state(drug.state)
        pose = posed.get(drug.id)
        if pose is None:
            reasons.append(f"{drug.id}: the target pack has no reference pose of it")
            continue
        if drug.ccd in held:
            found.append(drug.id)
            continue
        if drug.state != like and (own.dfg != wanted or wanted not in ("in", "out", "inter")):
            reasons.append(
                f"{drug.id}: it binds {own.label}, and the structure is DFG-{dfg}"
                + (f", taken as {like}" if like else "")
            )
            continue
        problem = _problem(pose, sources, atoms)
        if problem:
            reasons.append(f"{drug.id}: {problem}")
        else:
            found.append(drug.id)
    return tuple(found), tuple(reasons)


def _problem(pose: KnownPose, sources: list[Donor], atoms: AtomArray) -> str:
    fit = site_of(pose, sources, atoms)
    if fit is None:
        return "the structure does not show its site"
    if fit.lacking:
        return f"the structure lacks {', '.join(map(str, fit.lacking[:8]))} of its site"
    if fit.near_rmsd_angstrom > MAX_SITE_RMSD:
        return (
            f"its site has another shape in the structure (CA atoms {fit.near_rmsd_angstrom:.1f} A from "
            f"those of {pose.drug.state}, at most {MAX_SITE_RMSD:g})"
        )
    return ""

"""``kinscope parameters``: force-field parameters of drugs and of a user's own ligand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.console import Console, echo, show_json
from kinscope.cli.options import Target, command_of, pack_of

if TYPE_CHECKING:
    from kinscope.ligands.parameters.shipped import LigandParameters

app = typer.Typer()


@dataclass(frozen=True)
class AskedOptions:
    """Which ligands, and where their files go."""

    drug: Annotated[
        list[str] | None, typer.Argument(metavar="[LIGAND]...", help="Drugs of the library, by id.")
    ] = None
    out: Annotated[Path, typer.Option("--out", help="For NAME.xml and NAME.json.")] = Path("parameters")
    all_drugs: Annotated[bool, typer.Option("--all", help="Every drug of the library (ATP is none).")] = False
    ligand: Annotated[str | None, typer.Option(help='Your own: SDF, "SMILES" or "SMILES NAME".')] = None
    name: Annotated[str | None, typer.Option(help="Name of your own ligand's files.")] = None


@dataclass(frozen=True)
class ChargeOptions:
    """How charges are made."""

    conformers: Annotated[int, typer.Option(min=1, max=100, help="At most, to average charges over.")] = 8
    optimise: Annotated[
        bool, typer.Option("--optimise", help="Optimise each conformer in AM1 first: minutes each.")
    ] = False
    keep: Annotated[Path | None, typer.Option(help="Keep the programs' files here, Amber's too.")] = None


@command_of(app, "parameters", epilog="Example:  kinscope parameters imatinib --out parameters")
def parameters(
    asked: AskedOptions, charges: ChargeOptions, *, target: Target = "abl1", console: Console
) -> None:
    """Make force-field parameters of ligands. GAFF2 and AM1-BCC, for OpenMM (needs AmberTools)."""
    from kinscope.ligands.parameters.build import ParameterSettings, build_parameters
    from kinscope.ligands.parameters.programs import find_ambertools

    wanted = _wanted(asked, target)
    tools = find_ambertools()
    settings = ParameterSettings(conformers=charges.conformers, optimise=charges.optimise)
    records = []
    for called, smiles, residue in wanted:
        made = build_parameters(
            smiles,
            called,
            asked.out,
            residue_name=residue,
            settings=settings,
            tools=tools,
            keep=None if charges.keep is None else charges.keep / called,
            progress=lambda _, words, called=called: console.say(f"{called}: {words}"),  # type: ignore[misc]
        )
        records.append(made.record)
        if not console.as_json:
            echo("\n".join(in_words(made.record, made.xml_path)))
    if console.as_json:
        show_json(records)


def _wanted(asked: AskedOptions, target: str) -> list[tuple[str, str, str]]:
    """Name, SMILES and residue name of what was asked for."""
    from kinscope.core.errors import LigandError
    from kinscope.ligands.parameters.build import is_polyphosphate
    from kinscope.ligands.parameters.shipped import molecule_in_order

    if sum((bool(asked.drug), asked.all_drugs, asked.ligand is not None)) != 1:
        raise LigandError(
            "Say what to parametrise: drugs of the library, --all, or --ligand.",
            where="kinscope parameters",
            remedy="E.g. kinscope parameters imatinib ponatinib --out parameters",
        )
    if asked.ligand is not None:
        return [_own(asked.ligand, asked.name)]
    pack = pack_of(target)
    if asked.all_drugs:  # nucleotides are refused by name, and passed over here
        chosen = [one for one in pack.drugs if not is_polyphosphate(molecule_in_order(one.smiles_ph74))]
    else:
        chosen = [pack.drug(identifier) for identifier in asked.drug or ()]
    return [(one.id, one.smiles_ph74, one.ccd or "LIG") for one in chosen]


def _own(ligand: str, name: str | None) -> tuple[str, str, str]:
    """A user's ligand; an SDF file if there is such a file or it is called like one."""
    from kinscope.core.quoting import plain_name
    from kinscope.ligands.user import ligand_from_sdf, ligand_from_smiles

    path = Path(ligand)
    is_file = path.suffix.lower() in (".sdf", ".mol") or (len(ligand) < 200 and path.is_file())
    found = (ligand_from_sdf(path) if is_file else ligand_from_smiles(ligand)).identity
    return name or (path.stem if is_file else plain_name(found.name)), found.smiles, "LIG"


def in_words(record: LigandParameters, path: Path) -> list[str]:
    """What was made and what to mind, line by line."""
    from kinscope.interpretation.words.say import say

    lines = [
        f"{record.name}: {path}",
        f"  {len(record.atoms)} atoms, net charge {record.net_charge_e:+d} e, {record.force_field}",
        f"  {record.charge_model}; largest spread {max(atom.charge_spread_e for atom in record.atoms):.3f} e",
    ]
    lines += [f"  to mind: {say(warning)}" for warning in record.warnings]
    poor = [term for term in record.estimated if term.kind != "improper"]
    if poor:
        lines.append(
            f"  {len(poor)} terms taken from similar chemistry: "
            + ", ".join(f"{term.atom_types} (penalty {term.penalty:.0f})" for term in poor)
        )
    return lines

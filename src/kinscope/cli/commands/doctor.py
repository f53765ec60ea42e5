"""``kinscope doctor``: what this machine can do, and how long a study takes here."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.options import AsJson, Target

if TYPE_CHECKING:
    from kinscope.workflow.machine import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", epilog="Example:  kinscope doctor --seconds 10")(doctor)


def doctor(
    seconds: Annotated[
        float,
        typer.Option(
            "--seconds", min=0.0, max=600.0, help="Of stepping on each OpenMM platform; 0: do not measure."
        ),
    ] = 3.0,
    target: Target = "abl1",
    as_json: AsJson = False,
) -> None:
    """Platforms, cores, disk, versions, what is missing, and how long each preset takes here."""
    from kinscope.workflow.machine import examine

    findings = examine()
    if not as_json:
        _show(findings)
    if seconds > 0:
        if not as_json:
            typer.echo(f"measuring the speed of dynamics, {seconds:g} s per platform ...", err=True)
        found = _speeds(target, seconds)
        if not as_json:
            _show(found)
        findings += found
    if as_json:
        typer.echo(json.dumps([finding.model_dump() for finding in findings], indent=2))


def _speeds(target: str, seconds: float) -> list[Finding]:
    """Speed of every platform, replicas at once on a GPU, and what each preset costs."""
    from kinscope.dynamics.shipped import expected_volume
    from kinscope.targets import load_target
    from kinscope.workflow.machine import find_gpus, packing_of
    from kinscope.workflow.timing import (
        choice_finding,
        measure,
        packing_finding,
        preset_times,
        speed_findings,
    )

    pack = load_target(target)
    volume = expected_volume(pack)
    measured = measure(volume, seconds)
    found = speed_findings(measured)
    devices, at_once = find_gpus(), 1.0
    if devices:
        many = 4 * len(devices)
        packing = packing_of(devices, "auto", volume, replicas=many, anew=True, seconds=seconds)
        at_once = len(devices) * packing.gain
        found.append(packing_finding(devices, packing))
    cores = len(os.sched_getaffinity(0))
    chosen = choice_finding(measured, cores=cores, on_gpus=at_once)
    times = preset_times(pack, measured, cores=cores, on_gpus=at_once)
    return [*found, chosen, *(item.finding() for item in times)]


def _show(findings: list[Finding]) -> None:
    for finding in findings:
        typer.echo(f"{'ok ' if finding.fine else '!! '} {finding.name:<22} {finding.value}")
        if finding.remedy:
            typer.echo(f"      to do: {finding.remedy}")

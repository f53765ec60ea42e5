"""Traces of a known mixture, both directions, as ABIF.

python benchmarks/simulate_traces.py K404E --share 20 --out traces
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from factories.chromatograph import QUALITIES, abif_bytes, amplicon_of, molecules_of, simulate_read
from factories.sanger_benchmark import STRANDS
from kinscope.core.files import write_atomic
from kinscope.targets import load_target


def main(
    variants: Annotated[list[str], typer.Argument(help="T315I, c.1086_1270del, E255K/T315I; WT: nothing.")],
    share: Annotated[list[float] | None, typer.Option(help="Percent, once a variant.")] = None,
    quality: Annotated[str, typer.Option(help="clean, typical or bad.")] = "typical",
    out: Path = Path("traces"),
    seed: int = 1,
) -> None:
    """Write forward.ab1 and reverse.ab1."""
    shares = share or [100.0] * len(variants)
    if quality not in QUALITIES or len(shares) != len(variants):
        raise typer.BadParameter("Give --quality clean, typical or bad, and --share once a variant.")
    pack = load_target("abl1")
    mixture = [(text, value / 100) for text, value in zip(variants, shares, strict=True)]
    molecules = molecules_of(mixture, pack, amplicon_of(pack))
    out.mkdir(parents=True, exist_ok=True)
    for strand in STRANDS:
        read = simulate_read(molecules, strand, QUALITIES[quality], seed=seed, chemistry=seed)
        write_atomic(out / f"{strand}.ab1", abif_bytes(read, "simulated"))
        print(out / f"{strand}.ab1")


if __name__ == "__main__":
    typer.run(main)

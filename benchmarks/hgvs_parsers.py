"""Compare HGVS parsers on the spellings kinscope must read.

Each candidate is run by the Python of an environment that holds it and nothing else of ours::

    for name in hgvs ferro-hgvs hgvs-weaver mutalyzer-hgvs-parser; do
        python -m venv /tmp/$name && /tmp/$name/bin/pip install $name
    done
    python benchmarks/hgvs_parsers.py hgvs=/tmp/hgvs ferro-hgvs=/tmp/ferro-hgvs \
        hgvs-weaver=/tmp/hgvs-weaver mutalyzer-hgvs-parser=/tmp/mutalyzer-hgvs-parser

The table tells for each expression whether the parser reads it and whether its Python objects then hold
every changed position (``yes``), the text only (``text``), or it refuses (``-``).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

GOOD = {
    "K404E": [404],
    "p.Lys404Glu": [404],
    "NP_005148.2:p.Lys404Glu": [404],
    "NP_005148.2:p.(Lys404Glu)": [404],
    "NP_005148.2:p.K404E": [404],
    "NM_005157.6:c.1210A>G": [1210],
    "NM_005157.6(ABL1):c.1210A>G": [1210],
    "NM_005157.6(ABL1):c.1210A>G (p.Lys404Glu)": [1210],
    "c.1210A>G": [1210],
    "NC_000009.12:g.130874992A>G": [130874992],
    "NC_000009.12(NM_005157.6):c.1210A>G": [1210],
    "NP_005148.2:p.[Glu255Lys;Thr315Ile]": [255, 315],
    "NP_005148.2:p.[(Glu255Lys;Thr315Ile)]": [255, 315],
    "NM_005157.6:c.[763G>A;944C>T]": [763, 944],
    "NM_005157.6:c.1210_1212delinsGAG": [1210, 1212],
    "NM_005157.6:c.1423+1G>A": [1423],
    "NM_005157.6:c.-15A>G": [15],
    "NP_005148.2:p.Lys404Ter": [404],
    "NP_005148.2:p.Lys404fs": [404],
    "NP_005148.2:p.Lys404GlufsTer5": [404],
    "NP_005148.2:p.Lys404_Trp405insAla": [404, 405],
    "NP_005148.2:p.Lys404=": [404],
}
"""Expression and the positions that its parts must have."""

BAD = ("NP_005148.2:p.Lys404Bbb", "NM_005157.6:c.1210A>", "NM_005157.6:c.1210A>G;rm", "NP_005148.2:p.Glu")
"""Not HGVS: a parser must refuse."""


def parser_of(name: str) -> Any:
    """The parse function of a candidate."""
    if name == "hgvs":
        import hgvs.parser

        return hgvs.parser.Parser().parse_hgvs_variant
    if name == "ferro-hgvs":
        import ferro_hgvs

        return ferro_hgvs.parse
    if name == "hgvs-weaver":
        import weaver

        return weaver.parse
    from mutalyzer_hgvs_parser import to_model

    return to_model


def numbers_in(name: str, parsed: Any) -> set[int]:
    """Every whole number in the structured form of a parsed variant (not in its text)."""
    if name == "hgvs":
        position = parsed.posedit.pos
        ends = [position.start, position.end]
        return {abs(end.base) for end in ends if end is not None}
    content = parsed if name.startswith("mutalyzer") else parsed.to_dict()
    if name == "ferro-hgvs":
        content = [content, *(item.to_dict() for item in parsed.variants())]
        for item in content:
            item.pop("string", None)
    return {abs(int(number)) for number in re.findall(r"[:\[] ?(-?\d+)\b", json.dumps(content))}


def closure(name: str) -> tuple[list[str], float]:
    """Names of a distribution and all it needs, and their installed size in megabytes."""
    todo, seen, size = [name], [], 0
    while todo:
        current = todo.pop()
        try:
            distribution = importlib.metadata.distribution(current)
        except importlib.metadata.PackageNotFoundError:
            continue
        key = distribution.metadata["Name"].lower().replace("_", "-")
        if key in seen:
            continue
        seen.append(key)
        files = [Path(str(file.locate())) for file in distribution.files or ()]
        size += sum(path.stat().st_size for path in files if path.is_file())
        for requirement in distribution.requires or ():
            if "extra ==" not in requirement:
                todo.append(re.split(r"[ ;<>=!~\[(]", requirement)[0])
    return seen, size / 1e6


def probe(name: str) -> dict[str, Any]:
    """Everything measured in one environment."""
    packages, megabytes = closure(name)
    started = time.perf_counter()
    parse = parser_of(name)
    import_seconds = time.perf_counter() - started
    marks = {}
    for expression, wanted in GOOD.items():
        try:
            parsed = parse(expression)
        except Exception:  # each library raises its own
            marks[expression] = "-"
            continue
        try:
            marks[expression] = "yes" if set(wanted) <= numbers_in(name, parsed) else "text"
        except (AttributeError, KeyError, TypeError):
            marks[expression] = "text"
    refused = 0
    for expression in BAD:
        try:
            parse(expression)
        except Exception:
            refused += 1
    started = time.perf_counter()
    for _ in range(200):
        parse("NM_005157.6:c.1210A>G")
    micro = (time.perf_counter() - started) / 200 * 1e6
    metadata = importlib.metadata.metadata(name)
    classifiers = [
        text.split("::")[-1].strip() for text in metadata.get_all("Classifier") or () if "License" in text
    ]
    wheel = importlib.metadata.distribution(name).read_text("WHEEL") or ""
    return {
        "version": metadata["Version"],
        "licence": metadata.get("License-Expression")
        or (classifiers or ["see its file"])[0].split(":: ")[-1],
        "packages": len(packages),
        "megabytes": megabytes,
        "import_seconds": import_seconds,
        "microseconds": micro,
        "wheel": ", ".join(re.findall(r"Tag: (\S+)", wheel)[:1]),
        "refused": f"{refused}/{len(BAD)}",
        "marks": marks,
    }


def print_table(results: dict[str, dict[str, Any]]) -> None:
    """One column for each candidate."""
    width = max(map(len, GOOD)) + 2
    rows = [("", list(results))]
    for key, text in (
        ("version", "{}"),
        ("licence", "{}"),
        ("wheel", "{}"),
        ("packages", "{}"),
        ("megabytes", "{:.1f}"),
        ("import_seconds", "{:.2f}"),
        ("microseconds", "{:.0f}"),
        ("refused", "{}"),
    ):
        rows.append((key, [text.format(result[key]) for result in results.values()]))
    rows.extend(
        (expression, [result["marks"][expression] for result in results.values()]) for expression in GOOD
    )
    rows.append(
        (
            "positions given",
            [f"{list(r['marks'].values()).count('yes')}/{len(GOOD)}" for r in results.values()],
        )
    )
    for label, cells in rows:
        print(f"{label:<{width}}" + "".join(f"{cell[:26]:>28}" for cell in cells))


def main() -> None:
    """Run every candidate in its environment and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("environments", nargs="*", metavar="NAME=ENVIRONMENT")
    arguments.add_argument("--probe", metavar="NAME", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.probe:
        print(json.dumps(probe(given.probe)))
        return
    results = {}
    for pair in given.environments:
        name, _, environment = pair.partition("=")
        command = [f"{environment}/bin/python", str(Path(__file__).resolve()), "--probe", name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            sys.exit(f"{name}: {done.stderr[-500:]}")
        results[name] = json.loads(done.stdout.splitlines()[-1])
    if not results:
        arguments.error("name at least one candidate")
    print_table(results)


if __name__ == "__main__":
    main()

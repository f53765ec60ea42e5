"""One palette for figures, page and 3D view.

Colours are those of Okabe and Ito (Color Universal Design, 2008) and of Paul Tol's muted scheme
(SRON technical note EPS/TN/09-002, 2021), which readers with the common colour deficiencies tell apart.
A colour never stands alone: every mark has a word or a symbol too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kinscope.targets.pack import Region

NATIVE: Final = "#44617b"
MUTANT: Final = "#c8501e"
NEUTRAL: Final = "#8a8f98"
INK: Final = "#1d2733"
GRID: Final = "#e3e6ea"

CHANGE_COLOURS: Final[dict[str, str]] = {"kept": "#7b8490", "lost": "#c0322b", "gained": "#1d8348"}
CHANGE_SYMBOLS: Final[dict[str, str]] = {"kept": "=", "lost": "−", "gained": "+"}
ORIGIN_COLOURS: Final[dict[str, str]] = {
    "crystal": "#8fb3d1",
    "grafted": "#ddaa33",
    "built": "#aa3377",
    "substituted": MUTANT,
}
DOMAIN_COLOURS: Final = ("#b9c8d8", "#c9d8c0", "#d9d2e6", "#e6d9c3", "#cfe0e0", "#e2cdd2")
SEGMENT_COLOURS: Final = (
    "#332288", "#0077bb", "#33a0a8", "#117733", "#999933", "#cc9a1f",
    "#cc6677", "#882255", "#aa4499", "#6699cc", "#885533", "#4b6b5a",
)  # fmt: skip


@dataclass(frozen=True)
class VerdictStyle:
    """How a verdict looks: a symbol and a CSS class beside its words."""

    symbol: str
    css: str


VERDICTS: Final[dict[str, VerdictStyle]] = {
    "resistance reported": VerdictStyle("✕", "v-resistant"),
    "reduced binding expected": VerdictStyle("▼", "v-reduced"),
    "no loss of binding detected": VerdictStyle("●", "v-kept"),
    "sensitivity reported": VerdictStyle("✓", "v-sensitive"),
    "not resolved": VerdictStyle("?", "v-open"),
}


def region_colours(regions: tuple[Region, ...]) -> dict[str, str]:
    """A colour per region name: pale for domains, strong for segments and pockets, in order of start."""
    ordered = sorted(regions, key=lambda region: (region.start, region.end, region.name))
    domains = [region for region in ordered if region.kind == "domain"]
    others = [region for region in ordered if region.kind != "domain"]
    colours = {r.name: DOMAIN_COLOURS[i % len(DOMAIN_COLOURS)] for i, r in enumerate(domains)}
    colours |= {r.name: SEGMENT_COLOURS[i % len(SEGMENT_COLOURS)] for i, r in enumerate(others)}
    return colours

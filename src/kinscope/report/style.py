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
DOMAIN_COLOURS: Final = ("#b9c8d8", "#c9d8c0", "#d9d2e6", "#e6d9c3", "#cfe0e0", "#e2cdd2")
SEGMENT_COLOURS: Final = (
    "#332288", "#0077bb", "#117733", "#9a7209", "#cc6677", "#882255",
    "#aa4499", "#1b8a8f", "#885533", "#6b7d1e", "#5a6bc4", "#4b6b5a",
)  # fmt: skip
HELIX_COLOUR: Final = "#7f93a8"
"""Of helices other than C, which are landmarks, not hot spots."""
LONGEST_MARKED: Final = 60
SHORTEST_MARKED: Final = 3


@dataclass(frozen=True)
class VerdictStyle:
    """How a verdict looks: a symbol and a CSS class beside its words."""

    symbol: str
    css: str


VERDICTS: Final[dict[str, VerdictStyle]] = {
    "resistance": VerdictStyle("✕", "v-resistant"),
    "reduced": VerdictStyle("▼", "v-reduced"),
    "no": VerdictStyle("●", "v-kept"),
    "sensitivity": VerdictStyle("✓", "v-sensitive"),
    "not": VerdictStyle("?", "v-open"),
}
"""By a verdict's first word."""


def marked_segments(regions: tuple[Region, ...]) -> list[Region]:
    """Segments worth a mark of their own, by start.

    Lobes and tails are too long to tell anything apart, single residues too short to see, and a stretch
    inside another marked one (the HRD motif in the catalytic loop) would hide it.
    """
    fitting = [
        region
        for region in regions
        if region.kind == "segment" and SHORTEST_MARKED <= region.end - region.start + 1 <= LONGEST_MARKED
    ]
    outer = [region for region in fitting if not any(_inside(region, other) for other in fitting)]
    return sorted(outer, key=lambda region: (region.start, region.end))


def _inside(region: Region, other: Region) -> bool:
    inner, outer = (region.start, region.end), (other.start, other.end)
    return inner != outer and outer[0] <= inner[0] and inner[1] <= outer[1]


def short_label(region: Region) -> str:
    """A region's label without what stands in brackets."""
    return region.label.split(" (")[0]


def region_colours(regions: tuple[Region, ...]) -> dict[str, str]:
    """A colour per region name: pale for domains, strong for marked segments, grey for the rest."""
    domains = sorted((r for r in regions if r.kind == "domain"), key=lambda region: region.start)
    marked = marked_segments(regions)
    landmarks = [r for r in marked if r.name.startswith("helix") and r.name != "helix_c"]
    strong = [r for r in marked if r not in landmarks]
    colours = {region.name: NEUTRAL for region in regions}
    colours |= {r.name: DOMAIN_COLOURS[i % len(DOMAIN_COLOURS)] for i, r in enumerate(domains)}
    colours |= {r.name: SEGMENT_COLOURS[i % len(SEGMENT_COLOURS)] for i, r in enumerate(strong)}
    return colours | {r.name: HELIX_COLOUR for r in landmarks}

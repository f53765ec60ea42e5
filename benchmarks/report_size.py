"""Words, printed pages and first screens of reports, measured by headless Chromium.

    python benchmarks/report_size.py kinscope-K404E kinscope-T315I ... [--shots DIR]
    python benchmarks/report_size.py --answer K404E T315I E255K/T315I V299L D391Y

Words are all that the page shows with everything opened, tables, captions and labels of figures included.
Page one fits if it ends at 1000 on a screen 1400 wide, at 1688 on a phone (two screens of 390 x 844), and
before the second sheet of A4. ``--answer``: make the first answer of variants, in a folder that goes.
``--shots``: keep pictures there: 1400 and 390 wide, light and dark, and the printed pages.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSER = ("chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu")
PROBE = """<script>addEventListener("load", function () {
  var one = document.querySelector(".one").getBoundingClientRect().bottom;
  document.querySelectorAll("details").forEach(function (d) { d.open = true; });
  document.querySelectorAll("script, style, .skip").forEach(function (e) { e.remove(); });
  var words = document.body.textContent.split(/\\s+/).filter(Boolean).length;
  parent.postMessage("MEASURED " + Math.ceil(one) + " " + words, "*");
});</script></body>"""


def browse(page: Path, *options: str) -> str:
    """What Chromium prints."""
    done = subprocess.run(
        [*BROWSER, *options, page.resolve().as_uri()], check=True, capture_output=True, text=True, timeout=120
    )
    return done.stdout


def probed(report: Path, width: int, folder: Path) -> tuple[int, int]:
    """Where page one ends (pixels from the top), and the words of all of it."""
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report.read_text(encoding="utf-8"))
    copy = folder / "probe.html"
    copy.write_text(html.replace("</body>", PROBE))
    # A window is never narrower than 500 pixels: a phone's width is given to a frame.
    frame = folder / "frame.html"
    frame.write_text(
        '<script>addEventListener("message", function (e) { document.title = e.data; });</script>'
        f'<iframe src="probe.html" style="border:0;width:{width}px;height:9000px"></iframe>'
    )
    found = re.search(r"MEASURED (\d+) (\d+)", browse(frame, "--dump-dom", "--virtual-time-budget=8000"))
    if found is None:
        raise SystemExit(f"{report}: Chromium measured nothing")
    return int(found[1]), int(found[2])


def pages(report: Path, folder: Path) -> tuple[int, int]:
    """Printed pages of A4, and the page on which the second section begins."""
    pdf = folder / "report.pdf"
    browse(report, "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    said = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, text=True)
    sheets = said.stdout.split("\f")[:-1]
    second = next((n for n, text in enumerate(sheets) if "Drug by drug" in text), len(sheets))
    return len(sheets), second


def shoot(report: Path, folder: Path, name: str) -> None:
    """Pictures of what a reader sees."""
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
        for size in ("1400,1000", "390,1688"):
            shot = folder / f"{name}-{size.partition(',')[0]}-{scheme}.png"
            browse(report, *dark, f"--window-size={size}", f"--screenshot={shot}")
    browse(report, "--no-pdf-header-footer", f"--print-to-pdf={folder / name}.pdf")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="+", help="Run directories; variants with --answer.")
    parser.add_argument("--answer", action="store_true")
    parser.add_argument("--shots", type=Path)
    options = parser.parse_args()
    print(
        f"{'study':<18}{'words':>7}{'A4 pages':>10}{'page one on sheet':>19}{'ends at 1400':>14}{'at 390':>8}"
    )
    with tempfile.TemporaryDirectory() as temporary:
        for number, what in enumerate(options.what):
            run = Path(temporary) / str(number) if options.answer else Path(what)
            if options.answer:
                command = [sys.executable, "-m", "kinscope", "assess", what, "--answer", "--out", str(run)]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            report = run / "report.html"
            end, words = probed(report, 1400, Path(temporary))
            phone, _ = probed(report, 390, Path(temporary))
            sheets, second = pages(report, Path(temporary))
            name = what if options.answer else run.name
            print(f"{name:<18}{words:>7}{sheets:>10}{second:>19}{end:>14}{phone:>8}", flush=True)
            if options.shots:
                shoot(report, options.shots, name.replace("/", "_"))


if __name__ == "__main__":
    main()

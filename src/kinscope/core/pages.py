"""Pages that open offline and can load nothing: templates, drawings put into them, and what they may run."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from kinscope.core.quoting import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jinja2 import Environment
    from markupsafe import Markup


def environment(templates: Path) -> Environment:
    """Templates of a folder: every text is printable and escaped, an unknown name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def as_text(value: object) -> object:
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    return Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        finalize=as_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def content_security_policy(scripts: Iterable[str], *, images: str = "data:") -> str:
    """Nothing may be loaded; only these inline scripts may run, named by their SHA-256.

    Inline style attributes stay allowed: drawings set them, and they can load nothing under
    ``default-src 'none'``. ``images``: where pictures may come from.
    """
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src {images}; "
        "base-uri 'none'; form-action 'none'"
    )


def inline_svg(svg: bytes, prefix: str) -> Markup:
    """Our own SVG for the body of a page: no prologue, no metadata, ids of its own."""
    from markupsafe import Markup

    text = svg.decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(href=")#', rf"\1#{prefix}-", text)
    return Markup(re.sub(r"url\(#", f"url(#{prefix}-", text))

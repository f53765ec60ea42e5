"""``case.html``: lanes, marks, SVG and the files written beside it."""

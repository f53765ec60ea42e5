"""Report: figures, HTML, export."""

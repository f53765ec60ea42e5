"""``python -m kinscope``."""

from kinscope.cli.main import run

run()

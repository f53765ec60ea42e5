"""What holds for every test."""

import os

from hypothesis import settings

# Machines are shared: no test is timed. The gate draws the same examples each time, other runs new ones.
settings.register_profile("kinscope", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("kinscope")

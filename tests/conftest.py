"""What holds for every test."""

from hypothesis import settings

settings.register_profile("kinscope", deadline=None)  # machines are shared: no test is timed
settings.load_profile("kinscope")

"""kinscope: from a kinase variant to a reasoned report on which inhibitors still bind."""

__version__ = "0.1.0"

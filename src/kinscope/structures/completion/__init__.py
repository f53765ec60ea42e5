"""Heavy atoms, hydrogens and protonation that a crystal does not show."""

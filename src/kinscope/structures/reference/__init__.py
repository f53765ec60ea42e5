"""Reference models of the states, from crystals by recipe."""

"""ISCN karyotypes: grammar, reading, clone sizes, complexity."""

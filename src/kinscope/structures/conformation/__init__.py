"""Which conformation a kinase domain is in, by published definitions."""

"""Target packs: what is known of a kinase, as data."""

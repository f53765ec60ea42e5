"""Target packs made, checked and rebuilt."""

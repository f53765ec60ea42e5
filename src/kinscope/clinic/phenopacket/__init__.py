"""GA4GH Phenopackets, in and out."""

"""From a laboratory's traces and calls to variants: Sanger chromatograms, VCF, tables of amplicon reads."""

"""From a trace to the share of each base at each position."""

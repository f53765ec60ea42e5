"""One accumulator a measure: motion, secondary structure, interactions, pockets, states."""

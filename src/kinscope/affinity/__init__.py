"""How much affinity a substitution costs a drug: terms, model, interval, and the atlas of all of them."""

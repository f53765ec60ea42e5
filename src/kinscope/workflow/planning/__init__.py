"""The plan of a study: which steps, from which inputs, with which parameters."""

"""Drug and pocket relaxed together, native beside mutant."""

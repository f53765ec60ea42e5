"""A case as a person writes it: its model, reading, schedule, times and terms."""

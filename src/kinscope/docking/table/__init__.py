"""Native beside mutant: differences, rows, frames."""

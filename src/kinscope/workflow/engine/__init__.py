"""Running a plan on a machine: steps, their store, a process each. It knows no science."""

"""One module per kind of figure; each takes records and draws on a matplotlib figure."""

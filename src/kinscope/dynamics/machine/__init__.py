"""Which platform, which device, how fast."""

"""Cases that ship with kinscope."""

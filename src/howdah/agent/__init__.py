"""One agent: observe, decide, execute."""

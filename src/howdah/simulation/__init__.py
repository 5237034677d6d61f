"""The real rules and the real agent under seeded time, network and faults."""

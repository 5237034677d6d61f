"""Interfaces the shells need: clock, store, postgres, peers, local disk, dead-man."""

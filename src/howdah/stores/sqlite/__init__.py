"""The store of a cluster on one machine: a small process owns an SQLite file, and the agents talk to it.

Agents never open the file themselves: one that is frozen inside a write transaction would lock everybody out.
"""

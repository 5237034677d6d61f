"""`howdah up` and `down`: a whole cluster on one machine."""

"""How each action is carried out: the order of effects, over the ports. The proofs themselves are in `cluster/`."""

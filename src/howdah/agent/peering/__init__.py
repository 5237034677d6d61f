"""How the agents of a cluster speak with each other: JSON over HTTP, on the agent's one API port."""

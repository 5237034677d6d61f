"""REST on the agent, one resource a file."""

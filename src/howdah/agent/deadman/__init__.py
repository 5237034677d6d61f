"""The dead-man: a tiny process beside the agent that kills PostgreSQL when the agent no longer renews a deadline."""

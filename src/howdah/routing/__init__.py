"""One client's conversation, the pools of server connections, and what a role change does to both. Pure."""

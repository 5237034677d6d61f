"""The router's shell: sockets, TLS, what it asks the servers and the store. The only asyncio in the data path."""

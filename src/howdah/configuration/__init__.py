"""The settings: schema, sources, and what is wrong with them."""

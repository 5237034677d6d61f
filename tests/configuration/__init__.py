"""Settings: schema, sources, relations, changes."""

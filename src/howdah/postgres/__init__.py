"""The local PostgreSQL server: observe, control, configure, clone, rewind."""

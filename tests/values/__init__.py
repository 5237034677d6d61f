"""Words everyone shares."""

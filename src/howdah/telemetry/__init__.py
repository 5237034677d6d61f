"""Decision journal, metrics and logs."""

"""What `howdah doctor` looks at, one subject a file."""

"""Words that every room shares: log positions, names, addresses."""

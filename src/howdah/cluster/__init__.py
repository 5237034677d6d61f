"""Every availability decision, as pure functions of values. No clock, socket, file, log or random number."""

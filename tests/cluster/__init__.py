"""The rules, one file of tests a module; values come from `builders`."""

"""Tests of the router's shell."""

"""Drivers of the store port: memory, SQLite, etcd, Kubernetes."""

"""The Kubernetes API as a store, and the objects beside the documents: slices of Services, and Events."""

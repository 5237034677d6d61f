"""The store of a cluster outside Kubernetes: etcd, asked over its v3 JSON gateway."""

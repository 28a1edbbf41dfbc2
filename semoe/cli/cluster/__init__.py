"""The verbs' way to a Kubernetes cluster with Argo Workflows; `client.py` is the only module that knows its library."""

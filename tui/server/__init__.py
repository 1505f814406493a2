"""An lmdeploy server over HTTP: address, client, capability probe, metrics, the state of the link."""

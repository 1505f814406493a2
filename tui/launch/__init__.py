"""Starting, watching and stopping lmdeploy, here and over there; diagnosing; quantising."""

"""dvc.yaml -> graph -> status (with reasons) -> plan -> run."""

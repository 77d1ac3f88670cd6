"""What one commit, or the workspace, holds: pipeline, configuration, recorded content and bytes."""

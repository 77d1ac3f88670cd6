"""What a reviewer reads: a diff and a verdict as JSON, Markdown and HTML."""

"""What happens to released models: sketches of training data, windows of today, verdicts, triggers."""

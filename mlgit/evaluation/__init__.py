"""Predictions and metrics -> values, intervals, pairs of models. The only place where a model is scored."""

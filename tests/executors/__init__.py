"""Tests of the places where stages run."""

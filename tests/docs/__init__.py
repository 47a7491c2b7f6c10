"""Tests of README, docs and what else is written for people: examples run, references are complete."""

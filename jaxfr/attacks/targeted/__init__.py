"""Attacks that promote given items, the experiment's targets."""

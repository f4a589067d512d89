"""Attacks made for federated recommendation."""

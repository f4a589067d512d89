"""Attacks of federated learning at large, item by item."""

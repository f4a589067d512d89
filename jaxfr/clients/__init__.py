"""Clients: their padded data, their batch of a round, and what they do with it."""

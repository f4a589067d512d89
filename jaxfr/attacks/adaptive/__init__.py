"""Attacks that know a defense by its stages, and keep to what these allow."""

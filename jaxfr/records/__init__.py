"""What a run writes down, and what every program shares."""

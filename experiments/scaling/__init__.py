"""What a run of any size needs, from what runs of smaller sizes took."""

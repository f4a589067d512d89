"""The page that a reproduction ends in: one HTML file that needs no network."""

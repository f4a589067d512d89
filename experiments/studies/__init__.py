"""What the paper shows, a module for each of its tables and figures."""

"""What reproduces the paper: its tables and figures, and examples of parts."""

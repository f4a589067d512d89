"""What the paper proves of sparse aggregation, as functions to test against."""

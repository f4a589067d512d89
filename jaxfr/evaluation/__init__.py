"""Where each benign user's test item ranks, and what that says of the recommender."""

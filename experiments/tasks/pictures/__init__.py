"""What a person can look at: an input with what a model says to it."""

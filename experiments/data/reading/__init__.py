"""What the kinds of data that are read closely are made from: labelled words, questions, pairs of passages."""

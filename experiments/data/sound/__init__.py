"""Sound: from files to spectrograms, and what training does to make them more varied."""

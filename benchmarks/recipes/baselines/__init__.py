"""What the recipes have to beat, one file per topic: plain functions that return numbers on the test split."""

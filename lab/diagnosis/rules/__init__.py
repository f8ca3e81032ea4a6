"""The rules: each takes what was seen and gives the findings it makes, most often none."""

"""The rules, written a second time in Python: what every vector's stated answer is held against."""

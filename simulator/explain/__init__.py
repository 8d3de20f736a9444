"""
The story of a message: a view over facts.
"""

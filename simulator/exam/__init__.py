"""
The exam: a fixed set of hardships that a receiver comes through, or not.
"""

"""
Searches for the smallest scenario in which software does wrong.
"""

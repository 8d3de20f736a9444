"""
Runs of a scenario: from a file to a verdict with evidence.
"""

"""
Evidence: what a run, or a space, leaves for readers: people, CI servers and other tools.
"""

"""
Files that somebody names: read so far and no further, written whole or not at all.
"""

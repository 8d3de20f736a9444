"""
Bounded collections: what is kept.
"""

"""
Read a tree, complain with places, give JSON Schema.
"""

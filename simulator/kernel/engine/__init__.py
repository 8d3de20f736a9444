"""
What happens: each module imports only those before it.
"""

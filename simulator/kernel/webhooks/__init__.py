"""
What is owed to the integrator, and what is done to it on purpose.
"""

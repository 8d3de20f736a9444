"""
Toys that tests play with: a provider that does not exist, and a bench for the kernel.
"""

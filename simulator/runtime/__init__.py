"""
What makes a simulation move: the pulse, and the HTTP client that sends webhooks.
"""

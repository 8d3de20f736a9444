"""
Everything that is sent over HTTP: webhooks, requests of providers, calls of a run, re-fired records.
"""

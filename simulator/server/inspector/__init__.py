"""
The inspector: pages about spaces for people, made on the server; whatever they do, the control API does.

Loaded when a page is first asked for: servers start and send without.
"""

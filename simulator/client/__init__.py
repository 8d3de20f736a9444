"""
The client: a space of a simulator in a test's hands.
"""

from simulator.client.lists import Messages, Webhooks
from simulator.client.recipient import RecipientHandle
from simulator.client.records import SimulatedMessage, SimulatedRequest, SimulatedWebhook
from simulator.client.space import AddedRule, Simulator
from simulator.client.story import Story
from simulator.client.vocabulary import OtherProvider, Then, When

__all__ = [
    "AddedRule",
    "Messages",
    "OtherProvider",
    "RecipientHandle",
    "SimulatedMessage",
    "SimulatedRequest",
    "SimulatedWebhook",
    "Simulator",
    "Story",
    "Then",
    "Webhooks",
    "When",
]

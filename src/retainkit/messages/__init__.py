"""The outside that reaches people: messages, their words, and the port that sends them.

The transports are `retainkit.messages.console` and `retainkit.messages.smtp`; signed links are in
`retainkit.messages.links`, the sentences of decisions in `retainkit.messages.reasons`.
"""

from __future__ import annotations

from retainkit.messages._branding import Branding
from retainkit.messages._message import Message, Messenger, Rejected, SendOutcome, Sent
from retainkit.messages._render import known_messages, render


__all__ = [
    "Branding",
    "Message",
    "Messenger",
    "Rejected",
    "SendOutcome",
    "Sent",
    "known_messages",
    "render",
]

"""The composition root: settings in, a running broker out."""

from broker.app.broker import Broker
from broker.app.keys import KEY_FILE, key_ring, key_wrapper
from broker.app.upstream import NO_ADDRESSES

__all__ = ["KEY_FILE", "NO_ADDRESSES", "Broker", "key_ring", "key_wrapper"]

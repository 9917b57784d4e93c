"""The composition root: settings in, a running broker out."""

from broker.app.broker import NO_ADDRESSES, Broker
from broker.app.keys import KEY_FILE, key_ring, key_wrapper

__all__ = ["KEY_FILE", "NO_ADDRESSES", "Broker", "key_ring", "key_wrapper"]

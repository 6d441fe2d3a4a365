"""The Redis transport of kombu, which says of a lost connection that it is lost.

When Redis dies, Celery's worker lets go of the connection and then closes its channel, which wants to give back what was not
acknowledged yet. Kombu then asks a connection that has no parameters any more for its host: an AttributeError, which nobody takes
for a lost connection, and the worker ends instead of connecting again (kombu 5.7).
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise ConnectionResetError("The connection to the broker was let go")
        return super()._connparams(asynchronous)


class Transport(redis.Transport):
    Channel = Channel


def use() -> None:
    """For every connection of this process whose URL begins with redis."""
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "config.broker:Transport"))

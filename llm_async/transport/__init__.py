"""The network: requests out, replies in. The only place that knows aiosonic.

What belongs here: connections, deadlines, TLS, names, proxies, HTTP/1.1, and the translation of foreign exceptions.
aiosonic supplies client, connector and connections; the guard around them, and the reading and writing of HTTP/1.1, are
here, because aiosonic's own reading of answers mixes them up after a cancellation and misses the end of unusual bodies.

A request takes this way::

    client.Transport.send
      ├─ address, http1     the request, checked
      ├─ slots, pool        a connection of the running event loop: an idle one, or
      ├─ dialer             a new one: resolver, proxy, tls
      ├─ wire               bytes out and in; deadlines watches it
      ├─ http1              the head of the answer
      └─ reply.Reply        its body: body finds the end, codings decompress
"""

from .client import Transport
from .http1 import Headers
from .reply import Reply

__all__ = ["Headers", "Reply", "Transport"]

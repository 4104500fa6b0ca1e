"""A port in front of the server through which a client can be made to fall silent, lose its connection or be kept away.

forwarding   bytes go both ways
silent       connections stay open and new ones are accepted, but no byte passes: as of a frozen client
closed       connections have been cut and new ones are cut at once: as of a pulled cable
refusing     the connections there are go on, new ones are cut at once
"""

import socket
import threading


class Relay:
    def __init__(self, server):
        host, port = server.rsplit(":", 1)
        self._server = (host, int(port))
        self._mode = "forwarding"
        self._lock = threading.Lock()
        self._sockets = []
        self.cut_by_server = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.hosts = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def forward(self):
        """Forwards new connections; those of a silent time are cut, so that their clients come again."""
        if self._mode == "silent":
            self._cut_all()
        self._mode = "forwarding"

    def fall_silent(self):
        self._mode = "silent"

    def close(self):
        self._mode = "closed"
        self._cut_all()

    def refuse(self):
        self._mode = "refusing"
        self.cut_by_server.clear()

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            if self._mode in ("closed", "refusing"):
                client.close()
                continue
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        with self._lock:
            self._sockets.append(client)
        if self._mode == "silent":
            return
        try:
            server = socket.create_connection(self._server)
        except OSError:
            cut(client)
            return
        with self._lock:
            self._sockets.append(server)
        threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()
        self._pump(client, server, False)

    def _pump(self, source, target, is_from_server):
        try:
            while data := source.recv(65536):
                if self._mode != "silent":
                    target.sendall(data)
        except OSError:
            pass
        if is_from_server:
            self.cut_by_server.set()
        if self._mode != "silent":
            cut(source)
            cut(target)

    def _cut_all(self):
        with self._lock:
            for one in self._sockets:
                cut(one)
            self._sockets.clear()


def cut(one):
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()

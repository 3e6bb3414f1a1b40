"""An MQTT broker on loopback for demo, benchmarks and tests: mosquitto, where it is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

SEARCHED: Final = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
WITHIN_S: Final = 10.0


def installed_broker() -> str | None:
    """The path of mosquitto; None where it is not installed."""
    return shutil.which("mosquitto", path=SEARCHED)


class LocalBroker:
    """One broker on a port of its own, without a password. It can be stopped and started again."""

    def __init__(self, program: str, folder: Path) -> None:
        """`folder` takes its configuration."""
        self._program, self._folder = program, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As a VTN names it to its clients."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it accepts connections. Raises `OSError` where it does not."""
        config = self._folder / "mosquitto.conf"
        lines = (f"listener {self.port} 127.0.0.1", "allow_anonymous true", "persistence false")
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._process = subprocess.Popen(
            [self._program, "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + WITHIN_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise OSError("mosquitto does not start")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(WITHIN_S)
            self._process = None

    def publish(self, topic: str, message: str) -> None:
        """One message, which the broker has when this returns."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        try:
            client.publish(topic, message, qos=1).wait_for_publish(WITHIN_S)
        finally:
            client.disconnect()
            client.loop_stop()

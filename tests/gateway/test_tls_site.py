"""A real daemon and a real simulator over Modbus TCP Security: each presents a certificate of the
site's own authority.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from gateway_rig import cli, simulated_site, wait_for

from siteems.estimation.process_image import MEASURED


class Authority:
    """A certificate authority, a certificate for the devices and one for the gateway, as files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        self.devices = self._issued(authority, folder / "devices", "127.0.0.1")
        self.gateway = self._issued(authority, folder / "gateway", "gateway.site")

    @staticmethod
    def _issued(authority: trustme.CA, stem: Path, name: str) -> tuple[Path, Path]:
        issued, certificate, key = (
            authority.issue_cert(name),
            stem.with_suffix(".pem"),
            stem.with_suffix(".key"),
        )
        issued.cert_chain_pems[0].write_to_path(str(certificate))
        issued.private_key_pem.write_to_path(str(key))
        key.chmod(0o640)
        return certificate, key

    def options(self) -> list[str]:
        """Options of the simulator."""
        return [f"--certificate={self.devices[0]}", f"--key={self.devices[1]}"]

    def link(self, text: str, gateway: tuple[Path, Path] | None = None) -> str:
        """The site file with its cabinet behind TLS."""
        plain = 'url = "tcp://127.0.0.1:15020"'
        assert plain in text
        certificate, key = gateway or self.gateway
        secure = (
            'url = "tls://127.0.0.1:802"',
            f'ca = "{self.ca}"',
            f'certificate = "{certificate}"',
            f'key = "{key}"',
        )
        return text.replace(plain, "\n".join(secure))


@pytest.mark.timeout(120)
def test_both_sides_authenticate_each_other(tmp_path: Path) -> None:
    ours = Authority(tmp_path / "pem")
    with simulated_site(tmp_path, speed=10, more=ours.options(), changed=ours.link) as running:
        daemon = running.start_daemon()
        running.clock.start()

        def commanded() -> set[str]:
            commands = running.history().commands(
                running.scenario.start, running.clock.now() + timedelta(minutes=1)
            )
            return {
                command.device
                for command in commands
                if command.outcome in ("written", "refreshed")
            }

        wait_for(lambda: commanded() >= {"smu", "mppt"}, "setpoints over TLS")
        assert daemon.stop() == 0


@pytest.mark.timeout(120)
def test_a_gateway_of_another_authority_reads_nothing(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")

    def changed(text: str) -> str:
        return ours.link(text, other.gateway) + "\n[recording]\nsample_s = 5\n"

    with simulated_site(tmp_path, speed=20, more=ours.options(), changed=changed) as running:
        daemon = running.start_daemon()
        running.clock.start()
        running.wait_until(0.015)
        assert daemon.stop() == 0
        samples = running.history().samples(running.scenario.start, running.clock.now())
        assert samples
        assert {sample.values.get(name) for sample in samples for name in MEASURED} == {None}


def test_a_simulator_behind_tls_needs_a_certificate(tmp_path: Path) -> None:
    ours = Authority(tmp_path / "pem")
    with simulated_site(tmp_path, speed=1, more=ours.options(), changed=ours.link) as running:
        done = cli("simulate", str(running.site_file))
        assert done.returncode == 2
        assert (
            "link cabinet: simulated devices behind tls need their own --certificate and --key"
            in done.stderr
        )
        done = cli(
            "simulate",
            str(running.site_file),
            f"--certificate={ours.ca}",
            f"--key={tmp_path / 'none'}",
        )
        assert done.returncode == 2
        assert "link cabinet: " in done.stderr
        assert (
            "--certificate and --key must be given together"
            in cli("simulate", str(running.site_file), "--key=x").stderr
        )

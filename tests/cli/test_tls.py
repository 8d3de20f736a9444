"""
`simulator serve --tls`: real clients that trust nothing but what the banner tells them to.
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import requests
import trustme

from served import Process, failing, serving, until
from simulator.server.tls import names_of

_CLIENTS = {
    "ask.py": """
import sys
import requests

print(requests.get(sys.argv[1] + "/_sim/ready").status_code)
""",
    "ask.mjs": """
const answer = await fetch(process.argv[2] + "/_sim/ready");
console.log(answer.status);
""",
    "Ask.java": """
import java.net.URI;
import java.net.http.*;

class Ask {
    public static void main(String[] urls) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(urls[0] + "/_sim/ready")).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.discarding());
        System.out.println(answer.statusCode());
    }
}
""",
}


def banner(process: Process) -> str:
    """Return the banner when all of it was printed."""
    until(lambda: "Ctrl-C ends" in process.said, process)
    return process.said


def https_url(process: Process) -> str:
    """Return where it serves https, by its banner."""
    return re.findall(r"^  https +(https://\S+)$", banner(process), re.MULTILINE)[0]


def ca_file(process: Process) -> str:
    """Return the file that clients have to trust, by its banner."""
    return re.findall(r"^  to trust +(\S+)$", banner(process), re.MULTILINE)[0]


def line_for(process: Process, client: str) -> str:
    """Return the banner's line for a kind of client."""
    return re.findall(rf"^    {client} +(.+)$", banner(process), re.MULTILINE)[0]


def in_shell(script: str) -> str:
    """Run lines of a shell, with no authority but theirs; return what they printed last."""
    bare = {name: value for name, value in os.environ.items() if "CERT" not in name and "CA_B" not in name}
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, timeout=60, env=bare)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_tls__serves_https_beside_http_to_who_trusts_its_authority(tmp_path: Path) -> None:
    """
    A client with the banner's file sends over https; one without it refuses; http goes on.
    """
    with serving(tmp_path, "--tls") as process:
        url = https_url(process)
        message = {"destinations": [{"to": "41793026727"}], "text": "hello"}

        sent = requests.post(
            f"{url}/sms/2/text/advanced",
            json={"messages": [message]},
            headers={"Authorization": "App key"},
            verify=ca_file(process),
            timeout=10,
        )
        with pytest.raises(urllib.error.URLError) as refusal:
            urllib.request.urlopen(f"{url}/_sim/ready", timeout=10)

        assert sent.status_code == 200
        assert isinstance(refusal.value.reason, ssl.SSLCertVerificationError)
        assert process.get("/_sim/ready")["status"] == "ok"
        assert process.get("/_sim/v1/spaces/default/messages")["total"] == 1
        assert process.end() == 0
        assert not Path(ca_file(process)).exists()


def test_tls__urls_in_answers_are_https(tmp_path: Path) -> None:
    """
    Whoever comes over https is sent on over https.
    """
    with serving(tmp_path, "--tls") as process:
        url = https_url(process)

        document = requests.get(f"{url}/$discovery/rest?version=v1", verify=ca_file(process), timeout=10)

        assert document.json()["rootUrl"] == f"{url}/"


@pytest.mark.parametrize(
    ("client", "needs", "asking"),
    [
        ("curl", "curl", " -s -o /dev/null -w '%{http_code}'"),
        ("requests", "", f"; {sys.executable} ask.py $URL"),
        ("Node", "node", "; node ask.mjs $URL"),
        ("Java", "javac", "; java Ask.java $URL"),
    ],
)
def test_banner__line_for_a_client_makes_it_trust(
    tmp_path: Path, client: str, needs: str, asking: str
) -> None:
    """
    The banner's line for each kind of client is all that this client needs.
    """
    if needs and not shutil.which(needs):
        pytest.skip(f"there is no {needs} here")
    for name, source in _CLIENTS.items():
        (tmp_path / name).write_text(source)
    with serving(tmp_path, "--tls", "--tls-ca-file", str(tmp_path / "the ca.pem")) as process:
        line = line_for(process, client)

        status = in_shell(f"cd {tmp_path}; URL={https_url(process)}; {line}{asking}")

        assert status == "200"


def test_tls_ca_file__is_where_it_was_asked_for_and_stays(tmp_path: Path) -> None:
    """
    A file that was named is there when the port is, and is left when the server ends.
    """
    wanted = tmp_path / "ca.pem"
    with serving(tmp_path, "--tls", SIMULATOR_TLS_CA_FILE=str(wanted)) as process:
        there = wanted.read_text()
        process.end()

        assert there.startswith("-----BEGIN CERTIFICATE-----")
        assert "PRIVATE" not in there
        assert wanted.exists()


@pytest.mark.parametrize("together", [False, True])
def test_tls_cert__is_served_instead(tmp_path: Path, together: bool) -> None:
    """
    A chain and a key of one's own are served, from two files or from one, and no authority is made.
    """
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "my-ca.pem")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    if together:
        certificate.private_key_and_cert_chain_pem.write_to_path(chain)
    else:
        certificate.cert_chain_pems[0].write_to_path(chain)
        certificate.private_key_pem.write_to_path(key)
    flags = ["--tls-cert", str(chain), *([] if together else ["--tls-key", str(key)])]
    with serving(tmp_path, *flags) as process:
        url = f"{https_url(process)}/_sim/ready"

        answer = requests.get(url, verify=str(tmp_path / "my-ca.pem"), timeout=10)

        assert answer.status_code == 200
        assert "to trust" not in process.said


def test_tls_cert__that_is_none_is_refused(tmp_path: Path) -> None:
    """
    Files that are missing, no certificates, or a key alone are complained about before anything starts.
    """
    (tmp_path / "no.pem").write_text("nothing of the kind")

    missing = failing("serve", "--port", "0", "--tls-cert", str(tmp_path / "absent.pem"))
    wrong = failing("serve", "--port", "0", "--tls-cert", str(tmp_path / "no.pem"))
    alone = failing("serve", "--port", "0", "--tls-key", str(tmp_path / "no.pem"))

    assert missing == (2, f"simulator: {tmp_path / 'absent.pem'}: No such file or directory\n")
    assert wrong[0] == 2
    assert "expected a certificate chain and its key, not encrypted, in PEM" in wrong[1]
    assert alone == (2, "simulator: --tls-key needs --tls-cert\n")


def test_tls__without_the_extra_says_how_to_get_it(tmp_path: Path) -> None:
    """
    Where trustme is not installed, the complaint has the command that installs it.
    """
    (tmp_path / "trustme.py").write_text("raise ImportError('there is none')")
    root = Path(__file__).parents[2]

    code, complaint = failing(
        "serve", "--port", "0", "--tls", PYTHONPATH=os.pathsep.join([str(tmp_path), str(root)])
    )

    assert code == 2
    assert complaint == (
        "simulator: an authority for tests needs trustme: "
        'pip install "messaging-provider-simulator[tls]"; or give --tls-cert and --tls-key\n'
    )


def test_certificate_names__are_those_that_clients_use() -> None:
    """
    A certificate names loopback, the bound address and further names, and nothing that is no name.
    """
    names = names_of("10.1.2.3", ["*.API.example", "not a name", "_x"])

    assert names == [
        "localhost", "127.0.0.1", "::1", "simulator", "host.docker.internal", "10.1.2.3", "*.api.example",
    ]  # fmt: skip
    assert names_of("0.0.0.0", []) == names[:5]

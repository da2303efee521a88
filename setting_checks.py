"""What makes the value of one setting good; each check raises `ValueError` with what is wrong.

A check's text goes on after the setting's name ("GOLIVE_PUBLIC_URL must be ..."). It never repeats
the value: that may be a secret.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg.conninfo
import psycopg.pq
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from contracts.addresses import is_mail_address
from graph.credentials import ClientCertificate
from graph.errors import CredentialMalformedError
from mail.errors import AddressUnusableError, BadRelayUrlError
from mail.outgoing import parse_address
from mail.relay import SmtpRelay, StartTls

_DRIVER = "postgresql+psycopg"
_NUMBERS = frozenset(
    {
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
    }
)
_FILES = ("sslcert", "sslkey", "sslcrl")
_SERVER = frozenset({"host", "hostaddr", "port"})
_LEADS_ELSEWHERE = ("PGHOSTADDR", "PGSERVICE")
"""Variables by which PostgreSQL's client library connects elsewhere than an address says."""
_LEAST_KEY_LENGTH, _LEAST_DIFFERENT = 32, 8
_QUOTES = "\"'"


def is_loopback(host: str) -> bool:
    """Tell whether a host can only be this machine: loopback, or a folder of Unix sockets."""
    if host in {"", "localhost"} or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def any_text(value: str) -> None:
    """Refuse what is wrong with any setting, whatever it is for."""
    if not value.strip():
        raise ValueError("is set but empty: give it a value, or do not set it")
    if value != value.strip():
        raise ValueError("begins or ends with a blank or a line break, which is part of its value")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise ValueError("holds a line break or another control character")
    if len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES:
        raise ValueError(
            "stands in quotes that are part of its value: files of variables for containers and "
            "systemd are not read by a shell, so leave the quotes out there"
        )


def web_address(url: str) -> str:
    """Return an https address (http on this machine only), without the slash at its end."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is no address: its port must be a number up to 65535") from None
    if re.search(r"\s", url):
        raise ValueError("must not hold a blank")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or a password")
    if "?" in url or "#" in url:
        raise ValueError("must be an address without ? and #")
    if not _is_host(host) or parts.netloc.endswith(":"):
        raise ValueError(
            "must hold a host name of letters, digits, hyphens and dots (an international one as "
            "browsers send it, xn--...)"
        )
    secure = parts.scheme == "https" or (parts.scheme == "http" and host and is_loopback(host))
    if not secure or not host or port == 0:
        raise ValueError("must be an https address (http only on this machine)")
    return url.rstrip("/")


def _is_host(host: str) -> bool:
    """Tell whether a host can be reached by this name or address; none is for others to refuse."""
    label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
    is_number = host.rpartition(".")[2].isdecimal()
    if not host or (not is_number and re.fullmatch(rf"{label}(?:\.{label})*\.?", host)):
        return True
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def authority(url: str) -> str:
    """Return where Microsoft signs people in; the tenant is added by us."""
    url = web_address(url)
    if urlsplit(url).path:
        raise ValueError("must be a host name without a path: we add each customer's tenant")
    return url


def graph_url(url: str) -> str:
    """Return where Microsoft Graph is, with the version that we know."""
    url = web_address(url)
    if not url.endswith("/v1.0"):
        raise ValueError("must end in /v1.0, the version of Microsoft Graph that we use")
    return url


def proxy_url(url: str) -> str:
    """Return the address of an HTTP proxy, with a user and a password or without."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is no address: its port must be a number up to 65535") from None
    beyond = parts.path.strip("/") or parts.query or parts.fragment or re.search(r"\s", url)
    if parts.scheme not in {"http", "https"} or not host or not port or beyond:
        raise ValueError("must be http://HOST:PORT, without a path")
    return url


def own_address(url: str) -> str:
    """Return the address of the web, which has a host name to itself."""
    url = web_address(url)
    if urlsplit(url).path:
        raise ValueError("must be a host name without a path: the web needs one of its own")
    return url


def database_url(url: str) -> URL:
    """Return the database's address, taken apart."""
    if not url.startswith(f"{_DRIVER}://"):
        raise ValueError(f"must start with {_DRIVER}://")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError(
            "cannot be read: the port must be a number, and letters such as @ : / # in user or "
            "password are written %40 %3A %2F %23"
        ) from None
    if "@" in (parsed.host or ""):
        raise ValueError("holds an @ in its user or password: write it %40")
    if parsed.port is not None and not 1 <= parsed.port <= 65535:
        raise ValueError("must have a port from 1 to 65535")
    if not parsed.database:
        raise ValueError("must name a database after the host, such as /pulse")
    options = {name: str(value) for name, value in parsed.query.items()}
    try:
        parsed.get_dialect()().create_connect_args(parsed)
    except ArgumentError:
        raise ValueError("must have numbers as ports, one or one for each host") from None
    try:
        psycopg.conninfo.make_conninfo("", **options)
    except psycopg.ProgrammingError:
        raise ValueError(
            "has an option after ? that PostgreSQL's client library does not know"
        ) from None
    if {"service", "servicefile"} & set(options):
        raise ValueError("must name the server itself and no service of a file")
    for name in _NUMBERS & set(options):
        if not re.fullmatch("[0-9]+", options[name]):
            raise ValueError(f"must have a number as {name}")
    if refused := _refused_option(options):
        raise ValueError(f"has a value of {refused} that PostgreSQL's client library does not take")
    for name in [one for one in _FILES if one in options]:
        try:
            _content(Path(options[name]))
        except ValueError as error:
            raise ValueError(f"has an {name} that {error}") from None
    if (root := options.get("sslrootcert", "system")) != "system":
        try:
            ca_bundle(Path(root))
        except ValueError as error:
            raise ValueError(f"has an sslrootcert that {error}") from None
    return parsed


def _refused_option(options: Mapping[str, str]) -> str | None:
    """Return the option whose value PostgreSQL's client library refuses; nothing is connected."""
    others = {name: value for name, value in options.items() if name not in _SERVER}
    # The library looks at every option before it opens a socket, of which there is none here.
    nowhere = psycopg.conninfo.make_conninfo("", **others, host=os.devnull)
    connection = psycopg.pq.PGconn.connect_start(nowhere.encode())
    said = connection.error_message.decode(errors="replace")
    connection.finish()
    return next((name for name in others if name in said), None)


def database_is_verified(url: URL) -> bool:
    """Tell whether nobody in between can pass for the database.

    PostgreSQL's client library takes from the environment what an address leaves open.
    """
    given = [url.host or "", *_listed(url.query.get("host")), *_listed(url.query.get("hostaddr"))]
    given += [os.environ.get(name, "") for name in _LEADS_ELSEWHERE]
    if not any(given[:-2]):
        given += _listed(os.environ.get("PGHOST"))
    hosts = [one.rsplit(":", 1)[0] if one.count(":") == 1 else one for one in given if one]
    return url.query.get("sslmode") == "verify-full" or all(is_loopback(host) for host in hosts)


def _listed(value: str | tuple[str, ...] | None) -> list[str]:
    if value is None:
        return []
    return [
        part for one in ([value] if isinstance(value, str) else value) for part in one.split(",")
    ]


def smtp_url(url: str) -> SmtpRelay:
    """Return the relay that an address leads to."""
    try:
        return SmtpRelay.from_url(url)
    except BadRelayUrlError as error:
        raise ValueError(f"is refused. {str(error).rstrip('.')}") from None


def relay_is_verified(relay: SmtpRelay) -> bool:
    """Tell whether nobody in between can read mail on its way to the relay."""
    return relay.is_loopback or relay.tls_from_start or relay.starttls is StartTls.REQUIRED


def host_name(name: str) -> str:
    """Check what the worker calls itself to the relay."""
    label = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    if re.fullmatch(rf"{label}(?:\.{label})+|\[[0-9A-Fa-f.:IPv]+\]", name):
        return name
    raise ValueError("must be a whole host name, or an IP address in brackets")


def sender(text: str) -> str:
    """Return the sender of every mail: one address, with a name or without."""
    try:
        parsed = parse_address(text)
    except AddressUnusableError:
        raise ValueError("must be one mail address, with a name before it or without") from None
    if "<" in parsed.name or "@" in parsed.name:
        raise ValueError("must be one mail address, not several")
    return text


def mail_address(text: str) -> str:
    """Return an address that people can write to."""
    if not is_mail_address(text) or "." not in text.rpartition("@")[2]:
        raise ValueError("must be a mail address: pages and mails tell people to write to it")
    return text


def long_key(key: str) -> str:
    """Return a key that nobody guesses."""
    if len(key) < _LEAST_KEY_LENGTH:
        raise ValueError(f"must have at least {_LEAST_KEY_LENGTH} characters")
    if len(set(key) - {" "}) < _LEAST_DIFFERENT:
        raise ValueError("repeats so few characters that it can be guessed")
    return key


def long_keys(keys: str) -> str:
    """Return keys, with commas between them, that nobody guesses."""
    for key in keys.split(","):
        long_key(key.strip())
    return keys


def client_id(text: str) -> str:
    """Return the id of our app registration, as Microsoft writes it."""
    return _guid(text, "must be the application (client) id: 32 hexadecimal digits with hyphens")


def tenant_id(text: str) -> str:
    """Return the id of a tenant, as Microsoft writes it."""
    return _guid(text, "must be a tenant's id: 32 hexadecimal digits with hyphens")


def client_secret(text: str) -> str:
    """Return a client secret; Microsoft's portal shows its id beside it, which is no secret."""
    try:
        UUID(text)
    except ValueError:
        return text
    raise ValueError("is the secret's id: set its value, which Microsoft shows only once")


def _guid(text: str, problem: str) -> str:
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text):
        raise ValueError(problem)
    return text.lower()


def build_id(text: str) -> str:
    """Return the name of a version of the code."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}", text):
        raise ValueError("must be letters, digits, dots and hyphens, at most 100")
    return text


def host_and_port(address: str) -> str:
    """Return an address to listen or connect at."""
    host, _, port = address.rpartition(":")
    if not host or "/" in address or re.search(r"\s", address) or not is_port(port):
        raise ValueError("must be HOST:PORT, with a port from 1 to 65535")
    return address


def is_port(text: str) -> bool:
    """Tell whether this is a port that a program can listen on."""
    return text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535


def client_certificate(path: Path) -> Path:
    """Return the file, which holds a private key and its certificate."""
    try:
        ClientCertificate.read(path)
    except CredentialMalformedError as error:
        raise ValueError(f"is refused. {str(error).rstrip('.')}") from None
    return path


def ca_bundle(path: Path) -> Path:
    """Return the file, which holds the certificates of authorities."""
    _authorities(_content(path))
    return path


def temporal_authorities(content: bytes) -> None:
    """Check the authorities that Temporal's certificate is held against."""
    _authorities(content)


def temporal_client_key(certificate: bytes, key: bytes) -> None:
    """Check the certificate that Temporal knows us by."""
    try:
        held = serialization.load_pem_private_key(key, password=None).public_key()
    except (ValueError, TypeError):
        raise ValueError("holds no private key in PEM without a password") from None
    try:
        ours = x509.load_pem_x509_certificate(certificate).public_key()
    except ValueError:
        raise ValueError("belongs to a certificate that is not readable as PEM") from None
    if held != ours:
        raise ValueError("does not belong to the certificate")


def _authorities(content: bytes) -> None:
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError:
        found = []
    if not found:
        raise ValueError("holds no certificate in PEM")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {os.strerror(error.errno or 0)}") from None

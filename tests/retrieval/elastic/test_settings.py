"""Connection settings and credentials; the latter against a node with security on."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from semoe.errors import UsageError
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.elastic.retriever import ElasticRetriever
from semoe.retrieval.elastic.settings import ElasticConfig
from semoe.retrieval.passage import Passage
from tests.elasticsearch_node import Node
from tests.retrieval.elastic.faulty import faulty

RIGHTS = {"reader": ["read", "view_index_metadata"], "loader": ["all"], "stranger": ["monitor"]}
USER, PASSWORD = "semoe", "a long password"


@pytest.fixture
def secured(elasticsearch_node: Node, client: Elasticsearch) -> str:
    """The address of a node that knows a user."""
    client.security.put_user(username=USER, password=PASSWORD, roles=["superuser"])
    return elasticsearch_node.url


def key(url: str, name: str, rights: str) -> ElasticConfig:
    """A key with these rights on one index."""
    role = {"indices": [{"names": [name], "privileges": RIGHTS[rights]}]}
    with Elasticsearch(url, basic_auth=(USER, PASSWORD)) as client:
        made = client.security.create_api_key(name=rights, role_descriptors={rights: role})
    return ElasticConfig(urls=(url,), api_key=made["encoded"])


def test_users_and_keys_may_do_what_they_are_allowed_to(secured: str, name: str, passages: list[Passage]) -> None:
    load_index(passages[:20], name, key(secured, name, "loader"), corpus="demo")
    for config in (key(secured, name, "reader"), basic(secured, PASSWORD)):
        hits = ElasticRetriever(name, config).search([passages[0].title], 1)[0]
        assert hits[0].passage.title == passages[0].title


@pytest.mark.parametrize("how", ["password", "key"])
def test_wrong_credentials_are_a_usage_error_that_names_the_variables(secured: str, name: str, how: str) -> None:
    wrong = ElasticConfig(urls=(secured,), api_key="bm8tc3VjaDprZXk=") if how == "key" else basic(secured, "hidden")
    with pytest.raises(UsageError, match=r"does not know these credentials.*SEMOE_ES_PASSWORD") as caught:
        ElasticRetriever(name, wrong)
    assert "hidden" not in str(caught.value)
    assert "bm8tc3VjaDprZXk" not in str(caught.value)


def test_missing_rights_are_a_usage_error_that_names_them(secured: str, name: str, passages: list[Passage]) -> None:
    with pytest.raises(UsageError, match=rf"forbids this on index {name}.*indexing needs all"):
        load_index(passages[:20], name, key(secured, name, "reader"), corpus="demo")
    load_index(passages[:20], name, key(secured, name, "loader"), corpus="demo")
    with pytest.raises(UsageError, match=rf"forbids this on index {name}.*Searching needs"):
        ElasticRetriever(name, key(secured, name, "stranger")).search(["a"], 1)


def basic(url: str, password: str) -> ElasticConfig:
    return ElasticConfig(urls=(url,), username=USER, password=password)


def test_a_private_certificate_is_trusted_when_its_file_is_named(
    config: ElasticConfig, name: str, passages: list[Passage], tmp_path: Path
) -> None:
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=es -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*make.split(), "-keyout", "key", "-out", "ca.pem"], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key")
    with faulty(config.urls[0], lambda *_: 0, context) as url:
        trusting = ElasticConfig(urls=(url,), ca_file=tmp_path / "ca.pem")
        load_index(passages[:20], name, trusting, corpus="demo")
        assert ElasticRetriever(name, trusting).search([passages[0].title], 1)[0]
        with pytest.raises(UsageError, match=r"certificate of https.* not trusted.*--es_ca_file"):
            ElasticRetriever(name, ElasticConfig(urls=(url,)))


@pytest.mark.parametrize("text", ["", "no certificate"])
def test_a_ca_file_that_holds_no_certificate_is_told_before_anything_is_asked(tmp_path: Path, text: str) -> None:
    (tmp_path / "ca.pem").write_text(text)
    with pytest.raises(UsageError, match=r"ca\.pem.*--es_ca_file"):
        ElasticRetriever("index", ElasticConfig(urls=("https://127.0.0.1:9",), ca_file=tmp_path / "ca.pem"))


def test_settings_come_from_the_environment_and_empty_ones_are_unset(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").touch()
    with environment(monkeypatch, URL="http://a:9200, https://b", CA_FILE=str(tmp_path / "ca.pem"), API_KEY=""):
        config = ElasticConfig.from_environment()
        assert (config.urls, config.api_key) == (("http://a:9200", "https://b"), None)
        assert config.ca_file == tmp_path / "ca.pem"
        assert ElasticConfig.from_environment(url="http://c:1").urls == ("http://c:1",)
    with environment(monkeypatch, USERNAME="reader", PASSWORD="secret-1"):
        config = ElasticConfig.from_environment()
        assert config.urls == ("http://127.0.0.1:9200",)
        assert (config.username, config.password) == ("reader", "secret-1")
        assert "secret" not in repr(config)
    with environment(monkeypatch, API_KEY="secret-2"):
        assert "secret" not in repr(ElasticConfig.from_environment())


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"URL": "elastic:9200"}, "no address of Elasticsearch.*lacks http://.*: http://elastic:9200"),
        ({"URL": "elasticsearch"}, "no address of Elasticsearch.*: http://elasticsearch:9200"),
        ({"URL": " , "}, "No address"),
        ({"URL": "http://elasticsearch"}, "names no port.*: http://elasticsearch:9200"),
        ({"URL": "http://[::1]"}, r"names no port.*: http://\[::1\]:9200"),
        ({"URL": "http://es.svc/path"}, "names no port.*: http://es.svc:9200/path"),
        ({"URL": "http://elasticsearch:9200,http://other"}, "other.*names no port"),
        ({"URL": "http://elasticsearch:"}, "names no port"),
        ({"URL": "http://elasticsearch:port"}, "no address of Elasticsearch"),
        ({"URL": "http://elasticsearch:99999"}, "no address of Elasticsearch"),
        ({"URL": "http://[::1"}, "no address of Elasticsearch"),
        ({"URL": "http://elastic search:9200"}, "no address of Elasticsearch"),
        ({"URL": "http://elasticsearch:9200?pretty"}, "no address of Elasticsearch"),
        ({"API_KEY": "hidden\n"}, "line break"),
        ({"USERNAME": "a"}, "Set both"),
        ({"USERNAME": "a", "PASSWORD": "b", "API_KEY": "c"}, "contradict"),
        ({"CA_FILE": "nowhere.pem"}, "CA file not found"),
        ({"URL": "http://me:hidden@es:9200"}, "has a password in it"),
        ({"URL": "me:hidden@es:9200"}, "no address of Elasticsearch"),
        ({"URL": "http://me:1#hidden@es:9200"}, "no address of Elasticsearch"),
    ],
)
def test_contradictions_are_told_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    with environment(monkeypatch, **variables), pytest.raises(UsageError, match=words) as caught:
        ElasticConfig.from_environment()
    assert "hidden" not in str(caught.value)


@contextmanager
def environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Iterator[None]:
    """Only these variables of ours are set."""
    with monkeypatch.context() as patch:
        for name in ("URL", "API_KEY", "USERNAME", "PASSWORD", "CA_FILE"):
            patch.delenv(f"SEMOE_ES_{name}", raising=False)
        for name, value in variables.items():
            patch.setenv(f"SEMOE_ES_{name}", value)
        yield

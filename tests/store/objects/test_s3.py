"""What S3 may answer, from a real server where it can be had, else from one that answers just that."""

import ssl
import subprocess
from pathlib import Path

import pytest

from semoe.errors import CorruptError, SemoeError, TransientError, UsageError
from semoe.store.objects import check_conditional_writes, open_objects
from semoe.store.objects.s3 import S3Objects
from semoe.store.objects.s3_errors import plainly
from tests.http_server import QuietHandler, answered_by
from tests.seaweed import client
from tests.store.objects.answering import IMPATIENT, answering


def test_a_missing_bucket_is_named(s3_endpoint: str) -> None:
    with pytest.raises(UsageError, match=r"NoSuchBucket.*create the bucket"):
        S3Objects("no-such-bucket", client=client(s3_endpoint)).get("a")


def test_a_range_beyond_the_end_is_corruption(s3_objects: S3Objects) -> None:
    s3_objects.put("short", b"abc")
    with pytest.raises(CorruptError, match="shorter than its index"):
        s3_objects.get("short", 10, 5)


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (503, "SlowDown", TransientError, "busy"),
        (500, "InternalError", TransientError, "busy"),
        (429, "TooManyRequests", TransientError, "busy"),
        (429, "", TransientError, "busy"),
        (408, "RequestTimeout", TransientError, "busy"),
        (400, "RequestLimitExceeded", TransientError, "busy"),
        (400, "ThrottlingException", TransientError, "busy"),
        (403, "AccessDenied", UsageError, "read and write on the prefix"),
        (400, "ExpiredToken", UsageError, "renew the credentials"),
        (501, "NotImplemented", UsageError, "conditional writes"),
        (501, "", UsageError, "conditional writes"),
        (400, "InvalidArgument", UsageError, "knows no conditional writes"),
        (405, "MethodNotAllowed", UsageError, "knows no conditional writes"),
        (403, "", UsageError, "403: Forbidden.*read and write"),
        (400, "AuthorizationHeaderMalformed", UsageError, "AWS_DEFAULT_REGION"),
        (403, "RequestTimeTooSkewed", UsageError, "clock"),
        (413, "", UsageError, "client_max_body_size"),
        (400, "EntityTooLarge", UsageError, "client_max_body_size"),
        (507, "XMinioStorageFull", TransientError, "no room.*Free some space"),
        (403, "QuotaExceeded", TransientError, "no room"),
        (502, "", TransientError, "busy"),
    ],
)
def test_refusals_say_what_to_do(status: int, code: str, kind: type[SemoeError], words: str) -> None:
    with answering(status, code) as (objects, _), pytest.raises(kind, match=words):
        objects.create("a", b"x")


def test_a_busy_server_is_asked_again_before_giving_up() -> None:
    with answering(503, "SlowDown") as (objects, seen), pytest.raises(TransientError):
        objects.get("a")
    assert seen == ["GET", "GET"]


def test_a_conflict_is_tried_again_and_then_transient() -> None:
    with answering(409, "ConditionalRequestConflict") as (objects, seen), pytest.raises(TransientError, match="others"):
        objects.create("a", b"x")
    assert len(seen) == 5


def test_a_body_that_is_cut_short_is_transient() -> None:
    with answering(200, promised=100) as (objects, _), pytest.raises(TransientError, match="No answer"):
        objects.get("a")


def test_a_server_that_ignores_conditions_is_refused() -> None:
    with answering(200) as (objects, _), pytest.raises(UsageError, match="ignores conditional writes"):
        check_conditional_writes(objects)


def test_a_dead_endpoint_is_transient() -> None:
    objects = S3Objects("bucket", client=client("http://127.0.0.1:9", config=IMPATIENT))
    with pytest.raises(TransientError, match="No answer"):
        objects.put("a", b"x")


@pytest.mark.parametrize("status", [200, 404])
def test_a_web_page_is_not_taken_for_an_empty_bucket(status: int) -> None:
    class Page(QuietHandler):
        def answer(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!DOCTYPE html><html><head><title>Console</title></head><body>Log in</body></html>")

        do_GET = answer

    with answered_by(Page) as address:
        objects = S3Objects("bucket", client=client(address, config=IMPATIENT))
        with pytest.raises(UsageError, match=r"is not S3.*AWS_ENDPOINT_URL_S3"):
            list(objects.list("spaces/"))


def test_redirects_without_end_name_region_and_endpoint() -> None:
    with pytest.raises(UsageError, match="AWS_DEFAULT_REGION or AWS_ENDPOINT_URL_S3"), plainly("s3://bucket/a"):
        raise RecursionError


@pytest.mark.parametrize("url", ["ftp://x/y", "s3://", "s3:///"])
def test_what_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no store"):
        open_objects(url)


GOOD = {
    "AWS_ENDPOINT_URL_S3": "https://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "none",
    "AWS_SHARED_CREDENTIALS_FILE": "none", "AWS_MAX_ATTEMPTS": "1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"AWS_ENDPOINT_URL_S3": "127.0.0.1:8333"}, "http://"),
        ({"AWS_ENDPOINT_URL_S3": "store"}, "http://"),
        ({"AWS_ENDPOINT_URL_S3": "ftp://store"}, "AWS_ENDPOINT_URL_S3"),
        ({"AWS_ENDPOINT_URL_S3": "http://[::1"}, "AWS_ENDPOINT_URL_S3"),
        ({"AWS_PROFILE": "of-nobody"}, "of-nobody.*AWS_PROFILE"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": ""}, "AWS_ACCESS_KEY_ID"),
        ({"AWS_ACCESS_KEY_ID": "a\n"}, "AWS_ACCESS_KEY_ID.*line break"),
        ({"AWS_CONFIG_FILE": "broken.ini"}, "broken.ini.*Repair"),
        ({"AWS_DEFAULT_REGION": "us east/1"}, "AWS_DEFAULT_REGION"),
        ({"AWS_MAX_ATTEMPTS": "many"}, "AWS_MAX_ATTEMPTS.*'many'"),
        ({"AWS_MAX_ATTEMPTS": "0"}, "AWS_MAX_ATTEMPTS"),
        ({"AWS_CA_BUNDLE": "none.pem"}, "none.pem.*AWS_CA_BUNDLE"),
        ({"AWS_CA_BUNDLE": "broken.ini"}, "broken.ini.*AWS_CA_BUNDLE"),
        ({"AWS_DEFAULTS_MODE": "odd"}, "odd.*AWS_"),
        (
            {
                "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "none",
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x",
            },
            "none.*name of the file",
        ),
    ],
)  # fmt: skip
def test_a_setting_that_no_client_can_use_is_the_users_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.ini").write_text("[default\nx")
    for name, value in (GOOD | changed).items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=words):
        open_objects("s3://bucket/x").get("a")


def test_good_settings_make_a_client_and_a_dead_address_stays_transient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TransientError, match="No answer"):
        open_objects("s3://bucket/x").get("a")


def test_a_bucket_that_cannot_be_one_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="bucket's name"):
        S3Objects("No_Bucket!", client=client("http://127.0.0.1:9", config=IMPATIENT)).get("a")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that nobody knows, and a server's context with it."""
    folder = tmp_path_factory.mktemp("authority")
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=s3 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*make.split(), "-keyout", "key", "-out", "ca.pem"], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key")
    return folder / "ca.pem", context


class Body(QuietHandler):
    def answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"body")

    do_GET = answer


def test_a_private_authority_is_trusted_where_it_is_named(
    authority: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    ca_file, context = authority
    with answered_by(Body, context) as address:
        for name, value in (GOOD | {"AWS_ENDPOINT_URL_S3": address, "AWS_CA_BUNDLE": str(ca_file)}).items():
            monkeypatch.setenv(name, value)
        assert open_objects("s3://bucket/x").get("a") == b"body"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address.replace("127.0.0.1", "localhost"))
        with pytest.raises(UsageError, match="address that the certificate names"):
            open_objects("s3://bucket/x").get("a")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
        monkeypatch.delenv("AWS_CA_BUNDLE")
        with pytest.raises(UsageError, match="name its file with AWS_CA_BUNDLE"):
            open_objects("s3://bucket/x").get("a")


def test_https_where_http_is_spoken_is_the_users_mistake() -> None:
    with answered_by(Body) as address:
        objects = S3Objects("bucket", client=client(address.replace("http:", "https:"), config=IMPATIENT))
        with pytest.raises(UsageError, match="speaks http, not https"):
            objects.get("a")

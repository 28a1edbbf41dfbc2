"""The one place that knows boto3's errors, and turns them into ours: what was wrong, where, what to do.

`S3Objects` calls it round every request, and `make_client`. What is neither the network's nor the server's doing is
the settings': the same call would fail again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as boto
from urllib3.exceptions import HTTPError

from semoe.errors import CorruptError, SemoeError, TransientError, UsageError
from semoe.store.objects.contract import missing

GONE = ("NoSuchKey", "404")
BUSY_STATUSES = (408, 409, 429)
"""Besides all from 500 on."""
_BUSY_WORDS = (
    "SlowDown", "Throttl", "TooManyRequests", "RequestLimitExceeded", "BandwidthLimitExceeded",
    "LimitExceededException", "ThroughputExceeded", "TransactionInProgress", "RequestTimeout",
    "PriorRequestNotComplete",
)  # fmt: skip
"""Parts of the codes that botocore calls throttled or transient: services that copy S3 vary them."""
_FULL_WORDS = ("InsufficientStorage", "QuotaExceeded", "StorageFull", "DiskFull")
_CONDITIONS = "choose a store with conditional writes (If-None-Match); experts cannot be published safely here"
_REGION = "correct AWS_DEFAULT_REGION, or the profile's region"
_SIZE = (
    "the server, or a gateway before it, takes no object of this size: raise its limit (nginx: client_max_body_size)"
)
_NEVER = {
    "NoSuchBucket": "create the bucket, or correct its name",
    "AccessDenied": "give these credentials read and write on the prefix",
    "403": "give these credentials read and write on the prefix, or ask what stands before the store why it refuses",
    "401": "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what stands before the store",
    "InvalidAccessKeyId": "check AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "check AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "renew the credentials",
    "InvalidToken": "check AWS_SESSION_TOKEN",
    "RequestTimeTooSkewed": "correct this machine's clock",
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "PermanentRedirect": _REGION,
    "EntityTooLarge": _SIZE,
    "413": _SIZE,
    "NotImplemented": _CONDITIONS,
    "501": _CONDITIONS,
}
"""By code, or by status where there is none: what would end the same way again, and the cure."""
_NEVER_AGAIN = (413, 501)
"""Statuses that mean that, whatever the code."""
_NETWORK = (
    boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError, boto.ChecksumError,
    boto.FlexibleChecksumError, boto.MetadataRetrievalError, boto.CredentialRetrievalError, HTTPError, OSError,
)  # fmt: skip
_OTHER_NAME = "Take an address that the certificate names, in AWS_ENDPOINT_URL_S3"
_TLS = (
    ("Hostname mismatch", _OTHER_NAME),
    ("IP address mismatch", _OTHER_NAME),
    ("hostname '", _OTHER_NAME),
    ("CERTIFICATE_VERIFY_FAILED", "If the store has a CA of its own, name its file with AWS_CA_BUNDLE"),
    ("WRONG_VERSION_NUMBER", "What answers there speaks http, not https: correct AWS_ENDPOINT_URL_S3"),
    ("HTTP_REQUEST", "What answers there speaks http, not https: correct AWS_ENDPOINT_URL_S3"),
)
_FILES = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""Of a file that the settings name: a token, a program that gives credentials."""
_CREDENTIALS = (
    boto.NoCredentialsError, boto.PartialCredentialsError, boto.ProfileNotFound, boto.NoAuthTokenError,
    boto.TokenRetrievalError, boto.SSOError,
)  # fmt: skip
_CURES: tuple[tuple[type[Exception], str], ...] = (
    (boto.ProfileNotFound, "Correct AWS_PROFILE, or add that profile to ~/.aws/config"),
    (boto.PartialCredentialsError, "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither"),
    (boto.NoCredentialsError, "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or workload identity"),
    (boto.SSOError, "Log in again (aws sso login)"),
    (boto.ConfigParseError, "Repair that file, or name another with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE"),
    (boto.InvalidRegionError, "Correct AWS_DEFAULT_REGION, or the profile's region"),
    (boto.ParamValidationError, "Correct the bucket's name"),
    (boto.EndpointProviderError, "AWS_ENDPOINT_URL_S3 must be an address like http://127.0.0.1:8333"),
    (OSError, "Correct the name of the file, or make it readable"),
    # boto3's own check of an endpoint raises it bare.
    (
        ValueError,
        "AWS_ENDPOINT_URL_S3 must be an address with http:// or https:// before it, like http://127.0.0.1:8333",
    ),
)


@contextmanager
def plainly(where: str, url: str = "", name: str = "") -> Iterator[None]:
    """Turns what boto3 raises into our errors.

    Args:
        where: for messages.
        url: of the store.
        name: of the object.
    """
    try:
        yield
    except boto.ClientError as error:
        raise _refused(error, where, url, name) from error
    except (boto.BotoCoreError, HTTPError, OSError) as error:
        raise without_answer(error, where) from error
    except RecursionError as error:
        # botocore follows a redirect that leads to itself.
        raise UsageError(
            f"S3 sends {where} from one address to another without end. Correct AWS_DEFAULT_REGION or "
            "AWS_ENDPOINT_URL_S3.",
            kind="s3-settings",
        ) from error


def without_answer(error: Exception, where: str) -> SemoeError:
    """Our error for a request that got no answer, or was never made."""
    said = " ".join(str(error).split()).rstrip(".")
    tls = next((cure for words, cure in _TLS if words in said), None)
    if tls:
        return UsageError(f"The S3 settings do not work for {where}: {said}. {tls}.", kind="s3-settings")
    if isinstance(error, _NETWORK) and not isinstance(error, _FILES):
        return TransientError(f"No answer from S3 for {where}: {said}.", kind="s3-unreachable")
    cure = next(
        (cure for kind, cure in _CURES if isinstance(error, kind)), "Correct the AWS_… variables or ~/.aws/config"
    )
    if isinstance(error, _CREDENTIALS):
        return UsageError(f"No usable S3 credentials: {said}. {cure}.", kind="s3-credentials")
    return UsageError(f"The S3 settings do not work for {where}: {said}. {cure}.", kind="s3-settings")


def no_s3(where: str) -> UsageError:
    """Our error for what answers, but not as S3 does: a web page, a console, a proxy."""
    return UsageError(
        f"What answers for {where} is not S3. Check AWS_ENDPOINT_URL_S3: a console has another port than the store.",
        kind="s3-settings",
    )


def _refused(error: boto.ClientError, where: str, url: str, name: str) -> SemoeError:
    """Our error for an answer that says no."""
    answer = error.response["Error"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    code = answer.get("Code") or (str(status) if status != 404 else "")
    if not code:
        return no_s3(where)
    if code in GONE:
        return missing(url, name)
    if code == "InvalidRange":
        return CorruptError(f"{where} is shorter than its index says. Verify the store.", kind="corrupt")
    said = f"{code}: {' '.join(str(answer.get('Message') or '').split())}".rstrip(": ")
    never = _NEVER.get(code) or (_NEVER[str(status)] if status in _NEVER_AGAIN else "")
    return _unless_later(code, said, status, where) if not never else _final(where, said, never)


def _unless_later(code: str, said: str, status: int, where: str) -> SemoeError:
    """Of what a later attempt may find otherwise, and of what nobody foresaw."""
    if any(word in code for word in _FULL_WORDS):
        return TransientError(f"S3 has no room for {where} ({said}). Free some space there.", kind="s3-full")
    if status >= 500 or status in BUSY_STATUSES or any(word in code for word in _BUSY_WORDS):
        return TransientError(f"S3 is busy ({code}) at {where}. Try again later.", kind="s3-busy")
    # Some servers take the header of a conditional write for a mistake in the request.
    return _final(where, said, f"if it is that it knows no conditional writes, {_CONDITIONS}")


def _final(where: str, said: str, cure: str) -> UsageError:
    return UsageError(f"S3 refuses {where} ({said}): {cure}.", kind="s3-refused")

"""Objects that others named, to be read: a corpus is called as people call files, `Wikipedia (2024)/it's.tsv`."""

from semoe.errors import UsageError
from semoe.store.objects.s3 import S3Objects


class ObjectsOfOthers(S3Objects):
    """Reads whatever a bucket has. What is written here has names that every store takes: this writes nothing."""

    def _key(self, name: str) -> str:
        if not name:
            raise UsageError(f"{self.url} is a bucket, not an object. Name an object in it.", kind="bad-name")
        return self._prefix + name

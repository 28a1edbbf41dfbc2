"""Does Elasticsearch answer, and does it know us: `semoe doctor --elasticsearch`."""

from semoe.retrieval.elastic.connection import Connection
from semoe.retrieval.elastic.settings import ElasticConfig


def check_elasticsearch(config: ElasticConfig) -> str:
    """Returns what answers.

    Raises:
        UsageError: it refuses the credentials, or is no Elasticsearch.
        TransientError: nothing answers.
    """
    connection = Connection(config)
    try:
        about = connection.ask(lambda client: client.info(), "")
    finally:
        connection.close()
    return f"{config.where}: cluster {about['cluster_name']}, version {about['version']['number']}"

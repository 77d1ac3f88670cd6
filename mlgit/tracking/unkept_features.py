"""What MLflow keeps and this store does not: traces, and what people say of them. Looking for some finds none.

MLflow does not enforce that a store has all methods: one that is missing answers None, and fails elsewhere.
"""

from __future__ import annotations

from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import NOT_IMPLEMENTED
from mlflow.store.entities.paged_list import PagedList


class Unkept:
    """Refuses a method with one sentence, as soon as it is looked up, so whatever it is called with."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __get__(self, store: object | None, owner: type) -> Any:
        if store is None:
            return self
        told = f"mlgit:// keeps runs, metrics, artifacts and models, and no {self._what}: log them to another tracking server"
        raise MlflowException(told, NOT_IMPLEMENTED)


class UnkeptFeatures:
    """The methods for what is not kept."""

    start_trace = Unkept("traces")
    _delete_traces = Unkept("traces")
    get_trace_info = Unkept("traces")
    get_trace = Unkept("traces")
    archive_traces = Unkept("traces")
    get_online_trace_details = Unkept("traces")
    set_trace_tag = Unkept("traces")
    delete_trace_tag = Unkept("traces")
    link_traces_to_run = Unkept("traces")
    unlink_traces_from_run = Unkept("traces")
    link_prompts_to_trace = Unkept("traces")
    calculate_trace_filter_correlation = Unkept("traces")
    log_spans = Unkept("traces")
    log_spans_async = Unkept("traces")
    get_assessment = Unkept("assessments")
    create_assessment = Unkept("assessments")
    update_assessment = Unkept("assessments")
    delete_assessment = Unkept("assessments")
    create_issue = Unkept("issues of traces")
    get_issue = Unkept("issues of traces")
    update_issue = Unkept("issues of traces")
    create_dataset = Unkept("datasets of evaluations")
    get_dataset = Unkept("datasets of evaluations")
    delete_dataset = Unkept("datasets of evaluations")
    upsert_dataset_records = Unkept("datasets of evaluations")
    delete_dataset_records = Unkept("datasets of evaluations")
    set_dataset_tags = Unkept("datasets of evaluations")
    delete_dataset_tag = Unkept("datasets of evaluations")
    get_dataset_experiment_ids = Unkept("datasets of evaluations")
    _load_dataset_records = Unkept("datasets of evaluations")
    add_dataset_to_experiments = Unkept("datasets of evaluations")
    remove_dataset_from_experiments = Unkept("datasets of evaluations")
    register_scorer = Unkept("scorers")
    get_scorer = Unkept("scorers")
    list_scorer_versions = Unkept("scorers")
    delete_scorer = Unkept("scorers")
    upsert_online_scoring_config = Unkept("scorers")
    create_label_schema = Unkept("labels of traces")
    get_label_schema = Unkept("labels of traces")
    get_label_schema_by_name = Unkept("labels of traces")
    update_label_schema = Unkept("labels of traces")
    delete_label_schema = Unkept("labels of traces")
    create_review_queue = Unkept("queues of traces")
    get_or_create_user_queue = Unkept("queues of traces")
    get_review_queue = Unkept("queues of traces")
    get_review_queue_by_name = Unkept("queues of traces")
    update_review_queue = Unkept("queues of traces")
    delete_review_queue = Unkept("queues of traces")
    add_items_to_review_queue = Unkept("queues of traces")
    remove_items_from_review_queue = Unkept("queues of traces")
    list_review_queue_items = Unkept("queues of traces")
    set_review_queue_item_status = Unkept("queues of traces")

    def search_traces(
        self,
        experiment_ids: list[str] | None = None,
        filter_string: str | None = None,
        max_results: int = 100,
        order_by: list[str] | None = None,
        page_token: str | None = None,
        model_id: str | None = None,
        locations: list[str] | None = None,
    ) -> tuple[list[Any], None]:
        """None."""
        return [], None

    def batch_get_traces(
        self, trace_ids: list[str], location: str | None = None, experiment_ids: list[str] | None = None
    ) -> list[Any]:
        """None."""
        return []

    def batch_get_trace_infos(
        self, trace_ids: list[str], location: str | None = None, experiment_ids: list[str] | None = None
    ) -> list[Any]:
        """None."""
        return []

    def query_trace_metrics(
        self,
        experiment_ids: list[str],
        view_type: Any,
        metric_name: str,
        aggregations: list[Any],
        dimensions: list[str] | None = None,
        filters: list[str] | None = None,
        time_interval_seconds: int | None = None,
        start_time_ms: int | None = None,
        end_time_ms: int | None = None,
        max_results: int = 1000,
        page_token: str | None = None,
    ) -> Any:
        """None."""
        return PagedList([], None)

    def find_completed_sessions(
        self,
        experiment_id: str,
        min_last_trace_timestamp_ms: int,
        max_last_trace_timestamp_ms: int,
        max_results: int | None = None,
        filter_string: str | None = None,
    ) -> list[Any]:
        """None."""
        return []

    def search_issues(
        self,
        experiment_id: str | None = None,
        filter_string: str | None = None,
        max_results: int | None = None,
        page_token: str | None = None,
        include_trace_count: bool = False,
    ) -> Any:
        """None."""
        return PagedList([], None)

    def search_datasets(
        self,
        experiment_ids: list[str] | None = None,
        filter_string: str | None = None,
        max_results: int = 1000,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """None; the datasets that runs used are told by the runs."""
        return PagedList([], None)

    def list_scorers(self, experiment_id: str) -> list[Any]:
        """None."""
        return []

    def get_online_scoring_configs(self, scorer_ids: list[str]) -> list[Any]:
        """None."""
        return []

    def get_active_online_scorers(self) -> list[Any]:
        """None."""
        return []

    def list_label_schemas(self, experiment_id: str, max_results: int = 100, page_token: str | None = None) -> Any:
        """None."""
        return PagedList([], None)

    def list_review_queues(
        self,
        experiment_id: str,
        *,
        user: str | None = None,
        item_id: str | None = None,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> Any:
        """None."""
        return PagedList([], None)

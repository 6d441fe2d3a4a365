"""JSON logs with the request, the site and the user of each line (W8)."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str] = ContextVar("upline_request_id", default="")
client_ip: ContextVar[str] = ContextVar("upline_client_ip", default="")
actor_id: ContextVar[str] = ContextVar("upline_actor_id", default="")

_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "request", "taskName"}


class RequestFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        from apps.core.tenancy import current_site_id

        site = current_site_id()
        record.request_id = request_id.get()
        record.site_id = str(site) if site else ""
        record.actor_id = actor_id.get()
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({key: value for key, value in record.__dict__.items() if key not in _STANDARD and value})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)

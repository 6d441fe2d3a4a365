"""JSON as the database can store it (R28)."""

import json
import math
from typing import Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MAX_DEPTH = 50


class StrictJSONParser(JSONParser):
    """No NaN (DRF's strict mode), no NUL or lone surrogate in any string, no nesting past 50 levels."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            data = super().parse(stream, media_type, parser_context)
            _check(data, 0)
        except RecursionError as error:
            raise ParseError("nested too deeply") from error
        except (UnicodeError, json.JSONDecodeError) as error:
            raise ParseError("not JSON") from error
        return data


def read_json(raw: bytes) -> Any:
    """The same of a raw body, for doors that check a signature over it first. Raises ParseError."""
    try:
        data = json.loads(raw, parse_constant=_refuse)
        _check(data, 0)
    except RecursionError as error:
        raise ParseError("nested too deeply") from error
    except ValueError as error:
        raise ParseError("not JSON") from error
    return data


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ParseError("nested too deeply")
    if isinstance(value, str):
        if "\x00" in value:
            raise ParseError("NUL is not a character we store")
        value.encode()
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ParseError("a number without end")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth + 1)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)

"""The error bodies of the real exchange, each in the shape it was recorded in."""

from typing import Any

Body = dict[str, Any]

WORDS = {
    301: "moved permanently",
    404: "not found",
    405: "method not allowed",
    429: "too many requests",
    500: "internal server error",
    503: "service unavailable",
    504: "gateway timeout",
}


class ApiError(Exception):
    """An answer that is no 200."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def coded(status: int, code: str, message: str | None = None, details: str | None = None) -> ApiError:
    """Shape (a): `{"error": {"code", "message", "details"?}}`."""
    error = {"code": code, "message": code.replace("_", " ") if message is None else message}
    if details is not None:
        error["details"] = details
    return ApiError(status, {"error": error})


def bad_request(details: str) -> ApiError:
    return coded(400, "bad_request", details=details)


def not_found() -> ApiError:
    return coded(404, "not_found")


def out_of_range(operation_id: str, name: str, tag: str) -> ApiError:
    """Shape (c), as Go's validator words it; `tag` is `gte`, `lte` or `required`."""
    field = "".join(part.title() for part in name.split("_"))
    return ApiError(
        400,
        {
            "msg": f"Parameter validation failed for {operation_id}: Key: '{operation_id}Params.{field}' "
            f"Error:Field validation for '{field}' failed on the '{tag}' tag"
        },
    )


def unparsable(name: str, text: str, kind: str) -> ApiError:
    """Shape (c) for a value that is no integer or boolean."""
    function = "ParseInt" if kind == "integer" else "ParseBool"
    return ApiError(
        400,
        {
            "msg": f"Invalid format for parameter {name}: error binding string parameter: "
            f'strconv.{function}: parsing "{text[:40]}": invalid syntax'
        },
    )


def missing_argument(name: str) -> ApiError:
    return ApiError(400, {"msg": f"Query argument {name} is required, but not found"})


def plain(status: int) -> Body:
    """The body a status would plausibly carry; 429 is the recorded shape."""
    words = WORDS.get(status, "error")
    if status == 400:
        return bad_request("invalid request").body
    if status == 401:
        return coded(401, "authentication_error", "authentication_error", "INCORRECT_API_KEY_SIGNATURE").body
    if status == 403:
        return coded(403, "permission_denied").body
    return coded(status, words.replace(" ", "_"), words).body

"""Raw bytes in Redis instead of pickle: nothing in the shared cache is ever executed or re-encoded."""

from typing import Any


class RawBytesSerializer:
    """django-redis SERIALIZER that stores bytes as they are. TypeError for any other value."""

    def __init__(self, options: dict[str, Any]) -> None:
        del options  # the interface hands them over; there is nothing to choose

    def dumps(self, value: object) -> bytes:
        """The value itself."""
        if not isinstance(value, bytes):
            raise TypeError(f"this cache keeps bytes, not {type(value).__name__}")
        return value

    def loads(self, value: bytes) -> bytes:
        """The value itself."""
        return value

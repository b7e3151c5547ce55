from kalshi.tests.live.conftest import sandbox

__all__ = ["sandbox"]

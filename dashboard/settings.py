"""Django settings: the table of dashboard/env laid out as Django and the kalshi app want it."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from dashboard import data_dir, env, logs, public_address, upstream
from dashboard.answer_headers import FRAMES, REFERRER_POLICY
from kalshi.cache.caches import cache_settings
from kalshi.upstream import route
from kalshi.upstream.credentials import home

BASE_DIR = Path(__file__).resolve().parent.parent
_found = env.load(os.environ, BASE_DIR)
ENV: dict[str, Any] = env.parse(_found)
_home = home()
UPSTREAM = upstream.choose(_found, ENV, _home)

DATA_DIR = data_dir.prepare(BASE_DIR / ENV["DATA_DIR"])
SECRET_KEY = ENV["DJANGO_SECRET_KEY"] or data_dir.secret_key(DATA_DIR)
DEBUG = ENV["DJANGO_DEBUG"]
ALLOWED_HOSTS = list(ENV["DJANGO_ALLOWED_HOSTS"])
HOST, PORT = ENV["HOST"], ENV["PORT"]
HTTPS_ONLY = ENV["DJANGO_HTTPS_ONLY"]
if HTTPS_ONLY and not ENV["TRUSTED_PROXIES"]:
    raise ImproperlyConfigured(
        "DJANGO_HTTPS_ONLY is 1, but TRUSTED_PROXIES is not set: without the address of the proxy that ends TLS every "
        "request looks like plain HTTP; set TRUSTED_PROXIES."
    )
PUBLIC_BASE_URL = public_address.base_url(HOST, PORT, ALLOWED_HOSTS, https_only=HTTPS_ONLY)
LOGGING = logs.configuration((*env.secrets(_found), SECRET_KEY), debug=DEBUG)
LOGGING_CONFIG = "dashboard.logs.configure"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "kalshi",
    "dashboard",
    "axes",
]

MIDDLEWARE = [
    "dashboard.middleware.RequestIdAndErrors",
    "django.middleware.security.SecurityMiddleware",
    "dashboard.middleware.ContentPolicy",
    "dashboard.json_errors.JsonErrors",
    "dashboard.nul.RefuseNul",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "kalshi.views.audit.RememberCaller",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "dashboard.urls"
# Every path answers with and without its trailing slash; a redirect would lose a client's headers.
APPEND_SLASH = False
WSGI_APPLICATION = "dashboard.wsgi.application"
ASGI_APPLICATION = "dashboard.asgi:application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

SQLITE_PATH = DATA_DIR / data_dir.DATABASE
if ENV["DATABASE_URL"]:
    DATABASES = {"default": dj_database_url.parse(ENV["DATABASE_URL"])}
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(SQLITE_PATH)}}
_options = DATABASES["default"].setdefault("OPTIONS", {})
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Without IMMEDIATE, a transaction that reads before it writes fails when another one writes in between.
    # Opening a connection anew for every request costs more than the request.
    DATABASES["default"]["CONN_MAX_AGE"] = None
    _options |= {
        "timeout": 10,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # Connections are handed back whenever a request waits for Kalshi; a pool makes that cheap.
    # While the database is away, timeout is what a caller waits to hear so, and reconnect_timeout bounds the pauses
    # between attempts, which would grow to minutes.
    _options |= {"pool": {"min_size": 1, "max_size": 16, "timeout": 3, "reconnect_timeout": 5}}

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "kalshi": cache_settings(ENV["REDIS_URL"]),
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = ["dashboard.passwords.FewAtOnce"]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Counted in the database, so for all processes together. By name and address: nobody can lock somebody else out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 6
AXES_COOLOFF_TIME = timedelta(minutes=10)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "kalshi.services.locked_sign_ins.counted_address"
AXES_LOCKOUT_CALLABLE = "kalshi.views.sign_in.locked"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
# Files are served from the packages that bring them: no collection step stands between a clone and a page.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "kalshi.views.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "kalshi.views.errors.handle",
    "DEFAULT_SCHEMA_CLASS": "kalshi.openapi.operations.TableSchema",
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "TITLE": "Kalshi gateway",
    "VERSION": "1",
    "SORT_OPERATIONS": False,
    "PREPROCESSING_HOOKS": ["kalshi.openapi.document.choose"],
    "POSTPROCESSING_HOOKS": ["kalshi.openapi.document.complete"],
}
KNOX_TOKEN_MODEL = "kalshi.ApiToken"  # noqa: S105 - the name of a model
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_TTL": timedelta(days=365),
    "TOKEN_MODEL": "kalshi.ApiToken",
}

CORS_ALLOWED_ORIGINS = list(ENV["CORS_ALLOWED_ORIGINS"])
CORS_ALLOW_CREDENTIALS = True
CORS_URLS_REGEX = r"^/(api/v1|trade-api)/.*$"
CORS_ALLOW_METHODS = ["GET", "HEAD", "OPTIONS"]
CORS_ALLOW_HEADERS = ["Authorization", "Cache-Control", "If-None-Match", "X-Kalshi-Account"]
CORS_EXPOSE_HEADERS = [
    "Age",
    "Cache-Status",
    "Date",
    "ETag",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
]

TRUSTED_PROXIES = ENV["TRUSTED_PROXIES"]
X_FRAME_OPTIONS = FRAMES
# Nobody uploads anything: a password's form is small, and a file is dropped instead of written to the disk.
DATA_UPLOAD_MAX_MEMORY_SIZE = 128 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# Probes ask the server itself, past the proxy that ends TLS.
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)/?$"]
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
# Other names below the host, and the browsers' preload list, are for the domain's owner to decide, not for a program.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# Sent over TLS only, and without DJANGO_HTTPS_ONLY the cookies' `Secure` too: on loopback there is none.
SECURE_HSTS_SECONDS = 365 * 86_400
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = REFERRER_POLICY
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"

KALSHI = {
    "ENVIRONMENT": UPSTREAM.environment,
    "BASE_URL": UPSTREAM.base_url,
    "WS_URL": UPSTREAM.ws_url,
    "CREDENTIALS": {name: _found[name] for name in upstream.CREDENTIAL_NAMES if name in _found},
    "CREDENTIALS_HOME": _home,
    "NETWORK": {name: _found[name] for name in route.VARIABLES if name in _found},
    "SANDBOX_KEYS_DIR": DATA_DIR / "sandbox" if UPSTREAM.own_sandbox else None,
    "ALLOW_OPEN_KEY_FILE": ENV["KALSHI_ALLOW_OPEN_KEY_FILE"],
    "REQUEST_FUNCTION": ENV["KALSHI_REQUEST_FUNCTION"],
    "KEY_RING": ENV["KALSHI_KEY_RING"],
    "KEY_RING_FILE": DATA_DIR / "key_ring",
    "RATE_SHARE": ENV["KALSHI_RATE_SHARE"],
    "MAX_PER_MINUTE": ENV["KALSHI_MAX_PER_MINUTE"],
    "TIMEOUT_S": ENV["KALSHI_TIMEOUT_S"],
    "STATE_DIR": ENV["KALSHI_STATE_DIR"],
    "WORKERS": ENV["WORKERS"],
}
